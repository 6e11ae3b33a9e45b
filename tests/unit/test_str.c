#include "base/str.h"
#include "tests/support/prop.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void strings_grow_and_end_in_nul(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	assert_int_equal(str_view(&s).n, 0);
	assert_non_null(str_view(&s).p);
	str_add(&s, NULL, 0);
	assert_string_equal(s.p, "");
	str_adds(&s, "ab");
	str_addc(&s, 'c');
	str_addv(&s, VIEW("de"));
	str_addf(&s, "%d%s", 7, "z");
	assert_string_equal(s.p, "abcde7z");
	assert_int_equal(s.n, 7);
	str_clear(&s);
	assert_string_equal(s.p, "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%03d ", i);
	assert_int_equal(s.n, 4000);
	assert_memory_equal(s.p + 3996, "999 ", 5);
	str_release(&s);
	assert_int_equal(mem_live(), 0);
}

static void views_compare_by_bytes(void **state)
{
	(void)state;
	assert_true(view_is(VIEW("abc"), "abc"));
	assert_false(view_is(VIEW("abc"), "ab"));
	assert_false(view_is(VIEW("ab"), "abc"));
	assert_true(view_eq((struct view){ NULL, 0 }, VIEW("")));
	assert_true(view_cmp(VIEW("a"), VIEW("b")) < 0);
	assert_true(view_cmp(VIEW("a"), VIEW("ab")) < 0);
	assert_true(view_cmp(VIEW("\xff"), VIEW("a")) > 0);
	assert_int_equal(view_cmp(VIEW("x"), VIEW("x")), 0);
	assert_true(view_starts(VIEW("abc"), "ab"));
	assert_true(view_starts(VIEW("abc"), ""));
	assert_false(view_starts(VIEW("a"), "ab"));
	assert_true(view_ends(VIEW("abc"), "bc"));
	assert_false(view_ends(VIEW("c"), "bc"));
}

static void whole_numbers(void **state)
{
	static const struct {
		const char *in;
		bool is_u64, is_i64;
		uint64_t u;
		int64_t i;
	} cases[] = {
		{ "0", true, true, 0, 0 },
		{ "00012", true, true, 12, 12 },
		{ "18446744073709551615", true, false, UINT64_MAX, 0 },
		{ "18446744073709551616", false, false, 0, 0 },
		{ "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
		{ "-9223372036854775808", false, true, 0, INT64_MIN },
		{ "-9223372036854775809", false, false, 0, 0 },
		{ "-0", false, true, 0, 0 },
		{ "", false, false, 0, 0 },
		{ "-", false, false, 0, 0 },
		{ "+1", false, false, 0, 0 },
		{ " 1", false, false, 0, 0 },
		{ "1 ", false, false, 0, 0 },
		{ "1e3", false, false, 0, 0 },
		{ "0x10", false, false, 0, 0 },
		{ "--1", false, false, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t u = 0;
		int64_t n = 0;

		if (view_u64(&u, view_of(cases[i].in)) != cases[i].is_u64 || u != cases[i].u)
			fail_msg("view_u64 of \"%s\"", cases[i].in);
		if (view_i64(&n, view_of(cases[i].in)) != cases[i].is_i64 || n != cases[i].i)
			fail_msg("view_i64 of \"%s\"", cases[i].in);
	}
}

static void real_numbers(void **state)
{
	static const struct {
		const char *in;
		bool ok;
		double want;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0.0", true, -0.0 },
		{ "1.5", true, 1.5 },
		{ "-3e-4", true, -3e-4 },
		{ "1E+2", true, 100 },
		{ "1e400", false, 0 },
		{ "1e-400", true, 0 },
		{ "5e-324", true, 5e-324 },
		{ "0.1", true, 0.1 },
		{ "123456789012345678901234567890", true, 123456789012345678901234567890.0 },
		{ "", false, 0 },
		{ ".5", false, 0 },
		{ "5.", false, 0 },
		{ "1e", false, 0 },
		{ "1e+", false, 0 },
		{ "nan", false, 0 },
		{ "inf", false, 0 },
		{ "0x1p3", false, 0 },
		{ "1,5", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1d3", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double v = 0;

		if (view_real(&v, view_of(cases[i].in)) != cases[i].ok || v != cases[i].want ||
		    signbit(v) != signbit(cases[i].want))
			fail_msg("view_real of \"%s\": %.17g", cases[i].in, v);
	}
	/* a view need not end in NUL */
	double v;
	assert_true(view_real(&v, (struct view){ "12345", 2 }));
	assert_true(v == 12);
}

static void shortest_known(void **state)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -1, "-1" },
		{ 0.1, "0.1" },
		{ 100, "100" },
		{ 1.5, "1.5" },
		{ 3e-4, "0.0003" },
		{ 1e-5, "0.00001" },
		{ 1e-6, "1e-6" },
		{ 1.25e-7, "1.25e-7" },
		{ 1e16, "10000000000000000" },
		{ 1e17, "1e17" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ DBL_MAX, "1.7976931348623157e308" },
		{ DBL_MIN, "2.2250738585072014e-308" },
		{ 5e-324, "5e-324" },
		{ -1e-310, "-1e-310" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 123456.789, "123456.789" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[32];

		real_shortest(text, cases[i].v);
		assert_string_equal(text, cases[i].want);
	}
}

static size_t digits_of(const char *s)
{
	size_t n = 0;

	/* leading zeros carry no meaning; the exponent ends the digits */
	for (; *s && *s != 'e'; s++)
		n += *s >= '0' && *s <= '9' && (n > 0 || *s != '0');
	return n;
}

static const char *reads_back(struct rng r, void *ud)
{
	static char what[160];
	char text[32], fewer[64];
	uint64_t bits = rng_u64(r, 0);
	double v, back;
	int p;

	(void)ud;
	if (rng_below(r, 1, 4) == 0) {
		v = (double)(int64_t)rng_below(r, 2, 2000001) / 1000 - 1000;
	} else {
		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			return NULL;
	}
	real_shortest(text, v);
	if (strlen(text) >= 32 || !view_real(&back, view_of(text)) || memcmp(&v, &back, sizeof(v)) != 0) {
		snprintf(what, sizeof(what), "%.17g was written %s", v, text);
		return what;
	}
	/* no shorter one does: all of one digit less, of which printf gives the nearest */
	p = (int)digits_of(text);
	snprintf(fewer, sizeof(fewer), "%.*e", p > 1 ? p - 2 : 0, v);
	if (p > 1 && strchr(text, '.') && fabs(v) > 1e-300 && strtod(fewer, NULL) == v) {
		snprintf(what, sizeof(what), "%s would do for %s", fewer, text);
		return what;
	}
	return NULL;
}

static void shortest_reads_back(void **state)
{
	(void)state;
	prop_for("shortest", 20000, reads_back, NULL);
}

static void utf8_every_code_point(void **state)
{
	uint32_t cp, back;
	char p[4];

	(void)state;
	for (cp = 0; cp <= 0x10ffff; cp++) {
		size_t n = utf8_encode(p, cp), got = utf8_decode(&back, p, n);

		if (cp >= 0xd800 && cp <= 0xdfff) {
			if (got != 0)
				fail_msg("surrogate U+%04X is decoded", cp);
			continue;
		}
		if (got != n || back != cp || utf8_decode(&back, p, n - 1) != 0)
			fail_msg("U+%04X", cp);
	}
}

static void utf8_malformed(void **state)
{
	/* Markus Kuhn's kinds: stray and missing continuations, impossible bytes, overlong forms, beyond U+10FFFF */
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2\x41",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe1\x80",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xf0\x9f\x98",
		"\xe2\x28\xa1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[16];
		uint32_t cp;

		if (utf8_decode(&cp, bad[i], strlen(bad[i])) != 0)
			fail_msg("case %zu is decoded", i);
		snprintf(text, sizeof(text), "ok%s", bad[i]);
		assert_int_equal(utf8_valid(text, strlen(text)), 2);
	}
	assert_int_equal(utf8_valid("a\0\xc3\xa9", 4), 4);
	assert_int_equal(utf8_valid("", 0), 0);
}

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		size_t want;
	} cases[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "abc", 0 },
		{ "dozes", "doses", 1 },
		{ "ab", "ba", 1 },
		{ "layre", "layer", 1 },
		{ "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
		{ "abcdef", "azced", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct view a = view_of(cases[i].a), b = view_of(cases[i].b);

		if (str_distance(a, b) != cases[i].want || str_distance(b, a) != cases[i].want)
			fail_msg("%s, %s: %zu", a.p, b.p, str_distance(a, b));
	}
}

static void path_names(void **state)
{
	static const char *const cases[][2] = {
		{ "a", "a" }, { "a/b.json", "b.json" }, { "/a/b", "b" }, { "a/", "" }, { "", "" },
		{ "/", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(path_name(cases[i][0]), cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_names),
		cmocka_unit_test(strings_grow_and_end_in_nul),
		cmocka_unit_test(views_compare_by_bytes),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(real_numbers),
		cmocka_unit_test(shortest_known),
		cmocka_unit_test(shortest_reads_back),
		cmocka_unit_test(utf8_every_code_point),
		cmocka_unit_test(utf8_malformed),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
