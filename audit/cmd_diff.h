#ifndef CMD_DIFF_H
#define CMD_DIFF_H

#include "cmd.h"
#include "base/par.h"
#include "flow/comparison.h"

/* What the commands that compare runs share. */

/* The comparison as a tree in the call's memory. */
int call_compare(struct comparison *out, const struct json **tree, const struct call *c,
		 const struct told *old, const struct told *new, const char *cache, struct par *par,
		 struct err *e);
/* Prints it for a reader of a terminal, by templates/diff.md. */
int call_show_comparison(const struct call *c, const struct json *tree, struct err *e);

#endif
