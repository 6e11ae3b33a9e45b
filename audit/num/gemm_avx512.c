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

enum { LANE = 16, MX_BLOCK = 32 };

GEMM_RIGHT(f32, DT_F32)
GEMM_RIGHT(bf16, DT_BF16)
GEMM_RIGHT(f16, DT_F16)
GEMM_RIGHT(mxfp4, DT_MXFP4)
GEMM_FEW_ROWS(f32, DT_F32)
GEMM_FEW_ROWS(bf16, DT_BF16)
GEMM_FEW_ROWS(f16, DT_F16)

GEMM_TARGET static void left_f32(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn_left(panel, w, m, depth);
}

/*
 * A few rows by MXFP4 weights, where arithmetic and not memory is the limit: sixteen rows of w at a time, so that
 * e2m1 is one look-up over one register.
 */

/* word[q]: word q of the block of each of 16 rows; and their scales */
GEMM_INLINE __m512 mx_open(__m512i *word, const uint8_t *row, struct stride s, const uint8_t *scale, size_t scale_stride)
{
	__m256 low[4], high[4];

	words_open(low, row, s);
	words_open(high, row + EIGHT * s.one, s);
	UNROLL(4)
	for (size_t q = 0; q < 4; q++)
		word[q] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_castps_si256(low[q])),
					     _mm256_castps_si256(high[q]), 1);
	low[0] = scales_open(scale, scale_stride);
	high[0] = scales_open(scale + EIGHT * scale_stride, scale_stride);
	return _mm512_castsi512_ps(_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_castps_si256(low[0])),
						      _mm256_castps_si256(high[0]), 1));
}

/* One chunk of the depth: n rows of x by `groups` times sixteen rows of w; constants, at most 8 in all. */
GEMM_INLINE void mx_chunk(__m512 sum[8][2], const float *x, size_t x_stride, const struct gemm_rows *w, size_t j,
			  size_t first, size_t depth, size_t ahead, size_t n, size_t groups)
{
	const __m512 e2m1 = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f,
					   -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
	struct stride s = stride_of(w->ld / 2);
	const uint8_t *row = w->data + j * s.one + first / 2, *scale = w->scale + (j * w->ld + first) / MX_BLOCK;

	UNROLL(8)
	for (size_t i = 0; i < n; i++)
		UNROLL(2)
		for (size_t g = 0; g < groups; g++)
			sum[i][g] = _mm512_setzero_ps();
	for (size_t k = 0; k < depth; k += MX_BLOCK, row += MX_BLOCK / 2, scale++) {
		__m512i word[2][4];
		__m512 scales[2];

		UNROLL(2)
		for (size_t g = 0; g < groups; g++) {
			const uint8_t *from = row + LANE * g * s.one;

			if (k % (2 * LINE_BYTES) == 0) {
				fetch(from, s, ahead);
				fetch(from + EIGHT * s.one, s, ahead);
			}
			scales[g] = mx_open(word[g], from, s, scale + LANE * g * (w->ld / MX_BLOCK), w->ld / MX_BLOCK);
		}
		for (size_t q = 0; q < 4; q++)
			UNROLL(8)
			for (size_t c = 0; c < 8; c++, x += x_stride)
				UNROLL(2)
				for (size_t g = 0; g < groups; g++) {
					__m512i nibble = _mm512_srli_epi32(word[g][q], (unsigned)(4 * c));
					__m512 v = _mm512_mul_ps(_mm512_permutexvar_ps(nibble, e2m1), scales[g]);

					UNROLL(8)
					for (size_t i = 0; i < n; i++)
						sum[i][g] = _mm512_fmadd_ps(_mm512_set1_ps(x[i]), v, sum[i][g]);
				}
	}
}

GEMM_INLINE void mx_rows(float *y, size_t ldy, const float *x, size_t x_stride, size_t rows, const struct gemm_rows *w,
			 size_t m, size_t depth, size_t n, size_t groups, int add)
{
	const struct gemm_rows own = *w;

	for (size_t j = 0; j < m; j += LANE * groups)
		for (size_t first = 0; first < depth; first += GEMM_CHUNK) {
			size_t some = depth - first < GEMM_CHUNK ? depth - first : GEMM_CHUNK;
			size_t ahead = (first + some < depth ? GEMM_CHUNK : LANE * groups * own.ld - first) / 2;
			__m512 sum[8][2];

			mx_chunk(sum, x + first * x_stride, x_stride, &own, j, first, some, ahead, n, groups);
			UNROLL(8)
			for (size_t i = 0; i < n; i++)
				UNROLL(2)
				for (size_t g = 0; g < groups; g++) {
					float *to = y + i * ldy + j + LANE * g;

					if (i >= rows)
						continue;
					if (add || first > 0)
						sum[i][g] = _mm512_add_ps(_mm512_loadu_ps(to), sum[i][g]);
					_mm512_storeu_ps(to, sum[i][g]);
				}
		}
}

GEMM_TARGET static void few_mxfp4(float *y, size_t ldy, const float *x, size_t n, const struct gemm_rows *w, size_t m,
				  size_t depth, int add)
{
	if (n <= 1)
		mx_rows(y, ldy, x, 1, n, w, m, depth, 1, 2, add);
	else if (n <= 2)
		mx_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 2, 2, add);
	else if (n <= 4)
		mx_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 4, 2, add);
	else
		mx_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 8, 1, add);
}

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
	.left = left_f32,
	.right = { [DT_F32] = right_f32, [DT_BF16] = right_bf16, [DT_F16] = right_f16, [DT_MXFP4] = right_mxfp4 },
	.few = { [DT_F32] = few_f32, [DT_BF16] = few_bf16, [DT_F16] = few_f16, [DT_MXFP4] = few_mxfp4 },
};

#endif
