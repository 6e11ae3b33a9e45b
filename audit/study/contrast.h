#ifndef STUDY_CONTRAST_H
#define STUDY_CONTRAST_H

#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Texts read by a steered model (METHOD section 7): a direction is added to the residual stream after one block, dose
 * times, at the positions that `where` says.
 */

enum inject {
	INJECT_TURN,   /* the last token of the prompt, where the answer is decided */
	INJECT_ANSWER, /* that token and every one after it */
	INJECT_ALL,    /* every token, as the paper does */
	INJECT_NATURAL /* from the turn boundary on, as much at each token as the behaviour's own answers carry there */
};

struct steering {
	const float *direction; /* (d_model), raw residual units; NULL: unsteered */
	float dose;
	enum inject where;
	const float *
		share; /* (n_share) of the dose at the turn boundary and the tokens after it; for INJECT_NATURAL */
	size_t n_share; /* 0 of the dose after those */
};

/* A prompt and an answer to it: tokens [0, n_prompt) and [n_prompt, n). */
struct reading_task {
	const int32_t *id;
	size_t n_prompt, n;
	struct steering steering;
	double logp;   /* out: log-probability of the answer, nats */
	double least;  /* out: of its least likely token */
	float *logits; /* out, (n_vocab): after the prompt's last token; NULL: not wanted */
};

enum { CONTRAST_SEQS = 3 }; /* that a session has at least */

/* What reading holds beside the session, bytes. */
size_t contrast_bytes(const struct arch *a, const struct session_opts *o);
/*
 * All tasks, packed into feeds in their order: what is computed together depends on the list alone. Neighbours with the
 * same prompt share what is before the first steered token, and those of the same text (the same `id`, not a copy) all that is below
 * the steered block, so put them side by side.
 */
int contrast_read(struct reading_task *task, size_t n, struct session *s, const struct session_opts *o,
		  size_t layer, struct err *e);

/* Adds the steering of sequence rows->seq; for generate(), with the position of the turn boundary of each in `turn`. */
struct steer_tap {
	const struct steering *steering; /* one a sequence */
	const uint32_t *turn;		 /* one a sequence */
	const size_t *first;		 /* index of sequence 0, or NULL: 0 */
};

void steer_tap(void *ud, float *x, size_t d_model, const struct rows *rows);

#endif
