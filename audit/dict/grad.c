#include "dict/grad.h"

#include "dict/sparse.h"
#include "dict/span.h"
#include "num/ops.h"

#include <string.h>

enum { UNIT_LATENTS = 16 };

struct job {
	struct grad *g;
	const struct dfc *d;
	const float *xa, *xb;
	const struct lesson *main, *aux;
};

/* The latent's rows in one model's gradient; their squared norms. */
static double learn(float *enc, float *dec, const float *x, const float *e, size_t d,
		    const struct by_latent *on, struct span at)
{
	const uint32_t *row = on->row + at.first;

	sparse_combine(enc, NULL, x, d, row, on->pull + at.first, at.end - at.first);
	sparse_combine(dec, NULL, e, d, row, on->value + at.first, at.end - at.first);
	return op_norm2_d(enc, d) + op_norm2_d(dec, d);
}

/* Pulls become dL/df and values -coef * f in their places. */
static double learn_latent(const struct job *j, size_t i, const struct lesson *t)
{
	const struct dfc_shape *s = &j->d->shape;
	struct span at = { t->on->start[i], t->on->start[i + 1] };
	size_t b = i - s->n_a;
	struct dfc *g = &j->g->of;
	float coef = (float)t->coef;
	double norm2, bias = 0.0;

	for (size_t k = at.first; k < at.end; k++) {
		t->on->pull[k] *= -coef;
		t->on->value[k] *= -coef;
		bias += (double)t->on->pull[k];
	}
	g->bias_enc[i] = (float)bias;
	norm2 = (double)g->bias_enc[i] * (double)g->bias_enc[i];
	if (dfc_decoder_a(j->d, i))
		norm2 += learn(g->enc_a + i * s->d_a, g->dec_a + i * s->d_a, j->xa, t->ea, s->d_a, t->on, at);
	if (dfc_decoder_b(j->d, i))
		norm2 += learn(g->enc_b + b * s->d_b, g->dec_b + b * s->d_b, j->xb, t->eb, s->d_b, t->on, at);
	return norm2;
}

static bool is_on(const struct lesson *t, size_t latent)
{
	return t && t->on->start[latent + 1] > t->on->start[latent];
}

/* A latent that is on has a gradient, if only of zeros; 2^-1000 tells it from one that is not, and adds
 * nothing. */
static void latents_unit(void *ud, size_t unit, void *scratch)
{
	const struct job *j = ud;
	struct span u = span_of(unit, UNIT_LATENTS, dfc_latents(&j->d->shape));

	(void)scratch;
	for (size_t i = u.first; i < u.end; i++) {
		const struct lesson *t = is_on(j->main, i) ? j->main : is_on(j->aux, i) ? j->aux : NULL;

		j->g->norm2[i] = t ? learn_latent(j, i, t) + 0x1p-1000 : 0.0;
	}
}

bool grad_touches(const struct grad *g, size_t latent)
{
	return g->norm2[latent] != 0.0;
}

static double bias_gradient(float *bias, const double *column, double coef, size_t d)
{
	double norm2 = 0.0;

	for (size_t c = 0; c < d; c++) {
		bias[c] = (float)(-coef * column[c]);
		norm2 += (double)bias[c] * (double)bias[c];
	}
	return norm2;
}

void grad_run(struct grad *g, const struct dfc *d, struct par *p, const float *xa, const float *xb,
	      const struct lesson *main, const struct lesson *aux, const double *column)
{
	size_t n = dfc_latents(&d->shape);
	struct job j = { g, d, xa, xb, main, aux };
	double norm2;

	par_run(p, span_count(n, UNIT_LATENTS), latents_unit, &j);
	norm2 = bias_gradient(g->of.bias_a, column, main->coef, d->shape.d_a);
	norm2 += bias_gradient(g->of.bias_b, column + d->shape.d_a, main->coef, d->shape.d_b);
	g->bad = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		norm2 += g->norm2[i];
		if (g->bad == SIZE_MAX && !__builtin_isfinite(g->norm2[i]))
			g->bad = i;
	}
	g->norm = __builtin_sqrt(norm2);
}
