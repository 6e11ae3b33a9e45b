#include "num/gemm_turn.h"

#if defined(__x86_64__)

/* Six rows by two vectors: 12 sums, 2 right, 1 left, of 16 registers. A right panel is 16 KiB, half the first-level
 * cache; the left ones stream past it. */
enum {
	LANE = 8,
	ROWS = GEMM_SMALL_MR,
	COLS = GEMM_SMALL_NR,
	VECTORS = COLS / LANE,
	DEEP = 8,
	AHEAD = 64 * ROWS,
	FEW_ROWS = 4,	   /* that do not last until the right panel has come, where it comes from memory */
	RIGHT_AHEAD = 4096 /* bytes */
};

/* One of the depth. rows, vectors and mostly ldr are constants in every call, so that the sums stay in registers. */
GEMM_INLINE void deepen(__m256 sum[ROWS][VECTORS], const float *left, const float *right, size_t rows,
			size_t vectors)
{
	__m256 r[VECTORS];

	UNROLL(2)
	for (size_t j = 0; j < vectors; j++)
		r[j] = _mm256_loadu_ps(right + j * LANE);
	UNROLL(6)
	for (size_t i = 0; i < rows; i++) {
		__m256 l = _mm256_broadcast_ss(left + i);

		UNROLL(2)
		for (size_t j = 0; j < vectors; j++)
			sum[i][j] = _mm256_fmadd_ps(l, r[j], sum[i][j]);
	}
}

GEMM_INLINE void block(const struct gemm_block *b, size_t ldr, size_t rows, size_t vectors)
{
	const float *left = b->left, *right = b->right;
	__m256 sum[ROWS][VECTORS];
	size_t k = 0;

	UNROLL(6)
	for (size_t i = 0; i < rows; i++) {
		UNROLL(2)
		for (size_t j = 0; j < vectors; j++) {
			_mm_prefetch((const char *)(b->c + i * b->ldc + j * LANE), _MM_HINT_T0);
			sum[i][j] = _mm256_setzero_ps();
		}
	}
	for (; k + DEEP <= b->depth; k += DEEP, left += DEEP * ROWS, right += DEEP * ldr) {
		_mm_prefetch((const char *)((uintptr_t)left + AHEAD * sizeof(*left)), _MM_HINT_T0);
		UNROLL(8)
		for (size_t d = 0; d < DEEP; d++) {
			if (rows <= FEW_ROWS)
				_mm_prefetch((const char *)((uintptr_t)(right + d * ldr) + RIGHT_AHEAD),
					     _MM_HINT_T0);
			deepen(sum, left + d * ROWS, right + d * ldr, rows, vectors);
		}
	}
	for (; k < b->depth; k++, left += ROWS, right += ldr)
		deepen(sum, left, right, rows, vectors);
	UNROLL(6)
	for (size_t i = 0; i < rows; i++) {
		UNROLL(2)
		for (size_t j = 0; j < vectors; j++) {
			float *at = b->c + i * b->ldc + j * LANE;

			if (b->add)
				sum[i][j] = _mm256_add_ps(_mm256_loadu_ps(at), sum[i][j]);
			_mm256_storeu_ps(at, sum[i][j]);
		}
	}
}

#define BLOCK(rows, vectors)                                                       \
	GEMM_AVX2 static void block_##rows##_##vectors(const struct gemm_block *b) \
	{                                                                          \
		const struct gemm_block own = *b;                                  \
                                                                                   \
		if (own.ldr == COLS)                                               \
			block(&own, COLS, rows, vectors);                          \
		else                                                               \
			block(&own, own.ldr, rows, vectors);                       \
	}
#define BLOCKS(rows) BLOCK(rows, 1) BLOCK(rows, 2)

BLOCKS(1)
BLOCKS(2)
BLOCKS(3)
BLOCKS(4)
BLOCKS(5)
BLOCKS(6)

static void multiply_whole(const struct gemm_block *b)
{
	static void (*const of[ROWS][VECTORS])(const struct gemm_block *) = {
		{ block_1_1, block_1_2 }, { block_2_1, block_2_2 }, { block_3_1, block_3_2 },
		{ block_4_1, block_4_2 }, { block_5_1, block_5_2 }, { block_6_1, block_6_2 },
	};

	of[b->m - 1][(b->n + LANE - 1) / LANE - 1](b);
}

static void multiply(const struct gemm_block *b)
{
	multiply_any(b, LANE, multiply_whole);
}

const struct gemm_kernel gemm_kernel_avx2 = {
	.name = "avx2",
	.rows = ROWS,
	.columns = COLS,
	.vector = LANE,
	.multiply = multiply,
	.left = gemm_left_six,
	.few_left = gemm_left_eight,
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
