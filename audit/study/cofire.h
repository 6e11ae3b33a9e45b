#ifndef STUDY_COFIRE_H
#define STUDY_COFIRE_H

#include "base/par.h"
#include "study/active.h"

#include <stddef.h>

/*
 * Pearson correlation of activations, zeros included, from sums over rows where both latents are on.
 */

struct spread {
	double *mean,
		*sd; /* (n_latents) over all rows; sd is the root of the sum of squares about the mean */
};

void spread_make(struct spread *out, const struct active *a);
void spread_release(struct spread *s);
/* `product`: sum over rows of the two activations' product. 0 where one of them never varies. */
double spread_correlation(const struct spread *a, size_t i, const struct spread *b, size_t k, double product,
			  size_t n_rows);

/* product[k] = sum over the rows where latent i of `a` is on, of its value and that of latent k of `b`; product
 * (b->n_latents) is zero before.  `a` and `b` have the same rows. */
void cofire(double *product, const struct active *a, size_t i, const struct active *b);

#endif
