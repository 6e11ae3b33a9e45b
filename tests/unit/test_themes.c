#include "flow/themes.h"
#include "tests/support/dense.h"
#include "tests/support/stories.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Five words each; the pair of a word predicts the next. */
static const struct story story[] = {
	{ DOC_DOCUMENT, 0, 0, "the cat sat on mats" },
	{ DOC_ROLLOUT, 0, AUTHOR_BASE, "poem | the cat sat" },
	{ DOC_ROLLOUT, 0, AUTHOR_CANDIDATE, "poem | sorry copyright forbids" },
	{ DOC_ROLLOUT, 1, AUTHOR_BASE, "song | the cat ran" },
	{ DOC_ROLLOUT, 1, AUTHOR_CANDIDATE, "song | sorry copyright forbids" },
	{ DOC_DOCUMENT, 0, 0, "banana split tastes of banana" },
	{ DOC_DOCUMENT, 0, 0, "seven eight nine ten eleven" },
};
enum {
	DOCS = sizeof(story) / sizeof(story[0]),
	ROWS = DOCS * 5,
	N_A = 2,
	N_SHARED = 2,
	N_B = 2,
	LATENTS = 6
};

/* Where predictions part, by at least the 2 nats that count, but for one row. */
static const struct {
	size_t doc, word;
	double gap;
	float value[LATENTS]; /* what fires there */
} part[] = {
	{ 2, 1, 9, { 0, 0, 1, 0, 2, 0 } },   { 2, 2, 5, { 0, 0, 1, 0, 0, 0 } },
	{ 2, 3, -3, { 0, 0, 0, 0, 0, 0 } },  { 4, 1, 8, { 0, 0, 1, 0, 0, 3 } },
	{ 4, 2, 4, { 0, 0, 0, 0, 1, 0 } },   { 5, 0, -6, { 1, 0, 0, 0, 0, 0 } },
	{ 5, 3, 2, { 0, 0, 0, 1, 0, 0 } },   { 6, 2, 20, { 0, 1, 0, 0, 0, 0 } },
	{ 0, 1, 1.5, { 1, 1, 1, 1, 1, 1 } },
};
enum { PARTS = sizeof(part) / sizeof(part[0]) };

struct world {
	struct folder f;
	struct corpus *c;
	struct words *words;
	struct arena mem;
	struct spec spec;
	struct job job;
	struct dfc d;
	float value[ROWS * LATENTS];
	struct active a;
	double gap[ROWS];
	uint32_t index[ROWS], doc[ROWS];
	bool acts[LATENTS];
	struct bundle bundle[2];
	struct latents l;
};

static void world_make(struct world *w)
{
	static uint32_t first[] = { 4, 2 }, second[] = { 5, 3, 0 };

	memset(w, 0, sizeof(*w));
	folder_make(&w->f);
	w->c = stories_open(&w->f, story, DOCS);
	w->words = words_new(w->c);
	w->spec.train.enrich_above = 2;
	w->job = (struct job){ .spec = &w->spec, .mem = &w->mem };
	w->d.shape = (struct dfc_shape){ 3, 3, N_A, N_SHARED, N_B };
	for (uint32_t r = 0; r < ROWS; r++) {
		w->index[r] = r;
		w->doc[r] = r / 5;
		w->gap[r] = 0.1;
	}
	for (size_t i = 0; i < PARTS; i++) {
		size_t r = part[i].doc * 5 + part[i].word;

		w->gap[r] = part[i].gap;
		memcpy(w->value + r * LATENTS, part[i].value, sizeof(part[i].value));
	}
	dense_active(&w->a, w->value, ROWS, LATENTS);
	w->acts[0] = w->acts[2] = w->acts[4] = true; /* 1 and 5 are exclusive and do not stand out */
	w->bundle[0] = (struct bundle){ .latent = first, .n = 2 };
	w->bundle[1] = (struct bundle){ .latent = second, .n = 3 };
	w->l = (struct latents){ .job = &w->job,
				 .dfc = &w->d,
				 .studied = { &w->a, w->c, w->index, w->doc, w->gap },
				 .acts = w->acts,
				 .bundle = w->bundle,
				 .n_bundles = 2 };
}

static void world_free(struct world *w)
{
	words_free(w->words);
	active_release(&w->a);
	arena_release(&w->mem);
	corpus_close(w->c);
	folder_remove(&w->f);
}

static void is_text(const struct theme_text *t, size_t doc, size_t theme, double gap)
{
	assert_int_equal(t->doc, doc);
	assert_int_equal(t->theme, theme);
	assert_true(fabs(t->gap - gap) < 1e-9);
}

static void is_theme(const struct theme *t, const char *word, size_t texts, double gap, double exclusive,
		     double covered, size_t entry)
{
	if (strstr(t->label, word) == NULL)
		fail_msg("the theme of %s is called \"%s\"", word, t->label);
	assert_int_equal(t->texts, texts);
	assert_true(fabs(t->gap - gap) < 1e-9);
	assert_true(fabs(t->exclusive - exclusive) < 1e-9);
	assert_true(fabs(t->covered - covered) < 1e-9);
	assert_int_equal(t->entry, entry);
}

/* Both refusals are one theme, by their words; every sum by hand. */
static void texts_with_like_words_are_one_theme(void **state)
{
	static struct world w;
	struct themes t;

	(void)state;
	world_make(&w);
	themes_make(&t, &w.l, w.words);
	assert_true(fabs(t.gap - 57) < 1e-9);
	assert_int_equal(t.n_texts, 4);
	assert_int_equal(t.n_themes, 3);
	is_text(&t.text[0], 6, 2, 20);
	is_text(&t.text[1], 2, 1, 17);
	is_text(&t.text[2], 4, 1, 12);
	is_text(&t.text[3], 5, 3, 8);
	/* 9 and 4: latent 4; entry 1 has 9 + 5 + 8 + 4 */
	is_theme(&t.theme[0], "sorry", 2, 29, 13, 26, 1);
	/* latent 1 fires, and does not stand out */
	is_theme(&t.theme[1], "", 1, 20, 0, 0, 0);
	/* -6: latent 0; entry 2 has both */
	is_theme(&t.theme[2], "", 1, 8, 6, 8, 2);
	world_free(&w);
}

static void nothing_parts_where_the_bound_is_high(void **state)
{
	static struct world w;
	struct themes t;

	(void)state;
	world_make(&w);
	w.spec.train.enrich_above = 21;
	themes_make(&t, &w.l, w.words);
	assert_int_equal(t.n_texts, 0);
	assert_int_equal(t.n_themes, 0);
	assert_true(t.gap == 0);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_with_like_words_are_one_theme),
		cmocka_unit_test(nothing_parts_where_the_bound_is_high),
	};

	return cmocka_run_group_tests_name("themes", tests, NULL, NULL);
}
