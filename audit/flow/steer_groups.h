#ifndef FLOW_STEER_GROUPS_H
#define FLOW_STEER_GROUPS_H

#include "flow/harvested.h"
#include "flow/prompts.h"
#include "flow/steering.h"
#include "study/active.h"
#include "study/groups.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Which behaviours there are to test: prompts that the models answer differently (steer.on_above, on_mean), grouped by what the
 * candidate does on them, and by what the base does, which may be a behaviour that the candidate has lost.
 */

/* The prompts grouped by what one model does on them. */
struct own_side {
	struct grouped *grouped; /* (n_prompts) */
	struct subset answer_rows;
	struct active answers; /* its own */
	double *answer_gap;    /* nats, in its favour */
	uint32_t *answer_after;
	struct group *group;
	size_t n_groups;
};

struct steer_groups {
	struct job *job;
	struct harvested *h;
	const struct dfc *dfc;
	struct prompt_gap *prompt; /* (n_prompts) */
	size_t n_prompts;
	struct subset turn_rows;
	struct active turns, alone[SIDE_COUNT]; /* alone: turn boundaries as either stream alone says */
	struct own_side own[SIDE_COUNT];
	struct finding *
		finding; /* (n_findings) the candidate's first; nothing known of them but side, number and group */
	size_t n_findings;
};

enum side side_other(enum side side);
/* job, h, dfc and the prompts are given; the rest is found. */
int steer_groups_find(struct steer_groups *s, struct err *e);
void steer_groups_release(struct steer_groups *s);

#endif
