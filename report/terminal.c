#include "report/terminal.h"

#include <string.h>

struct terminal {
	struct str *out;
	bool colour;
};

/* Characters, which on a terminal are columns for the scripts that labels are mostly in. */
static size_t columns(struct view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
	return n;
}

/* The bytes of the first n characters. */
static size_t bytes_of(struct view v, size_t n)
{
	size_t i = 0;

	for (; i < v.n; i++)
		if (((unsigned char)v.p[i] & 0xC0) != 0x80 && n-- == 0)
			break;
	return i;
}

/* Words put into lines; `first` and `rest` stand before the first line and the others. */
static void put_wrapped(struct terminal *t, struct view text, const char *first, const char *rest)
{
	size_t room = TERMINAL_WIDTH - strlen(rest), used = 0;

	str_adds(t->out, first);
	while (text.n > 0) {
		const char *blank = memchr(text.p, ' ', text.n), *line = memchr(text.p, '\n', text.n);
		const char *end = blank && (!line || blank < line) ? blank : line;
		struct view word = { text.p, end ? (size_t)(end - text.p) : text.n };
		size_t n = columns(word);

		if (used > 0 && used + 1 + n > room) {
			str_addf(t->out, "\n%s", rest);
			used = 0;
		}
		if (n > 0) {
			str_adds(t->out, used ? " " : "");
			str_addv(t->out, word);
			used += n + (used > 0);
		}
		text = end ? (struct view){ end + 1, text.n - word.n - 1 } : (struct view){ text.p, 0 };
	}
	str_addc(t->out, '\n');
}

/* The words without the sign that makes a box of a quote: "[!NOTE]". */
static void put_words(struct terminal *t, const struct node *n, const char *first, const char *rest)
{
	struct str words = STR_INIT;
	struct view v;
	const char *end;

	markdown_words(&words, n);
	v = str_view(&words);
	end = v.n > 2 && view_starts(v, "[!") ? memchr(v.p, ']', v.n) : NULL;
	if (end)
		v = (struct view){ end + 1, v.n - (size_t)(end + 1 - v.p) };
	put_wrapped(t, v, first, rest);
	str_release(&words);
}

/* ---- tables ---- */

enum { MOST_COLUMNS = 16 };

/* A cell's words, one line of at most TERMINAL_CELL characters. */
static void cell_text(struct str *out, const struct node *cell)
{
	struct view v;

	str_clear(out);
	markdown_words(out, cell);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] == '\n')
			out->p[i] = ' ';
	v = str_view(out);
	if (columns(v) > TERMINAL_CELL) {
		out->n = bytes_of(v, TERMINAL_CELL - 3);
		str_adds(out, "...");
	}
}

static void measure(size_t width[MOST_COLUMNS], const struct node *table)
{
	struct str text = STR_INIT;

	for (const struct node *row = table->first; row; row = row->next) {
		size_t i = 0;

		for (const struct node *cell = row->first; cell && i < MOST_COLUMNS; cell = cell->next, i++) {
			size_t n;

			cell_text(&text, cell);
			n = columns(str_view(&text));
			width[i] = n > width[i] ? n : width[i];
		}
	}
	str_release(&text);
}

static void pad(struct str *out, size_t n)
{
	while (n-- > 0)
		str_addc(out, ' ');
}

static void put_row(struct terminal *t, const struct node *row, const size_t width[MOST_COLUMNS])
{
	struct str text = STR_INIT, line = STR_INIT;
	size_t i = 0;

	for (const struct node *cell = row->first; cell && i < MOST_COLUMNS; cell = cell->next, i++) {
		size_t left, n;

		cell_text(&text, cell);
		n = width[i] - columns(str_view(&text));
		left = cell->align == NODE_RIGHT ? n : 0;
		pad(&line, left + (i > 0 ? 2 : 0));
		str_addv(&line, str_view(&text));
		pad(&line, n - left);
	}
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.n--;
	str_addv(t->out, str_view(&line));
	str_addc(t->out, '\n');
	str_release(&line);
	str_release(&text);
}

static void put_table(struct terminal *t, const struct node *table)
{
	size_t width[MOST_COLUMNS] = { 0 };

	measure(width, table);
	for (const struct node *row = table->first; row; row = row->next) {
		put_row(t, row, width);
		if (!row->head || !row->next || row->next->head)
			continue;
		for (size_t i = 0; i < MOST_COLUMNS && width[i]; i++) {
			str_adds(t->out, i ? "  " : "");
			for (size_t k = 0; k < width[i]; k++)
				str_addc(t->out, '-');
		}
		str_addc(t->out, '\n');
	}
}

/* ---- blocks ---- */

static void put_blocks(struct terminal *t, const struct node *parent, const char *before);

static void put_list(struct terminal *t, const struct node *list, const char *before)
{
	bool quoted = before[0] != '\0';

	for (const struct node *item = list->first; item; item = item->next)
		put_words(t, item, quoted ? "| - " : "- ", quoted ? "|   " : "  ");
}

static void put_heading(struct terminal *t, const struct node *n)
{
	size_t start = t->out->n;

	str_adds(t->out, t->colour ? "\033[1m" : "");
	put_words(t, n, "", "");
	if (t->colour) {
		t->out->n--;
		str_adds(t->out, "\033[0m\n");
	} else if (n->level <= 2) {
		size_t width = columns((struct view){ t->out->p + start, t->out->n - start - 1 });

		for (size_t i = 0; i < width && i < TERMINAL_WIDTH; i++)
			str_addc(t->out, n->level == 1 ? '=' : '-');
		str_addc(t->out, '\n');
	}
}

static void put_block(struct terminal *t, const struct node *n, const char *before)
{
	switch (n->kind) {
	case NODE_HEADING: put_heading(t, n); break;
	case NODE_TABLE: put_table(t, n); break;
	case NODE_LIST: put_list(t, n, before); break;
	case NODE_QUOTE: put_blocks(t, n, "| "); break;
	case NODE_BLOCK: str_addv(t->out, n->text); break;
	case NODE_RULE: break;
	default: put_words(t, n, before, before); break;
	}
}

static void put_blocks(struct terminal *t, const struct node *parent, const char *before)
{
	for (const struct node *n = parent->first; n; n = n->next) {
		if (n != parent->first)
			str_addf(t->out, "%s\n", before);
		put_block(t, n, before);
	}
}

void terminal_put(struct str *out, const struct node *root, bool colour)
{
	struct terminal t = { .out = out, .colour = colour };

	put_blocks(&t, root, "");
}
