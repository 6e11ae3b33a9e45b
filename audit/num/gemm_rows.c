#include "num/gemm_turn.h"

#if defined(__x86_64__)

/*
 * Eight rows of a stored matrix at a time, turned in registers into columns: vector c holds value c of each
 * of the rows, widened.  Either stored as a panel, or multiplied at once where rows of x are few.  The format
 * is a constant in every call, so each use is compiled for one.
 */

enum {
	CROWDED_BYTES = 2048, /* rows so far apart fall on the same few places of the first-level cache */
	FEW_MOST_GROUPS = 2,
};

/* A block: the columns one load of every row brings. */
GEMM_INLINE size_t block_columns(enum dtype format)
{
	return format == DT_MXFP4 ? 32 : 8;
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
	turn_words(out + 4, _mm256_permute2f128_ps(a[0], a[4], 0x31),
		   _mm256_permute2f128_ps(a[1], a[5], 0x31), _mm256_permute2f128_ps(a[2], a[6], 0x31),
		   _mm256_permute2f128_ps(a[3], a[7], 0x31));
}

GEMM_INLINE void rows_open(__m256 *out, const uint8_t *row, struct stride s, enum dtype format)
{
	__m256 a[8] = {
		row_open(row, format),
		row_open(row + s.one, format),
		row_open(row + 2 * s.one, format),
		row_open(row + s.three, format),
		row_open(row + 4 * s.one, format),
		row_open(row + s.five, format),
		row_open(row + 2 * s.three, format),
		row_open(row + s.seven, format),
	};

	turn_eight(out, a);
}

/* 2^(s - 127) for the scale bytes of eight rows; 0 is a denormal, 255 NaN */
GEMM_INLINE __m256 scales_open(const uint8_t *scale, size_t stride)
{
	__m256i s =
		_mm256_setr_epi32(scale[0], scale[stride], scale[2 * stride], scale[3 * stride],
				  scale[4 * stride], scale[5 * stride], scale[6 * stride], scale[7 * stride]);
	__m256i f = _mm256_slli_epi32(s, 23);

	f = _mm256_blendv_epi8(f, _mm256_set1_epi32(0x00400000),
			       _mm256_cmpeq_epi32(s, _mm256_setzero_si256()));
	f = _mm256_blendv_epi8(f, _mm256_set1_epi32(0x7fc00000),
			       _mm256_cmpeq_epi32(s, _mm256_set1_epi32(255)));
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

/* The e2m1 values of the low nibbles: the magnitude looked up by three bits, the sign is the fourth. */
GEMM_INLINE __m256 nibbles(__m256i word)
{
	const __m256 magnitude = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
	__m256i sign = _mm256_and_si256(_mm256_slli_epi32(word, 28), _mm256_set1_epi32(INT32_MIN));

	return _mm256_xor_ps(_mm256_permutevar8x32_ps(magnitude, word), _mm256_castsi256_ps(sign));
}

/* Column c of the block. */
GEMM_INLINE __m256 block_value(const __m256 *reg, size_t c, enum dtype format)
{
	__m256i word;

	switch (format) {
	case DT_BF16:
		word = _mm256_castps_si256(reg[c / 2]);
		word = c % 2 == 0 ? _mm256_slli_epi32(word, 16)
				  : _mm256_and_si256(word, _mm256_set1_epi32(-65536));
		return _mm256_castsi256_ps(word);
	case DT_MXFP4:
		word = _mm256_srli_epi32(_mm256_castps_si256(reg[c / 8]), (int)(4 * (c % 8)));
		return _mm256_mul_ps(nibbles(word), reg[4]);
	default: return reg[c];
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

GEMM_INLINE void turn_right(float *panel, const struct gemm_rows *w, size_t m, size_t depth, size_t width,
			    enum dtype format)
{
	size_t step = block_columns(format), whole = m / EIGHT * EIGHT, even = depth / step * step;
	struct stride s = stride_of(bytes_of(format, w->ld));

	for (size_t i = 0; i < whole; i += EIGHT) {
		const uint8_t *row = w->data + i * s.one, *scale = w->scale + i * w->ld / 32;
		float *to = panel + i;

		for (size_t k = 0; k < even; k += step, row += bytes_of(format, step), to += step * width) {
			__m256 reg[8];

			block_open(reg, row, s, format);
			if (format == DT_MXFP4)
				reg[4] = scales_open(scale + k / 32, w->ld / 32);
			UNROLL(32)
			for (size_t c = 0; c < step; c++)
				_mm256_storeu_ps(to + c * width, block_value(reg, c, format));
		}
	}
	for (size_t i = 0; i < m; i++)
		for (size_t k = i < whole ? even : 0; k < depth; k++)
			panel[k * width + i] = value_at(w, i, k, format);
}

/* Rows beyond the last are the last again: their lanes reach no result. Whole vectors are stored; of six rows
 * what stands beyond is written over by the next. */
GEMM_INLINE void turn_left(float *panel, const struct gemm_rows *w, size_t m, size_t depth, size_t rows)
{
	const float *p[GEMM_MR];
	size_t k = 0;

	for (size_t r = 0; r < GEMM_MR; r++)
		p[r] = (const float *)(const void *)w->data + (r < m ? r : m - 1) * w->ld;
	for (; k + EIGHT <= depth; k += EIGHT, panel += EIGHT * rows) {
		__m256 a[8], out[8];

		UNROLL(8)
		for (size_t r = 0; r < GEMM_MR; r++)
			a[r] = _mm256_loadu_ps(p[r] + k);
		turn_eight(out, a);
		UNROLL(8)
		for (size_t c = 0; c < EIGHT; c++)
			_mm256_storeu_ps(panel + c * rows, out[c]);
	}
	for (; k < depth; k++, panel += rows)
		for (size_t r = 0; r < rows; r++)
			panel[r] = p[r][k];
}

/* The sums of n rows of x with `groups` times eight rows of w. Both are constants, at most 8 in all;
 * several groups keep several sums going at once. */
struct few_sums {
	__m256 of[GEMM_FEW][4];
};

/* Eight more values of the depth; x[c * stride + i] is value c of row i. */
GEMM_INLINE void few_eight(struct few_sums *s, const float *x, const __m256 *reg, size_t g, size_t n,
			   enum dtype format)
{
	size_t stride = n > 1 ? GEMM_MR : 1;

	UNROLL(8)
	for (size_t c = 0; c < EIGHT; c++) {
		__m256 v = block_value(reg, c, format);

		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] =
				_mm256_fmadd_ps(_mm256_broadcast_ss(x + c * stride + i), v, s->of[i][g]);
	}
}

/* MXFP4: a word holds eight values. */
GEMM_INLINE void few_words(struct few_sums *s, const float *x, const __m256 *reg, size_t g, size_t n)
{
	for (size_t q = 0; q < 4; q++) {
		__m256 word[5] = { reg[q], [4] = reg[4] };

		few_eight(s, x + q * EIGHT * (n > 1 ? GEMM_MR : 1), word, g, n, DT_MXFP4);
	}
}

/* Column k, which is in no whole block. */
GEMM_INLINE void few_rest(struct few_sums *s, const struct gemm_few *f, size_t j, size_t k, size_t n,
			  size_t groups, enum dtype format)
{
	const float *x = f->x + k * (n > 1 ? GEMM_MR : 1);

	UNROLL(4)
	for (size_t g = 0; g < groups; g++) {
		float v[EIGHT];

		for (size_t r = 0; r < EIGHT; r++)
			v[r] = value_at(&f->w, j + EIGHT * g + r, k, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++)
			s->of[i][g] =
				_mm256_fmadd_ps(_mm256_broadcast_ss(x + i), _mm256_loadu_ps(v), s->of[i][g]);
	}
}

/* The next eight of the lines that will be wanted: one after another, whatever the order they are used in,
 * since memory gives most when it is read in its own. */
GEMM_INLINE void fetch_eight(uintptr_t *coming)
{
	UNROLL(8)
	for (size_t i = 0; i < EIGHT; i++, *coming += LINE_BYTES)
		_mm_prefetch((const char *)*coming, _MM_HINT_T1);
}

/* The chunk of the depth that begins at column `first`, of rows j .. of w. */
GEMM_INLINE void few_chunk(struct few_sums *sums, const struct gemm_few *f, size_t j, size_t first, size_t n,
			   size_t groups, enum dtype format)
{
	size_t step = block_columns(format), line = 32 * LINE_BYTES / bytes_of(format, 32);
	size_t end = f->depth - first < GEMM_CHUNK ? f->depth : first + GEMM_CHUNK;
	size_t even = first + (end - first) / step * step, stride = bytes_of(format, f->w.ld);
	/* As much of the rows below, in step. */
	uintptr_t coming = (uintptr_t)f->w.data + (j + EIGHT * groups) * stride +
			   EIGHT * groups * bytes_of(format, first);
	int crowded = stride % CROWDED_BYTES == 0;
	_Alignas(LINE_BYTES) uint8_t stage[FEW_MOST_GROUPS * EIGHT * LINE_BYTES];
	const float *x = f->x + first * (n > 1 ? GEMM_MR : 1);

	for (size_t k = first; k < even; k += step, x += step * (n > 1 ? GEMM_MR : 1)) {
		const uint8_t *block = f->w.data + j * stride + bytes_of(format, k);

		UNROLL(4)
		for (size_t g = 0; g < groups; g++, block += EIGHT * stride) {
			uint8_t *lines = stage + g * EIGHT * LINE_BYTES;
			__m256 reg[8];

			if ((k - first) % line == 0) {
				if (j + EIGHT * groups < f->m)
					fetch_eight(&coming);
				if (crowded)
					stage_lines(lines, block, EIGHT, stride, bytes_of(format, end - k));
			}
			if (crowded)
				block_open(reg, lines + bytes_of(format, (k - first) % line),
					   stride_of(LINE_BYTES), format);
			else
				block_open(reg, block, stride_of(stride), format);
			if (format == DT_MXFP4) {
				reg[4] = scales_open(f->w.scale + ((j + EIGHT * g) * f->w.ld + k) / 32,
						     f->w.ld / 32);
				few_words(sums, x, reg, g, n);
			} else {
				few_eight(sums, x, reg, g, n, format);
			}
		}
	}
	for (size_t k = even; k < end; k++)
		few_rest(sums, f, j, k, n, groups, format);
}

/* All of the depth, for columns j .. j + 8 groups - 1 of y. Of the n rows computed, f->n are wanted. */
GEMM_INLINE void few_columns(const struct gemm_few *f, size_t j, size_t n, size_t groups, enum dtype format)
{
	for (size_t first = 0; first < f->depth; first += GEMM_CHUNK) {
		struct few_sums s;

		UNROLL(8)
		for (size_t i = 0; i < n; i++) {
			UNROLL(4)
			for (size_t g = 0; g < groups; g++)
				s.of[i][g] = _mm256_setzero_ps();
		}
		few_chunk(&s, f, j, first, n, groups, format);
		UNROLL(8)
		for (size_t i = 0; i < n; i++) {
			UNROLL(4)
			for (size_t g = 0; g < groups; g++) {
				float *to = f->y + i * f->ldy + j + EIGHT * g;

				if (i >= f->n)
					continue;
				if (f->add || first > 0)
					s.of[i][g] = _mm256_add_ps(_mm256_loadu_ps(to), s.of[i][g]);
				_mm256_storeu_ps(to, s.of[i][g]);
			}
		}
	}
}

GEMM_INLINE void few_rows(const struct gemm_few *f, size_t n, size_t groups, enum dtype format)
{
	const struct gemm_few own = *f; /* which no store through y can change */

	for (size_t j = 0; j < own.m; j += EIGHT * groups)
		few_columns(&own, j, n, groups, format);
}

#define RIGHT(name, format)                                                                  \
	GEMM_AVX2 void name(float *panel, const struct gemm_rows *w, size_t m, size_t depth) \
	{                                                                                    \
		const struct gemm_rows own = *w;                                             \
                                                                                             \
		if (own.width == GEMM_SMALL_NR)                                              \
			turn_right(panel, &own, m, depth, GEMM_SMALL_NR, format);            \
		else                                                                         \
			turn_right(panel, &own, m, depth, own.width, format);                \
	}

#define FEW(name, format)                             \
	GEMM_AVX2 void name(const struct gemm_few *f) \
	{                                             \
		if (f->n <= 1)                        \
			few_rows(f, 1, 2, format);    \
		else if (f->n <= 2)                   \
			few_rows(f, 2, 2, format);    \
		else if (f->n <= 4)                   \
			few_rows(f, 4, 2, format);    \
		else                                  \
			few_rows(f, 8, 1, format);    \
	}

RIGHT(gemm_right_f32, DT_F32)
RIGHT(gemm_right_bf16, DT_BF16)
RIGHT(gemm_right_f16, DT_F16)
RIGHT(gemm_right_mxfp4, DT_MXFP4)
FEW(gemm_few_f32, DT_F32)
FEW(gemm_few_bf16, DT_BF16)
FEW(gemm_few_f16, DT_F16)
FEW(gemm_few_mxfp4, DT_MXFP4)

GEMM_AVX2 void gemm_left_six(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn_left(panel, w, m, depth, GEMM_SMALL_MR);
}

GEMM_AVX2 void gemm_left_eight(float *panel, const struct gemm_rows *w, size_t m, size_t depth)
{
	turn_left(panel, w, m, depth, EIGHT);
}

#endif
