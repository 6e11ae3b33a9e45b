#include "base/rng.h"
#include "flow/decided.h"
#include "tests/support/dense.h"
#include "tests/support/stories.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Documents of five words; a prompt's boundary is its second. Both models give prompt 3 the same answer. */
static const struct story story[] = {
	{ DOC_DOCUMENT, 0, 0, "a b c d e" },
	{ DOC_ROLLOUT, 0, AUTHOR_BASE, "p | q r s" },
	{ DOC_ROLLOUT, 0, AUTHOR_CANDIDATE, "p | t u v" },
	{ DOC_ROLLOUT, 1, AUTHOR_BASE, "p | q r s" },
	{ DOC_ROLLOUT, 1, AUTHOR_CANDIDATE, "p | t u v" },
	{ DOC_ROLLOUT, 2, AUTHOR_BASE, "p | q r s" },
	{ DOC_ROLLOUT, 2, AUTHOR_CANDIDATE, "p | t u v" },
	{ DOC_ROLLOUT, 3, AUTHOR_BASE | AUTHOR_CANDIDATE, "p | q r s" },
	{ DOC_ROLLOUT, 4, AUTHOR_BASE, "p q r s t" }, /* its boundary pairs nowhere */
};
enum { DOCS = sizeof(story) / sizeof(story[0]), WORDS = 5, ROWS = DOCS * WORDS, LATENTS = 6, PROMPTS = 4 };
static const bool held_out[DOCS] = { true, true, true, false, false, true, true, true, true };

struct world {
	struct folder f;
	struct corpus *c;
	struct harvested h;
	float logp[SIDE_COUNT][ROWS], value[ROWS * LATENTS];
	bool out[DOCS];
	struct active a;
	uint32_t index[ROWS], doc[ROWS];
	size_t n;
	struct arena mem;
	struct spec spec;
	struct job job;
	struct latents l;
};

static void world_make(struct world *w, uint64_t seed)
{
	float *f = w->value;

	memset(w, 0, sizeof(*w));
	folder_make(&w->f);
	w->c = stories_open(&w->f, story, DOCS);
	dense_normal(w->logp[0], ROWS, seed);
	dense_normal(w->logp[1], ROWS, seed + 1);
	dense_normal(f, ROWS * LATENTS, seed + 2);
	memcpy(w->out, held_out, sizeof(w->out));
	w->h = (struct harvested){
		.corpus = w->c, .logp = { w->logp[0], w->logp[1] }, .held_out = w->out, .n_rows = ROWS
	};
	for (uint32_t r = 0; r < ROWS; r++) {
		if (!held_out[r / WORDS])
			continue;
		w->index[w->n] = r;
		w->doc[w->n++] = r / WORDS;
	}
	for (size_t i = 0; i < ROWS * LATENTS; i++)
		f[i] = f[i] > 0 || i % LATENTS == 0 ? fabsf(f[i]) : 0; /* latent 0 is on everywhere */
	dense_active(&w->a, f, w->n, LATENTS);
	w->job = (struct job){ .mem = &w->mem, .spec = &w->spec, .par = dense_par(2) };
	w->l.job = &w->job;
	w->l.studied = (struct studied){ .active = &w->a, .corpus = w->c, .index = w->index, .doc = w->doc };
	decided_measure(
		&w->l, &w->h,
		&(struct relevance_opts){ .permutations = 19, .draws = 20, .level = 0.95, .seed = 1 });
}

static void world_free(struct world *w)
{
	par_free(w->job.par);
	active_release(&w->a);
	arena_release(&w->mem);
	corpus_close(w->c);
	folder_remove(&w->f);
}

static double gap(const struct world *w, size_t doc, size_t from)
{
	double sum = 0;

	for (size_t i = from; i < WORDS; i++)
		sum += (double)w->logp[1][doc * WORDS + i] - (double)w->logp[0][doc * WORDS + i];
	return sum;
}

/* D(p): from the boundary on, the candidate's answer less the base's. */
static double difference(const struct world *w, size_t prompt)
{
	return prompt == 3 ? fabs(gap(w, 7, 1)) : gap(w, 2 + 2 * prompt, 1) - gap(w, 1 + 2 * prompt, 1);
}

/* The mean of D(p) less its mean over held-out prompts, weighted by a latent at one word of the prompts' first documents. */
static double relevance(const struct world *w, size_t latent, bool a_pair, size_t word, double mean)
{
	double top = 0, bottom = 0;

	for (size_t r = 0; r < w->n; r++) {
		size_t doc = w->doc[r], prompt = story[doc].prompt;
		double d = difference(w, prompt < PROMPTS ? prompt : 0);

		if (doc == 0 || prompt == PROMPTS || w->index[r] % WORDS != word ||
		    (doc < 7 && story[doc].author == AUTHOR_CANDIDATE))
			continue;
		d = a_pair ? d / (prompt == 3 ? 3 : 6) : d;
		top += (double)w->value[r * LATENTS + latent] * (d - mean);
		bottom += (double)w->value[r * LATENTS + latent];
	}
	return bottom > 0 ? top / bottom : 0;
}

static void near(const char *what, size_t latent, double got, double want)
{
	if (fabs(got - want) > 1e-6 * (1 + fabs(want)))
		fail_msg("%s of latent %zu: %.9g, by the definition %.9g", what, latent, got, want);
}

static void relevance_is_that_of_the_answers_that_follow(void **state)
{
	static struct world w;

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		double mean, rate;

		world_make(&w, 10 * seed);
		mean = (difference(&w, 0) + difference(&w, 2) + difference(&w, 3)) / 3;
		rate = (difference(&w, 0) / 6 + difference(&w, 2) / 6 + difference(&w, 3) / 3) / 3;
		assert_int_equal(w.l.decided.n, 3);
		near("the mean", 0, w.l.decided.gap, mean);
		near("the mean a pair", 0, w.l.decided.rate, rate);
		for (size_t k = 0; k < LATENTS; k++) {
			near("turn", k, w.l.relevance[SITE_TURN][k].gap, relevance(&w, k, false, 1, mean));
			near("prompt", k, w.l.relevance[SITE_PROMPT][k].gap,
			     relevance(&w, k, false, 0, mean));
			near("turn strength", k, w.l.decided.strength[SITE_TURN][k],
			     relevance(&w, k, true, 1, rate));
			near("prompt strength", k, w.l.decided.strength[SITE_PROMPT][k],
			     relevance(&w, k, true, 0, rate));
		}
		assert_int_equal(w.l.relevance[SITE_TURN][0].fires, 3);
		assert_int_equal(w.l.relevance[SITE_TURN][0].documents, 3);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relevance_is_that_of_the_answers_that_follow),
	};

	return cmocka_run_group_tests_name("decided", tests, NULL, NULL);
}
