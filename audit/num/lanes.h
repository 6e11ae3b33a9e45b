#ifndef NUM_LANES_H
#define NUM_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Several floats at a time, in GCC's vector extensions: one source, the same bits on every target, because
 * a lane sees only IEEE operations in the order written.  Vectors travel by pointer, so that no calling
 * convention depends on the target.  Eight here: GCC 12 keeps sixteen in memory, not in a pair of registers,
 * where the target's have eight.  lanes16.h has sixteen, for sums whose order was made with them.
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

enum { EIGHT = 8 };

typedef float f32x8 __attribute__((vector_size(32)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef double f64x4 __attribute__((vector_size(32)));

/* a where the mask (all ones or none, as comparisons give) is set, else b */
#define LANES_SELECT8(mask, a, b) ((f32x8)(((i32x8)(a) & (mask)) | ((i32x8)(b) & ~(mask))))

/* The last vector of an elementwise loop, of m values, is a part; both use the same statements. */
#define EACH_EIGHT(n, i, m) \
	for (size_t i = 0, m; i < (n) && (m = (n)-i < EIGHT ? (n)-i : EIGHT, 1); i += EIGHT)

LANES_INLINE void lanes_load8(f32x8 *v, const float *p)
{
	__builtin_memcpy(v, p, sizeof(*v));
}

LANES_INLINE void lanes_store8(float *p, const f32x8 *v)
{
	__builtin_memcpy(p, v, sizeof(*v));
}

/* n <= 8 values, the rest `fill` */
LANES_INLINE void lanes_get8(f32x8 *v, const float *p, size_t n, float fill)
{
	float b[EIGHT];

	if (n == EIGHT) {
		lanes_load8(v, p);
		return;
	}
	for (size_t i = 0; i < EIGHT; i++)
		b[i] = i < n ? p[i] : fill;
	lanes_load8(v, b);
}

LANES_INLINE void lanes_put8(float *p, const f32x8 *v, size_t n)
{
	if (n == EIGHT)
		lanes_store8(p, v);
	else
		__builtin_memcpy(p, v, n * sizeof(*p));
}

#endif
