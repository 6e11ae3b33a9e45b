#include "flow/problems.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

enum { LINE_SHOWN = 160 };

void problems_add(struct problems *p, const struct err *e)
{
	if (p->n == PROBLEMS_MAX) {
		p->more++;
		return;
	}
	p->item = mem_grow(p->item, &p->cap, p->n + 1, sizeof(*p->item));
	p->item[p->n++] = *e;
}

static bool after(const struct err *a, const struct err *b)
{
	return a->line != b->line ? a->line > b->line : a->col > b->col;
}

void problems_sort(struct problems *p)
{
	for (size_t i = 1; i < p->n; i++) {
		struct err e = p->item[i];
		size_t j = i;

		for (; j > 0 && after(&p->item[j - 1], &e); j--)
			p->item[j] = p->item[j - 1];
		p->item[j] = e;
	}
}

/* Line `line` (from 1) of a text, without its end; empty where there is none. */
static struct view line_of(struct view text, unsigned line)
{
	const char *p = text.p, *end = text.p + text.n, *stop;

	if (view_starts(text, "\xef\xbb\xbf"))
		p += 3;
	for (; p < end && line > 1; line--) {
		const char *next = memchr(p, '\n', (size_t)(end - p));

		p = next ? next + 1 : end;
	}
	stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	if (!stop)
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	return (struct view){ p, (size_t)(stop - p) };
}

/* One character of v at `at`, fit for a terminal; how many bytes it took. */
static size_t put_char(struct view v, size_t at, FILE *f)
{
	uint32_t cp;
	size_t n = utf8_decode(&cp, v.p + at, v.n - at);

	if (n == 0 || (cp < 0x20 && cp != '\t') || (cp >= 0x7f && cp < 0xa0))
		fputc('?', f);
	else
		(void)fwrite(v.p + at, 1, n, f);
	return n ? n : 1;
}

/* Where character i of v begins; v.n where it has fewer. */
static size_t byte_of(struct view v, size_t i)
{
	size_t at = 0;
	uint32_t cp;

	for (; i > 0 && at < v.n; i--) {
		size_t n = utf8_decode(&cp, v.p + at, v.n - at);

		at += n ? n : 1;
	}
	return at;
}

/* The line, and under it a caret at column `col`; a long line is cut to a piece around the place. */
static void show_place(struct view text, unsigned line, unsigned col, FILE *f)
{
	struct view v = line_of(text, line);
	size_t first = col > LINE_SHOWN / 2 ? col - LINE_SHOWN / 2 : 0;
	size_t at = byte_of(v, first), shown = 0;

	fputs("    ", f);
	for (size_t i = at; i < v.n && shown < LINE_SHOWN; shown++)
		i += put_char(v, i, f);
	fputs("\n    ", f);
	for (size_t i = first; i + 1 < col; i++) {
		fputc(at < v.n && v.p[at] == '\t' ? '\t' : ' ', f);
		at += byte_of((struct view){ v.p + at, v.n - at }, 1);
	}
	fputs("^\n", f);
}

void problems_print(const struct problems *p, struct view text, FILE *f)
{
	size_t n = p->n + p->more;

	for (size_t i = 0; i < p->n; i++) {
		err_print(&p->item[i], f);
		if (p->item[i].line > 0 && text.n > 0)
			show_place(text, p->item[i].line, p->item[i].col ? p->item[i].col : 1, f);
	}
	if (p->more)
		fprintf(f, "... and %zu more\n", p->more);
	if (n > 1 || (n == 1 && p->item[0].line > 0))
		fprintf(f, "%zu problem%s\n", n, n == 1 ? "" : "s");
}

enum err_code problems_code(const struct problems *p)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < p->n; i++)
		if (p->item[i].code > code)
			code = p->item[i].code;
	return code;
}

void problems_release(struct problems *p)
{
	mem_free(p->item);
	*p = (struct problems)PROBLEMS_INIT;
}
