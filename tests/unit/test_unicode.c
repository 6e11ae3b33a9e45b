#include "base/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *name, *in, *nfc, *nfkc;
} form_case[] = {
	{ "empty", "", "", "" },
	{ "ascii", "plain text\n", "plain text\n", "plain text\n" },
	{ "composes", "e\xcc\x81", "\xc3\xa9", "\xc3\xa9" },
	{ "stays composed", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9" },
	{ "order of marks", "a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81", "\xe1\xba\xa1\xcc\x81" },
	{ "singleton", "\xe2\x84\xab", "\xc3\x85", "\xc3\x85" },
	{ "ligature", "\xef\xac\x81", "\xef\xac\x81", "fi" },
	{ "no-break space",
	  "a\xc2\xa0"
	  "b",
	  "a\xc2\xa0"
	  "b",
	  "a b" },
	{ "full width", "\xef\xbc\xa1\xef\xbc\x91", "\xef\xbc\xa1\xef\xbc\x91", "A1" },
	{ "hangul", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81", "\xea\xb0\x81" },
	{ "composition exclusion", "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc", "\xe0\xa4\x95\xe0\xa4\xbc" },
};

static void forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(form_case) / sizeof(form_case[0]); i++) {
		struct str nfc = STR_INIT, nfkc = STR_INIT;
		struct err e = ERR_INIT;

		str_adds(&nfc, ">");
		str_adds(&nfkc, ">");
		assert_int_equal(utf8_nfc(&nfc, view_of(form_case[i].in), &e), 0);
		assert_int_equal(utf8_nfkc(&nfkc, view_of(form_case[i].in), &e), 0);
		if (!view_is((struct view){ nfc.p + 1, nfc.n - 1 }, form_case[i].nfc))
			fail_msg("%s: NFC gives %s", form_case[i].name, nfc.p + 1);
		if (!view_is((struct view){ nfkc.p + 1, nfkc.n - 1 }, form_case[i].nfkc))
			fail_msg("%s: NFKC gives %s", form_case[i].name, nfkc.p + 1);
		str_release(&nfc);
		str_release(&nfkc);
	}
}

static void nul_bytes_are_text(void **state)
{
	struct str s = STR_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(utf8_nfc(&s, (struct view){ "a\0e\xcc\x81", 5 }, &e), 0);
	assert_int_equal(s.n, 4);
	assert_memory_equal(s.p, "a\0\xc3\xa9", 4);
	str_release(&s);
}

/* How many bytes the first U+FFFD stands for; the examples of Unicode 3.9, tables 3-8 to 3-11. */
static const struct {
	const char *name, *in;
	size_t n;
} broken_case[] = {
	{ "stray continuation", "\x80", 1 },	      { "overlong two", "\xc0\xaf", 1 },
	{ "overlong three", "\xe0\x80\xaf", 1 },      { "surrogate", "\xed\xa0\x80", 1 },
	{ "beyond the last", "\xf4\x91\x92\x93", 1 }, { "no lead byte", "\xff", 1 },
	{ "two of three", "\xe1\x80\xe2", 2 },	      { "three of four", "\xf1\x80\x80\x41", 3 },
	{ "one of two at the end", "\xc3", 1 },	      { "three of four at the end", "\xf0\x9f\x98", 3 },
};

static void broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken_case) / sizeof(broken_case[0]); i++) {
		struct view v = view_of(broken_case[i].in);
		struct str s = STR_INIT;
		struct err e = ERR_INIT;
		size_t n = utf8_broken(v.p, v.n);

		if (n != broken_case[i].n)
			fail_msg("%s: %zu bytes", broken_case[i].name, n);
		if (utf8_nfc(&s, v, &e) != -1 || e.code != ERR_INPUT || s.n != 0)
			fail_msg("%s: taken for valid", broken_case[i].name);
		str_release(&s);
	}
}

static void spaces(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t cp = 0; cp < 0x110000; cp++)
		n += unicode_is_space(cp);
	assert_int_equal(n, 25); /* PropList.txt: White_Space has 25 code points */
	assert_false(unicode_is_space(0xfeff));
	assert_false(unicode_is_space(0x200b));
	assert_false(unicode_is_space(0x1c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(nul_bytes_are_text),
		cmocka_unit_test(broken),
		cmocka_unit_test(spaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
