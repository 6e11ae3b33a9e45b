#ifndef DICT_SPARSE_H
#define DICT_SPARSE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The sparse half of the arithmetic, single-threaded and vectorised: a few rows of a tall matrix, combined or
 * multiplied.  Sums run in the order of the list given, columns apart; dot products in 64 interleaved partial
 * sums and a fixed tree.  w is (anything, d).
 */

/* y = base + sum_j f[j] * w[row[j]]; base (d) may be NULL for zero, and y. */
void sparse_combine(float *y, const float *base, const float *w, size_t d, const uint32_t *row,
		    const float *f, size_t n);
/* y[j] += w[row[j]] . v */
void sparse_dot(float *y, const float *w, size_t d, const uint32_t *row, size_t n, const float *v);
/* sum (d) += x (d), in double */
void sparse_add_d(double *sum, const float *x, size_t d);
/* sum (d) += weight * x (d) */
void sparse_add_weighted_d(double *sum, const float *x, double weight, size_t d);
/* ||x - y||^2 */
double sparse_distance2_d(const float *x, const double *y, size_t d);
/* y = x - y */
void sparse_subtract_from(float *y, const float *x, size_t d);
/* Where f * w > bound among n: writes first + index and f, in order; how many. `hit` has room for n / 2,
 * and for more hits than that `limit` is what fits: it returns limit + 1 and what it wrote is void. */

struct hit {
	uint32_t at;
	float f;
};
size_t sparse_hits(struct hit *hit, size_t limit, uint32_t first, const float *f, const float *w, float bound,
		   size_t n);

#endif
