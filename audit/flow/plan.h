#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "flow/spec.h"
#include "flow/survey.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What a spec comes to: steps in an order in which each comes after its inputs.  A step's key is the digest of
 * all that its bytes depend on: the stage's name and version, its options in canonical form, the keys of its inputs,
 * the digests of the files it reads, and the numeric backend.  Not among them: threads, ranks, paths, the time.
 *
 * So the whole plan, with what is already in the cache and what each step
 * will need, is known before anything runs.
 */

struct stage;

enum step_state { STEP_DONE, STEP_PARTIAL, STEP_TODO };

/* At what pace a step's operations are done. */
enum pace_of { PACE_PRODUCT, PACE_BASE, PACE_CANDIDATE, PACE_ANSWERS, PACE_TRAIN, PACE_COUNT };

/* What a step will need, forecast. */
struct needs {
	uint64_t memory, disk; /* bytes */
	double work;	       /* floating-point operations */
	enum pace_of pace;
	uint64_t mapped; /* bytes of files looked into besides: the system takes that memory back at need */
};

/* Floating-point operations a second, measured: matrix products alone, each model reading, dictionary training. */
struct pace {
	double at[PACE_COUNT];
};

/* A file: its name as the report shows it, and where it is. */
struct named_file {
	const char *name, *path;
};

/* A file the audit reads, and its digest. */
struct input {
	const char *role; /* "base" "candidate" "source 1" "template" */
	const char *name; /* relative: "model.safetensors", "corpus/documents.jsonl" */
	const char *path;
	const struct spec_source *source; /* that it is a file of; NULL: of none */
	struct digest digest;
	uint64_t bytes;
};

/* Two blocks that are compared: an audit of its own, from the harvest on. */
struct depth {
	size_t base, candidate;
	const char *name; /* "2-3" */
};

struct step {
	const struct stage *stage;
	size_t index;		/* which model (0 base, 1 candidate), which seed */
	size_t depth;		/* of the plan's; 0 where the step serves all */
	const char *label;	/* "acts base" "train 1" */
	const struct step **in; /* the steps whose artifacts it reads, in the order of the plan */
	size_t n_in;
	struct needs needs;
	struct digest key;
	enum step_state state;
	size_t n_partial; /* files there already, STEP_PARTIAL */
};

struct plan {
	const struct spec *spec;
	const struct arch *base, *candidate;
	struct depth *depth; /* (n_depths) the first: models.base.layer, models.candidate.layer */
	size_t n_depths;
	struct input *input;
	size_t n_inputs;
	struct named_file *missing; /* "models.base: its weights"; plan_opts.ahead lets that be */
	size_t n_missing;
	size_t n_imported; /* rows of activations from elsewhere; 0: none */
	struct corpus_forecast corpus;
	struct step *step;
	size_t n;
	struct digest key; /* of each depth's last step, the spec and the templates: names the run */
};

struct plan_opts {
	const char *cache;		   /* of artifacts; the digests of inputs are remembered there too */
	const struct named_file *template; /* what the report is made from */
	size_t n_templates;
	struct par *par;
	bool ahead; /* make do with what is there: config.json alone, a declared corpus. Keys mean nothing then. */
	bool try_answers; /* let models answer some prompts, to know how long answers are (flow/survey.h) */
};

/* Reads what the keys depend on, and looks into the cache. Makes nothing but the list of digests there. */
int plan_make(struct plan *out, struct arena *mem, const struct spec *s, const struct plan_opts *o,
	      struct err *e);
/* The part of it that needs no spec: keys, states and needs of steps whose stage, index, label and in are set; needs by what
 * `corpus` says. */
void plan_resolve(struct plan *p, const char *cache);
/* NULL where there is none. name NULL: the first of that role. */
const struct input *plan_input(const struct plan *p, const char *role, const char *name);

/* Floating-point operations this machine does in a second, by a quarter of a second of matrix products. */
int plan_rate(double *out, const struct plan *p, struct par *par, struct err *e);
/* The same for each kind of step: each model reads, and the dictionary is trained, for a fraction of a second where they
 * are there and that is enough to see; what is not measured takes the rate of matrix products. */
int plan_pace(struct pace *out, const struct plan *p, struct par *par, struct err *e);
/* Refuses (ERR_SIZE) what the limits of the spec or the machine do not allow. */
int plan_check(const struct plan *p, const char *cache, struct par *par, struct err *e);
/* The steps, their states and needs. Times are estimates from plan_pace(); NULL leaves them out. */
void plan_print(const struct plan *p, const char *cache, const struct pace *pace, FILE *f);
/* The steps as the members of an object that the caller opened: nothing that depends on the cache or the time. */
void plan_write(struct json_out *j, const struct plan *p);
/* The same with what is there and what is needed, for programs. */
void plan_write_needs(struct json_out *j, const struct plan *p, const struct pace *pace);

#endif
