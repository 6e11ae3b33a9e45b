#ifndef MODEL_UNICODE_TABLE_H
#define MODEL_UNICODE_TABLE_H

#include "model/unicode_class.h"

#include <stddef.h>
#include <stdint.h>

/* The generated tables behind model/unicode_class.h. */

/* A run of one general category: first code point * 32 + category, in the order of UNICODE_CATEGORIES. */
extern const uint32_t unicode_run[];
extern const size_t unicode_runs;

/* Word characters (\w) that are no letter, mark, decimal digit, letter number or connector. */
extern const struct cp_range unicode_word[];
extern const size_t unicode_words;

/* What Unicode versions after 9.0 gave a decomposition or a combining class: inert for the reference. */
extern const struct cp_range unicode_young[];
extern const size_t unicode_youngs;

/* Starters that can be the second of a canonical composition, but for Hangul. */
extern const struct cp_range unicode_second[];
extern const size_t unicode_seconds;

/* What Hugging Face's Punctuation splits at: its tables are those of Unicode 8. */
extern const struct cp_range unicode_stop[];
extern const size_t unicode_stops;

struct unicode_script {
	const char *name;
	const struct cp_range *range;
	size_t n;
};

extern const struct unicode_script unicode_script[];
extern const size_t unicode_scripts;

#endif
