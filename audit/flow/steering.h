#ifndef FLOW_STEERING_H
#define FLOW_STEERING_H

#include "flow/prompts.h"
#include "num/stats.h"
#include "flow/rollouts.h"
#include "flow/stage.h"
#include "model/tokenizer.h"
#include "study/contrast.h"
#include "study/groups.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Findings put to the test (METHOD section 7).  The contrast score of a prompt under the candidate steered by z times a
 * finding's direction:
 *
 *	ON:   S(p; z) = log P(candidate's own answer) - log P(base's answer)
 *	OFF:  S(q; z) = log P(the behaviour's answer, from an ON prompt) - log P(own answer)
 *
 * over the first tokens of both answers.  Effect: the least-squares slope of the mean over prompts, nats a unit dose, over
 * the doses from -1 to 1 that leave the text coherent.
 */

enum contrast { CONTRAST_ON, CONTRAST_OFF, CONTRAST_COUNT };

/* Two answers to one prompt, as tokens of the candidate. */
struct contested {
	size_t prompt;	      /* number of the rollout */
	const int32_t *id[2]; /* the prompt and the answer that the behaviour gives; the other one */
	size_t n_prompt, n[2];
};

struct null {
	double *slope[CONTRAST_COUNT]; /* (n) */
	double mean[CONTRAST_COUNT], sd[CONTRAST_COUNT];
	size_t n;
};

struct point {
	double dose;
	struct interval score[CONTRAST_COUNT];			 /* over prompts */
	double null_lo[CONTRAST_COUNT], null_hi[CONTRAST_COUNT]; /* over random directions */
	double coherence, divergence;
};

struct generated {
	size_t prompt, dose; /* number of the rollout, index of the dose */
	enum contrast kind;
	struct view text;
	double logp;	 /* nats a token, of the unsteered candidate; the least likely token left out */
	double distinct; /* share of its bigrams that are new */
};

struct finding {
	const struct group *group;
	struct contested *contested[CONTRAST_COUNT];
	size_t n_contested[CONTRAST_COUNT];
	double slope[CONTRAST_COUNT], z[CONTRAST_COUNT][2], p, q; /* z: random directions, random groups */
	double unsteered[CONTRAST_COUNT];
	struct null null[2]; /* random directions, random groups */
	struct point *point; /* (n_doses) */
	struct generated *generated;
	size_t n_generated;
	double cosine_means; /* of its direction with the plain difference of means */
	bool tested, confirmed;
	bool keeps_text
		[2]; /* a dose below, above 0 leaves the text coherent: the effect is measured on those */
	const char *verdict;
};

struct steering_job {
	struct job *job;
	const struct harvested *h;
	const struct dfc *dfc;
	const struct prompt_gap *prompt;
	const struct rollout *rollout;
	struct grouped *grouped;
	size_t n_prompts;
	const struct active *turns;
	struct model *model;
	struct session *session;
	struct session_opts session_opts;
	const struct tokenizer *tokenizer;
	const int32_t *stop;
	size_t n_stop, layer;
};

/* Contrast scores, nulls, coherence and generations of one finding. */
int finding_test(struct finding *f, const struct steering_job *s, size_t number, struct err *e);
/* p-values over all findings together, and verdicts. */
void findings_judge(struct finding *f, size_t n, const struct spec *spec, struct arena *mem);
/* Greedy answers at each dose; coherence of each dose. */
int finding_generate(struct finding *f, const struct steering_job *s, struct err *e);

#endif
