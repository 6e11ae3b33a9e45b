#ifndef FLOW_CLOSER_H
#define FLOW_CLOSER_H

#include "flow/harvested.h"
#include "flow/latents.h"

/*
 * A closer look, for which the held-out activations are read twice more: latent scaling of every exclusive latent, and of those
 * with a card the near misses and, where exclusive, the probe from the other model.
 */

/* After latents_rank(). */
int closer_look(struct latents *l, struct subset *test, struct err *e);
void closer_release(struct latents *l);

#endif
