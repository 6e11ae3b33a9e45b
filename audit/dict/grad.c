#include "dict/grad.h"

#include "dict/sparse.h"
#include "dict/span.h"
#include "num/ops.h"

#include <string.h>

enum { UNIT_LATENTS = 16 };

void by_latent_carve(struct by_latent *t, struct carve *room, size_t n_latents, size_t cap)
{
	t->start = carve_take(room, n_latents + 1, sizeof(*t->start));
	t->row = carve_take(room, cap, sizeof(*t->row));
	t->value = carve_take(room, cap, sizeof(*t->value));
}

/* A counting sort: start[i + 1] counts, then is the end of latent i - 1 and moves to the end of latent i. */
void by_latent_make(struct by_latent *t, const struct codes *c)
{
	size_t n = c->n_latents, total = 0, count;

	memset(t->start, 0, (n + 1) * sizeof(*t->start));
	for (size_t i = 0; i < c->start[c->n]; i++)
		t->start[c->latent[i] + 1]++;
	for (size_t i = 1; i <= n; i++) {
		count = t->start[i];
		t->start[i] = total;
		total += count;
	}
	for (size_t r = 0; r < c->n; r++)
		for (size_t i = c->start[r]; i < c->start[r + 1]; i++) {
			size_t to = t->start[c->latent[i] + 1]++;

			t->row[to] = (uint32_t)r;
			t->value[to] = c->value[i];
		}
}

struct job {
	struct grad *g;
	const struct dfc *d;
	const float *xa, *xb;
	const struct lesson *main, *aux;
};

/* One latent's list, and room for two coefficients a row. */
struct list {
	const uint32_t *row;
	const float *value;
	size_t n;
	float *by_f, *by_value; /* dL/df of each row; -coef * f */
};

/* enc, dec: the latent's rows in one model's gradient; their squared norms. */
static double learn(const struct list *l, float *enc, float *dec, const float *x, const float *e, size_t d)
{
	sparse_combine(enc, NULL, x, d, l->row, l->by_f, l->n);
	sparse_combine(dec, NULL, e, d, l->row, l->by_value, l->n);
	return op_norm2_d(enc, d) + op_norm2_d(dec, d);
}

static double learn_latent(const struct job *j, size_t i, const struct lesson *t, float *room)
{
	const struct dfc_shape *s = &j->d->shape;
	size_t first = t->on->start[i], n = t->on->start[i + 1] - first, b = i - s->n_a;
	struct list l = { t->on->row + first, t->on->value + first, n, room, room + n };
	const float *dec_a = dfc_decoder_a(j->d, i), *dec_b = dfc_decoder_b(j->d, i);
	struct dfc *g = &j->g->of;
	float coef = (float)t->coef;
	double norm2 = 0.0, bias = 0.0;

	memset(l.by_f, 0, n * sizeof(float));
	if (dec_a)
		sparse_dot(l.by_f, t->ea, s->d_a, l.row, n, dec_a);
	if (dec_b)
		sparse_dot(l.by_f, t->eb, s->d_b, l.row, n, dec_b);
	for (size_t r = 0; r < n; r++) {
		l.by_f[r] *= -coef;
		l.by_value[r] = -coef * l.value[r];
		bias += (double)l.by_f[r];
	}
	g->bias_enc[i] = (float)bias;
	norm2 = (double)g->bias_enc[i] * (double)g->bias_enc[i];
	if (dec_a)
		norm2 += learn(&l, g->enc_a + i * s->d_a, g->dec_a + i * s->d_a, j->xa, t->ea, s->d_a);
	if (dec_b)
		norm2 += learn(&l, g->enc_b + b * s->d_b, g->dec_b + b * s->d_b, j->xb, t->eb, s->d_b);
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

	for (size_t i = u.first; i < u.end; i++) {
		const struct lesson *t = is_on(j->main, i) ? j->main : is_on(j->aux, i) ? j->aux : NULL;

		j->g->norm2[i] = t ? learn_latent(j, i, t, scratch) + 0x1p-1000 : 0.0;
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

static size_t most_rows(const struct lesson *t, size_t n_latents)
{
	size_t most = 0;

	for (size_t i = 0; t && i < n_latents; i++)
		most = t->on->start[i + 1] - t->on->start[i] > most ? t->on->start[i + 1] - t->on->start[i]
								    : most;
	return most;
}

void grad_run(struct grad *g, const struct dfc *d, struct par *p, const float *xa, const float *xb,
	      const struct lesson *main, const struct lesson *aux, const double *column)
{
	size_t n = dfc_latents(&d->shape), room = par_scratch(p) / (2 * sizeof(float));
	struct job j = { g, d, xa, xb, main, aux };
	double norm2;

	BUG_ON(most_rows(main, n) > room || most_rows(aux, n) > room);
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
