#ifndef MODEL_JINJA_STR_H
#define MODEL_JINJA_STR_H

#include "model/jinja_machine.h"

/* What Python's str can do, for methods and filters alike. Positions are bytes. */

enum { SIDE_LEFT = 1, SIDE_RIGHT = 2 };
enum { CASE_UPPER, CASE_LOWER, CASE_TITLE, CASE_CAPITALIZE, CASE_SWAP };
enum { IS_SPACE, IS_ALPHA, IS_DECIMAL, IS_DIGIT, IS_ALNUM, IS_ASCII, IS_UPPER, IS_LOWER, IS_PRINTABLE };

/* The code point that ends at byte `to` (more than 0), and its length. */
size_t char_before(uint32_t *cp, const struct text *t, size_t to);
/* `chars` NULL: white space. */
const struct text *text_strip(struct machine *m, const struct text *t, const struct text *chars, int sides);
/* As str.splitlines() cuts. */
struct value text_lines(struct machine *m, const struct text *t, bool keep_ends);
/* At most `most` times, -1: everywhere. */
const struct text *text_replace(struct machine *m, const struct text *t, const struct text *from,
				const struct text *to, int64_t most);
/* What is no string is an error, or becomes one where `convert`. */
int text_join(struct machine *m, struct value *out, const struct text *between, struct value list,
	      bool convert);
/* Origins are lost. */
const struct text *text_case(struct machine *m, const struct text *t, int to);
/* One character of a text in another case. */
void put_cased(struct pen *pen, const struct text *t, size_t at, size_t len, int to);
bool text_is(const struct text *t, int which);
const struct callee *str_method(struct view name);

#endif
