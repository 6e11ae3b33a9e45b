#ifndef MODEL_MATCHER_H
#define MODEL_MATCHER_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * Regular expressions that people write (PCRE2's syntax, UTF-8, Unicode classes), asked whether a text has a match.
 * A text that takes more than a bounded number of steps has none.
 */

struct matcher;

/* ERR_SPEC where the expression is not one, with the byte at which it fails. */
int matcher_open(struct matcher **out, const char *regex, struct err *e);
void matcher_close(struct matcher *m);
bool matcher_hits(const struct matcher *m, struct view text);

#endif
