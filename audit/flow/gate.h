#ifndef FLOW_GATE_H
#define FLOW_GATE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What makes a comparison of two runs a regression: counts that may not be exceeded, each a field of the spec's `gate`.
 * The new run's gate is what counts. What cannot be counted, as latents without a cache, passes no limit but `any`.
 */

enum { GATE_ANY = -1 };

struct gate_opts {
	int64_t new_confirmed, turned_confirmed, grown_confirmed, gone_confirmed;
	int64_t new_candidates, worse, inputs_changed;
};

/* The gate in a results.json (its `spec`), which a run of an older program may lack: the defaults then. */
int gate_of(struct gate_opts *out, struct arena *mem, const struct json *results, struct err *e);

#endif
