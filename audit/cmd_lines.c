#include "cmd_lines.h"

#include <errno.h>
#include <string.h>

enum { LINE_BYTES = 1 << 28 };

/* Up to the next line end; false where the input ended before any byte. */
static bool read_line(struct str *s, size_t *number)
{
	int ch = getc(stdin);

	if (ch == EOF)
		return false;
	++*number;
	for (; ch != EOF && ch != '\n'; ch = getc(stdin)) {
		if (s->n == LINE_BYTES)
			break;
		str_addc(s, (char)ch);
	}
	return true;
}

int lines_next(struct view *out, struct lines *l, struct err *e)
{
	if (fflush(stdout) != 0)
		return err_sys(e, "write", "standard output");
	do {
		str_clear(&l->line);
		errno = 0;
		if (!read_line(&l->line, &l->number))
			return ferror(stdin) ? err_sys(e, "read", "standard input") : 0;
		if (l->line.n == LINE_BYTES)
			return err_set(e, ERR_INPUT, "standard input: line %zu has more than %d bytes",
				       l->number, LINE_BYTES);
		*out = str_view(&l->line);
		if (view_ends(*out, "\r"))
			out->n--;
	} while (out->n == 0);
	return 1;
}

int lines_next_json(const struct json **out, struct lines *l, struct arena *mem, struct err *e)
{
	struct view text;
	int rc = lines_next(&text, l, e);

	if (rc <= 0)
		return rc;
	text.p = arena_strdup(mem, text.p, text.n);
	if (json_read(out, mem, text, "standard input", e) < 0) {
		lines_blame(l, e);
		return -1;
	}
	return 1;
}

void lines_blame(const struct lines *l, struct err *e)
{
	if (e->line > 0)
		e->line = (unsigned)l->number;
	else
		err_wrap(e, "standard input, line %zu: ", l->number);
}

void lines_release(struct lines *l)
{
	str_release(&l->line);
}
