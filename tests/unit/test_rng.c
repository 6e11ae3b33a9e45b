#include "base/rng.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Random123 (Salmon et al.), the file kat_vectors, lines "philox4x32 10". */
static void philox_known_answers(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], want[4];
	} cases[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
		  { 0xffffffff, 0xffffffff },
		  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
		  { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t got[4];

		rng_philox(got, cases[i].counter, cases[i].key);
		assert_memory_equal(got, cases[i].want, sizeof(got));
	}
}

static void numbers_follow_from_the_generator(void **state)
{
	struct rng r = { .key = 0x299f31d0a4093822 };
	uint32_t w[4];

	(void)state;
	rng_philox(w, (const uint32_t[]){ 7, 1, 0, 0 }, (const uint32_t[]){ 0xa4093822, 0x299f31d0 });
	assert_true(rng_u64(r, 0x100000007) == (w[0] | (uint64_t)w[1] << 32));
}

static void streams_are_apart(void **state)
{
	struct rng r[6] = {
		rng_stream(1, "a", 0), rng_stream(2, "a", 0), rng_stream(1, "b", 0),
		rng_stream(1, "a", 1), rng_stream(0, "a", 1), rng_stream(1, "", 0),
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < 6; i++)
		for (k = 0; k < i; k++)
			assert_true(r[i].key != r[k].key);
	assert_true(rng_stream(1, "a", 0).key == r[0].key);
}

/* A change of these would change every artifact: raise the versions of the stages if it has to be. */
static void streams_stay_what_they_are(void **state)
{
	struct rng r = rng_stream(42, "train.batch", 3);

	(void)state;
	assert_true(r.key == 0x36375710d391177a);
	assert_true(rng_u64(r, 5) == 0xd8b1177fc33cad5f);
	assert_true(rng_unit(r, 5) == 0x1.b1622eff86795p-1);
	assert_true(rng_normal(r, 5) == -0x1.225d8236ba61fp-1);
	assert_int_equal(rng_below(r, 5, 1000), 846);
}

static void below_is_even(void **state)
{
	struct rng r = rng_stream(1, "below", 0);
	size_t count[7] = { 0 }, i;

	(void)state;
	for (i = 0; i < 70000; i++) {
		uint64_t v = rng_below(r, i, 7);

		assert_true(v < 7);
		count[v]++;
	}
	/* five standard deviations of a binomial count */
	for (i = 0; i < 7; i++)
		assert_true(count[i] > 10000 - 470 && count[i] < 10000 + 470);
	assert_int_equal(rng_below(r, 3, 1), 0);
	assert_true(rng_below(r, 3, UINT64_MAX) < UINT64_MAX);
}

static void units_are_in_range(void **state)
{
	struct rng r = rng_stream(1, "unit", 0);
	double sum = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		double v = rng_unit(r, i);

		assert_true(v >= 0 && v < 1);
		sum += v;
	}
	assert_true(fabs(sum / 100000 - 0.5) < 5 * 0.2887 / sqrt(100000));
}

/* Against libm, which our own logarithm and cosine stand in for. */
static void normals_are_box_muller(void **state)
{
	struct rng r = rng_stream(1, "normal", 0);
	double sum = 0, squares = 0, fourth = 0;
	size_t i, n = 200000;

	(void)state;
	for (i = 0; i < n; i++) {
		const uint32_t key[2] = { (uint32_t)r.key, (uint32_t)(r.key >> 32) };
		const uint32_t counter[4] = { (uint32_t)i, 0, 0, 0 };
		double v = rng_normal(r, i), want, u, t;
		uint32_t w[4];

		rng_philox(w, counter, key);
		u = ((double)((w[0] | (uint64_t)w[1] << 32) >> 11) + 1) * 0x1p-53;
		t = (double)((w[2] | (uint64_t)w[3] << 32) >> 11) * 0x1p-53;
		want = sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * t);
		if (fabs(v - want) > 4e-15 * (1 + fabs(want)))
			fail_msg("%zu: %.17g, %.17g", i, v, want);
		sum += v;
		squares += v * v;
		fourth += v * v * v * v;
	}
	assert_true(fabs(sum / (double)n) < 5 / sqrt((double)n));
	assert_true(fabs(squares / (double)n - 1) < 5 * sqrt(2 / (double)n));
	assert_true(fabs(fourth / (double)n - 3) < 5 * sqrt(96 / (double)n));
}

static void permutations(void **state)
{
	uint32_t p[1000], first[5] = { 0 };
	unsigned char seen[1000];
	size_t n, i, k;

	(void)state;
	for (n = 0; n <= 1000; n += n < 8 ? 1 : 331) {
		memset(seen, 0, sizeof(seen));
		rng_permutation(rng_stream(n, "perm", 0), p, n);
		for (i = 0; i < n; i++) {
			assert_true(p[i] < n && !seen[p[i]]);
			seen[p[i]] = 1;
		}
	}
	for (k = 0; k < 5000; k++) {
		rng_permutation(rng_stream(k, "first", 0), p, 5);
		first[p[0]]++;
	}
	for (i = 0; i < 5; i++)
		assert_true(first[i] > 1000 - 142 && first[i] < 1000 + 142);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_known_answers),	  cmocka_unit_test(numbers_follow_from_the_generator),
		cmocka_unit_test(streams_are_apart),	  cmocka_unit_test(streams_stay_what_they_are),
		cmocka_unit_test(below_is_even),	  cmocka_unit_test(units_are_in_range),
		cmocka_unit_test(normals_are_box_muller), cmocka_unit_test(permutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
