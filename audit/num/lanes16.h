#ifndef NUM_LANES16_H
#define NUM_LANES16_H

#include "num/lanes.h"

/* Sixteen floats at a time, as lanes.h has eight; sums of sixteen lanes are folded by one tree. */

enum { LANES = 16 };

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));
typedef double f64x16 __attribute__((vector_size(128)));

/* Sixteen doubles as two registers hold them: a sum kept in one vector would live in memory. */
struct lanes_double {
	f64x8 low, high;
};

LANES_INLINE void lanes_load(f32x16 *v, const float *p)
{
	__builtin_memcpy(v, p, sizeof(*v));
}

LANES_INLINE void lanes_store(float *p, const f32x16 *v)
{
	__builtin_memcpy(p, v, sizeof(*v));
}

/* n < 16 values, the rest `fill` */
LANES_INLINE void lanes_load_part(f32x16 *v, const float *p, size_t n, float fill)
{
	float b[LANES];

	for (size_t i = 0; i < LANES; i++)
		b[i] = i < n ? p[i] : fill;
	__builtin_memcpy(v, b, sizeof(*v));
}

LANES_INLINE void lanes_store_part(float *p, const f32x16 *v, size_t n)
{
	__builtin_memcpy(p, v, n * sizeof(*p));
}

/* A fixed tree: lanes 8 apart, then 4, 2, 1. */
LANES_INLINE float lanes_sum_halves(const f32x8 *low, const f32x8 *high)
{
	f32x8 s = *low + *high;

	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

LANES_INLINE float lanes_sum(const f32x16 *v)
{
	f32x8 low = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7);
	f32x8 high = __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);

	return lanes_sum_halves(&low, &high);
}

LANES_INLINE void lanes_widen(struct lanes_double *d, const f32x16 *v)
{
	f32x8 low = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7);
	f32x8 high = __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);

	d->low = __builtin_convertvector(low, f64x8);
	d->high = __builtin_convertvector(high, f64x8);
}

/* The same tree. */
LANES_INLINE double lanes_fold(const struct lanes_double *v)
{
	f64x8 s = v->low + v->high;

	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

LANES_INLINE double lanes_sum_d(const f64x16 *v)
{
	struct lanes_double d;

	__builtin_memcpy(&d, v, sizeof(d));
	return lanes_fold(&d);
}

#endif
