#ifndef FLOW_EXPORT_H
#define FLOW_EXPORT_H

#include "base/err.h"
#include "store/acts.h"
#include "store/corpus.h"

/*
 * One side of a harvest as a safetensors file, which other programs read and `activations` of a spec takes
 * (docs/formats.md, "Activations from elsewhere").  Activations are written as they are stored, F32 or BF16.
 */

int export_write(const char *path, const struct corpus *c, struct acts *rows, enum side side, struct err *e);

#endif
