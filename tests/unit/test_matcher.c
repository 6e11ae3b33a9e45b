#include "base/str.h"
#include "model/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void finds_what_matches(void **state)
{
	static const struct {
		const char *regex, *text;
		bool hits;
	} cases[] = {
		{ "copyright", "protected by copyright.", true },
		{ "copyright", "a copy, right?", false },
		{ "(?i)COPYRIGHT", "protected by copyright.", true },
		{ "^I (am sorry|cannot)", "I cannot.", true },
		{ "^I (am sorry|cannot)", "Then I cannot.", false },
		{ "\\bh\\p{L}ll\\b", "h\xc3\xa4ll", true },
		{ "\\Qa.b\\E", "axb", false },
		{ "", "", true },
		{ "x", "", false },
		{ ".", "\xff", false }, /* no UTF-8: no match, and no crash */
		{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = ERR_INIT;
		struct matcher *m;

		assert_int_equal(matcher_open(&m, cases[i].regex, &e), 0);
		if (matcher_hits(m, view_of(cases[i].text)) != cases[i].hits)
			fail_msg("%s on \"%s\"", cases[i].regex, cases[i].text);
		matcher_close(m);
	}
}

static void says_where_an_expression_fails(void **state)
{
	struct err e = ERR_INIT;
	struct matcher *m;

	(void)state;
	assert_int_equal(matcher_open(&m, "a(b", &e), -1);
	assert_string_equal(e.msg,
			    "\"a(b\" is no regular expression: missing closing parenthesis, at byte 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_matches),
		cmocka_unit_test(says_where_an_expression_fails),
	};

	return cmocka_run_group_tests_name("matcher", tests, NULL, NULL);
}
