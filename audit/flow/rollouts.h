#ifndef FLOW_ROLLOUTS_H
#define FLOW_ROLLOUTS_H

#include "base/err.h"
#include "base/mem.h"
#include "flow/source.h"
#include "flow/spec.h"
#include "store/artifact.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Rollouts: both models continue the same prompts, greedily or by seeded sampling, and both then read both continuations.  The
 * artifact holds a JSON Lines file for each wave of prompts and side, so that an interrupted run goes on.
 */

enum { ROLLOUT_WAVE = 64 };

struct answer {
	int32_t *id;
	size_t n;
	struct view text; /* NFC, special tokens left out */
};

struct rollout {
	struct item prompt;
	bool chat;
	struct answer answer[SIDE_COUNT];
};

/* All prompts of the spec's rollout sources, in order, without answers. */
int rollouts_prompts(struct rollout **out, size_t *n, struct arena *mem, const struct spec *s, struct err *e);
/* The same with the answers of a complete artifact. */
int rollouts_read(struct rollout **out, size_t *n, struct arena *mem, const struct spec *s,
		  const struct artifact *a, struct err *e);
const char *rollouts_file(struct arena *mem, enum side side, size_t wave);

#endif
