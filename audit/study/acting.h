#ifndef STUDY_ACTING_H
#define STUDY_ACTING_H

#include "dict/dfc.h"
#include "study/groups.h"

#include <stddef.h>

/*
 * Which latents of a group act.  Each has been tried by itself on the prompts the group was made from; those are taken that together,
 * as far as effects add up, move both kinds of prompts most, compared with random directions of the same norm.  An effect counts
 * by its mean over prompts less the standard error: what one prompt alone shows counts for little.
 */

enum { ACTING_ON, ACTING_OFF, ACTING_KINDS };

struct acting_pool {
	bool b;			     /* the model they are tried in */
	const struct member *member; /* (n) latents, by the weights that they are tried with */
	size_t n;
	double **effect[ACTING_KINDS]; /* (n, n_prompts) nats; ON: the latent's part taken away; OFF: added */
	size_t n_prompts[ACTING_KINDS];
	double sd[ACTING_KINDS]; /* nats: the effect's standard deviation among random directions of norm 1 */
};

/*
 * In standard deviations of random directions: first the latents that raise the lesser of both effects most, while any does; then those
 * that raise the sum most and cost the lesser no more than one.  out (most): in the order they were taken.  Returns how many.
 */
size_t acting_choose(struct member *out, const struct acting_pool *p, const struct dfc *d, size_t most);
/*
 * The lesser of both effects of latents so chosen on prompts that had no part in it: chosen on every other prompt and looked at on the
 * rest, and the other way round; the mean of both.  A kind with one prompt has it in both.
 */
double acting_crossed(const struct acting_pool *p, const struct dfc *d, size_t most);

#endif
