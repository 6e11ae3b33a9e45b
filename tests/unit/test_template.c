#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/template.h"
#include "tests/support/scratch.h"

#include <string.h>

/* The semantics of the Mustache specification in cases of our own, then what this program adds to it. */

struct fill_case {
	const char *name, *data, *text, *want;
};

static void check(const struct fill_case *c, const struct template_opts *o)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct str out = STR_INIT;
	const struct json *data;

	if (json_read(&data, &mem, view_of(c->data), "data.json", &e) < 0)
		fail_msg("%s: data: %s", c->name, e.msg);
	if (template_fill_text(&out, view_of(c->text), "tests/vectors/report/main.md", data, o, &e) < 0)
		fail_msg("%s: %u:%u: %s", c->name, e.line, e.col, e.msg);
	if (strcmp(out.p ? out.p : "", c->want))
		fail_msg("%s: got\n[%s]\nwant\n[%s]", c->name, out.p ? out.p : "", c->want);
	str_release(&out);
	arena_release(&mem);
}

static const struct fill_case plain[] = {
	/* interpolation */
	{ "no tags", "{}", "Hello {world}.\n", "Hello {world}.\n" },
	{ "value", "{\"who\":\"world\"}", "Hello, {{who}}!", "Hello, world!" },
	{ "integer", "{\"n\":85}", "{{n}} and {{{n}}} and {{&n}}", "85 and 85 and 85" },
	{ "real", "{\"n\":1.21}", "{{n}} {{&n}}", "1.21 1.21" },
	{ "zero is printed", "{\"n\":0}", "{{n}}{{#n}} true{{/n}}", "0 true" },
	{ "null is nothing", "{\"x\":null}", "({{x}})({{&x}})({{{x}}})", "()()()" },
	{ "missing is nothing", "{}", "({{x}})({{a.b}})", "()()" },
	{ "raw is raw", "{\"x\":\"a|b <i>*\"}", "{{{x}}} {{&x}}", "a|b <i>* a|b <i>*" },
	{ "dotted", "{\"a\":{\"b\":{\"c\":\"deep\"}}}", "{{a.b.c}}{{#a}}{{b.c}}{{/a}}", "deepdeep" },
	{ "dotted, first part decides", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"no\"}}", "{{#a}}({{b.c}}){{/a}}",
	  "()" },
	{ "dotted, broken chain", "{\"a\":{}}", "({{a.b.c}})", "()" },
	{ "dotted as a section", "{\"a\":{\"b\":true,\"c\":false}}",
	  "{{#a.b}}b{{/a.b}}{{#a.c}}c{{/a.c}}{{^a.c}}-{{/a.c}}", "b-" },
	{ "implicit iterator at the top", "\"world\"", "Hello, {{.}}!", "Hello, world!" },
	{ "blanks around values stay", "{\"x\":\"-\"}", "| {{x}} |\n  {{x}}\n", "| - |\n  \\-\n" },
	{ "blanks within tags go", "{\"x\":\"v\"}", "{{ x }}|{{{ x }}}|{{& x }}", "v|v|v" },
	/* sections */
	{ "true", "{\"x\":true}", "a{{#x}}b{{/x}}c", "abc" },
	{ "false", "{\"x\":false}", "a{{#x}}b{{/x}}c", "ac" },
	{ "null", "{\"x\":null}", "a{{#x}}b{{/x}}c{{^x}}d{{/x}}", "acd" },
	{ "absent", "{}", "a{{#x}}b{{/x}}c{{^x}}d{{/x}}", "acd" },
	{ "context", "{\"x\":{\"name\":\"Joe\"}}", "{{#x}}Hi {{name}}{{/x}}", "Hi Joe" },
	{ "parent contexts", "{\"a\":\"foo\",\"b\":\"wrong\",\"s\":{\"b\":\"bar\"},\"c\":{\"d\":\"baz\"}}",
	  "{{#s}}{{a}}, {{b}}, {{c.d}}{{/s}}", "foo, bar, baz" },
	{ "a section over a string", "{\"x\":\"v\"}", "{{#x}}{{.}} {{x}}{{/x}}", "v v" },
	{ "an empty string is false", "{\"x\":\"\"}", "{{#x}}a{{/x}}{{^x}}b{{/x}}", "b" },
	{ "list", "{\"l\":[{\"i\":1},{\"i\":2},{\"i\":3}]}", "{{#l}}{{i}};{{/l}}", "1;2;3;" },
	{ "empty list", "{\"l\":[]}", "{{#l}}x{{/l}}{{^l}}none{{/l}}", "none" },
	{ "list of values", "{\"l\":[1,\"b\",2.5]}", "{{#l}}({{.}}){{/l}}", "(1)(b)(2.5)" },
	{ "list of lists", "{\"l\":[[1,2],[3]]}", "{{#l}}{{#.}}{{.}}{{/.}};{{/l}}", "12;3;" },
	{ "nested, same name", "{\"b\":true}", "{{#b}}1{{#b}}2{{/b}}3{{/b}}", "123" },
	{ "twice", "{\"b\":true,\"t\":\"x\"}", "{{#b}}1{{/b}}{{t}}{{#b}}2{{/b}}", "1x2" },
	{ "deep stack", "{\"a\":{\"n\":1},\"b\":{\"n\":2},\"c\":{\"n\":3}}",
	  "{{#a}}{{n}}{{#b}}{{n}}{{#c}}{{n}}{{/c}}{{n}}{{/b}}{{n}}{{/a}}", "12321" },
	{ "inner shadows", "{\"n\":1,\"l\":[{\"n\":2},{}]}", "{{#l}}{{n}}{{/l}}", "21" },
	{ "inverted of a context", "{\"x\":{\"y\":1}}", "{{^x}}no{{/x}}", "" },
	{ "inverted keeps the context", "{\"x\":false,\"n\":\"Joe\"}", "{{^x}}{{n}}{{/x}}", "Joe" },
	/* lines that go */
	{ "standalone section", "{\"b\":true}", "| This\n{{#b}}\n|\n{{/b}}\n| line", "| This\n|\n| line" },
	{ "standalone, indented", "{\"b\":true}", "| This\n  {{#b}}\n|\n\t{{/b}}\n| line",
	  "| This\n|\n| line" },
	{ "standalone, CRLF", "{\"b\":true}", "|\r\n{{#b}}\r\n{{/b}}\r\n|", "|\r\n|" },
	{ "standalone without line before", "{\"b\":true}", "  {{#b}}\n#{{/b}}\n/", "#\n/" },
	{ "standalone without line after", "{\"b\":true}", "#{{#b}}\n/\n  {{/b}}", "#\n/\n" },
	{ "two tags on a line stay", "{\"b\":true}", " | {{#b}}\t|\t{{/b}} | \n", " | \t|\t | \n" },
	{ "two tags alone stay", "{\"b\":true}", "a\n {{#b}}{{/b}}\nz", "a\n \nz" },
	{ "values are never alone", "{\"x\":\"v\"}", "a\n  {{x}}\nz", "a\n  v\nz" },
	{ "standalone inverted", "{}", "a\n{{^x}}\nb\n{{/x}}\nz", "a\nb\nz" },
	{ "loop keeps its lines", "{\"l\":[1,2]}", "a\n{{#l}}\n- {{.}}\n{{/l}}\nz\n", "a\n- 1\n- 2\nz\n" },
	/* comments */
	{ "comment", "{}", "12345{{! not shown }}67890", "1234567890" },
	{ "comment of lines", "{}", "a{{!\n  b\n  c\n}}z\n", "az\n" },
	{ "standalone comment", "{}", "a\n  {{! b }}\nz", "a\nz" },
	{ "standalone comment of lines", "{}", "a\n  {{!\n b\n }}\nz", "a\nz" },
	{ "comment within a line", "{}", "  12 {{! 34 }}\n", "  12 \n" },
	{ "comment of a sign", "{}", "x{{!=}}y{{!}}z", "xyz" },
	/* delimiters */
	{ "delimiters", "{\"x\":\"v\"}", "{{=<% %>=}}(<%x%>){{x}}", "(v){{x}}" },
	{ "delimiters of one sign", "{\"x\":\"v\"}", "({{=[ ]=}}[x])", "(v)" },
	{ "delimiters back", "{\"x\":\"v\"}", "{{=| |=}}|x||={{ }}=|{{x}}", "vv" },
	{ "delimiters with blanks", "{\"x\":\"v\"}", "{{=  @   @  =}}(@x@)", "(v)" },
	{ "delimiters in sections", "{\"s\":true,\"d\":\"v\"}", "{{#s}}{{d}}{{/s}}{{=| |=}}|#s|{{d}}|d||/s|",
	  "v{{d}}v" },
	{ "delimiters alone on a line", "{}", "a\n{{=@ @=}}\nz", "a\nz" },
	{ "delimiters and raw", "{\"x\":\"<\"}", "{{=<% %>=}}<%& x %><%{ x }%>", "<<" },
	/* partials */
	{ "partial", "{\"text\":\"v\"}", "[{{>part}}]", "[v\n]" },
	{ "partial, missing", "{}", "[{{>none}}]", "[]" },
	{ "partial, recursive", "{\"content\":\"X\",\"nodes\":[{\"content\":\"Y\",\"nodes\":[]}]}",
	  "{{>node}}", "X<Y<>\n>\n" },
	{ "partial, indented", "{\"content\":\"l\\nm\"}", "a\n {{>lines}}\nz\n", "a\n |\n l\nm\n |\nz\n" },
	{ "partial, not alone", "{\"text\":\"v\"}", "  {{x}}  {{> part}}\n", "    v\n\n" },
	{ "partial, own delimiters", "{\"text\":\"v\"}", "{{=| |=}}|>part|", "v\n" },
};

static void test_mustache(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		check(&plain[i], &(struct template_opts){ .strict = false });
}

static const struct fill_case escaped[] = {
	{ "emphasis", "{\"x\":\"a*b* _c_ snake_case `d`\"}", "{{x}}", "a\\*b\\* \\_c\\_ snake_case \\`d\\`" },
	{ "html and entities", "{\"x\":\"<b>&amp; AT&T &#35; a & b\"}", "{{x}}",
	  "\\<b>\\&amp; AT\\&T \\&#35; a & b" },
	{ "links", "{\"x\":\"[a](http://b) ![c] www.d.e <f@g.h>\"}", "{{x}}",
	  "\\[a\\](http\\://b) !\\[c\\] www\\.d.e \\<f\\@g.h>" },
	{ "table", "{\"x\":\"a|b\\nc\"}", "| {{x}} |", "| a\\|b\u23CE c |" },
	{ "line feed and tab", "{\"x\":\"a\\n\\n\\tb\"}", "{{x}}", "a\u23CE \u23CE \u21E5b" },
	{ "heading at the start", "{\"x\":\"# a # b\"}", "{{x}}\n> {{x}}\n- {{x}}\nq {{x}}",
	  "\\# a # b\n> \\# a # b\n- \\# a # b\nq # a # b" },
	{ "list at the start",
	  "{\"x\":\"- a\",\"y\":\"12. b\",\"z\":\"-12.5\",\"v\":\"3) c\",\"w\":\"4.5 d\"}",
	  "{{x}}\n{{y}}\n{{z}}\n{{v}}\n{{w}}", "\\- a\n12\\. b\n-12.5\n3\\) c\n4.5 d" },
	{ "rules and underlines", "{\"x\":\"---\",\"y\":\"===\",\"z\":\"***\"}", "{{x}}\n{{y}}\n{{z}}",
	  "\\---\n\\===\n\\*\\*\\*" },
	{ "blanks at the start", "{\"x\":\"    code\"}", "{{x}}", "&#32;   code" },
	{ "backslash", "{\"x\":\"a\\\\\"}", "**{{x}}**", "**a\\\\**" },
	{ "mathematics and strikes", "{\"x\":\"$a$ ~~b~~\"}", "{{x}}", "\\$a\\$ \\~\\~b\\~\\~" },
	{ "mentions", "{\"x\":\"@all a@b @ 5\"}", "{{x}}", "\\@all a\\@b @ 5" },
	{ "code span", "{\"x\":\"a*b|<c>\"}", "say `{{x}}` now", "say `a*b|<c>` now" },
	{ "code span of ticks", "{\"x\":\"a`b``\"}", "say `{{x}}` now", "say ``` a`b`` ``` now" },
	{ "code span of blanks", "{\"x\":\" a \",\"y\":\" b\",\"z\":\"  \"}", "`{{x}}` `{{y}}` `{{z}}`",
	  "`  a  ` ` b` `  `" },
	{ "code span of nothing", "{\"x\":\"\"}", "a `{{x}}` b", "a  b" },
	{ "code span in a table", "{\"x\":\"a|b\",\"y\":\"a\\\\|b\"}", "| `{{x}}` | `{{y}}` |",
	  "| `a\\|b` | a\\\\\\|b |" },
	{ "code block", "{\"x\":\"a*\\nb```\\n```\\nc\"}", "```\n{{x}}\n```\n{{x}}",
	  "```\na*\nb```\n    ```\nc\n```\na\\*\u23CE "
	  "b\\`\\`\\`\u23CE \\`\\`\\`\u23CE c" },
	{ "code block in a quote", "{\"x\":\"a\\nb\"}", "> ~~~\n> {{x}}\n> ~~~\n",
	  "> ~~~\n> a\n> b\n> ~~~\n" },
	{ "ticks in a code block", "{\"x\":\"*\"}", "~~~\n`{{x}}`\n~~~", "~~~\n`*`\n~~~" },
	{ "address", "{\"x\":\"a b)(*.svg\"}", "[t](f/{{x}}) {{x}}",
	  "[t](f/a%20b%29%28%2A.svg) a b)(\\*.svg" },
	{ "address of a heading", "{\"x\":\"F1: What's new?\"}", "[t](#finding-{{x}})",
	  "[t](#finding-f1-whats-new)" },
	{ "unseen characters", "{\"x\":\"a\\u202eb\\u200b\\u0007!\\ud83d\\ude00\"}", "{{x}}",
	  "a U+202E b U+200B U+0007!\U0001F600" },
	{ "raw is as it is", "{\"x\":\"# *\\n|\"}", "{{{x}}}", "# *\n|" },
};

static void test_escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(escaped) / sizeof(escaped[0]); i++)
		check(&escaped[i], &(struct template_opts){ .strict = false });
}

static const struct fill_case strict[] = {
	{ "counts and shares", "{\"corpus\":{\"pairs\":57000,\"paired_base\":0.9871}}",
	  "{{corpus.pairs}} {{corpus.paired_base}}", "57,000 98.7 %" },
	{ "in an array", "{\"findings\":[{\"slope_on\":3.456,\"p\":0.00123}]}",
	  "{{#findings}}{{slope_on}} {{p}}{{/findings}}", "+3.46 0.0012" },
	{ "label and unit", "{\"findings\":[{\"slope_on\":3.456}]}",
	  "{{#findings}}{{slope_on.label}}: {{slope_on}} {{slope_on.unit}}{{/findings}}",
	  "slope, prompts where it acts: +3.46 nats per dose" },
	{ "an element by its number", "{\"findings\":[{\"slope_on\":3.456}]}",
	  "{{#findings.0}}some: {{slope_on}}{{/findings.0}}{{#findings.1}}more{{/findings.1}} {{findings.0.slope_on}}",
	  "some: +3.46 +3.46" },
	{ "null", "{\"x\":null}", "{{x}}", "\u2013" },
	{ "truth", "{\"x\":true,\"y\":false}", "{{x}} {{y}}", "yes no" },
	{ "an absent section", "{}", "{{#x}}{{y}}{{/x}}-", "-" },
	{ "any depth below a star", "{\"spec\":{\"a\":{\"b\":[1e-4, 12]}}}",
	  "{{#spec.a.b}}{{.}} {{/spec.a.b}}", "0.0001 12 " },
	{ "one name in a star", "{\"latents\":{\"columns\":{\"shared\":[{\"latent\":4321}]}}}",
	  "{{#latents.columns.shared}}{{latent}}{{/latents.columns.shared}}", "4321" },
};

static void test_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++)
		check(&strict[i], &(struct template_opts){ .strict = true });
}

static const struct {
	const char *text;
	unsigned line, col;
	const char *says;
} broken[] = {
	{ "a\n {{#x}}\nb", 2, 2, "{{#x}} is never closed" },
	{ "{{#x}}{{#y}}{{/x}}{{/y}}", 1, 13, "{{/x}} stands where {{/y}} should" },
	{ "\n\n{{/x}}", 3, 1, "{{/x}} closes nothing" },
	{ "{{ x", 1, 1, "a tag without its end '}}'" },
	{ "\u00e9\u00e9 {{{x}}", 1, 4, "begins with '{' ends with '}'" },
	{ "{{a b}}", 1, 1, "a name has no blanks" },
	{ "{{}}", 1, 1, "a tag without a name" },
	{ "{{#}}", 1, 1, "a tag without a name" },
	{ "{{a..b}}", 1, 1, "a dot" },
	{ "{{.a}}", 1, 1, "a dot" },
	{ "{{=a=}}", 1, 1, "delimiters are two words" },
	{ "{{=a b c=}}", 1, 1, "delimiters are two words" },
	{ "x {{naem}}", 1, 3, "'naem' is not in the results; is it name?" },
	{ "x {{other}}", 1, 3, "'other' is not in the results" },
	{ "\n{{obj}}", 2, 1, "'obj' is an object and cannot be printed; {{#obj}} opens it" },
	{ "{{list}}", 1, 1, "'list' is an array" },
	{ "{{unlisted}}", 1, 1, "the number 'unlisted' has no row" },
	{ "{{#obj}}\n{{inner}}{{/obj}}", 2, 1, "the number 'obj.inner' has no row" },
	{ "{{>no/such}}", 1, 1, "is no name of a partial" },
	{ "{{>none}}", 1, 1, "is not beside the template" },
	{ "{{>itself}}", 1, 2, "more than 32 levels" },
	{ "{{>twice}}", 1, 0, "levels" },
	{ "\xff", 1, 1, "not UTF-8" },
	{ "ok\n{{>wrong}}", 2, 3, "'missing' is not in the results" },
};

static void test_errors(void **state)
{
	static const char data[] = "{\"name\":\"n\",\"obj\":{\"inner\":1},\"list\":[1],\"unlisted\":3}";

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str out = STR_INIT;
		const struct json *root;

		assert_int_equal(json_read(&root, &mem, view_of(data), "data.json", &e), 0);
		if (template_fill_text(&out, view_of(broken[i].text), "tests/vectors/report/main.md", root,
				       &(struct template_opts){ .strict = true }, &e) == 0)
			fail_msg("'%s' passed", broken[i].text);
		if (!strstr(e.msg, broken[i].says) || e.code != ERR_SPEC || e.line != broken[i].line ||
		    (broken[i].col && e.col != broken[i].col))
			fail_msg("'%s': %s:%u:%u: %s", broken[i].text, e.file, e.line, e.col, e.msg);
		str_release(&out);
		arena_release(&mem);
	}
}

/* 65 sections within one another are refused, 64 are filled. */
static void test_depth(void **state)
{
	(void)state;
	for (size_t n = 64; n <= 65; n++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str text = STR_INIT, out = STR_INIT;
		const struct json *root;

		for (size_t i = 0; i < n; i++)
			str_adds(&text, "{{#x}}");
		str_adds(&text, "deep");
		for (size_t i = 0; i < n; i++)
			str_adds(&text, "{{/x}}");
		assert_int_equal(json_read(&root, &mem, VIEW("{\"x\":true}"), "data.json", &e), 0);
		assert_int_equal(template_fill_text(&out, str_view(&text), "t.md", root,
						    &(struct template_opts){ 0 }, &e),
				 n == 64 ? 0 : -1);
		if (n == 64)
			assert_string_equal(out.p, "deep");
		else
			assert_non_null(strstr(e.msg, "more than 64 sections"));
		str_release(&text);
		str_release(&out);
		arena_release(&mem);
	}
}

/* Of what a template is made: what it names, and what that names. */
static void test_files(void **state)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "main.md",
		  "{{>b}}{{^x}}{{> a }}{{/x}} [all](more.md) [back](report.md) [x](no.md) {{>none}} {{>x/main}}" },
		{ "a.md", "{{>b}} ](more.md" },
		{ "b.md", "[top](main.md#top) [web](https://b.md) [figure](a.svg)" },
		{ "more.md", "[back](report.md) [{{n}}](deep.md)" },
		{ "deep.md", "{{! {{>unseen }}[main](main.md) {{=<% %>=}} <%>late%>" },
		{ "late.md", "{{>main}}" },
		{ "unseen.md", "" },
		{ "report.md", "another template" },
		{ "wrong.md", "\n {{#open}}" },
	};
	static const char *const want[] = { "main.md", "a.md", "b.md", "deep.md", "late.md", "more.md" };
	const char *dir = scratch_new("template"), **got;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		scratch_text(arena_fmt(&mem, "%s/%s", dir, files[i].name), files[i].text);
	if (template_files(&got, &n, &mem, arena_fmt(&mem, "%s/main.md", dir), "report.md", &e) < 0)
		fail_msg("%s:%u:%u: %s", e.file, e.line, e.col, e.msg);
	assert_int_equal(n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(got[i], arena_fmt(&mem, "%s/%s", dir, want[i]));
	assert_int_equal(template_files(&got, &n, &mem, arena_fmt(&mem, "%s/wrong.md", dir), "report.md", &e),
			 -1);
	assert_int_equal(e.code, ERR_SPEC);
	assert_int_equal(e.line, 2);
	assert_int_equal(template_files(&got, &n, &mem, arena_fmt(&mem, "%s/no.md", dir), "report.md", &e),
			 -1);
	assert_int_equal(e.code, ERR_INPUT);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mustache), cmocka_unit_test(test_escape), cmocka_unit_test(test_strict),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_depth),	cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
