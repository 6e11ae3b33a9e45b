#ifndef SUPPORT_NAIVE_STUDY_H
#define SUPPORT_NAIVE_STUDY_H

#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What a results.json says of a dictionary on held-out rows, computed again in double, densely, with loops written from
 * METHOD sections 3 and 5.  Shares nothing with audit/ but the order of the parameters.
 */

struct naive_rows {
	const struct dfc *d;
	const float *xa, *xb; /* (n, d_a), (n, d_b), raw */
	const double *gap;    /* (n) nats */
	size_t n;
};

/* One latent.  `edge`: rows whose score is so near the threshold that rounding decides whether it is on. */
struct naive_latent {
	size_t fires, edge;
	double max, mean, relevance;
};

struct naive_fit {
	size_t rows, edge;
	double l0[3], fve, fve_a, fve_b, fve_shared;
};

struct naive_latent naive_latent_study(const struct naive_rows *r, size_t latent);
/* Over the rows that the dictionary's bound on norms lets through. */
struct naive_fit naive_fit_study(const struct naive_rows *r);

/* Activations of all latents on all rows, (n, latents), 0 where off; on the heap. */
double *naive_codes(const struct naive_rows *r);
double naive_norm(const float *x, size_t d);
/* Pearson correlation of two latents' activations. */
double naive_correlation(const struct naive_rows *r, const double *f, size_t i, size_t k);
/* Latent scaling of an exclusive latent (METHOD section 5): ratios of its share in the other model's error and reconstruction. */
void naive_scaling(double *error, double *recon, const struct naive_rows *r, const double *f, size_t latent);
/* Ridge regression of "on" from the other model's rows, fitted where half is 0: the area under its ROC curve where it is 1. */
double naive_auroc(const struct naive_rows *r, const double *f, size_t latent, const uint8_t *half);

#endif
