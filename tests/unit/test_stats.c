#include "num/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void near(const char *name, double got, double want, double room)
{
	if (!(fabs(got - want) <= room))
		fail_msg("%s: %.12g, not %.12g", name, got, want);
}

static void moments_and_quantiles(void **state)
{
	static const double x[] = { 2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0 };
	static const double odd[] = { 9.0, -3.0, 1.0 };

	(void)state;
	near("mean", stats_mean(x, 8), 5.0, 0.0);
	near("mean of none", stats_mean(x, 0), 0.0, 0.0);
	near("sd", stats_sd(x, 8), sqrt(32.0 / 7.0), 1e-15);
	near("sd of one", stats_sd(x, 1), 0.0, 0.0);
	near("sd of what rounding tells apart", stats_sd((double[]){ 0.1 + 0.2, 0.3, 0.3 }, 3), 0.0, 0.0);
	near("sd of small values", stats_sd((double[]){ 1e-15, -1e-15 }, 2), 1e-15 * sqrt(2.0), 1e-28);
	near("median", stats_median(x, 8), 4.5, 0.0);
	near("median, odd", stats_median(odd, 3), 1.0, 0.0);
	near("quantile 0", stats_quantile(odd, 3, 0.0), -3.0, 0.0);
	near("quantile 1", stats_quantile(odd, 3, 1.0), 9.0, 0.0);
	near("quantile 3/4", stats_quantile(odd, 3, 0.75), 5.0, 1e-15);
	near("quantile of one", stats_quantile(odd, 1, 0.3), 9.0, 0.0);
}

static double brute_spearman(const double *x, const double *y, size_t n)
{
	double a[64], b[64], ma = 0.0, mb = 0.0, ab = 0.0, aa = 0.0, bb = 0.0;

	for (size_t i = 0; i < n; i++) {
		a[i] = b[i] = 0.5;
		for (size_t j = 0; j < n; j++) {
			a[i] += x[j] < x[i] ? 1.0 : x[j] == x[i] ? 0.5 : 0.0;
			b[i] += y[j] < y[i] ? 1.0 : y[j] == y[i] ? 0.5 : 0.0;
		}
		ma += a[i] / (double)n;
		mb += b[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		ab += (a[i] - ma) * (b[i] - mb);
		aa += (a[i] - ma) * (a[i] - ma);
		bb += (b[i] - mb) * (b[i] - mb);
	}
	return ab / sqrt(aa * bb);
}

static void correlations(void **state)
{
	static const double x[] = { 1.0, 2.0, 3.0, 4.0 }, y[] = { 2.0, 4.0, 6.0, 8.0 },
			    down[] = { 9.0, 5.0, 4.0, 1.0 };
	static const double flat[] = { 3.0, 3.0, 3.0, 3.0 };
	double a[40], b[40];

	(void)state;
	near("pearson of a line", stats_pearson(x, y, 4), 1.0, 1e-15);
	near("pearson, constant", stats_pearson(x, flat, 4), 0.0, 0.0);
	near("pearson of none", stats_pearson(x, y, 0), 0.0, 0.0);
	near("spearman, falling", stats_spearman(x, down, 4), -1.0, 1e-15);
	near("spearman, constant", stats_spearman(flat, x, 4), 0.0, 0.0);
	near("slope", stats_slope(x, y, 4), 2.0, 1e-15);
	near("slope, falling", stats_slope(x, down, 4), -2.5, 1e-15);
	near("slope over a point", stats_slope(flat, x, 4), 0.0, 0.0);
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct rng r = rng_stream(seed, "pairs", 0);
		size_t n = 3 + seed % 37;

		for (size_t i = 0; i < n; i++) {
			a[i] = (double)rng_below(r, 2 * i, 9);
			b[i] = a[i] + (double)rng_below(r, 2 * i + 1, 9);
		}
		a[0] = -1.0; /* not all equal */
		b[0] = -1.0;
		near("spearman", stats_spearman(a, b, n), brute_spearman(a, b, n), 1e-12);
	}
}

static void auroc_counts_pairs(void **state)
{
	double score[50] = { 0.0 };
	uint8_t label[50] = { 0 };

	(void)state;
	near("auroc, one class", stats_auroc(score, label, 50), 0.5, 0.0);
	near("auroc of none", stats_auroc(score, label, 0), 0.5, 0.0);
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct rng r = rng_stream(seed, "roc", 0);
		size_t n = 2 + seed % 48;
		double won = 0.0, pairs = 0.0;

		for (size_t i = 0; i < n; i++) {
			score[i] = (double)rng_below(r, 2 * i, 12);
			label[i] = i == 0 || (i > 1 && rng_below(r, 2 * i + 1, 3) == 0);
		}
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				if (label[i] && !label[j]) {
					won += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
					pairs += 1.0;
				}
		near("auroc", stats_auroc(score, label, n), won / pairs, 1e-12);
	}
}

/* The worked example of Benjamini and Hochberg (1995), section 3.1: four rejections at 0.05. */
static void bh_adjusts(void **state)
{
	static const double p[] = {
		0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
		0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
	};
	double q[15], shuffled[15], back[15];
	size_t rejected = 0;

	(void)state;
	stats_bh(q, p, 15);
	near("least", q[0], 0.0015, 1e-15);
	near("fourth", q[3], 0.0095 * 15.0 / 4.0, 1e-15);
	near("largest", q[14], 1.0, 0.0);
	for (size_t i = 0; i < 15; i++) {
		double want = 1.0; /* the least of p_j n / j over j >= i */

		for (size_t j = i; j < 15; j++)
			want = fmin(want, p[j] * 15.0 / (double)(j + 1));
		near("q", q[i], want, 1e-15);
		rejected += q[i] <= 0.05;
		shuffled[i * 7 % 15] = p[i];
	}
	assert_int_equal(rejected, 4);
	stats_bh(back, shuffled, 15);
	for (size_t i = 0; i < 15; i++)
		near("q of the shuffled", back[i * 7 % 15], q[i], 1e-15);
	stats_bh(q, p, 0);
}

/* Over all ways to choose which n_a of the values are a's. */
static double exact_permutation_p(const double *x, size_t n_a, size_t n)
{
	double observed = 0.0;
	size_t ways = 0, extreme = 0;

	for (size_t i = 0; i < n_a; i++)
		observed += x[i];
	for (unsigned set = 0; set < 1u << n; set++) {
		double sum = 0.0;
		size_t size = 0;

		for (size_t i = 0; i < n; i++)
			if (set >> i & 1) {
				sum += x[i];
				size++;
			}
		if (size != n_a)
			continue;
		ways++;
		extreme += sum >= observed - 1e-9;
	}
	return (double)extreme / (double)ways;
}

static double exact_sign_p(const double *x, size_t n)
{
	double observed = 0.0;
	size_t extreme = 0;

	for (size_t i = 0; i < n; i++)
		observed += x[i];
	for (unsigned set = 0; set < 1u << n; set++) {
		double sum = 0.0;

		for (size_t i = 0; i < n; i++)
			sum += set >> i & 1 ? -x[i] : x[i];
		extreme += sum >= observed - 1e-9;
	}
	return (double)extreme / (double)(1u << n);
}

static void randomised_p_values_approach_the_exact_ones(void **state)
{
	enum { DRAWS = 20000 };

	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct rng r = rng_stream(seed, "values", 0);
		size_t n = 6 + seed % 5, n_a = 2 + seed % 4;
		double x[12], y[12], up[12];

		for (size_t i = 0; i < n; i++) {
			x[i] = rng_unit(r, i) + (i < n_a ? 0.3 : 0.0) - 0.3;
			y[i] = (double)i;
			up[i] = (double)i + 6.0 * rng_unit(r, i);
		}
		near("permutation",
		     stats_permutation_p(x, n_a, x + n_a, n - n_a, DRAWS, rng_stream(seed, "p", 0)),
		     exact_permutation_p(x, n_a, n), 0.02);
		near("sign flip", stats_sign_flip_p(x, n, DRAWS, rng_stream(seed, "s", 0)),
		     exact_sign_p(x, n), 0.02);
		assert_true(stats_trend_p(y, up, n, DRAWS, rng_stream(seed, "t", 0)) < 0.5);
	}
}

/* How many of the permutations of y[k..n) trend at least as much; six values at most. */
static size_t count_trends(const double *x, double *y, size_t k, size_t n, double observed, size_t *all)
{
	size_t extreme = 0;

	if (k == n) {
		(*all)++;
		return brute_spearman(x, y, n) >= observed - 1e-9;
	}
	for (size_t i = k; i < n; i++) {
		double t = y[k];

		y[k] = y[i];
		y[i] = t;
		extreme += count_trends(x, y, k + 1, n, observed, all);
		y[i] = y[k];
		y[k] = t;
	}
	return extreme;
}

static void trend_p_approaches_the_exact_one(void **state)
{
	static const double x[] = { 0.0, 1.0, 2.0, 3.0, 4.0, 5.0 };
	static const double ys[][6] = {
		{ 1, 3, 2, 5, 4, 6 }, { 6, 5, 4, 3, 2, 1 }, { 1, 1, 2, 2, 3, 3 }, { 2, 1, 2, 1, 2, 1 }
	};

	(void)state;
	for (size_t k = 0; k < sizeof(ys) / sizeof(ys[0]); k++) {
		double y[6];
		size_t all = 0, extreme;

		memcpy(y, ys[k], sizeof(y));
		extreme = count_trends(x, y, 0, 6, brute_spearman(x, ys[k], 6), &all);
		near("trend", stats_trend_p(x, ys[k], 6, 20000, rng_stream(k, "trend", 0)),
		     (double)extreme / (double)all, 0.02);
	}
}

static void p_values_at_the_edges(void **state)
{
	static const double high[] = { 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0 },
			    low[] = { 0.0, 1.0, 2.0, 3.0 };
	static const double tenths[] = { 0.1, 0.2, 0.3 }, sixths[] = { 0.3, 0.2, 0.1 };
	struct rng r = rng_stream(1, "edge", 0);

	(void)state;
	near("permutation of none", stats_permutation_p(high, 0, low, 4, 100, r), 1.0, 0.0);
	near("no draws", stats_permutation_p(high, 8, low, 4, 0, r), 1.0, 0.0);
	assert_true(stats_permutation_p(high, 8, low, 4, 999, r) < 0.02);
	near("below", stats_permutation_p(low, 4, high, 8, 99, r), 1.0, 0.0);
	near("sign flip of none", stats_sign_flip_p(high, 0, 99, r), 1.0, 0.0);
	assert_true(stats_sign_flip_p(high, 8, 999, r) < 0.02);
	near("trend of one", stats_trend_p(high, low, 1, 99, r), 1.0, 0.0);
	/* equal multisets: no order of summing may make a tie look like less */
	near("ties", stats_permutation_p(tenths, 3, sixths, 3, 0, r), 1.0, 0.0);
	assert_true(stats_permutation_p(tenths, 3, sixths, 3, 500, r) > 0.5);
}

static void the_same_stream_gives_the_same_answer(void **state)
{
	static const double x[] = { 0.3, -0.1, 0.5, 0.2, 0.9, -0.4 };
	struct rng r = rng_stream(7, "again", 3);
	double first = stats_sign_flip_p(x, 6, 500, r);

	(void)state;
	stats_permutation_p(x, 3, x + 3, 3, 77, r);
	assert_true(stats_sign_flip_p(x, 6, 500, r) == first);
	assert_true(stats_bootstrap_mean(x, 6, 0.95, 200, r).lo ==
		    stats_bootstrap_mean(x, 6, 0.95, 200, r).lo);
}

/* The share of samples of a known mean whose interval holds it. */
static void bootstrap_intervals_cover(void **state)
{
	enum { TRIALS = 200, N = 40 };
	static const double one[] = { 4.0 };
	struct interval v;
	size_t held = 0;

	(void)state;
	for (uint64_t trial = 0; trial < TRIALS; trial++) {
		struct rng r = rng_stream(trial, "sample", 0);
		double x[N];

		for (size_t i = 0; i < N; i++)
			x[i] = 2.0 + rng_normal(r, i);
		v = stats_bootstrap_mean(x, N, 0.9, 400, rng_stream(trial, "bootstrap", 0));
		assert_true(v.lo <= v.mean && v.mean <= v.hi);
		held += v.lo <= 2.0 && 2.0 <= v.hi;
	}
	near("coverage", (double)held / TRIALS, 0.9, 0.06);
	v = stats_bootstrap_mean(one, 1, 0.95, 100, rng_stream(1, "b", 0));
	assert_true(v.mean == 4.0 && v.lo == 4.0 && v.hi == 4.0);
	v = stats_bootstrap_mean(one, 0, 0.95, 100, rng_stream(1, "b", 0));
	assert_true(v.mean == 0.0 && v.lo == 0.0 && v.hi == 0.0);
}

/* Two columns of three: each p is the share of the 36 orders with a slope at least as large. */
static void trend_within_columns_approaches_the_exact_one(void **state)
{
	static const double x[] = { -1, 0, 1 };
	static const double rising[] = { 1, 5, 2, 6, 4, 9 }, flat[] = { 2, 2, 2, 2, 2, 2 };
	static const double mixed[] = { 1, 9, 2, 6, 4, 5 };

	(void)state;
	near("rising", stats_trend_within_p(x, rising, 3, 2, 20000, rng_stream(1, "within", 0)), 1.0 / 36,
	     0.005);
	assert_true(stats_trend_within_p(x, flat, 3, 2, 100, rng_stream(1, "within", 0)) == 1);
	/* Slopes of columns 3 and -4: the columns' orders give {3,2,1,-1,-2,-3} and {4,3,1,-1,-3,-4}; 23 of 36 sums are >= -1. */
	near("mixed", stats_trend_within_p(x, mixed, 3, 2, 20000, rng_stream(1, "within", 1)), 23.0 / 36,
	     0.02);
	assert_true(stats_trend_within_p(x, rising, 3, 0, 100, rng_stream(1, "within", 2)) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_and_quantiles),
		cmocka_unit_test(correlations),
		cmocka_unit_test(auroc_counts_pairs),
		cmocka_unit_test(bh_adjusts),
		cmocka_unit_test(randomised_p_values_approach_the_exact_ones),
		cmocka_unit_test(trend_p_approaches_the_exact_one),
		cmocka_unit_test(trend_within_columns_approaches_the_exact_one),
		cmocka_unit_test(p_values_at_the_edges),
		cmocka_unit_test(the_same_stream_gives_the_same_answer),
		cmocka_unit_test(bootstrap_intervals_cover),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
