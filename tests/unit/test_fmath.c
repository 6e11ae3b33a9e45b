#include "num/fmath.h"

#include "base/hash.h"
#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The oracle is the C library in long double. */

static float float_of(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

/* |got - want| in units of the last place of `want` in a format of `digits` bits and least exponent
 * `least`. */
static long double ulps(long double got, long double want, int digits, int least)
{
	int e;

	frexpl(want, &e);
	return fabsl(got - want) / ldexpl(1.0L, (e > least ? e : least) - digits);
}

static long double ulps_f(float got, long double want)
{
	if (want != want || isinf((float)want))
		return (want != want && got != got) || got == (float)want ? 0.0L : 1e9L;
	return isfinite(got) ? ulps((long double)got, want, FLT_MANT_DIG, FLT_MIN_EXP) : 1e9L;
}

static long double ulps_d(double got, long double want)
{
	if (want != want || isinf((double)want))
		return (want != want && got != got) || got == (double)want ? 0.0L : 1e9L;
	return isfinite(got) ? ulps((long double)got, want, DBL_MANT_DIG, DBL_MIN_EXP) : 1e9L;
}

static const struct {
	const char *name;
	float (*fn)(float);
	long double (*want)(long double);
	void (*array)(float *, const float *, size_t);
} floats[] = {
	{ "exp", fm_exp, expl, fm_exp_n },
	{ "tanh", fm_tanh, tanhl, fm_tanh_n },
	{ "erf", fm_erf, erfl, fm_erf_n },
	{ "log", fm_log, logl, NULL },
};

enum { N_FLOATS = sizeof(floats) / sizeof(floats[0]) };

/* Every 2503rd of all bit patterns, another set for each function, and all the places where a branch ends. */
static void floats_are_within_two_ulp(void **state)
{
	static const float edges[] = {
		0.0f,	   0x1p-149f, 0x1p-126f, 0x1p-60f, 0.34657359f, 0.5f,	 0.625f,	  0.92f,
		1.0f,	   3.99f,     4.0f,	 9.01f,	   10.0f,	87.33f,	 88.0f,		  88.72283f,
		88.72284f, 89.0f,     103.97f,	 103.98f,  104.0f,	0x1p30f, 0x1.fffffep127f, INFINITY,
		NAN,
	};

	(void)state;
	for (size_t f = 0; f < N_FLOATS; f++) {
		for (uint64_t u = f; u < 1ull << 32; u += 2503) {
			float x = float_of((uint32_t)u);
			long double d = ulps_f(floats[f].fn(x), floats[f].want((long double)x));

			if (d > 2.0L)
				fail_msg("%s(%a): %a is off by %.2Lf ulp", floats[f].name, (double)x,
					 (double)floats[f].fn(x), d);
		}
		for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
			for (int near = -3; near <= 3; near++)
				for (int sign = 0; sign < 2; sign++) {
					uint32_t u;
					float x;

					memcpy(&u, edges + i, sizeof(u));
					x = float_of((u + (uint32_t)near) ^ (uint32_t)sign << 31);
					if (ulps_f(floats[f].fn(x), floats[f].want((long double)x)) > 2.0L)
						fail_msg("%s(%a): %a, not %La", floats[f].name, (double)x,
							 (double)floats[f].fn(x),
							 floats[f].want((long double)x));
				}
	}
}

static void odd_functions_keep_the_sign_of_zero(void **state)
{
	(void)state;
	assert_true(signbit(fm_tanh(-0.0f)) != 0 && !signbit(fm_tanh(0.0f)));
	assert_true(signbit(fm_erf(-0.0f)) != 0 && !signbit(fm_erf(0.0f)));
	assert_true(fm_exp(-0.0f) == 1.0f && fm_log(1.0f) == 0.0f && !signbit(fm_log(1.0f)));
	assert_true(fm_log(-0.0f) == -INFINITY);
}

static void array_forms_have_the_bits_of_the_scalar_ones(void **state)
{
	struct rng r = rng_stream(1, "array", 0);
	float x[100], y[100];

	(void)state;
	for (size_t f = 0; f < N_FLOATS; f++)
		for (size_t n = 0; floats[f].array && n < 100; n++) {
			for (size_t i = 0; i < n; i++)
				x[i] = i % 3 ? (float)(rng_unit(r, n * 100 + i) * 20.0 - 10.0)
					     : float_of((uint32_t)rng_u64(r, n * 100 + i));
			floats[f].array(y, x, n);
			for (size_t i = 0; i < n; i++) {
				float want = floats[f].fn(x[i]);

				if (memcmp(y + i, &want, sizeof(want)) != 0)
					fail_msg("%s_n(%a) at %zu of %zu: %a, alone %a", floats[f].name,
						 (double)x[i], i, n, (double)y[i], (double)want);
			}
			floats[f].array(x, x, n);
			assert_memory_equal(x, y, n * sizeof(*x));
		}
}

static double sin_of(double x)
{
	double s, c;

	fm_sincos_d(&s, &c, x);
	return s;
}

static double cos_of(double x)
{
	double s, c;

	fm_sincos_d(&s, &c, x);
	return c;
}

static const struct {
	const char *name;
	double (*fn)(double);
	long double (*want)(long double);
	double lo, hi;
} doubles[] = {
	{ "exp", fm_exp_d, expl, -746.0, 710.0 }, { "exp", fm_exp_d, expl, -1.0, 1.0 },
	{ "log", fm_log_d, logl, 0.0, 2.0 },	  { "log", fm_log_d, logl, 0.99, 1.01 },
	{ "log", fm_log_d, logl, 0.0, 1e300 },	  { "log", fm_log_d, logl, 0.0, 1e-307 },
	{ "sqrt", fm_sqrt_d, sqrtl, 0.0, 10.0 },  { "erfc", fm_erfc_d, erfcl, -6.0, 6.0 },
	{ "erfc", fm_erfc_d, erfcl, 0.0, 27.5 },  { "sin", sin_of, sinl, -10.0, 10.0 },
	{ "cos", cos_of, cosl, -10.0, 10.0 },	  { "sin", sin_of, sinl, -0x1p30, 0x1p30 },
	{ "cos", cos_of, cosl, -0x1p30, 0x1p30 },
};

enum { N_DOUBLES = sizeof(doubles) / sizeof(doubles[0]) };

static void doubles_are_within_four_ulp(void **state)
{
	(void)state;
	for (size_t f = 0; f < N_DOUBLES; f++) {
		struct rng r = rng_stream(f, "double", 0);

		for (uint64_t i = 0; i < 60000; i++) {
			double x = doubles[f].lo + (doubles[f].hi - doubles[f].lo) * rng_unit(r, i);
			long double d = ulps_d(doubles[f].fn(x), doubles[f].want((long double)x));

			if (d > 4.0L)
				fail_msg("%s(%a): %a is off by %.2Lf ulp", doubles[f].name, x,
					 doubles[f].fn(x), d);
		}
	}
}

/* The doubles nearest to multiples of pi/2: what is left after the reduction is tiny and must still be
 * right. */
static void sines_near_multiples_of_a_quarter_turn(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 600000000; n += n / 50 + 1) {
		double x = (double)((long double)n * 1.57079632679489661923132169163975144L);

		if (x >= 0x1p30)
			break;
		if (ulps_d(sin_of(x), sinl((long double)x)) > 4.0L ||
		    ulps_d(cos_of(x), cosl((long double)x)) > 4.0L)
			fail_msg("sincos(%a): %a %a, not %La %La", x, sin_of(x), cos_of(x),
				 sinl((long double)x), cosl((long double)x));
	}
	assert_true(sin_of(0.0) == 0.0 && cos_of(0.0) == 1.0);
	assert_true(sin_of(0x1p30) != sin_of(0x1p30) && cos_of(NAN) != cos_of(NAN));
}

static void powers_are_within_four_ulp(void **state)
{
	static const struct {
		double x, y, want;
	} exact[] = {
		{ 2.0, 10.0, 1024.0 },	     { 3.0, 3.0, 27.0 },	  { 10.0, 15.0, 1e15 },
		{ 4.0, 0.5, 2.0 },	     { 10000.0, 1.0, 10000.0 },	  { 500000.0, 0.0, 1.0 },
		{ 2.0, -1074.0, 0x1p-1074 }, { 2.0, 1023.0, 0x1p1023 },	  { 2.0, 1024.0, INFINITY },
		{ 2.0, -1080.0, 0.0 },	     { 1.0, 1e300, 1.0 },	  { 0.5, 1e300, 0.0 },
		{ 0.5, -1e300, INFINITY },   { 5.0, INFINITY, INFINITY }, { INFINITY, 2.0, INFINITY },
		{ INFINITY, -2.0, 0.0 },     { 7.0, 2.0, 49.0 },
	};
	struct rng r = rng_stream(1, "pow", 0);

	(void)state;
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		if (fm_pow_d(exact[i].x, exact[i].y) != exact[i].want)
			fail_msg("pow(%g, %g): %.17g", exact[i].x, exact[i].y,
				 fm_pow_d(exact[i].x, exact[i].y));
	assert_true(fm_pow_d(NAN, 1.0) != fm_pow_d(NAN, 1.0));
	for (uint64_t i = 0; i < 100000; i++) {
		double x = ldexp(1.0 + rng_unit(r, 2 * i), (int)rng_below(r, i, 40) - 20);
		double y = (rng_unit(r, 2 * i + 1) - 0.5) * 90.0;

		if (ulps_d(fm_pow_d(x, y), powl((long double)x, (long double)y)) > 4.0L)
			fail_msg("pow(%a, %a): %a, not %La", x, y, fm_pow_d(x, y),
				 powl((long double)x, (long double)y));
	}
}

static void edges_of_the_double_functions(void **state)
{
	(void)state;
	assert_true(fm_exp_d(HUGE_VAL) == HUGE_VAL && fm_exp_d(-HUGE_VAL) == 0.0 &&
		    fm_exp_d(NAN) != fm_exp_d(NAN));
	assert_true(fm_exp_d(0.0) == 1.0 && fm_exp_d(710.0) == HUGE_VAL && fm_exp_d(-800.0) == 0.0);
	assert_true(fm_log_d(HUGE_VAL) == HUGE_VAL && fm_log_d(0.0) == -HUGE_VAL &&
		    fm_log_d(-1.0) != fm_log_d(-1.0));
	assert_true(fm_log_d(1.0) == 0.0 && fm_log_d(NAN) != fm_log_d(NAN));
	assert_true(fm_erfc_d(0.0) == 1.0 && fm_erfc_d(30.0) == 0.0 && fm_erfc_d(-30.0) == 2.0);
	assert_true(fm_erfc_d(HUGE_VAL) == 0.0 && fm_erfc_d(-HUGE_VAL) == 2.0 &&
		    fm_erfc_d(NAN) != fm_erfc_d(NAN));
}

/* The same on every machine, at every optimisation, by every compiler. */
static void bits_are_those_of_every_machine(void **state)
{
	struct sha256 s;
	struct rng r = rng_stream(1, "bits", 0);
	char hex[65];

	(void)state;
	sha256_init(&s);
	for (size_t f = 0; f < N_FLOATS; f++)
		for (uint64_t i = 0; i < 20000; i++) {
			float y = floats[f].fn((float)(rng_unit(r, i) * 220.0 - (f == 3 ? 0.0 : 110.0)) *
					       (i % 2 ? 1.0f : 0.04f));

			sha256_add(&s, &y, sizeof(y));
		}
	for (size_t f = 0; f < N_DOUBLES; f++)
		for (uint64_t i = 0; i < 5000; i++) {
			double y = doubles[f].fn(doubles[f].lo +
						 (doubles[f].hi - doubles[f].lo) * rng_unit(r, i));

			sha256_add(&s, &y, sizeof(y));
		}
	digest_hex(hex, sha256_end(&s));
	assert_string_equal(hex, "c10e654b4d0aa6e00fe30ce013bff87ea99b4ae1a3b574a9c5a689f39a0bd2fc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floats_are_within_two_ulp),
		cmocka_unit_test(odd_functions_keep_the_sign_of_zero),
		cmocka_unit_test(array_forms_have_the_bits_of_the_scalar_ones),
		cmocka_unit_test(doubles_are_within_four_ulp),
		cmocka_unit_test(sines_near_multiples_of_a_quarter_turn),
		cmocka_unit_test(powers_are_within_four_ulp),
		cmocka_unit_test(edges_of_the_double_functions),
		cmocka_unit_test(bits_are_those_of_every_machine),
	};

	return cmocka_run_group_tests_name("fmath", tests, NULL, NULL);
}
