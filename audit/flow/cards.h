#ifndef FLOW_CARDS_H
#define FLOW_CARDS_H

#include "flow/latents.h"

/*
 * latents.json, what the features stage leaves: all that is said of the latents but whether steering confirmed it.
 */

int cards_write(struct latents *l, struct err *e);

#endif
