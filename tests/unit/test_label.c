#include "num/fmath.h"
#include "study/label.h"
#include "tests/support/stories.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct story few[] = {
	{ DOC_DOCUMENT, 0, 0, "the cat sat on the mat and the dog ran" },
	{ DOC_DOCUMENT, 0, 0, "the dog saw the cat , and SORRY it was" },
	{ DOC_DOCUMENT, 0, 0, "Sorry copyright forbids that poem to the cat" },
	{ DOC_DOCUMENT, 0, 0, "don't x x x 12 \xc3\xa9t\xc3\xa9" },
	{ DOC_DOCUMENT, 0, 0, "a b c d e f g h the the the the the the the the" },
};
enum { FEW = sizeof(few) / sizeof(few[0]), PLAIN = 300, REFUSALS = 40 };

struct world {
	struct folder f;
	struct corpus *c;
	struct words *w;
	struct arena mem;
};

static void world_make(struct world *w, const struct story *story, size_t n)
{
	*w = (struct world){ .mem = ARENA_INIT };
	folder_make(&w->f);
	w->c = stories_open(&w->f, story, n);
	w->w = words_new(w->c);
}

static void world_free(struct world *w)
{
	words_free(w->w);
	corpus_close(w->c);
	folder_remove(&w->f);
	arena_release(&w->mem);
}

/* A place stands for the word that ends at or holds its byte, whatever its case; rarity is counted by hand. */
static void words_are_found_where_they_stand(void **state)
{
	static const struct {
		struct place at;
		struct place same; /* another place of the same word */
		double count;	   /* in the corpus; 0: there is no word */
	} cases[] = {
		{ { 0, 3 }, { 0, 18 }, 14 }, /* "the" ends at 3 */
		{ { 0, 1 }, { 4, 19 }, 14 }, /* holds byte 1 */
		{ { 2, 5 }, { 1, 30 }, 2 },  /* Sorry, SORRY */
		{ { 3, 5 }, { 3, 2 }, 1 },   /* an apostrophe is part of a word */
		{ { 3, 7 }, { 3, 11 }, 3 },  /* x */
		{ { 3, 19 }, { 3, 17 }, 1 }, /* bytes above ASCII are, too */
		{ { 1, 21 }, { 1, 21 }, 0 }, /* the comma's place is no word */
	};
	struct world w;
	double total = 0, rarity, again;

	(void)state;
	world_make(&w, few, FEW);
	for (size_t i = 0; i < FEW; i++) {
		for (const char *p = few[i].text; *p != '\0'; p++)
			total += *p != ' ' && *p != ',' && (p[1] == ' ' || p[1] == '\0');
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t id = words_at(w.w, cases[i].at, &rarity), same = words_at(w.w, cases[i].same, &again);

		if (cases[i].count == 0) {
			assert_true(id == SIZE_MAX);
			continue;
		}
		if (id >= words_count(w.w) || id != same)
			fail_msg("case %zu: words %zu and %zu", i, id, same);
		if (fabs(rarity - log(total / cases[i].count)) > 1e-12)
			fail_msg("case %zu: %g of %g words, not %g", i, total / exp(rarity), total,
				 cases[i].count);
	}
	world_free(&w);
}

/* Words of the refusals, and of no other text, are beyond what the corpus lets expect; others of the same places are not. */
static void labels_are_the_distinctive_words(void **state)
{
	static struct story story[PLAIN + REFUSALS];
	struct place place[REFUSALS];
	struct world w;
	const char *label;

	(void)state;
	for (size_t i = 0; i < PLAIN + REFUSALS; i++) {
		story[i] = (struct story){ .text = i < PLAIN ? "the cat sat on the mat and the dog ran"
							     : "Sorry copyright forbids the the poems also" };
		if (i >= PLAIN)
			place[i - PLAIN] = (struct place){ (uint32_t)i, 15 };
	}
	world_make(&w, story, PLAIN + REFUSALS);
	/* the places are at "copyright", and three words on is the second "the" */
	label = words_label(&w.mem, w.w, place, REFUSALS);
	assert_string_equal(label, "sorry copyright forbids");
	label = words_label_texts(&w.mem, w.w, &(struct view){ "poems also the the", 18 }, 1);
	assert_string_equal(label, "poems"); /* one text proves nothing: the foremost alone */
	assert_string_equal(words_label(&w.mem, w.w, place, 0), "");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_where_they_stand),
		cmocka_unit_test(labels_are_the_distinctive_words),
	};

	return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
