#include "base/rng.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "study/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Prompts of three kinds: two planted behaviours, each with a latent of its own at the turn boundary and one in the
 * answer, and prompts where nothing differs.  The first token of an answer has half of the latent of the turn boundary.  The
 * second behaviour's latent is the candidate's alone and stands beside a shared one; the other prompts have a latent of noise.
 */

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
		w->turn_latent[n] = b == 0 ? 20 : b == 1 ? 25 : 36;
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

		assert_int_equal(g[i].member[0].latent, b == 1 ? 25 : 36);
		assert_true(g[i].gap > 4.9 + b && g[i].gap < 5.1 + b);
		/* w = 2 ON less 0 OFF, by the decoder row over the scale: 2 d / 2. */
		op_add(want, dfc_decoder_b(&w.d, b == 1 ? 25 : 36), D);
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
	assert_int_equal(of_behaviour(g, n, 2)->n, 2);
	/* Nothing of the candidate's own is no reason to have nothing. */
	o.specific = 0;
	n = planted_groups(&g, &w, PROMPTS, &o);
	assert_int_equal(of_behaviour(g, n, 1)->member[0].latent, 25);
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
		cmocka_unit_test(the_answer_carries_half_and_then_little),
		cmocka_unit_test(silent_answers_leave_it_to_the_boundary),
		cmocka_unit_test(nothing_is_found_where_nothing_differs),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
