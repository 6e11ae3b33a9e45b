#ifndef STORE_CORPUS_H
#define STORE_CORPUS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/artifact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The corpus as both models read it: documents, the tokens of either side and the pairs where both have
 * read the same bytes.  A pair is a row of the activation store; rows are numbered through the documents.
 *
 * The text of a chat is its messages' contents laid end to end, one separator before each (model/chat.h);
 * template tokens have no bytes of it.  Byte offsets count inside a document's text.
 *
 * On disk (docs/formats.md): fixed-size little-endian records in a file a kind, mapped when read.
 */

enum side { SIDE_BASE, SIDE_CANDIDATE, SIDE_COUNT };
extern const char *const side_name[SIDE_COUNT]; /* "base", "candidate" */

enum doc_kind { DOC_DOCUMENT, DOC_CHAT, DOC_ROLLOUT };
enum token_kind { TOKEN_CONTENT, TOKEN_SPACE, TOKEN_TEMPLATE };

enum {
	PAIR_TURN = 1,	 /* the turn boundary: the last template token before an answer */
	PAIR_ANSWER = 2, /* inside an answer */
	AUTHOR_BASE = 1, /* a rollout that the base wrote */
	AUTHOR_CANDIDATE = 2,
};

struct doc {
	uint64_t text_first, line, offset; /* line and byte offset in its file */
	uint64_t token_first[SIDE_COUNT], pair_first;
	uint32_t token_n[SIDE_COUNT], pair_n, text_n;
	uint32_t file;	 /* which of all the files of the spec's sources */
	uint32_t prompt; /* rollouts: number of the prompt among all prompts of the run */
	uint8_t kind, truncated, author, zero;
	uint32_t longest_gap; /* most content tokens of a side in a row without a pair */
};

struct pair_record {
	uint32_t token[SIDE_COUNT]; /* in the document */
	uint32_t byte;		    /* where both end */
	uint32_t flags;
};

/* One side of a document to be added; arrays of n. */
struct doc_tokens {
	const int32_t *id;
	const uint32_t *end;
	const uint8_t *kind;
	size_t n;
};

struct corpus_writer;

int corpus_create(struct corpus_writer **out, const struct artifact *a, struct err *e);
/* Fills in the doc's positions. Errors wait for corpus_finish(). */
void corpus_add(struct corpus_writer *w, struct doc *d, struct view text,
		const struct doc_tokens side[SIDE_COUNT], const struct pair_record *pair, size_t n_pairs);
/* Ends `w` whatever it returns. */
int corpus_finish(struct corpus_writer *w, struct err *e);
void corpus_abort(struct corpus_writer *w);

struct corpus;

/* Checks every file against the MANIFEST and every record against its neighbours. */
int corpus_open(struct corpus **out, const struct artifact *a, struct err *e);
void corpus_close(struct corpus *c);
size_t corpus_docs(const struct corpus *c);
size_t corpus_rows(const struct corpus *c);
size_t corpus_tokens(const struct corpus *c, enum side s);
const struct doc *corpus_doc(const struct corpus *c, size_t doc);
/* The document a row is in. */
size_t corpus_doc_of(const struct corpus *c, size_t row);
const struct pair_record *corpus_pair(const struct corpus *c, size_t row);
struct view corpus_text(const struct corpus *c, size_t doc);
struct doc_tokens corpus_side(const struct corpus *c, size_t doc, enum side s);

/* Consecutive whole documents in shards of at least `rows_per_shard` rows (the last may have fewer):
 * first[i] is the first document of shard i, first[n] the count of documents. In `mem`. */
size_t corpus_shards(size_t **first, struct arena *mem, const struct corpus *c, size_t rows_per_shard);

#endif
