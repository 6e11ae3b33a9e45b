#ifndef FLOW_DECIDED_H
#define FLOW_DECIDED_H

#include "flow/harvested.h"
#include "flow/latents.h"

/*
 * Relevance where an answer is decided (METHOD section 5): at the turn boundaries of held-out prompts, and at the tokens of
 * their prompts.  The gap there is that of the whole answer that follows, D(p) (flow/prompts.h), less the mean over the held-out
 * prompts, so that a latent that fires at every boundary alike has none.  The null shuffles D(p) among prompts.
 */

/* Fills l->relevance[SITE_TURN], [SITE_PROMPT] and l->decided. */
void decided_measure(struct latents *l, const struct harvested *h, const struct relevance_opts *o);

#endif
