#ifndef FLOW_STREAMED_H
#define FLOW_STREAMED_H

#include "base/err.h"
#include "base/par.h"
#include "flow/plan.h"
#include "store/acts.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Rows of a harvest that no disk holds (harvest.store: none): one model reads the documents that rows are in whenever
 * rows are read that the buffer lacks, and the buffer then holds just those.  A value is rounded as the store would have
 * rounded it, and a row depends on its document alone, so reading gives the bits that a store gives.
 *
 * Whoever knows which rows come next says so with streamed_want(), and the model reads once for all of them.
 */

struct streamed;

int streamed_open(struct streamed **out, const struct plan *p, enum side side, size_t depth,
		  const struct corpus *c, struct par *par, struct err *e);
void streamed_close(struct streamed *s);
struct acts_maker streamed_maker(struct streamed *s);
/* Fills the buffer with rows row[0..n), of which at most streamed_room() may differ. */
int streamed_want(struct streamed *s, const uint32_t *row, size_t n, struct err *e);
/* Rows of one side that the buffers of this plan hold; both sides hold as many. */
size_t streamed_room(const struct plan *p);

#endif
