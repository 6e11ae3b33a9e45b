#ifndef DICT_DECODE_H
#define DICT_DECODE_H

#include "dict/by_latent.h"
#include "dict/carve.h"
#include "dict/dfc.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Reconstructions and what is left of rows after them.  Only latents that are on are touched.
 */

/* Sums over a batch of rows, folded in a fixed order whoever made the parts. */
struct moments {
	double *square_a, *square_b; /* (max_rows) squared norms */
	double *part;		     /* (units, d_a + d_b) column sums of MOMENT_ROWS rows each */
	double *column;		     /* (d_a + d_b) column sums of all */
	double sum_a, sum_b;	     /* of the squared norms */
	double about_a, about_b;     /* the same about the mean row: sum ||x||^2 - ||sum x||^2 / n */
};

enum { MOMENT_ROWS = 32 };

void moments_carve(struct moments *m, struct carve *room, const struct dfc_shape *s, size_t max_rows);
/* Rows first .. first+n-1 of the batch, n <= MOMENT_ROWS, first a multiple of it: one unit's share. */
void moments_add(struct moments *m, const struct dfc_shape *s, size_t first, size_t n, const float *xa,
		 const float *xb);
void moments_fold(struct moments *m, const struct dfc_shape *s, size_t n);

/* ra (n, d_a) = ta - sum f dec_a [- bias_a], rb likewise, and the moments of both. */
struct residual {
	float *ra, *rb;
	const float *ta, *tb;
	bool bias;
};
/* `on` is of the same codes; its pulls are filled. */
void decode_residual(const struct dfc *d, struct par *p, const struct residual *r, const struct codes *c,
		     struct by_latent *on, struct moments *m);

#endif
