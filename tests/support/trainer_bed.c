#include "tests/support/trainer_bed.h"

#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct train_opts bed_options(void)
{
	struct train_opts o = train_defaults();

	o.steps = 40;
	o.batch = BED_ROWS;
	o.warmup = 5;
	o.k = 3;
	o.lr = 3e-3;
	o.dead_after = 500;
	o.score = SCORE_PAPER;
	o.exchange_every = 10;
	o.seed = 3;
	return o;
}

void bed_new(struct bed *b, const struct train_opts *o, unsigned threads)
{
	const struct dfc_shape shape = { BED_D, BED_D, BED_OWN, BED_SHARED, BED_OWN };
	struct toy_opts w = toy_defaults();
	struct train_data data;
	struct err e = ERR_INIT;

	w.concepts = 40;
	w.d = BED_D;
	w.exclusive = 4;
	w.rows = 2000;
	w.active = 3.0;
	if (par_new(&b->par, threads, GEMM_SCRATCH, &e) < 0 || toy_new(&b->toy, &w, b->par, &e) < 0)
		fail_msg("%s", e.msg);
	data = toy_data(b->toy);
	if (trainer_new(&b->t, &shape, o, &data, b->par, &e) < 0)
		fail_msg("%s", e.msg);
}

void bed_free(struct bed *b)
{
	trainer_free(b->t);
	toy_free(b->toy);
	par_free(b->par);
}
