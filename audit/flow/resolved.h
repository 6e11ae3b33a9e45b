#ifndef FLOW_RESOLVED_H
#define FLOW_RESOLVED_H

#include "base/json.h"
#include "flow/spec.h"

/* The spec with every field it has, said twice: as a tree, and flat for a table. */

/* "spec": { canonical form }, "hyperparameters": [{"name": "dictionary.latents", "value": "1024"}, ...] */
int resolved_write(struct json_out *j, const struct spec *s, struct err *e);

#endif
