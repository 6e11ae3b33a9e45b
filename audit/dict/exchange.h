#ifndef DICT_EXCHANGE_H
#define DICT_EXCHANGE_H

#include "dict/trainer.h"

/*
 * Latents in the wrong partition change places, and dead exclusive ones start anew where they are needed.  Ours; off
 * reproduces the paper.
 *
 * A partition by structure does not say which latent comes to hold what.  Shared latents see both models, score higher from
 * the start and learn first, so that what is one model's own is mostly found by a shared latent whose other decoder row
 * shrinks, while exclusive latents die or come to hold one model's half of a shared concept.  So every exchange_every
 * steps, and for either model m:
 *
 * demote: living exclusive latents with ||g|| / (||g|| + ||dec^m||) >= demote, g the row that would serve them best in the
 *	other model (dict/look.h; on at 16 rows at least), change places with shared ones, and have g for their decoder row
 *	there and 0 for their encoder row.  The clearest come first.  They get the places of promoted latents (below),
 *	the most one-sided first, then those of dead shared ones, the longest idle first.
 * promote: living shared latents with ||dec^m|| / (||dec^A|| + ||dec^B||) >= promote, the most one-sided first, change
 *	places with dead exclusive ones, the longest idle first.
 * reseed: for that share of the steps, exclusive latents that are dead still start anew from residuals u of norm 1 that are m's and not the
 *	other model's (dict/look.h), the clearest first: decoder row u, encoder row what of u is orthogonal to b_dec^m, so
 *	long that the latent is 1 where x = u, and bias 0.
 *
 * Rows move with Adam's moments, the bias and the idle counter; new rows have moments of 0.  What a latent that leaves
 * the shared ones keeps in the other model is small by the choice.  Ties go by number.  The partition stays what it was:
 * no row is masked.
 */
int trainer_exchange(struct trainer *t, struct err *e);

#endif
