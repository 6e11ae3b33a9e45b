#ifndef NUM_GEMM_ROWS_H
#define NUM_GEMM_ROWS_H

#include "num/gemm_kernel.h"
#include "num/lanes.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

/*
 * Eight rows of a stored matrix at a time, turned in registers into columns: vector c holds value c of each of
 * the rows, widened.  Either stored as a panel, or multiplied at once where rows of x are few.
 * Included by each kernel, which says for what machine (GEMM_TARGET) and how an MXFP4 nibble is looked up.
 *
 * The format is a constant in every call, so each use is compiled for one.
 */

#ifndef GEMM_TARGET
#define GEMM_TARGET __attribute__((target("avx2,fma,f16c")))
#endif
#define GEMM_INLINE static inline __attribute__((always_inline, unused)) GEMM_TARGET

enum { EIGHT = 8, LINE_BYTES = 64 };

/* A block: the columns one load of every row brings. */
GEMM_INLINE size_t block_columns(enum dtype format)
{
	return format == DT_MXFP4 ? 32 : 8;
}

GEMM_INLINE size_t bytes_of(enum dtype format, size_t values)
{
	return format == DT_F32 ? 4 * values : format == DT_MXFP4 ? values / 2 : 2 * values;
}

/* Four 32-bit words of row r in the low half, of row r + 4 in the high half. */
GEMM_INLINE __m256 halves(const uint8_t *row, size_t stride)
{
	__m128 low, high;

	memcpy(&low, row, sizeof(low));
	memcpy(&high, row + 4 * stride, sizeof(high));
	return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
}

/* out[c]: word c of rows 0..7, from in[r]: words 0..3 of rows r and r + 4 */
GEMM_INLINE void turn_words(__m256 *out, __m256 in0, __m256 in1, __m256 in2, __m256 in3)
{
	__m256 a = _mm256_unpacklo_ps(in0, in1), b = _mm256_unpackhi_ps(in0, in1);
	__m256 c = _mm256_unpacklo_ps(in2, in3), d = _mm256_unpackhi_ps(in2, in3);

	out[0] = _mm256_shuffle_ps(a, c, 0x44);
	out[1] = _mm256_shuffle_ps(a, c, 0xee);
	out[2] = _mm256_shuffle_ps(b, d, 0x44);
	out[3] = _mm256_shuffle_ps(b, d, 0xee);
}

GEMM_INLINE void words_open(__m256 *out, const uint8_t *row, size_t stride)
{
	turn_words(out, halves(row, stride), halves(row + stride, stride), halves(row + 2 * stride, stride),
		   halves(row + 3 * stride, stride));
}

GEMM_INLINE __m256 f16_row(const uint8_t *row)
{
	__m128i h;

	memcpy(&h, row, sizeof(h));
	return _mm256_cvtph_ps(h);
}

GEMM_INLINE void f16_open(__m256 *out, const uint8_t *row, size_t stride)
{
	__m256 low[4], high[4];

	UNROLL(4)
	for (size_t r = 0; r < 4; r++) {
		__m256 a = f16_row(row + r * stride), b = f16_row(row + (r + 4) * stride);

		low[r] = _mm256_permute2f128_ps(a, b, 0x20);
		high[r] = _mm256_permute2f128_ps(a, b, 0x31);
	}
	turn_words(out, low[0], low[1], low[2], low[3]);
	turn_words(out + 4, high[0], high[1], high[2], high[3]);
}

/* 2^(s - 127) for the scale bytes of eight rows; 0 is a denormal, 255 NaN */
GEMM_INLINE __m256 scales_open(const uint8_t *scale, size_t stride)
{
	__m256i s = _mm256_setr_epi32(scale[0], scale[stride], scale[2 * stride], scale[3 * stride], scale[4 * stride],
				      scale[5 * stride], scale[6 * stride], scale[7 * stride]);
	__m256i f = _mm256_slli_epi32(s, 23);

	f = _mm256_blendv_epi8(f, _mm256_set1_epi32(0x00400000), _mm256_cmpeq_epi32(s, _mm256_setzero_si256()));
	f = _mm256_blendv_epi8(f, _mm256_set1_epi32(0x7fc00000), _mm256_cmpeq_epi32(s, _mm256_set1_epi32(255)));
	return _mm256_castsi256_ps(f);
}

/* reg[0..8] is what block_value needs of the block at column k of rows i .. i+7 */
GEMM_INLINE void block_open(__m256 *reg, const struct gemm_rows *w, size_t i, size_t k, enum dtype format)
{
	size_t stride = bytes_of(format, w->ld);
	const uint8_t *row = w->data + i * stride + bytes_of(format, k);

	switch (format) {
	case DT_F32:
		words_open(reg, row, stride);
		words_open(reg + 4, row + 16, stride);
		break;
	case DT_F16:
		f16_open(reg, row, stride);
		break;
	case DT_MXFP4:
		words_open(reg, row, stride);
		reg[4] = scales_open(w->scale + (i * w->ld + k) / 32, w->ld / 32);
		break;
	default:
		words_open(reg, row, stride);
	}
}

#ifndef GEMM_NIBBLES
#define GEMM_NIBBLES nibbles_by_8

/* The e2m1 values of the low nibbles: the magnitude looked up by three bits, the sign is the fourth. */
GEMM_INLINE __m256 nibbles_by_8(__m256i word)
{
	const __m256 magnitude = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
	__m256i sign = _mm256_and_si256(_mm256_slli_epi32(word, 28), _mm256_set1_epi32(INT32_MIN));

	return _mm256_xor_ps(_mm256_permutevar8x32_ps(magnitude, word), _mm256_castsi256_ps(sign));
}

#endif

/* Column c of the block. */
GEMM_INLINE __m256 block_value(const __m256 *reg, size_t c, enum dtype format)
{
	__m256i word;

	switch (format) {
	case DT_BF16:
		word = _mm256_castps_si256(reg[c / 2]);
		word = c % 2 == 0 ? _mm256_slli_epi32(word, 16) : _mm256_and_si256(word, _mm256_set1_epi32(-65536));
		return _mm256_castsi256_ps(word);
	case DT_MXFP4:
		word = _mm256_srli_epi32(_mm256_castps_si256(reg[c / 8]), (int)(4 * (c % 8)));
		return _mm256_mul_ps(GEMM_NIBBLES(word), reg[4]);
	default:
		return reg[c];
	}
}

/* One value, for the edges. */
GEMM_INLINE float value_at(const struct gemm_rows *w, size_t i, size_t k, enum dtype format)
{
	struct tensor t = { .dtype = format, .data = w->data, .scale = w->scale };
	size_t at = i * w->ld + k;
	float v[32];

	if (format == DT_F32)
		memcpy(v, w->data + at * sizeof(*v), sizeof(*v));
	else if (format == DT_MXFP4)
		dtype_widen(v, &t, at / 32 * 32, 32);
	else
		dtype_widen(v, &t, at, 1);
	return v[format == DT_MXFP4 ? at % 32 : 0];
}

/* Asks for the lines of rows i .. i+7 that lie `ahead` of column k, once a line. */
GEMM_INLINE void fetch_ahead(const struct gemm_rows *w, size_t i, size_t k, ptrdiff_t ahead, enum dtype format)
{
	size_t stride = bytes_of(format, w->ld);
	uintptr_t row = (uintptr_t)w->data + i * stride + bytes_of(format, k) + (size_t)ahead; /* may be beyond its end */

	if (bytes_of(format, k) % LINE_BYTES == 0)
		UNROLL(8)
		for (size_t r = 0; r < EIGHT; r++)
			_mm_prefetch((const char *)(row + r * stride), _MM_HINT_T1);
}

GEMM_INLINE void turn_rows(float *panel, size_t width, const struct gemm_rows *w, size_t m, size_t depth,
			   enum dtype format)
{
	size_t step = block_columns(format), whole = m / EIGHT * EIGHT, even = depth / step * step;

	for (size_t i = 0; i < whole; i += EIGHT)
		for (size_t k = 0; k < even; k += step) {
			float *to = panel + k * width + i;
			__m256 reg[8];

			fetch_ahead(w, i, k, w->ahead, format);
			block_open(reg, w, i, k, format);
			UNROLL(32)
			for (size_t c = 0; c < step; c++)
				_mm256_storeu_ps(to + c * width, block_value(reg, c, format));
		}
	for (size_t i = 0; i < m; i++)
		for (size_t k = i < whole ? even : 0; k < depth; k++)
			panel[k * width + i] = value_at(w, i, k, format);
}

/* The sums of few_columns: of `n` rows of x with `groups` times eight rows of w. Both are constants, at most 8 in all. */
struct few_sums {
	__m256 of[GEMM_FEW][4];
};

/* Eight more values of the depth: word 0.. of what block_open left. Several groups keep several sums going at once. */
GEMM_INLINE void few_eight(struct few_sums *s, const float *const *x, size_t k, const __m256 *reg, size_t g, size_t n,
			   enum dtype format)
{
	UNROLL(8)
	for (size_t c = 0; c < EIGHT; c++) {
		__m256 v = block_value(reg, c, format);

		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x[i] + k + c), v, s->of[i][g]);
	}
}

GEMM_INLINE void few_block(struct few_sums *s, const float *const *x, const struct gemm_rows *w, size_t j, size_t k,
			   size_t g, size_t n, enum dtype format)
{
	__m256 reg[8];

	block_open(reg, w, j + EIGHT * g, k, format);
	if (format != DT_MXFP4) {
		few_eight(s, x, k, reg, g, n, format);
		return;
	}
	for (size_t q = 0; q < 4; q++) { /* a word holds eight values */
		__m256 word[5] = { reg[q], [4] = reg[4] };

		few_eight(s, x, k + EIGHT * q, word, g, n, format);
	}
}

/* The values that are no whole block, one column at a time. */
GEMM_INLINE void few_rest(struct few_sums *s, const float *const *x, const struct gemm_rows *w, size_t j, size_t k,
			  size_t n, size_t groups, enum dtype format)
{
	UNROLL(4)
	for (size_t g = 0; g < groups; g++) {
		float v[EIGHT];

		for (size_t r = 0; r < EIGHT; r++)
			v[r] = value_at(w, j + EIGHT * g + r, k, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x[i] + k), _mm256_loadu_ps(v), s->of[i][g]);
	}
}

/* Columns j .. j + 8 groups - 1 of y; of the n rows computed, `rows` are wanted. */
GEMM_INLINE void few_columns(float *y, size_t ldy, const float *const *x, size_t rows, const struct gemm_rows *w,
			     size_t j, size_t depth, size_t n, size_t groups, enum dtype format)
{
	size_t step = block_columns(format);

	for (size_t first = 0; first < depth; first += GEMM_CHUNK) {
		size_t end = depth - first < GEMM_CHUNK ? depth : first + GEMM_CHUNK;
		size_t even = first + (end - first) / step * step;
		ptrdiff_t ahead = (ptrdiff_t)bytes_of(format, end < depth ? GEMM_CHUNK : EIGHT * groups * w->ld - first);
		struct few_sums s;

		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			UNROLL(4)
			for (size_t g = 0; g < groups; g++)
				s.of[i][g] = _mm256_setzero_ps();
		for (size_t k = first; k < even; k += step)
			UNROLL(4)
			for (size_t g = 0; g < groups; g++) {
				fetch_ahead(w, j + EIGHT * g, k, ahead, format);
				few_block(&s, x, w, j, k, g, n, format);
			}
		for (size_t k = even; k < end; k++)
			few_rest(&s, x, w, j, k, n, groups, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			UNROLL(4)
			for (size_t g = 0; g < groups; g++) {
				float *to = y + i * ldy + j + EIGHT * g;

				if (i >= rows)
					continue;
				if (first > 0)
					s.of[i][g] = _mm256_add_ps(_mm256_loadu_ps(to), s.of[i][g]);
				_mm256_storeu_ps(to, s.of[i][g]);
			}
	}
}

/* The last columns overlap those before where m is no multiple: the same sums, made twice. */
GEMM_INLINE void few_rows(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, const struct gemm_rows *w,
			  size_t m, size_t depth, size_t n, size_t groups, enum dtype format)
{
	size_t at_once = EIGHT * groups;
	const float *row[GEMM_FEW];

	for (size_t i = 0; i < n; i++)
		row[i] = x + (i < rows ? i : rows - 1) * ldx;
	for (size_t j = 0; j < m; j += at_once)
		few_columns(y, ldy, row, rows, w, j + at_once <= m ? j : m - at_once, depth, n, groups, format);
}

#define GEMM_ROWS_OF(suffix, format)                                                                            \
	GEMM_TARGET static void turn_##suffix(float *panel, size_t width, const struct gemm_rows *w, size_t m,  \
					      size_t depth)                                                     \
	{                                                                                                       \
		turn_rows(panel, width, w, m, depth, format);                                                   \
	}                                                                                                       \
	GEMM_TARGET static void few_##suffix(float *y, size_t ldy, const float *x, size_t ldx, size_t n,        \
					     const struct gemm_rows *w, size_t m, size_t depth)                 \
	{                                                                                                       \
		if (n <= 1)                                                                                     \
			few_rows(y, ldy, x, ldx, n, w, m, depth, 1, 4, format);                                 \
		else if (n <= 2)                                                                                \
			few_rows(y, ldy, x, ldx, n, w, m, depth, 2, 4, format);                                 \
		else if (n <= 4)                                                                                \
			few_rows(y, ldy, x, ldx, n, w, m, depth, 4, 2, format);                                 \
		else                                                                                            \
			few_rows(y, ldy, x, ldx, n, w, m, depth, 8, 1, format);                                 \
	}

#endif
#endif
