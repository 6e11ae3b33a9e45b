#ifndef MODEL_PRETOKEN_PATTERN_H
#define MODEL_PRETOKEN_PATTERN_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Patterns compiled and searched, through PCRE2.
 *
 * PCRE2's Unicode tables are older than those tokenizers are made with, so it
 * is not asked about Unicode at all.  The sets of code points of a pattern cut
 * Unicode into a few kinds of characters that the pattern cannot tell apart;
 * the text is rewritten with one byte for each character, its kind, and PCRE2
 * matches bytes.  That is exact, and faster than classes of hundreds of ranges.
 */

struct pattern;

/* Oniguruma's syntax (model/pretoken_regex.h). */
int pattern_open(struct pattern **out, struct view source, struct err *e);
void pattern_close(struct pattern *p);

/* A search through one text from left to right. */
struct pattern_search {
	const struct pattern *pattern;
	struct view text;
	uint8_t *kind; /* of each character; NUL-free or not, length n */
	size_t n, cap;
	size_t at;	      /* the next character to look at */
	size_t last_end;      /* of the match before, in characters; SIZE_MAX: none yet */
	size_t chars, bytes;  /* a character's number and its first byte: both only grow */
	uint64_t work;	      /* spent on this text */
	void *match, *limits; /* PCRE2's */
};

/* Once for each thread of work and pattern; begin for each text (valid UTF-8, borrowed until the next). */
void pattern_search_init(struct pattern_search *s, const struct pattern *p);
void pattern_search_begin(struct pattern_search *s, struct view text);
void pattern_search_release(struct pattern_search *s);

/* The next match in bytes of the text: 1, 0 when there is none, -1 where the pattern asks for more work
 * than any sane one does on this text. An empty match right after a match is passed over. */
int pattern_search_next(struct pattern_search *s, size_t *start, size_t *end, struct err *e);

#endif
