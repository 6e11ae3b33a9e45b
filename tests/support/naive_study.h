#ifndef SUPPORT_NAIVE_STUDY_H
#define SUPPORT_NAIVE_STUDY_H

#include "dict/dfc.h"

#include <stddef.h>

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

#endif
