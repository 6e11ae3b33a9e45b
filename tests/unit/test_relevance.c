#include "base/rng.h"
#include "study/relevance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 240, LATENTS = 130, DOC_ROWS = 12 };

struct world {
	struct active a;
	size_t row_start[ROWS + 1], latent_start[LATENTS + 1];
	uint32_t latent[ROWS * LATENTS], row[ROWS * LATENTS], doc[ROWS];
	float row_value[ROWS * LATENTS], value[ROWS * LATENTS];
	double gap[ROWS];
};

static float value_at(const struct world *w, size_t r, size_t k)
{
	for (size_t i = w->row_start[r]; i < w->row_start[r + 1]; i++) {
		if (w->latent[i] == k)
			return w->row_value[i];
	}
	return 0;
}

/* Latent 0 fires where the gap is large, latent 1 never, the others at random. */
static void world_make(struct world *w, uint64_t seed)
{
	struct rng r = rng_stream(seed, "test.world", 0);
	size_t n = 0;

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < ROWS; i++) {
		w->doc[i] = (uint32_t)(i / DOC_ROWS);
		w->gap[i] = rng_normal(r, 10000 + i) + (i % DOC_ROWS == 3 ? 8 : 0);
		w->row_start[i] = n;
		for (uint32_t k = 0; k < LATENTS; k++) {
			bool on = k == 0 ? i % DOC_ROWS == 3 : k > 1 && rng_unit(r, i * LATENTS + k) < 0.1;

			if (on) {
				w->latent[n] = k;
				w->row_value[n++] = (float)(0.5 + rng_unit(r, 100000 + i * LATENTS + k));
			}
		}
	}
	w->row_start[ROWS] = n;
	n = 0;
	for (uint32_t k = 0; k < LATENTS; k++) {
		w->latent_start[k] = n;
		for (uint32_t i = 0; i < ROWS; i++) {
			if (value_at(w, i, k) > 0) {
				w->row[n] = i;
				w->value[n++] = value_at(w, i, k);
			}
		}
	}
	w->latent_start[LATENTS] = n;
	w->a = (struct active){ .n_rows = ROWS,
				.n_latents = LATENTS,
				.n = n,
				.row_start = w->row_start,
				.latent = w->latent,
				.row_value = w->row_value,
				.latent_start = w->latent_start,
				.row = w->row,
				.value = w->value };
}

static void measured(struct relevance *out, const struct world *w, unsigned threads)
{
	struct relevance_opts o = { .permutations = 99, .draws = 200, .level = 0.95, .seed = 5 };
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(par_new(&p, threads, 64, &e), 0);
	relevance_measure(out, &w->a, w->gap, w->doc, p, &o);
	par_free(p);
}

static bool near(double a, double b)
{
	return a - b < 1e-9 && b - a < 1e-9;
}

/* Against sums written out from the definition. */
static void means_are_the_definition(void **state)
{
	static struct world w;
	static struct relevance got[LATENTS];

	(void)state;
	world_make(&w, 1);
	measured(got, &w, 2);
	for (size_t k = 0; k < LATENTS; k++) {
		double top = 0, bottom = 0, max = 0;
		size_t fires = 0;

		for (size_t i = 0; i < ROWS; i++) {
			double f = (double)value_at(&w, i, k);

			top += f * w.gap[i];
			bottom += f;
			fires += f > 0;
			max = f > max ? f : max;
		}
		assert_int_equal(got[k].fires, fires);
		assert_true(got[k].max == max);
		assert_true(near(got[k].gap, fires > 0 ? top / bottom : 0));
		if (fires > 0) {
			assert_true(near(got[k].mean, bottom / (double)fires));
			assert_true(got[k].lo <= got[k].gap + 1e-9 && got[k].gap <= got[k].hi + 1e-9);
		}
	}
	assert_true(got[1].p == 1 && got[1].gap == 0);
}

/* The planted latent is beyond every permutation; of the others about a twentieth is below 0.05. */
static void null_is_calibrated(void **state)
{
	static struct world w;
	static struct relevance got[LATENTS];
	size_t below = 0, n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		world_make(&w, seed);
		measured(got, &w, 2);
		assert_true(got[0].gap > 6 && got[0].p <= 0.011);
		for (size_t k = 2; k < LATENTS; k++, n++)
			below += got[k].p <= 0.05;
	}
	if (below == 0 || below > n / 8)
		fail_msg("%zu of %zu latents without effect have p <= 0.05", below, n);
}

static void threads_change_nothing(void **state)
{
	static struct world w;
	static struct relevance one[LATENTS], many[LATENTS];

	(void)state;
	world_make(&w, 9);
	measured(one, &w, 1);
	for (unsigned t = 2; t <= 7; t++) {
		measured(many, &w, t);
		assert_memory_equal(one, many, sizeof(one));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(means_are_the_definition),
		cmocka_unit_test(null_is_calibrated),
		cmocka_unit_test(threads_change_nothing),
	};

	return cmocka_run_group_tests_name("relevance", tests, NULL, NULL);
}
