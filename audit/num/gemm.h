#ifndef NUM_GEMM_H
#define NUM_GEMM_H

#include "base/par.h"
#include "num/dtype.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Every matrix product in the project.  What an element is, is written down to the last bit:
 *
 *	c_ij = ((s_0 + s_1) + s_2) + ...,	with beta 1: ((c_ij + s_0) + s_1) + ...
 *	s_q  = the products a_ik b_kj of k = 256 q .. 256 q + 255, added to zero one after another in the
 *	       order of k, each by a fused multiply-add (IEEE 754-2008, one rounding); a bias is added last
 *
 * and nothing else: not the number of threads or of rows, not where a row stands, not how the weights are
 * stored (widening is exact), not the make of the CPU.  A row alone and the same row in a batch are equal.
 *
 * All matrices are row-major, (rows, cols) in the comments; ld* are row strides in floats. The par given
 * must have at least GEMM_SCRATCH bytes of scratch a thread.
 */

enum { GEMM_SCRATCH = 1 << 20, GEMM_PANEL = 16 };

/* To be called once, before any product. Fails where `backend` is not NULL and not gemm_backend(), and
 * where this process does not compute as IEEE 754 says (a library may have switched denormals off). */
int gemm_setup(const char *backend, struct err *e);

/* y (n, w.rows) = x (n, w.cols) * w^T + bias; bias (w.rows) may be NULL. Stored weights are widened tile by
 * tile, never as a whole. Up to eight rows are computed while the stored format is read, once. */
void gemm_weight(struct par *p, float *y, const float *x, size_t n, const struct tensor *w,
		 const float *bias);
/* The same for weights stored transposed, w (w.rows = in, w.cols = out) (GPT-2's Conv1D, GPT-OSS' bf16
 * experts). */
void gemm_weight_t(struct par *p, float *y, const float *x, size_t n, const struct tensor *w,
		   const float *bias);

/* c (m, n) = beta*c + a * b; nn: a (m, k), b (k, n); tn: a (k, m), b (k, n); nt: a (m, k), b (n, k). beta
 * is 0 or 1. */
void gemm_nn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);
void gemm_tn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);
void gemm_nt(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta);

/* In the calling thread, for units of par_run that make products of their own. Same meaning; takes 184 KiB
 * of stack. */
void gemm_tile_nt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
		  size_t n, size_t k, float beta);

/* The same by a right matrix b (k, n) that lies as the kernels read it, in panels (k, GEMM_PANEL) of some columns each,
 * `apart` floats from one to the next (attention's caches): c (m, n) = beta*c + a (m, k) * b. What the last panel has
 * beyond n is anything. */
void gemm_tile_panels(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t apart,
		      size_t m, size_t n, size_t k, float beta);

/* The name of this arithmetic, for the provenance and the keys: another name, other bits. */
const char *gemm_backend(void);
/* Which of the equal kernels this machine uses ("avx512"), for the log. */
const char *gemm_machine(void);

#endif
