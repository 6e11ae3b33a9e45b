#ifndef NUM_STATS_H
#define NUM_STATS_H

#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Statistics with counter-based draws: the same answer for the same stream,
 * whatever ran before.  p-values of permutation tests count the observed value
 * itself: (1 + draws at least as extreme) / (1 + draws).
 */

struct interval {
	double mean, lo, hi;
};

/* Percentile bootstrap of the mean. level 0.95. n 0 gives zeros; n 1 gives lo = hi = mean. */
struct interval stats_bootstrap_mean(const double *x, size_t n, double level, size_t draws, struct rng r);
/* One-sided p of mean(a) - mean(b) > 0 by shuffling labels. */
double stats_permutation_p(const double *a, size_t n_a, const double *b, size_t n_b, size_t draws,
			   struct rng r);
/* One-sided p of mean(x) > 0 by flipping signs. */
double stats_sign_flip_p(const double *x, size_t n, size_t draws, struct rng r);
double stats_mean(const double *x, size_t n);
/* n - 1 in the denominator; 0 for n < 2, and where it is less than 1e-12 of the mean: values that only rounding tells apart. */
double stats_sd(const double *x, size_t n);
double stats_error(const double *x, size_t n);			  /* of the mean: sd / sqrt(n); 0 for n < 2 */
double stats_median(const double *x, size_t n);			  /* copies and sorts; n > 0 */
double stats_quantile(const double *x, size_t n, double q);	  /* linear between order statistics */
double stats_pearson(const double *x, const double *y, size_t n); /* 0 where one is constant */
double stats_spearman(const double *x, const double *y, size_t n); /* mid-ranks for ties */
double stats_slope(const double *x, const double *y, size_t n);	   /* least squares */
/* One-sided p that y rises with x: Spearman against permutations of y. */
double stats_trend_p(const double *x, const double *y, size_t n, size_t draws, struct rng r);
/* One-sided p that the mean over columns of y (n, columns) rises with x (n): its slope against y permuted within columns. */
double stats_trend_within_p(const double *x, const double *y, size_t n, size_t columns, size_t draws,
			    struct rng r);
/* Benjamini-Hochberg: q[i] = adjusted p[i]. */
void stats_bh(double *q, const double *p, size_t n);
/* Area under the ROC curve of score for label 1 against 0, ties half; 0.5 where one class is empty. */
double stats_auroc(const double *score, const uint8_t *label, size_t n);

#endif
