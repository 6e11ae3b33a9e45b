#include "dict/sparse.h"

#include "num/lanes16.h"

#include <string.h>

enum { STRIP = 64 };

/* 64 columns in registers while the rows of the list go by. */
LANES_INLINE void combine_strip(float *y, const float *base, const float *w, size_t d, const uint32_t *row,
				const float *f, size_t n)
{
	f32x8 s[STRIP / EIGHT], v;
	const float *x;

	UNROLL(8)
	for (size_t i = 0; i < STRIP / EIGHT; i++) {
		s[i] = (f32x8){ 0 };
		if (base)
			lanes_load8(&s[i], base + i * EIGHT);
	}
	for (size_t j = 0; j < n; j++) {
		x = w + row[j] * d;
		if (j + 8 < n)
			for (size_t line = 0; line < STRIP; line += LANES)
				__builtin_prefetch(w + row[j + 8] * d + line);
		UNROLL(8)
		for (size_t i = 0; i < STRIP / EIGHT; i++) {
			lanes_load8(&v, x + i * EIGHT);
			s[i] += v * f[j];
		}
	}
	UNROLL(8)
	for (size_t i = 0; i < STRIP / EIGHT; i++)
		lanes_store8(y + i * EIGHT, &s[i]);
}

LANES_INLINE void combine_rest(float *y, const float *base, const float *w, size_t d, const uint32_t *row,
			       const float *f, size_t n)
{
	float s = base ? *base : 0.0f;

	for (size_t j = 0; j < n; j++)
		s += w[row[j] * d] * f[j];
	*y = s;
}

CLONES void sparse_combine(float *y, const float *base, const float *w, size_t d, const uint32_t *row,
			   const float *f, size_t n)
{
	size_t c = 0;

	for (; c + STRIP <= d; c += STRIP)
		combine_strip(y + c, base ? base + c : NULL, w + c, d, row, f, n);
	for (; c < d; c++)
		combine_rest(y + c, base ? base + c : NULL, w + c, d, row, f, n);
}

LANES_INLINE float dot(const float *a, const float *b, size_t d)
{
	f32x8 s[STRIP / EIGHT], u, v;
	float rest[2][2 * EIGHT] = { { 0 } };
	size_t c = 0;

	UNROLL(8)
	for (size_t i = 0; i < STRIP / EIGHT; i++)
		s[i] = (f32x8){ 0 };
	for (; c + STRIP <= d; c += STRIP) {
		UNROLL(8)
		for (size_t i = 0; i < STRIP / EIGHT; i++) {
			lanes_load8(&u, a + c + i * EIGHT);
			lanes_load8(&v, b + c + i * EIGHT);
			s[i] += u * v;
		}
	}
	for (; c < d; c += 2 * EIGHT) {
		size_t n = d - c < 2 * EIGHT ? d - c : 2 * EIGHT;

		memset(rest, 0, sizeof(rest));
		memcpy(rest[0], a + c, n * sizeof(*a));
		memcpy(rest[1], b + c, n * sizeof(*b));
		for (size_t i = 0; i < 2; i++) {
			lanes_load8(&u, rest[0] + i * EIGHT);
			lanes_load8(&v, rest[1] + i * EIGHT);
			s[i] += u * v;
		}
	}
	u = (s[0] + s[2]) + (s[4] + s[6]);
	v = (s[1] + s[3]) + (s[5] + s[7]);
	return lanes_sum_halves(&u, &v);
}

CLONES void sparse_dot(float *y, const float *w, size_t d, const uint32_t *row, size_t n, const float *v)
{
	for (size_t j = 0; j < n; j++)
		y[j] += dot(w + row[j] * d, v, d);
}

CLONES void sparse_add_d(double *sum, const float *x, size_t d)
{
	size_t c = 0;
	f64x4 s;

	for (; c + 4 <= d; c += 4) {
		memcpy(&s, sum + c, sizeof(s));
		s += (f64x4){ (double)x[c], (double)x[c + 1], (double)x[c + 2], (double)x[c + 3] };
		memcpy(sum + c, &s, sizeof(s));
	}
	for (; c < d; c++)
		sum[c] += (double)x[c];
}

CLONES void sparse_add_weighted_d(double *sum, const float *x, double weight, size_t d)
{
	for (size_t c = 0; c < d; c++)
		sum[c] += weight * (double)x[c];
}

CLONES double sparse_distance2_d(const float *x, const double *y, size_t d)
{
	f64x16 s = { 0 }, z;
	f32x16 v;
	size_t c = 0;
	double sum, t;

	for (; c + LANES <= d; c += LANES) {
		lanes_load(&v, x + c);
		memcpy(&z, y + c, sizeof(z));
		z = __builtin_convertvector(v, f64x16) - z;
		s += z * z;
	}
	sum = lanes_sum_d(&s);
	for (; c < d; c++) {
		t = (double)x[c] - y[c];
		sum += t * t;
	}
	return sum;
}

CLONES void sparse_subtract_from(float *y, const float *x, size_t d)
{
	size_t c = 0;
	f32x8 u, v;

	for (; c + EIGHT <= d; c += EIGHT) {
		lanes_load8(&u, x + c);
		lanes_load8(&v, y + c);
		u -= v;
		lanes_store8(y + c, &u);
	}
	for (; c < d; c++)
		y[c] = x[c] - y[c];
}

/* One byte a lane, 1 where the score is above. */
LANES_INLINE void above(uint64_t mask[2], const float *f, const float *w, float bound)
{
	typedef int8_t i8x16 __attribute__((vector_size(16)));
	f32x16 u, v;
	i8x16 m;

	lanes_load(&u, f);
	lanes_load(&v, w);
	m = __builtin_convertvector(u * v > bound, i8x16) & 1;
	memcpy(mask, &m, sizeof(m));
}

CLONES size_t sparse_hits(struct hit *hit, size_t limit, uint32_t first, const float *f, const float *w,
			  float bound, size_t n)
{
	size_t count = 0, i = 0;
	uint64_t mask[2];

	for (; i + LANES <= n; i += LANES) {
		above(mask, f + i, w + i, bound);
		if (!(mask[0] | mask[1]))
			continue;
		if (count + LANES > limit)
			return limit + 1;
		for (size_t half = 0; half < 2; half++)
			for (uint64_t m = mask[half]; m; m &= m - 1) {
				size_t at = i + half * 8 + (size_t)__builtin_ctzll(m) / 8;

				hit[count++] = (struct hit){ .at = first + (uint32_t)at, .f = f[at] };
			}
	}
	for (; i < n; i++) {
		if (!(f[i] * w[i] > bound))
			continue;
		if (count == limit)
			return limit + 1;
		hit[count++] = (struct hit){ .at = first + (uint32_t)i, .f = f[i] };
	}
	return count;
}
