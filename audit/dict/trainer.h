#ifndef DICT_TRAINER_H
#define DICT_TRAINER_H

#include "dict/adam.h"
#include "dict/aux.h"
#include "dict/batch.h"
#include "dict/encode.h"
#include "dict/fold.h"
#include "dict/grad.h"
#include "dict/look.h"
#include "dict/train.h"

#include <stdbool.h>

/* What a trainer is, for train.c, start.c and checkpoint.c. */

struct trainer {
	struct train_opts opts;
	struct train_data data;
	struct par *par;
	size_t at; /* steps done */

	struct dfc dict;
	struct adam_state state; /* of all parameters, in the order they lie in memory */
	struct grad grad;
	uint64_t *idle;	  /* (n_latents) kept rows since the latent was last on */
	uint8_t *moved;	  /* (n_latents) has had a gradient: its moments may be other than 0 */
	double threshold; /* EMA of the smallest kept score, once there is one */
	bool averaged;
	float smallest; /* kept score of the last step */

	double slack; /* how much lower than `smallest` the next bound is; changes time only */

	struct sampler sampler;
	struct batch batch;
	struct encoder encoder;
	struct codes kept; /* fixed room */
	struct by_latent by_latent;
	float *ea, *eb; /* (batch, d) residuals */
	struct moments residual;
	struct aux aux;
	struct look look;
	struct fold fold;
	struct train_moves moves;
	void *block; /* the workspace all of these are cut from */
};

/* Whether a latent has not been on for so long that it counts as dead. */
static inline bool trainer_is_dead(const struct trainer *t, size_t latent)
{
	return t->opts.dead_after > 0 && t->idle[latent] >= t->opts.dead_after;
}

/* The last step at which dead exclusive latents start anew. */
static inline size_t trainer_reseed_until(const struct trainer *t)
{
	return (size_t)(t->opts.reseed * (double)t->opts.steps);
}

/* The last step at which latents that say what others say are folded: the last interval is left to settle in. */
static inline size_t trainer_fold_until(const struct trainer *t)
{
	const struct train_opts *o = &t->opts;

	return o->fold > 0.0 && o->steps > o->exchange_every ? o->steps - o->exchange_every : 0;
}

/* Latent i's encoder and decoder rows of one model, which its partition has. */
float *trainer_encoder_row(const struct trainer *t, size_t i, bool model_b);
float *trainer_decoder_row(const struct trainer *t, size_t i, bool model_b);
/* Adam's moments of n parameters from p on become 0. */
void trainer_forget_moments(struct trainer *t, const float *p, size_t n);
/* And the parameters too. */
void trainer_silence(struct trainer *t, float *p, size_t n);

/* Scales, decoder and encoder, b_dec, as METHOD 3 starts them. */
int trainer_init(struct trainer *t, struct err *e);
/* The rows of a step, scaled and without outliers, into t->batch. */
int trainer_read(struct trainer *t, size_t step, struct err *e);
/* What BatchTopK keeps of them, by row and by latent, and what it leaves of the rows: t->ea, t->eb and their moments. */
void trainer_reconstruct(struct trainer *t);

#endif
