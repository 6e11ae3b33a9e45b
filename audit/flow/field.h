#ifndef FLOW_FIELD_H
#define FLOW_FIELD_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "flow/problems.h"
#include "flow/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A table describes a struct: the name, kind, bounds, default and meaning of
 * each field and where it lies.  The one table reads the YAML, fills the
 * defaults, writes the canonical form that keys hash and results.json shows, and prints the help.
 *
 * The canonical form is JSON, hence YAML: read by the same table, it gives the same struct.
 */

enum field_kind {
	FIELD_SIZE,   /* size_t */
	FIELD_U64,    /* uint64_t */
	FIELD_INT,    /* int64_t; `words` may name values below lo: words[0] is lo - 1 ("middle" for -1) */
	FIELD_REAL,   /* double */
	FIELD_BOOL,   /* bool; `words` may name {false, true} otherwise ("bf16", "f32") */
	FIELD_TEXT,   /* const char *; lo, hi bound the length in bytes */
	FIELD_PATH,   /* the same; resolved next to it by the module that owns the table */
	FIELD_WORD,   /* an enum (int-sized), by the order of `words` */
	FIELD_STRUCT, /* inner table, at offset */
	FIELD_LIST,   /* pointer at offset, count at n_offset; elements of `stride` bytes described by `inner`
	                 (one row named "" for lists of scalars) */
};

struct field {
	const char *name; /* NULL ends a table */
	enum field_kind kind;
	size_t offset, n_offset;
	double lo, hi;		  /* bounds; of the length, for lists and texts */
	const char *fallback;	  /* as it would be written; NULL: required; "" for texts: may be absent */
	const char *const *words; /* NULL-ended */
	const struct field *inner;
	size_t stride;
	size_t at_offset; /* of the struct's or element's struct pos, plus 1; 0: none wanted */
	const char *help;
};

/* Reads a map into the struct, absent fields from their defaults. Texts and lists live in `mem`. After
 * problems the struct is filled all the same, with the defaults where something was wrong. */
void field_read(void *into, const struct field *table, const struct yaml *y, struct arena *mem,
		struct problems *p);
/* One row from a text that is not YAML (the command line); `what` names it in the error, ERR_USAGE. */
int field_parse(void *into, const struct field *row, const char *what, struct view text, struct arena *mem,
		struct err *e);
/* The whole table in canonical form, as the members of an object that the caller opened. */
void field_write(struct json_out *j, const struct field *table, const void *from);
void field_help(FILE *f, const struct field *table);

/* The row a dotted path names ("train.k"), or NULL. `inner` of a section's row is the section's table. */
const struct field *field_find(const struct field *table, const char *path);
/* "a whole number, 1 to 64": what the row takes, in words. */
const char *field_kind_text(struct arena *mem, const struct field *row);
/* A bound or value of the row's kind, as it would be written. */
const char *field_number(struct arena *mem, const struct field *row, double v);
/* The text broken at blanks into lines of at most 100 columns, each `indent` blanks in. */
void help_wrap(FILE *f, const char *text, int indent);
/* The name in a NULL-ended list that a slip of the keyboard made into `wrong`; NULL where none is near. */
const char *word_near(const char *const *words, struct view wrong);

#endif
