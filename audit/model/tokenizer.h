#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Tokenizers, from tokenizer.json (Hugging Face `tokenizers` format): BPE, byte-level or with byte
 * fallback, with the normalizers, pre-tokenizers and post-processors of the released families.
 * What is not supported is refused by name when the file is opened.
 *
 * Every token knows the bytes of the *original* text it stands for.  Thread-safe once open:
 * encoding takes const and allocates from the caller's arena only.
 */

/* A token sequence; all arrays hold n entries. */
struct encoding {
	int32_t *id;
	uint32_t *start, *end;		     /* exact spans: consecutive, without gaps; inside an NFC-changed
	                                    cluster a token covers the cluster whole */
	uint32_t *oracle_start, *oracle_end; /* the spans Hugging Face `tokenizers` reports, in bytes */
	size_t n;
};

struct tokenizer;

/* `path`: a tokenizer.json, or a folder that has one (its tokenizer_config.json is then read for
 * add_bos_token / add_eos_token where the file's post-processor is silent). */
int tokenizer_open(struct tokenizer **out, const char *path, struct err *e);
/* The text of a tokenizer.json; `name` stands for the file in errors. */
int tokenizer_parse(struct tokenizer **out, struct view text, const char *name, struct err *e);
void tokenizer_close(struct tokenizer *t);

size_t tokenizer_vocab(const struct tokenizer *t);		      /* one more than the largest id */
int32_t tokenizer_find(const struct tokenizer *t, struct view token); /* id, or -1 */
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);     /* an added token marked special */
bool tokenizer_is_added(const struct tokenizer *t, int32_t id);
/* The BOS that the post-processor or tokenizer_config.json adds, or -1. */
int32_t tokenizer_bos(const struct tokenizer *t);
/* What stands for bytes that the vocabulary does not have, or -1 where it has all of them. */
int32_t tokenizer_unknown(const struct tokenizer *t);
/* How many special tokens the encoding of a text has around it when they are asked for. */
void tokenizer_surround(size_t *before, size_t *after, const struct tokenizer *t);

/* Text (valid UTF-8) to tokens, without or with the post-processor's special tokens (those have empty
 * spans). Special tokens written in the text are recognised. The arrays live in `mem`. */
int tokenizer_encode(struct encoding *out, struct arena *mem, const struct tokenizer *t, struct view text,
		     bool special, struct err *e);
/* The same of a text that stands behind tokens already: nothing is put before it, as vocabularies do that mark where words begin. */
int tokenizer_encode_after(struct encoding *out, struct arena *mem, const struct tokenizer *t,
			   struct view text, struct err *e);
/* Adds the text of the ids, special tokens kept or skipped; ids out of range add U+FFFD. */
void tokenizer_decode(struct str *out, const struct tokenizer *t, const int32_t *id, size_t n,
		      bool skip_special);
/* The same of ids that stand behind others, special tokens skipped: what a decoder does to the beginning of a text, it does to
 * the others', not to theirs. */
void tokenizer_decode_after(struct str *out, const struct tokenizer *t, const int32_t *before,
			    size_t n_before, const int32_t *id, size_t n);
/* The bytes of one token as they stand in running text (may be part of a character). Borrowed. */
struct view tokenizer_piece(const struct tokenizer *t, int32_t id);

#endif
