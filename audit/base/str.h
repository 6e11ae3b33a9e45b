#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text.  A view borrows bytes and a length; a str owns bytes that grow and
 * always has a NUL after them (s.p is never NULL once something was added).
 */

struct view {
	const char *p;
	size_t n;
};

#define VIEW(lit) ((struct view){ (lit), sizeof(lit) - 1 })

struct str {
	char *p;
	size_t n, cap;
};

#define STR_INIT                            \
	{                                   \
		.p = NULL, .n = 0, .cap = 0 \
	}

void str_add(struct str *s, const char *p, size_t n);
void str_addv(struct str *s, struct view v);
void str_addc(struct str *s, char c);
void str_adds(struct str *s, const char *z);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_clear(struct str *s);
void str_release(struct str *s);
struct view str_view(const struct str *s);

struct view view_of(const char *z);
bool view_is(struct view v, const char *lit);
bool view_eq(struct view a, struct view b);
int view_cmp(struct view a, struct view b); /* byte order */
bool view_starts(struct view v, const char *lit);
bool view_ends(struct view v, const char *lit);
/* A file name that can lead nowhere else: ASCII letters, digits, '-' and '_', at least one. */
bool view_is_name(struct view v);
/* What stands after the last '/' of a path; all of it where there is none. Points into it. */
const char *path_name(const char *path);

/* Whole-text numbers, no blanks, no locale: false where the text is anything else or out of range. */
bool view_u64(uint64_t *out, struct view v);
bool view_i64(int64_t *out, struct view v);
bool view_real(double *out, struct view v);

/* The shortest decimal form that reads back as v (finite). At least 32 bytes. */
void real_shortest(char *out, double v);

/* UTF-8.  Decodes one code point at p[0..n): its length, 0 where the bytes are not valid UTF-8. */
size_t utf8_decode(uint32_t *cp, const char *p, size_t n);
size_t utf8_encode(char out[4], uint32_t cp);
/* Length of the longest valid prefix; equal to n where all of it is valid. */
size_t utf8_valid(const char *p, size_t n);

/* Edit distance (Damerau, bytes), for "did you mean". */
size_t str_distance(struct view a, struct view b);

#endif
