#ifndef FLOW_LATENTS_H
#define FLOW_LATENTS_H

#include "dict/dfc.h"
#include "flow/stage.h"
#include "study/bundle.h"
#include "study/contexts.h"
#include "study/match.h"
#include "study/near.h"
#include "study/relevance.h"
#include "study/scaling.h"
#include "study/twins.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The latents of one dictionary: what was measured of each, and what it comes to - a status, a rank, and bundles of latents
 * that stand at the same difference.
 */

/* Where relevance is measured: everywhere; at turn boundaries; at the tokens of prompts (flow/decided.h). */
enum site { SITE_ALL, SITE_TURN, SITE_PROMPT, SITE_COUNT };

/*
 * dead: fires nowhere; twin: a latent of the other model fires alike; unstable: too few seeds found it; inert: no gap where it
 * fires; candidate: the rest. The first that holds.
 */
enum status { STATUS_DEAD, STATUS_TWIN, STATUS_UNSTABLE, STATUS_INERT, STATUS_CANDIDATE, STATUS_COUNT };

/* Of the held-out prompts. */
struct decided {
	size_t n;
	double gap, rate; /* means of D(p), nats, and of D(p) over the pairs of the answers it sums */
	double *row_rate; /* (rows of the study) D(p) over its pairs, less the mean */
	double *strength[SITE_COUNT]; /* (n_latents) activation-weighted mean of that; SITE_ALL has none */
	double *row_gap; /* (rows of the study) D(p) at the rows of SITE_TURN and SITE_PROMPT, else 0 */
};

struct null_diff;

struct latents {
	struct job *job;
	const struct dfc *dfc;
	struct studied studied;
	struct relevance *relevance[SITE_COUNT]; /* (n_latents) */
	struct decided decided;
	struct twin *twin;    /* (n_latents) */
	struct match **match; /* (n_seeds - 1, n_latents) */
	size_t n_seeds;
	struct null_diff *null; /* flow/null_diff.h; NULL: not asked for */
	/* what latents_rank() makes */
	bool *acts;	  /* (n_latents) relevance, somewhere, that chance does not give */
	double *strength; /* (n_latents) the largest |relevance| of the places where it acts, nats a pair */
	enum status *status;	/* (n_latents) */
	uint32_t *order, *rank; /* (n_latents) latents by rank, from 0; rank of each */
	uint32_t *
		shown; /* latents with a card: the foremost of each partition that fire, partition by partition */
	size_t n_shown;
	struct bundle *bundle;
	size_t n_bundles;
	/* flow/closer.h */
	struct scaling *scaling;  /* (n_latents) */
	double *auroc;		  /* (n_latents) of the probe; negative: none */
	struct near_misses *near; /* of `shown` */
};

const char *status_name(enum status s);
/* Is a relevance of this size, in nats a pair, more than chance and one text alone give? */
bool relevance_acts(const struct relevance *r, double size, const struct spec *s);
/* How many seeds found it, the first among them. */
size_t latent_found(const struct latents *l, size_t latent);
/* Statuses, ranks and bundles, from what was measured. */
void latents_rank(struct latents *l);
/* How they are ranked, in words. */
extern const char *const latents_formula;

#endif
