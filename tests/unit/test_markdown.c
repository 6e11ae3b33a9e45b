#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/markdown.h"

#include <string.h>

/* A tree as text: heading=h, paragraph=p, ..., each with its children in brackets; words in quotes. */
static const char *const names[] = {
	[NODE_DOCUMENT] = "doc", [NODE_HEADING] = "h",	   [NODE_PARAGRAPH] = "p", [NODE_LIST] = "list",
	[NODE_ITEM] = "item",	 [NODE_TABLE] = "table",   [NODE_ROW] = "row",	   [NODE_CELL] = "cell",
	[NODE_BLOCK] = "block",	 [NODE_QUOTE] = "quote",   [NODE_RULE] = "rule",   [NODE_TEXT] = "",
	[NODE_EMPHASIS] = "em",	 [NODE_STRONG] = "strong", [NODE_STRIKE] = "del",  [NODE_CODE] = "code",
	[NODE_LINK] = "a",	 [NODE_IMAGE] = "img",	   [NODE_BREAK] = "br",
};

static void dump(struct str *out, const struct node *n)
{
	if (n->kind == NODE_TEXT) {
		str_addf(out, "'%.*s'", (int)n->text.n, n->text.p);
		return;
	}
	str_adds(out, names[n->kind]);
	if (n->level)
		str_addf(out, "%u", n->level);
	if (n->target.n)
		str_addf(out, "<%.*s>", (int)n->target.n, n->target.p);
	if (n->kind == NODE_CELL)
		str_addc(out, "lcr"[n->align]);
	str_addc(out, '(');
	if (n->kind == NODE_BLOCK)
		str_addf(out, "'%.*s'", (int)n->text.n, n->text.p);
	for (const struct node *child = n->first; child; child = child->next) {
		if (child != n->first && (child->kind != NODE_TEXT || child->parent->kind != NODE_PARAGRAPH))
			str_addc(out, ' ');
		dump(out, child);
	}
	str_addc(out, ')');
}

static const struct {
	const char *in, *want;
} cases[] = {
	{ "", "doc()" },
	{ "a *b* **c** ~~d~~ `e`", "doc(p('a ' em('b')' ' strong('c')' ' del('d')' ' code('e')))" },
	{ "# A\n\n## A\n\n### A\n\n# A-1", "doc(h1<a>('A') h2<a-1>('A') h3<a-2>('A') h1<a-1>('A-1'))" },
	{ "- a\n- b\n  - c\n- d", "doc(list(item(p('a')) item(p('b') list(item(p('c')))) item(p('d'))))" },
	{ "- *a* b\n\n- c", "doc(list(item(p(em('a')' b')) item(p('c'))))" },
	{ "3. a\n4. b", "doc(list3(item(p('a')) item(p('b'))))" },
	{ "0. a", "doc(list1(item(p('a'))))" },
	{ "|a|b|\n|:--|--:|\n|c|d|", "doc(table2(row(celll('a') cellr('b')) row(celll('c') cellr('d'))))" },
	{ "|a|\n|:-:|\n|`x\\|y`|", "doc(table1(row(cellc('a')) row(cellc(code('x|y')))))" },
	{ "`x\\|y`", "doc(p(code('x\\|y')))" },
	{ "```c\na\n\n b\n```", "doc(block('a\n\n b\n'))" },
	{ "> a\n> > b", "doc(quote(p('a') quote(p('b'))))" },
	{ "a\n\n---\n\nb", "doc(p('a') rule() p('b'))" },
	{ "[a](b \"c\") ![d](e&amp;f.svg)", "doc(p(a<b>('a')' ' img<e&f.svg>('d')))" },
	{ "<b>x</b> <!-- y -->", "doc(p('<b>x</b> <!-- y -->'))" },
	{ "<div>\nx\n</div>", "doc(p('<div>'' ''x'' ''</div>'))" },
	{ "&lt;&#65;&#x42;&nbsp;&unknown; &#0; &#xD800;",
	  "doc(p('<''A''B''\u00a0''&unknown;'' ''\ufffd'' ''\ufffd'))" },
	{ "a  \nb\\\nc\nd", "doc(p('a' br()'b' br()'c'' ''d'))" },
	{ "\\# \\* \\|", "doc(p('# * |'))" },
	{ "[link]: /x\n\n[link]", "doc(p(a</x>('link')))" },
};

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str out = STR_INIT, want = STR_INIT, got = STR_INIT;
		struct node *root;

		assert_int_equal(markdown_read(&root, &mem, view_of(cases[i].in), "t.md", &e), 0);
		dump(&out, root);
		/* how a text is cut into pieces does not matter */
		for (const char *p = out.p; *p; p += p[0] == '\'' && p[1] == '\'' ? 2 : 1)
			if (p[0] != '\'' || p[1] != '\'')
				str_addc(&got, *p);
		for (const char *p = cases[i].want; *p; p += p[0] == '\'' && p[1] == '\'' ? 2 : 1)
			if (p[0] != '\'' || p[1] != '\'')
				str_addc(&want, *p);
		if (!view_eq(str_view(&got), str_view(&want)))
			fail_msg("'%s'\ngot  %s\nwant %s", cases[i].in, got.p, want.p);
		str_release(&out);
		str_release(&want);
		str_release(&got);
		arena_release(&mem);
	}
}

static void test_slugs(void **state)
{
	static const struct {
		const char *words, *slug;
	} slugs[] = {
		{ "Finding F1", "finding-f1" },
		{ "What's new, and why?", "whats-new-and-why" },
		{ "a_b  c-d", "a_b--c-d" },
		{ "\u00dcber \u6a21\u578b \u2013 x", "\u00dcber-\u6a21\u578b--x" },
		{ "(1) 100 %", "1-100-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++) {
		struct str s = STR_INIT;

		markdown_slug(&s, view_of(slugs[i].words));
		assert_string_equal(s.p, slugs[i].slug);
		str_release(&s);
	}
}

/* Nesting without end is refused, not walked. */
static void test_depth(void **state)
{
	(void)state;
	for (size_t n = 10; n <= 20000; n *= 2000) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str text = STR_INIT;
		struct node *root;

		for (size_t i = 0; i < n; i++)
			str_adds(&text, "> ");
		str_adds(&text, "x");
		assert_int_equal(markdown_read(&root, &mem, str_view(&text), "t.md", &e), n > 60 ? -1 : 0);
		if (n > 60)
			assert_non_null(strstr(e.msg, "more than 64 blocks"));
		str_release(&text);
		arena_release(&mem);
	}
}

static void test_words(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct str s = STR_INIT;
	struct node *root;

	(void)state;
	assert_int_equal(markdown_read(&root, &mem, VIEW("# a *b `c`* [d](e)\n\nno"), "t.md", &e), 0);
	markdown_words(&s, root->first);
	assert_string_equal(s.p, "a b c d");
	str_release(&s);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_slugs),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
