#ifndef FLOW_PROBLEMS_H
#define FLOW_PROBLEMS_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdio.h>

/* Everything wrong, not the first thing wrong; in order of position. */

enum { PROBLEMS_MAX = 200 };

struct problems {
	struct err *item;
	size_t n, cap;
	size_t more; /* beyond PROBLEMS_MAX: counted, not kept */
};

#define PROBLEMS_INIT        \
	{                    \
		.item = NULL \
	}

void problems_add(struct problems *p, const struct err *e);
/* By line and column; what stands at one place stays in the order it was found. */
void problems_sort(struct problems *p);
/* Each as "file:line:col: message", the line of `text` and a caret under the place; then "N problems". */
void problems_print(const struct problems *p, struct view text, FILE *f);
/* The gravest class among them: ERR_IO before ERR_INPUT before ERR_SPEC; ERR_NONE where there are none. */
enum err_code problems_code(const struct problems *p);
void problems_release(struct problems *p);

#endif
