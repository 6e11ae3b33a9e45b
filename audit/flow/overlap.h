#ifndef FLOW_OVERLAP_H
#define FLOW_OVERLAP_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "study/match.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Two runs over the same text: the rows of both harvests where the base read the same bytes of the same document up to
 * the same place, and how the latents of either dictionary fire there.  So latents of two trainings can be matched, and
 * groups of latents compared, by what they fire on.  Read from the cache, by the keys of either run's plan.json.
 */

enum { OVERLAP_ROWS = 1 << 18 }; /* the first so many of them are looked at */

struct overlap {
	struct dfc dfc[2]; /* old, new; the dictionaries of the first seed */
	struct active active[2];
	bool *turn; /* (n_rows) a turn boundary */
	size_t n_rows, n_turns;
	struct match *match; /* (latents of old) in new */
};

/* 1: something is not in the cache any more, or no row was stored; `why` says what. */
int overlap_make(struct overlap *out, const char **why, struct arena *mem, const struct json *const plan[2],
		 const char *cache, struct par *par, struct err *e);
void overlap_release(struct overlap *o);
/* Correlation, over turn boundaries (over all rows where there are fewer than 8), of two weighted sums of activations: of
 * the finding's latents in the old run and in the new. */
double overlap_groups(const struct overlap *o, const struct json *old, const struct json *new);

#endif
