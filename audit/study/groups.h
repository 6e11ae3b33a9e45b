#ifndef STUDY_GROUPS_H
#define STUDY_GROUPS_H

#include "base/mem.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Groups of latents that fire together where a behaviour is decided (METHOD section 7).
 *
 * Prompts that the models answer differently (ON) are clustered by what they do: the
 * reconstructed residual stream at the turn boundary less the mean over the prompts that nothing separates (OFF), and the
 * latents of the answer, each weighted by the prediction gap it stands at.  Answers much alike are one behaviour whatever was
 * asked; else both count by half.
 */

enum { GROUP_ON = 1, GROUP_OFF = 2 };

/* One prompt of the rollouts as the grouping sees it. */
struct grouped {
	uint8_t kind; /* GROUP_ON, GROUP_OFF, or 0: neither */
	bool held_out;
	double gap;		       /* D(p), nats */
	size_t row;		       /* its turn boundary, a row of `turns` */
	size_t answer_first, answer_n; /* the own model's answer, rows of `answers` */
	size_t cluster;		       /* out: 1 .. n_groups, or 0 */
};

struct member {
	uint32_t latent;
	double weight; /* enum way */
};

/*
 * How latents are weighted in a direction.  Differences are of means at turn boundaries, ON less OFF.
 *
 *	joint		the difference of the activation, of either sign (METHOD section 7)
 *	exclusive	the same, of own exclusive latents that fire more on ON
 *	own		as exclusive, and a shared latent by the difference of half of what it reads in the own stream less what
 *			it reads in the other's: what both models make of a topic drops out, and a latent that reads the own
 *			stream alone has the weight that it has in joint
 *	acting		as joint, of the latents of `pool` that by themselves move the prompts the group was made from
 *			(flow/steer_aim.c); empty until they are known
 */
enum way { WAY_JOINT, WAY_EXCLUSIVE, WAY_OWN, WAY_ACTING, WAY_COUNT };

/* A direction to steer by. */
struct aim {
	struct member *member;
	size_t n;
	float *direction; /* (width) the own model's raw residual units: sum_j w_j d_j^m / c_m */
	double norm;
	float *share; /* (GROUP_SHARES) of the direction at the turn boundary (1) and k tokens after it */
};

enum { GROUP_POOL = 32 };

struct grouping;

struct group {
	struct aim way[WAY_COUNT];
	struct member
		*pool; /* (n_pool) the latents that make most of joint's direction, GROUP_POOL at most */
	size_t n_pool;
	const struct grouping *grouping; /* what made it */
	size_t leader;
	const struct aim *aim;	 /* the one steered by: WAY_JOINT's, until another proves better */
	size_t n_on, n_held_out; /* prompts of the cluster: that made it; held out */
	double gap;		 /* mean D(p) of those that made it, nats */
	size_t typical;		 /* the prompt (of those that made it) most like the others */
};

/*
 * share[k]: what the reconstructed stream of the cluster's own answers has along the direction k tokens after the turn boundary,
 * less what OFF answers have there, as a share of the same at the turn boundary; within [0, 1].  So a dose of 1 adds at every
 * token what an ON answer adds there.
 */
enum { GROUP_SHARES = 24 };

/* Codes at the turn boundaries and of the candidate's answers. */
struct group_rows {
	bool b; /* whose behaviours: the candidate's, or where not the base's, that the candidate has lost; "own" is this model */
	const struct active *turns, *answers; /* own answers */
	const struct active *other, *own;     /* the turn boundaries as either's stream alone says */
	const double *gap;		      /* (answers->n_rows) nats, in favour of own */
	const uint32_t *after;		      /* (answers->n_rows) tokens after the turn boundary, from 1 */
};

struct groups_opts {
	size_t most_groups, most_members, least_prompts;
	double alike;	      /* least mean similarity inside a cluster */
	double answers_alike; /* similarity of two answers from which they alone say how alike the prompts are */
	bool single; /* the leading latent alone, weighted by its largest activation at turn boundaries and in answers */
};

/* prompt (n): clusters are made from those not held out; held-out ON prompts then join the nearest that is alike.
 * Groups come with the largest summed gap first; in `mem`. */
size_t groups_make(struct group **out, struct arena *mem, struct grouped *prompt, size_t n,
		   const struct dfc *d, const struct group_rows *rows, const struct groups_opts *o);

/* Mean cosine of two own answers of n prompts, all pairs; prompts that are not ON, or whose answer has no latents, are like no other. */
double group_cohesion(const struct group *g, const size_t *prompt, size_t n);
/* The direction of some of the pool's latents. */
struct aim group_aim(const struct group *g, const struct member *m, size_t n);
const char *way_name(enum way way);
/* The direction of weighted latents in a model, (d_a) or (d_b), raw residual units; of those that it has. */
void group_direction(float *out, const struct dfc *d, bool model_b, const struct member *m, size_t n);

#endif
