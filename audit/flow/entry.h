#ifndef FLOW_ENTRY_H
#define FLOW_ENTRY_H

#include "flow/reader.h"
#include "flow/rollouts.h"
#include "flow/source.h"

/*
 * One document of the corpus, read by both models: an item of a source as it stands, or a prompt with one of its answers.
 */

struct entry {
	const struct item *item;
	struct view answer, other; /* rollouts: and what the other model said */
	uint32_t prompt;
	uint8_t kind, author;
	bool chat;
};

/* What it comes to; all in its arena, which the caller releases. */
struct made {
	struct arena mem;
	struct doc doc;
	struct view text;
	struct reading reading[SIDE_COUNT];
	struct pair_record *pair;
	size_t n_pairs;
	struct align_figures figures;
	struct err err;
	int rc;
};

struct batch {
	const struct spec *spec;
	const struct reader *reader;
	const struct entry *entry;
	struct made *made;
};

/* A unit of par_run() over a struct batch: made[unit] of entry[unit]. */
void entry_read(void *batch, size_t unit, void *scratch);
/* The documents of a prompt, into out[0], out[1]: both answers, or one where they are the same. How many. */
size_t entry_rollout(struct entry *out, const struct rollout *r, size_t number);

#endif
