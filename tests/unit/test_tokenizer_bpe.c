#include "base/rng.h"
#include "model/bpe.h"
#include "tests/support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LETTERS "abcde"

/* ---- the reference: look for the best pair again and again ---- */

struct naive {
	int32_t *id;
	size_t n;
};

static void naive_encode(struct naive *w, struct arena *mem, const struct bpe *b, struct view word)
{
	w->id = ARENA_ARRAY(mem, word.n, int32_t);
	w->n = word.n;
	for (size_t i = 0; i < word.n; i++)
		w->id[i] = bpe_find(b, (struct view){ word.p + i, 1 });
	for (;;) {
		const struct bpe_pair *best = NULL;
		size_t at = 0;

		for (size_t i = 0; i + 1 < w->n; i++) {
			const struct bpe_pair *p = bpe_merge_of(b, w->id[i], w->id[i + 1]);

			if (p && (!best || p->rank < best->rank)) {
				best = p;
				at = i;
			}
		}
		if (!best)
			return;
		w->id[at] = best->id;
		memmove(w->id + at + 1, w->id + at + 2, (w->n - at - 2) * sizeof(*w->id));
		w->n--;
	}
}

/* A vocabulary of five letters and up to `most` random merges of what there is. */
static struct bpe *random_bpe(struct arena *mem, struct rng r, size_t most)
{
	const char *token[200], *text;
	struct str vocab = STR_INIT, merges = STR_INIT;
	struct err e = ERR_INIT;
	const struct json *model;
	struct bpe *b;
	size_t n = 5;

	for (size_t i = 0; i < 5; i++)
		token[i] = arena_strdup(mem, &LETTERS[i], 1);
	for (size_t k = 0; k < most; k++) {
		const char *left = token[rng_below(r, 1000 + 2 * k, n)];
		const char *right = token[rng_below(r, 1001 + 2 * k, n)];
		const char *both = arena_fmt(mem, "%s%s", left, right);
		size_t i = 0;

		if (strlen(both) > 12)
			continue;
		while (i < n && strcmp(token[i], both) != 0)
			i++;
		if (i == n)
			token[n++] = both;
		str_addf(&merges, "%s[\"%s\",\"%s\"]", merges.n ? "," : "", left, right);
	}
	for (size_t i = 0; i < n; i++)
		str_addf(&vocab, "%s\"%s\":%zu", i ? "," : "", token[i], i);
	text = arena_fmt(mem, "{\"vocab\":{%s},\"merges\":[%s]}", vocab.p, merges.n ? merges.p : "");
	assert_int_equal(json_read(&model, mem, view_of(text), "model", &e), 0);
	assert_int_equal(bpe_open(&b, model, &e), 0);
	assert_int_equal(bpe_ready(b, false, &e), 0);
	str_release(&vocab);
	str_release(&merges);
	return b;
}

static const char *check_word(struct rng r, void *ud)
{
	struct arena mem = ARENA_INIT;
	struct bpe *b = random_bpe(&mem, r, 10 + rng_below(r, 0, 150));
	struct bpe_work w = { .n = 0 };
	size_t n = 1 + rng_below(r, 1, 90);
	char *word = arena_alloc(&mem, n, 1);
	const char *wrong = NULL;
	struct naive want;
	uint32_t at = 0;

	(void)ud;
	for (size_t i = 0; i < n; i++)
		word[i] = LETTERS[rng_below(r, 2 + i, 1 + rng_below(r, 500, 5))];
	naive_encode(&want, &mem, b, (struct view){ word, n });
	bpe_encode(&w, b, (struct view){ word, n });
	if (w.n != want.n)
		wrong = "another number of tokens";
	for (size_t i = 0; i < w.n && !wrong; i++) {
		if (w.symbol[i].id != want.id[i])
			wrong = "another token";
		else if (w.symbol[i].start != at || w.symbol[i].length != w.symbol[i].end - at)
			wrong = "spans do not tile";
		else if (!view_eq(bpe_token(b, w.symbol[i].id),
				  (struct view){ word + at, w.symbol[i].end - at }))
			wrong = "a token is not what it spans";
		at = w.symbol[i].end;
	}
	bpe_work_release(&w);
	bpe_close(b);
	arena_release(&mem);
	return wrong;
}

static void equals_the_naive_way(void **state)
{
	(void)state;
	prop_for("bpe", 1500, check_word, NULL);
}

/* Work grows with the length, not with its square: each merge adds at most two candidates. */
static void long_words_take_linear_work(void **state)
{
	struct arena mem = ARENA_INIT;
	struct bpe *b = random_bpe(&mem, rng_stream(7, "long", 0), 150);
	struct bpe_work w = { .n = 0 };
	struct rng r = rng_stream(7, "letters", 0);
	size_t n = 300000;
	char *word = arena_alloc(&mem, n, 1);

	(void)state;
	for (size_t i = 0; i < n; i++)
		word[i] = LETTERS[rng_below(r, i, 5)];
	bpe_encode(&w, b, (struct view){ word, n });
	assert_true(w.n < n);
	assert_int_equal(w.merges, n - w.n);
	assert_true(w.pops <= 3 * n);
	/* a vocabulary in which everything merges with everything: no seam anywhere */
	memset(word, 'a', n);
	bpe_encode(&w, b, (struct view){ word, n });
	assert_true(w.pops <= 6 * n);
	bpe_work_release(&w);
	bpe_close(b);
	arena_release(&mem);
}

/* ---- characters that nothing stands for ---- */

static const struct {
	const char *name, *model, *word, *want;
} unknown_case[] = {
	{ "dropped", "{\"vocab\":{\"a\":0},\"merges\":[]}", "xaxx", "0[1,2) " },
	{ "unk", "{\"vocab\":{\"a\":0,\"?\":1},\"merges\":[],\"unk_token\":\"?\"}", "xaxx",
	  "1[0,1) 0[1,2) 1[2,3) 1[3,4) " },
	{ "fused", "{\"vocab\":{\"a\":0,\"?\":1},\"merges\":[],\"unk_token\":\"?\",\"fuse_unk\":true}",
	  "xa\xc3\xa9x", "1[0,1) 0[1,2) 1[2,5) " },
	{ "bytes", "{\"vocab\":{\"a\":0,\"<0xC3>\":1,\"<0xA9>\":2},\"merges\":[],\"byte_fallback\":true}",
	  "a\xc3\xa9", "0[0,1) 1[1,2) 2[2,3) " },
	{ "some bytes",
	  "{\"vocab\":{\"a\":0,\"<0xC3>\":1,\"?\":2},\"merges\":[],\"byte_fallback\":true,\"unk_token\":\"?\"}",
	  "a\xc3\xa9", "0[0,1) 2[1,3) " },
	{ "whole words", "{\"vocab\":{\"a\":0,\"b\":1,\"aba\":2},\"merges\":[],\"ignore_merges\":true}",
	  "aba", "2[0,3) " },
	{ "whole words, not", "{\"vocab\":{\"a\":0,\"b\":1,\"aba\":2},\"merges\":[]}", "aba",
	  "0[0,1) 1[1,2) 0[2,3) " },
	{ "a pair twice",
	  "{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"ba\":3},\"merges\":[\"a b\",\"b a\",\"a b\"]}", "aba",
	  "0[0,1) 3[1,3) " },
	{ "leftmost first", "{\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a a\"]}", "aaa", "1[0,2) 0[2,3) " },
};

static void unknown_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(unknown_case) / sizeof(unknown_case[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct str got = STR_INIT;
		struct bpe_work w = { .n = 0 };
		struct err e = ERR_INIT;
		const struct json *model;
		struct bpe *b;

		assert_int_equal(json_read(&model, &mem, view_of(unknown_case[i].model), "model", &e), 0);
		assert_int_equal(bpe_open(&b, model, &e), 0);
		assert_int_equal(bpe_ready(b, false, &e), 0);
		bpe_encode(&w, b, view_of(unknown_case[i].word));
		str_adds(&got, "");
		for (size_t k = 0; k < w.n; k++)
			str_addf(&got, "%d[%u,%u) ", (int)w.symbol[k].id, w.symbol[k].start, w.symbol[k].end);
		if (strcmp(got.p, unknown_case[i].want) != 0)
			fail_msg("%s: %s", unknown_case[i].name, got.p);
		bpe_work_release(&w);
		bpe_close(b);
		str_release(&got);
		arena_release(&mem);
	}
}

static void bytes_and_characters(void **state)
{
	bool seen[0x144] = { false };

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = bpe_byte_char((uint8_t)i);

		assert_true(c < 0x144 && !seen[c]);
		seen[c] = true;
		assert_int_equal(bpe_char_byte(c), i);
	}
	assert_int_equal(bpe_byte_char(' '), 0x120);
	assert_int_equal(bpe_byte_char('\n'), 0x10a);
	assert_int_equal(bpe_byte_char(0xad), 0x143);
	assert_int_equal(bpe_char_byte(' '), -1);
	assert_int_equal(bpe_char_byte(0x144), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_naive_way),
		cmocka_unit_test(long_words_take_linear_work),
		cmocka_unit_test(unknown_characters),
		cmocka_unit_test(bytes_and_characters),
	};

	return cmocka_run_group_tests_name("tokenizer_bpe", tests, NULL, NULL);
}
