#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/font.h"
#include "report/markdown.h"
#include "report/template.h"
#include "tests/support/prop.h"

#include <stdio.h>
#include <string.h>

/*
 * Whatever a value holds, the document keeps its shape and shows the value: the tree of a document filled with a
 * nasty value is the tree of the same filled with a plain word, and where the word stood stands the value, spelled.
 */

static const char document[] =
	"# {{x}}\n\n{{x}}\n\nText {{x}} text **{{x}}** and *{{x}}* [{{x}}](#a) `{{x}}` end\n\n"
	"| a | b |\n|:--|--:|\n| {{x}} | k`{{x}}`k |\n| **{{x}}** | [{{x}}](f/{{x}}.svg) |\n\n"
	"- {{x}}\n- a {{x}}\n  - {{x}}\n1. {{x}}\n\n> {{x}}\n>\n> - {{x}}\n\nword\n{{x}}\n\n"
	"```\n{{x}}\n```\n\n> ~~~\n> {{x}}\n> ~~~\n\nlast {{x}}\n";

/* Pieces that mean something to Markdown, to GitHub or to nobody. */
static const char *const pieces[] = {
	"*",
	"_",
	"`",
	"``",
	"```",
	"~",
	"~~",
	"|",
	"\\",
	"\\|",
	"[",
	"]",
	"(",
	")",
	"](",
	"![",
	"<",
	">",
	"<b>",
	"</b>",
	"<!--",
	"&",
	"&amp;",
	"&#35;",
	"#",
	"##",
	"# ",
	"- ",
	"-",
	"---",
	"+ ",
	"* ",
	"1. ",
	"12) ",
	"=",
	"===",
	":",
	":--",
	"--:",
	"| a |",
	"|---|",
	"\n",
	"\n\n",
	"\r",
	"\t",
	" ",
	"  ",
	"    ",
	"word",
	"a",
	"1",
	"$",
	"$$",
	"@",
	"@b",
	"http://a.b",
	"www.c.d",
	"!",
	"?",
	".",
	",",
	"\"",
	"'",
	"{{",
	"}}",
	"%",
	"^",
	"[^1]",
	"\u00e9",
	"\u00a0",
	"\u4e2d\u6587",
	"\U0001F600",
	"\u202e",
	"\u200b",
	"\ufeff",
	"\u0915",
	"\u2028",
	"\v",
	"\x1b",
	"[!NOTE]",
	"~~~",
	"```c",
	"<a@b.c>",
};

/* Kinds and shape of a tree; texts are left out. Runs of texts count as one, and so does none of it. */
static void shape(struct str *out, const struct node *root)
{
	for (const struct node *n = root->first; n; n = markdown_next(root, n)) {
		if (n->kind == NODE_TEXT)
			continue;
		for (const struct node *p = n->parent; p; p = p->parent)
			str_addc(out, ' ');
		str_addf(out, "%d %u %d\n", (int)n->kind, n->level, (int)n->align);
	}
}

/* How often `what` stands in the words of the document, blanks counted as one. */
static size_t count(const struct node *root, struct view what)
{
	struct str words = STR_INIT, plain = STR_INIT;
	size_t n = 0;
	const char *at;

	for (const struct node *each = root->first; each; each = markdown_next(root, each)) {
		if (each->kind != NODE_TEXT && each->kind != NODE_BLOCK)
			str_addc(&words, '\f');
		str_addv(&words, each->text);
	}
	for (size_t i = 0; i < words.n; i++)
		if (words.p[i] != ' ' && words.p[i] != '\n')
			str_addc(&plain, words.p[i]);
	for (at = plain.p; at && (at = strstr(at, what.p)); at += what.n)
		n++;
	str_release(&words);
	str_release(&plain);
	return n;
}

static void squeeze(struct str *out, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ')
			str_addc(out, v.p[i]);
}

static const struct node *fill(struct arena *mem, struct view value, struct str *text)
{
	struct str quoted = STR_INIT;
	struct json_out j = JSON_TO_STR(&quoted);
	struct err e = ERR_INIT;
	const struct json *data;
	struct node *root;

	json_open(&j, NULL, '{');
	json_put_str(&j, "x", value);
	json_close(&j, '}');
	str_clear(text);
	if (json_read(&data, mem, str_view(&quoted), "data", &e) < 0 ||
	    template_fill_text(text, view_of(document), "t.md", data, &(struct template_opts){ 0 }, &e) < 0 ||
	    markdown_read(&root, mem, str_view(text), "t.md", &e) < 0)
		fail_msg("%s", e.msg);
	str_release(&quoted);
	return root;
}

static void draw_value(struct str *value, struct rng r)
{
	size_t n = 1 + rng_below(r, 0, 7);

	for (size_t i = 0; i < n; i++)
		str_adds(value, pieces[rng_below(r, i + 1, sizeof(pieces) / sizeof(pieces[0]))]);
}

static const char *keeps_shape(struct rng r, void *ud)
{
	static char wrong[4096];
	struct arena mem = ARENA_INIT;
	struct str value = STR_INIT, plain = STR_INIT, text = STR_INIT, want = STR_INIT, got = STR_INIT,
		   spelled = STR_INIT;
	struct str look = STR_INIT;
	size_t words, seen;

	(void)ud;
	draw_value(&value, r);
	/* this alone no span of code in a table can hold: there it becomes plain text */
	if (strstr(value.p, "\\|")) {
		str_release(&value);
		return NULL;
	}
	shape(&want, fill(&mem, VIEW("word"), &plain));
	shape(&got, fill(&mem, str_view(&value), &text));
	fonts_spell(&spelled, NULL, str_view(&value));
	squeeze(&look, str_view(&spelled));
	words = count(fill(&mem, VIEW("word0"), &plain), VIEW("word0"));
	/* code blocks keep line feeds as they are, so a value of lines stands two times less */
	seen = look.n ? count(fill(&mem, str_view(&value), &text), str_view(&look)) : words;
	if (memchr(value.p, '\n', value.n))
		words -= 2;
	wrong[0] = '\0';
	if (look.n && (got.n != want.n || strcmp(got.p, want.p)))
		snprintf(wrong, sizeof(wrong), "the value [%s] changed the shape of\n%s\nto\n%s", value.p,
			 text.p, got.p);
	else if (seen < words)
		snprintf(wrong, sizeof(wrong), "the value [%s] is seen %zu times of %zu in\n%s", value.p,
			 seen, words, text.p);
	str_release(&value);
	str_release(&plain);
	str_release(&text);
	str_release(&want);
	str_release(&got);
	str_release(&spelled);
	str_release(&look);
	arena_release(&mem);
	return wrong[0] ? wrong : NULL;
}

static void test_any_value(void **state)
{
	(void)state;
	prop_for("a value keeps the shape of a document", 3000, keeps_shape, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_value) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
