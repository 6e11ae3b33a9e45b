#ifndef FLOW_INPUTS_H
#define FLOW_INPUTS_H

#include "flow/plan.h"

/*
 * The files an audit reads: of each model what its reading and its forward pass look at, every source, what the report's
 * template is made of.
 *
 * Weights are large, so digests are remembered in CACHE/digests by what tells two states of a file apart (device,
 * inode, size, times).  What changed less than two seconds before the list was written is not trusted: a file can
 * change twice within one tick of the file system's clock.
 */

/* Fills out->input. */
int inputs_collect(struct plan *out, struct arena *mem, const struct plan_opts *o, struct err *e);

/* As an element of a list. */
void input_write(struct json_out *j, const struct input *in);

#endif
