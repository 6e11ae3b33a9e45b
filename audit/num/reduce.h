#ifndef NUM_REDUCE_H
#define NUM_REDUCE_H

#include "base/par.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Ordered reductions: chunks of REDUCE_CHUNK folded by index in double, so the
 * count of threads cannot change a bit; and selection with ties by smaller index.
 */

enum { REDUCE_CHUNK = 4096 };

double reduce_sum(struct par *p, const float *x, size_t n);
double reduce_dot(struct par *p, const float *a, const float *b, size_t n);
double reduce_sum_d(const double *x, size_t n);

/* The k largest of x, largest first; ties: smaller index first. k <= n. NaN counts as the least. */
void reduce_top_k(uint32_t *index, size_t k, const float *x, size_t n);
void reduce_top_k_d(uint32_t *index, size_t k, const double *x, size_t n);
/* index[0..n) = 0..n-1 ordered by x ascending, stable; NaN first, the zeros equal. */
void reduce_order(uint32_t *index, const double *x, size_t n);

#endif
