#ifndef SUPPORT_NAIVE_H
#define SUPPORT_NAIVE_H

#include <stddef.h>

/* The oracle: loops in double, written from the equations, by nothing that audit/ is made of. */

/* A matrix of floats of any orientation: value (i, j) at p[i * row + j * col]. */
struct naive_matrix {
	const float *p;
	size_t row, col;
};

/* c (m, n) = a (m, k) * b (k, n); size (m, n), where not NULL: the sum of the products' magnitudes, which
 * bounds the rounding of any order of summing. */
void naive_product(double *c, double *size, struct naive_matrix a, struct naive_matrix b, size_t m, size_t n,
		   size_t k);

#endif
