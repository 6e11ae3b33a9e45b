#include "report/scene.h"

#include "report/bidi.h"

#include <stdbool.h>
#include <string.h>

static const unsigned rgb[INK_COUNT] = {
	[INK_PAPER] = 0xFFFFFF,
	[INK_TEXT] = 0x1A1A1A,
	[INK_MUTED] = 0x5C6166,
	[INK_RULE] = 0xB4B9BF,
	[INK_GRID] = 0xE3E6E9,
	[INK_PANEL] = 0xF4F5F7,
	[INK_LINK] = 0x0B4F8A,
	[INK_WARN] = 0xA63A00,
	[INK_WARN_PANEL] = 0xFDEFE6,
	[INK_GOOD] = 0x00664B,
	[INK_GOOD_PANEL] = 0xE8F5F0,
	[INK_NOTE] = 0x0B4F8A,
	[INK_NOTE_PANEL] = 0xEAF2F9,
	[INK_BASE] = 0x0072B2,
	[INK_BASE_TINT] = 0xCFE4F2,
	[INK_SHARED] = 0x6E7479,
	[INK_SHARED_TINT] = 0xE1E4E7,
	[INK_CANDIDATE] = 0xD55E00,
	[INK_CANDIDATE_TINT] = 0xF9DCC6,
	[INK_CONTROL_TINT] = 0xD9DDE1,
	/* white to orange, evenly darker: black letters stay readable on all of them */
	[INK_HEAT + 0] = 0xFFFFFF,
	[INK_HEAT + 1] = 0xFFF6E6,
	[INK_HEAT + 2] = 0xFFEDD0,
	[INK_HEAT + 3] = 0xFFE4BA,
	[INK_HEAT + 4] = 0xFFDAA3,
	[INK_HEAT + 5] = 0xFFD08B,
	[INK_HEAT + 6] = 0xFDC474,
	[INK_HEAT + 7] = 0xFAB85C,
	[INK_HEAT + 8] = 0xF6AB45,
	[INK_HEAT + 9] = 0xF19E30,
	[INK_HEAT + 10] = 0xEA901C,
	[INK_HEAT + 11] = 0xE1820A,
};

unsigned ink_rgb(enum ink ink)
{
	return rgb[ink];
}

enum ink ink_heat(double strength)
{
	double level = strength * (HEAT_LEVELS - 1);

	if (!(strength > 0))
		return INK_HEAT;
	if (level < 1)
		level = 1;
	if (level > HEAT_LEVELS - 1)
		level = HEAT_LEVELS - 1;
	return (enum ink)(INK_HEAT + (int)(level + 0.5));
}

void scene_init(struct scene *s, struct arena *mem, const struct fonts *f, double width)
{
	*s = (struct scene){ .mem = mem, .fonts = f, .title = "", .width = width };
}

static struct mark *add_mark(struct scene *s, enum mark_kind kind)
{
	struct mark *grown;

	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 8;
		grown = ARENA_ARRAY(s->mem, s->cap, struct mark);
		if (s->n)
			memcpy(grown, s->mark, s->n * sizeof(*grown));
		s->mark = grown;
	}
	s->mark[s->n] = (struct mark){ .kind = kind };
	return &s->mark[s->n++];
}

void scene_line(struct scene *s, double x, double y, double dx, double dy, enum ink ink, double width)
{
	struct mark *m = add_mark(s, MARK_LINE);

	m->x = x;
	m->y = y;
	m->w = dx;
	m->h = dy;
	m->stroke = ink;
	m->width = width;
}

void scene_box(struct scene *s, double x, double y, double w, double h, enum ink fill, enum ink stroke)
{
	struct mark *m = add_mark(s, MARK_BOX);

	m->x = x;
	m->y = y;
	m->w = w;
	m->h = h;
	m->fill = fill;
	m->stroke = stroke;
	m->width = 0.5;
}

void scene_outline(struct scene *s, const struct point *point, size_t n, enum ink fill, enum ink stroke,
		   double width, enum dash dash)
{
	struct mark *m = add_mark(s, MARK_OUTLINE);
	struct point *copy = ARENA_ARRAY(s->mem, n ? n : 1, struct point);

	if (n)
		memcpy(copy, point, n * sizeof(*copy));
	m->point = copy;
	m->n = n;
	m->fill = fill;
	m->stroke = stroke;
	m->width = width;
	m->dash = dash;
}

static struct view spell(const struct scene *s, struct view text)
{
	struct str spelled = STR_INIT;
	struct view v;

	fonts_spell(&spelled, s->fonts, text);
	v = (struct view){ arena_strdup(s->mem, spelled.n ? spelled.p : "", spelled.n), spelled.n };
	str_release(&spelled);
	return bidi_shape_text(s->mem, s->fonts, v);
}

double scene_measure(const struct scene *s, struct style t, struct view text)
{
	return fonts_width(s->fonts, t.face, t.size, spell(s, text));
}

/* One mark for each run of a face. */
double scene_letters(struct scene *s, double x, double y, struct style t, double anchor, struct view v)
{
	double width = fonts_width(s->fonts, t.face, t.size, v);

	x -= anchor * width;
	while (v.n) {
		enum face face;
		size_t n = fonts_run(&face, s->fonts, t.face, v);
		struct mark *m = add_mark(s, MARK_WORD);

		m->text = (struct view){ v.p, n };
		m->x = x;
		m->y = y;
		m->w = fonts_width(s->fonts, face, t.size, m->text);
		m->fill = t.ink;
		m->face = face;
		m->size = t.size;
		x += m->w;
		v.p += n;
		v.n -= n;
	}
	return width;
}

double scene_text(struct scene *s, double x, double y, struct style t, double anchor, struct view text)
{
	return scene_letters(s, x, y, t, anchor, bidi_order_text(s->mem, spell(s, text)));
}

static size_t cluster(struct view v)
{
	uint32_t cp;
	size_t n = utf8_decode(&cp, v.p, v.n);

	return n ? n : 1;
}

/* Bytes of the longest start of a spelled text within `width`: whole words, or else as many characters as fit. */
static size_t fit(const struct scene *s, struct style t, double width, struct view v)
{
	double x = 0;
	size_t at = 0, blank = 0;

	while (at < v.n) {
		struct view one = { v.p + at, cluster((struct view){ v.p + at, v.n - at }) };

		x += fonts_width(s->fonts, t.face, t.size, one);
		if (v.p[at] == ' ')
			blank = at;
		else if (x > width)
			return blank ? blank : at ? at : one.n;
		/* one may also break before any character of Chinese, Japanese or Korean */
		at += one.n;
		if (one.n >= 3 && (unsigned char)one.p[0] >= 0xE3 && x <= width)
			blank = at;
	}
	return v.n;
}

static struct view shorten(const struct scene *s, struct style t, double width, struct view v)
{
	double room = width - fonts_width(s->fonts, t.face, t.size, VIEW("\u2026"));
	size_t at = 0;
	double x = 0;

	while (at < v.n) {
		struct view one = { v.p + at, cluster((struct view){ v.p + at, v.n - at }) };

		x += fonts_width(s->fonts, t.face, t.size, one);
		if (x > room)
			break;
		at += one.n;
	}
	return view_of(arena_fmt(s->mem, "%.*s\u2026", (int)at, v.p));
}

size_t scene_wrap(struct scene *s, double x, double y, double width, double leading, size_t lines,
		  struct style t, struct view text)
{
	struct view v = spell(s, text);
	size_t line = 0;

	while (v.n && line < lines) {
		size_t n = fit(s, t, width, v);
		struct view one = { v.p, n };

		if (n < v.n && line + 1 == lines)
			one = shorten(s, t, width, v);
		scene_letters(s, x, y + leading * (double)line, t, 0, bidi_order_text(s->mem, one));
		v.p += n;
		v.n -= n;
		while (v.n && v.p[0] == ' ') {
			v.p++;
			v.n--;
		}
		line++;
	}
	return line;
}

void scene_place(struct scene *s, const struct scene *other, double x, double y, double scale)
{
	for (size_t i = 0; i < other->n; i++) {
		struct mark *m = add_mark(s, other->mark[i].kind);
		struct point *moved;

		*m = other->mark[i];
		m->x = x + m->x * scale;
		m->y = y + m->y * scale;
		m->w *= scale;
		m->h *= scale;
		m->width *= scale;
		m->size *= scale;
		if (!m->n)
			continue;
		moved = ARENA_ARRAY(s->mem, m->n, struct point);
		for (size_t k = 0; k < m->n; k++)
			moved[k] = (struct point){ x + m->point[k].x * scale, y + m->point[k].y * scale };
		m->point = moved;
	}
}
