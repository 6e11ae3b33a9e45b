#ifndef SUPPORT_PROP_H
#define SUPPORT_PROP_H

#include "base/rng.h"

#include <stddef.h>

/*
 * A property, tried on n cases drawn from our own randomness.  `check` draws its case from `r` and returns NULL
 * where the property holds, else what is wrong (a static or arena string).  The seed of a case that fails is
 * printed; PROP_SEED=<it> in the environment tries that one alone.
 */

typedef const char *(*prop_fn)(struct rng r, void *ud);

void prop_for(const char *name, size_t n, prop_fn check, void *ud);

#endif
