#ifndef FLOW_FIELD_H
#define FLOW_FIELD_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "flow/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A table describes a struct: the name, kind, bounds, default and meaning of
 * each field and where it lies.  The one table reads the YAML, fills the
 * defaults, writes the canonical form that keys hash and results.json shows, and prints the help.
 */

enum field_kind {
	FIELD_SIZE,   /* size_t */
	FIELD_U64,    /* uint64_t */
	FIELD_INT,    /* int64_t; `words` may name values below lo: words[0] is lo - 1 ("middle" for -1) */
	FIELD_REAL,   /* double */
	FIELD_BOOL,   /* bool */
	FIELD_TEXT,   /* const char *; lo, hi bound the length in bytes */
	FIELD_PATH,   /* const char *; resolved next to it by the module that owns the table */
	FIELD_WORD,   /* an enum (int-sized), by the order of `words` */
	FIELD_STRUCT, /* inner table, at offset */
	FIELD_LIST,   /* pointer at offset, count at n_offset; elements of `stride` bytes described by `inner`
	                 (one unnamed row for lists of scalars) */
};

struct field {
	const char *name;          /* NULL ends a table */
	enum field_kind kind;
	size_t offset, n_offset;
	double lo, hi;             /* bounds; of the length, for lists and texts */
	const char *fallback;      /* as it would be written; NULL: required; "" for texts: may be absent (NULL) */
	const char *const *words;  /* NULL-ended */
	const struct field *inner;
	size_t stride;
	size_t at_offset;          /* where a struct pos of this element is wanted: offset + 1, 0: not wanted */
	const char *help;
};

/* Everything wrong, not the first thing wrong; in order of position. */
struct problems {
	struct err *item;
	size_t n, cap;
};

void problems_add(struct problems *p, const struct err *e);
void problems_sort(struct problems *p);
/* Each as "file:line:col: message", the line of text and a caret under the place; then "N problems". */
void problems_print(const struct problems *p, struct view text, FILE *f);
void problems_release(struct problems *p);

void field_read(void *into, const struct field *table, const struct yaml *y, struct arena *mem, struct problems *p);
/* The whole table in canonical form, as the members of an object that the caller opened. */
void field_write(struct json_out *j, const struct field *table, const void *from);
void field_help(FILE *f, const struct field *table);

#endif
