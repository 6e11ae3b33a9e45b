#ifndef MODEL_JINJA_TEXT_H
#define MODEL_JINJA_TEXT_H

#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The strings of a template at work.  A text is immutable and knows where its
 * bytes came from, as runs: most texts are one run, or none.  Slices share the
 * bytes of what they were cut from.  A pen writes a text; writing on behind
 * the text it wrote last costs nothing, so that "s = s + x" in a loop is not
 * quadratic.  All of it lives in one heap, which has a ceiling.
 */

/* How a view is printed by "%.*s" in an error: not more than a line has room for. */
#define SHORT_VIEW(v) (int)((v).n < 80 ? (v).n : 80), (v).p

struct heap {
	struct arena mem;
	size_t used, most; /* bytes */
	bool full;	   /* the ceiling was hit: what was made since is not to be used */
};

/* Never NULL; may pass the ceiling (and says so by `full`). Zeroed. */
void *heap_alloc(struct heap *h, size_t n, size_t size);
/* Ask before what a template can blow up: false, and `full`, where n * size bytes are too many. */
bool heap_room(struct heap *h, size_t n, size_t size);

#define HEAP_NEW(h, type) ((type *)heap_alloc((h), 1, sizeof(type)))
#define HEAP_ARRAY(h, n, type) ((type *)heap_alloc((h), (n), sizeof(type)))

/* From byte `at` on, up to the next run: origin 0 for bytes of no message, else that of the first byte,
 * rising by one with each. */
struct run {
	uint32_t at, origin;
};

struct pen;

struct text {
	const char *p;
	size_t n, chars;       /* bytes, code points; valid UTF-8 */
	const struct run *run; /* the first begins at byte 0; none where no byte has an origin */
	size_t n_run;
	struct pen *pen; /* that wrote it, or NULL */
};

/* origin 0, or that of the first byte. The bytes are borrowed. */
const struct text *text_make(struct heap *h, struct view v, uint32_t origin);
const struct text *text_of(struct heap *h, const char *z);
struct view text_view(const struct text *t);
bool text_eq(const struct text *a, const struct text *b);

/* Byte offset of a code point; chars gives n. */
size_t text_byte(const struct text *t, size_t at_char);
/* How many code points the first `byte` bytes are. */
size_t text_char(const struct text *t, size_t byte);
/* The bytes [from, to), which are whole code points. */
const struct text *text_part(struct heap *h, const struct text *t, size_t from, size_t to);
const struct text *text_join2(struct heap *h, const struct text *a, const struct text *b);
const struct text *text_repeat(struct heap *h, const struct text *t, size_t n);
/* The first place of `needle` at or after byte `from`; SIZE_MAX where there is none. */
size_t text_find(const struct text *t, struct view needle, size_t from);
/* The last place of `needle` that ends at or before byte `to`. */
size_t text_rfind(const struct text *t, struct view needle, size_t to);
/* The white space of Python's str.isspace(). */
bool text_is_space(uint32_t cp);

/* What it wrote so far is [0, n). Stops writing where the heap is full. */
struct pen {
	struct heap *heap;
	char *p;
	size_t n, cap, chars;
	struct run *run;
	size_t n_run, cap_run;
};

struct pen *pen_new(struct heap *h);
void pen_bytes(struct pen *p, const char *s, size_t n); /* of no message */
void pen_puts(struct pen *p, const char *z);
void pen_char(struct pen *p, uint32_t cp);
void pen_fmt(struct pen *p, const char *fmt, ...) PRINTF_LIKE(2, 3); /* short: below 64 bytes */
void pen_text(struct pen *p, const struct text *t);
void pen_part(struct pen *p, const struct text *t, size_t from, size_t to);
void pen_fill(struct pen *p, const struct text *t, size_t times);
const struct text *pen_text_of(struct pen *p); /* all it wrote */

#endif
