#ifndef MODEL_JINJA_H
#define MODEL_JINJA_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/jinja_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The subset of Jinja that chat templates are written in, as transformers sets
 * the engine up: sandboxed and immutable, trim_blocks and lstrip_blocks, loop
 * controls, the generation tag, raise_exception and strftime_now.  Semantics
 * are those of Jinja 3.1 and of the Python objects below it.  What it does not
 * have is named when the template is parsed (tags, filters, tests) or used
 * (functions, methods).
 *
 * Rendering is a function of its inputs; a template is never changed by it, so
 * that many threads may render one.
 */

struct jinja;

/* `name` is copied and is the file of errors. ERR_INPUT with line and column. */
int jinja_open(struct jinja **out, struct view text, const char *name, struct err *e);
void jinja_close(struct jinja *t);

/* A variable: a JSON value whose strings may have origins, or a text, or a list of texts. */
struct jinja_var {
	struct view name;
	const struct json *json; /* or NULL: `text` or `list` */
	struct view text;
	const struct view *list; /* (n_list), or NULL */
	size_t n_list;
	/* The origin of the first byte of a string of the JSON, or 0 (NULL: always 0). */
	uint32_t (*origin)(const void *ud, const struct json *string);
	const void *ud;
};

struct jinja_inputs {
	const struct jinja_var *var; /* of two with one name, the last counts */
	size_t n;
	const char *now; /* "YYYY-MM-DD" for strftime_now, or NULL */
};

/* The text lives in `heap` (given empty, `most` set) among the machine's litter; the caller releases it. */
int jinja_render(const struct text **out, struct heap *heap, const struct jinja *t,
		 const struct jinja_inputs *in, struct err *e);

#endif
