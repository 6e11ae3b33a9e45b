#ifndef FLOW_STAGE_H
#define FLOW_STAGE_H

#include "base/json.h"
#include "base/par.h"
#include "flow/plan.h"
#include "store/artifact.h"

#include <stdbool.h>

/*
 * The stages, as a table.  A stage reads complete artifacts and writes one;
 * it keeps nothing in memory for the next, so that any of them can be run
 * again and resumed.
 *
 * Raise `version` when the same inputs would give other bytes.
 */

struct job {
	const struct plan *plan;
	const struct spec *spec;
	const struct step *step;
	const struct artifact *in; /* step->n_in of them, complete, in the order of step->in */
	struct artifact *out;	   /* a .part (may hold work to go on from); when reporting: complete */
	struct arena *mem;	   /* released when the stage returns */
	struct par *par;
	double deadline;	   /* log_clock() at which no further unit begins; 0: none */
	const struct job *further; /* (n_further) when reporting: the same stage's at the further depths */
	size_t n_further;
	size_t rank,
		n_ranks; /* of a stage whose units several processes take; 0, 0: this one alone does all */
};

struct stage {
	const char *name;
	unsigned version;
	bool numeric; /* the backend is part of its key */
	bool shared; /* ranks take units of it: run() asks job_takes() before each, and ends when its own are done */
	/* The options and inputs files it depends on, into its key. */
	void (*describe)(struct json_out *key, const struct plan *p, const struct step *step);
	void (*forecast)(struct needs *out, const struct plan *p, const struct step *step);
	int (*run)(struct job *job, struct err *e);
	/* Its members of results.json, read back from its artifact; NULL: none. */
	int (*report)(struct json_out *results, const struct job *job, struct err *e);
};

/* The complete artifact of an input step; every stage names its inputs in the plan, so it is there. */
const struct artifact *job_input(const struct job *job, const struct stage *stage, size_t index);

/* A JSON file of a complete artifact, in the job's memory. */
int job_tree(const struct json **out, const struct job *job, const struct artifact *a, const char *name,
	     struct err *e);

/* Is this unit one of this rank's? */
bool job_takes(const struct job *job, size_t unit);

/* Asked between two units: ERR_SIZE where limits.time is up. What is written is kept, and the same run goes on from it. */
int job_may_go_on(const struct job *job, struct err *e);

extern const struct stage stage_rollouts, stage_tokens, stage_acts, stage_train, stage_null, stage_stability,
	stage_features, stage_steer;

#endif
