#include "study/scaling.h"
#include "tests/support/dense.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 200, N_A = 4, N_SHARED = 6, N_B = 5, LATENTS = N_A + N_SHARED + N_B, D = 8 };

static const struct dfc_shape shape = { D, D, N_A, N_SHARED, N_B };

struct world {
	float x[2][ROWS * D], f[ROWS * LATENTS];
	struct active a;
	struct dfc d;
};

static void world_make(struct world *w, uint64_t seed)
{
	dense_normal(w->x[0], ROWS * D, seed);
	dense_normal(w->x[1], ROWS * D, seed + 1);
	dense_normal(w->f, ROWS * LATENTS, seed + 2);
	for (size_t i = 0; i < ROWS * LATENTS; i++)
		w->f[i] = w->f[i] > 0.8f && i % LATENTS != 2 ? w->f[i] : 0; /* latent 2 is dead */
	dense_dfc(&w->d, &shape, seed + 3);
}

static void measured(struct scaling *out, struct world *w, size_t batch, unsigned threads)
{
	struct par *p = dense_par(threads);
	struct scaling_sums *s;

	dense_active(&w->a, w->f, ROWS, LATENTS);
	s = scaling_new(&w->d, &w->a, p);
	assert_non_null(s);
	for (size_t r = 0; r < ROWS; r += batch)
		scaling_add(s, w->x[0] + r * D, w->x[1] + r * D, r, r + batch < ROWS ? batch : ROWS - r);
	scaling_end(out, s);
	scaling_free(s);
	active_release(&w->a);
	par_free(p);
}

static double decoder(const struct world *w, size_t m, size_t latent, size_t c)
{
	const float *row = m == 0 ? dfc_decoder_a(&w->d, latent) : dfc_decoder_b(&w->d, latent);

	return row != NULL ? (double)row[c] : 0;
}

/* What a model's row is decoded to, the latent `without` left out. */
static double recon(const struct world *w, size_t m, size_t r, size_t c, size_t without)
{
	double sum = (double)(m == 0 ? w->d.bias_a : w->d.bias_b)[c];

	for (size_t k = 0; k < LATENTS; k++)
		sum += k == without ? 0 : (double)w->f[r * LATENTS + k] * decoder(w, m, k, c);
	return sum;
}

/* argmin_b sum || b f d - y ||^2, y: 0, the reconstruction; 1, what the dictionary leaves once the latent is taken out. */
static double beta(const struct world *w, size_t latent, size_t m, int error)
{
	size_t own = latent < N_A ? 0 : 1;
	double top = 0, bottom = 0, scale = (double)(m == 0 ? w->d.scale_a : w->d.scale_b);

	for (size_t r = 0; r < ROWS; r++) {
		for (size_t c = 0; c < D; c++) {
			double fd = (double)w->f[r * LATENTS + latent] * decoder(w, own, latent, c);
			double y = error ? (double)w->x[m][r * D + c] * scale - recon(w, m, r, c, latent)
					 : recon(w, m, r, c, SIZE_MAX);

			top += fd * y;
			bottom += fd * fd;
		}
	}
	return top / bottom;
}

static void near(const char *what, size_t latent, double got, double want)
{
	if (fabs(got - want) > 1e-3 * fabs(want) + 1e-5)
		fail_msg("%s of latent %zu: %.9g, by the definition %.9g", what, latent, got, want);
}

static void ratios_are_the_definition(void **state)
{
	static struct world w;
	struct scaling got[LATENTS];

	(void)state;
	world_make(&w, 1);
	measured(got, &w, 64, 2);
	for (size_t i = 0; i < LATENTS; i++) {
		size_t own = i < N_A ? 0 : 1;

		assert_int_equal(got[i].known, i != 2 && (i < N_A || i >= N_A + N_SHARED));
		if (!got[i].known)
			continue;
		near("nu_error", i, got[i].nu_error, beta(&w, i, 1 - own, 1) / beta(&w, i, own, 1));
		near("nu_recon", i, got[i].nu_recon, beta(&w, i, 1 - own, 0) / beta(&w, i, own, 0));
	}
}

/* Exact reconstructions, and a share of a candidate-only latent that the base has too while the dictionary left it out there. */
static void shrinkage_is_seen(void **state)
{
	static const double share[] = { 0, 0.25, 1 };
	const size_t latent = N_A + N_SHARED + 1;
	static struct world w;
	struct scaling got[LATENTS];

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		world_make(&w, 2);
		for (size_t m = 0; m < 2; m++) {
			for (size_t i = 0; i < ROWS * D; i++) {
				double y = recon(&w, m, i / D, i % D, SIZE_MAX);

				if (m == 0)
					y += share[s] * (double)w.f[i / D * LATENTS + latent] *
					     decoder(&w, 1, latent, i % D);
				w.x[m][i] = (float)(y / (double)(m == 0 ? w.d.scale_a : w.d.scale_b));
			}
		}
		measured(got, &w, ROWS, 1);
		if (fabs(got[latent].nu_error - share[s]) > 1e-4)
			fail_msg("a share of %g is seen as %g", share[s], got[latent].nu_error);
		dfc_release(&w.d);
	}
}

static void other_widths_are_not_compared(void **state)
{
	struct dfc_shape wider = shape;
	struct active a = { .n = 0 };
	struct dfc d;

	(void)state;
	wider.d_b = D + 1;
	dense_dfc(&d, &wider, 3);
	assert_null(scaling_new(&d, &a, NULL));
	dfc_release(&d);
}

static void threads_and_batches_change_nothing(void **state)
{
	static struct world w;
	struct scaling one[LATENTS], many[LATENTS];

	(void)state;
	memset(one, 0, sizeof(one));
	memset(many, 0, sizeof(many));
	world_make(&w, 4);
	measured(one, &w, 64, 1);
	for (unsigned t = 2; t <= 4; t++) {
		measured(many, &w, 64, t);
		assert_memory_equal(one, many, sizeof(one));
	}
	dfc_release(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_the_definition),
		cmocka_unit_test(shrinkage_is_seen),
		cmocka_unit_test(other_widths_are_not_compared),
		cmocka_unit_test(threads_and_batches_change_nothing),
	};

	return cmocka_run_group_tests_name("scaling", tests, NULL, NULL);
}
