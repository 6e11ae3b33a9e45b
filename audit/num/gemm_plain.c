#include "num/gemm_kernel.h"

#include <string.h>

/*
 * The kernel for any machine, and the meaning of the others: nothing but the order of operations that gemm.h
 * promises.  Where there is no fused multiply-add instruction it is made of exact steps in double.
 */

#if defined(__FP_FAST_FMAF)

static inline float fused(float a, float b, float c)
{
	return __builtin_fmaf(a, b, c);
}

#else

/* The product is exact in double. The sum is rounded to odd (Boldo and Melquiond 2008): where it is
 * inexact, to that neighbour whose last bit is set, so that the second rounding, to float, sees which side
 * of a tie it was on. */
static inline float fused(float a, float b, float c)
{
	double p = (double)a * (double)b, d = (double)c;
	double s = p + d;
	double t = s - p;
	double lost = (p - (s - t)) + (d - t);
	uint64_t u;

	memcpy(&u, &s, sizeof(u));
	if (s - s == 0.0 && lost != 0.0 && u % 2 == 0) {
		u = (lost > 0.0) == (s > 0.0) ? u + 1 : u - 1;
		memcpy(&s, &u, sizeof(s));
	}
	return (float)s;
}

#endif

static void multiply(const struct gemm_block *b)
{
	for (size_t i = 0; i < b->m; i++) {
		float sum[GEMM_NR] = { 0 };

		for (size_t k = 0; k < b->depth; k++)
			for (size_t j = 0; j < b->n; j++)
				sum[j] = fused(b->left[k * GEMM_MR + i], b->right[k * b->ldr + j], sum[j]);
		for (size_t j = 0; j < b->n; j++) {
			float *at = b->c + i * b->ldc + j;

			*at = b->add ? *at + sum[j] : sum[j];
		}
	}
}

static void turn(float *panel, size_t width, const struct gemm_rows *w, size_t m, size_t depth)
{
	for (size_t i = 0; i < m; i++)
		for (size_t k = 0; k < depth; k++)
			memcpy(panel + k * width + i, w->data + (i * w->ld + k) * sizeof(*panel),
			       sizeof(*panel));
}

static void left(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn(panel, GEMM_MR, w, m, depth);
}

static void right(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn(panel, w->width, w, m, depth);
}

const struct gemm_kernel gemm_kernel_plain = {
	.name = "plain",
	.rows = GEMM_MR,
	.columns = GEMM_NR,
	.vector = 1,
	.multiply = multiply,
	.left = left,
	.right = { [DT_F32] = right },
};
