#ifndef NUM_LANES_H
#define NUM_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sixteen floats at a time, in GCC's vector extensions: one source, the same bits on every target, because
 * a lane sees only IEEE operations in the order written.  Vectors travel by pointer, so that no calling
 * convention depends on the target.
 *
 * A function marked CLONES is compiled for each target and chosen when the program starts.  The sanitizers
 * cannot run before their own start-up, which is when the choice is made; there one plain version is built.
 * Nor do they compile unrolled kernels in bearable time: UNROLL, which keeps arrays in registers, is void
 * there.
 */

#if defined(__has_feature)
#define LANES_HAS_FEATURE(x) __has_feature(x)
#else
#define LANES_HAS_FEATURE(x) 0
#endif

#define LANES_PRAGMA(x) _Pragma(#x)

#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	LANES_HAS_FEATURE(address_sanitizer) || LANES_HAS_FEATURE(thread_sanitizer)
#define CLONES
#define UNROLL(n)
#elif !defined(__x86_64__)
#define CLONES
#define UNROLL(n) LANES_PRAGMA(GCC unroll n)
#else
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define UNROLL(n) LANES_PRAGMA(GCC unroll n)
#endif

#define LANES_INLINE static inline __attribute__((always_inline, unused))

enum { LANES = 16 };

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x4 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

typedef double f64x16 __attribute__((vector_size(128)));

/* Sixteen doubles as two registers hold them: a sum kept in an f64x16 would live in memory. */
struct lanes_double {
	f64x8 low, high;
};

/* a where the mask (all ones or none, as comparisons give) is set, else b */
#define LANES_SELECT(mask, a, b) ((f32x16)(((i32x16)(a) & (mask)) | ((i32x16)(b) & ~(mask))))

/* Eight at a time, for loops that must run at full speed: GCC 12 keeps sixteen in memory, not in a pair of
 * registers, where the target's have eight. */
LANES_INLINE void lanes_load8(f32x8 *v, const float *p)
{
	__builtin_memcpy(v, p, sizeof(*v));
}

LANES_INLINE void lanes_store8(float *p, const f32x8 *v)
{
	__builtin_memcpy(p, v, sizeof(*v));
}

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

LANES_INLINE void lanes_fill(f32x16 *v, float x)
{
	*v = (f32x16){ 0 } + x;
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

LANES_INLINE float lanes_max(const f32x16 *v)
{
	float m = (*v)[0];

	for (size_t i = 1; i < LANES; i++)
		m = (*v)[i] > m ? (*v)[i] : m;
	return m;
}

#endif
