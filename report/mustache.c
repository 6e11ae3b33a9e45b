#include "report/mustache.h"

#include <stdbool.h>
#include <string.h>

/* What is being cut, and how far. */
struct cutter {
	struct mustache *m;
	struct arena *mem;
	size_t at, cap;
	struct view open, close; /* the delimiters */
	size_t section[MUSTACHE_DEPTH];
	size_t depth;
};

struct pos mustache_pos(const struct mustache *m, size_t at)
{
	struct pos p = { .file = m->file, .line = 1, .col = 1 };

	for (size_t i = 0; i < at && i < m->text.n; i++) {
		if (m->text.p[i] == '\n') {
			p.line++;
			p.col = 1;
		} else if (((unsigned char)m->text.p[i] & 0xC0) != 0x80) {
			p.col++;
		}
	}
	p.col = p.col > m->indent ? p.col - (unsigned)m->indent : 1;
	return p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static struct view trim(struct view v)
{
	while (v.n && is_space(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n && is_space(v.p[v.n - 1]))
		v.n--;
	return v;
}

/* The first `what` at or after `from`; the text's length where there is none. */
static size_t find(struct view text, size_t from, struct view what)
{
	for (size_t i = from; i + what.n <= text.n; i++)
		if (!memcmp(text.p + i, what.p, what.n))
			return i;
	return text.n;
}

static void add_tag(struct cutter *c, struct tag t)
{
	struct mustache *m = c->m;

	if (m->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct tag *grown = ARENA_ARRAY(c->mem, cap, struct tag);

		if (m->n)
			memcpy(grown, m->tag, m->n * sizeof(*grown));
		m->tag = grown;
		c->cap = cap;
	}
	m->tag[m->n++] = t;
}

static void add_text(struct cutter *c, size_t from, size_t to)
{
	if (to > from)
		add_tag(c, (struct tag){ .kind = TAG_TEXT,
					 .text = { c->m->text.p + from, to - from },
					 .at = from });
}

/* Is the tag at [from, to) alone on its line?  Then *line is where the line begins and *next where the next does. */
static bool stands_alone(struct view text, size_t from, size_t to, size_t *line, size_t *next)
{
	while (from > 0 && is_blank(text.p[from - 1]))
		from--;
	if (from > 0 && text.p[from - 1] != '\n')
		return false;
	*line = from;
	while (to < text.n && is_blank(text.p[to]))
		to++;
	if (to < text.n && text.p[to] == '\r' && to + 1 < text.n && text.p[to + 1] == '\n')
		to++;
	if (to < text.n && text.p[to] != '\n')
		return false;
	*next = to < text.n ? to + 1 : to;
	return true;
}

/* {{=<% %>=}}, without its outer signs */
static int set_delimiters(struct cutter *c, struct view inner, size_t at, struct err *e)
{
	struct view open = trim(inner), close;
	size_t i = 0;

	while (i < open.n && !is_space(open.p[i]))
		i++;
	close = trim((struct view){ open.p + i, open.n - i });
	open.n = i;
	for (size_t k = 0; k < close.n; k++)
		if (is_space(close.p[k]))
			close.n = 0;
	if (!open.n || !close.n || memchr(open.p, '=', open.n) || memchr(close.p, '=', close.n))
		return err_at(e, ERR_SPEC, mustache_pos(c->m, at),
			      "delimiters are two words without '=', such as {{=<%% %%>=}}");
	c->open = open;
	c->close = close;
	return 0;
}

static int close_section(struct cutter *c, struct view name, size_t at, struct err *e)
{
	struct tag *open;

	if (!c->depth)
		return err_at(e, ERR_SPEC, mustache_pos(c->m, at), "{{/%.*s}} closes nothing", (int)name.n,
			      name.p);
	open = &c->m->tag[c->section[--c->depth]];
	if (!view_eq(open->text, name))
		return err_at(e, ERR_SPEC, mustache_pos(c->m, at),
			      "{{/%.*s}} stands where {{/%.*s}} should: line %u opened it", (int)name.n,
			      name.p, (int)open->text.n, open->text.p, mustache_pos(c->m, open->at).line);
	open->end = c->m->n;
	add_tag(c, (struct tag){ .kind = TAG_CLOSE, .text = name, .at = at });
	return 0;
}

static int open_section(struct cutter *c, struct tag t, struct err *e)
{
	if (c->depth == MUSTACHE_DEPTH)
		return err_at(e, ERR_SPEC, mustache_pos(c->m, t.at),
			      "more than %d sections within one another", (int)MUSTACHE_DEPTH);
	c->section[c->depth++] = c->m->n;
	add_tag(c, t);
	return 0;
}

static int check_name(const struct cutter *c, struct view name, size_t at, struct err *e)
{
	if (!name.n)
		return err_at(e, ERR_SPEC, mustache_pos(c->m, at), "a tag without a name");
	for (size_t i = 0; i < name.n; i++)
		if (is_space(name.p[i]))
			return err_at(e, ERR_SPEC, mustache_pos(c->m, at), "a name has no blanks: '%.*s'",
				      (int)name.n, name.p);
	if (name.n > 1 &&
	    (name.p[0] == '.' || name.p[name.n - 1] == '.' || find(name, 0, VIEW("..")) < name.n))
		return err_at(e, ERR_SPEC, mustache_pos(c->m, at), "a dot of '%.*s' has no name beside it",
			      (int)name.n, name.p);
	return 0;
}

/* What the sign after the opening delimiter says; signs without a meaning begin a name. */
static enum tag_kind kind_of(char sign)
{
	switch (sign) {
	case '&':
	case '{': return TAG_RAW;
	case '#': return TAG_SECTION;
	case '^': return TAG_INVERTED;
	case '/': return TAG_CLOSE;
	case '>': return TAG_PARTIAL;
	default: return TAG_VALUE;
	}
}

/* What stands between the delimiters of the tag at `from`, with its signs taken off; *next: behind the tag. */
static int cut_inner(struct view *inner, size_t *next, const struct cutter *c, size_t from, struct err *e)
{
	struct view text = c->m->text;
	size_t start = from + c->open.n, stop = find(text, start, c->close);
	char sign = start < text.n ? text.p[start] : '\0', last = sign == '{' ? '}' : '=';

	/* {{{x}}} ends in one brace more */
	if (sign == '{' && c->close.p[0] == '}' && stop + c->close.n < text.n &&
	    text.p[stop + c->close.n] == '}')
		stop++;
	if (stop >= text.n)
		return err_at(e, ERR_SPEC, mustache_pos(c->m, from), "a tag without its end '%.*s'",
			      (int)c->close.n, c->close.p);
	*next = stop + c->close.n;
	*inner = (struct view){ text.p + start, stop - start };
	if (sign == '{' || sign == '=') {
		if (inner->n < 2 || inner->p[inner->n - 1] != last)
			return err_at(e, ERR_SPEC, mustache_pos(c->m, from),
				      "a tag that begins with '%c' ends with '%c'", sign, last);
		inner->n--;
	}
	if (sign == '!' || sign == '=' || kind_of(sign) != TAG_VALUE) {
		inner->p++;
		inner->n--;
	}
	return 0;
}

/* The literal before a tag ends where the blanks of a line that goes begin. */
static void cut_literal(struct cutter *c, size_t line)
{
	struct tag *before = c->m->n ? &c->m->tag[c->m->n - 1] : NULL;

	if (before && before->kind == TAG_TEXT && before->at + before->text.n > line)
		before->text.n = line > before->at ? line - before->at : 0;
}

/* The tag whose opening delimiter is at `from`; c->at comes to stand behind it. */
static int cut_tag(struct cutter *c, size_t from, struct err *e)
{
	struct view text = c->m->text, inner;
	size_t line = from, next = from, after = from;
	char sign = from + c->open.n < text.n ? text.p[from + c->open.n] : '\0';
	struct tag t = { .kind = kind_of(sign), .at = from };
	bool is_value = (t.kind == TAG_VALUE && sign != '!' && sign != '=') || t.kind == TAG_RAW;

	if (cut_inner(&inner, &next, c, from, e) < 0)
		return -1;
	c->at = next;
	if (!is_value && stands_alone(text, from, next, &line, &after)) {
		t.indent = (struct view){ text.p + line, from - line };
		cut_literal(c, line);
		c->at = after;
	}
	if (sign == '!')
		return 0;
	if (sign == '=')
		return set_delimiters(c, inner, from, e);
	t.text = trim(inner);
	if (check_name(c, t.text, from, e) < 0)
		return -1;
	if (t.kind == TAG_CLOSE)
		return close_section(c, t.text, from, e);
	if (t.kind == TAG_SECTION || t.kind == TAG_INVERTED)
		return open_section(c, t, e);
	add_tag(c, t);
	return 0;
}

static int parse(struct mustache *out, struct arena *mem, struct err *e)
{
	struct cutter c = { .m = out, .mem = mem, .open = VIEW("{{"), .close = VIEW("}}") };
	size_t valid = utf8_valid(out->text.p, out->text.n);

	if (valid != out->text.n)
		return err_at(e, ERR_SPEC, mustache_pos(out, valid), "not UTF-8");
	while (c.at < out->text.n) {
		size_t from = find(out->text, c.at, c.open);

		add_text(&c, c.at, from);
		c.at = from;
		if (from < out->text.n && cut_tag(&c, from, e) < 0)
			return -1;
	}
	if (c.depth) {
		const struct tag *open = &out->tag[c.section[c.depth - 1]];

		return err_at(e, ERR_SPEC, mustache_pos(out, open->at), "{{%s%.*s}} is never closed",
			      open->kind == TAG_SECTION ? "#" : "^", (int)open->text.n, open->text.p);
	}
	return 0;
}

int mustache_parse(struct mustache *out, struct arena *mem, struct view text, const char *file, struct err *e)
{
	*out = (struct mustache){ .file = file, .text = text };
	return parse(out, mem, e);
}

int mustache_parse_indented(struct mustache *out, struct arena *mem, struct view text, struct view indent,
			    const char *file, struct err *e)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < text.n; i++) {
		if (!i || text.p[i - 1] == '\n')
			str_addv(&s, indent);
		str_addc(&s, text.p[i]);
	}
	*out = (struct mustache){
		.file = file,
		.text = { arena_strdup(mem, s.n ? s.p : "", s.n), s.n },
		.indent = indent.n,
	};
	str_release(&s);
	return parse(out, mem, e);
}
