#include "num/gemm_turn.h"

#if defined(__x86_64__)

#define AVX512 __attribute__((target("avx512f,avx512vl,avx2,fma,f16c")))
#define AVX512_INLINE static inline __attribute__((always_inline)) AVX512

enum { LANE = 16, MX_BLOCK = 32, MX_ROWS = 64 };

/*
 * A few rows by MXFP4 weights, where arithmetic and not memory is the limit: sixteen rows of w at a time,
 * so that e2m1 is one look-up over one register.
 */

/* From where mx_chunk reads to where it will read next: the next chunk of these rows, or the first of the
 * next rows. */
AVX512_INLINE size_t mx_ahead(const struct gemm_few *f, size_t first, size_t rows)
{
	return (first + GEMM_CHUNK < f->depth ? GEMM_CHUNK : rows * f->w.ld - first) / 2;
}

/* 128 values, four blocks, of each of the rows side by side. */
struct mx_stage {
	_Alignas(64) uint8_t values[MX_ROWS * LINE_BYTES];
	_Alignas(64) uint32_t scales[MX_ROWS];
};

AVX512_INLINE void mx_stage(struct mx_stage *to, const struct gemm_rows *w, size_t j, size_t rows, size_t k,
			    size_t left, size_t ahead)
{
	size_t stride = w->ld / 2, scale_stride = w->ld / MX_BLOCK;
	const uint8_t *scale = w->scale + j * scale_stride + k / MX_BLOCK;

	for (size_t r = 0; r < rows; r++) /* maybe beyond the end */
		_mm_prefetch((const char *)((uintptr_t)w->data + (j + r) * stride + k / 2 + ahead),
			     _MM_HINT_T1);
	stage_lines(to->values, w->data + j * stride + k / 2, rows, stride, left / 2);
	for (size_t r = 0; r < rows; r++, scale += scale_stride) {
		uint32_t four = 0;

		if (left >= 4 * MX_BLOCK)
			memcpy(&four, scale, 4);
		else
			memcpy(&four, scale, left / MX_BLOCK);
		to->scales[r] = four;
	}
}

/* 2^(s - 127) for the b-th scales of sixteen rows */
AVX512_INLINE __m512 mx_scales(const uint32_t *four, size_t b)
{
	__m512i s = _mm512_and_epi32(_mm512_srli_epi32(_mm512_load_si512(four), (unsigned)(8 * b)),
				     _mm512_set1_epi32(255));
	__m512i f = _mm512_slli_epi32(s, 23);

	f = _mm512_mask_mov_epi32(f, _mm512_cmpeq_epi32_mask(s, _mm512_setzero_si512()),
				  _mm512_set1_epi32(0x00400000));
	f = _mm512_mask_mov_epi32(f, _mm512_cmpeq_epi32_mask(s, _mm512_set1_epi32(255)),
				  _mm512_set1_epi32(0x7fc00000));
	return _mm512_castsi512_ps(f);
}

/* word[q]: word q of the block of each of sixteen rows */
AVX512_INLINE void mx_open(__m512i *word, const uint8_t *block)
{
	__m256 low[4], high[4];

	words_open(low, block, stride_of(LINE_BYTES));
	words_open(high, block + EIGHT * LINE_BYTES, stride_of(LINE_BYTES));
	UNROLL(4)
	for (size_t q = 0; q < 4; q++)
		word[q] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_castps_si256(low[q])),
					     _mm256_castps_si256(high[q]), 1);
}

/* The chunk of the depth that begins at column `first`: n rows of x by `groups` times sixteen rows of w;
 * constants, at most 8 in all. */
AVX512_INLINE void mx_chunk(__m512 sum[8][4], const struct gemm_few *f, size_t j, size_t first, size_t n,
			    size_t groups)
{
	const __m512 e2m1 = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f,
					   -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
	size_t depth = f->depth - first < GEMM_CHUNK ? f->depth - first : GEMM_CHUNK,
	       x_stride = n > 1 ? GEMM_MR : 1;
	size_t ahead = mx_ahead(f, first, LANE * groups);
	const float *x = f->x + first * x_stride;
	struct mx_stage stage;

	for (size_t k = 0; k < depth; k += MX_BLOCK) {
		size_t b = k / MX_BLOCK % 4;
		__m512i word[4][4];
		__m512 scales[4];

		if (b == 0)
			mx_stage(&stage, &f->w, j, LANE * groups, first + k, depth - k, ahead);
		UNROLL(4)
		for (size_t g = 0; g < groups; g++) {
			mx_open(word[g], stage.values + LANE * g * LINE_BYTES + b * MX_BLOCK / 2);
			scales[g] = mx_scales(stage.scales + LANE * g, b);
		}
		for (size_t q = 0; q < 4; q++) {
			UNROLL(8)
			for (size_t c = 0; c < 8; c++, x += x_stride) {
				UNROLL(4)
				for (size_t g = 0; g < groups; g++) {
					__m512i nibble = _mm512_srli_epi32(word[g][q], (unsigned)(4 * c));
					__m512 v =
						_mm512_mul_ps(_mm512_permutexvar_ps(nibble, e2m1), scales[g]);

					UNROLL(8)
					for (size_t i = 0; i < n; i++)
						sum[i][g] =
							_mm512_fmadd_ps(_mm512_set1_ps(x[i]), v, sum[i][g]);
				}
			}
		}
	}
}

/* All of the depth, for columns j .. j + 16 groups - 1 of y. */
AVX512_INLINE void mx_columns(const struct gemm_few *f, size_t j, size_t n, size_t groups)
{
	for (size_t first = 0; first < f->depth; first += GEMM_CHUNK) {
		__m512 sum[8][4];

		UNROLL(8)
		for (size_t i = 0; i < n; i++) {
			UNROLL(4)
			for (size_t g = 0; g < groups; g++)
				sum[i][g] = _mm512_setzero_ps();
		}
		mx_chunk(sum, f, j, first, n, groups);
		UNROLL(8)
		for (size_t i = 0; i < n; i++) {
			UNROLL(4)
			for (size_t g = 0; g < groups; g++) {
				float *to = f->y + i * f->ldy + j + LANE * g;

				if (i >= f->n)
					continue;
				if (f->add || first > 0)
					sum[i][g] = _mm512_add_ps(_mm512_loadu_ps(to), sum[i][g]);
				_mm512_storeu_ps(to, sum[i][g]);
			}
		}
	}
}

AVX512_INLINE void mx_rows(const struct gemm_few *f, size_t from, size_t to, size_t n, size_t groups)
{
	const struct gemm_few own = *f; /* which no store through y can change */

	for (size_t j = from; j < to; j += LANE * groups)
		mx_columns(&own, j, n, groups);
}

AVX512 static void few_mxfp4(const struct gemm_few *f)
{
	size_t even = f->m / MX_ROWS * MX_ROWS;

	if (f->n <= 1) {
		mx_rows(f, 0, even, 1, 4);
		mx_rows(f, even, f->m, 1, 2);
	} else if (f->n <= 2) {
		mx_rows(f, 0, f->m, 2, 2);
	} else if (f->n <= 4) {
		mx_rows(f, 0, f->m, 4, 2);
	} else {
		mx_rows(f, 0, f->m, 8, 1);
	}
}

/* rows and cols (in vectors) are constants in every call, so that the sums stay in registers. */
AVX512_INLINE void block(const struct gemm_block *b, float *c, const float *left, size_t rows, size_t cols)
{
	const float *right = b->right;
	__m512 sum[8][3];

	UNROLL(8)
	for (size_t i = 0; i < rows; i++) {
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			_mm_prefetch((const char *)(c + i * b->ldc + j * LANE), _MM_HINT_T0);
			sum[i][j] = _mm512_setzero_ps();
		}
	}
	for (size_t k = 0; k < b->depth; k++, left += GEMM_MR, right += b->ldr) {
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
	for (size_t i = 0; i < rows; i++) {
		UNROLL(3)
		for (size_t j = 0; j < cols; j++) {
			float *at = c + i * b->ldc + j * LANE;

			if (b->add)
				sum[i][j] = _mm512_add_ps(_mm512_loadu_ps(at), sum[i][j]);
			_mm512_storeu_ps(at, sum[i][j]);
		}
	}
}

#define BLOCK(rows, cols)                                                                                 \
	AVX512 static void block_##rows##_##cols(const struct gemm_block *b, float *c, const float *left) \
	{                                                                                                 \
		const struct gemm_block own = *b;                                                         \
                                                                                                          \
		block(&own, c, left, rows, cols);                                                         \
	}
#define BLOCKS(cols) BLOCK(1, cols) BLOCK(2, cols) BLOCK(4, cols) BLOCK(8, cols)

BLOCKS(1)
BLOCKS(2)
BLOCKS(3)

static void multiply_whole(const struct gemm_block *b)
{
	static void (*const of[4][3])(const struct gemm_block *, float *, const float *) = {
		{ block_1_1, block_1_2, block_1_3 },
		{ block_2_1, block_2_2, block_2_3 },
		{ block_4_1, block_4_2, block_4_3 },
		{ block_8_1, block_8_2, block_8_3 },
	};
	size_t log2 = 3;

	for (size_t i = 0; i < b->m; i += (size_t)1 << log2) {
		while ((size_t)1 << log2 > b->m - i)
			log2--;
		of[log2][(b->n + LANE - 1) / LANE - 1](b, b->c + i * b->ldc, b->left + i);
	}
}

static void multiply(const struct gemm_block *b)
{
	multiply_any(b, LANE, multiply_whole);
}

const struct gemm_kernel gemm_kernel_avx512 = {
	.name = "avx512",
	.rows = GEMM_MR,
	.columns = GEMM_NR,
	.vector = LANE,
	.multiply = multiply,
	.left = gemm_left_eight,
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
		[DT_MXFP4] = few_mxfp4,
	},
};

#endif
