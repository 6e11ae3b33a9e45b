#include "base/mem.h"
#include "base/rng.h"
#include "dict/exchange.h"
#include "num/gemm.h"
#include "num/ops.h"
#include "tests/support/trainer_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- one latent from the others ---- */

enum { N = 6, ROWS = 40, DENSE = 2 };

struct table {
	double f[2][ROWS][N + 1];
};

/* Latent DENSE is 2 + 3 f_0 + 0.5 f_4, and `noise` of something else; latent 5 is never on. */
static void table_make(struct table *t, double noise)
{
	struct rng r = rng_stream(7, "test.fold", 0);
	uint64_t at = 0;

	memset(t, 0, sizeof(*t));
	for (size_t half = 0; half < 2; half++)
		for (size_t row = 0; row < ROWS; row++) {
			double *f = t->f[half][row];

			for (size_t i = 0; i < N - 1; i++)
				if (rng_unit(r, at++) < 0.4)
					f[i] = (double)(float)(0.5 + rng_unit(r, at++));
			f[DENSE] = (double)(float)(2.0 + 3.0 * f[0] + 0.5 * f[4] + noise * rng_unit(r, at++));
			f[N] = 1.0;
		}
}

static void fold_make(struct fold *f, void **block, const struct table *t)
{
	struct carve room = CARVE_COUNT;
	struct err e = ERR_INIT;
	size_t start[ROWS + 1];
	uint32_t latent[ROWS * N];
	float value[ROWS * N];

	fold_carve(f, &room, N, ROWS, ROWS * N);
	assert_int_equal(carve_reserve(&room, block, "test", &e), 0);
	fold_carve(f, &room, N, ROWS, ROWS * N);
	fold_clear(f, N);
	for (size_t half = 0; half < 2; half++) {
		struct codes c = { .start = start, .latent = latent, .value = value };
		size_t n = 0;

		for (size_t row = 0; row < ROWS; row++) {
			start[row] = n;
			for (size_t i = 0; i < N; i++)
				if (t->f[half][row][i] > 0.0) {
					latent[n] = (uint32_t)i;
					value[n++] = (float)t->f[half][row][i];
				}
		}
		start[ROWS] = n;
		fold_add(f, half, &c, ROWS, N);
	}
}

/* The normal equations with the ridge, by elimination. */
static void naive_fit(double w[N + 1], const double (*f)[N + 1])
{
	double m[N + 1][N + 2] = { { 0 } };

	for (size_t i = 0; i <= N; i++) {
		for (size_t row = 0; row < ROWS; row++) {
			for (size_t k = 0; k <= N; k++)
				m[i][k] += f[row][i] * f[row][k];
			m[i][N + 1] += f[row][i] * f[row][DENSE];
		}
		m[i][i] *= 1.0 + FOLD_RIDGE;
	}
	for (size_t i = 0; i <= N; i++)
		for (size_t k = 0; k <= N + 1; k++)
			if (i == DENSE || k == DENSE || !(m[i][i] > 0.0))
				m[i][k] = i == k;
	for (size_t i = 0; i <= N; i++)
		for (size_t k = 0; k <= N; k++) {
			double times = m[k][i] / m[i][i];

			for (size_t c = 0; c <= N + 1 && k != i; c++)
				m[k][c] -= times * m[i][c];
		}
	for (size_t i = 0; i <= N; i++)
		w[i] = m[i][N + 1] / m[i][i];
}

static double naive_share(const double w[N + 1], const double (*f)[N + 1])
{
	double mean = 0, all = 0, missed = 0;

	for (size_t row = 0; row < ROWS; row++)
		mean += f[row][DENSE] / ROWS;
	for (size_t row = 0; row < ROWS; row++) {
		double said = 0;

		for (size_t i = 0; i <= N; i++)
			said += w[i] * f[row][i];
		missed += (f[row][DENSE] - said) * (f[row][DENSE] - said);
		all += (f[row][DENSE] - mean) * (f[row][DENSE] - mean);
	}
	return 1 - missed / all;
}

static void assert_near(double got, double want, double within)
{
	if (!(__builtin_fabs(got - want) <= within))
		fail_msg("%.17g, not %.17g", got, want);
}

/* Weights and share are those of the normal equations, each half's share judged by the other's fit. */
static void test_fit(void **state)
{
	const double noise[] = { 0.0, 1.0, 30.0 };
	double w[2][N + 1], share, said;

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct table t;
		struct fold f;
		void *block;

		table_make(&t, noise[k]);
		fold_make(&f, &block, &t);
		for (size_t i = 0; i < N; i++) {
			size_t on = 0;

			for (size_t row = 0; row < 2 * ROWS; row++)
				on += t.f[row / ROWS][row % ROWS][i] > 0.0;
			assert_int_equal(f.on[i], on);
		}
		said = fold_fit(&f, DENSE, N);
		naive_fit(w[0], (const double(*)[N + 1]) t.f[0]);
		naive_fit(w[1], (const double(*)[N + 1]) t.f[1]);
		share = (naive_share(w[0], (const double(*)[N + 1]) t.f[1]) +
			 naive_share(w[1], (const double(*)[N + 1]) t.f[0])) /
			2;
		assert_near(said, share, 1e-9);
		for (size_t i = 0; i <= N; i++)
			for (size_t half = 0; half < 2; half++)
				assert_near(f.half[half].weight[i], i == DENSE ? 0 : w[half][i], 1e-8);
		assert_true(k == 2 ? said < 0.3 : said > 0.9);
		if (k == 0) {
			assert_near(w[0][0], 3.0, 0.2);
			assert_near(w[0][N], 2.0, 0.2);
		}
		mem_free(block);
	}
}

/* ---- in a dictionary ---- */

enum { D = BED_D, OWN = BED_OWN, SHARED = BED_SHARED, LATENTS = BED_LATENTS };

/* Step `at`, one latent on nearly everywhere by its bias. */
static void bed_at(struct bed *b, const struct train_opts *o, size_t at, size_t frequent)
{
	bed_new(b, o, 2);
	b->t->at = at;
	b->t->dict.bias_enc[frequent] = 2.0f;
	b->t->idle[frequent] = 0;
}

static double agreed(double a, double b)
{
	return a * b > 0 ? (a + b) / 2 * 2 * a * b / (a * a + b * b) : 0;
}

/* The state of the twin, its frequent latent fitted. */
static double fit_twin(struct bed *twin, size_t frequent)
{
	struct err e = ERR_INIT;

	assert_int_equal(look_run(twin->t, &e), 0);
	for (size_t i = 0; i < LATENTS; i++)
		assert_int_equal(10 * twin->t->fold.on[i] >= 3 * BED_ROWS * LOOK_BATCHES, i == frequent);
	return fold_fit(&twin->t->fold, frequent, LATENTS);
}

static void check_rows(const struct bed *b, const struct bed *twin, size_t frequent, bool candidate)
{
	const struct dfc *now = &b->t->dict, *was = &twin->t->dict;
	const double *even = twin->t->fold.half[0].weight, *odd = twin->t->fold.half[1].weight;
	const float *given = candidate ? dfc_decoder_b(was, frequent) : dfc_decoder_a(was, frequent);
	size_t moved = 0;

	for (size_t i = 0; i <= LATENTS; i++) {
		const float *old = candidate ? was->bias_b : was->bias_a;
		const float *new = candidate ? now->bias_b : now->bias_a;
		double w = agreed(even[i], odd[i]);

		if (i < LATENTS) {
			old = candidate ? dfc_decoder_b(was, i) : dfc_decoder_a(was, i);
			new = candidate ? dfc_decoder_b(now, i) : dfc_decoder_a(now, i);
		}
		for (size_t c = 0; c < D && old; c++) {
			assert_float_equal(new[c], old[c] + (given ? (float)w * given[c] : 0.0f), 1e-5);
			moved += new[c] < old[c] || new[c] > old[c];
		}
	}
	assert_int_equal(moved > 0, given != NULL);
}

/* A frequent latent's rows go to those that say it, in the models it has, and it is dead; one that they do not say stays, and
 * so do all where no interval is left. */
static void test_folds(void **state)
{
	static const size_t frequent[] = { OWN + 4, 1, OWN + SHARED + 2 };
	struct train_opts o = bed_options();
	struct err e = ERR_INIT;
	struct bed b, twin;
	double share;

	(void)state;
	o.k = 2;
	o.fold = 0.01;
	for (size_t k = 0; k < 3; k++) {
		size_t j = frequent[k];
		const float *row;

		bed_at(&twin, &o, 10, j);
		share = fit_twin(&twin, j);
		assert_true(share > 0.05 && share < 0.99);
		for (int more = 0; more < 3; more++) {
			o.fold = more == 1 ? share + 0.01 : share - 0.01;
			bed_at(&b, &o, more == 2 ? 40 : 10, j);
			assert_int_equal(trainer_exchange(b.t, &e), 0);
			if (more) {
				assert_memory_equal(b.t->dict.memory, twin.t->dict.memory,
						    b.t->dict.n_params * sizeof(float));
				bed_free(&b);
				continue;
			}
			check_rows(&b, &twin, j, false);
			check_rows(&b, &twin, j, true);
			assert_true(b.t->dict.bias_enc[j] == 0.0f && b.t->idle[j] == o.dead_after &&
				    b.t->moves.folded == 1);
			row = j < OWN + SHARED ? b.t->dict.enc_a + j * D : b.t->dict.enc_b + (j - OWN) * D;
			assert_true(!(op_norm2_d(row, D) > 0.0));
			for (size_t i = 0; i < LATENTS; i++)
				assert_true(b.t->encoder.weight[i] == dfc_score_weight(&b.t->dict, i));
			bed_free(&b);
		}
		o.fold = 0.01;
		bed_free(&twin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_folds),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
