#include "study/cofire.h"

#include "base/mem.h"
#include "num/fmath.h"

void spread_make(struct spread *out, const struct active *a)
{
	double n = (double)a->n_rows;

	out->mean = mem_alloc(2 * a->n_latents + 1, sizeof(*out->mean));
	out->sd = out->mean + a->n_latents;
	for (size_t k = 0; k < a->n_latents; k++) {
		double sum = 0, square = 0;

		for (size_t i = a->latent_start[k]; i < a->latent_start[k + 1]; i++) {
			sum += (double)a->value[i];
			square += (double)a->value[i] * (double)a->value[i];
		}
		out->mean[k] = n > 0 ? sum / n : 0;
		square -= sum * out->mean[k];
		out->sd[k] = square > 0 ? fm_sqrt_d(square) : 0;
	}
}

void spread_release(struct spread *s)
{
	mem_free(s->mean);
	*s = (struct spread){ .mean = NULL };
}

double spread_correlation(const struct spread *a, size_t i, const struct spread *b, size_t k, double product,
			  size_t n_rows)
{
	double scale = a->sd[i] * b->sd[k];

	return scale > 0 ? (product - (double)n_rows * a->mean[i] * b->mean[k]) / scale : 0;
}

void cofire(double *product, const struct active *a, size_t i, const struct active *b)
{
	for (size_t f = a->latent_start[i]; f < a->latent_start[i + 1]; f++) {
		size_t row = a->row[f];

		for (size_t k = b->row_start[row]; k < b->row_start[row + 1]; k++)
			product[b->latent[k]] += (double)a->value[f] * (double)b->row_value[k];
	}
}
