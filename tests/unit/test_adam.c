#include "base/rng.h"
#include "dict/adam.h"
#include "tests/support/naive_dfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 67 };

static void state_new(struct adam_state *s, size_t n, enum adam_format format)
{
	struct err e = ERR_INIT;

	if (adam_state_new(s, n, format, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Every length around the width of a vector, many steps, against the plain optimiser in double. */
static void test_against_naive(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
	struct rng r = rng_stream(3, "adam", 0);

	(void)state;
	for (size_t n = 1; n <= MOST; n++) {
		float p[MOST], g[MOST];
		struct adam_state s;
		double wide_p[MOST], wide_m[MOST] = { 0 }, wide_v[MOST] = { 0 }, wide_g[MOST];

		state_new(&s, n, ADAM_F32);
		for (size_t i = 0; i < n; i++)
			wide_p[i] = (double)(p[i] = (float)rng_normal(r, i));
		for (size_t t = 1; t <= 50; t++) {
			struct adam a = adam_at(&o, t, 0.5, 7);

			for (size_t i = 0; i < n; i++)
				wide_g[i] =
					0.5 * (double)(g[i] = (float)rng_normal(r, t << 32 | n << 16 | i));
			adam_state_step(&s, &a, p, 0, g, n);
			naive_adam(wide_p, wide_m, wide_v, wide_g, n, o.lr, o.beta1, o.beta2, o.eps, t);
		}
		for (size_t i = 0; i < n; i++)
			if (!((double)p[i] - wide_p[i] < 1e-5 && wide_p[i] - (double)p[i] < 1e-5))
				fail_msg("%zu values: value %zu is %.9g, the naive one %.9g", n, i,
					 (double)p[i], wide_p[i]);
		adam_state_release(&s);
	}
}

/* No gradient and a gradient of zeros give the same bits, and moments end as zeros, not as denormal
 * numbers. */
static void still(enum adam_format format)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.99, 1e-8 };
	float p[2][MOST], g[MOST];
	struct rng r = rng_stream(4, "adam", 0);
	struct adam_state s[2];

	state_new(&s[0], MOST, format);
	state_new(&s[1], MOST, format);
	for (size_t i = 0; i < MOST; i++)
		p[0][i] = p[1][i] = g[i] = (float)rng_normal(r, i);
	for (size_t t = 1; t <= 20000; t++) {
		struct adam a = adam_at(&o, t, 1.0, 7);

		adam_state_step(&s[0], &a, p[0], 0, g, MOST);
		adam_state_step(&s[1], &a, p[1], 0, t == 1 ? g : NULL, MOST);
		if (t == 1)
			memset(g, 0, sizeof(g));
		if (memcmp(p[0], p[1], sizeof(g)) != 0 ||
		    memcmp(s[0].memory, s[1].memory, adam_state_bytes(MOST, format)) != 0)
			fail_msg("step %zu: without a gradient it is not what it is with zeros", t);
	}
	for (size_t i = 0; i < adam_state_bytes(MOST, format); i++)
		if (((const char *)s[0].memory)[i] != 0)
			fail_msg("moments are still there, in byte %zu", i);
	adam_state_release(&s[0]);
	adam_state_release(&s[1]);
}

static void test_still(void **state)
{
	(void)state;
	still(ADAM_F32);
	still(ADAM_BF16);
}

/* Moments that never were leave the parameter as it is, bit by bit. */
static void test_untouched(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
	const float was[] = { 0.0f, -0.0f, 1.0f, -3e-39f, 1e30f };
	struct adam a = adam_at(&o, 3, 1.0, 7);

	(void)state;
	for (enum adam_format f = ADAM_F32; f <= ADAM_BF16; f++) {
		struct adam_state s;
		float p[5];

		state_new(&s, 5, f);
		memcpy(p, was, sizeof(was));
		adam_state_step(&s, &a, p, 0, NULL, 5);
		assert_memory_equal(p, was, sizeof(was));
		adam_state_release(&s);
	}
}

static double half_at(const struct adam_state *s, size_t i)
{
	uint32_t bits = (uint32_t)((const uint16_t *)s->memory)[i] << 16;
	float x;

	memcpy(&x, &bits, sizeof(x));
	return (double)x;
}

/* A decay by 0.999 moves a bf16 by less than half its last place: rounded to the nearest it would stay for ever.
 * At random, the mean over many is what floats come to, and no two steps or parameters share a draw. */
static void test_rounding_is_right_in_the_mean(void **state)
{
	enum { N = 4096, STEPS = 700 };
	const struct adam_opts o = { 1e-3, 0.9, 0.999, 1e-8 };
	static float p[N], g[N];
	double mean[2] = { 0.0, 0.0 }, want_v = 1e-3 * 0.36, want_m = 0.1 * 0.6;
	struct adam_state s;

	(void)state;
	state_new(&s, N, ADAM_BF16);
	for (size_t i = 0; i < N; i++)
		g[i] = 0.6f;
	for (size_t t = 1; t <= STEPS; t++) {
		struct adam a = adam_at(&o, t, 1.0, 11);

		adam_state_step(&s, &a, p, 0, t == 1 ? g : NULL, N);
		want_v *= t == 1 ? 1.0 : 0.999;
		want_m *= t == 1 ? 1.0 : 0.9;
		for (size_t i = 0; t == 20 && i < N; i++)
			mean[0] += half_at(&s, i) / N;
		if (t == 20 && !(mean[0] > want_m * 0.998 && mean[0] < want_m * 1.002))
			fail_msg("first moments of %g in the mean, %g in floats", mean[0], want_m);
	}
	for (size_t i = 0; i < N; i++)
		mean[1] += half_at(&s, N + i) / N;
	/* Each step adds at most half a unit of 2^-8: over 700 steps and 4096 values a standard error of 0.08 %. */
	if (!(mean[1] > want_v * 0.996 && mean[1] < want_v * 1.004))
		fail_msg("second moments of %g in the mean, %g in floats", mean[1], want_v);
	adam_state_release(&s);
}

/* However a row is cut into steps of its parts, the bits are those of the whole. */
static void test_parts_are_the_whole(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
	struct rng r = rng_stream(5, "adam", 0);

	(void)state;
	for (size_t cut = 0; cut <= MOST; cut++) {
		struct adam_state s[2];
		float p[2][MOST] = { { 0 } }, g[MOST];

		state_new(&s[0], MOST, ADAM_BF16);
		state_new(&s[1], MOST, ADAM_BF16);
		for (size_t t = 1; t <= 5; t++) {
			struct adam a = adam_at(&o, t, 1.0, 3);

			for (size_t i = 0; i < MOST; i++)
				g[i] = (float)rng_normal(r, t << 32 | i);
			adam_state_step(&s[0], &a, p[0], 0, g, MOST);
			adam_state_step(&s[1], &a, p[1], 0, g, cut);
			adam_state_step(&s[1], &a, p[1] + cut, cut, g + cut, MOST - cut);
		}
		assert_memory_equal(p[0], p[1], sizeof(p[0]));
		assert_memory_equal(s[0].memory, s[1].memory, adam_state_bytes(MOST, ADAM_BF16));
		adam_state_release(&s[0]);
		adam_state_release(&s[1]);
	}
}

/* Moments change places, and what training never leaves is seen. */
static void test_swap_and_valid(void **state)
{
	(void)state;
	for (enum adam_format f = ADAM_F32; f <= ADAM_BF16; f++) {
		const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
		struct adam a = adam_at(&o, 1, 1.0, 3);
		float p[6] = { 0 }, g[6] = { 1, -2, 3, 4, 5, 6 };
		struct adam_state s;
		uint8_t was[48];
		size_t bytes = adam_state_bytes(6, f);

		state_new(&s, 6, f);
		adam_state_step(&s, &a, p, 0, g, 6);
		assert_true(adam_state_valid(&s, s.memory));
		memcpy(was, s.memory, bytes);
		adam_state_swap(&s, 0, 4, 2);
		assert_memory_not_equal(was, s.memory, bytes);
		assert_memory_equal((char *)s.memory, was + 4 * (bytes / 12), 2 * (bytes / 12));
		adam_state_swap(&s, 4, 0, 2);
		assert_memory_equal(was, s.memory, bytes);
		was[bytes - 1] = 0xc0; /* a second moment below 0 */
		assert_false(adam_state_valid(&s, was));
		memcpy(was, s.memory, bytes);
		memset(was, 0xff, bytes / 12); /* not a number */
		assert_false(adam_state_valid(&s, was));
		adam_state_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_still),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_rounding_is_right_in_the_mean),
		cmocka_unit_test(test_parts_are_the_whole),
		cmocka_unit_test(test_swap_and_valid),
	};

	return cmocka_run_group_tests_name("adam", tests, NULL, NULL);
}
