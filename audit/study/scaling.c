#include "study/scaling.h"

#include "base/mem.h"
#include "num/ops.h"

#include <string.h>

/* Of one latent: sums over its rows. */
struct sums {
	double square;			 /* f^2 ||d||^2 */
	double own_error, own_recon;	 /* f d . y of its own model */
	double other_error, other_recon; /* of the other */
};

struct scaling_sums {
	const struct dfc *d;
	const struct active *a;
	struct par *par;
	struct sums *sum;	    /* (n_latents) */
	size_t *cursor;		    /* (n_latents) the first of its activations not yet added */
	float *recon[2], *error[2]; /* (rows of one batch, d) */
	size_t first, n, cap;
};

struct scaling_sums *scaling_new(const struct dfc *d, const struct active *a, struct par *p)
{
	struct scaling_sums *s;

	if (d->shape.d_a != d->shape.d_b)
		return NULL;
	s = mem_alloc(1, sizeof(*s));
	*s = (struct scaling_sums){ .d = d, .a = a, .par = p };
	s->sum = mem_alloc(a->n_latents + 1, sizeof(*s->sum));
	s->cursor = mem_alloc(a->n_latents + 1, sizeof(*s->cursor));
	memcpy(s->cursor, a->latent_start, a->n_latents * sizeof(*s->cursor));
	return s;
}

void scaling_free(struct scaling_sums *s)
{
	if (s == NULL)
		return;
	for (size_t m = 0; m < 2; m++) {
		mem_free(s->recon[m]);
		mem_free(s->error[m]);
	}
	mem_free(s->sum);
	mem_free(s->cursor);
	mem_free(s);
}

/* One exclusive latent over the batch's rows: a unit, so that the order of its sum is that of the rows. */
static void latent_add(void *ud, size_t unit, void *scratch)
{
	struct scaling_sums *s = ud;
	const struct dfc_shape *shape = &s->d->shape;
	size_t width = shape->d_a, own = unit < shape->n_a ? 0 : 1;
	size_t latent = own == 0 ? unit : shape->n_shared + unit;
	const float *row = own == 0 ? dfc_decoder_a(s->d, latent) : dfc_decoder_b(s->d, latent);
	double norm2 = op_norm2_d(row, width);
	struct sums *sum = &s->sum[latent];

	(void)scratch;
	for (size_t *i = &s->cursor[latent];
	     *i < s->a->latent_start[latent + 1] && s->a->row[*i] < s->first + s->n; ++*i) {
		double f = (double)s->a->value[*i];
		size_t at = (s->a->row[*i] - s->first) * width;

		sum->square += f * f * norm2;
		sum->own_error += f * op_dot_d(row, s->error[own] + at, width) + f * f * norm2;
		sum->own_recon += f * op_dot_d(row, s->recon[own] + at, width);
		sum->other_error += f * op_dot_d(row, s->error[1 - own] + at, width);
		sum->other_recon += f * op_dot_d(row, s->recon[1 - own] + at, width);
	}
}

void scaling_add(struct scaling_sums *s, const float *xa, const float *xb, size_t first, size_t n)
{
	size_t width = s->d->shape.d_a;
	const float *x[2] = { xa, xb };
	const float scale[2] = { s->d->scale_a, s->d->scale_b };
	struct codes codes = { .n = n,
			       .n_latents = s->a->n_latents,
			       .start = s->a->row_start + first,
			       .latent = s->a->latent,
			       .value = s->a->row_value };

	for (size_t m = 0; m < 2 && n > s->cap; m++) {
		mem_free(s->recon[m]);
		mem_free(s->error[m]);
		s->recon[m] = mem_alloc(n * width, sizeof(float));
		s->error[m] = mem_alloc(n * width, sizeof(float));
	}
	s->cap = n > s->cap ? n : s->cap;
	dfc_decode(s->d, s->par, s->recon[0], s->recon[1], &codes, false);
	for (size_t m = 0; m < 2; m++) {
		for (size_t i = 0; i < n * width; i++)
			s->error[m][i] = x[m][i] * scale[m] - s->recon[m][i];
	}
	s->first = first;
	s->n = n;
	par_run(s->par, s->d->shape.n_a + s->d->shape.n_b, latent_add, s);
}

void scaling_end(struct scaling *out, const struct scaling_sums *s)
{
	memset(out, 0, s->a->n_latents * sizeof(*out));
	for (size_t i = 0; i < s->a->n_latents; i++) {
		const struct sums *k = &s->sum[i];

		if (k->square <= 0 || k->own_error == 0 || k->own_recon == 0)
			continue;
		out[i] = (struct scaling){ true, k->other_error / k->own_error,
					   k->other_recon / k->own_recon };
	}
}
