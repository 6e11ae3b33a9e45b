#ifndef MODEL_BPE_H
#define MODEL_BPE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Byte-pair encoding of one word: its characters, then the merge of lowest rank
 * (of several the leftmost) until there is none (Sennrich et al. 2016).
 *
 * A table takes words either as text, or, for byte-level vocabularies, as plain
 * bytes, each standing for the character bpe_byte_char() gives it.
 */

#define BPE_MOST_IDS (1u << 22)
#define BPE_FREE UINT64_MAX /* key of a free slot */

struct bpe;

/* From the "model" of a tokenizer.json. */
int bpe_open(struct bpe **out, const struct json *model, struct err *e);
void bpe_close(struct bpe *b);
/* Whether the vocabulary has a token for each of the characters that stand for bytes, and does not fall back to
 * bytes by itself: only then words can be given as bytes. */
bool bpe_spells_bytes(const struct bpe *b);
/* To be called once before the first word, to say which they will be.  Fails where an unknown character would
 * need a token that is not there. */
int bpe_ready(struct bpe *b, bool bytes, struct err *e);

size_t bpe_vocab(const struct bpe *b);			  /* one more than the largest id */
size_t bpe_tokens(const struct bpe *b);			  /* how many tokens there are */
struct view bpe_token(const struct bpe *b, int32_t id);	  /* p is NULL where there is none */
int32_t bpe_find(const struct bpe *b, struct view token); /* -1: none */

/* A token of a word.  [start, end) are bytes of the word.  `length` is what the reference counts for it: it
 * adds these up for its offsets, which then go astray behind characters that no token stands for. */
struct bpe_symbol {
	int32_t id;
	uint32_t start, end, length;
	uint32_t prev, next;
};

struct bpe_merge {
	uint32_t rank, at;
	int32_t id;
};

/* Room to work in, one for each thread. symbol[0..n) is the result of the last word. */
struct bpe_work {
	struct bpe_symbol *symbol;
	size_t n, cap;
	struct bpe_merge *heap;
	size_t n_heap, cap_heap;
	uint64_t merges, pops; /* counted for tests of the bound on work */
};

void bpe_encode(struct bpe_work *w, const struct bpe *b, struct view word);
void bpe_work_release(struct bpe_work *w);

/* The character that stands for a byte in byte-level vocabularies, and back (-1: none). */
uint32_t bpe_byte_char(uint8_t byte);
int bpe_char_byte(uint32_t cp);

/* Between bpe.c and bpe_word.c. */
struct bpe_pair {
	uint64_t key; /* left id, right id; or BPE_FREE */
	uint32_t rank;
	int32_t id;
};

struct bpe {
	struct arena mem;
	char *text; /* all tokens */
	size_t n_text, cap_text;
	uint32_t *first; /* (n_ids) where in text; UINT32_MAX: no such id */
	uint32_t *length;
	size_t n_ids, n_tokens, cap_ids, cap_lengths;
	size_t longest; /* bytes */
	uint32_t *slot; /* hash table: id + 1, or 0 */
	size_t n_slots;
	struct bpe_pair *pair;
	size_t n_pairs; /* slots */
	uint64_t *near; /* hash table of keys: symbols that some token has side by side; NULL: not made */
	size_t n_near, cap_near; /* entries, slots */
	int32_t unk;		 /* or -1 */
	int32_t byte[256];	 /* <0xNN>, or of the characters that stand for bytes; -1: none */
	int32_t latin[256];	 /* characters of one byte; -1: none */
	bool byte_fallback, fuse_unk, ignore_merges, takes_bytes;
	struct view lost_unk; /* the unk_token where the vocabulary lacks it */
};

/* NULL where the two do not merge. */
const struct bpe_pair *bpe_merge_of(const struct bpe *b, int32_t left, int32_t right);
uint64_t bpe_key(int32_t left, int32_t right);
uint64_t bpe_mix(uint64_t h);
/* Finds, from the merges, which symbols can come together in one token (bpe_seam.c); a word of text, which may
 * be a whole document, is cut wherever two stand side by side that cannot. */
void bpe_find_seams(struct bpe *b);
bool bpe_may_join(const struct bpe *b, int32_t left, int32_t right); /* symbols before any merge */
int32_t bpe_find_bytes(const struct bpe *b, struct view bytes); /* as bpe_find(), of a word of plain bytes */

#endif
