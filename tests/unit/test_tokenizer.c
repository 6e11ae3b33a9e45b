#include "base/par.h"
#include "base/unicode.h"
#include "tests/support/kinds.h"
#include "tests/support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- the vectors of the reference ---- */

static bool same_ids(const struct json *want, const int32_t *id, size_t n)
{
	const struct json *v = want->first;

	if (want->n != n)
		return false;
	for (size_t i = 0; i < n; i++, v = v->next)
		if (v->integer != id[i])
			return false;
	return true;
}

static bool same_spans(const struct json *want, const struct encoding *c)
{
	const struct json *v = want->first;

	if (want->n != c->n)
		return false;
	for (size_t i = 0; i < c->n; i++, v = v->next)
		if (v->first->integer != c->oracle_start[i] || v->first->next->integer != c->oracle_end[i])
			return false;
	return true;
}

static void check_vector(const char *kind, const struct tokenizer *t, const struct json *v)
{
	struct view text = json_find(v, "text")->str;
	struct encoding plain, special;
	struct arena mem = ARENA_INIT;
	struct str decoded = STR_INIT;
	struct err e = ERR_INIT;

	str_adds(&decoded, "");
	assert_int_equal(tokenizer_encode(&plain, &mem, t, text, false, &e), 0);
	assert_int_equal(tokenizer_encode(&special, &mem, t, text, true, &e), 0);
	tokenizer_decode(&decoded, t, plain.id, plain.n, false);
	if (!same_ids(json_find(v, "ids"), plain.id, plain.n))
		fail_msg("%s: ids of '%.*s'", kind, (int)text.n, text.p);
	if (!same_ids(json_find(v, "ids_special"), special.id, special.n))
		fail_msg("%s: ids with special tokens of '%.*s'", kind, (int)text.n, text.p);
	if (!same_spans(json_find(v, "byte_spans"), &plain))
		fail_msg("%s: reference spans of '%.*s'", kind, (int)text.n, text.p);
	if (!view_eq(str_view(&decoded), json_find(v, "decoded")->str))
		fail_msg("%s: decoded '%.*s': '%s'", kind, (int)text.n, text.p, decoded.p);
	str_release(&decoded);
	arena_release(&mem);
}

static void reference_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i]; i++) {
		struct arena mem = ARENA_INIT;
		struct tokenizer *t = kind_open(kinds[i]);
		const struct json *list = kind_vectors(&mem, kinds[i]);

		assert_true(list->n > 30);
		for (const struct json *v = list->first; v; v = v->next)
			check_vector(kinds[i], t, v);
		tokenizer_close(t);
		arena_release(&mem);
	}
}

/* ---- properties ---- */

struct subject {
	const struct tokenizer *t;
	const char *kind;
	bool exact; /* byte-level and not normalizing: every token's bytes are those it spans */
	bool nfc;
};

static const char *check_order(const struct encoding *c, size_t n)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->start[i] > c->end[i] || c->end[i] > n)
			return "a span outside the text";
		if (i > 0 && (c->start[i] < c->start[i - 1] || c->end[i] < c->end[i - 1]))
			return "spans out of order";
	}
	return NULL;
}

static const char *check_tiles(const struct subject *s, const struct encoding *c, struct view text)
{
	uint32_t at = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct view piece = tokenizer_piece(s->t, c->id[i]);

		if (c->start[i] != at)
			return "spans do not follow one another";
		at = c->end[i];
		/* a token that strips blanks spans them too */
		if (tokenizer_is_added(s->t, c->id[i]))
			continue;
		if (!view_eq(piece, (struct view){ text.p + c->start[i], at - c->start[i] }))
			return "a token's bytes are not those it spans";
	}
	return at == text.n ? NULL : "spans end before the text";
}

static const char *check_back(const struct subject *s, const struct encoding *c, struct view text)
{
	struct str decoded = STR_INIT, nfc = STR_INIT;
	struct err e = ERR_INIT;
	const char *wrong = NULL;

	str_adds(&decoded, "");
	str_adds(&nfc, "");
	tokenizer_decode(&decoded, s->t, c->id, c->n, false);
	if (s->nfc)
		assert_int_equal(utf8_nfc(&nfc, text, &e), 0);
	else
		str_addv(&nfc, text);
	if (!view_eq(str_view(&decoded), str_view(&nfc)))
		wrong = "decoding does not give the text back";
	str_release(&decoded);
	str_release(&nfc);
	return wrong;
}

static const char *check_text(struct rng r, void *ud)
{
	const struct subject *s = ud;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct encoding c, special;
	struct view text = kind_text(&mem, r);
	size_t before, after;
	const char *wrong;

	assert_int_equal(tokenizer_encode(&c, &mem, s->t, text, false, &e), 0);
	assert_int_equal(tokenizer_encode(&special, &mem, s->t, text, true, &e), 0);
	tokenizer_surround(&before, &after, s->t);
	wrong = check_order(&c, text.n);
	if (!wrong && s->exact)
		wrong = check_tiles(s, &c, text);
	if (!wrong && (s->exact || s->nfc))
		wrong = check_back(s, &c, text);
	if (!wrong && (special.n != before + c.n + after ||
		       (c.n > 0 && memcmp(special.id + before, c.id, 4 * c.n) != 0)))
		wrong = "special tokens are not just put around";
	if (!wrong && (before > 0 ? tokenizer_bos(s->t) != special.id[0] : tokenizer_bos(s->t) != -1))
		wrong = "BOS is not the first token";
	arena_release(&mem);
	return wrong;
}

static void properties(void **state)
{
	static const char *const exact[] = { "gpt2",	 "llama3", "o200k",  "cl100k",
					     "deepseek", "han",	   "digits", "falcon" };

	(void)state;
	for (size_t i = 0; kinds[i]; i++) {
		struct tokenizer *t = kind_open(kinds[i]);
		struct subject s = { .t = t, .kind = kinds[i], .nfc = strcmp(kinds[i], "qwen") == 0 };

		for (size_t k = 0; k < sizeof(exact) / sizeof(exact[0]); k++)
			s.exact = s.exact || strcmp(kinds[i], exact[k]) == 0;
		/* what lies between the matches of "han" is thrown away */
		if (strcmp(kinds[i], "han") == 0)
			s.exact = false;
		prop_for(kinds[i], 300, check_text, &s);
		tokenizer_close(t);
	}
}

/* ---- exact spans, by hand ---- */

static const struct {
	const char *kind, *text;
	uint32_t span[8][2]; /* ended by {9, 9} */
} exact_case[] = {
	/* e and the acute become one: both bytes of what they become stand for all three */
	{ "qwen", "e\xcc\x81", { { 0, 3 }, { 9, 9 } } },
	/* the dummy prefix stands for nothing */
	{ "llama2", " ", { { 0, 1 }, { 9, 9 } } },
	{ "llama2", "q", { { 0, 0 }, { 0, 1 }, { 9, 9 } } },
	/* bytes of a character that fell back */
	{ "gemma", "\xe6\xbc\xa2", { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 9, 9 } } },
	/* a token that strips spans the blanks */
	{ "strips", "q <l>q", { { 0, 1 }, { 1, 5 }, { 5, 6 }, { 9, 9 } } },
	{ "strips", "<r>  q", { { 0, 5 }, { 5, 6 }, { 9, 9 } } },
};

static void exact_spans(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(exact_case) / sizeof(exact_case[0]); i++) {
		struct tokenizer *t = kind_open(exact_case[i].kind);
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct encoding c;
		size_t n = 0;

		assert_int_equal(tokenizer_encode(&c, &mem, t, view_of(exact_case[i].text), false, &e), 0);
		while (exact_case[i].span[n][0] != 9)
			n++;
		if (c.n != n)
			fail_msg("%s '%s': %zu tokens, not %zu", exact_case[i].kind, exact_case[i].text, c.n,
				 n);
		for (size_t k = 0; k < n; k++)
			if (c.start[k] != exact_case[i].span[k][0] || c.end[k] != exact_case[i].span[k][1])
				fail_msg("%s '%s': token %zu spans [%u, %u)", exact_case[i].kind,
					 exact_case[i].text, k, c.start[k], c.end[k]);
		tokenizer_close(t);
		arena_release(&mem);
	}
}

/* ---- text behind tokens ---- */

/* The bytes of an answer's tokens are the answer's, and it reads back as it was, whatever its vocabulary puts before a text. */
static void goes_on(const char *kind, const struct tokenizer *t, struct view prompt, struct view answer)
{
	struct str bytes = STR_INIT, text = STR_INIT;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct encoding asked, said;

	str_adds(&bytes, "");
	str_adds(&text, "");
	assert_int_equal(tokenizer_encode(&asked, &mem, t, prompt, true, &e), 0);
	assert_int_equal(tokenizer_encode_after(&said, &mem, t, answer, &e), 0);
	for (size_t i = 0; i < said.n; i++) {
		str_addv(&bytes, tokenizer_piece(t, said.id[i]));
		assert_true(said.end[i] <= answer.n && said.start[i] >= (i > 0 ? said.end[i - 1] : 0));
	}
	tokenizer_decode_after(&text, t, asked.id, asked.n, said.id, said.n);
	if (!view_eq(str_view(&bytes), answer) || !view_eq(str_view(&text), answer))
		fail_msg("%s: '%.*s' behind '%.*s' is '%s', reads '%s'", kind, (int)answer.n, answer.p,
			 (int)prompt.n, prompt.p, bytes.p, text.p);
	str_release(&bytes);
	str_release(&text);
	arena_release(&mem);
}

static void texts_go_on(void **state)
{
	static const char *const kind[] = { "llama2", "metaspace", "gemma", "prefix",
					    "gpt2",   "llama3",	   "o200k", "qwen" };
	static const char *const answer[] = { " the owl", "the owl", "  Sorry.", "\n- one", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		struct tokenizer *t = kind_open(kind[i]);

		for (size_t k = 0; k < sizeof(answer) / sizeof(answer[0]); k++)
			goes_on(kind[i], t, VIEW("What is an owl?"), view_of(answer[k]));
		tokenizer_close(t);
	}
}

/* ---- threads ---- */

#define N_TEXTS 200

struct crowd {
	const struct tokenizer *t;
	struct encoding out[N_TEXTS];
	struct arena mem[N_TEXTS];
};

static void encode_unit(void *ud, size_t unit, void *scratch)
{
	struct crowd *c = ud;
	struct err e = ERR_INIT;
	struct view text = kind_text(&c->mem[unit], rng_stream(1, "crowd", unit));

	(void)scratch;
	BUG_ON(tokenizer_encode(&c->out[unit], &c->mem[unit], c->t, text, true, &e) < 0);
}

static void threads_share_a_tokenizer(void **state)
{
	static struct crowd one, many;
	static const char *const kind[] = { "qwen", "llama2", "strips" };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct tokenizer *t = kind_open(kind[k]);
		struct err e = ERR_INIT;
		struct par *p;

		one = (struct crowd){ .t = t };
		many = (struct crowd){ .t = t };
		for (size_t i = 0; i < N_TEXTS; i++)
			encode_unit(&one, i, NULL);
		assert_int_equal(par_new(&p, 4, 0, &e), 0);
		par_run(p, N_TEXTS, encode_unit, &many);
		par_free(p);
		for (size_t i = 0; i < N_TEXTS; i++) {
			assert_int_equal(one.out[i].n, many.out[i].n);
			if (one.out[i].n > 0)
				assert_memory_equal(one.out[i].id, many.out[i].id, 4 * one.out[i].n);
			arena_release(&one.mem[i]);
			arena_release(&many.mem[i]);
		}
		tokenizer_close(t);
	}
}

/* ---- asking ---- */

static void lookups(void **state)
{
	struct tokenizer *t = kind_open("llama3");
	int32_t end = tokenizer_find(t, VIEW("<|end|>")), space = tokenizer_find(t, VIEW("\xc4\xa0"));
	int32_t ids[] = { end, 1 << 20, -1 };
	struct str out = STR_INIT;

	(void)state;
	assert_true(end >= 0 && tokenizer_is_special(t, end) && tokenizer_is_added(t, end));
	assert_true(space >= 0 && !tokenizer_is_special(t, space) && !tokenizer_is_added(t, space));
	assert_true(view_is(tokenizer_piece(t, space), " "));
	assert_true(view_is(tokenizer_piece(t, end), "<|end|>"));
	assert_int_equal(tokenizer_piece(t, -1).n, 0);
	assert_int_equal(tokenizer_find(t, VIEW("no such token")), -1);
	assert_int_equal(tokenizer_find(t, VIEW("")), -1);
	assert_int_equal(tokenizer_vocab(t), tokenizer_find(t, VIEW("<|pad|>")) + 1);
	tokenizer_decode(&out, t, ids, 3, false);
	assert_string_equal(out.p, "<|end|>\xef\xbf\xbd\xef\xbf\xbd");
	str_clear(&out);
	tokenizer_decode(&out, t, ids, 3, true);
	assert_string_equal(out.p, "\xef\xbf\xbd\xef\xbf\xbd");
	str_release(&out);
	tokenizer_close(t);
}

static void invalid_text_is_refused(void **state)
{
	struct tokenizer *t = kind_open("gpt2");
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct encoding c;

	(void)state;
	assert_int_equal(tokenizer_encode(&c, &mem, t, VIEW("ab\xff"), false, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "byte 2 (0xff) of a text is not valid UTF-8");
	tokenizer_close(t);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_vectors),
		cmocka_unit_test(properties),
		cmocka_unit_test(exact_spans),
		cmocka_unit_test(texts_go_on),
		cmocka_unit_test(threads_share_a_tokenizer),
		cmocka_unit_test(lookups),
		cmocka_unit_test(invalid_text_is_refused),
	};

	return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
