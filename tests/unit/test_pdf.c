#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/map.h"
#include "report/paper.h"
#include "report/render.h"
#include "tests/support/faces.h"
#include "tests/support/fault.h"
#include "tests/support/prop.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <string.h>

/* Documents set on paper: what must hold of any page, then what the file holds. */

static const struct paper_info info = {
	.title = "Title \u00fc\u6a21",
	.author = "author",
	.subject = "subject",
	.keywords = "k, l",
	.head_left = "left",
	.head_right = "right",
	.date = "2026-01-31T12:00:00Z",
};

static int set(struct paper *out, struct arena *mem, const struct fonts *f, struct view text, struct err *e)
{
	struct flow flow = { .mem = mem, .fonts = f };
	struct node *root;

	if (markdown_read(&root, mem, text, "t.md", e) < 0)
		return -1;
	flow_add(&flow, root, VIEW("t.md"), PAPER_X, PAPER_WIDTH);
	return paper_make(out, mem, &flow, &info, e);
}

static bool overlap(const struct mark *a, const struct mark *b)
{
	double size = a->size < b->size ? a->size : b->size, dy = a->y > b->y ? a->y - b->y : b->y - a->y;
	const double slack = 0.3;

	return dy < size * 0.8 && a->x + slack < b->x + b->w && b->x + slack < a->x + a->w;
}

/* Nothing beyond the column or the page, no word on another. NULL, or what is wrong. */
static const char *look_at(const struct paper *p)
{
	static char wrong[512];

	for (size_t n = 0; n < p->n_pages; n++) {
		const struct scene *s = &p->page[n].scene;

		for (size_t i = 0; i < s->n; i++) {
			const struct mark *m = &s->mark[i];

			if (m->x < PAPER_X - 1.5 || m->x + m->w > PAPER_X + PAPER_WIDTH + 1.5 || m->y < 36 ||
			    m->y + m->h > 810) {
				snprintf(wrong, sizeof(wrong),
					 "page %zu: '%.*s' at %.1f, %.1f is %.1f wide and leaves the column",
					 n + 1, (int)m->text.n, m->text.p ? m->text.p : "", m->x, m->y, m->w);
				return wrong;
			}
			for (size_t k = 0; k < i && m->kind == MARK_WORD; k++) {
				if (s->mark[k].kind != MARK_WORD || !overlap(m, &s->mark[k]))
					continue;
				snprintf(wrong, sizeof(wrong), "page %zu: '%.*s' stands on '%.*s'", n + 1,
					 (int)m->text.n, m->text.p, (int)s->mark[k].text.n,
					 s->mark[k].text.p);
				return wrong;
			}
		}
	}
	return NULL;
}

static void add_words(struct str *out, struct rng r, size_t from, size_t n)
{
	static const char *const words[] = {
		"word",
		"a",
		"**strong**",
		"*weak*",
		"`code span`",
		"[link](#first)",
		"[web](https://example.org)",
		"\u6a21\u578b\u5ba1\u8ba1",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
		"\u0416\u0438\u0437\u043d\u044c",
		"~~gone~~",
		"it/is/a/path_that.goes-on=1,2",
		"\U0001F600",
		"x",
		"\\|",
		"lantern",
		"of",
	};

	for (size_t i = 0; i < n; i++) {
		str_adds(out, i ? " " : "");
		str_adds(out, words[rng_below(r, from + i, sizeof(words) / sizeof(words[0]))]);
	}
}

static void add_table(struct str *out, struct rng r)
{
	size_t columns = 1 + rng_below(r, 1, 9), rows = rng_below(r, 2, 40);

	for (size_t i = 0; i < rows + 2; i++) {
		for (size_t k = 0; k < columns; k++) {
			str_adds(out, "| ");
			if (i == 1)
				str_adds(out, k % 2 ? "--:" : ":--");
			else
				add_words(out, r, 1000 * i + 40 * k + 10,
					  rng_below(r, 100 * i + k, i == 7 ? 30 : 4));
		}
		str_adds(out, "|\n");
	}
}

/* A block of any kind. */
static void add_block(struct str *out, struct rng r)
{
	switch (rng_below(r, 0, 9)) {
	case 0:
		str_addf(out, "%.*s ", (int)(1 + rng_below(r, 1, 4)), "#####");
		add_words(out, r, 2, 1 + rng_below(r, 3, 9));
		break;
	case 1: add_table(out, r); break;
	case 2:
		str_adds(out, "> [!WARNING]\n> ");
		add_words(out, r, 2, 40);
		str_adds(out, "\n>\n> - a\n> - ");
		add_words(out, r, 80, 20);
		break;
	case 3:
		for (size_t i = 0; i < 6; i++) {
			str_adds(out, i % 3 ? "  - " : "- ");
			add_words(out, r, 2 + 20 * i, 1 + rng_below(r, 500 + i, 20));
			str_adds(out, "\n");
		}
		break;
	case 4:
		str_adds(out, "```\n");
		for (size_t i = 0; i < rng_below(r, 1, 90); i++)
			str_addf(out, "%zu %*s end of a line that is not always the same\n", i,
				 (int)rng_below(r, i + 2, 90), "x");
		str_adds(out, "```");
		break;
	case 5:
		str_adds(
			out,
			"- [First](#first)\n  - [First, again, by a name that is as long as a name can be, and then some more of "
			"it so that it wraps](#first)");
		break;
	case 6: str_adds(out, "---"); break;
	default: add_words(out, r, 2, 1 + rng_below(r, 1, 120));
	}
	str_adds(out, "\n\n");
}

static const char *sets_well(struct rng r, void *ud)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT;
	struct err e = ERR_INIT;
	struct paper p;
	size_t n = 1 + rng_below(r, 0, 25);
	const char *wrong;

	str_adds(&text, "# First\n\n");
	for (size_t i = 0; i < n; i++)
		add_block(&text, rng_stream(rng_u64(r, i + 1), "block", i));
	if (set(&p, &mem, ud, str_view(&text), &e) < 0)
		fail_msg("%s", e.msg);
	wrong = look_at(&p);
	if (wrong)
		print_error("%s\n", text.p);
	str_release(&text);
	arena_release(&mem);
	return wrong;
}

static void test_any_document(void **state)
{
	prop_for("pages hold their text", 60, sets_well, *state);
}

/* The words of a page from top to bottom. */
static void words_of(struct str *out, const struct page *p)
{
	str_clear(out);
	for (size_t i = 0; i < p->scene.n; i++) {
		if (p->scene.mark[i].kind == MARK_WORD)
			str_addf(out, "%.*s\n", (int)p->scene.mark[i].text.n, p->scene.mark[i].text.p);
	}
}

/* How often `word` begins one of the words of a page. */
static size_t count_words(const struct page *p, struct view word)
{
	size_t n = 0;

	for (size_t i = 0; i < p->scene.n; i++)
		n += p->scene.mark[i].kind == MARK_WORD && view_starts(p->scene.mark[i].text, word.p);
	return n;
}

/* A table somewhere on a page, its rows of so many lines: how few of its rows a page has that has any. */
static size_t least_company(const struct fonts *f, size_t rows, size_t lines)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT;
	struct err e = ERR_INIT;
	struct paper p;
	size_t least = rows;

	for (size_t i = 0; i < 7 * rows % 36; i++)
		str_adds(&text, "filler\n\n");
	str_adds(&text, "| head | b |\n|---|---|\n");
	for (size_t i = 0; i < rows; i++) {
		str_addf(&text, "| row%zu |", i);
		/* no two of these go on a line */
		for (size_t k = 0; k < lines; k++)
			str_addf(&text, " %060d", 0);
		str_adds(&text, " |\n");
	}
	assert_int_equal(set(&p, &mem, f, str_view(&text), &e), 0);
	for (size_t i = 0; i < p.n_pages; i++) {
		size_t n = count_words(&p.page[i], VIEW("row"));

		if (n > 0 && n < least)
			least = n;
	}
	arena_release(&mem);
	str_release(&text);
	return least;
}

/* No page has fewer than three rows of a table, or two where rows are of several lines, wherever it begins and however
 * long it is. */
static void test_company(void **state)
{
	for (size_t rows = 3; rows < 120; rows++) {
		size_t least = least_company(*state, rows, 1);

		if (least < 3)
			fail_msg("%zu rows: a page has %zu of them", rows, least);
	}
	for (size_t rows = 2; rows < 40; rows++) {
		for (size_t lines = 2; lines < 8; lines++) {
			size_t least = least_company(*state, rows, lines);

			if (least < 2)
				fail_msg("%zu rows of %zu lines: a page has %zu of them", rows, lines, least);
		}
	}
}

/* A heading and the line under it stand on the page of what they are the title of. */
static void test_title(void **state)
{
	for (size_t fill = 0; fill < 60; fill++) {
		struct arena mem = ARENA_INIT;
		struct str text = STR_INIT;
		struct err e = ERR_INIT;
		struct paper p;

		for (size_t i = 0; i < fill; i++)
			str_adds(&text, "filler\n\n");
		str_adds(&text, "## Head\n\n**title**\n\nlead\n\n| a |\n|---|\n| first |\n| second |\n");
		assert_int_equal(set(&p, &mem, *state, str_view(&text), &e), 0);
		for (size_t i = 0; i < p.n_pages; i++) {
			if (count_words(&p.page[i], VIEW("title")) != count_words(&p.page[i], VIEW("Head")) ||
			    count_words(&p.page[i], VIEW("title")) != count_words(&p.page[i], VIEW("first")))
				fail_msg("%zu lines before: page %zu parts a title from its table", fill,
					 i + 1);
		}
		arena_release(&mem);
		str_release(&text);
	}
}

static void test_pages(void **state)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT, words = STR_INIT;
	struct err e = ERR_INIT;
	struct paper p;

	str_adds(&text, "# First\n\n- [Last](#last)\n\n| head | b |\n|---|---|\n");
	for (int i = 0; i < 142; i++)
		str_addf(&text, "| row%d | x |\n", i);
	for (int i = 0; i < 14; i++)
		str_adds(&text, "\nfiller\n");
	str_adds(&text, "\n## Last\n\nthe end\n");
	assert_int_equal(set(&p, &mem, *state, str_view(&text), &e), 0);
	assert_int_equal(p.n_pages, 4);
	for (size_t i = 0; i < 3; i++) {
		words_of(&words, &p.page[i]);
		assert_non_null(strstr(words.p, "head\n"));
	}
	words_of(&words, &p.page[1]);
	assert_non_null(strstr(words.p, "page 2 of 4\n"));
	words_of(&words, &p.page[0]);
	assert_non_null(strstr(words.p, "\n4\n"));
	/* the heading came with what follows it, and the contents lead there */
	words_of(&words, &p.page[3]);
	assert_non_null(strstr(words.p, "Last\n"));
	assert_non_null(strstr(words.p, "the end\n"));
	assert_int_equal(p.n_bookmarks, 2);
	assert_int_equal(p.bookmark[1].page, 3);
	assert_int_equal(p.page[0].n_jumps, 1);
	assert_int_equal(p.page[0].jump[0].page, 3);
	str_release(&text);
	str_release(&words);
	arena_release(&mem);
}

static void test_dead_links(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct paper p;

	assert_int_equal(set(&p, &mem, *state, VIEW("[x](#nowhere)"), &e), -1);
	assert_int_equal(e.code, ERR_SPEC);
	assert_string_equal(e.msg, "the document links to '#nowhere', and there is no such heading");
	assert_int_equal(set(&p, &mem, *state, VIEW("- [x](#nowhere)"), &e), -1);
	assert_int_equal(set(&p, &mem, *state, VIEW("[x](other.md)"), &e), -1);
	assert_int_equal(set(&p, &mem, *state, VIEW("[x](t.md) [y](figures/z.svg) [z](http://a.b)"), &e), 0);
	assert_int_equal(p.page[0].n_jumps, 2);
	arena_release(&mem);
}

struct job {
	const struct paper *p;
	char path[300];
};

static int write_it(void *ud, struct err *e)
{
	struct job *j = ud;

	return paper_pdf(j->p, j->path, e);
}

static const char sample[] =
	"# Caf\u00e9 \u6a21\u578b \ud55c\uad6d\n\n\u1ebf \u1e69 \u01d6 **b** *i* `m` [a](#caf\u00e9-\u6a21\u578b-\ud55c\uad6d) "
	"[w](https://example.org) \u2192\n\n## Two\n\n| a |\n|---|\n| b |\n";

static bool holds(struct view text, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= text.n; i++)
		if (!memcmp(text.p + i, what, n))
			return true;
	return false;
}

static void test_file(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct digest one, two;
	struct paper p;
	struct job j = { .p = &p };
	struct view text;

	assert_int_equal(set(&p, &mem, *state, view_of(sample), &e), 0);
	snprintf(j.path, sizeof(j.path), "%s/x.pdf", scratch_new("pdf"));
	assert_int_equal(write_it(&j, &e), 0);
	assert_int_equal(digest_file(&one, NULL, j.path, &e), 0);
	assert_int_equal(write_it(&j, &e), 0);
	assert_int_equal(digest_file(&two, NULL, j.path, &e), 0);
	assert_true(digest_eq(one, two));
	assert_int_equal(file_read(&text, &mem, j.path, SIZE_MAX, &e), 0);
	assert_true(view_starts(text, "%PDF-1."));
	assert_true(text.n < 600000);
	assert_true(holds(text, "/CreationDate (D:20260131120000+00'00')"));
	assert_false(holds(text, "/ID"));
	/* without a date there is none: the clock is not asked */
	p.info.date = NULL;
	assert_int_equal(write_it(&j, &e), 0);
	assert_int_equal(file_read(&text, &mem, j.path, SIZE_MAX, &e), 0);
	assert_false(holds(text, "Date"));
	p.info.date = "yesterday";
	assert_int_equal(write_it(&j, &e), 0);
	assert_int_equal(file_read(&text, &mem, j.path, SIZE_MAX, &e), 0);
	assert_false(holds(text, "Date"));
	arena_release(&mem);
}

static void test_faults(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct paper p;
	struct job j = { .p = &p };

	assert_int_equal(set(&p, &mem, *state, VIEW("a"), &e), 0);
	snprintf(j.path, sizeof(j.path), "%s/x.pdf", scratch_new("pdf-faults"));
	assert_true(sweep_io(write_it, NULL, &j) > 0);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_document), cmocka_unit_test(test_company),
		cmocka_unit_test(test_title),	     cmocka_unit_test(test_pages),
		cmocka_unit_test(test_dead_links),   cmocka_unit_test(test_file),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, faces_open, faces_close);
}
