#include "num/gemm_kernel.h"

#if defined(__x86_64__)

#define GEMM_TARGET __attribute__((target("avx2,fma,f16c")))

#include "num/gemm_rows.h"

enum { LANE = 8, ROWS = 4, COLS = 24 }; /* 12 sums, 3 right, 1 left: all 16 registers */

GEMM_RIGHT(f32, DT_F32)
GEMM_RIGHT(bf16, DT_BF16)
GEMM_RIGHT(f16, DT_F16)
GEMM_RIGHT(mxfp4, DT_MXFP4)
GEMM_FEW_ROWS(f32, DT_F32)
GEMM_FEW_ROWS(bf16, DT_BF16)
GEMM_FEW_ROWS(f16, DT_F16)
GEMM_FEW_ROWS(mxfp4, DT_MXFP4)

GEMM_TARGET static void left_f32(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn_left(panel, w, m, depth);
}

/* rows and cols (in vectors) are constants in every call, so that the sums stay in registers. */
GEMM_INLINE void block(float *c, size_t ldc, const float *left, const float *right, size_t ldr, size_t depth, int add,
		       size_t rows, size_t cols)
{
	__m256 sum[4][3];

	UNROLL(4)
	for (size_t i = 0; i < rows; i++)
		UNROLL(3)
		for (size_t j = 0; j < cols; j++)
			sum[i][j] = _mm256_setzero_ps();
	for (size_t k = 0; k < depth; k++, left += GEMM_MR, right += ldr) {
		__m256 r[3];

		UNROLL(3)
		for (size_t j = 0; j < cols; j++)
			r[j] = _mm256_loadu_ps(right + j * LANE);
		UNROLL(4)
		for (size_t i = 0; i < rows; i++) {
			__m256 l = _mm256_broadcast_ss(left + i);

			UNROLL(3)
			for (size_t j = 0; j < cols; j++)
				sum[i][j] = _mm256_fmadd_ps(l, r[j], sum[i][j]);
		}
	}
	UNROLL(4)
	for (size_t i = 0; i < rows; i++)
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			float *at = c + i * ldc + j * LANE;

			if (add)
				sum[i][j] = _mm256_add_ps(_mm256_loadu_ps(at), sum[i][j]);
			_mm256_storeu_ps(at, sum[i][j]);
		}
}

#define BLOCK(rows, cols)                                                                                          \
	GEMM_TARGET static void block_##rows##_##cols(float *c, size_t ldc, const float *left, const float *right, \
						      size_t ldr, size_t depth, int add)                           \
	{                                                                                                          \
		block(c, ldc, left, right, ldr, depth, add, rows, cols);                                           \
	}
#define BLOCKS(cols) BLOCK(1, cols) BLOCK(2, cols) BLOCK(4, cols)

BLOCKS(1)
BLOCKS(2)
BLOCKS(3)

static void multiply_whole(float *c, size_t ldc, const float *left, const float *right, size_t ldr, size_t m,
			   size_t n, size_t depth, int add)
{
	typedef void (*block_fn)(float *, size_t, const float *, const float *, size_t, size_t, int);
	static const block_fn of[3][3] = {
		{ block_1_1, block_1_2, block_1_3 },
		{ block_2_1, block_2_2, block_2_3 },
		{ block_4_1, block_4_2, block_4_3 },
	};

	for (size_t j = 0; j < n; j += COLS) {
		size_t vectors = n - j < COLS ? (n - j + LANE - 1) / LANE : COLS / LANE, log2 = 2;

		for (size_t i = 0; i < m; i += (size_t)1 << log2) {
			while ((size_t)1 << log2 > m - i)
				log2--;
			of[log2][vectors - 1](c + i * ldc + j, ldc, left + i, right + j, ldr, depth, add);
		}
	}
}

static void multiply(float *c, size_t ldc, const float *left, const float *right, size_t ldr, size_t m, size_t n,
		     size_t depth, int add)
{
	float edge[GEMM_MR * GEMM_NR];

	if (n % LANE == 0) {
		multiply_whole(c, ldc, left, right, ldr, m, n, depth, add);
		return;
	}
	for (size_t i = 0; add && i < m; i++)
		memcpy(edge + i * GEMM_NR, c + i * ldc, n * sizeof(*c));
	multiply_whole(edge, GEMM_NR, left, right, ldr, m, n, depth, add);
	for (size_t i = 0; i < m; i++)
		memcpy(c + i * ldc, edge + i * GEMM_NR, n * sizeof(*c));
}

const struct gemm_kernel gemm_kernel_avx2 = {
	.name = "avx2",
	.multiply = multiply,
	.left = left_f32,
	.right = { [DT_F32] = right_f32, [DT_BF16] = right_bf16, [DT_F16] = right_f16, [DT_MXFP4] = right_mxfp4 },
	.few = { [DT_F32] = few_f32, [DT_BF16] = few_bf16, [DT_F16] = few_f16, [DT_MXFP4] = few_mxfp4 },
};

#endif
