#ifndef FLOW_STEERING_H
#define FLOW_STEERING_H

#include "flow/prompts.h"
#include "flow/rollouts.h"
#include "flow/stage.h"
#include "flow/steering_parts.h"
#include "model/tokenizer.h"
#include "study/contrast.h"
#include "study/groups.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Findings put to the test (METHOD section 7).  The contrast score of a prompt under the candidate steered by z times a
 * finding's direction (of a behaviour that the candidate has lost: with the models in each other's place):
 *
 *	ON:   S(p; z) = log P(candidate's own answer) - log P(base's answer)
 *	OFF:  S(q; z) = log P(the behaviour's answer, from an ON prompt) - log P(own answer)
 *
 * over the tokens of both answers up to `answer_tokens` after the first in which they differ.  Effect: the least-squares slope of the
 * mean over prompts, nats a unit dose, over the doses that leave the text coherent and where METHOD expects the effect: from -1 to 0
 * ON (suppressing), from 0 to 1 OFF (amplifying).  A candidate that is all but sure of its answer is moved by taking away alone; the
 * other half of METHOD's range, -1 to 1, only dilutes that.
 */

/* Directions of the same norm to compare with. The first NULL_GATES are what an effect has to exceed; the others are shown. */
enum null_kind { NULL_DIRECTIONS, NULL_GROUPS, NULL_EXCLUSIVE, NULL_SHARED, NULL_COUNT, NULL_GATES = 2 };

/* Two answers to one prompt, as tokens of the candidate. */
struct contested {
	size_t prompt;	      /* number of the rollout */
	size_t turn;	      /* row of its turn boundary in steering_job.turns */
	const int32_t *id[2]; /* the prompt and the answer that the behaviour gives; the other one */
	size_t n_prompt, n[2];
};

struct null {
	double *slope[CONTRAST_COUNT]; /* (n) */
	double mean[CONTRAST_COUNT], sd[CONTRAST_COUNT];
	size_t n; /* 0: there are no such directions */
};

/* On prompts of one kind. */
struct effect {
	struct interval slope; /* bootstrap over prompts, 95 % */
	double z[NULL_COUNT];
	double p_null, p_trend; /* the worse rank among the nulls that gate; doses permuted within prompts */
	double p,
		q; /* of this kind alone: the worse of both; Benjamini-Hochberg over all findings and kinds */
	double least; /* the smallest slope found four times of five, by the nulls and the prompts' spread */
	double unsteered;	 /* S at dose 0 */
	struct interval ablated; /* change of S with the group's own part out of the turn boundary */
};

/* A direction over some doses, against a few random ones of the same norm. */
struct tried {
	double slope[CONTRAST_COUNT]; /* nats a unit dose */
	double error[CONTRAST_COUNT]; /* its standard error over prompts; 0 where there is one */
	double z[CONTRAST_COUNT];
};

/*
 * Which of a group's ways to weight its latents is steered by, and whether that is worth a test: seen in a rehearsal on the
 * prompts the group was made from, so that nothing is chosen on those it is tested on.
 */
struct aimed {
	enum way way;
	double slope[CONTRAST_COUNT]; /* nats a unit dose, over the doses that leave the text coherent */
	double p; /* of the lesser of both effects among a few random directions of the same norm (flow/steer_judge.c) */
	bool known;
};

/* The same in the other model, which has its own decoder rows of the shared latents (METHOD section 7). */
struct in_other {
	bool applies; /* the direction has shared latents, and the other model's tokens have both answers */
	double norm;  /* the other model's raw residual units */
	struct tried tried; /* over the finding's doses */
};

struct finding {
	enum side side; /* the model that behaves so, and is steered; the base's is a behaviour lost */
	size_t number;	/* of the group among that model's */
	const struct group *group;
	struct aimed aimed;
	struct in_other in_other;
	struct contested *contested[CONTRAST_COUNT];
	size_t n_contested[CONTRAST_COUNT];
	struct effect effect[CONTRAST_COUNT];
	struct null null[NULL_COUNT];
	struct point *point; /* (n_doses) */
	struct generated *generated;
	size_t n_generated;
	double cosine_means;  /* of its direction with the plain difference of means */
	const uint32_t *said; /* own exclusive latents of its answers, that texts are read back for */
	size_t n_said;
	double p, q; /* that it moves both kinds: flow/steer_judge.c; Benjamini-Hochberg over all findings */
	bool tested, confirmed;
	bool keeps_text[2]; /* a dose below, above 0 leaves the text coherent: the effect is of those */
	const char *verdict;
};

struct steering_job {
	struct job *job;
	const struct dfc *dfc;
	const struct active *turns;
	bool candidate; /* the model that is steered is the candidate */
	struct model *model;
	struct session *session;
	struct session_opts session_opts;
	const struct tokenizer *tokenizer;
	const int32_t *stop;
	size_t n_stop, layer;
};

/* A direction, the finding's or another in its stead, at the places of the finding. */
struct steering finding_steering(const struct finding *f, const struct steering_job *s,
				 const float *direction, double dose);
/* The way whose lesser effect on both kinds of prompts, in standard deviations of the nulls that gate, is the largest. */
enum way ways_best(const double lesser[WAY_COUNT]);
/* f: a group and the prompts it was made from. group: the same; its way WAY_ACTING is found. */
int finding_aim(struct aimed *out, struct group *group, const struct finding *f, const struct steering_job *s,
		size_t number, struct err *e);
/* Contrast scores, nulls, coherence and generations of one finding. */
int finding_test(struct finding *f, const struct steering_job *s, size_t number, struct err *e);
/* One-sided p of the lesser of a finding's effects against the lesser of a null direction's, pooled over n findings. */
double findings_joint_p(const struct finding *f, size_t n, const struct finding *of, enum null_kind w);
/* s: of the other model.  other: the finding's prompts in its tokens.  Fills in f->in_other. */
int finding_test_other(struct finding *f, const struct finding *other, const struct steering_job *s,
		       size_t number, struct err *e);
/* p-values over all findings together, and verdicts. */
void findings_judge(struct finding *f, size_t n, const struct spec *spec, struct arena *mem);
/* Greedy answers at each dose: coherence, behaviours, read-back. */
int finding_generate(struct finding *f, const struct steering_job *s, struct err *e);
/* Adds to each text's read_back; out (n). */
int texts_read_back(struct generated *out, const struct reading_task *text, size_t n, const struct finding *f,
		    const struct steering_job *s, struct err *e);
/* The behaviours of the spec: how likely their texts are at each dose. */
int behaviours_read(struct finding *f, const struct steering_job *s, struct err *e);

#endif
