#include "num/gemm_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define GEMM_TARGET __attribute__((target("avx512f,avx512vl,avx2,fma,f16c")))
#define GEMM_NIBBLES nibbles_by_16

/* The e2m1 values of the low nibbles: a look-up over two registers. */
static inline __attribute__((always_inline)) GEMM_TARGET __m256 nibbles_by_16(__m256i word)
{
	const __m256 plus = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
	const __m256 minus = _mm256_setr_ps(-0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);

	return _mm256_permutex2var_ps(plus, word, minus);
}

#include "num/gemm_rows.h"

enum { LANE = 16 };

GEMM_ROWS_OF(f32, DT_F32)
GEMM_ROWS_OF(bf16, DT_BF16)
GEMM_ROWS_OF(f16, DT_F16)
GEMM_ROWS_OF(mxfp4, DT_MXFP4)

/* rows and cols (in vectors) are constants in every call, so that the sums stay in registers. */
GEMM_INLINE void block(float *c, size_t ldc, const float *left, const float *right, size_t ldr, size_t depth, int add,
		       size_t rows, size_t cols)
{
	__m512 sum[8][3];

	UNROLL(8)
	for (size_t i = 0; i < rows; i++)
		UNROLL(3)
		for (size_t j = 0; j < cols; j++)
			sum[i][j] = _mm512_setzero_ps();
	for (size_t k = 0; k < depth; k++, left += GEMM_MR, right += ldr) {
		__m512 r[3];

		UNROLL(3)
		for (size_t j = 0; j < cols; j++)
			r[j] = _mm512_loadu_ps(right + j * LANE);
		UNROLL(8)
		for (size_t i = 0; i < rows; i++) {
			__m512 l = _mm512_set1_ps(left[i]);

			UNROLL(3)
			for (size_t j = 0; j < cols; j++)
				sum[i][j] = _mm512_fmadd_ps(l, r[j], sum[i][j]);
		}
	}
	UNROLL(8)
	for (size_t i = 0; i < rows; i++)
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			float *at = c + i * ldc + j * LANE;

			if (add)
				sum[i][j] = _mm512_add_ps(_mm512_loadu_ps(at), sum[i][j]);
			_mm512_storeu_ps(at, sum[i][j]);
		}
}

#define BLOCK(rows, cols)                                                                                          \
	GEMM_TARGET static void block_##rows##_##cols(float *c, size_t ldc, const float *left, const float *right, \
						      size_t ldr, size_t depth, int add)                           \
	{                                                                                                          \
		block(c, ldc, left, right, ldr, depth, add, rows, cols);                                           \
	}
#define BLOCKS(cols) BLOCK(1, cols) BLOCK(2, cols) BLOCK(4, cols) BLOCK(8, cols)

BLOCKS(1)
BLOCKS(2)
BLOCKS(3)

static void multiply(float *c, size_t ldc, const float *left, const float *right, size_t ldr, size_t m, size_t n,
		     size_t depth, int add)
{
	typedef void (*block_fn)(float *, size_t, const float *, const float *, size_t, size_t, int);
	static const block_fn of[4][3] = {
		{ block_1_1, block_1_2, block_1_3 },
		{ block_2_1, block_2_2, block_2_3 },
		{ block_4_1, block_4_2, block_4_3 },
		{ block_8_1, block_8_2, block_8_3 },
	};
	size_t vectors = (n + LANE - 1) / LANE, ld = ldc, log2 = 3;
	float edge[GEMM_MR * GEMM_NR];
	float *to = c;

	if (n % LANE != 0) {
		to = edge;
		ld = GEMM_NR;
		for (size_t i = 0; add && i < m; i++)
			memcpy(edge + i * ld, c + i * ldc, n * sizeof(*c));
	}
	for (size_t i = 0; i < m; i += (size_t)1 << log2) {
		while ((size_t)1 << log2 > m - i)
			log2--;
		of[log2][vectors - 1](to + i * ld, ld, left + i, right, ldr, depth, add);
	}
	for (size_t i = 0; to == edge && i < m; i++)
		memcpy(c + i * ldc, edge + i * ld, n * sizeof(*c));
}

const struct gemm_kernel gemm_kernel_avx512 = {
	.name = "avx512",
	.multiply = multiply,
	.turn = { [DT_F32] = turn_f32, [DT_BF16] = turn_bf16, [DT_F16] = turn_f16, [DT_MXFP4] = turn_mxfp4 },
	.few = { [DT_F32] = few_f32, [DT_BF16] = few_bf16, [DT_F16] = few_f16, [DT_MXFP4] = few_mxfp4 },
};

#endif
