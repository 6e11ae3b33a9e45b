#ifndef FLOW_RESULTS_LAYERS_H
#define FLOW_RESULTS_LAYERS_H

#include "flow/hide.h"
#include "flow/stage.h"

#include <stddef.h>

/*
 * Several pairs of blocks in one report: each is an audit of its own (METHOD section 7), with a folder layers/NAME of the run's
 * directory; what each found is told in the first one's results too.
 */

struct layer_found {
	const struct depth *depth;
	const struct json *found; /* findings.json of that depth, with what the spec hides taken out */
};

/* One for the job and each further one of it, in the order of the plan: (1 + job->n_further), in job->mem. */
int layers_read(struct layer_found **out, const struct job *job, const struct hide *hide, struct err *e);
/* Confirmed findings of the further ones. */
size_t layers_confirmed(const struct layer_found *l, size_t n);
/* The member `layers` of results.json: empty for one. */
void layers_write(struct json_out *j, const struct layer_found *l, size_t n);

#endif
