#include "base/mem.h"
#include "base/rng.h"
#include "study/bundle.h"
#include "study/match.h"
#include "study/twins.h"
#include "tests/support/dense.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 300, N_A = 12, N_SHARED = 20, N_B = 14, LATENTS = N_A + N_SHARED + N_B, D_A = 6, D_B = 9 };

/* Dense activations of a small dictionary, and the same as struct active. */
struct world {
	float f[ROWS][LATENTS];
	struct active a;
	struct dfc d;
};

static void activate(struct world *w)
{
	dense_active(&w->a, &w->f[0][0], ROWS, LATENTS);
}

static void world_make(struct world *w, uint64_t seed)
{
	struct dfc_shape s = { D_A, D_B, N_A, N_SHARED, N_B };
	struct rng r = rng_stream(seed, "test.match", 0);
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ROWS * LATENTS; i++) {
		bool on = rng_unit(r, i) < 0.15;

		w->f[i / LATENTS][i % LATENTS] = on ? (float)(0.2 + rng_unit(r, 100000 + i)) : 0;
	}
	assert_int_equal(dfc_new(&w->d, &s, &e), 0);
	for (size_t i = 0; i < w->d.n_params; i++)
		w->d.memory[i] = (float)rng_normal(r, 300000 + i);
}

static void world_free(struct world *w)
{
	active_release(&w->a);
	dfc_release(&w->d);
}

static struct par *threads(unsigned n)
{
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(par_new(&p, n, 64, &e), 0);
	return p;
}

/* From the definition: all rows, zeros too. */
static double pearson(const struct world *v, size_t i, const struct world *w, size_t k)
{
	double si = 0, sk = 0, ii = 0, kk = 0, ik = 0;

	for (size_t r = 0; r < ROWS; r++) {
		si += (double)v->f[r][i] / ROWS;
		sk += (double)w->f[r][k] / ROWS;
	}
	for (size_t r = 0; r < ROWS; r++) {
		double x = (double)v->f[r][i] - si, y = (double)w->f[r][k] - sk;

		ii += x * x;
		kk += y * y;
		ik += x * y;
	}
	return ii > 0 && kk > 0 ? ik / sqrt(ii * kk) : 0;
}

static void twins_are_the_most_correlated_of_the_other_side(void **state)
{
	static struct world w;
	static struct twin got[LATENTS], other[LATENTS];
	struct par *p = threads(3), *one = threads(1);

	(void)state;
	world_make(&w, 1);
	for (size_t r = 0; r < ROWS; r++) /* a mirrored pair, one twice as strong */
		w.f[r][N_A + N_SHARED + 5] = 2 * w.f[r][3];
	activate(&w);
	twins_find(got, &w.a, &w.d.shape, p);
	twins_find(other, &w.a, &w.d.shape, one);
	assert_memory_equal(got, other, sizeof(got));
	assert_int_equal(got[3].latent, N_A + N_SHARED + 5);
	assert_int_equal(got[N_A + N_SHARED + 5].latent, 3);
	assert_true(got[3].correlation > 1 - 1e-9);
	for (size_t i = 0; i < LATENTS; i++) {
		bool base = i < N_A, shared = !base && i < N_A + N_SHARED;
		double best = 0;

		for (size_t k = base ? N_A + N_SHARED : 0; !shared && k < (base ? LATENTS : N_A); k++)
			best = fmax(best, pearson(&w, i, &w, k));
		assert_true(fabs(got[i].correlation - best) < 1e-9);
	}
	world_free(&w);
	par_free(one);
	par_free(p);
}

/* The partition's latents of `from` in another order; one of each partition is gone, another stands there. */
static void shuffled(struct world *to, const struct world *from, uint32_t *where)
{
	static const size_t first[] = { 0, N_A, N_A + N_SHARED, LATENTS };

	for (size_t p = 0; p < 3; p++) {
		size_t n = first[p + 1] - first[p];

		for (size_t i = 0; i < n; i++) {
			size_t k = first[p] + (i * 11 + 3) % n, at = first[p] + i;

			where[at] = i == 2 ? MATCH_NONE : (uint32_t)k;
			for (size_t r = 0; i != 2 && r < ROWS; r++)
				to->f[r][k] = from->f[r][at];
			if (i != 2 && dfc_decoder_a(&from->d, at) != NULL)
				memcpy(to->d.dec_a + D_A * k, from->d.dec_a + D_A * at, D_A * sizeof(float));
			if (i != 2 && dfc_decoder_b(&from->d, at) != NULL)
				memcpy(to->d.dec_b + D_B * (k - N_A), from->d.dec_b + D_B * (at - N_A),
				       D_B * sizeof(float));
		}
	}
}

static void a_shuffled_dictionary_is_found_again(void **state)
{
	static struct world a, b;
	static struct match got[LATENTS], other[LATENTS];
	uint32_t where[LATENTS];
	struct par *p = threads(3), *one = threads(1);
	struct coded of = { &a.d, &a.a }, in = { &b.d, &b.a };

	(void)state;
	world_make(&a, 2);
	world_make(&b, 3);
	shuffled(&b, &a, where);
	activate(&a);
	activate(&b);
	match_latents(got, &of, &in, 0.9, p);
	match_latents(other, &of, &in, 0.9, one);
	assert_memory_equal(got, other, sizeof(got));
	for (size_t i = 0; i < LATENTS; i++) {
		assert_int_equal(got[i].latent, where[i]);
		if (where[i] != MATCH_NONE) {
			assert_true(got[i].cosine > 1 - 1e-6);
			assert_true(fabs(got[i].correlation - pearson(&a, i, &b, where[i])) < 1e-9);
		}
	}
	/* one to one, whatever is accepted */
	match_latents(got, &of, &in, 0, p);
	for (size_t i = 0; i < LATENTS; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(got[i].latent != got[k].latent || got[i].latent == MATCH_NONE);
	world_free(&a);
	world_free(&b);
	par_free(one);
	par_free(p);
}

/* Two behaviours in documents of their own; latents of either come together, whatever else they fire on. */
static void a_behaviour_is_one_bundle(void **state)
{
	static struct world w;
	struct arena mem = ARENA_INIT;
	double weight[ROWS], relevance[LATENTS] = { 0 };
	uint32_t place[ROWS], latent[] = { N_A + N_SHARED, 1, N_A + 3, N_A + 4 };
	struct carried c = { .active = &w.a, .weight = weight, .place = place, .n_places = ROWS / 10 };
	struct bundle *b;
	size_t n;

	(void)state;
	world_make(&w, 4);
	for (size_t r = 0; r < ROWS; r++) {
		place[r] = (uint32_t)(r / 10);
		weight[r] = place[r] < 4 || place[r] >= 26 ? 5 : 0.001;
		for (size_t i = 0; i < 4; i++) /* the second and the fourth stand at the last documents */
			w.f[r][latent[i]] = (place[r] < 4 && i % 2 == 0) || (place[r] >= 26 && i % 2 == 1) ||
							    (place[r] > 9 && place[r] < 20)
						    ? 1
						    : 0;
	}
	activate(&w);
	n = bundles_make(&b, &mem, &c, latent, 4, 0.5, 8);
	assert_int_equal(n, 2);
	assert_true(b[0].n == 2 && b[0].latent[0] == latent[0] && b[0].latent[1] == latent[2]);
	assert_true(b[1].n == 2 && b[1].latent[0] == latent[1] && b[1].latent[1] == latent[3]);
	relevance[latent[0]] = 3, relevance[latent[2]] = 5;
	relevance[latent[1]] = 4,
	relevance[latent[3]] = -5; /* the base's own latent, where the candidate is better */
	assert_int_equal(bundle_kind(&b[0], &w.d.shape, relevance), BUNDLE_CANDIDATE);
	assert_int_equal(bundle_kind(&b[1], &w.d.shape, relevance), BUNDLE_SHARED);
	relevance[latent[1]] = -4;
	assert_int_equal(bundle_kind(&b[1], &w.d.shape, relevance), BUNDLE_BASE);
	assert_int_equal(bundles_make(&b, &mem, &c, latent, 4, 0.5, 1), 1);
	arena_release(&mem);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twins_are_the_most_correlated_of_the_other_side),
		cmocka_unit_test(a_shuffled_dictionary_is_found_again),
		cmocka_unit_test(a_behaviour_is_one_bundle),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
