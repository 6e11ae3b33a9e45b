#ifndef REPORT_PASSAGE_H
#define REPORT_PASSAGE_H

#include "base/mem.h"
#include "report/markdown.h"
#include "report/scene.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Running text: the inlines of a block as letters in their faces, cut into lines.  Lines break at blanks, at signs
 * that allow it, between Chinese, Japanese or Korean characters, and, in a word wider than the line, anywhere.
 */

struct letter {
	uint32_t cp;
	enum face face;	      /* the one that draws it */
	double size, advance; /* points */
	double before, after; /* of the advance: room left and right of the letter, about a span of code */
	unsigned link;	      /* 1 + index into the passage's targets; 0: none */
	bool code, strike, line_end;
};

struct passage {
	struct letter *letter;
	size_t n, cap;
	struct view *target; /* addresses of links */
	size_t n_targets;
	struct style style; /* of plain letters */
};

/* A line: letters [from, to), without the blank it broke at. */
struct line {
	size_t from, to;
	double width;
};

/* Where a link lies, in the coordinates of its scene. */
struct area {
	double x, y, w, h;
	struct view target;
};

struct areas {
	struct area *area;
	size_t n, cap;
};

/* The inlines below `n`; images give their words. */
void passage_make(struct passage *out, struct arena *mem, const struct fonts *f, const struct node *n,
		  struct style s);
void passage_plain(struct passage *out, struct arena *mem, const struct fonts *f, struct view text,
		   struct style s);
/* At least one line, though it may be empty. */
size_t passage_break(struct line **out, struct arena *mem, const struct passage *p, double width);
double passage_width(const struct passage *p);
double passage_widest_word(const struct passage *p);
/* One line on its baseline; the areas of its links are added. */
void passage_lay(struct scene *s, struct areas *a, const struct passage *p, struct line l, double x,
		 double y);

void areas_add(struct areas *a, struct arena *mem, struct area one);

#endif
