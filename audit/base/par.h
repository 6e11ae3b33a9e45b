#ifndef BASE_PAR_H
#define BASE_PAR_H

#include "base/err.h"

#include <stddef.h>

/*
 * Threads.  Work is cut into units by the problem, never by the number of
 * threads; a thread only decides who computes a unit.  A unit writes only its
 * own outputs.  Sums over units are taken afterwards in the order of units.
 * Units are handed out dynamically, in increasing order.
 */

struct par;

/* scratch is the thread's own, 64-byte aligned, scratch_bytes long; its contents between units are undefined. */
typedef void (*par_fn)(void *ud, size_t unit, void *scratch);

int par_new(struct par **out, unsigned threads, size_t scratch_bytes, struct err *e);
void par_free(struct par *p);
unsigned par_threads(const struct par *p);
size_t par_scratch(const struct par *p);
/* Returns when all units are done. Not to be called from inside a unit. */
void par_run(struct par *p, size_t n_units, par_fn fn, void *ud);

#endif
