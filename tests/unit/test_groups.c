#include "base/rng.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "study/groups.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Prompts of three kinds: two planted behaviours, each with a latent of its own at the turn boundary and one in the
 * answer, and prompts where nothing differs.  The first token of an answer has half of the latent of the turn boundary.  The
 * second behaviour's latent is the candidate's alone and stands beside a shared one; prompts where nothing differs have one that
 * falls silent where either behaviour is decided.
 */

enum { SILENT = 20, WORDED = 27 };
enum { PROMPTS = 60, LATENTS = 40, D = 24, ANSWER = 3 };

struct planted {
	struct arena mem;
	struct dfc d;
	struct grouped prompt[PROMPTS];
	struct active turns, answers;
	size_t turn_start[PROMPTS + 1], answer_start[PROMPTS * ANSWER + 1], by_latent[LATENTS + 1];
	uint32_t turn_latent[2 * PROMPTS], answer_latent[PROMPTS * ANSWER];
	float turn_value[2 * PROMPTS], answer_value[PROMPTS * ANSWER];
	double gap[PROMPTS * ANSWER];
	uint32_t after[PROMPTS * ANSWER];
	struct group_rows rows;
};

static int behaviour_of(size_t i)
{
	return i % 6 == 0 ? 1 : i % 6 == 3 ? 2 : 0;
}

static void planted_make(struct planted *w, bool differ)
{
	struct dfc_shape shape = { .d_a = 4, .d_b = D, .n_a = 4, .n_shared = 30, .n_b = 6 };
	struct rng r = rng_stream(3, "test.groups", 0);
	struct err e = ERR_INIT;
	size_t n = 0;

	memset(w, 0, sizeof(*w));
	assert_int_equal(dfc_new(&w->d, &shape, &e), 0);
	w->d.scale_a = w->d.scale_b = 2;
	for (size_t i = 0; i < (shape.n_shared + shape.n_b) * D; i++)
		w->d.dec_b[i] = (float)rng_normal(r, i);
	for (size_t i = 0; i < PROMPTS; i++) {
		int b = behaviour_of(i);

		w->prompt[i] = (struct grouped){ .kind = b && differ ? GROUP_ON : GROUP_OFF,
						 .held_out = i % 4 == 1 || i % 12 == 0,
						 .gap = b && differ ? 5 + b : 0.1,
						 .row = i,
						 .answer_first = i * ANSWER,
						 .answer_n = ANSWER };
		w->turn_start[i] = n;
		w->turn_latent[n] = b == 2 ? 26 : (uint32_t)(6 + i % 5);
		w->turn_value[n++] = b == 2 ? 2 : 0.3f;
		w->turn_latent[n] = b == 0 ? SILENT : b == 1 ? 25 : 36;
		w->turn_value[n++] = 2;
		for (size_t k = 0; k < ANSWER; k++) {
			w->answer_start[i * ANSWER + k] = i * ANSWER + k;
			w->answer_latent[i * ANSWER + k] = b == 0 ? 21 : b == 1 ? 37 : 38;
			if (b > 0 && k == 0)
				w->answer_latent[i * ANSWER + k] = b == 1 ? 25 : 36;
			w->answer_value[i * ANSWER + k] = 1;
			w->gap[i * ANSWER + k] = b ? 2 : 0;
			w->after[i * ANSWER + k] = (uint32_t)k + 1;
		}
	}
	w->rows = (struct group_rows){ &w->turns, &w->answers, w->gap, w->after };
	w->turn_start[PROMPTS] = n;
	w->answer_start[PROMPTS * ANSWER] = PROMPTS * ANSWER;
	w->turns = (struct active){ .n_rows = PROMPTS,
				    .n_latents = LATENTS,
				    .n = n,
				    .row_start = w->turn_start,
				    .latent = w->turn_latent,
				    .row_value = w->turn_value,
				    .latent_start = w->by_latent };
	w->answers = (struct active){ .n_rows = PROMPTS * ANSWER,
				      .n_latents = LATENTS,
				      .n = PROMPTS * ANSWER,
				      .row_start = w->answer_start,
				      .latent = w->answer_latent,
				      .row_value = w->answer_value,
				      .latent_start = w->by_latent };
}

static const struct groups_opts opts = {
	.most_groups = 10, .most_members = 3, .least_prompts = 2, .alike = 0.5, .specific = 0.25
};

static size_t planted_groups(struct group **g, struct planted *w, size_t n_prompts,
			     const struct groups_opts *o)
{
	return groups_make(g, &w->mem, w->prompt, n_prompts, &w->d, &w->rows, o);
}

static void planted_release(struct planted *w)
{
	arena_release(&w->mem);
	dfc_release(&w->d);
}

static void behaviours_are_found(void **state)
{
	static struct planted w;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	n = planted_groups(&g, &w, PROMPTS, &opts);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		int b = behaviour_of(g[i].typical);
		float want[D] = { 0 };

		assert_true(g[i].gap > 4.9 + b && g[i].gap < 5.1 + b);
		/* w = 2 ON less 0 OFF, by the decoder row over the scale: 2 d / 2; and what falls silent, which the
		 * candidate's own latent leaves out. */
		op_add(want, dfc_decoder_b(&w.d, b == 1 ? 25 : 36), D);
		if (b == 1)
			op_axpy(want, -1, dfc_decoder_b(&w.d, SILENT), D);
		assert_true(op_dot_d(want, g[i].direction, D) / (g[i].norm * fm_sqrt_d(op_norm2_d(want, D))) >
			    0.99);
	}
	for (size_t i = 0; i < PROMPTS; i++) {
		if (behaviour_of(i) == 0)
			assert_int_equal(w.prompt[i].cluster, 0);
		else
			assert_int_equal(behaviour_of(g[w.prompt[i].cluster - 1].typical), behaviour_of(i));
	}
	for (size_t i = 0; i < n; i++)
		assert_true(g[i].n_held_out > 0 && g[i].n_on > 0);
	planted_release(&w);
}

static const struct group *of_behaviour(const struct group *g, size_t n, int b)
{
	for (size_t i = 0; i < n; i++) {
		if (behaviour_of(g[i].typical) == b)
			return &g[i];
	}
	fail_msg("no group for behaviour %d", b);
	return NULL;
}

/* 0: the latent is no member. */
static double weight_of(const struct group *g, uint32_t latent)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->member[i].latent == latent)
			return g->member[i].weight;
	}
	return 0;
}

static void candidate_only_latents_stand_alone(void **state)
{
	static struct planted w;
	struct groups_opts o = opts;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	n = planted_groups(&g, &w, PROMPTS, &o);
	assert_int_equal(of_behaviour(g, n, 2)->n, 1);
	o.specific = 2;
	n = planted_groups(&g, &w, PROMPTS, &o);
	assert_int_equal(of_behaviour(g, n, 2)->n, 3);
	/* Nothing of the candidate's own is no reason to have nothing. */
	o.specific = 0;
	n = planted_groups(&g, &w, PROMPTS, &o);
	assert_true(weight_of(of_behaviour(g, n, 1), 25) > 1.9 &&
		    weight_of(of_behaviour(g, n, 1), SILENT) < -1.9);
	planted_release(&w);
}

/* The paper's form has one latent, at its largest: never one that is off. */
static void a_latent_alone_is_one_that_fires(void **state)
{
	static struct planted w;
	struct groups_opts o = opts;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	for (size_t i = 0; i < PROMPTS; i++)
		w.turn_value[2 * i + 1] = behaviour_of(i) == 0 ? 5 : 2;
	o.single = true;
	n = planted_groups(&g, &w, PROMPTS, &o);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_true(g[i].n == 1 && g[i].member[0].latent != SILENT);
	planted_release(&w);
}

/* Half of the prompts have a word that all of the first behaviour's have: set against prompts like them, it is no part of it. */
static void wording_is_no_part_of_a_behaviour(void **state)
{
	static struct planted w;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	for (size_t i = 0; i < PROMPTS; i++) {
		w.turn_latent[2 * i] = behaviour_of(i) == 1 || i % 2 == 0 ? WORDED : WORDED + 1;
		w.turn_value[2 * i] = 3;
	}
	n = planted_groups(&g, &w, PROMPTS, &opts);
	assert_int_equal(n, 2);
	assert_true(fabs(weight_of(of_behaviour(g, n, 1), WORDED)) < 1e-6);
	assert_true(weight_of(of_behaviour(g, n, 1), 25) > 1.9);
	for (size_t i = 0; i < of_behaviour(g, n, 1)->n_off; i++)
		assert_int_equal(w.turn_latent[2 * of_behaviour(g, n, 1)->off[i]], WORDED);
	planted_release(&w);
}

static void the_answer_carries_half_and_then_little(void **state)
{
	static struct planted w;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	n = planted_groups(&g, &w, PROMPTS, &opts);
	for (size_t i = 0; i < n; i++) {
		assert_true(g[i].share[0] == 1);
		assert_true(g[i].share[1] > 0.2f && g[i].share[1] < 0.8f);
		for (size_t k = 2; k <= ANSWER; k++)
			assert_true(g[i].share[k] < g[i].share[1]);
		for (size_t k = 0; k < GROUP_SHARES; k++)
			assert_true(g[i].share[k] >= 0 && g[i].share[k] <= 1);
	}
	planted_release(&w);
}

/* Answers in which no latent of the candidate's stands at a gap have nothing to compare. */
static void silent_answers_leave_it_to_the_boundary(void **state)
{
	static struct planted w;
	struct group *g;

	(void)state;
	planted_make(&w, true);
	memset(w.gap, 0, sizeof(w.gap));
	assert_int_equal(planted_groups(&g, &w, PROMPTS, &opts), 2);
	for (size_t i = 0; i < PROMPTS; i++)
		assert_true((w.prompt[i].cluster > 0) == (behaviour_of(i) > 0));
	planted_release(&w);
}

static void nothing_is_found_where_nothing_differs(void **state)
{
	static struct planted w;
	struct group *g;

	(void)state;
	planted_make(&w, false);
	assert_int_equal(planted_groups(&g, &w, PROMPTS, &opts), 0);
	assert_int_equal(planted_groups(&g, &w, 0, &opts), 0);
	planted_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaviours_are_found),
		cmocka_unit_test(candidate_only_latents_stand_alone),
		cmocka_unit_test(a_latent_alone_is_one_that_fires),
		cmocka_unit_test(wording_is_no_part_of_a_behaviour),
		cmocka_unit_test(the_answer_carries_half_and_then_little),
		cmocka_unit_test(silent_answers_leave_it_to_the_boundary),
		cmocka_unit_test(nothing_is_found_where_nothing_differs),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
