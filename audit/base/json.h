#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON, both ways.  Reading (jansson underneath) gives an immutable tree in an
 * arena, members in the order of the text; each value can say where it stood.
 * Duplicate keys, trailing text, invalid UTF-8 and nesting beyond 128 are
 * errors with line and column.
 *
 * Writing is canonical: members in the order put, two-space indent (or none at
 * all), reals in the shortest form that reads back the same; NaN and
 * infinities are BUG_ON, not nulls.
 */

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INTEGER,
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	enum json_kind kind;
	uint32_t ordinal;	  /* in document order; json_pos() finds the place by it */
	struct view key;	  /* when a member of an object */
	struct view str;	  /* JSON_STRING, unescaped; may hold NUL bytes */
	int64_t integer;	  /* JSON_INTEGER */
	double real;		  /* JSON_REAL, and JSON_INTEGER widened */
	const struct json *first; /* JSON_ARRAY, JSON_OBJECT */
	const struct json *next;
	size_t n;
	const struct json_text *text; /* the document it came from */
};

/* `text` must outlive the tree. `file` is copied and names the source in errors. */
int json_read(const struct json **out, struct arena *mem, struct view text, const char *file, struct err *e);
/* Reads a whole file (at most `limit` bytes) into the arena first. */
int json_read_file(const struct json **out, struct arena *mem, const char *path, size_t limit, struct err *e);
/* Where the value stood: counted again from the text, for errors only. */
struct pos json_pos(const struct json *v);
const char *json_kind_name(enum json_kind k); /* "a string", "an object", ... */

/* Lookups borrow.  json_find() and json_at() give NULL where there is none (also when obj is NULL or
 * no object); the others fail with ERR_INPUT, naming the key, what is there and what would be right. */
const struct json *json_find(const struct json *obj, const char *key);
const struct json *json_at(const struct json *array, size_t i);
bool json_is_null(const struct json *v);		    /* absent counts as null */
bool json_is_true(const struct json *obj, const char *key); /* absent counts as false */
/* A copy of a string in `mem`; `otherwise` (borrowed, may be NULL) where there is none. */
const char *json_text(struct arena *mem, const struct json *obj, const char *key, const char *otherwise);
int json_member(const struct json **out, const struct json *obj, const char *key, enum json_kind kind,
		struct err *e);
int json_str(struct view *out, const struct json *obj, const char *key, struct err *e);
int json_real(double *out, const struct json *obj, const char *key, struct err *e);
int json_size(size_t *out, const struct json *obj, const char *key, struct err *e);
int json_bool(bool *out, const struct json *obj, const char *key, struct err *e);

/* Writing.  Errors stick in the sink and come out at its commit.  One of the three sinks is set. */
struct json_out {
	struct out *out;
	struct sha256 *hash;
	struct str *str;
	bool compact; /* no indent, no line breaks */
	unsigned depth;
	bool started; /* something stands at this depth already */
};

#define JSON_TO_OUT(o)     \
	{                  \
		.out = (o) \
	}
#define JSON_TO_STR(s)     \
	{                  \
		.str = (s) \
	}
#define JSON_TO_HASH(h)                      \
	{                                    \
		.hash = (h), .compact = true \
	}

/* key is NULL inside arrays and at the top. bracket: '{' or '['. */
void json_open(struct json_out *j, const char *key, char bracket);
void json_close(struct json_out *j,
		char bracket); /* '}' or ']'; at the top also a final newline unless compact */
void json_put_str(struct json_out *j, const char *key, struct view v); /* invalid UTF-8 becomes U+FFFD */
void json_puts(struct json_out *j, const char *key, const char *z);    /* NULL becomes null */
void json_put_real(struct json_out *j, const char *key, double v);
void json_put_size(struct json_out *j, const char *key, uint64_t v);
void json_put_int(struct json_out *j, const char *key, int64_t v);
void json_put_bool(struct json_out *j, const char *key, bool v);
void json_put_null(struct json_out *j, const char *key);
void json_put_digest(struct json_out *j, const char *key, struct digest d); /* 64 hex digits */
/* A tree as it was read; NULL becomes null. */
void json_put(struct json_out *j, const char *key, const struct json *v);

#endif
