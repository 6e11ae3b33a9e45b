#include "model/pretoken.h"
#include "model/unicode_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Cuts `text` by a pre-tokenizer given as JSON; the pieces joined by '|', or the error. */
static void cut(struct str *out, const char *pre, struct view text)
{
	struct passage p = { .at = NULL };
	struct arena mem = ARENA_INIT;
	struct pretoken_work work;
	struct err e = ERR_INIT;
	const struct json *v;
	struct pretoken t;

	str_clear(out);
	str_adds(out, "");
	assert_int_equal(json_read(&v, &mem, view_of(pre), "test", &e), 0);
	if (pretoken_read(&t, &mem, v, &e) < 0) {
		str_adds(out, e.msg);
	} else {
		passage_begin(&p, text);
		pretoken_work_init(&work, &mem, &t);
		if (pretoken_apply(&t, &work, &p, false, &e) < 0)
			str_adds(out, e.msg);
		for (size_t i = 0; i < p.n && e.code == ERR_NONE; i++) {
			if (i > 0)
				str_addc(out, '|');
			str_addv(out, passage_view(&p, &p.piece[i]));
		}
		pretoken_work_release(&work);
	}
	pretoken_release(&t);
	passage_release(&p);
	arena_release(&mem);
}

static const char *split(struct arena *mem, const char *regex, const char *behavior, bool invert)
{
	struct str s = STR_INIT;
	struct json_out j = { .str = &s, .compact = true };
	const char *text;

	json_open(&j, NULL, '{');
	json_puts(&j, "type", "Split");
	json_open(&j, "pattern", '{');
	json_puts(&j, "Regex", regex);
	json_close(&j, '}');
	json_puts(&j, "behavior", behavior);
	json_put_bool(&j, "invert", invert);
	json_close(&j, '}');
	text = arena_strdup(mem, s.p, s.n);
	str_release(&s);
	return text;
}

/* What Oniguruma does in Hugging Face tokenizers 0.22.2, asked there; behavior Isolated. */
static const struct {
	const char *pattern, *text, *pieces;
} pattern_case[] = {
	{ "a{2}?", "aaaaa", "aa|aa|a" },
	{ "a{1,2}+", "aaaaa", "aaaaa" },
	{ "a{2}+", "aaaaa", "aaaa|a" },
	{ "a{,2}", "aaaaa", "aa|aa|a" },
	{ "a{1,2}?", "aaa", "a|a|a" },
	{ "a{", "a{b", "a{|b" },
	{ "a{,}", "a{,}", "a{,}" },
	{ "a**", "aaa", "aaa" },
	{ "a+?+", "aaa", "aaa" },
	{ "^b", "ab\nb\n", "ab\n|b|\n" },
	{ "b$", "ab\nab", "a|b|\na|b" },
	{ "\\Z", "ab\n", "ab|\n" },
	{ ".", "a\nb\r", "a|\n|b|\r" },
	{ "(?m:.)", "a\nb", "a|\n|b" },
	{ "[a-]", "a-b", "a|-|b" },
	{ "[a-c&&b-d]", "abcd", "a|b|c|d" },
	{ "[^a-c&&b-d]+", "abcde", "a|bc|de" },
	{ "[a[^b]]", "ab", "a|b" },
	{ "[a-z&&[^aeiou]&&[^x-z]]+", "abcxyz", "a|bc|xyz" },
	{ "\\h+", "g1fF", "g|1fF" },
	{ "(?i:k)", "\xe2\x84\xaaks", "\xe2\x84\xaa|k|s" },
	{ "(?i:'s)", "a'\xc5\xbf'S", "a|'\xc5\xbf|'S" },
	{ "(?i:[^a])+", "aAb", "aA|b" },
	{ "(?i)ab|Cd", "ABcD", "AB|cD" },
	{ "\\u00e9", "a\xc3\xa9", "a|\xc3\xa9" },
	{ "(?>a+)b", "aab", "aab" },
	{ "(?<=a|bc)d", "adbcd", "a|d|bc|d" },
	{ "(?#x)a", "xa", "x|a" },
	{ "\\w+", "a\xc2\xb2-", "a\xc2\xb2|-" },
	{ "[\\w]+", "a\xc2\xb2-", "a|\xc2\xb2-" },
	{ "\\b", "ab cd", "ab| |cd" },
	{ "\\p{Punct}+", "$!$", "$|!|$" },
	{ "[[:punct:]]+", "a$!$", "a|$!$" },
	{ "\\p{^L}+", "a1b", "a|1|b" },
	{ "\\p{Uppercase_Letter}", "Aa", "A|a" },
	{ "\\p{Han}+", "a\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8b", "a|\xe6\xbc\xa2\xe5\xad\x97|\xe3\x81\x8b" },
	/* U+0085 is a blank; U+FEFF, U+200B and U+001C are none */
	{ "\\s+",
	  "a\xc2\x85"
	  "b\xef\xbb\xbf\xe2\x80\x8b\x1c",
	  "a|\xc2\x85|b\xef\xbb\xbf\xe2\x80\x8b\x1c" },
	/* letters of Unicode 16.0 (U+10D4A, U+1C89), a digit of 15.0 (U+11F50) */
	{ "\\p{L}+", "-\xf0\x90\xb5\x8a\xe1\xb2\x89-", "-|\xf0\x90\xb5\x8a\xe1\xb2\x89|-" },
	{ "\\p{N}", "-\xf0\x91\xbd\x90", "-|\xf0\x91\xbd\x90" },
	{ "", "ab", "a|b" },
	{ "[^\\s\\S]", "ab", "ab" },
	{ "(?:(?:a|b)*)*c", "abab", "abab" },
	{ "(?=(\\d{3})+(?!\\d))", "1234567", "1|234|567" },
};

static void patterns(void **state)
{
	struct str got = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(pattern_case) / sizeof(pattern_case[0]); i++) {
		struct arena mem = ARENA_INIT;

		cut(&got, split(&mem, pattern_case[i].pattern, "Isolated", false),
		    view_of(pattern_case[i].text));
		if (strcmp(got.p, pattern_case[i].pieces) != 0)
			fail_msg("%s on '%s': '%s'", pattern_case[i].pattern, pattern_case[i].text, got.p);
		arena_release(&mem);
	}
	str_release(&got);
}

static const struct {
	const char *behavior, *plain, *inverted;
} behavior_case[] = {
	{ "Removed", "the|final|countdown", "-|--" },
	{ "Isolated", "the|-|final|-|-|countdown", "the|-|final|-|-|countdown" },
	{ "MergedWithPrevious", "the-|final-|-|countdown", "the|-final|-|-countdown" },
	{ "MergedWithNext", "the|-final|-|-countdown", "the-|final-|-|countdown" },
	{ "Contiguous", "the|-|final|--|countdown", "the|-|final|--|countdown" },
};

static void behaviors(void **state)
{
	struct str got = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(behavior_case) / sizeof(behavior_case[0]); i++) {
		struct arena mem = ARENA_INIT;
		const char *name = behavior_case[i].behavior;

		cut(&got, split(&mem, "-", name, false), VIEW("the-final--countdown"));
		if (strcmp(got.p, behavior_case[i].plain) != 0)
			fail_msg("%s: '%s'", name, got.p);
		cut(&got, split(&mem, "-", name, true), VIEW("the-final--countdown"));
		if (strcmp(name, "Removed") == 0)
			assert_string_equal(got.p, "-|-|-");
		else if (strcmp(got.p, behavior_case[i].inverted) != 0)
			fail_msg("%s, inverted: '%s'", name, got.p);
		arena_release(&mem);
	}
	str_release(&got);
}

/* Each is refused by a message that holds the second text. */
static const struct {
	const char *pattern, *message;
} refused_case[] = {
	{ "(", "a ( without ), at byte 2" },
	{ "a)", "a ) without (, at byte 2" },
	{ "[a", "a [ without ], at byte 1" },
	{ "[]a]", "begins with ]" },
	{ "*a", "nothing to repeat, at byte 1" },
	{ "^*", "nothing to repeat" },
	{ "(?=a)+", "nothing to repeat" },
	{ "a|*", "nothing to repeat" },
	{ "a{3,1}", "a repeat {3,1}" },
	{ "a{70000}", "a repeat of more than 65535" },
	{ "\\p{Klingon}", "no class of characters known here is named 'Klingon'" },
	{ "\\p{L", "does not end" },
	{ "(a)\\1", "\\1 is not supported" },
	{ "\\X", "\\X is not supported" },
	{ "\\G", "\\G is not supported" },
	{ "\\", "a \\ ends it" },
	{ "\\xff", "\\xff is a byte" },
	{ "\\x{110000}", "no code point" },
	{ "(?<n>a)", "a group (?< is not supported" },
	{ "(?x: a )", "a group (?x is not supported" },
	{ "a(?i)b", "options that begin amid a group" },
	{ "(?i:\xc3\xa9)", "U+00E9" },
	{ "(?i:\\p{Lu})", "letters beyond ASCII" },
	{ "(?i:st)", "a ligature" },
	{ "[z-a]", "does not follow its begin" },
	{ "[\\d-z]", "a range that begins with a class" },
	{ "(?<=a+)b", "lookbehind" },
};

static void refusals(void **state)
{
	struct str got = STR_INIT, deep = STR_INIT;
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(refused_case) / sizeof(refused_case[0]); i++) {
		cut(&got, split(&mem, refused_case[i].pattern, "Isolated", false), VIEW("a"));
		if (!strstr(got.p, refused_case[i].message) || !strstr(got.p, "pattern '"))
			fail_msg("%s: '%s'", refused_case[i].pattern, got.p);
	}
	for (size_t i = 0; i < 5000; i++)
		str_addc(&deep, '(');
	cut(&got, split(&mem, deep.p, "Isolated", false), VIEW("a"));
	assert_non_null(strstr(got.p, "groups nested deeper than 60"));
	str_clear(&deep);
	for (size_t i = 0; i < 300; i++)
		str_addf(&deep, "\\x{%zx}|", 0x4e00 + 2 * i);
	cut(&got, split(&mem, deep.p, "Isolated", false), VIEW("a"));
	assert_non_null(strstr(got.p, "more than 256 kinds of characters"));
	arena_release(&mem);
	str_release(&got);
	str_release(&deep);
}

/* None of these may hang: each ends, with pieces or with a word about steps. */
static void hostile_patterns_end(void **state)
{
	static const char *const hostile[] = {
		"(a+)+(b|c)", "(a|aa)+(b|c)", "(a*)*(b|c)", "a*a*a*a*(b|c)", "[^x]*x|.", "(?=(a+)+(b|c))a",
	};
	struct str got = STR_INIT, text = STR_INIT;
	struct arena mem = ARENA_INIT;
	size_t stopped = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		str_addc(&text, 'a');
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		cut(&got, split(&mem, hostile[i], "Isolated", false), str_view(&text));
		stopped += strstr(got.p, "too many steps") != NULL;
	}
	assert_true(stopped >= 3);
	arena_release(&mem);
	str_release(&got);
	str_release(&text);
}

/* ---- sets ---- */

static void sets(void **state)
{
	struct cp_set a = CP_SET_INIT, b = CP_SET_INIT, c, d;
	struct arena mem = ARENA_INIT;

	(void)state;
	cp_set_add(&a, &mem, 10, 20);
	cp_set_add(&a, &mem, 0, 3);
	cp_set_add(&a, &mem, 21, 30);
	cp_set_add(&a, &mem, 15, 16);
	cp_set_close(&a);
	assert_int_equal(a.n, 2);
	assert_true(cp_set_has(&a, 0) && cp_set_has(&a, 30) && !cp_set_has(&a, 4) && !cp_set_has(&a, 31));
	cp_set_invert(&b, &mem, &a);
	cp_set_meet(&c, &mem, &a, &b);
	assert_int_equal(c.n, 0);
	cp_set_invert(&c, &mem, &b);
	assert_true(cp_set_eq(&a, &c));
	/* the categories part the code points: each is in exactly one of C L M N P S Z */
	for (const char *one = "CLMNPSZ"; *one; one++) {
		for (const char *two = one + 1; *two; two++) {
			assert_true(unicode_class(&a, &mem, (struct view){ one, 1 }));
			assert_true(unicode_class(&b, &mem, (struct view){ two, 1 }));
			cp_set_meet(&c, &mem, &a, &b);
			assert_int_equal(c.n, 0);
		}
	}
	d = (struct cp_set)CP_SET_INIT;
	for (const char *one = "CLMNPSZ"; *one; one++) {
		assert_true(unicode_class(&a, &mem, (struct view){ one, 1 }));
		cp_set_join(&d, &mem, &a);
	}
	cp_set_close(&d);
	assert_true(d.n == 1 && d.range[0].first == 0 && d.range[0].last == CP_MAX);
	assert_false(unicode_class(&a, &mem, VIEW("")));
	assert_false(unicode_class(&a, &mem, VIEW("a name that is longer than any other name")));
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(behaviors),
		cmocka_unit_test(refusals), cmocka_unit_test(hostile_patterns_end),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests_name("tokenizer_pattern", tests, NULL, NULL);
}
