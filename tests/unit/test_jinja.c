#include "base/map.h"
#include "model/chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Renders a template for messages and variables; an error is "! line:column: message". */
static void render(struct str *out, struct view text, const struct json *inputs)
{
	struct chat_opts o = { .extra = json_find(inputs, "extra"), .now = "2026-01-31" };
	struct chat_template *t = NULL;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct chat_text got;

	str_clear(out);
	str_adds(out, "");
	if (chat_parse(&t, text, "snippet", NULL, &e) < 0 ||
	    chat_render(&got, &mem, t, json_find(inputs, "messages"), &o, &e) < 0) {
		assert_int_equal(e.code, ERR_INPUT);
		assert_string_equal(e.file, "snippet");
		str_addf(out, "! %u:%u: %s", e.line, e.col, e.msg);
	} else {
		str_addv(out, got.text);
	}
	chat_close(t);
	arena_release(&mem);
}

static const struct json *read_inputs(struct arena *mem)
{
	struct err e = ERR_INIT;
	const struct json *v;

	if (json_read_file(&v, mem, "tests/vectors/chat/jinja.json", 1 << 16, &e) < 0)
		fail_msg("%s", e.msg);
	return v;
}

/* The lines from *at up to the line `end`, joined; *at moves behind that. False at the end of the file. */
static bool next_part(struct view *out, struct view file, size_t *at, const char *end)
{
	size_t from = *at, line = from;

	while (line < file.n) {
		const char *stop = memchr(file.p + line, '\n', file.n - line);
		size_t n = (size_t)(stop - (file.p + line));

		if (view_is((struct view){ file.p + line, n }, end)) {
			*out = (struct view){ file.p + from, line > from ? line - from - 1 : 0 };
			*at = line + n + 1;
			return true;
		}
		line += n + 1;
	}
	return false;
}

/* The lines that say what the next cases are about. */
static void skip_heading(struct view file, size_t *at)
{
	while (*at + 1 < file.n && file.p[*at] == '#' && file.p[*at + 1] == ' ')
		*at += (size_t)((const char *)memchr(file.p + *at, '\n', file.n - *at) - (file.p + *at)) + 1;
}

static void snippets(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *inputs = read_inputs(&mem);
	struct view file, text, want;
	struct str got = STR_INIT;
	size_t at, n = 0;

	(void)state;
	if (file_read(&file, &mem, "tests/vectors/chat/jinja.txt", 1 << 20, &e) < 0)
		fail_msg("%s", e.msg);
	at = (size_t)(strstr(file.p, "\n# ") - file.p) + 1;
	for (;; n++) {
		skip_heading(file, &at);
		if (!next_part(&text, file, &at, "---"))
			break;
		assert_true(next_part(&want, file, &at, "==="));
		render(&got, text, inputs);
		if (!view_eq(str_view(&got), want))
			fail_msg("%.*s\ngot  %s\nwant %.*s", (int)text.n, text.p, got.p, (int)want.n, want.p);
	}
	assert_int_equal(n, 164);
	str_release(&got);
	arena_release(&mem);
}

/* What a file of lines cannot hold. */
static const struct {
	const char *text, *want;
} line_case[] = {
	{ "a\r\nb\rc\n", "a\nb\nc" },
	{ "a\n\n", "a\n" },
	{ "{{ 'a\r\nb' }}", "a\nb" },
	{ "{% if true %}\na\n{% endif %}\n", "a\n" },
	{ "{% if true %}\r\na\r\n{% endif %}\r\nb", "a\nb" },
	{ "a\n  {# c #}\nb\n", "a\nb" },
	{ "{{ 1 }}\n\t{% set x = 1 %}\t\n{{ x }}\n", "1\n\t\n1" },
	{ "\xe3\x80\x80{% if true %}x{% endif %}", "x" },
	{ "{% raw %}\n{{ x }}\n{% endraw %}\n", "\n{{ x }}\n" },
	{ "", "" },
	{ "\n", "" },
	{ "{{ '%r' % '\\x00\\x7f' }}", "'\\x00\\x7f'" },
};

static void line_ends(void **state)
{
	struct arena mem = ARENA_INIT;
	const struct json *inputs = read_inputs(&mem);
	struct str got = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(line_case) / sizeof(line_case[0]); i++) {
		render(&got, view_of(line_case[i].text), inputs);
		if (!view_is(str_view(&got), line_case[i].want))
			fail_msg("%s: got %s", line_case[i].text, got.p);
	}
	str_release(&got);
	arena_release(&mem);
}

static void not_utf8(void **state)
{
	struct chat_template *t;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(chat_parse(&t, VIEW("ab\xff"), "snippet", NULL, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_non_null(strstr(e.msg, "byte 2"));
}

/* Templates that ask for too much: each ends, and says why. `repeat` of `unit` between head and tail. */
static const struct {
	const char *name, *head, *unit, *tail, *want;
	size_t repeat;
} hostile_case[] = {
	{ "macro without end", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "", "",
	  "nests more than 1000", 0 },
	{ "two macros",
	  "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", "", "",
	  "nests more than 1000", 0 },
	{ "loop in itself", "{% for x in messages recursive %}{{ loop(messages) }}{% endfor %}", "", "",
	  "nests more than 1000", 0 },
	{ "loops in loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
	  "", "", "needs more than 256 MiB", 0 },
	{ "doubling",
	  "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}", "",
	  "", "needs more than 256 MiB", 0 },
	{ "squaring",
	  "{% set n = namespace(s='aaaa') %}{% for i in range(9) %}"
	  "{% set n.s = n.s.replace('a', n.s) %}{% endfor %}",
	  "", "", "needs more than 256 MiB", 0 },
	{ "repeated text", "{{ 'ab' * 9999999999 }}", "", "", "needs more than 256 MiB", 0 },
	{ "repeated list", "{{ [0] * 9999999999 }}", "", "", "needs more than 256 MiB", 0 },
	{ "wide", "{{ 'x'.center(99999999999) }}", "", "", "needs more than 256 MiB", 0 },
	{ "wide number", "{{ '%99999999999d' % 1 }}", "", "", "needs more than 256 MiB", 0 },
	{ "wide indent", "{{ 'x\ny'|indent(9999999999) }}", "", "", "needs more than 256 MiB", 0 },
	{ "many columns", "{{ [1]|slice(99999999999)|list }}", "", "", "needs more than 256 MiB", 0 },
	{ "list in list",
	  "{% set n = namespace(l=[]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}"
	  "{{ n.l }}",
	  "", "", "nests more than 1000", 0 },
	{ "namespace in itself", "{% set n = namespace() %}{% set n.n = n %}{{ n }}", "", "",
	  "nests more than 1000", 0 },
	{ "search without end",
	  "{% set s = 'ab' * 999999 %}{% for i in range(99999) %}{{ s.find('zz') }}{% endfor %}", "", "",
	  "does not come to an end", 0 },
	{ "brackets", "{{ ", "(", "", "brackets nested more than 64", 9999 },
	{ "lists", "{{ ", "[", "", "brackets nested more than 64", 9999 },
	{ "signs", "{{ ", "-", "1 }}", "nested more than 200", 9999 },
	{ "nots", "{{ ", "not ", "1 }}", "nested more than 200", 9999 },
	{ "conditions", "{{ 1", " if 1 else 1", " }}", "nested more than 200", 9999 },
	{ "blocks", "", "{% if 1 %}", "", "nested more than 200", 9999 },
	{ "sums", "{{ 1", " + 1", " }}", "nests more than 1000", 9999 },
	{ "filters", "{{ 1", "|abs", " }}", "nests more than 1000", 9999 },
	{ "attributes", "{{ d", ".d", " }}", "nests more than 1000", 9999 },
	{ "open comment", "", "{#", "", "this comment has no end", 9999 },
	{ "open raw", "{% raw %}", "{% ", "", "this raw block has no end", 9999 },
	{ "many branches", "{% if 0 %}", "{% elif 0 %}", "{% else %}end{% endif %}", "end", 9999 },
	{ "least integer", "{{ (-9223372036854775807 - 1) // -1 }}", "", "", "does not fit 64 bits", 0 },
	{ "least remainder", "{{ (-9223372036854775807 - 1) % -1 }}", "", "", "0", 0 },
	{ "far slice", "{{ 'abc'[-9223372036854775807:9223372036854775807:9223372036854775807] }}", "", "",
	  "a", 0 },
	{ "far round", "{{ 1.5|round(99999999999) }}", "", "", "1.5", 0 },
	{ "far power", "{{ 2 ** 99999999 }}", "", "", "does not fit 64 bits", 0 },
};

static void hostile(void **state)
{
	struct arena mem = ARENA_INIT;
	const struct json *inputs = read_inputs(&mem);
	struct str text = STR_INIT, got = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(hostile_case) / sizeof(hostile_case[0]); i++) {
		str_clear(&text);
		str_adds(&text, hostile_case[i].head);
		for (size_t k = 0; k < hostile_case[i].repeat; k++)
			str_adds(&text, hostile_case[i].unit);
		str_adds(&text, hostile_case[i].tail);
		render(&got, str_view(&text), inputs);
		if (strstr(got.p, hostile_case[i].want) == NULL)
			fail_msg("%s: got %.200s", hostile_case[i].name, got.p);
	}
	str_release(&text);
	str_release(&got);
	arena_release(&mem);
}

/* Cut short anywhere, a template parses or says where it broke; it never does anything else. */
static void truncated(void **state)
{
	static const char text[] =
		"{%- macro m(a, b=[1, 'x']) -%}{{ a[1:2] ~ b|join(',') }}{%- endmacro -%}{# c #}"
		"{% for x, y in d.items() if x is not none recursive %}{{ loop.index }}"
		"{% raw %}{{ r }}{% endraw %}{% else %}{{ \"\\u00e9\" }}{% endfor %}"
		"{% set ns.a | trim %}{{ 1.5e3 if not y else {'k': (1,)}['k'] }}{% endset %}"
		"{{ m(*[1], b=2) }}";
	struct arena mem = ARENA_INIT;
	const struct json *inputs = read_inputs(&mem);
	struct str got = STR_INIT;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++)
		render(&got, (struct view){ text, n }, inputs);
	str_release(&got);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snippets), cmocka_unit_test(line_ends), cmocka_unit_test(not_utf8),
		cmocka_unit_test(hostile),  cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
