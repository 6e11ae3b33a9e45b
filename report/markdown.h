#ifndef REPORT_MARKDOWN_H
#define REPORT_MARKDOWN_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Markdown as a tree: blocks, and inlines within them.  CommonMark with the tables and strikethrough of GitHub;
 * raw HTML is text.  The tree lives in an arena; a renderer is a walk over it.
 */

enum node_kind {
	NODE_DOCUMENT,
	NODE_HEADING,
	NODE_PARAGRAPH,
	NODE_LIST,
	NODE_ITEM,
	NODE_TABLE,
	NODE_ROW,
	NODE_CELL,
	NODE_BLOCK,
	NODE_QUOTE,
	NODE_RULE,
	NODE_TEXT,
	NODE_EMPHASIS,
	NODE_STRONG,
	NODE_STRIKE,
	NODE_CODE,
	NODE_LINK,
	NODE_IMAGE,
	NODE_BREAK,
	/* NODE_BLOCK is a block of code; NODE_CODE a span of it; NODE_BREAK ends a line */
};

enum node_align { NODE_LEFT, NODE_CENTER, NODE_RIGHT };

struct node {
	enum node_kind kind;
	unsigned level; /* heading: 1..6; list: the first number, 0 where it has bullets; table: columns */
	bool head;	/* row or cell of a table's head */
	bool tight;	/* list whose items are not set apart, and their paragraphs */
	enum node_align align; /* cell */
	struct view text;      /* text; block of code: all its lines, each with its line feed */
	struct view target;    /* link, image: the address; heading: its anchor, without '#' */
	struct node *parent, *first, *last, *next;
};

enum { NODE_DEPTH = 64 }; /* nodes within nodes; deeper is an error */

/* `file` names the text in errors. */
int markdown_read(struct node **out, struct arena *mem, struct view text, const char *file, struct err *e);
/* The words of a node and all below it, without any form. */
void markdown_words(struct str *out, const struct node *n);
/* The anchor GitHub gives a heading of these words, without the number that sets repeated ones apart. */
void markdown_slug(struct str *out, struct view words);
/* The next node of a walk in document order below `root`; NULL at its end. */
const struct node *markdown_next(const struct node *root, const struct node *n);

#endif
