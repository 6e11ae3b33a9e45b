#ifndef SUPPORT_KINDS_H
#define SUPPORT_KINDS_H

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/tokenizer.h"

/* The small tokenizers of tests/vectors/tokenizer, by name; NULL ends the list. */
extern const char *const kinds[];

/* Fails the test where it does not open. */
struct tokenizer *kind_open(const char *name);
/* The vectors of a kind: an array of objects with text, ids, ids_special, byte_spans, decoded. */
const struct json *kind_vectors(struct arena *mem, const char *name);
/* A text made of what tokenizers find hard: blanks, digits, quotes, marks, jamo, emoji, special tokens... */
struct view kind_text(struct arena *mem, struct rng r);

#endif
