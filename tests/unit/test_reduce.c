#include "num/reduce.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 3 * REDUCE_CHUNK + 17 };

static const size_t lengths[] = { 0, 1, 17, REDUCE_CHUNK - 1, REDUCE_CHUNK, REDUCE_CHUNK + 1, MOST };

enum { N_LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static void sums_are_right_and_know_no_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	static float a[MOST], b[MOST];
	static double d[MOST];
	struct rng r = rng_stream(1, "reduce", 0);

	(void)state;
	for (size_t i = 0; i < MOST; i++) {
		a[i] = (float)(rng_unit(r, 2 * i) - 0.25);
		b[i] = (float)(rng_unit(r, 2 * i + 1) - 0.25);
		d[i] = (double)a[i];
	}
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];
		long double sum = 0.0L, dot = 0.0L;
		double first[2] = { 0.0, 0.0 };

		for (size_t i = 0; i < n; i++) {
			sum += (long double)a[i];
			dot += (long double)a[i] * (long double)b[i];
		}
		for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
			struct err e = ERR_INIT;
			struct par *p;
			double got[2];

			assert_int_equal(par_new(&p, threads[t], 0, &e), 0);
			got[0] = reduce_sum(p, a, n);
			got[1] = reduce_dot(p, a, b, n);
			par_free(p);
			if (t == 0)
				memcpy(first, got, sizeof(first));
			if (memcmp(first, got, sizeof(first)) != 0)
				fail_msg("%zu values: other bits with %u threads", n, threads[t]);
		}
		if (fabs(first[0] - (double)sum) > 1e-11 || fabs(first[1] - (double)dot) > 1e-11 ||
		    fabs(reduce_sum_d(d, n) - (double)sum) > 1e-11)
			fail_msg("%zu values: %.17g and %.17g, not %.17Lg and %.17Lg", n, first[0], first[1],
				 sum, dot);
	}
}

/* Whether value i goes before value j: larger, numbers before NaN, then the smaller index. */
static int before(const double *x, uint32_t i, uint32_t j)
{
	int a = isnan(x[i]), b = isnan(x[j]);

	if (a != b)
		return b;
	if (!a && x[i] != x[j])
		return x[i] > x[j];
	return i < j;
}

/* Few distinct values, so that ties abound; some that are hard to order. */
static void draw(double *x, size_t n, uint64_t seed)
{
	static const double hard[] = { -INFINITY, -1.5,	    -0x1p-140, -0.0, 0.0, 0x1p-140,
				       1.5,	  INFINITY, NAN,       2.5,  3.5 };
	struct rng r = rng_stream(seed, "draw", 0);

	for (size_t i = 0; i < n; i++)
		x[i] = seed % 2 ? hard[rng_below(r, i, sizeof(hard) / sizeof(hard[0]))]
				: (double)(float)rng_unit(r, i) - 0.5;
}

static void top_k_is_the_head_of_the_order(void **state)
{
	enum { N = 200 };
	double x[N];
	float f[N];
	uint32_t rank[N], got[N];

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		size_t n = 1 + seed * 3, k = seed % 7 == 0 ? n : 1 + seed % n;

		draw(x, n, seed);
		for (uint32_t i = 0; i < n; i++) {
			f[i] = (float)x[i];
			rank[i] = 0;
			for (uint32_t j = 0; j < n; j++)
				rank[i] += (uint32_t)before(x, j, i);
		}
		for (int wide = 0; wide < 2; wide++) {
			if (wide)
				reduce_top_k_d(got, k, x, n);
			else
				reduce_top_k(got, k, f, n);
			for (size_t i = 0; i < k; i++)
				if (got[i] >= n || rank[got[i]] != i)
					fail_msg("seed %d: place %zu of %zu of %zu is value %u", (int)seed, i,
						 k, n, got[i]);
		}
	}
	reduce_top_k(got, 0, f, 0);
	reduce_top_k_d(got, 0, x, 5);
}

static void order_is_stable_and_ascending(void **state)
{
	enum { N = 300 };
	double x[N];
	uint32_t got[N];

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		size_t n = seed * 5;

		draw(x, n, seed);
		reduce_order(got, x, n);
		for (size_t i = 1; i < n; i++) {
			double a = x[got[i - 1]], b = x[got[i]];
			int tie = a == b || (isnan(a) && isnan(b));

			if (tie ? got[i - 1] >= got[i] : !(isnan(a) || a < b))
				fail_msg("seed %d: %g (%u) before %g (%u)", (int)seed, a, got[i - 1], b,
					 got[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_right_and_know_no_threads),
		cmocka_unit_test(top_k_is_the_head_of_the_order),
		cmocka_unit_test(order_is_stable_and_ascending),
	};

	return cmocka_run_group_tests_name("reduce", tests, NULL, NULL);
}
