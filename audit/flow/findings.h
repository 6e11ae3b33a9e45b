#ifndef FLOW_FINDINGS_H
#define FLOW_FINDINGS_H

#include "flow/steering.h"

#include <stddef.h>

/*
 * findings.json: what steering found, ranked; and the part of results.json that joins it with the latents.
 */

struct found {
	struct finding *finding;
	size_t n, n_prompts;
	const struct prompt_gap *prompt;
	const struct rollout *rollout;
	const struct grouped *grouped;
	const struct dfc *dfc;
	const struct active *turns, *answers;
	const double *answer_gap;
	const struct corpus *corpus;
};

int findings_write(const struct found *f, struct job *job, struct err *e);
/* "verdict", "latents", "findings" and "screen" of results.json. */
int findings_report(struct json_out *results, const struct job *job, struct err *e);

#endif
