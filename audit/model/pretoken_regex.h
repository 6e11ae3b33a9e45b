#ifndef MODEL_PRETOKEN_REGEX_H
#define MODEL_PRETOKEN_REGEX_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/unicode_class.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reading a pre-tokenizer's pattern.  Patterns are in Oniguruma's syntax, which
 * PCRE2's resembles but is not: {1,3}+ is no possessive repeat, ^ and $ are
 * those of lines, \h is a hexadecimal digit, classes nest and intersect.  A
 * pattern becomes operators in PCRE2's syntax and, in place of every character
 * and class, a set of code points with the members Unicode 16.0 gives it.
 * What cannot be carried over exactly is refused by name.
 */

#define REGEX_LONGEST 16384 /* bytes of a pattern */
#define REGEX_DEEPEST 60    /* groups within groups */

struct regex_op {
	const char *text; /* an operator, or NULL: */
	uint32_t set;	  /* one character of this set */
};

struct regex {
	struct regex_op *op;
	size_t n, cap;
	struct cp_set *set; /* each different from the others */
	size_t n_set, cap_set;
};

int regex_read(struct regex *out, struct arena *mem, struct view pattern, struct err *e);

/* Between the two files that read patterns (pretoken_regex.c, pretoken_class.c). */
struct regex_reader {
	struct arena *mem;
	struct view text;
	size_t at;
	bool icase;
	bool bracket; /* between [ and ] */
	struct err *e;
};

/* -1 with "PATTERN: what, at character n" in r->e. */
int regex_refuse(const struct regex_reader *r, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The code point at r->at, which is inside the text; steps over it. */
uint32_t regex_next(struct regex_reader *r);
bool regex_ahead(const struct regex_reader *r, const char *lit);
/* "[...]" with r->at after the bracket; "\x" with r->at after the backslash, outside (1: is no character
 * class but an operator, r->at stays) and inside brackets.  `single` tells whether it is one character. */
int regex_bracket(struct regex_reader *r, struct cp_set *out);
int regex_escape(struct regex_reader *r, struct cp_set *out, bool *single);
/* What the set matches when case does not count. */
int regex_fold(struct regex_reader *r, struct cp_set *set, size_t at);

#endif
