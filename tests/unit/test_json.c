#include "base/json.h"
#include "tests/support/fault.h"
#include "tests/support/prop.h"
#include "tests/support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct json *read_ok(struct arena *mem, const char *text, size_t n)
{
	const struct json *v;
	struct err e = ERR_INIT;

	if (json_read(&v, mem, (struct view){ text, n }, "t.json", &e) < 0)
		fail_msg("%s: %u:%u: %s", text, e.line, e.col, e.msg);
	return v;
}

static void members_come_in_the_order_of_the_text(void **state)
{
	static const char text[] =
		"{\"z\": 1, \"a\": [true, false, null], \"\xc3\xa9\": \"\\u00e9\\u0000x\",\n"
		" \"m\": {\"q\": -2.5e1}, \"\": \"\"}";
	struct arena mem = ARENA_INIT;
	const struct json *v = read_ok(&mem, text, sizeof(text) - 1), *m;

	(void)state;
	assert_int_equal(v->kind, JSON_OBJECT);
	assert_int_equal(v->n, 5);
	m = v->first;
	assert_true(view_is(m->key, "z") && m->kind == JSON_INTEGER && m->integer == 1 && m->real == 1);
	m = m->next;
	assert_true(view_is(m->key, "a") && m->kind == JSON_ARRAY && m->n == 3);
	assert_int_equal(json_at(m, 0)->kind, JSON_TRUE);
	assert_int_equal(json_at(m, 1)->kind, JSON_FALSE);
	assert_int_equal(json_at(m, 2)->kind, JSON_NULL);
	assert_null(json_at(m, 3));
	m = m->next;
	assert_true(view_is(m->key, "\xc3\xa9"));
	assert_true(view_eq(m->str, (struct view){ "\xc3\xa9\0x", 4 }));
	m = json_find(json_find(v, "m"), "q");
	assert_true(m->kind == JSON_REAL && m->real == -25);
	assert_true(json_find(v, "")->kind == JSON_STRING);
	assert_null(json_find(v, "none"));
	assert_null(json_find(NULL, "x"));
	assert_null(json_find(m, "x"));
	assert_null(json_at(v, 0));
	assert_true(json_is_null(NULL));
	assert_true(json_is_null(json_at(json_find(v, "a"), 2)));
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		int64_t integer;
		double real;
	} cases[] = {
		{ "0", JSON_INTEGER, 0, 0 },
		{ "-9223372036854775808", JSON_INTEGER, INT64_MIN, -0x1p63 },
		{ "9223372036854775807", JSON_INTEGER, INT64_MAX, 0x1p63 },
		{ "9223372036854775808", JSON_REAL, 0, 0x1p63 },
		{ "18446744073709551615", JSON_REAL, 0, 0x1p64 },
		{ "1000000000000000019884624838656", JSON_REAL, 0, 1e30 },
		{ "-1000000000000000019884624838656", JSON_REAL, 0, -1e30 },
		{ "1.0", JSON_REAL, 0, 1 },
		{ "1e5", JSON_REAL, 0, 1e5 },
		{ "0.30000000000000004", JSON_REAL, 0, 0.1 + 0.2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		const struct json *v = read_ok(&mem, cases[i].text, strlen(cases[i].text));

		if (v->kind != cases[i].kind || v->integer != cases[i].integer || v->real != cases[i].real)
			fail_msg("%s", cases[i].text);
		arena_release(&mem);
	}
}

/* The big ones are known by their place: those before and after must not take theirs. */
static void big_integers_among_others(void **state)
{
	static const char text[] = "{\"9999999999999999999999\": \"9999999999999999999999\", \"a\": [0.0, "
				   "11111111111111111111, 0.0], \"b\":22222222222222222222}";
	struct arena mem = ARENA_INIT;
	const struct json *v = read_ok(&mem, text, sizeof(text) - 1), *a = json_find(v, "a");

	(void)state;
	assert_true(json_at(a, 0)->real == 0);
	assert_true(json_at(a, 1)->real == 11111111111111111111.0);
	assert_true(json_at(a, 2)->real == 0);
	assert_true(json_find(v, "b")->real == 22222222222222222222.0);
	assert_true(view_is(json_find(v, "9999999999999999999999")->str, "9999999999999999999999"));
	assert_int_equal(json_pos(json_find(v, "b")).col, 97);
	arena_release(&mem);
}

static void malformed_text_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		unsigned line, col;
		const char *want;
	} cases[] = {
		{ "", 1, 1, "the text ends in the middle of a value" },
		{ "   ", 1, 4, "the text ends in the middle of a value" },
		{ "{\"a\": 1,\n \"\xc3\xa9\": 2, \"a\": 3}", 2, 10,
		  "not valid JSON: duplicate object key near '\"a\"'" },
		{ "{\"a\": tru}", 1, 7, "not valid JSON: invalid token near 'tru'" },
		{ "[1, 2", 1, 6, "the text ends in the middle of a value" },
		{ "[1] 2", 1, 5, "not valid JSON: end of file expected near '2'" },
		{ "[1,]", 1, 4, "not valid JSON: unexpected token near ']'" },
		{ "[01]", 1, 2, "not valid JSON: invalid token near '0'" },
		{ "[NaN]", 1, 2, "not valid JSON: invalid token near 'NaN'" },
		{ "[1e999]", 1, 2, "not valid JSON: real number overflow near '1e999'" },
		{ "{\"a\" 1}", 1, 6, "not valid JSON: ':' expected near '1'" },
		{ "['a']", 1, 2, "not valid JSON: invalid token near '''" },
		{ "[\"\\ud800\"]", 1, 2, "not valid JSON: invalid Unicode '\\uD800' near '\"\\ud800\"'" },
		{ "[\"a\nb\"]", 1, 2, "not valid JSON: unexpected newline near '\"a'" },
		{ "\xef\xbb\xbf{}", 1, 1, "not valid JSON: invalid token near '\xef\xbb\xbf'" },
		{ "[\n\"ab\xff\"]", 2, 4, "byte 0xff is not valid UTF-8" },
		{ "[\"\xed\xa0\x80\"]", 1, 3, "byte 0xed is not valid UTF-8" },
		{ "\"abc", 1, 5, "the text ends in the middle of a value" },
		{ "\"abc\\", 1, 1, "not valid JSON: invalid escape near '\"abc\\'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		const struct json *v;

		assert_int_equal(json_read(&v, &mem, view_of(cases[i].text), "t.json", &e), -1);
		if (strcmp(e.msg, cases[i].want) != 0 || e.line != cases[i].line || e.col != cases[i].col ||
		    e.code != ERR_INPUT || strcmp(e.file, "t.json") != 0 || v)
			fail_msg("case %zu: %u:%u: %s", i, e.line, e.col, e.msg);
		arena_release(&mem);
		assert_int_equal(mem_live(), 0);
	}
}

static void deep_text_is_refused_before_anything_recurses(void **state)
{
	size_t n = 3000000, depth;
	struct err e = ERR_INIT;
	const struct json *v;
	char *text = mem_alloc(n, 1);

	(void)state;
	for (depth = 127; depth <= 130; depth++) {
		struct arena mem = ARENA_INIT;
		size_t i;

		for (i = 0; i < depth; i++) {
			text[i] = '[';
			text[depth + i] = ']';
		}
		assert_int_equal(json_read(&v, &mem, (struct view){ text, 2 * depth }, "d", &e),
				 depth <= 128 ? 0 : -1);
		arena_release(&mem);
	}
	assert_string_equal(e.msg, "nested deeper than 128 levels");
	assert_int_equal(e.col, 129);
	memset(text, '[', n);
	struct arena mem = ARENA_INIT;
	assert_int_equal(json_read(&v, &mem, (struct view){ text, n }, "d", &e), -1);
	for (size_t i = 0; i + 5 <= n; i += 5)
		memcpy(text + i, "{\"a\":", 5);
	assert_int_equal(json_read(&v, &mem, (struct view){ text, n }, "d", &e), -1);
	assert_string_equal(e.msg, "nested deeper than 128 levels");
	arena_release(&mem);
	mem_free(text);
}

static void places_are_counted_in_characters(void **state)
{
	static const char text[] =
		"{\"\xc3\xa9\xe5\x9f\xba\": 1,\n\t\"b\": [ 2, \"x,y:[\\\"{\" , {\"c\" : 3}]\n}";
	struct arena mem = ARENA_INIT;
	const struct json *v = read_ok(&mem, text, sizeof(text) - 1), *b = json_find(v, "b");
	const struct {
		const struct json *v;
		unsigned line, col;
	} cases[] = {
		{ v, 1, 1 },
		{ v->first, 1, 8 },
		{ b, 2, 7 },
		{ json_at(b, 0), 2, 9 },
		{ json_at(b, 1), 2, 12 },
		{ json_at(b, 2), 2, 25 },
		{ json_at(b, 2)->first, 2, 32 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pos at = json_pos(cases[i].v);

		if (at.line != cases[i].line || at.col != cases[i].col)
			fail_msg("case %zu: %u:%u", i, at.line, at.col);
		assert_string_equal(at.file, "t.json");
	}
	arena_release(&mem);
}

static void lookups_say_what_is_there_and_what_would_be_right(void **state)
{
	static const char text[] =
		"{\"s\": \"x\", \"i\": -3, \"r\": 0.5, \"b\": true, \"n\": null, \"a\": []}";
	struct arena mem = ARENA_INIT;
	const struct json *v = read_ok(&mem, text, sizeof(text) - 1), *m;
	struct err e = ERR_INIT;
	struct view s;
	double real;
	size_t size;
	bool yes;

	(void)state;
	assert_true(json_str(&s, v, "s", &e) == 0 && view_is(s, "x"));
	assert_true(json_real(&real, v, "r", &e) == 0 && real == 0.5);
	assert_true(json_real(&real, v, "i", &e) == 0 && real == -3);
	assert_true(json_bool(&yes, v, "b", &e) == 0 && yes);
	assert_true(json_member(&m, v, "a", JSON_ARRAY, &e) == 0 && m->n == 0);
	assert_int_equal(json_size(&size, v, "i", &e), -1);
	assert_string_equal(e.msg, "\"i\" is -3; it has to be an integer, 0 or more");
	assert_int_equal(e.col, 17);
	assert_int_equal(json_size(&size, v, "r", &e), -1);
	assert_string_equal(e.msg, "\"r\" is 0.5; it has to be an integer, 0 or more");
	assert_int_equal(json_str(&s, v, "b", &e), -1);
	assert_string_equal(e.msg, "\"b\" is true; it has to be a string");
	assert_int_equal(json_bool(&yes, v, "s", &e), -1);
	assert_string_equal(e.msg, "\"s\" is the string \"x\"; it has to be true or false");
	assert_int_equal(json_real(&real, v, "n", &e), -1);
	assert_string_equal(e.msg, "\"n\" is null; it has to be a number");
	assert_int_equal(json_str(&s, v, "none", &e), -1);
	assert_string_equal(e.msg, "\"none\" is missing; it has to be a string");
	assert_string_equal(e.file, "t.json");
	assert_int_equal(json_str(&s, json_find(v, "a"), "k", &e), -1);
	assert_string_equal(e.msg, "an array stands here; it has to be an object with \"k\"");
	assert_int_equal(json_str(&s, NULL, "k", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	arena_release(&mem);
}

static void members_that_may_be_missing(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *v;

	(void)state;
	assert_int_equal(
		json_read(&v, &mem, VIEW("{\"yes\":true,\"no\":false,\"one\":1,\"s\":\"text\"}"), "j", &e),
		0);
	assert_true(json_is_true(v, "yes"));
	assert_false(json_is_true(v, "no") || json_is_true(v, "one") || json_is_true(v, "none") ||
		     json_is_true(NULL, "yes"));
	assert_string_equal(json_text(&mem, v, "s", "other"), "text");
	assert_string_equal(json_text(&mem, v, "one", "other"), "other");
	assert_null(json_text(&mem, v, "none", NULL));
	arena_release(&mem);
}

static void files_are_read_up_to_the_limit(void **state)
{
	const char *dir = scratch_new("json");
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *v;
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/a.json", dir);
	scratch_text(path, "{\"a\": 1}");
	assert_int_equal(json_read_file(&v, &mem, path, 8, &e), 0);
	assert_int_equal(json_read_file(&v, &mem, path, 7, &e), -1);
	assert_non_null(strstr(e.msg, "has 8 bytes"));
	assert_int_equal(json_read_file(&v, &mem, "no/such", 7, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

static void written_form(void **state)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);

	(void)state;
	json_open(&j, NULL, '{');
	json_puts(&j, "s", "a\"b\\c\n\t\001\x7f/\xc3\xa9");
	json_put_str(&j, "bad", (struct view){ "x\xff\xe5\x9fy\0z", 7 });
	json_puts(&j, "none", NULL);
	json_put_real(&j, "r", 0.1);
	json_put_real(&j, "minus zero", -0.0);
	json_put_size(&j, "n", UINT64_MAX);
	json_put_int(&j, "i", INT64_MIN);
	json_open(&j, "e", '[');
	json_close(&j, ']');
	json_open(&j, "l", '[');
	json_put_bool(&j, NULL, true);
	json_put_null(&j, NULL);
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_close(&j, ']');
	json_close(&j, '}');
	assert_string_equal(s.p, "{\n"
				 "  \"s\": \"a\\\"b\\\\c\\n\\t\\u0001\\u007f/\xc3\xa9\",\n"
				 "  \"bad\": \"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy\\u0000z\",\n"
				 "  \"none\": null,\n"
				 "  \"r\": 0.1,\n"
				 "  \"minus zero\": -0.0,\n"
				 "  \"n\": 18446744073709551615,\n"
				 "  \"i\": -9223372036854775808,\n"
				 "  \"e\": [],\n"
				 "  \"l\": [\n"
				 "    true,\n"
				 "    null,\n"
				 "    {}\n"
				 "  ]\n"
				 "}\n");
	str_release(&s);
}

static void one_text_for_every_sink(void **state)
{
	static const char text[] = "{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null}}";
	struct arena mem = ARENA_INIT;
	const struct json *v = read_ok(&mem, text, sizeof(text) - 1);
	const char *dir = scratch_new("json");
	struct str s = STR_INIT;
	struct json_out j = { .str = &s, .compact = true };
	struct err e = ERR_INIT;
	struct digest d;
	struct sha256 h;
	struct out *o;
	char path[300];

	(void)state;
	json_put(&j, NULL, v);
	assert_string_equal(s.p, text);
	sha256_init(&h);
	j = (struct json_out)JSON_TO_HASH(&h);
	json_put(&j, NULL, v);
	assert_true(digest_eq(sha256_end(&h), digest_of(text, sizeof(text) - 1)));
	str_clear(&s);
	j = (struct json_out)JSON_TO_STR(&s);
	json_put(&j, NULL, v);
	snprintf(path, sizeof(path), "%s/o.json", dir);
	assert_int_equal(out_open(&o, path, &e), 0);
	j = (struct json_out)JSON_TO_OUT(o);
	json_put(&j, NULL, v);
	assert_int_equal(out_commit(o, &d, &e), 0);
	assert_true(digest_eq(d, digest_of(s.p, s.n)));
	str_release(&s);
	arena_release(&mem);
}

/* A tree drawn at random, as text with odd spacing and escapes. */
static void draw(struct str *s, struct rng r, uint64_t *i, unsigned depth)
{
	static const char *const scalar[] = {
		"null",
		"true",
		"false",
		"0",
		"-0.0",
		"-17",
		"1e-7",
		"123456789012345678901234567890",
		"2.50",
		"\"\"",
		"\"\\u00e9\\\\ \\ud83d\\ude00\"",
		"\"a\xe5\x9f\xba\\n\\u0000\"",
		"9007199254740993",
		"0.1",
	};
	uint64_t n, k;

	if (depth == 0 || rng_below(r, (*i)++, 3) == 0) {
		str_adds(s, scalar[rng_below(r, (*i)++, sizeof(scalar) / sizeof(scalar[0]))]);
		return;
	}
	n = rng_below(r, (*i)++, 5);
	if (rng_below(r, (*i)++, 2)) {
		str_adds(s, "{ ");
		for (k = 0; k < n; k++) {
			str_addf(s, "%s\"k%llu\" :\t", k ? "," : "", (unsigned long long)(k * 7 % 5));
			draw(s, r, i, depth - 1);
		}
		str_adds(s, "\n}");
	} else {
		str_adds(s, "[");
		for (k = 0; k < n; k++) {
			str_adds(s, k ? " , " : "");
			draw(s, r, i, depth - 1);
		}
		str_adds(s, "]");
	}
}

static const char *canonical_is_a_fixed_point(struct rng r, void *ud)
{
	struct str text = STR_INIT, once = STR_INIT, twice = STR_INIT;
	struct json_out j1 = JSON_TO_STR(&once), j2 = JSON_TO_STR(&twice);
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const char *wrong = NULL;
	const struct json *v;
	uint64_t i = 0;

	(void)ud;
	draw(&text, r, &i, 5);
	if (json_read(&v, &mem, str_view(&text), "t", &e) < 0) {
		wrong = "what was drawn cannot be read";
	} else {
		json_put(&j1, NULL, v);
		if (json_read(&v, &mem, str_view(&once), "t", &e) < 0) {
			wrong = "what was written cannot be read";
		} else {
			json_put(&j2, NULL, v);
			if (!view_eq(str_view(&once), str_view(&twice)))
				wrong = "written again it differs";
		}
	}
	arena_release(&mem);
	str_release(&text);
	str_release(&once);
	str_release(&twice);
	return wrong;
}

static void canonical_form(void **state)
{
	(void)state;
	prop_for("json", 2000, canonical_is_a_fixed_point, NULL);
}

/* Any bytes at all: an answer, no crash, and a place inside the text. */
static const char *any_bytes(struct rng r, void *ud)
{
	static const char alphabet[] = "{}[],:\"\\u0d8ftrueflsn123.e-+ \n\t\xc3\xa9\xff";
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *v;
	const char *wrong = NULL;
	char text[40];
	size_t n = rng_below(r, 0, sizeof(text) + 1), i;

	(void)ud;
	for (i = 0; i < n; i++)
		text[i] = alphabet[rng_below(r, i + 1, sizeof(alphabet) - 1)];
	if (json_read(&v, &mem, (struct view){ text, n }, "t", &e) < 0 &&
	    (e.code != ERR_INPUT || e.line == 0 || e.col > n + 1))
		wrong = "refused at an impossible place";
	arena_release(&mem);
	return mem_live() ? "memory leaked" : wrong;
}

static void hostile_bytes(void **state)
{
	(void)state;
	prop_for("json bytes", 20000, any_bytes, NULL);
}

static int read_some(void *ud, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const struct json *v;
	int status;

	(void)ud;
	status = json_read(&v, &mem, VIEW("{\"a\": [1, 99999999999999999999, \"x\"]}"), "t", e);
	arena_release(&mem);
	return status;
}

static void memory_faults(void **state)
{
	(void)state;
	assert_true(sweep_memory(read_some, NULL, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_in_the_order_of_the_text),
		cmocka_unit_test(numbers),
		cmocka_unit_test(big_integers_among_others),
		cmocka_unit_test(malformed_text_is_refused_with_its_place),
		cmocka_unit_test(deep_text_is_refused_before_anything_recurses),
		cmocka_unit_test(places_are_counted_in_characters),
		cmocka_unit_test(lookups_say_what_is_there_and_what_would_be_right),
		cmocka_unit_test(members_that_may_be_missing),
		cmocka_unit_test(files_are_read_up_to_the_limit),
		cmocka_unit_test(written_form),
		cmocka_unit_test(one_text_for_every_sink),
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(memory_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
