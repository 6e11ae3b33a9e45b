#include "report/render.h"

#include "base/out.h"

/*
 * The one painter of SVG 1.1.  Words carry the width they were laid out with, so a reader without our faces still
 * sees nothing overlap; the background is painted, so that dark pages leave it readable.
 */

static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			   "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" role=\"img\"";

static const char styles[] =
	"<style>text{font-family:'Noto Sans','DejaVu Sans',Verdana,Arial,sans-serif;white-space:pre;"
	/* places are decided: a reader does not turn runs round again */
	"direction:ltr;unicode-bidi:bidi-override}"
	".b{font-weight:bold}.i{font-style:italic}"
	".m{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace}</style>\n";

static const char *const face_class[FACE_COUNT] = {
	[FACE_BOLD] = " class=\"b\"",
	[FACE_ITALIC] = " class=\"i\"",
	[FACE_MONO] = " class=\"m\"",
};

static const char *const dashes[] = {
	[DASH_DASHED] = " stroke-dasharray=\"4 2\"",
	[DASH_DOTTED] = " stroke-dasharray=\"1 2\"",
};

/* name="12.5": hundredths of a point, no zeros at the end */
static void put_number(struct out *o, const char *name, double v)
{
	char digits[64];
	int n = snprintf(digits, sizeof(digits), "%.2f", v);

	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (digits[n - 1] == '.')
		n--;
	if (n == 2 && digits[0] == '-' && digits[1] == '0')
		out_fmt(o, " %s=\"0\"", name);
	else
		out_fmt(o, " %s=\"%.*s\"", name, n, digits);
}

static void put_words(struct out *o, struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		switch (v.p[i]) {
		case '<': out_fmt(o, "&lt;"); break;
		case '>': out_fmt(o, "&gt;"); break;
		case '&': out_fmt(o, "&amp;"); break;
		case '"': out_fmt(o, "&quot;"); break;
		default: out_put(o, v.p + i, 1);
		}
	}
}

static void put_ink(struct out *o, const char *name, enum ink ink)
{
	if (ink == INK_NONE)
		out_fmt(o, " %s=\"none\"", name);
	else
		out_fmt(o, " %s=\"#%06x\"", name, ink_rgb(ink));
}

static void put_stroke(struct out *o, const struct mark *m)
{
	if (m->stroke == INK_NONE)
		return;
	put_ink(o, "stroke", m->stroke);
	put_number(o, "stroke-width", m->width);
	if (dashes[m->dash])
		out_fmt(o, "%s", dashes[m->dash]);
}

static size_t characters(struct view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
	return n;
}

static void put_word(struct out *o, const struct mark *m)
{
	out_fmt(o, "<text%s", face_class[m->face] ? face_class[m->face] : "");
	put_number(o, "x", m->x);
	put_number(o, "y", m->y);
	put_number(o, "font-size", m->size);
	put_ink(o, "fill", m->fill);
	if (characters(m->text) > 1) {
		put_number(o, "textLength", m->w);
		out_fmt(o, " lengthAdjust=\"spacingAndGlyphs\"");
	}
	out_fmt(o, ">");
	put_words(o, m->text);
	out_fmt(o, "</text>\n");
}

static void put_outline(struct out *o, const struct mark *m)
{
	out_fmt(o, m->fill == INK_NONE ? "<polyline points=\"" : "<polygon points=\"");
	for (size_t i = 0; i < m->n; i++)
		out_fmt(o, i ? " %.2f,%.2f" : "%.2f,%.2f", m->point[i].x, m->point[i].y);
	out_fmt(o, "\"");
	put_ink(o, "fill", m->fill);
	put_stroke(o, m);
	out_fmt(o, "/>\n");
}

static void put_mark(struct out *o, const struct mark *m)
{
	switch (m->kind) {
	case MARK_LINE:
		out_fmt(o, "<line");
		put_number(o, "x1", m->x);
		put_number(o, "y1", m->y);
		put_number(o, "x2", m->x + m->w);
		put_number(o, "y2", m->y + m->h);
		put_stroke(o, m);
		out_fmt(o, "/>\n");
		break;
	case MARK_BOX:
		out_fmt(o, "<rect");
		put_number(o, "x", m->x);
		put_number(o, "y", m->y);
		put_number(o, "width", m->w);
		put_number(o, "height", m->h);
		put_ink(o, "fill", m->fill);
		put_stroke(o, m);
		out_fmt(o, "/>\n");
		break;
	case MARK_OUTLINE: put_outline(o, m); break;
	case MARK_WORD: put_word(o, m); break;
	}
}

int scene_svg(const struct scene *s, const char *path, struct err *e)
{
	const double pixels = 4.0 / 3, margin = 8; /* CSS pixels a point; points */
	struct out *o;

	if (out_open(&o, path, e) < 0)
		return -1;
	out_fmt(o, "%s", head);
	put_number(o, "width", (s->width + 2 * margin) * pixels);
	put_number(o, "height", (s->height + 2 * margin) * pixels);
	out_fmt(o, " viewBox=\"%.0f %.0f %.2f %.2f\">\n<title>", -margin, -margin, s->width + 2 * margin,
		s->height + 2 * margin);
	put_words(o, view_of(s->title));
	out_fmt(o,
		"</title>\n%s<rect x=\"%.0f\" y=\"%.0f\" width=\"100%%\" height=\"100%%\" fill=\"#%06x\"/>\n",
		styles, -margin, -margin, ink_rgb(INK_PAPER));
	for (size_t i = 0; i < s->n; i++)
		put_mark(o, &s->mark[i]);
	out_fmt(o, "</svg>\n");
	return out_commit(o, NULL, e);
}
