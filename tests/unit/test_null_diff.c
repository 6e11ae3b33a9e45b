#include "base/rng.h"
#include "flow/null_diff.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { REAL = 60, NOTHING = 40 };

static size_t at_least(const double *x, size_t n, double bound)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += x[i] >= bound;
	return count;
}

/* The least of the formula over all bounds that let the latent pass. */
static double naive_fdr(const double *real, const double *null, size_t n_null, double s)
{
	double least = 1;

	for (size_t i = 0; i < REAL; i++) {
		double share = (1.0 + (double)at_least(null, n_null, real[i])) / (1.0 + (double)n_null) *
			       REAL / (double)at_least(real, REAL, real[i]);

		if (real[i] > 0 && real[i] <= s)
			least = fmin(least, share);
	}
	return s > 0 ? least : 1;
}

static void strengths(double *x, size_t n, uint64_t seed, double scale)
{
	struct rng r = rng_stream(seed, "test.null_diff", 0);

	/* Some do not stand out, some tie. */
	for (size_t i = 0; i < n; i++)
		x[i] = rng_below(r, 2 * i, 3) == 0 ? 0 : scale * floor(20 * rng_unit(r, 2 * i + 1)) / 20;
}

static void the_rate_is_what_it_is_defined_to_be(void **state)
{
	double real[REAL], null[NOTHING], fdr[REAL];

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		strengths(real, REAL, seed, 1 + (double)(seed % 5));
		strengths(null, NOTHING, seed + 100, 1);
		for (size_t n = 0; n <= NOTHING; n += NOTHING) {
			null_fdr(fdr, real, REAL, null, n);
			for (size_t i = 0; i < REAL; i++) {
				assert_true(fabs(fdr[i] - naive_fdr(real, null, n, real[i])) < 1e-12);
				for (size_t k = 0; k < REAL; k++)
					assert_true(real[k] <= real[i] || fdr[k] <= fdr[i]);
			}
		}
	}
}

/* Against a null as strong as themselves none is a discovery; against one that is nothing, as good as its size lets it be. */
static void the_null_decides(void **state)
{
	double real[REAL], null[NOTHING] = { 0 }, fdr[REAL];

	(void)state;
	for (size_t i = 0; i < REAL; i++)
		real[i] = 1;
	null_fdr(fdr, real, REAL, null, NOTHING);
	for (size_t i = 0; i < REAL; i++)
		assert_true(fabs(fdr[i] - 1.0 / (1 + NOTHING)) < 1e-12);
	for (size_t i = 0; i < NOTHING; i++)
		null[i] = 1;
	null_fdr(fdr, real, REAL, null, NOTHING);
	for (size_t i = 0; i < REAL; i++)
		assert_true(fdr[i] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_what_it_is_defined_to_be),
		cmocka_unit_test(the_null_decides),
	};

	return cmocka_run_group_tests_name("null_diff", tests, NULL, NULL);
}
