#ifndef NUM_GEMM_H
#define NUM_GEMM_H

#include "base/par.h"
#include "num/dtype.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Every matrix product in the project.  gemm.c is the only file that calls
 * OpenBLAS, always with one BLAS thread, on tiles cut from the logical shape
 * and nothing else.  Hence the same bits for any number of threads.  Bits still
 * depend on the OpenBLAS version and core; gemm_backend() names both for the
 * provenance and the keys.
 *
 * All matrices are row-major, (rows, cols) in the comments; ld* are row strides in floats.
 * The par given must have at least GEMM_SCRATCH bytes of scratch a thread.
 */

enum {
	GEMM_ROWS = 64,
	GEMM_COLS = 512,
	GEMM_SCRATCH = 4 << 20,
};

/* To be called once, before any product: one BLAS thread; `core` pins the OpenBLAS kernel family
 * ("Haswell", "SkylakeX", ...), NULL takes what the machine is. */
int gemm_setup(const char *core, struct err *e);

/* y (n, w.rows) = x (n, w.cols) * w^T + bias; bias (w.rows) may be NULL. Stored weights are widened tile by
 * tile, never as a whole. One row is computed by a matrix-vector kernel that reads the stored format. */
void gemm_weight(struct par *p, float *y, const float *x, size_t n, const struct tensor *w, const float *bias);
/* The same for weights stored transposed, w (w.rows = in, w.cols = out) (GPT-2's Conv1D, GPT-OSS' bf16 experts). */
void gemm_weight_t(struct par *p, float *y, const float *x, size_t n, const struct tensor *w, const float *bias);

/* c (m, n) = beta*c + a * b; nn: a (m, k), b (k, n); tn: a (k, m), b (k, n); nt: a (m, k), b (n, k). beta is 0 or 1. */
void gemm_nn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);
void gemm_tn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);
void gemm_nt(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);

/* One tile in the calling thread, for units of par_run that make products of their own (attention). Same meaning. */
void gemm_tile_nn(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		  size_t m, size_t n, size_t k, float beta);
void gemm_tile_nt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		  size_t m, size_t n, size_t k, float beta);

const char *gemm_backend(void); /* "OpenBLAS 0.3.21 Cooperlake" */

#endif
