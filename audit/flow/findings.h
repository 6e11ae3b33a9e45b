#ifndef FLOW_FINDINGS_H
#define FLOW_FINDINGS_H

#include "flow/trials.h"

#include <stddef.h>

/*
 * findings.json: what steering found, ranked, and the prompts where the two models differ most, latents aside.
 */

enum { EXPRESSED = 3 };

struct found {
	struct finding *finding;
	size_t n, n_prompts;
	const struct prompt_gap *prompt;
	const struct rollout *rollout;
	const struct grouped *grouped;
	const struct dfc *dfc;
	const struct active *turns, *answers;
	const uint32_t *turn_rows, *answer_rows; /* rows of the harvest that those are of */
	const double *answer_gap;
	const struct corpus *corpus;
	struct zero_check zero;
};

/* The latents most at work in what finding `number` makes the candidate say. */
void expressed_find(uint32_t top[EXPRESSED], const struct found *f, size_t number);

int findings_write(const struct found *f, struct job *job, struct err *e);

#endif
