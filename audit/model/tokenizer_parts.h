#ifndef MODEL_TOKENIZER_PARTS_H
#define MODEL_TOKENIZER_PARTS_H

#include "base/json.h"
#include "model/bpe.h"
#include "model/normal.h"
#include "model/pretoken.h"
#include "model/tokenizer.h"

/* What a tokenizer is made of; for tokenizer*.c only. */

/* ---- added tokens: found in the text before anything cuts it ---- */

#define ADDED_LONGEST 4096 /* bytes of one */

struct added_token {
	struct view content;
	struct view match; /* what is looked for: the content, normalized if `normalized` */
	int32_t id;
	bool special, normalized, lstrip, rstrip, single_word;
};

/* Some of the tokens, in byte order of what is looked for. */
struct added_set {
	uint32_t *index;
	size_t n;
	uint32_t first[257]; /* where those begin that start with each byte */
};

struct added {
	struct added_token *token;
	size_t n;
	uint32_t *of_id; /* (n_ids) number of the token plus one, or 0 */
	size_t n_ids;
	struct added_set plain, normalized, content;
};

/* After the model and the normalizer: ids are those the reference would give. */
int added_read(struct added *out, struct arena *mem, const struct json *list, const struct bpe *bpe,
	       const struct normal *normal, struct err *e);
/* Cuts the pieces at the tokens of the set. */
void added_cut(const struct added *a, const struct added_set *set, struct passage *p);
const struct added_token *added_find(const struct added *a, int32_t id); /* or NULL */
int32_t added_id(const struct added *a, struct view content);		 /* or -1 */

/* ---- post-processors ---- */

enum post_kind { POST_TRIM, POST_TEMPLATE };

struct post_step {
	enum post_kind kind;
	bool prefix;		 /* POST_TRIM: one leading blank of the first token stays */
	int32_t *before, *after; /* POST_TEMPLATE: ids put around the text */
	size_t n_before, n_after;
};

struct post {
	struct post_step *step;
	size_t n;
};

int post_read(struct post *out, struct arena *mem, const struct json *v, size_t vocab, struct err *e);
/* add_bos_token and add_eos_token of a tokenizer_config.json, where no step puts anything there. */
int post_read_config(struct post *post, struct arena *mem, const struct json *config,
		     const struct tokenizer *t, struct err *e);
int32_t post_bos(const struct post *post);

/* ---- decoders ---- */

enum decode_kind {
	DECODE_BYTES,
	DECODE_REPLACE,
	DECODE_FALLBACK,
	DECODE_FUSE,
	DECODE_STRIP,
	DECODE_METASPACE
};

struct decode_step {
	enum decode_kind kind;
	struct view literal, text; /* DECODE_REPLACE: what, by what; the others: text is the character */
	struct pattern *pattern;
	size_t start, stop; /* DECODE_STRIP */
	bool prefix;	    /* DECODE_METASPACE: the first token's marks go */
};

struct decode {
	struct decode_step *step;
	size_t n;
	bool joined; /* there is a decoder; without one tokens are joined by blanks */
};

int decode_read(struct decode *out, struct arena *mem, const struct json *v, struct err *e);
void decode_release(struct decode *d);
/* The bytes that `token` of the vocabulary stands for in running text, added. */
void decode_piece(struct str *out, const struct decode *d, struct view token);

struct tokenizer {
	struct arena mem;
	struct bpe *bpe;
	struct normal normal;
	struct pretoken pretoken;
	struct added added;
	struct post post;
	struct decode decode;
	bool raw; /* words go to the vocabulary as bytes */
	size_t vocab;
	struct str pieces; /* of all tokens, and where each begins: (vocab + 1) */
	uint32_t *piece;
};

/* The token as the file spells it; p is NULL where there is none. */
struct view tokenizer_spelling(const struct tokenizer *t, int32_t id);

#endif
