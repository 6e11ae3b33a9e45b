#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Unicode normalisation forms (UAX #15), through utf8proc.  Text that holds
 * code points newer than the library's tables comes back as it was in those.
 */

/* Add the normalised text to `out`.  Invalid UTF-8 is ERR_INPUT naming the byte; `out` is then unchanged. */
int utf8_nfc(struct str *out, struct view text, struct err *e);
int utf8_nfkc(struct str *out, struct view text, struct err *e);

/* The property White_Space: U+0009-000D, 0020, 0085, 00A0, 1680, 2000-200A, 2028, 2029, 202F, 205F, 3000. */
bool unicode_is_space(uint32_t cp);

/* By general category: what Python's str.isprintable(), isalpha() and isdecimal() ask. Code points newer than
 * the library's tables are none of them. */
bool unicode_is_printable(uint32_t cp);
bool unicode_is_letter(uint32_t cp);
bool unicode_is_decimal(uint32_t cp);
bool unicode_is_number(uint32_t cp);
bool unicode_is_upper(uint32_t cp);
bool unicode_is_lower(uint32_t cp);
bool unicode_is_title(uint32_t cp);
/* The simple (one to one) mappings of UnicodeData.txt; title gives the form for the start of a word. */
uint32_t unicode_upper(uint32_t cp);
uint32_t unicode_lower(uint32_t cp);
uint32_t unicode_title(uint32_t cp);

/* How many bytes at p[0..n) one U+FFFD stands for where utf8_decode() gives 0: the longest start of a
 * valid sequence, at least 1 (Unicode 3.9, "substitution of maximal subparts"). n > 0. */
size_t utf8_broken(const char *p, size_t n);

/* The parts the forms above are made of, a code point at a time: the canonical combining class, the full
 * (canonical or compatibility) decomposition and its length, and the primary composite of two, if any. */
#define UNICODE_DECOMPOSED 18 /* U+FDFA is the longest */
unsigned unicode_combining(uint32_t cp);
size_t unicode_decompose(uint32_t out[UNICODE_DECOMPOSED], uint32_t cp, bool compat);
bool unicode_compose(uint32_t *out, uint32_t a, uint32_t b);

#endif
