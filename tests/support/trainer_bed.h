#ifndef TESTS_TRAINER_BED_H
#define TESTS_TRAINER_BED_H

#include "base/par.h"
#include "dict/toy.h"
#include "dict/trainer.h"

/* A trainer small enough to look into, on a world of 40 concepts. */

enum { BED_D = 16, BED_OWN = 3, BED_SHARED = 20, BED_LATENTS = BED_SHARED + 2 * BED_OWN, BED_ROWS = 64 };

struct bed {
	struct par *par;
	struct toy *toy;
	struct trainer *t;
};

/* 40 steps of BED_ROWS rows, exchanges every 10, of which none is on. */
struct train_opts bed_options(void);
void bed_new(struct bed *b, const struct train_opts *o, unsigned threads);
void bed_free(struct bed *b);

#endif
