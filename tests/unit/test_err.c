#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void messages_are_one_clean_line(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "two\nlines\ttab", "two?lines?tab" },
		{ "bell\a esc\033[31m del\177", "bell? esc?[31m del?" },
		{ "Pr\xc3\xbc"
		  "fung \xe5\x9f\xba",
		  "Pr\xc3\xbc"
		  "fung \xe5\x9f\xba" },
		{ "latin1 \xfc end", "latin1 ? end" },
		{ "c1 \xc2\x85 nel", "c1 ?? nel" },
		{ "separator \xe2\x80\xa8.", "separator ???." },
		{ "cut \xe5\x9f", "cut ??" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e;

		assert_int_equal(err_set(&e, ERR_INPUT, "%s", cases[i].in), -1);
		assert_string_equal(e.msg, cases[i].want);
		assert_int_equal(e.code, ERR_INPUT);
		assert_int_equal(e.line, 0);
	}
}

static void long_messages_are_cut_between_characters(void **state)
{
	char text[2000];
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		memset(text, 'x', i);
		for (size_t k = i; k + 3 < sizeof(text); k += 3)
			memcpy(text + k, "\xe5\x9f\xba", 4);
		err_set(&e, ERR_SPEC, "%s", text);
		assert_true(strlen(e.msg) > sizeof(e.msg) - 5);
		assert_int_equal(utf8_valid(e.msg, strlen(e.msg)), strlen(e.msg));
		assert_null(strchr(e.msg, '?'));
		err_wrap(&e, "y%zu: ", i);
		assert_int_equal(utf8_valid(e.msg, strlen(e.msg)), strlen(e.msg));
		assert_null(strchr(e.msg, '?'));
	}
}

static void wrapping_keeps_code_and_place(void **state)
{
	struct err e;

	(void)state;
	err_at(&e, ERR_SPEC, (struct pos){ "a.yaml", 3, 14 }, "%d is below %d", 0, 1);
	assert_int_equal(err_wrap(&e, "layer %d: ", 7), -1);
	assert_string_equal(e.msg, "layer 7: 0 is below 1");
	assert_string_equal(e.file, "a.yaml");
	assert_int_equal(e.code, ERR_SPEC);
	assert_int_equal(e.line, 3);
	assert_int_equal(e.col, 14);
}

static void system_errors_know_what_is_only_missing(void **state)
{
	static const struct {
		int no;
		const char *verb;
		enum err_code code;
		const char *want;
	} cases[] = {
		{ ENOENT, "open", ERR_INPUT, "cannot open x: No such file or directory" },
		{ EISDIR, "read", ERR_INPUT, "cannot read x: Is a directory" },
		{ ENOTDIR, "list", ERR_INPUT, "cannot list x: Not a directory" },
		{ ENOENT, "write", ERR_IO, "cannot write x: No such file or directory" },
		{ ENOSPC, "write", ERR_IO, "cannot write x: No space left on device" },
		{ EACCES, "open", ERR_IO, "cannot open x: Permission denied" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e;

		errno = cases[i].no;
		assert_int_equal(err_sys(&e, cases[i].verb, "x"), -1);
		assert_string_equal(e.msg, cases[i].want);
		assert_int_equal(e.code, cases[i].code);
	}
}

static void printed(char *out, size_t n, const struct err *e)
{
	FILE *f = tmpfile();
	size_t got;

	assert_non_null(f);
	err_print(e, f);
	rewind(f);
	got = fread(out, 1, n - 1, f);
	out[got] = '\0';
	fclose(f);
}

static void printing_names_the_place(void **state)
{
	char text[256];
	struct err e;

	(void)state;
	err_set(&e, ERR_IO, "no");
	printed(text, sizeof(text), &e);
	assert_string_equal(text, "dfc-audit: no\n");
	err_at(&e, ERR_SPEC, (struct pos){ "s.yaml", 9, 22 }, "0 is below 1");
	printed(text, sizeof(text), &e);
	assert_string_equal(text, "s.yaml:9:22: 0 is below 1\n");
	err_at(&e, ERR_SPEC, (struct pos){ "s.yaml", 0, 0 }, "is empty");
	printed(text, sizeof(text), &e);
	assert_string_equal(text, "s.yaml: is empty\n");
}

static void statuses_are_as_documented(void **state)
{
	static const struct {
		enum err_code code;
		int status;
	} cases[] = {
		{ ERR_NONE, 0 }, { ERR_USAGE, 2 }, { ERR_SPEC, 2 },    { ERR_INPUT, 3 },
		{ ERR_IO, 4 },	 { ERR_SIZE, 5 },  { ERR_DIFFERS, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(err_status(cases[i].code), cases[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_one_clean_line),
		cmocka_unit_test(long_messages_are_cut_between_characters),
		cmocka_unit_test(wrapping_keeps_code_and_place),
		cmocka_unit_test(system_errors_know_what_is_only_missing),
		cmocka_unit_test(printing_names_the_place),
		cmocka_unit_test(statuses_are_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
