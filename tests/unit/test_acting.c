#include "base/mem.h"
#include "dict/dfc.h"
#include "study/acting.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * Which latents act, on a dictionary whose decoder rows are axes: a direction's norm is the root of the sum of squared weights, so
 * that what is chosen can be worked out by hand.
 */

enum { LATENTS = 5, PROMPTS = 4, MOST = 4 };

struct world {
	struct dfc d;
	struct member member[LATENTS];
	double effect[ACTING_KINDS][LATENTS][PROMPTS];
	double *row[ACTING_KINDS][LATENTS];
	struct acting_pool pool;
};

static void world_make(struct world *w)
{
	struct dfc_shape shape = { .d_a = LATENTS, .d_b = LATENTS, .n_a = 0, .n_shared = 0, .n_b = LATENTS };
	struct err e = ERR_INIT;

	memset(w, 0, sizeof(*w));
	assert_int_equal(dfc_new(&w->d, &shape, &e), 0);
	w->d.scale_b = 1;
	for (uint32_t i = 0; i < LATENTS; i++) {
		float *row = w->d.dec_b + (size_t)i * LATENTS;

		memset(row, 0, LATENTS * sizeof(*row));
		row[i] = 1;
		w->member[i] = (struct member){ i, 1 };
	}
	w->pool = (struct acting_pool){ .b = true, .member = w->member, .n = LATENTS, .sd = { 1, 1 } };
	for (size_t k = 0; k < ACTING_KINDS; k++) {
		w->pool.n_prompts[k] = PROMPTS;
		w->pool.effect[k] = w->row[k];
		for (size_t i = 0; i < LATENTS; i++)
			w->row[k][i] = w->effect[k][i];
	}
}

static void effect_set(struct world *w, size_t latent, double on, double off)
{
	for (size_t q = 0; q < PROMPTS; q++) {
		w->effect[ACTING_ON][latent][q] = on;
		w->effect[ACTING_OFF][latent][q] = off;
	}
}

static void those_that_act_are_chosen(void **state)
{
	static struct world w;
	struct member m[MOST];

	(void)state;
	world_make(&w);
	effect_set(&w, 0, 4, 4); /* first: 4 */
	effect_set(&w, 1, 3, 3); /* second: 7 / sqrt 2 = 4.95 */
	effect_set(&w, 2, 0.5,
		   9); /* lowers the lesser to 7.5 / sqrt 3 = 4.33, by less than one, and raises the sum */
	effect_set(&w, 3, -5, 9); /* would cost the lesser too much */
	effect_set(&w, 4, 0, 0);  /* does nothing */
	assert_int_equal(acting_choose(m, &w.pool, &w.d, MOST), 3);
	assert_int_equal(m[0].latent, 0);
	assert_int_equal(m[1].latent, 1);
	assert_int_equal(m[2].latent, 2);
	assert_int_equal(acting_choose(m, &w.pool, &w.d, 2), 2);
	/* On half of the prompts the same are chosen, and do the same on the others. */
	assert_true(fabs(acting_crossed(&w.pool, &w.d, MOST) - 7.5 / sqrt(3)) < 1e-6);
	dfc_release(&w.d);
}

/* What one prompt of four shows has a standard error as large as its mean. */
static void one_prompt_alone_counts_for_nothing(void **state)
{
	static struct world w;
	struct member m[MOST];

	(void)state;
	world_make(&w);
	effect_set(&w, 0, 1, 9);
	effect_set(&w, 1, 0, 9);
	w.effect[ACTING_ON][1][0] = 40;
	assert_true(acting_choose(m, &w.pool, &w.d, 1) == 1);
	assert_int_equal(m[0].latent, 0);
	dfc_release(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_act_are_chosen),
		cmocka_unit_test(one_prompt_alone_counts_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
