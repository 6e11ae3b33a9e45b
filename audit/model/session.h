#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include "base/err.h"
#include "base/par.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Timelines through a model: a number of sequences, each with its key-value cache and its position,
 * advancing together.  A session allocates when made and never after.
 *
 * A feed is a list of rows, each one token of one sequence; the rows of a sequence stand together and in order,
 * and continue where that sequence stood.  So prefill of one long text, of many short ones, and a decode step of
 * many sequences are the same call, and always one matrix product per weight.
 *
 * A row's bits depend on the tokens before it in its sequence and on nothing else: not on how the text was cut into
 * feeds, not on who else is fed, not on the number of threads.  One kind of model differs: where arch.rope_far is
 * set, a sequence whose first feed is longer than that turns by other angles, and one that began shorter cannot
 * grow beyond.
 *
 * A tap sees the residual stream after a block.  It may read it (capture) or write it (injection); there is no
 * other way in or out of the forward pass.
 */

/* Row i of a feed: token id[i] of sequence seq[i]; position[i] is filled in for taps. */
struct rows {
	const int32_t *id;
	const uint32_t *seq;
	const uint32_t *position;
	size_t n;
};

/* x (rows->n, d_model): the residual stream after block `layer` (counted from 0). */
typedef void (*tap_fn)(void *ud, float *x, size_t d_model, const struct rows *rows);

struct tap {
	size_t layer;
	tap_fn fn;
	void *ud;
};

/* Called in the order of layers, then of the list. Borrowed for the one call they are given to. */
struct taps {
	const struct tap *tap;
	size_t n;
};

struct session_opts {
	size_t max_seqs;    /* sequences at once */
	size_t max_context; /* positions of each */
	size_t max_rows;    /* rows of one feed */
};

struct session;

/* What a session will reserve, for the plan to add up before anything runs. */
size_t session_bytes(const struct arch *a, const struct session_opts *o);
int session_new(struct session **out, const struct model *m, struct par *p, const struct session_opts *o,
		struct err *e);
void session_free(struct session *s);
const struct model *session_model(const struct session *s);
struct session_opts session_plan(const struct session *s);

/* Runs blocks 0 .. n_blocks-1 (pass SIZE_MAX or n_layers for all) over the rows. ERR_INPUT: an id outside the
 * vocabulary, a sequence beyond its context, more rows than planned, rows of a sequence that do not stand together, a
 * sequence that goes deeper than its earlier rows went; then nothing has changed. */
int session_feed(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t n_blocks,
		 struct taps taps, struct err *e);
/*
 * The same for rows whose residual stream after block first-1 is known, x (n, d_model): runs block `first` and those after it.  Taps
 * of block first-1 see x before.  For texts that differ in nothing up to there.  The blocks before keep nothing of these rows, so the
 * sequences go on from block `first` or after it alone (ERR_INPUT else), until they are rewound to 0 or forked anew.
 */
int session_feed_above(struct session *s, const float *x, const int32_t *id, const uint32_t *seq, size_t n,
		       size_t first, struct taps taps, struct err *e);
/* The sequence goes back to `position` (0: empty); later positions are forgotten. */
void session_rewind(struct session *s, uint32_t seq, size_t position);
size_t session_position(const struct session *s, uint32_t seq);
/* Makes `to` a copy of `from` (its cache and position), for many continuations of one prompt that run block `first` (0: all) and
 * those after it. */
void session_fork(struct session *s, uint32_t to, uint32_t from, size_t first);

/* After a feed through all blocks. logits (n, n_vocab) of rows row[0..n) of that feed. */
void session_logits(struct session *s, float *logits, const uint32_t *row, size_t n);
/* logp[i] = log softmax(logits after row[i])[target[i]]; never holds more than a few rows of logits. */
void session_logprobs(struct session *s, double *logp, const uint32_t *row, const int32_t *target, size_t n);
/* The most likely next token after row[i] (ties: the smaller id). */
void session_argmax(struct session *s, int32_t *next, const uint32_t *row, size_t n);

#endif
