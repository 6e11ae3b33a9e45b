#ifndef FLOW_TRIALS_H
#define FLOW_TRIALS_H

#include "flow/steering.h"

#include <stddef.h>

/*
 * Directions tried on a finding's prompts: its own, and those of the nulls.
 */

/* What one direction is asked: every contested prompt of both kinds, both answers, at every dose. */
struct trial {
	const float *direction;
	const float *const
		*own[CONTRAST_COUNT];  /* (n_contested) a direction for each prompt instead, or NULL */
	double *score[CONTRAST_COUNT]; /* out: (n_doses, n_contested) */
};

/* The doses that make an effect, by their places among the spec's: those of a kind of prompts are [first, first + of). */
struct counted {
	double *dose;
	size_t *at; /* (n) */
	size_t n;
	size_t first[CONTRAST_COUNT], of[CONTRAST_COUNT];
};

/* Controls where a glance is enough: nulls that are shown and gate nothing, and those before the test. */
enum { FEW_CONTROLS = 20 };

/* Greedy answers at every dose, into f->generated, and f->point with their coherence. */
int doses_try(struct finding *f, const struct steering_job *s, struct err *e);
/* The doses between -1 and 1 with coherent text; says in f->keeps_text on which signs there are any. In `mem`. */
struct counted doses_count(struct finding *f, const struct spec *spec, struct arena *mem);
/* The directions at once, so that feeds are full. dose (n_doses); only: each kind at its own of these, or NULL: at all. */
int trials_run(const struct finding *f, const struct steering_job *s, struct trial *trial, size_t n_trials,
	       const double *dose, size_t n_doses, const struct counted *only, struct err *e);
struct trial trial_make(struct arena *mem, const struct finding *f, const float *direction, size_t n_doses);
/* The slope of the mean score over the counted doses. */
double trial_slope(const struct trial *t, const struct finding *f, enum contrast k, const struct counted *c);
/* The same of each prompt; their mean is the slope of the mean. slope (n_contested). */
void trial_slopes(double *slope, const struct trial *t, const struct finding *f, enum contrast k,
		  const struct counted *c);

/* Direction i of a null for finding `number`: (d_model), of the group's norm; NULL where the null has none. In `mem`. */
float *null_direction(struct arena *mem, const struct steering_job *s, const struct group *g,
		      enum null_kind kind, size_t number, size_t i);
/* What n directions of the null give as slopes over the counted doses; band: f->point has their quantiles at every dose besides. */
int null_run(struct finding *f, const struct steering_job *s, enum null_kind kind, size_t number,
	     const struct counted *c, size_t n, bool band, struct err *e);

/* A slope in standard deviations of the null; 0 where its directions all do the same. */
double null_z(const struct null *n, enum contrast k, double slope);

/* FEW_CONTROLS, or as many as the spec has where that is less. */
size_t few_controls(const struct spec *spec);
/* A finding's direction on its prompts over the counted doses; the few random ones go to f->null[NULL_DIRECTIONS]. */
int direction_try(struct tried *out, struct finding *f, const struct steering_job *s, size_t number,
		  const struct counted *c, struct err *e);

/* The known-zero check: groups of random latents on a finding's prompts, each judged as if it were one. */
struct zero_check {
	size_t n, confirmed;
};

int zero_check(struct zero_check *out, const struct finding *f, const struct steering_job *s, size_t n,
	       struct err *e);

#endif
