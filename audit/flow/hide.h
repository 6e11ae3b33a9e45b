#ifndef FLOW_HIDE_H
#define FLOW_HIDE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>

/*
 * Example hygiene: what the spec's regular expressions match in quoted text (contexts, prompts, answers, labels) stands
 * in no result, hence in no report.  A context that a match runs through is one text, however its strings cut it.
 */

enum hide_as { HIDE_MASK, HIDE_HASH };

struct hide_opts {
	const char **pattern;
	size_t n_patterns;
	int as; /* enum hide_as */
};

struct hide;

/* NULL where there is nothing to hide; ERR_SPEC where a pattern is no regular expression. */
int hide_open(struct hide **out, const struct hide_opts *o, struct err *e);
void hide_close(struct hide *h);

/* The text with every match replaced, in `mem`; the text itself where there is none, or h is NULL. */
struct view hide_text(struct arena *mem, const struct hide *h, struct view text);
/* A value and all below it, with hidden strings; the same value where h is NULL. */
const struct json *hide_tree(struct arena *mem, const struct hide *h, const struct json *v);

#endif
