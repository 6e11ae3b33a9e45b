#ifndef NUM_BLAS_H
#define NUM_BLAS_H

#include <stddef.h>

/*
 * The machine's own BLAS (OpenBLAS), to measure ours against: bench and tests.  Nothing that an audit says
 * comes from here; its bits depend on its version and kernels, on threads, and on how a product is cut.
 */

/* To be called once, before the first product: one thread. */
void blas_setup(void);
/* The same with threads of its own; 1 undoes it. */
void blas_threads(unsigned n);
/* "OpenBLAS 0.3.21 ..." with its kernel family; static */
const char *blas_name(void);
/* c (m, n) = a (m, k) * b (n, k)^T, in the calling thread. */
void blas_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k);

#endif
