#ifndef REPORT_FLOW_H
#define REPORT_FLOW_H

#include "base/mem.h"
#include "report/markdown.h"
#include "report/passage.h"
#include "report/scene.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A document as one endless column: bands from top to bottom, none of which may be cut.  A paragraph is a band for
 * each line, a table one for each line of a row; what must stay together says so.  Pages are cut from this
 * (report/paper.h).
 */

struct band {
	double before; /* space above it, left out at the top of a page */
	double height;
	bool keep;	       /* on the page of the next one */
	bool new_page;	       /* begins one */
	size_t heads, n_heads; /* of a table's row: the bands of its head, repeated on a new page */
	struct scene scene;    /* x as on the page, y from the band's top */
	struct areas areas;
	struct view anchor;   /* a heading's; others: empty */
	unsigned level;	      /* of the heading */
	struct view words;    /* of the heading */
	struct view document; /* of a document's first band: its name; others: empty */
	struct view contents; /* the anchor whose page number stands at the end of this line; or empty */
	double contents_x;    /* where that line's words end, and the number does */
	double contents_end;
};

struct flow {
	struct arena *mem;
	const struct fonts *fonts;
	struct band *band;
	size_t n, cap;
	/* pictures by the address of an image; NULL where there is none of that name */
	const struct scene *(*picture)(void *ud, struct view target);
	void *ud;
};

/* The column is `width` points wide and begins at x.  A document after another begins a page; others link it by its
 * name ("latents.md"). */
void flow_add(struct flow *f, const struct node *document, struct view name, double x, double width);

/* For flow_table(): the next band; its scene is ready. */
struct band *flow_band(struct flow *f, double width, double before, double height);
void flow_table(struct flow *f, const struct node *table, double x, double width, double before);

enum { FLOW_PAGE_NUMBER = 3 }; /* digits there is room for at the end of a line of contents */
#define FLOW_BODY ((struct style){ FACE_REGULAR, 9.25, INK_TEXT })

#endif
