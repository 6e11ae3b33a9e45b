#ifndef DICT_PROMOTE_H
#define DICT_PROMOTE_H

#include "dict/trainer.h"

/*
 * Shared latents that turned out to be one model's own change places with dead exclusive latents of that model.
 *
 * Shared latents see both models, score higher from the start and learn first; an exclusive concept is then mostly
 * found by a shared latent, whose other decoder row shrinks, and the exclusive latents die (METHOD section 3 has the
 * same of the paper's score).  So every promote_every steps, and for either model, the living shared latents with
 *
 *	||dec_i^m|| / (||dec_i^A|| + ||dec_i^B||) >= promote
 *
 * are taken, the most one-sided first, ties by number, and each gives its encoder row, decoder row and bias of model m
 * (with Adam's moments and its idle counter) to a dead exclusive latent, the longest idle first, for that one's.  What
 * it keeps of the other model is small by the choice.  The partition stays what it was: rows move, none is masked.
 */
void trainer_promote(struct trainer *t);

#endif
