#ifndef CMD_GOLDEN_H
#define CMD_GOLDEN_H

#include "cmd.h"
#include "store/results.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Goldens: golden/NAME holds spec.yaml and what running it gave: results.json, report.md, the BACKEND it was computed with,
 * and a MANIFEST over the four.  What a check finds otherwise stands beside as NAME.new, until it is updated or reviewed.
 */

struct golden_at {
	const char *dir;  /* "golden/demo" */
	const char *name; /* "demo" */
};

const char *golden_path(const struct call *c, const struct golden_at *g, const char *file);
bool golden_has(const struct call *c, const struct golden_at *g, const char *file);
/* Removes the files that a check left beside. */
int golden_clean(const struct call *c, const struct golden_at *g, struct err *e);
/* Accepts or rejects, one by one, what a check left beside, asking on the terminal. */
int golden_review(const struct call *c, const struct golden_at *g, struct err *e);

#endif
