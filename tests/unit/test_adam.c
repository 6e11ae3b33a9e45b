#include "base/rng.h"
#include "dict/adam.h"
#include "tests/support/naive_dfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 67 };

/* Every length around the width of a vector, many steps, against the plain optimiser in double. */
static void test_against_naive(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
	struct rng r = rng_stream(3, "adam", 0);

	(void)state;
	for (size_t n = 1; n <= MOST; n++) {
		float p[MOST], m[MOST] = { 0 }, v[MOST] = { 0 }, g[MOST];
		double wide_p[MOST], wide_m[MOST] = { 0 }, wide_v[MOST] = { 0 }, wide_g[MOST];

		for (size_t i = 0; i < n; i++)
			wide_p[i] = (double)(p[i] = (float)rng_normal(r, i));
		for (size_t t = 1; t <= 50; t++) {
			struct adam a = adam_at(&o, t, 0.5);

			for (size_t i = 0; i < n; i++)
				wide_g[i] =
					0.5 * (double)(g[i] = (float)rng_normal(r, t << 32 | n << 16 | i));
			adam_row(&a, p, m, v, g, n);
			naive_adam(wide_p, wide_m, wide_v, wide_g, n, o.lr, o.beta1, o.beta2, o.eps, t);
		}
		for (size_t i = 0; i < n; i++)
			if (!((double)p[i] - wide_p[i] < 1e-5 && wide_p[i] - (double)p[i] < 1e-5))
				fail_msg("%zu values: value %zu is %.9g, the naive one %.9g", n, i,
					 (double)p[i], wide_p[i]);
	}
}

/* No gradient and a gradient of zeros give the same bits, and moments end as zeros, not as denormal
 * numbers. */
static void test_still(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.99, 1e-8 };
	float p[2][MOST], m[2][MOST] = { { 0 } }, v[2][MOST] = { { 0 } }, g[MOST];
	struct rng r = rng_stream(4, "adam", 0);

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		p[0][i] = p[1][i] = g[i] = (float)rng_normal(r, i);
	for (size_t t = 1; t <= 20000; t++) {
		struct adam a = adam_at(&o, t, 1.0);

		adam_row(&a, p[0], m[0], v[0], g, MOST);
		adam_row(&a, p[1], m[1], v[1], t == 1 ? g : NULL, MOST);
		if (t == 1)
			memset(g, 0, sizeof(g));
		if (memcmp(p[0], p[1], sizeof(g)) != 0 || memcmp(v[0], v[1], sizeof(g)) != 0)
			fail_msg("step %zu: without a gradient it is not what it is with zeros", t);
	}
	for (size_t i = 0; i < MOST; i++)
		if (m[0][i] != 0.0f || v[0][i] != 0.0f)
			fail_msg("value %zu: moments %g and %g are still there", i, (double)m[0][i],
				 (double)v[0][i]);
}

/* Moments that never were leave the parameter as it is, bit by bit. */
static void test_untouched(void **state)
{
	const struct adam_opts o = { 1e-2, 0.9, 0.999, 1e-8 };
	const float was[] = { 0.0f, -0.0f, 1.0f, -3e-39f, 1e30f };
	float p[5], m[5] = { 0 }, v[5] = { 0 };
	struct adam a = adam_at(&o, 3, 1.0);

	(void)state;
	memcpy(p, was, sizeof(was));
	adam_row(&a, p, m, v, NULL, 5);
	assert_memory_equal(p, was, sizeof(was));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_still),
		cmocka_unit_test(test_untouched),
	};

	return cmocka_run_group_tests_name("adam", tests, NULL, NULL);
}
