#ifndef FLOW_STEERING_PARTS_H
#define FLOW_STEERING_PARTS_H

#include "base/str.h"
#include "num/stats.h"

#include <stddef.h>

/*
 * What steering a finding leaves of each dose and of each text (flow/steering.h).
 */

enum contrast { CONTRAST_ON, CONTRAST_OFF, CONTRAST_COUNT };

/* Answers at one dose that show a behaviour of the spec, and how likely the model finds its texts. */
struct shown_behaviour {
	size_t hits[CONTRAST_COUNT], n[CONTRAST_COUNT];
	double odds[CONTRAST_COUNT];   /* mean log P(shows) - log P(instead), nats */
	double target[CONTRAST_COUNT]; /* mean log P(target), nats */
};

struct point {
	double dose;
	struct interval score[CONTRAST_COUNT];			 /* over prompts */
	double null_lo[CONTRAST_COUNT], null_hi[CONTRAST_COUNT]; /* over random directions */
	double coherence, divergence;
	double read_back[CONTRAST_COUNT];  /* mean activation of finding.said in the generated text */
	struct shown_behaviour *behaviour; /* (n_behaviours) */
};

struct generated {
	size_t prompt, dose; /* number of the rollout, index of the dose */
	enum contrast kind;
	struct view text;
	double logp;	  /* nats a token, of the unsteered candidate; the least likely token left out */
	double distinct;  /* share of its bigrams that are new */
	double read_back; /* mean activation of finding.said */
};

#endif
