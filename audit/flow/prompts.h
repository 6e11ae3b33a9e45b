#ifndef FLOW_PROMPTS_H
#define FLOW_PROMPTS_H

#include "base/mem.h"
#include "flow/harvested.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * How differently the two models answer each prompt of the rollouts, in nats:
 *
 *	D(p) = sum over the candidate's answer of g - sum over the base's answer of g,    g = log p_candidate - log p_base
 *
 * each sum over the pairs from the turn boundary on.  One answer, where both gave the same: |its sum|.
 */

struct prompt_gap {
	bool known;		/* the corpus has it, with a turn boundary that pairs */
	size_t doc[SIDE_COUNT]; /* of either's answer; the same one where they agree */
	size_t turn;		/* row of the turn boundary (of the first document) */
	double gap;
};

/* out (n prompts), numbered as the corpus numbers them, in `mem`. */
size_t prompts_measure(struct prompt_gap **out, struct arena *mem, const struct harvested *h);

#endif
