#ifndef SUPPORT_FAULT_H
#define SUPPORT_FAULT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Sweeps.  Each runs `body` with the first, then the second, ... fault, until a run meets none; so that every
 * failure a body can meet is met once.  All return how many faults there were, at least one, and fail the test
 * where a run did not end as it must.  `after` (may be NULL) looks at the disk after each run.
 */

typedef int (*sweep_fn)(void *ud, struct err *e);
typedef void (*after_fn)(void *ud, bool failed);

/* Meet every n-th fault only, until the next call of this: for bodies made of parts that are swept by themselves. */
void sweep_every(size_t n);
/* System calls fail: body must return -1 with ERR_IO and leak nothing. */
size_t sweep_io(sweep_fn body, after_fn after, void *ud);
/* Memory fails, in a child: it must exit with status 5, or body return -1 with ERR_SIZE. */
size_t sweep_memory(sweep_fn body, after_fn after, void *ud);
/* A child ends mid-way; `after` looks; then body runs again, here, to its end, and `after` looks again. */
size_t sweep_crash(sweep_fn body, after_fn after, void *ud);

#endif
