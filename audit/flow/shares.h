#ifndef FLOW_SHARES_H
#define FLOW_SHARES_H

#include "flow/spec.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Shares of the sources in the pairs of a corpus.  The source that falls shortest of its share is read whole; of the
 * others documents are taken in an order that the seed draws until their share is reached, and stay in the order of the
 * file.  The two answers to a prompt go together.
 */

/* Is any asked for? Then all sources have one. */
bool shares_asked(const struct spec *s);
/* Pairs that a source is to give where each has `pairs` (n_sources). */
double shares_target(const struct spec *s, const double *pairs, size_t source);
/* keep[i] for units of one source, each of pairs[i] (n). */
void shares_draw(bool *keep, const struct spec *s, size_t source, const size_t *pairs, size_t n,
		 double target);

#endif
