#ifndef REPORT_SCENE_H
#define REPORT_SCENE_H

#include "base/mem.h"
#include "base/str.h"
#include "report/font.h"

#include <stddef.h>

/*
 * A picture before any paper: lines, boxes, outlines and words at positions in points, x to the right and y
 * downwards.  Charts and pages are laid out into scenes once, with the widths of report/font.h; painters
 * (report/svg.c, report/pdf.c) copy marks and decide nothing.
 */

/* The one palette, after Okabe and Ito (2008): told apart by colour-blind readers, and by lightness in grey. */
enum ink {
	INK_NONE,
	INK_PAPER,
	INK_TEXT,
	INK_MUTED,
	INK_RULE,
	INK_GRID,
	INK_PANEL,
	INK_LINK,
	INK_WARN,
	INK_WARN_PANEL,
	INK_GOOD,
	INK_GOOD_PANEL,
	INK_NOTE,
	INK_NOTE_PANEL,
	INK_BASE,
	INK_BASE_TINT,
	INK_SHARED,
	INK_SHARED_TINT,
	INK_CANDIDATE,
	INK_CANDIDATE_TINT,
	INK_CONTROL_TINT,
	INK_HEAT, /* INK_HEAT + 0 .. INK_HEAT + HEAT_LEVELS - 1: white to strong */
	INK_COUNT = INK_HEAT + 12,
};
enum { HEAT_LEVELS = INK_COUNT - INK_HEAT };

/* 0xRRGGBB */
unsigned ink_rgb(enum ink ink);
/* The heat of a value of 0..1 (clamped); above none it is never white. */
enum ink ink_heat(double strength);

enum dash { DASH_SOLID, DASH_DASHED, DASH_DOTTED };
enum mark_kind { MARK_LINE, MARK_BOX, MARK_OUTLINE, MARK_WORD };

struct point {
	double x, y;
};

struct mark {
	enum mark_kind kind;
	enum ink fill, stroke; /* INK_NONE: not */
	double x, y, w,
		h;    /* box; line from (x, y) to (x + w, y + h); word from x on the baseline y, w wide */
	double width; /* of the stroke */
	enum dash dash;
	const struct point *point; /* outline, open or (when filled) closed */
	size_t n;
	struct view text; /* word: spelled, all in `face` */
	enum face face;
	double size;
};

struct scene {
	struct arena *mem;
	const struct fonts *fonts;
	const char *title; /* what it shows, in a sentence */
	double width, height;
	struct mark *mark;
	size_t n, cap;
};

void scene_init(struct scene *s, struct arena *mem, const struct fonts *f, double width);

void scene_line(struct scene *s, double x, double y, double dx, double dy, enum ink ink, double width);
void scene_box(struct scene *s, double x, double y, double w, double h, enum ink fill, enum ink stroke);
/* The points are copied. */
void scene_outline(struct scene *s, const struct point *point, size_t n, enum ink fill, enum ink stroke,
		   double width, enum dash dash);

struct style {
	enum face face;
	double size;
	enum ink ink;
};

/* Where x is: 0 at the start of the text, 0.5 in its middle, 1 at its end.  Returns its width. */
double scene_text(struct scene *s, double x, double y, struct style t, double anchor, struct view text);
/* The same for a text that is spelled and in the order of its places already. */
double scene_letters(struct scene *s, double x, double y, struct style t, double anchor, struct view text);
/* At most `lines` lines of at most `width` from the baseline y down, `leading` apart; what does not fit ends in an
 * ellipsis.  Returns how many lines there are. */
size_t scene_wrap(struct scene *s, double x, double y, double width, double leading, size_t lines,
		  struct style t, struct view text);
double scene_measure(const struct scene *s, struct style t, struct view text);
/* Copies all marks of another scene, made smaller or larger about its corner, then moved. */
void scene_place(struct scene *s, const struct scene *other, double x, double y, double scale);

#endif
