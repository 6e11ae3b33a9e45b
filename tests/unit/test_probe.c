#include "base/mem.h"
#include "study/probe.h"
#include "tests/support/dense.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 400, N_A = 5, N_SHARED = 3, N_B = 6, LATENTS = N_A + N_SHARED + N_B, D_A = 7, D_B = 9 };

static const struct dfc_shape shape = { D_A, D_B, N_A, N_SHARED, N_B };

/* Rows of both models and which latents are on; latent 0 and the first candidate-only one follow the other model. */
struct world {
	float xa[ROWS * D_A], xb[ROWS * D_B], f[ROWS * LATENTS];
	uint8_t half[ROWS];
	struct active a;
	struct dfc d;
};

/* `level`: what is added to one column of either model, far from the others' mean of 0. */
static void world_make(struct world *w, uint64_t seed, float level)
{
	static float noise[ROWS * LATENTS];

	dense_normal(w->xa, ROWS * D_A, seed);
	dense_normal(w->xb, ROWS * D_B, seed + 100);
	dense_normal(noise, ROWS * LATENTS, seed + 200);
	for (size_t r = 0; r < ROWS; r++) {
		for (size_t k = 0; k < LATENTS; k++)
			w->f[r * LATENTS + k] = noise[r * LATENTS + k] > 1 ? noise[r * LATENTS + k] : 0;
		w->f[r * LATENTS] = w->xb[r * D_B + 2] - w->xb[r * D_B + 3] > 1 ? 1 : 0;
		w->f[r * LATENTS + N_A + N_SHARED] = w->xa[r * D_A] + w->xa[r * D_A + 6] > 1 ? 2 : 0;
		w->f[r * LATENTS + 1] = 0;		   /* dead */
		w->f[r * LATENTS + 2] = r % 4 < 2 ? 1 : 0; /* on in one half alone */
		w->half[r] = r % 4 > 1;
		w->xa[r * D_A + 3] += level;
		w->xb[r * D_B + 8] += level;
	}
	dense_active(&w->a, w->f, ROWS, LATENTS);
	dense_dfc(&w->d, &shape, seed + 300);
}

static void world_free(struct world *w)
{
	active_release(&w->a);
	dfc_release(&w->d);
}

static void measured(double *auroc, const struct world *w, const uint32_t *latent, size_t n, size_t batch,
		     unsigned threads)
{
	struct par *p = dense_par(threads);
	struct probe *s = probe_new(&w->d, &w->a, latent, n, w->half, p);

	for (size_t r = 0; r < ROWS; r += batch)
		probe_fit(s, w->xa + r * D_A, w->xb + r * D_B, r, r + batch < ROWS ? batch : ROWS - r);
	probe_solve(s);
	for (size_t r = 0; r < ROWS; r += batch)
		probe_score(s, w->xa + r * D_A, w->xb + r * D_B, r, r + batch < ROWS ? batch : ROWS - r);
	probe_end(auroc, s);
	probe_free(s);
	par_free(p);
}

/* Gauss-Jordan with pivots: g w = b, of order d at most D_B. */
static void solve(double *w, double g[D_B][D_B + 1], size_t d)
{
	for (size_t i = 0; i < d; i++) {
		size_t best = i;

		for (size_t k = i; k < d; k++)
			best = fabs(g[k][i]) > fabs(g[best][i]) ? k : best;
		for (size_t c = 0; c <= d; c++) {
			double swap = g[i][c];

			g[i][c] = g[best][c];
			g[best][c] = swap;
		}
		for (size_t k = 0; k < d; k++) {
			double times = k == i ? 0 : g[k][i] / g[i][i];

			for (size_t c = 0; c <= d; c++)
				g[k][c] -= times * g[i][c];
		}
	}
	for (size_t i = 0; i < d; i++)
		w[i] = g[i][d] / g[i][i];
}

/* The header's formula from centred rows, and the share of pairs in order. `pairs`: how many there are. */
static double naive(double *pairs, const struct world *w, size_t latent)
{
	size_t d = latent < N_A ? D_B : D_A;
	const float *x = latent < N_A ? w->xb : w->xa;
	double mean[D_B] = { 0 }, g[D_B][D_B + 1] = { { 0 } }, weight[D_B], score[ROWS], trace = 0, n = 0,
	       won = 0;

	for (size_t r = 0; r < ROWS; r++) {
		n += w->half[r] == 0;
		for (size_t c = 0; w->half[r] == 0 && c < d; c++)
			mean[c] += (double)x[r * d + c];
	}
	for (size_t r = 0; r < ROWS; r++) {
		for (size_t i = 0; w->half[r] == 0 && i < d; i++) {
			double v = (double)x[r * d + i] - mean[i] / n;

			for (size_t k = 0; k < d; k++)
				g[i][k] += v * ((double)x[r * d + k] - mean[k] / n);
			g[i][d] += w->f[r * LATENTS + latent] > 0 ? v : 0;
		}
	}
	for (size_t i = 0; i < d; i++)
		trace += g[i][i];
	for (size_t i = 0; i < d; i++)
		g[i][i] += 1e-3 * trace / (double)d;
	solve(weight, g, d);
	for (size_t r = 0; r < ROWS; r++) {
		score[r] = 0;
		for (size_t c = 0; c < d; c++)
			score[r] += weight[c] * ((double)x[r * d + c] - mean[c] / n);
	}
	*pairs = 0;
	for (size_t r = 0; r < ROWS; r++) {
		for (size_t q = 0; w->half[r] && w->f[r * LATENTS + latent] > 0 && q < ROWS; q++) {
			if (!w->half[q] || w->f[q * LATENTS + latent] > 0)
				continue;
			*pairs += 1;
			won += score[r] > score[q] ? 1 : score[r] == score[q] ? 0.5 : 0;
		}
	}
	return won / *pairs;
}

static const uint32_t exclusive[] = { 0, 3, 4, 8, 9, 12, 13 };
enum { EXCLUSIVE = sizeof(exclusive) / sizeof(exclusive[0]) };

static void is_ridge_regression(void **state)
{
	static struct world w;
	double got[EXCLUSIVE], pairs;

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		world_make(&w, seed, 0);
		measured(got, &w, exclusive, EXCLUSIVE, 128, 2);
		for (size_t i = 0; i < EXCLUSIVE; i++) {
			double want = naive(&pairs, &w, exclusive[i]);

			/* rounding may turn one pair round */
			if (fabs(got[i] - want) > 1.5 / pairs)
				fail_msg("latent %u: %.9f, by the formula %.9f", exclusive[i], got[i], want);
		}
		assert_true(got[0] > 0.97 && got[3] > 0.97); /* told by the other model */
		assert_true(got[1] > 0.3 && got[1] < 0.7);
		world_free(&w);
	}
}

/* A column whose mean is thousands of times its spread, as residual streams have. */
static void a_far_mean_takes_nothing_away(void **state)
{
	static struct world near, far;
	double got[EXCLUSIVE], want[EXCLUSIVE];

	(void)state;
	world_make(&near, 5, 0);
	world_make(&far, 5, 4096);
	measured(want, &near, exclusive, EXCLUSIVE, 128, 2);
	measured(got, &far, exclusive, EXCLUSIVE, 128, 2);
	for (size_t i = 0; i < EXCLUSIVE; i++) {
		if (fabs(got[i] - want[i]) > 0.01)
			fail_msg("latent %u: %.6f, about the mean %.6f", exclusive[i], got[i], want[i]);
	}
	world_free(&near);
	world_free(&far);
}

static void one_class_has_no_curve(void **state)
{
	static const uint32_t latent[] = { 1, 2 };
	static struct world w;
	double got[2];

	(void)state;
	world_make(&w, 7, 0);
	measured(got, &w, latent, 2, ROWS, 1);
	assert_true(got[0] < 0 && got[1] < 0);
	world_free(&w);
}

static void threads_change_nothing(void **state)
{
	static struct world w;
	double one[EXCLUSIVE], many[EXCLUSIVE];

	(void)state;
	world_make(&w, 8, 1);
	measured(one, &w, exclusive, EXCLUSIVE, 100, 1);
	for (unsigned t = 2; t <= 4; t++) {
		measured(many, &w, exclusive, EXCLUSIVE, 100, t);
		assert_memory_equal(one, many, sizeof(one));
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_ridge_regression),
		cmocka_unit_test(a_far_mean_takes_nothing_away),
		cmocka_unit_test(one_class_has_no_curve),
		cmocka_unit_test(threads_change_nothing),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
