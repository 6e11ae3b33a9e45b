#ifndef MODEL_PRETOKEN_H
#define MODEL_PRETOKEN_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/normal.h"
#include "model/pretoken_pattern.h"
#include "model/unicode_class.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Pre-tokenizers: what cuts a text into the words that byte-pair encoding may
 * not merge across (Hugging Face tokenizers, "pre_tokenizer").
 */

enum pretoken_kind { PRETOKEN_SPLIT, PRETOKEN_BYTES, PRETOKEN_METASPACE };

/* What becomes of the matches and of what lies between them. */
enum pretoken_behavior {
	SPLIT_REMOVED,
	SPLIT_ISOLATED,
	SPLIT_WITH_PREVIOUS,
	SPLIT_WITH_NEXT,
	SPLIT_CONTIGUOUS
};

enum pretoken_prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct pretoken_step {
	enum pretoken_kind kind;
	/* what cuts: one of the three, or none of them (no cut) */
	struct pattern *pattern;
	struct view literal;
	struct cp_set chars; /* each of them a match */
	bool by_chars;
	enum pretoken_behavior behavior;
	bool invert;
	bool prefix;	  /* PRETOKEN_BYTES: a blank before pieces that have none */
	struct view mark; /* PRETOKEN_METASPACE: what stands for a blank */
	enum pretoken_prepend prepend;
};

struct pretoken {
	struct pretoken_step *step;
	size_t n;
	bool bytes; /* the last step writes bytes as characters: left to the vocabulary */
};

/* The "pre_tokenizer" of a tokenizer.json (or NULL); refuses by name what is not known here. */
int pretoken_read(struct pretoken *out, struct arena *mem, const struct json *v, struct err *e);
void pretoken_release(struct pretoken *t);

/* One search for each step, once for each thread of work. */
struct pretoken_work {
	struct pattern_search *search;
	size_t n;
};

void pretoken_work_init(struct pretoken_work *w, struct arena *mem, const struct pretoken *t);
void pretoken_work_release(struct pretoken_work *w);

/* Cuts all pieces that are no tokens. `raw` leaves the bytes as they are where the last step would write them
 * as characters (t->bytes): the caller's vocabulary takes them so. */
int pretoken_apply(const struct pretoken *t, struct pretoken_work *w, struct passage *p, bool raw,
		   struct err *e);

#endif
