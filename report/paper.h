#ifndef REPORT_PAPER_H
#define REPORT_PAPER_H

#include "base/err.h"
#include "base/mem.h"
#include "report/flow.h"
#include "report/scene.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Pages of A4 cut from a flow: running head and foot, page x of y, page numbers in the contents, heads of tables
 * again on each page, links with their places, bookmarks.  What the painter needs, and nothing it would decide.
 */

struct jump {
	double x, y, w, h; /* on its page */
	struct view uri;   /* to the world; or empty, and then to: */
	size_t page;
	double to_y;
};

struct page {
	struct scene scene;
	struct jump *jump;
	size_t n_jumps;
};

struct bookmark {
	struct view words;
	unsigned level; /* 1.. */
	size_t page;
	double y;
};

/* What stands on every page, and in the file about the file. */
struct paper_info {
	const char *title, *author, *subject, *keywords;
	const char *head_left, *head_right;
	bool head_warns;  /* the right one is a warning */
	const char *date; /* "2026-01-31T12:00:00Z"; NULL: none */
};

struct paper {
	struct paper_info info;
	const struct fonts *fonts;
	double width, height;
	struct page *page;
	size_t n_pages;
	struct bookmark *bookmark;
	size_t n_bookmarks;
};

/* The column of text on the page: for flow_add(). */
#define PAPER_X 56.7
#define PAPER_WIDTH 481.9

/* A link to a heading or document that is not there is ERR_SPEC. */
int paper_make(struct paper *out, struct arena *mem, const struct flow *f, const struct paper_info *info,
	       struct err *e);

#endif
