#ifndef NUM_GEMM_TURN_H
#define NUM_GEMM_TURN_H

#include "num/gemm_kernel.h"
#include "num/lanes.h"

/*
 * What the x86 kernels share: gemm_rows.c's reading of stored rows, eight at a time, and the pieces of it
 * that gemm_avx512.c uses for sixteen.
 */

void gemm_left_six(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_left_eight(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_right_f32(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_right_bf16(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_right_f16(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_right_mxfp4(float *panel, const struct gemm_rows *w, size_t m, size_t depth);
void gemm_few_f32(const struct gemm_few *f);
void gemm_few_bf16(const struct gemm_few *f);
void gemm_few_f16(const struct gemm_few *f);
void gemm_few_mxfp4(const struct gemm_few *f);

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define GEMM_AVX2 __attribute__((target("avx2,fma,f16c")))
#define GEMM_INLINE static inline __attribute__((always_inline, unused)) GEMM_AVX2

enum { LINE_BYTES = 64 };

/* What a kernel does with whole vectors; where n is none, by way of a copy of c. */
static inline void multiply_any(const struct gemm_block *b, size_t lane,
				void (*whole)(const struct gemm_block *))
{
	struct gemm_block copy = *b;
	float c[GEMM_MR * GEMM_NR];

	if (b->n % lane == 0) {
		whole(b);
		return;
	}
	copy.c = c;
	copy.ldc = GEMM_NR;
	for (size_t i = 0; b->add && i < b->m; i++)
		memcpy(c + i * GEMM_NR, b->c + i * b->ldc, b->n * sizeof(*c));
	whole(&copy);
	for (size_t i = 0; i < b->m; i++)
		memcpy(b->c + i * b->ldc, c + i * GEMM_NR, b->n * sizeof(*c));
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

/* A line of each of the rows, side by side. Where rows are a power of two apart, as they mostly are, their
 * lines fall on the same few places of the first-level cache and would not stay there from block to block. */
GEMM_INLINE void stage_lines(uint8_t *stage, const uint8_t *row, size_t rows, size_t stride, size_t bytes)
{
	for (size_t r = 0; r < rows; r++, row += stride, stage += LINE_BYTES) {
		if (bytes >= LINE_BYTES)
			memcpy(stage, row, LINE_BYTES);
		else
			memcpy(stage, row, bytes);
	}
}

#endif
#endif
