#ifndef FLOW_FINDINGS_H
#define FLOW_FINDINGS_H

#include "flow/steer_groups.h"
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
	const struct own_side *own; /* (SIDE_COUNT); grouped NULL: nothing was steered */
	const struct dfc *dfc;
	const struct active *turns;
	const uint32_t *turn_rows; /* rows of the harvest that those are of */
	const struct corpus *corpus;
	struct zero_check zero;
};

/* Is the prompt one that the finding is about? */
bool finding_has(const struct found *f, const struct finding *it, size_t prompt);
/* The latents most at work in what the finding makes its model say. */
void expressed_find(uint32_t top[EXPRESSED], const struct found *f, const struct finding *it);

int findings_write(const struct found *f, struct job *job, struct err *e);

#endif
