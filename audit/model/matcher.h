#ifndef MODEL_MATCHER_H
#define MODEL_MATCHER_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Regular expressions that people write (PCRE2's syntax, UTF-8, Unicode classes), asked whether a text has a match, and where.
 * A text that takes more than a bounded number of steps has none.
 */

struct matcher;

/* ERR_SPEC where the expression is not one, with the byte at which it fails. */
int matcher_open(struct matcher **out, const char *regex, struct err *e);
void matcher_close(struct matcher *m);
/* The first match that begins at or after byte `from`: bytes [first, end) of the text. One without bytes is none. */
bool matcher_find(size_t *first, size_t *end, const struct matcher *m, struct view text, size_t from);
bool matcher_hits(const struct matcher *m, struct view text);

#endif
