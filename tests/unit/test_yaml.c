#include "flow/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A tree in one line: maps {k@line:col=v,}, lists [v,], scalars, quoted ones in '...'. */
static void flat(struct str *s, const struct yaml *y)
{
	if (y->kind == YAML_SCALAR) {
		str_addf(s, y->quoted ? "'%.*s'" : "%.*s", (int)y->text.n, y->text.p);
		return;
	}
	str_addc(s, y->kind == YAML_MAP ? '{' : '[');
	for (const struct yaml *m = y->first; m; m = m->next) {
		if (y->kind == YAML_MAP)
			str_addf(s, "%.*s@%u:%u=", (int)m->key.n, m->key.p, m->key_at.line, m->key_at.col);
		flat(s, m);
		str_addc(s, ',');
	}
	str_addc(s, y->kind == YAML_MAP ? '}' : ']');
}

static const struct {
	const char *text, *want; /* the tree, or "line:col: message" */
} cases[] = {
	{ "", "{}" },
	{ "# nothing\n", "{}" },
	{ "a: 1\nb: [x, 'y', {c: }]\n", "{a@1:1=1,b@2:1=[x,'y',{c@2:14=,},],}" },
	{ "- 1\n- \"2\"\n", "[1,'2',]" },
	{ "text", "text" },
	{ "a: |\n  two\n  lines\n", "{a@1:1='two\nlines\n',}" },
	{ "\xef\xbb\xbf"
	  "a: 1\n",
	  "{a@1:1=1,}" },
	{ "a: 1\r\nb: 2\r\n", "{a@1:1=1,b@2:1=2,}" },
	{ "\xc3\xa4\xc3\xb6: {b: 1}", "{\xc3\xa4\xc3\xb6@1:1={b@1:6=1,},}" },
	{ "a: 1\na: 2\n", "{a@1:1=1,a@2:1=2,}" },
	{ "{\"a\":\"b\",\"c\":[]}", "{a@1:2='b',c@1:10=[],}" },
	{ "--- \na: 1\n...\n", "{a@2:1=1,}" },
	{ "a: 1\n---\nb: 2\n", "2:1: a second document; one is read" },
	{ "a: &x 1\n", "1:4: &x: anchors are not taken; write the value where it is used" },
	{ "a: &x {}\n", "1:4: &x: anchors are not taken; write the value where it is used" },
	{ "a: *x\n", "1:4: *x: aliases are not taken; write the value" },
	{ "a: !x 1\n", "1:4: !x: tags are not taken; quote a value to make it text" },
	{ "{[1]: 2}\n", "1:2: a key that is a list; a key is a name" },
	{ "? {a: 1}\n: 2\n", "1:3: a key that is a map; a key is a name" },
	{ "a: [1, 2\n", "2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence that "
			"began in line 1" },
	{ "a: \"x\n",
	  "2:1: not YAML: found unexpected end of stream, while scanning a quoted scalar that began in "
	  "line 1" },
	{ "\ta: 1\n", "1:1: not YAML: a tab; indent with blanks" },
	{ "a: \x01\n", "1:4: not YAML: control characters are not allowed (byte 0x01)" },
	{ "a: \xff\n", "1:4: not UTF-8: byte 0xff" },
	{ "ok: 1\na: \xc3", "2:4: not UTF-8: byte 0xc3" },
};

static void texts_give_their_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str got = STR_INIT;
		const struct yaml *y;

		if (yaml_read(&y, &mem, view_of(cases[i].text), "f", &e) == 0) {
			str_adds(&got, "");
			flat(&got, y);
		} else {
			assert_int_equal(e.code, ERR_SPEC);
			str_addf(&got, "%u:%u: %s", e.line, e.col, e.msg);
		}
		if (strcmp(got.p, cases[i].want) != 0)
			fail_msg("case %zu: got %s, wanted %s", i, got.p, cases[i].want);
		str_release(&got);
		arena_release(&mem);
	}
}

static int read_repeated(const char *piece, size_t times, const char *tail, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT;
	const struct yaml *y;
	int rc;

	for (size_t i = 0; i < times; i++)
		str_adds(&text, piece);
	str_adds(&text, tail);
	rc = yaml_read(&y, &mem, str_view(&text), "f", e);
	str_release(&text);
	arena_release(&mem);
	return rc;
}

static void depth_and_size_are_bounded(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(read_repeated("[", YAML_DEPTH + 1, "", &e), -1);
	assert_string_equal(e.msg, "nested more than 32 deep");
	assert_int_equal(read_repeated("[", 500000, "", &e), -1);
	assert_int_equal(read_repeated("- ", 500000, "", &e), -1);
	assert_int_equal(read_repeated("{a: ", 200000, "", &e), -1);
	assert_int_equal(read_repeated("a: 1\n", 200000, "", &e), 0);
	assert_int_equal(read_repeated("a: 1\n", 250000, "", &e), -1);
	assert_string_equal(e.msg, "1250000 bytes; at most 1048576 are read");
}

static void finding_is_by_name(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct yaml *y;

	(void)state;
	assert_int_equal(yaml_read(&y, &mem, VIEW("a: 1\nab: 2\nblank:\n"), "f", &e), 0);
	assert_true(view_is(yaml_find(y, "ab")->text, "2"));
	assert_null(yaml_find(y, "b"));
	assert_null(yaml_find(NULL, "b"));
	assert_null(yaml_find(yaml_find(y, "a"), "b"));
	assert_true(yaml_is_blank(yaml_find(y, "blank")));
	assert_false(yaml_is_blank(yaml_find(y, "a")));
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_give_their_tree),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(finding_is_by_name),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
