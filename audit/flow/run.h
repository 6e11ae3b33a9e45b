#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "base/comm.h"
#include "base/err.h"
#include "base/par.h"
#include "flow/plan.h"
#include "flow/provenance.h"

#include <stdbool.h>

/*
 * Carrying a plan out, and the directory that comes of it:
 *
 *	spec.yaml  plan.json  provenance.json  results.json
 *	report.md  report.pdf  figures/       added by report/
 *	MANIFEST                              sha256sum -c form, of all the above
 *	log.txt  timings.json                 about this run only, not in MANIFEST
 */

struct run_opts {
	const char *cache; /* artifacts */
	const char *out;   /* the run directory; NULL: runs/NAME-<12 hex of the plan's key> */
	bool allow_dirty;
	struct comm *comm; /* the ranks that take part; NULL: this process alone */
};

/*
 * Runs the steps that are not done and writes spec.yaml, plan.json, provenance.json and results.json.  `dir`, the
 * run's directory, in `mem`.  A spec that is not committed as it is, or with dirty files beside it, is refused
 * unless allow_dirty.  An artifact that turns out to be damaged is set aside and made anew, with a warning.
 *
 * The documents of an earlier run of the same plan are removed first, its MANIFEST before all: a directory with a
 * MANIFEST is a finished run.
 */
int run_plan(const char **dir, struct arena *mem, const struct plan *p, const struct provenance *prov,
	     struct par *par, const struct run_opts *o, struct err *e);
/* What the other ranks do of the same plan: the units of shared stages that are theirs, until rank 0 is done. Which of
 * them failed, and why, is rank 0's to say. */
void run_follow(struct arena *mem, const struct plan *p, struct par *par, const struct run_opts *o);
/* Has provenance.json name these as what the report is made from, as a report made anew asks for. */
int run_retemplate(const char *dir, const struct named_file *template, size_t n, struct err *e);
/* Writes MANIFEST over every file but log.txt and timings.json. */
int run_seal(const char *dir, struct err *e);
/* Checks it: ERR_DIFFERS names the first file that is missing, other than listed, or not listed. */
int run_verify(const char *dir, struct err *e);

#endif
