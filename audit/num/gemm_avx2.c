#include "num/gemm_turn.h"

#if defined(__x86_64__)

enum { LANE = 8, COLS = 24 }; /* four rows of it: 12 sums, 3 right, 1 left, all 16 registers */

/* rows and cols (in vectors) are constants in every call, so that the sums stay in registers. */
GEMM_INLINE void block(const struct gemm_block *b, float *c, const float *left, const float *right,
		       size_t rows, size_t cols)
{
	__m256 sum[4][3];

	UNROLL(4)
	for (size_t i = 0; i < rows; i++) {
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			_mm_prefetch((const char *)(c + i * b->ldc + j * LANE), _MM_HINT_T0);
			sum[i][j] = _mm256_setzero_ps();
		}
	}
	for (size_t k = 0; k < b->depth; k++, left += GEMM_MR, right += b->ldr) {
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
	for (size_t i = 0; i < rows; i++) {
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			float *at = c + i * b->ldc + j * LANE;

			if (b->add)
				sum[i][j] = _mm256_add_ps(_mm256_loadu_ps(at), sum[i][j]);
			_mm256_storeu_ps(at, sum[i][j]);
		}
	}
}

#define BLOCK(rows, cols)                                                                                    \
	GEMM_AVX2 static void block_##rows##_##cols(const struct gemm_block *b, float *c, const float *left, \
						    const float *right)                                      \
	{                                                                                                    \
		const struct gemm_block own = *b;                                                            \
                                                                                                             \
		block(&own, c, left, right, rows, cols);                                                     \
	}
#define BLOCKS(cols) BLOCK(1, cols) BLOCK(2, cols) BLOCK(4, cols)

BLOCKS(1)
BLOCKS(2)
BLOCKS(3)

static void multiply_whole(const struct gemm_block *b)
{
	static void (*const of[3][3])(const struct gemm_block *, float *, const float *, const float *) = {
		{ block_1_1, block_1_2, block_1_3 },
		{ block_2_1, block_2_2, block_2_3 },
		{ block_4_1, block_4_2, block_4_3 },
	};

	for (size_t j = 0; j < b->n; j += COLS) {
		size_t vectors = b->n - j < COLS ? (b->n - j + LANE - 1) / LANE : COLS / LANE, log2 = 2;

		for (size_t i = 0; i < b->m; i += (size_t)1 << log2) {
			while ((size_t)1 << log2 > b->m - i)
				log2--;
			of[log2][vectors - 1](b, b->c + i * b->ldc + j, b->left + i, b->right + j);
		}
	}
}

static void multiply(const struct gemm_block *b)
{
	if (b->n % LANE == 0)
		multiply_whole(b);
	else
		multiply_edge(b, multiply_whole);
}

const struct gemm_kernel gemm_kernel_avx2 = {
	.name = "avx2",
	.columns = COLS,
	.vector = LANE,
	.multiply = multiply,
	.left = gemm_left,
	.right = {
		[DT_F32] = gemm_right_f32,
		[DT_BF16] = gemm_right_bf16,
		[DT_F16] = gemm_right_f16,
		[DT_MXFP4] = gemm_right_mxfp4,
	},
	.few = {
		[DT_F32] = gemm_few_f32,
		[DT_BF16] = gemm_few_bf16,
		[DT_F16] = gemm_few_f16,
		[DT_MXFP4] = gemm_few_mxfp4,
	},
};

#endif
