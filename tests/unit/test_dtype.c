#include "num/dtype.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint32_t bits_of(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

static float of_bits(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

/* sign, exponent of `e` bits biased by `bias`, fraction of `f` bits: IEEE 754's meaning, by ldexp */
static double decode(unsigned u, int e, int f, int bias)
{
	unsigned fraction = u & ((1u << f) - 1), exponent = u >> f & ((1u << e) - 1);
	double v = exponent ? ldexp(1.0 + ldexp((double)fraction, -f), (int)exponent - bias)
			    : ldexp((double)fraction, 1 - bias - f);

	if (exponent == (1u << e) - 1)
		v = fraction ? (double)NAN : HUGE_VAL;
	return u >> (e + f) & 1 ? -v : v;
}

static void check(const char *name, unsigned u, float got, double want)
{
	int same = want != want ? got != got : (double)got == want && !signbit(got) == !signbit(want);

	if (!same)
		fail_msg("%s %04x: %a, not %a", name, u, (double)got, want);
}

static void every_half_is_exact(void **state)
{
	static uint16_t all[65536];
	static float f16[65536], bf16[65536];
	struct tensor t = { .dtype = DT_F16, .rows = 1, .cols = 65536, .data = all };

	(void)state;
	for (unsigned u = 0; u < 65536; u++)
		all[u] = (uint16_t)u;
	dtype_widen(f16, &t, 0, 65536);
	t.dtype = DT_BF16;
	dtype_widen(bf16, &t, 0, 65536);
	for (unsigned u = 0; u < 65536; u++) {
		check("f16", u, f16[u], decode(u, 5, 10, 15));
		check("bf16", u, bf16[u], decode(u, 8, 7, 127));
		assert_int_equal(bits_of(bf16[u]), u << 16);
	}
}

static void every_mxfp4_value_and_scale_is_exact(void **state)
{
	static uint8_t data[256 * 16], scale[256];
	static float out[256 * 32];
	struct tensor t = { .dtype = DT_MXFP4, .rows = 256, .cols = 32, .data = data, .scale = scale };

	(void)state;
	for (unsigned i = 0; i < 256 * 16; i++)
		data[i] = (uint8_t)(i % 16 | (15 - i % 16) << 4);
	for (unsigned i = 0; i < 256; i++)
		scale[i] = (uint8_t)i;
	dtype_widen(out, &t, 0, 256 * 32);
	for (unsigned i = 0; i < 256 * 32; i++) {
		unsigned s = i / 32, nibble = i % 2 ? 15 - i / 2 % 16 : i / 2 % 16;
		double v = decode(nibble, 2, 1, 1);

		if (nibble % 8 >= 6) /* e2m1 has neither infinity nor NaN: exponent 3 is 4 and 6 */
			v = (nibble & 1 ? 6.0 : 4.0) * (nibble & 8 ? -1.0 : 1.0);
		v = s == 255 ? (double)NAN : ldexp(v, (int)s - 127);
		if (fabs(v) >= 0x1p128) /* no float holds it */
			v = copysign(HUGE_VAL, v);
		check("mxfp4", s << 8 | nibble, out[i], v);
	}
}

/* Any first value, any length, any address. */
static void parts_are_as_the_whole(void **state)
{
	static const enum dtype types[] = { DT_F32, DT_F16, DT_BF16, DT_F64, DT_MXFP4 };
	static uint8_t data[8 * 512 + 1], scale[16];
	struct rng r = rng_stream(1, "bytes", 0);

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rng_u64(r, i);
	for (size_t i = 0; i < sizeof(scale); i++)
		scale[i] = (uint8_t)(100 + i);
	for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++)
		for (size_t odd = 0; odd < 2; odd++) {
			struct tensor t = {
				.dtype = types[k], .rows = 4, .cols = 128, .data = data + odd, .scale = scale
			};
			size_t step = types[k] == DT_MXFP4 ? 32 : 1;
			float whole[512], part[512];

			dtype_widen(whole, &t, 0, 512);
			for (size_t first = 0; first < 100; first += step)
				for (size_t n = 0; n < 70; n += step) {
					memset(part, 0, sizeof(part));
					dtype_widen(part, &t, first, n);
					if (memcmp(part, whole + first, n * sizeof(*part)) != 0 ||
					    bits_of(part[n]) != 0)
						fail_msg("%s: values %zu .. %zu", dtype_name(types[k]), first,
							 first + n);
				}
		}
}

static void doubles_round_to_the_nearest_float(void **state)
{
	static const struct {
		double in;
		float want;
	} cases[] = {
		{ 0x1.000001p0, 1.0f },		 { 0x1.0000010000001p0, 0x1.000002p0f },
		{ 0x1.000003p0, 0x1.000004p0f }, { 1e300, INFINITY },
		{ -0x1.ffffffp127, -INFINITY },	 { 0x1p-150, 0.0f },
		{ 0x1.8p-149, 0x1p-148f },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tensor t = { .dtype = DT_F64, .rows = 1, .cols = 1, .data = &cases[i].in };
		float got;

		dtype_widen(&got, &t, 0, 1);
		if (bits_of(got) != bits_of(cases[i].want))
			fail_msg("%a: %a", cases[i].in, (double)got);
	}
}

/* The bf16 nearest to x among x cut off and its neighbour away from zero, by distance in double; the
 * neighbour of the largest number counts as a power of two and is stored as infinity. */
static uint32_t nearest_bf16(float x)
{
	uint32_t cut = bits_of(x) & 0xffff0000u, next = cut + 0x10000u;
	double down = (double)of_bits(cut),
	       up = isinf(of_bits(next)) ? copysign(0x1p128, down) : (double)of_bits(next);
	double below = fabs((double)x - down), above = fabs(up - (double)x);

	if (isinf(x))
		return cut >> 16;
	if (below == above)
		return ((cut >> 16) % 2 == 0 ? cut : next) >> 16;
	return (below < above ? cut : next) >> 16;
}

static void narrowing_is_to_the_nearest_bf16_ties_to_even(void **state)
{
	struct rng r = rng_stream(2, "narrow", 0);

	(void)state;
	for (uint64_t i = 0; i < 300000; i++) {
		uint64_t u = rng_u64(r, i);
		uint32_t near_tie = 0x7fffu + (uint32_t)(u >> 40) % 3;
		float x = of_bits(i % 3 ? (uint32_t)u : ((uint32_t)u & 0xffff0000u) | near_tie);
		uint16_t got;

		dtype_narrow_bf16(&got, &x, 1);
		if (x != x ? !isnan(of_bits((uint32_t)got << 16)) : got != nearest_bf16(x))
			fail_msg("%a: %04x, not %04x", (double)x, got, nearest_bf16(x));
	}
}

static void names_and_sizes(void **state)
{
	static const struct {
		enum dtype t;
		const char *name;
		size_t bytes_of_64;
		bool is_float;
	} cases[DT_COUNT] = {
		{ DT_F32, "F32", 256, true },	 { DT_F16, "F16", 128, true },
		{ DT_BF16, "BF16", 128, true },	 { DT_F64, "F64", 512, true },
		{ DT_U8, "U8", 64, false },	 { DT_I8, "I8", 64, false },
		{ DT_I16, "I16", 128, false },	 { DT_I32, "I32", 256, false },
		{ DT_I64, "I64", 512, false },	 { DT_BOOL, "BOOL", 64, false },
		{ DT_MXFP4, "MXFP4", 32, true },
	};

	(void)state;
	for (size_t i = 0; i < DT_COUNT; i++) {
		assert_string_equal(dtype_name(cases[i].t), cases[i].name);
		assert_int_equal(dtype_bytes(cases[i].t, 64), cases[i].bytes_of_64);
		assert_int_equal(dtype_is_float(cases[i].t), cases[i].is_float);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_half_is_exact),
		cmocka_unit_test(every_mxfp4_value_and_scale_is_exact),
		cmocka_unit_test(parts_are_as_the_whole),
		cmocka_unit_test(doubles_round_to_the_nearest_float),
		cmocka_unit_test(narrowing_is_to_the_nearest_bf16_ties_to_even),
		cmocka_unit_test(names_and_sizes),
	};

	return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
