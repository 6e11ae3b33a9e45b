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
 * each sum over the pairs from the turn boundary on.  One answer, where both gave the same: |its sum|.  And in nats a pair:
 *
 *	M(p) = the larger of both answers' means of g, each in favour of the model that gave it; 0 at least
 *
 * A behaviour is an answer that the other model would not give: M is several nats, whatever the length of the other answer.
 * Drift falls the other way at near ties, and both models find both answers about as likely: M stays below one.
 */

struct prompt_gap {
	bool known;		/* the corpus has it, with a turn boundary that pairs */
	size_t doc[SIDE_COUNT]; /* of either's answer; the same one where they agree */
	size_t turn;		/* row of the turn boundary (of the first document) */
	double gap;		/* D */
	double mean;		/* M */
};

/* out (n prompts), numbered as the corpus numbers them, in `mem`. */
size_t prompts_measure(struct prompt_gap **out, struct arena *mem, const struct harvested *h);

#endif
