#include "study/near.h"
#include "tests/support/dense.h"
#include "tests/support/stories.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Three documents, and a prompt with two answers, five rows each. */
enum {
	DOCS = 5,
	ROWS = DOCS * 5,
	N_A = 3,
	N_SHARED = 4,
	N_B = 3,
	LATENTS = N_A + N_SHARED + N_B,
	D_A = 5,
	D_B = 6
};

static const struct story story[DOCS] = {
	{ DOC_DOCUMENT, 0, 0, "one two three four five" },
	{ DOC_CHAT, 0, 0, "one two three four five" },
	{ DOC_DOCUMENT, 0, 0, "six seven eight nine ten" },
	{ DOC_ROLLOUT, 4, AUTHOR_BASE, "what | is it now" },
	{ DOC_ROLLOUT, 4, AUTHOR_CANDIDATE, "what | was it then" },
};

struct world {
	struct folder f;
	struct dfc d;
	struct active a;
	struct studied s;
	float xa[ROWS * D_A], xb[ROWS * D_B], value[ROWS * LATENTS];
	double score[ROWS][LATENTS];
	uint32_t doc[ROWS], index[ROWS];
};

static double inner(const float *x, const float *y, size_t d, float scale)
{
	double sum = 0;

	for (size_t c = 0; c < d; c++)
		sum += (double)x[c] * (double)scale * (double)y[c];
	return sum;
}

static double norm(const float *x, size_t d)
{
	return x != NULL ? sqrt(inner(x, x, d, 1)) : 0;
}

static void world_make(struct world *w, uint64_t seed)
{
	struct dfc_shape shape = { D_A, D_B, N_A, N_SHARED, N_B };

	memset(w, 0, sizeof(*w));
	folder_make(&w->f);
	dense_dfc(&w->d, &shape, seed);
	w->d.threshold = 12;
	dense_normal(w->xa, ROWS * D_A, seed + 1);
	dense_normal(w->xb, ROWS * D_B, seed + 2);
	for (size_t r = 0; r < ROWS; r++) {
		w->index[r] = (uint32_t)r;
		w->doc[r] = (uint32_t)(r / 5);
		for (size_t k = 0; k < LATENTS; k++) {
			const float *da = dfc_decoder_a(&w->d, k), *db = dfc_decoder_b(&w->d, k);
			double h = (double)w->d.bias_enc[k], weight = norm(da, D_A) + norm(db, D_B);

			if (da != NULL)
				h += inner(w->xa + r * D_A, w->d.enc_a + k * D_A, D_A, w->d.scale_a);
			if (db != NULL)
				h += inner(w->xb + r * D_B, w->d.enc_b + (k - N_A) * D_B, D_B, w->d.scale_b);
			w->score[r][k] = h * weight * (da == NULL || db == NULL ? 2 : 1);
			if (w->score[r][k] > 12)
				w->value[r * LATENTS + k] = (float)h;
		}
	}
	dense_active(&w->a, w->value, ROWS, LATENTS);
	w->s = (struct studied){
		.active = &w->a, .corpus = stories_open(&w->f, story, DOCS), .index = w->index, .doc = w->doc
	};
}

static void world_free(struct world *w)
{
	corpus_close((struct corpus *)(uintptr_t)w->s.corpus);
	active_release(&w->a);
	dfc_release(&w->d);
	folder_remove(&w->f);
}

/* The best row of each text that never fires, best text first; both answers to the prompt are one text. */
static size_t naive(struct miss *out, const struct world *w, size_t latent)
{
	size_t n = 0;

	for (size_t text = 0; text < DOCS - 1; text++) {
		size_t first = text * 5, end = text == DOCS - 2 ? ROWS : first + 5;
		struct miss best = { 0, 0 };
		bool fires = false;

		for (size_t r = first; r < end; r++) {
			fires |= w->score[r][latent] > 12;
			if (w->score[r][latent] / 12 > best.share)
				best = (struct miss){ (uint32_t)r, w->score[r][latent] / 12 };
		}
		if (!fires && best.share > 0)
			out[n++] = best;
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = n - 1; k > i; k--) {
			struct miss swap = out[k];

			if (out[k - 1].share >= swap.share)
				continue;
			out[k] = out[k - 1];
			out[k - 1] = swap;
		}
	}
	return n;
}

static void misses_are_the_closest_rows_of_texts_that_never_fire(void **state)
{
	uint32_t latent[LATENTS];
	size_t found = 0, fired = 0;

	(void)state;
	for (uint32_t k = 0; k < LATENTS; k++)
		latent[k] = LATENTS - 1 - k;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		size_t most = 1 + seed % 5, batch = 1 + seed;
		struct par *p = dense_par(2);
		struct near_misses *m;
		struct world w;

		world_make(&w, 10 * seed);
		m = near_new(&w.d, &w.s, latent, LATENTS, most, p);
		for (size_t r = 0; r < ROWS; r += batch)
			near_add(m, w.xa + r * D_A, w.xb + r * D_B, r, r + batch < ROWS ? batch : ROWS - r);
		for (size_t i = 0; i < LATENTS; i++) {
			struct miss want[DOCS];
			const struct miss *got;
			size_t n = naive(want, &w, latent[i]);

			fired += w.a.latent_start[i] < w.a.latent_start[i + 1];
			n = n < most ? n : most;
			assert_int_equal(near_end(&got, m, i), n);
			for (size_t k = 0; k < n; k++, found++) {
				assert_int_equal(got[k].row, want[k].row);
				assert_true(fabs(got[k].share - want[k].share) < 1e-5);
			}
		}
		near_free(m);
		par_free(p);
		world_free(&w);
	}
	assert_true(found > 50 && fired > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misses_are_the_closest_rows_of_texts_that_never_fire),
	};

	return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
