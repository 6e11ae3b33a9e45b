#include "num/stats.h"

#include "base/mem.h"
#include "num/fmath.h"
#include "num/reduce.h"

#include <string.h>

static const double rounding = 1e-12; /* of a mean: what sums lose in the last digits, and more */

double stats_mean(const double *x, size_t n)
{
	return n ? reduce_sum_d(x, n) / (double)n : 0.0;
}

/* Sum of (x - mean x)(y - mean y). */
static double co_moment(const double *x, const double *y, size_t n)
{
	double mx = stats_mean(x, n), my = stats_mean(y, n), s = 0.0;

	for (size_t i = 0; i < n; i++)
		s += (x[i] - mx) * (y[i] - my);
	return s;
}

double stats_sd(const double *x, size_t n)
{
	double mean = stats_mean(x, n), sd = n < 2 ? 0.0 : fm_sqrt_d(co_moment(x, x, n) / (double)(n - 1));

	return sd > rounding * (mean < 0 ? -mean : mean) ? sd : 0.0;
}

double stats_error(const double *x, size_t n)
{
	return n > 1 ? stats_sd(x, n) / fm_sqrt_d((double)n) : 0;
}

static double *sorted_copy(const double *x, size_t n)
{
	uint32_t *order = mem_alloc(n, sizeof(*order));
	double *s = mem_alloc(n, sizeof(*s));

	reduce_order(order, x, n);
	for (size_t i = 0; i < n; i++)
		s[i] = x[order[i]];
	mem_free(order);
	return s;
}

/* Between order statistics floor(h) and floor(h) + 1, h = (n - 1) q (Hyndman and Fan's type 7). */
static double quantile_of_sorted(const double *s, size_t n, double q)
{
	double h = (double)(n - 1) * (q < 0.0 ? 0.0 : q > 1.0 ? 1.0 : q);
	size_t i = (size_t)h;

	return i + 1 < n ? s[i] + (h - (double)i) * (s[i + 1] - s[i]) : s[n - 1];
}

double stats_quantile(const double *x, size_t n, double q)
{
	double *s, v;

	BUG_ON(n == 0);
	s = sorted_copy(x, n);
	v = quantile_of_sorted(s, n, q);
	mem_free(s);
	return v;
}

double stats_median(const double *x, size_t n)
{
	return stats_quantile(x, n, 0.5);
}

struct interval stats_bootstrap_mean(const double *x, size_t n, double level, size_t draws, struct rng r)
{
	struct interval v = { 0.0, 0.0, 0.0 };
	double *mean, *s;

	if (n == 0)
		return v;
	v.mean = v.lo = v.hi = stats_mean(x, n);
	if (n == 1 || draws == 0)
		return v;
	mean = mem_alloc(draws, sizeof(*mean));
	for (size_t d = 0; d < draws; d++) {
		double sum = 0.0;

		for (size_t i = 0; i < n; i++)
			sum += x[rng_below(r, d * n + i, n)];
		mean[d] = sum / (double)n;
	}
	s = sorted_copy(mean, draws);
	v.lo = quantile_of_sorted(s, draws, (1.0 - level) / 2.0);
	v.hi = quantile_of_sorted(s, draws, (1.0 + level) / 2.0);
	mem_free(s);
	mem_free(mean);
	return v;
}

/* Sums of equal values in another order differ in the last bits; such draws are as extreme as the observed
 * one. */
static double slack(const double *x, size_t n)
{
	double s = 0.0;

	for (size_t i = 0; i < n; i++)
		s += x[i] < 0.0 ? -x[i] : x[i];
	return s * 1e-12;
}

double stats_permutation_p(const double *a, size_t n_a, const double *b, size_t n_b, size_t draws,
			   struct rng r)
{
	size_t n = n_a + n_b, extreme = 0;
	double *x, observed = 0.0, eps;

	if (n_a == 0 || n_b == 0)
		return 1.0;
	x = mem_alloc(n, sizeof(*x));
	memcpy(x, a, n_a * sizeof(*x));
	memcpy(x + n_a, b, n_b * sizeof(*x));
	/* with the total fixed, the difference of means rises with the sum over a */
	for (size_t i = 0; i < n_a; i++)
		observed += x[i];
	eps = slack(x, n);
	for (size_t d = 0; d < draws; d++) {
		double sum = 0.0;

		/* the first n_a places of a Fisher-Yates shuffle; any order of x is as good a start */
		for (size_t i = 0; i < n_a; i++) {
			size_t j = i + (size_t)rng_below(r, d * n_a + i, n - i);
			double t = x[i];

			x[i] = x[j];
			x[j] = t;
			sum += x[i];
		}
		extreme += sum >= observed - eps;
	}
	mem_free(x);
	return (double)(1 + extreme) / (double)(1 + draws);
}

double stats_sign_flip_p(const double *x, size_t n, size_t draws, struct rng r)
{
	size_t extreme = 0, words = n / 64 + 1;
	double observed = 0.0, eps = slack(x, n);

	if (n == 0)
		return 1.0;
	for (size_t i = 0; i < n; i++)
		observed += x[i];
	for (size_t d = 0; d < draws; d++) {
		double sum = 0.0;
		uint64_t bits = 0;

		for (size_t i = 0; i < n; i++) {
			if (i % 64 == 0)
				bits = rng_u64(r, d * words + i / 64);
			sum += bits >> (i % 64) & 1 ? -x[i] : x[i];
		}
		extreme += sum >= observed - eps;
	}
	return (double)(1 + extreme) / (double)(1 + draws);
}

double stats_pearson(const double *x, const double *y, size_t n)
{
	double xx = co_moment(x, x, n), yy = co_moment(y, y, n), r;

	if (!(xx > 0.0 && yy > 0.0))
		return 0.0;
	r = co_moment(x, y, n) / (fm_sqrt_d(xx) * fm_sqrt_d(yy));
	return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r;
}

/* Ranks from 1, ties share their mean. */
static double *mid_ranks(const double *x, size_t n)
{
	uint32_t *order = mem_alloc(n, sizeof(*order));
	double *rank = mem_alloc(n, sizeof(*rank));

	reduce_order(order, x, n);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && x[order[j]] == x[order[i]]; j++)
			;
		for (size_t t = i; t < j; t++)
			rank[order[t]] = (double)(i + j + 1) / 2.0;
	}
	mem_free(order);
	return rank;
}

double stats_spearman(const double *x, const double *y, size_t n)
{
	double *a, *b, r;

	if (n < 2)
		return 0.0;
	a = mid_ranks(x, n);
	b = mid_ranks(y, n);
	r = stats_pearson(a, b, n);
	mem_free(a);
	mem_free(b);
	return r;
}

double stats_slope(const double *x, const double *y, size_t n)
{
	double xx = co_moment(x, x, n);

	return xx > 0.0 ? co_moment(x, y, n) / xx : 0.0;
}

/* With x and the multiset of y fixed, Spearman's coefficient rises with the sum of products of ranks; mid-
 * ranks are halves, so these sums are exact. */
double stats_trend_p(const double *x, const double *y, size_t n, size_t draws, struct rng r)
{
	size_t extreme = 0;
	double *a, *b, observed = 0.0;

	if (n < 2)
		return 1.0;
	a = mid_ranks(x, n);
	b = mid_ranks(y, n);
	for (size_t i = 0; i < n; i++)
		observed += a[i] * b[i];
	for (size_t d = 0; d < draws; d++) {
		double sum = 0.0;

		for (size_t i = 0; i < n; i++) {
			size_t j = i + (size_t)rng_below(r, d * n + i, n - i);
			double t = b[i];

			b[i] = b[j];
			b[j] = t;
			sum += a[i] * b[i];
		}
		extreme += sum >= observed;
	}
	mem_free(a);
	mem_free(b);
	return (double)(1 + extreme) / (double)(1 + draws);
}

double stats_trend_within_p(const double *x, const double *y, size_t n, size_t columns, size_t draws,
			    struct rng r)
{
	double *shuffled = mem_alloc(n + 1, sizeof(*shuffled)), mean = stats_mean(x, n), observed = 0,
	       most = 0;
	size_t extreme = 0;

	for (size_t i = 0; i < n * columns; i++)
		observed += (x[i / columns] - mean) * y[i];
	for (size_t i = 0; i < n; i++)
		most = x[i] - mean > most ? x[i] - mean : mean - x[i] > most ? mean - x[i] : most;
	for (size_t d = 0; d < draws; d++) {
		double sum = 0;

		for (size_t c = 0; c < columns; c++) {
			for (size_t i = 0; i < n; i++)
				shuffled[i] = y[i * columns + c];
			for (size_t i = 0; i < n; i++) {
				size_t k = i + (size_t)rng_below(r, (d * columns + c) * n + i, n - i);
				double t = shuffled[i];

				shuffled[i] = shuffled[k];
				shuffled[k] = t;
				sum += (x[i] - mean) * shuffled[i];
			}
		}
		extreme += sum >= observed - most * slack(y, n * columns);
	}
	mem_free(shuffled);
	return (double)(1 + extreme) / (double)(1 + draws);
}

void stats_bh(double *q, const double *p, size_t n)
{
	uint32_t *order;
	double least = 1.0;

	if (n == 0)
		return;
	order = mem_alloc(n, sizeof(*order));
	reduce_order(order, p, n);
	for (size_t i = n; i-- > 0;) {
		double v = p[order[i]] * (double)n / (double)(i + 1);

		least = v < least ? v : least;
		q[order[i]] = least;
	}
	mem_free(order);
}

/* Mann and Whitney: the rank sum of label 1. */
double stats_auroc(const double *score, const uint8_t *label, size_t n)
{
	double *rank, sum = 0.0, ones = 0.0, zeros;

	if (n == 0)
		return 0.5;
	rank = mid_ranks(score, n);
	for (size_t i = 0; i < n; i++)
		if (label[i]) {
			sum += rank[i];
			ones += 1.0;
		}
	mem_free(rank);
	zeros = (double)n - ones;
	if (!(ones > 0.0 && zeros > 0.0))
		return 0.5;
	return (sum - ones * (ones + 1.0) / 2.0) / (ones * zeros);
}
