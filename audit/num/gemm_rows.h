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

/* Bytes from a row to those below it. */
struct stride {
	size_t one, three, five, seven;
};

GEMM_INLINE struct stride stride_of(size_t bytes)
{
	return (struct stride){ bytes, 3 * bytes, 5 * bytes, 7 * bytes };
}

/* 16 bytes of row r in the low half, of row r + 4 in the high half. */
GEMM_INLINE __m256 halves(const uint8_t *low, const uint8_t *high)
{
	__m128 a, b;

	memcpy(&a, low, sizeof(a));
	memcpy(&b, high, sizeof(b));
	return _mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
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

GEMM_INLINE void words_open(__m256 *out, const uint8_t *row, struct stride s)
{
	turn_words(out, halves(row, row + 4 * s.one), halves(row + s.one, row + s.five),
		   halves(row + 2 * s.one, row + 2 * s.three), halves(row + s.three, row + s.seven));
}

/* Eight values of a row, as floats. */
GEMM_INLINE __m256 row_open(const uint8_t *row, enum dtype format)
{
	__m128i h;
	__m256 v;

	if (format == DT_F16) {
		memcpy(&h, row, sizeof(h));
		return _mm256_cvtph_ps(h);
	}
	memcpy(&v, row, sizeof(v));
	return v;
}

/* out[c]: value c of rows 0..7, from the rows */
GEMM_INLINE void turn_eight(__m256 *out, const __m256 *a)
{
	turn_words(out, _mm256_permute2f128_ps(a[0], a[4], 0x20), _mm256_permute2f128_ps(a[1], a[5], 0x20),
		   _mm256_permute2f128_ps(a[2], a[6], 0x20), _mm256_permute2f128_ps(a[3], a[7], 0x20));
	turn_words(out + 4, _mm256_permute2f128_ps(a[0], a[4], 0x31), _mm256_permute2f128_ps(a[1], a[5], 0x31),
		   _mm256_permute2f128_ps(a[2], a[6], 0x31), _mm256_permute2f128_ps(a[3], a[7], 0x31));
}

GEMM_INLINE void rows_open(__m256 *out, const uint8_t *row, struct stride s, enum dtype format)
{
	__m256 a[8] = {
		row_open(row, format), row_open(row + s.one, format),
		row_open(row + 2 * s.one, format), row_open(row + s.three, format),
		row_open(row + 4 * s.one, format), row_open(row + s.five, format),
		row_open(row + 2 * s.three, format), row_open(row + s.seven, format),
	};

	turn_eight(out, a);
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

/* reg[0..8] is what block_value needs of the block at `row` of eight rows. */
GEMM_INLINE void block_open(__m256 *reg, const uint8_t *row, struct stride s, enum dtype format)
{
	if (format == DT_F32 || format == DT_F16)
		rows_open(reg, row, s, format);
	else
		words_open(reg, row, s);
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

/* Asks for the line that lies `ahead` of `row`, and those of the seven rows below. */
GEMM_INLINE void fetch(const uint8_t *row, struct stride s, size_t ahead)
{
	uintptr_t at = (uintptr_t)row + ahead; /* maybe beyond the end */

	_mm_prefetch((const char *)at, _MM_HINT_T1);
	_mm_prefetch((const char *)(at + s.one), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + 2 * s.one), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + s.three), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + 4 * s.one), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + s.five), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + 2 * s.three), _MM_HINT_T1);
	_mm_prefetch((const char *)(at + s.seven), _MM_HINT_T1);
}

GEMM_INLINE void turn_right(float *panel, const struct gemm_rows *w, size_t m, size_t depth, enum dtype format)
{
	size_t step = block_columns(format), whole = m / EIGHT * EIGHT, even = depth / step * step;
	struct stride s = stride_of(bytes_of(format, w->ld));
	size_t ahead = (size_t)w->ahead;

	for (size_t i = 0; i < whole; i += EIGHT) {
		const uint8_t *row = w->data + i * s.one, *scale = w->scale + i * w->ld / 32;
		float *to = panel + i;

		for (size_t k = 0; k < even; k += step, row += bytes_of(format, step), to += step * GEMM_NR) {
			__m256 reg[8];

			if (bytes_of(format, k) % LINE_BYTES == 0)
				fetch(row, s, ahead);
			block_open(reg, row, s, format);
			if (format == DT_MXFP4)
				reg[4] = scales_open(scale + k / 32, w->ld / 32);
			UNROLL(32)
			for (size_t c = 0; c < step; c++)
				_mm256_storeu_ps(to + c * GEMM_NR, block_value(reg, c, format));
		}
	}
	for (size_t i = 0; i < m; i++)
		for (size_t k = i < whole ? even : 0; k < depth; k++)
			panel[k * GEMM_NR + i] = value_at(w, i, k, format);
}

/* Rows beyond the last are the last again: their lanes reach no result. */
GEMM_INLINE void turn_left(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	const float *p[GEMM_MR];
	size_t k = 0;

	for (size_t r = 0; r < GEMM_MR; r++)
		p[r] = (const float *)(const void *)w->data + (r < m ? r : m - 1) * w->ld;
	for (; k + EIGHT <= depth; k += EIGHT, panel += EIGHT * GEMM_MR) {
		__m256 a[8], out[8];

		UNROLL(8)
		for (size_t r = 0; r < GEMM_MR; r++)
			a[r] = _mm256_loadu_ps(p[r] + k);
		turn_eight(out, a);
		UNROLL(8)
		for (size_t c = 0; c < EIGHT; c++)
			_mm256_storeu_ps(panel + c * GEMM_MR, out[c]);
	}
	for (; k < depth; k++, panel += GEMM_MR)
		for (size_t r = 0; r < GEMM_MR; r++)
			panel[r] = p[r][k];
}

/* The sums of few_columns: of n rows of x with `groups` times eight rows of w. Both are constants, at most 8 in all. */
struct few_sums {
	__m256 of[GEMM_FEW][4];
};

/* Eight more values of the depth; x[c * stride + i] is value c of row i. */
GEMM_INLINE void few_eight(struct few_sums *s, const float *x, size_t x_stride, const __m256 *reg, size_t g, size_t n,
			   enum dtype format)
{
	UNROLL(8)
	for (size_t c = 0; c < EIGHT; c++) {
		__m256 v = block_value(reg, c, format);

		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + c * x_stride + i), v, s->of[i][g]);
	}
}

/* The values that are no whole block, one column at a time. */
GEMM_INLINE void few_rest(struct few_sums *s, const float *x, const struct gemm_rows *w, size_t j, size_t k, size_t n,
			  size_t groups, enum dtype format)
{
	UNROLL(4)
	for (size_t g = 0; g < groups; g++) {
		float v[EIGHT];

		for (size_t r = 0; r < EIGHT; r++)
			v[r] = value_at(w, j + EIGHT * g + r, k, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + i), _mm256_loadu_ps(v), s->of[i][g]);
	}
}

/* One chunk of the depth from column k on, of rows j .. of w. Several groups keep several sums going at once. */
GEMM_INLINE void few_chunk(struct few_sums *sums, const float *x, size_t x_stride, const struct gemm_rows *w, size_t j,
			   size_t first, size_t depth, size_t ahead, size_t n, size_t groups, enum dtype format)
{
	size_t step = block_columns(format), even = depth / step * step;
	struct stride s = stride_of(bytes_of(format, w->ld));
	const uint8_t *row[4], *scale[4];

	UNROLL(4)
	for (size_t g = 0; g < groups; g++) {
		row[g] = w->data + (j + EIGHT * g) * s.one + bytes_of(format, first);
		scale[g] = w->scale + ((j + EIGHT * g) * w->ld + first) / 32;
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			sums->of[i][g] = _mm256_setzero_ps();
	}
	for (size_t k = 0; k < even; k += step, x += step * x_stride)
		UNROLL(4)
		for (size_t g = 0; g < groups; g++) {
			__m256 reg[8];

			if (bytes_of(format, k) % LINE_BYTES == 0)
				fetch(row[g], s, ahead);
			block_open(reg, row[g], s, format);
			row[g] += bytes_of(format, step);
			if (format != DT_MXFP4) {
				few_eight(sums, x, x_stride, reg, g, n, format);
				continue;
			}
			reg[4] = scales_open(scale[g]++, w->ld / 32);
			for (size_t q = 0; q < 4; q++) { /* a word holds eight values */
				__m256 word[5] = { reg[q], [4] = reg[4] };

				few_eight(sums, x + q * EIGHT * x_stride, x_stride, word, g, n, format);
			}
		}
	for (size_t k = even; k < depth; k++, x += x_stride)
		few_rest(sums, x, w, j, first + k, n, groups, format);
}

/* Columns j .. j + 8 groups - 1 of y; of the n rows computed, `rows` are wanted. */
GEMM_INLINE void few_columns(float *y, size_t ldy, const float *x, size_t x_stride, size_t rows, const struct gemm_rows *w,
			     size_t j, size_t depth, size_t n, size_t groups, enum dtype format, int add)
{
	for (size_t first = 0; first < depth; first += GEMM_CHUNK) {
		size_t some = depth - first < GEMM_CHUNK ? depth - first : GEMM_CHUNK;
		size_t ahead = bytes_of(format, first + some < depth ? GEMM_CHUNK : EIGHT * groups * w->ld - first);
		struct few_sums s;

		few_chunk(&s, x + first * x_stride, x_stride, w, j, first, some, ahead, n, groups, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			UNROLL(4)
			for (size_t g = 0; g < groups; g++) {
				float *to = y + i * ldy + j + EIGHT * g;

				if (i >= rows)
					continue;
				if (add || first > 0)
					s.of[i][g] = _mm256_add_ps(_mm256_loadu_ps(to), s.of[i][g]);
				_mm256_storeu_ps(to, s.of[i][g]);
			}
	}
}

GEMM_INLINE void few_rows(float *y, size_t ldy, const float *x, size_t x_stride, size_t rows, const struct gemm_rows *w,
			  size_t m, size_t depth, size_t n, size_t groups, enum dtype format, int add)
{
	const struct gemm_rows own = *w; /* which no store through y can change */

	for (size_t j = 0; j < m; j += EIGHT * groups)
		few_columns(y, ldy, x, x_stride, rows, &own, j, depth, n, groups, format, add);
}

#define GEMM_RIGHT(suffix, format)                                                                              \
	GEMM_TARGET static void right_##suffix(float *panel, const struct gemm_rows *w, size_t m, size_t depth) \
	{                                                                                                       \
		const struct gemm_rows own = *w;                                                                \
                                                                                                                \
		turn_right(panel, &own, m, depth, format);                                                      \
	}

#define GEMM_FEW_ROWS(suffix, format)                                                                           \
	GEMM_TARGET static void few_##suffix(float *y, size_t ldy, const float *x, size_t n,                    \
					     const struct gemm_rows *w, size_t m, size_t depth, int add)        \
	{                                                                                                       \
		if (n <= 1)                                                                                     \
			few_rows(y, ldy, x, 1, n, w, m, depth, 1, 4, format, add);                              \
		else if (n <= 2)                                                                                \
			few_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 2, 4, format, add);                        \
		else if (n <= 4)                                                                                \
			few_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 4, 2, format, add);                        \
		else                                                                                            \
			few_rows(y, ldy, x, GEMM_MR, n, w, m, depth, 8, 1, format, add);                        \
	}

#endif
#endif
