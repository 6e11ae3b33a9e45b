#ifndef MODEL_UNICODE_CLASS_H
#define MODEL_UNICODE_CLASS_H

#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets of code points, and the character classes of Unicode 16.0 by name.  The
 * classes are those of the engine tokenizers are made with, whatever the age of
 * the libraries here.
 *
 * A closed set has its ranges sorted, disjoint and apart; all functions but
 * cp_set_add() take and give closed sets.  The ranges live in the arena.
 */

#define CP_MAX 0x10ffffu

struct cp_range {
	uint32_t first, last;
};

struct cp_set {
	struct cp_range *range;
	size_t n, cap;
};

#define CP_SET_INIT                             \
	{                                       \
		.range = NULL, .n = 0, .cap = 0 \
	}

void cp_set_add(struct cp_set *s, struct arena *mem, uint32_t first, uint32_t last); /* leaves it open */
void cp_set_join(struct cp_set *s, struct arena *mem, const struct cp_set *other);   /* leaves it open */
void cp_set_close(struct cp_set *s);
void cp_set_invert(struct cp_set *out, struct arena *mem, const struct cp_set *s);
void cp_set_meet(struct cp_set *out, struct arena *mem, const struct cp_set *a, const struct cp_set *b);
bool cp_set_has(const struct cp_set *s, uint32_t cp);
bool cp_set_eq(const struct cp_set *a, const struct cp_set *b);

/* The members of a general category ("L", "Lu", "Letter", "Uppercase_Letter"), of a script ("Han"), or of
 * space, word, xdigit, cntrl, blank, digit, ascii as Oniguruma defines them; case, blanks, '-' and '_' in the
 * name do not count.  "bareword" is word with the superscripts and fractions of Latin-1, "posixpunct" is
 * punctuation and symbols, "punctuator" what the Punctuation pre-tokenizer takes for punctuation.  False
 * where the name is none of them. */
bool unicode_class(struct cp_set *out, struct arena *mem, struct view name);

/* \w as Unicode's UTS 18 has it. */
bool unicode_is_word(uint32_t cp);

/* For normalisation at Unicode 9.0. */
bool unicode_is_young(uint32_t cp);  /* given its mapping or combining class after 9.0 */
bool unicode_is_second(uint32_t cp); /* a starter that may be composed with the character before it */

#endif
