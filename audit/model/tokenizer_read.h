#ifndef MODEL_TOKENIZER_READ_H
#define MODEL_TOKENIZER_READ_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the readers of a tokenizer.json's parts share, and walking through UTF-8 that is known to be valid. */

/* A member that may be absent or null: then `otherwise`. */
int read_flag(bool *out, const struct json *v, const char *key, bool otherwise, struct err *e);
/* A member that is a string of one character, copied. */
int read_character(struct view *out, struct arena *mem, const struct json *v, const char *key, struct err *e);
/* How many bytes of a text a message shows. */
int read_shown(struct view v);
/* Of a hexadecimal digit; -1 where it is none. */
int read_hex(char c);

#define STEPS_MOST 32

/* One step of a chain: its "type" is read. */
typedef int (*read_step_fn)(void *ud, const struct json *v, struct view type, struct err *e);

/* A step, or of a Sequence (and Sequences in it, one level) each of the array named `members`, in order; null:
 * none. At most STEPS_MOST in all. */
int read_steps(const struct json *v, const char *members, read_step_fn step, void *ud, struct err *e);

/* Where the character that holds the byte before `at` begins (at > 0), and where the one that begins at `at` ends. */
size_t character_before(struct view text, size_t at);
size_t character_after(struct view text, size_t at);

#endif
