#ifndef CMD_LINES_H
#define CMD_LINES_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <stddef.h>
#include <stdio.h>

/* Lines of standard input, for commands that answer each with a line. */

struct lines {
	struct str line;
	size_t number; /* of the line read last, from 1 */
};

#define LINES_INIT               \
	{                        \
		.line = STR_INIT \
	}

/* The next line that is not empty, without its end: 1; 0 at the end of the input. Borrowed until the next call.
 * What was answered so far goes out first, so that a program can ask and wait. */
int lines_next(struct view *out, struct lines *l, struct err *e);
/* The same as JSON, in `mem`; errors name standard input and the line. */
int lines_next_json(const struct json **out, struct lines *l, struct arena *mem, struct err *e);
/* An error about the line read last, as json_*() gave it, gets the line's place. */
void lines_blame(const struct lines *l, struct err *e);
void lines_release(struct lines *l);

#endif
