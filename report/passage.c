#include "report/passage.h"

#include "report/bidi.h"

#include <string.h>

/* What the inlines around a letter ask of it. */
struct form {
	enum face face;
	unsigned link;
	bool code, strike;
};

struct maker {
	struct passage *p;
	struct arena *mem;
	const struct fonts *fonts;
};

static void *grow(struct arena *mem, const void *old, size_t n, size_t cap, size_t size)
{
	void *grown = arena_alloc(mem, cap, size);

	if (n)
		memcpy(grown, old, n * size);
	return grown;
}

static void add_letter(struct maker *m, struct letter l)
{
	struct passage *p = m->p;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->letter = grow(m->mem, p->letter, p->n, p->cap, sizeof(*p->letter));
	}
	p->letter[p->n++] = l;
}

static void add_text(struct maker *m, struct view text, struct form f)
{
	const double code_scale = 0.92; /* the fixed-width face looks larger than the others */
	double size = f.code ? m->p->style.size * code_scale : m->p->style.size;
	struct str s = STR_INIT;
	struct view v;

	fonts_spell(&s, m->fonts, text);
	v = bidi_shape_text(m->mem, m->fonts, str_view(&s));
	for (size_t i = 0, n; i < v.n; i += n) {
		struct letter l = { .size = size, .link = f.link, .code = f.code, .strike = f.strike };

		n = utf8_decode(&l.cp, v.p + i, v.n - i);
		BUG_ON(!n);
		l.face = fonts_face(m->fonts, f.face, l.cp);
		l.advance = fonts_advance(m->fonts, l.face, l.cp) * size / 1000;
		add_letter(m, l);
	}
	str_release(&s);
}

static unsigned add_target(struct maker *m, struct view target)
{
	struct passage *p = m->p;

	/* few to a paragraph */
	p->target = grow(m->mem, p->target, p->n_targets, p->n_targets + 1, sizeof(*p->target));
	p->target[p->n_targets++] = target;
	return (unsigned)p->n_targets;
}

/* A span of code stands a little apart from what is beside it. */
static void set_apart(struct passage *p, size_t from)
{
	const double apart = 1.7;
	struct letter *first, *last;

	if (from == p->n)
		return;
	first = &p->letter[from];
	last = &p->letter[p->n - 1];
	first->before = apart;
	first->advance += apart;
	last->after = apart;
	last->advance += apart;
}

/* Bounded by NODE_DEPTH. */
static void add_inlines(struct maker *m, const struct node *parent, struct form f)
{
	for (const struct node *n = parent->first; n; n = n->next) {
		struct form inner = f;
		size_t from = m->p->n;

		switch (n->kind) {
		case NODE_TEXT: add_text(m, n->text, f); continue;
		case NODE_BREAK:
			add_letter(m, (struct letter){ .cp = ' ',
						       .face = f.face,
						       .size = m->p->style.size,
						       .line_end = true });
			continue;
		case NODE_STRONG: inner.face = FACE_BOLD; break;
		case NODE_EMPHASIS: inner.face = f.face == FACE_BOLD ? FACE_BOLD : FACE_ITALIC; break;
		case NODE_CODE:
			inner.face = FACE_MONO;
			inner.code = true;
			break;
		case NODE_STRIKE: inner.strike = true; break;
		case NODE_LINK: inner.link = add_target(m, n->target); break;
		default: break;
		}
		add_inlines(m, n, inner);
		if (n->kind == NODE_CODE)
			set_apart(m->p, from);
	}
}

void passage_make(struct passage *out, struct arena *mem, const struct fonts *f, const struct node *n,
		  struct style s)
{
	struct maker m = { .p = out, .mem = mem, .fonts = f };

	*out = (struct passage){ .style = s };
	add_inlines(&m, n, (struct form){ .face = s.face });
}

void passage_plain(struct passage *out, struct arena *mem, const struct fonts *f, struct view text,
		   struct style s)
{
	struct maker m = { .p = out, .mem = mem, .fonts = f };

	*out = (struct passage){ .style = s };
	add_text(&m, text, (struct form){ .face = s.face });
}

static bool is_alnum(uint32_t cp)
{
	return (cp >= '0' && cp <= '9') || (cp < 0x80 && (cp | 32) >= 'a' && (cp | 32) <= 'z') || cp >= 0xC0;
}

static bool is_wide(uint32_t cp)
{
	return (cp >= 0x2E80 && cp < 0xD7B0) || (cp >= 0xF900 && cp < 0xFB00) ||
	       (cp >= 0xFF00 && cp < 0xFFF0);
}

/* Signs that do not begin a line in Chinese and Japanese. */
static bool sticks(uint32_t cp)
{
	static const uint32_t closing[] = { 0x3001, 0x3002, 0x300D, 0x300F, 0x3011, 0xFF01, 0xFF09,
					    0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0x30FC, ')',
					    ',',    '.',    ';',    ':',    '!',    '?',    ']' };

	for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++)
		if (cp == closing[i])
			return true;
	return false;
}

/* May a line end after letter i - 1?  2: gladly; 1: where a word is wider than the line. */
static int break_before(const struct passage *p, size_t i)
{
	uint32_t a = p->letter[i - 1].cp, b = p->letter[i].cp, before = i > 1 ? p->letter[i - 2].cp : ' ';

	if (a == ' ')
		return 2;
	if (b == ' ' || sticks(b))
		return 0;
	if (is_wide(a) || is_wide(b) || a == 0x23CE)
		return 2;
	if (a == 0x2014)
		return 2;
	if ((a == '-' || a == 0x2013) && is_alnum(before) && is_alnum(b) && !(b >= '0' && b <= '9'))
		return 1;
	if ((a == '/' || a == '_' || a == '.' || a == '=' || a == ',' || a == ':' || a == '@') && is_alnum(b))
		return 1;
	return 0;
}

/* The line that begins at `from`. */
static struct line take_line(const struct passage *p, size_t from, double width)
{
	const double slack = 1e-6; /* a text fits a width measured on it */
	size_t good = from, fair = from, at = from;
	double x = 0;
	struct line l = { .from = from };

	for (; at < p->n && !p->letter[at].line_end; at++) {
		int kind = at > from ? break_before(p, at) : 0;

		if (kind == 2)
			good = at;
		else if (kind == 1)
			fair = at;
		x += p->letter[at].advance;
		if (x > width + slack && p->letter[at].cp != ' ')
			break;
	}
	if (at < p->n && !p->letter[at].line_end)
		at = good > from ? good : fair > from ? fair : at > from ? at : from + 1;
	l.to = at;
	while (l.to > from && p->letter[l.to - 1].cp == ' ')
		l.to--;
	for (size_t i = from; i < l.to; i++)
		l.width += p->letter[i].advance;
	return l;
}

size_t passage_break(struct line **out, struct arena *mem, const struct passage *p, double width)
{
	size_t n = 0, cap = 4, at = 0;

	*out = ARENA_ARRAY(mem, cap, struct line);
	do {
		struct line l = take_line(p, at, width);

		if (n == cap) {
			*out = grow(mem, *out, n, 2 * cap, sizeof(**out));
			cap *= 2;
		}
		(*out)[n++] = l;
		at = l.to > at ? l.to : at;
		if (at < p->n && p->letter[at].line_end) {
			at++;
			continue;
		}
		while (at < p->n && p->letter[at].cp == ' ' && !p->letter[at].line_end)
			at++;
		if (at < p->n && p->letter[at].line_end)
			at++;
	} while (at < p->n);
	return n;
}

double passage_width(const struct passage *p)
{
	double x = 0, widest = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->letter[i].line_end)
			x = 0;
		x += p->letter[i].advance;
		widest = x > widest ? x : widest;
	}
	return widest;
}

double passage_widest_word(const struct passage *p)
{
	double x = 0, widest = 0;

	for (size_t i = 0; i < p->n; i++) {
		if ((i && break_before(p, i) == 2) || p->letter[i].line_end)
			x = 0;
		if (p->letter[i].cp != ' ')
			x += p->letter[i].advance;
		widest = x > widest ? x : widest;
	}
	return widest;
}

void areas_add(struct areas *a, struct arena *mem, struct area one)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 8;
		a->area = grow(mem, a->area, a->n, a->cap, sizeof(*a->area));
	}
	a->area[a->n++] = one;
}

static bool same_form(const struct letter *a, const struct letter *b)
{
	return a->face == b->face && a->link == b->link && a->code == b->code && a->strike == b->strike;
}

/* Letters of one form. */
static void put_run(struct scene *s, struct areas *a, const struct passage *p, const struct letter *l,
		    size_t n, double x, double y)
{
	struct str text = STR_INIT;
	double width = -l->before - l[n - 1].after;
	char utf8[4];

	x += l->before;
	for (size_t i = 0; i < n; i++) {
		str_add(&text, utf8, utf8_encode(utf8, l[i].cp));
		width += l[i].advance;
	}
	if (l->code)
		scene_box(s, x - 0.8, y - l->size * 0.86, width + 1.6, l->size * 1.16, INK_PANEL, INK_GRID);
	/* the text lives as long as the scene */
	scene_letters(s, x, y, (struct style){ l->face, l->size, l->link ? INK_LINK : p->style.ink }, 0,
		      (struct view){ arena_strdup(s->mem, text.p, text.n), text.n });
	if (l->strike)
		scene_line(s, x, y - l->size * 0.3, width, 0, p->style.ink, 0.5);
	if (l->link) {
		scene_line(s, x, y + 1.2, width, 0, INK_LINK, 0.3);
		areas_add(a, s->mem,
			  (struct area){ x, y - l->size, width, l->size * 1.25, p->target[l->link - 1] });
	}
	str_release(&text);
}

/* The letters of a line from the left to the right of the page. */
static const struct letter *place_letters(struct arena *mem, const struct letter *l, size_t n)
{
	uint32_t *cp = ARENA_ARRAY(mem, n, uint32_t);
	size_t *order = ARENA_ARRAY(mem, n, size_t);
	bool *turned = ARENA_ARRAY(mem, n, bool);
	struct letter *placed;

	for (size_t i = 0; i < n; i++)
		cp[i] = l[i].cp;
	if (!bidi_order(order, turned, cp, n))
		return l;
	placed = ARENA_ARRAY(mem, n, struct letter);
	for (size_t i = 0; i < n; i++) {
		placed[i] = l[order[i]];
		if (turned[i])
			placed[i].cp = bidi_mirror(placed[i].cp);
	}
	return placed;
}

void passage_lay(struct scene *s, struct areas *a, const struct passage *p, struct line l, double x, double y)
{
	size_t n = l.to - l.from;
	const struct letter *letter = n ? place_letters(s->mem, &p->letter[l.from], n) : NULL;

	for (size_t i = 0; i < n;) {
		size_t end = i + 1;
		double width = letter[i].advance;

		while (end < n && same_form(&letter[i], &letter[end]))
			width += letter[end++].advance;
		put_run(s, a, p, letter + i, end - i, x, y);
		x += width;
		i = end;
	}
}
