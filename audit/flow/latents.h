#ifndef FLOW_LATENTS_H
#define FLOW_LATENTS_H

#include "dict/dfc.h"
#include "flow/stage.h"
#include "study/contexts.h"
#include "study/relevance.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The latents of one dictionary, ranked, and the cards of the foremost.  latents.json is what the features
 * stage leaves: all that is said of a latent but whether steering confirmed it.
 */

enum status { STATUS_DEAD, STATUS_INERT, STATUS_CANDIDATE, STATUS_COUNT };

/* At the turn boundaries of the held-out prompts: activation-weighted sum of D(p) (flow/prompts.h). */
struct boundary {
	size_t fires;
	double mass, sum;
};

struct latents {
	struct job *job;
	const struct dfc *dfc;
	struct studied studied;
	struct relevance *relevance; /* (n_latents) */
	struct boundary *boundary;   /* (n_latents) */
	enum status *status;	     /* (n_latents) */
	uint32_t *order, *rank;	     /* (n_latents) latents by rank, from 0; rank of each */
};

const char *status_name(enum status s);
/* Statuses and ranks, from relevance alone. */
void latents_rank(struct latents *l, struct arena *mem);
/* latents.json into the job's artifact. */
int latents_write(struct latents *l, struct err *e);

#endif
