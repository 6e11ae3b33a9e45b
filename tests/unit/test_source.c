#include "flow/source.h"

#include "base/out.h"
#include "flow/files.h"
#include "flow/survey_parts.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A spec of nothing but one source. */
struct world {
	struct arena mem;
	struct spec spec;
	struct spec_source source;
	char dir[200];
};

static void begin(struct world *w, const char *path, enum source_form form)
{
	*w = (struct world){ .source = { .path = path, .form = form, .field = "text" } };
	snprintf(w->dir, sizeof(w->dir), "%s", scratch_new("source"));
	w->spec.corpus.source = &w->source;
	w->spec.corpus.n_sources = 1;
	w->spec.corpus.context = 16;
}

static void put(struct world *w, const char *name, const char *text)
{
	scratch_text(arena_fmt(&w->mem, "%s/%s", w->dir, name), text);
}

/* The same, with an empty folder. */
static void begin_in(struct world *w, const char *path, enum source_form form, const char *folder)
{
	struct err e = ERR_INIT;

	begin(w, path, form);
	assert_int_equal(dir_make(arena_fmt(&w->mem, "%s/%s", w->dir, folder), &e), 0);
}

static void find(struct world *w)
{
	struct err e = ERR_INIT;

	if (files_find(&w->source, &w->mem, w->dir, &e) < 0)
		fail_msg("%s", e.msg);
}

static void refused(struct world *w, const char *want)
{
	struct err e = ERR_INIT;

	assert_int_equal(files_find(&w->source, &w->mem, w->dir, &e), -1);
	if (strstr(e.msg, want) == NULL)
		fail_msg("%s", e.msg);
	arena_release(&w->mem);
}

static void a_path_names_files_in_the_order_of_their_names(void **state)
{
	static const struct {
		const char *path, *names; /* what files_name() calls them */
	} cases[] = {
		{ "texts", "texts/B.txt texts/a.txt texts/a10.txt texts/a2.txt " },
		{ "texts/", "texts/B.txt texts/a.txt texts/a10.txt texts/a2.txt " },
		{ "texts/a*.txt", "texts/a.txt texts/a10.txt texts/a2.txt " },
		{ "texts/a?.txt", "texts/a2.txt " },
		{ "texts/*1*", "texts/a10.txt " },
		{ "texts/B.txt", "B.txt " },
		{ "o*", "one.txt " },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = ERR_INIT;
		struct str got = STR_INIT;

		begin(&w, cases[i].path, FORM_LINES);
		assert_int_equal(dir_make(arena_fmt(&w.mem, "%s/texts/inside", w.dir), &e), 0);
		put(&w, "one.txt", "1");
		put(&w, "texts/a2.txt", "2");
		put(&w, "texts/a10.txt", "3");
		put(&w, "texts/B.txt", "4");
		put(&w, "texts/a.txt", "5");
		put(&w, "texts/.hidden", "6");
		put(&w, "texts/inside/c.txt", "7");
		find(&w);
		for (size_t k = 0; k < w.source.n_files; k++)
			str_addf(&got, "%s ", files_name(&w.mem, &w.source, k));
		if (strcmp(got.p, cases[i].names) != 0)
			fail_msg("%s: %s", cases[i].path, got.p);
		str_release(&got);
		arena_release(&w.mem);
	}
}

static void what_names_nothing_is_refused(void **state)
{
	struct world w;

	(void)state;
	begin_in(&w, "empty", FORM_LINES, "empty");
	refused(&w, "there is no file in the folder empty");
	begin(&w, "*.txt", FORM_LINES);
	refused(&w, "no file matches *.txt");
	begin(&w, "no/*.txt", FORM_LINES);
	refused(&w, "no file matches no/*.txt: there is no folder ");
}

/* Items know their file, and where they stand there. */
static void items_of_a_folder_know_their_file(void **state)
{
	static const struct {
		const char *text, *place;
		uint64_t offset;
	} want[] = {
		{ "one", "texts/a.txt:1", 0 },
		{ "two", "texts/a.txt:3", 5 },
		{ "three", "texts/c.txt:1", 0 },
	};
	struct err e = ERR_INIT;
	struct item *item;
	struct world w;
	size_t n;

	(void)state;
	begin_in(&w, "texts", FORM_LINES, "texts");
	put(&w, "texts/a.txt", "one\n\ntwo\n");
	put(&w, "texts/b.txt", "\n\n");
	put(&w, "texts/c.txt", "three");
	find(&w);
	assert_int_equal(source_read(&item, &n, &w.mem, &w.spec, 0, &e), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_true(view_is(item[i].text, want[i].text));
		assert_int_equal(item[i].offset, want[i].offset);
		assert_string_equal(source_place(&w.mem, &w.spec, item[i].file, item[i].line), want[i].place);
	}
	arena_release(&w.mem);
	/* each a document */
	begin_in(&w, "texts", FORM_FILE, "texts");
	put(&w, "texts/a.txt", "one\n\ntwo\n");
	put(&w, "texts/c.txt", "three");
	find(&w);
	assert_int_equal(source_read(&item, &n, &w.mem, &w.spec, 0, &e), 0);
	assert_int_equal(n, 2);
	assert_true(view_is(item[0].text, "one\n\ntwo") && view_is(item[1].text, "three"));
	arena_release(&w.mem);
}

/* A bad line is named with the file it is in; a document of too many bytes too. */
static void errors_name_file_and_line(void **state)
{
	static const enum source_form form[] = { FORM_LINES, FORM_FILE };
	struct err e = ERR_INIT;
	struct item *item;
	struct world w;
	size_t n;

	(void)state;
	begin_in(&w, "texts/*.jsonl", FORM_JSONL, "texts");
	put(&w, "texts/a.jsonl", "{\"text\": \"x\"}\n");
	put(&w, "texts/b.jsonl", "{\"text\": \"x\"}\n{\"body\": 1}\n");
	find(&w);
	assert_int_equal(source_read(&item, &n, &w.mem, &w.spec, 0, &e), -1);
	assert_non_null(strstr(e.file, "texts/b.jsonl"));
	assert_int_equal(e.line, 2);
	arena_release(&w.mem);
	for (size_t i = 0; i < 2; i++) {
		char *text = mem_alloc(DOCUMENT_MOST + 4, 1);

		begin(&w, "long.txt", form[i]);
		memset(text, 'a', DOCUMENT_MOST + 3);
		text[1] = '\n';
		put(&w, "long.txt", text);
		find(&w);
		e = (struct err)ERR_INIT;
		assert_int_equal(source_read(&item, &n, &w.mem, &w.spec, 0, &e), -1);
		assert_non_null(strstr(e.msg, "16 MiB"));
		assert_string_equal(e.file, "long.txt");
		assert_int_equal(e.line, form[i] == FORM_LINES ? 2 : 1);
		mem_free(text);
		arena_release(&w.mem);
	}
}

/* ---- how much there is ---- */

static void lengths_are_summed_up_to_a_bound(void **state)
{
	struct lengths *l = mem_alloc(1, sizeof(*l));
	double whole = 0, some = 0;

	(void)state;
	for (size_t i = 1; i < 4000; i++) {
		size_t n = i % 50 == 0 ? i * 997 : i % 700;

		lengths_add(l, n);
		whole += (double)n;
		some += n < 300 ? (double)n : 300;
	}
	assert_true(lengths_sum(l, 1e9) == whole);
	assert_true(lengths_sum(l, 300) == some);
	mem_free(l);
}

/* Whatever part of it is looked at, a sample is in the order asked for, spread, and each unit is in it once. */
static void a_sample_is_spread(void **state)
{
	static const size_t limit[] = { 0, 1000 };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct err e = ERR_INIT;
		struct str text = STR_INIT;
		struct drawn *d;
		struct world w;
		size_t early = 0, odd = 0;
		uint8_t seen[5001] = { 0 };

		begin(&w, "many.txt", FORM_LINES);
		w.source.limit = limit[k];
		for (size_t i = 1; i <= 5000; i++)
			str_addf(&text, "%04zu\n", i % 10000);
		put(&w, "many.txt", text.p);
		str_release(&text);
		find(&w);
		if (drawn_make(&d, &w.mem, &w.spec, 0, 4000, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(d->n, 1000);
		assert_true(d->whole == (limit[k] > 0 ? 1000 : 5000));
		for (size_t i = 0; i < d->n; i++) {
			uint64_t line = d->item[i].line;

			assert_int_equal(seen[line]++, 0);
			assert_int_equal(d->bytes[i], 4);
			early += i < 100 && line <= 2500;
			odd += i < 100 && line % 2;
		}
		assert_true(early > 40 && early < 60 && odd > 35 && odd < 65);
		arena_release(&w.mem);
	}
}

/* Pairs that go with the length as far as a context goes, and then no further: the estimate is exact. */
static void what_goes_with_the_length_is_known_from_few(void **state)
{
	struct drawn *d = mem_alloc(1, sizeof(*d));
	struct unit unit[50];
	double whole = 0;
	struct part part;

	(void)state;
	d->whole = 500;
	d->scale = 1;
	for (size_t i = 0; i < 500; i++) {
		size_t bytes = 10 * (1 + i * 7919 % 97);

		lengths_add(&d->lengths, bytes);
		whole += bytes < 400 ? (double)bytes / 4 : 100;
		if (i % 10 == 3)
			unit[i / 10] = (struct unit){ .bytes = (double)bytes,
						      .documents = 1,
						      .tokens = { bytes < 400 ? (double)bytes / 4 : 100, 1 },
						      .pairs = bytes < 400 ? (double)bytes / 4 : 100,
						      .cut = bytes > 400 };
	}
	part_estimate(&part, d, unit, 50, 100, true);
	assert_true(part.pairs > whole * (1 - 1e-9) && part.pairs < whole * (1 + 1e-9));
	assert_true(part.documents == 500 && part.variance < 1e-9);
	/* by the unit it is not, and says so: four deviations hold the truth */
	part_estimate(&part, d, unit, 50, 100, false);
	assert_true(part.variance > 1);
	assert_true((part.pairs - whole) * (part.pairs - whole) < 16 * part.variance);
	/* all of it is what it is */
	d->whole = 50;
	part_estimate(&part, d, unit, 50, 100, false);
	assert_true(part.variance == 0);
	mem_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_names_files_in_the_order_of_their_names),
		cmocka_unit_test(what_names_nothing_is_refused),
		cmocka_unit_test(items_of_a_folder_know_their_file),
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(lengths_are_summed_up_to_a_bound),
		cmocka_unit_test(a_sample_is_spread),
		cmocka_unit_test(what_goes_with_the_length_is_known_from_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
