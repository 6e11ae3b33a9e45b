#include "store/corpus.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DOCS = 7 };

/* Document i: a text of i letters; a token a letter for the base, two letters for the candidate; pairs at even ends. */
static void doc_add(struct corpus_writer *w, size_t i)
{
	int32_t id[16];
	uint32_t end[SIDE_COUNT][16];
	uint8_t kind[16] = { 0 };
	struct pair_record pair[8];
	struct doc_tokens side[SIDE_COUNT] = { { id, end[0], kind, i }, { id, end[1], kind, (i + 1) / 2 } };
	struct doc d = { .file = 1, .line = i + 1, .offset = 100 * i, .kind = DOC_DOCUMENT };

	for (uint32_t k = 0; k < i; k++) {
		id[k] = (int32_t)(1000 * i + k);
		end[0][k] = k + 1;
		end[1][k] = 2 * k + 2 < i ? 2 * k + 2 : (uint32_t)i;
	}
	for (uint32_t k = 0; k < i / 2; k++)
		pair[k] = (struct pair_record){ .token = { 2 * k + 1, k }, .byte = 2 * k + 2 };
	corpus_add(w, &d, (struct view){ "abcdefghij", i }, side, pair, i / 2);
}

static struct artifact corpus_make(const struct folder *f)
{
	struct artifact a = folder_artifact(f, 2);
	struct err e = ERR_INIT;
	struct corpus_writer *w;

	assert_int_equal(corpus_create(&w, &a, &e), 0);
	for (size_t i = 0; i < DOCS; i++)
		doc_add(w, i);
	assert_int_equal(corpus_finish(w, &e), 0);
	assert_int_equal(artifact_commit(&a, &e), 0);
	return a;
}

static void documents_come_back(void **state)
{
	struct folder f;
	struct artifact a;
	struct err e = ERR_INIT;
	struct corpus *c;
	size_t row = 0;

	(void)state;
	folder_make(&f);
	a = corpus_make(&f);
	assert_int_equal(corpus_open(&c, &a, &e), 0);
	assert_int_equal(corpus_docs(c), DOCS);
	assert_int_equal(corpus_rows(c), 0 + 0 + 1 + 1 + 2 + 2 + 3);
	assert_int_equal(corpus_tokens(c, SIDE_BASE), 21);
	for (size_t i = 0; i < DOCS; i++) {
		const struct doc *d = corpus_doc(c, i);
		struct doc_tokens t = corpus_side(c, i, SIDE_CANDIDATE);

		assert_int_equal(d->line, i + 1);
		assert_int_equal(corpus_text(c, i).n, i);
		assert_int_equal(t.n, (i + 1) / 2);
		for (size_t k = 0; k < d->pair_n; k++, row++) {
			const struct pair_record *p = corpus_pair(c, row);

			assert_int_equal(corpus_doc_of(c, row), i);
			assert_int_equal(corpus_side(c, i, SIDE_BASE).end[p->token[SIDE_BASE]], p->byte);
			assert_int_equal(t.end[p->token[SIDE_CANDIDATE]], p->byte);
			assert_int_equal(t.id[k], 1000 * i + k);
		}
	}
	corpus_close(c);
	folder_remove(&f);
}

/* Whatever the size asked for, shards are runs of whole documents that cover all of them once. */
static void shards_tile(void **state)
{
	struct folder f;
	struct artifact a;
	struct err e = ERR_INIT;
	struct corpus *c;

	(void)state;
	folder_make(&f);
	a = corpus_make(&f);
	assert_int_equal(corpus_open(&c, &a, &e), 0);
	for (size_t rows = 1; rows < 12; rows++) {
		struct arena mem = ARENA_INIT;
		size_t *first, n = corpus_shards(&first, &mem, c, rows), seen = 0;

		assert_true(n >= 1);
		assert_int_equal(first[0], 0);
		assert_int_equal(first[n], DOCS);
		for (size_t s = 0; s < n; s++) {
			size_t in = 0;

			assert_true(first[s] < first[s + 1]);
			for (size_t i = first[s]; i < first[s + 1]; i++)
				in += corpus_doc(c, i)->pair_n;
			if (s + 1 < n)
				assert_true(in >= rows);
			assert_true(in > 0);
			seen += in;
		}
		assert_int_equal(seen, corpus_rows(c));
		arena_release(&mem);
	}
	corpus_close(c);
	folder_remove(&f);
}

/* One wrong byte in any file, or a file cut short, is refused by name. */
static void damage_is_named(void **state)
{
	static const char *const name[] = { "docs.bin",	      "text.bin",      "pairs.bin",
					    "base.ids",	      "candidate.ids", "base.ends",
					    "candidate.ends", "base.kinds",    "candidate.kinds" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(name) / sizeof(*name); i++) {
		struct folder f;
		struct artifact a;
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct corpus *c;

		folder_make(&f);
		a = corpus_make(&f);
		if (i % 2)
			folder_flip(artifact_path(&mem, &a, name[i / 2]), 3);
		else
			folder_cut(artifact_path(&mem, &a, name[i / 2]), 3);
		assert_int_equal(corpus_open(&c, &a, &e), -1);
		if (strstr(e.msg, name[i / 2]) == NULL)
			fail_msg("%s: \"%s\" does not name it", name[i / 2], e.msg);
		arena_release(&mem);
		folder_remove(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_come_back),
		cmocka_unit_test(shards_tile),
		cmocka_unit_test(damage_is_named),
	};

	return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
