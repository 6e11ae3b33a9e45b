#ifndef MODEL_GENERATE_H
#define MODEL_GENERATE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/session.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Continuations of many prompts at once, greedy or by seeded sampling.  Prompts are taken in waves of the session's
 * sequences; within a wave a sequence that ends leaves its place empty, so the rows of each step
 * are a function of the inputs only.
 */

struct prompt {
	const int32_t *id;
	size_t n;
};

struct generate_opts {
	size_t max_tokens;
	const int32_t *stop; /* ids that end a continuation (not part of it) */
	size_t n_stop;
	double temperature; /* 0: greedy */
	double top_p;	 /* the most probable tokens with this share together are drawn from; 0 or 1: all */
	uint64_t number; /* of the first prompt, among all that this seed draws for */
	uint64_t seed;	 /* sampling draws are a function of (seed, prompt number, position) */
};

struct continuation {
	int32_t *id;
	size_t n;
	int32_t stopped_by; /* the stop id, or -1 where max_tokens or the context ended it */
};

/* out[0..n) in `mem`. The session's sequences are emptied first. ERR_INPUT: a prompt that is empty, has an id outside
 * the vocabulary, or is longer than the session's context. Taps see rows->seq = the place in the wave; `first` (may
 * be NULL) is told the index of the prompt in place 0 before each wave, so that a tap can tell the prompts apart:
 * prompt = first + seq. */
int generate(struct continuation *out, struct arena *mem, struct session *s, const struct prompt *prompt,
	     size_t n, struct taps taps, size_t *first, const struct generate_opts *o, struct err *e);

#endif
