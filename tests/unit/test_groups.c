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
 * second behaviour's latent is the candidate's alone and stands beside a shared one of its topic; the other prompts have a latent
 * of noise.  The base's stream says as much of a topic as the candidate's, and a quarter of the first behaviour's latent.
 */

enum { PROMPTS = 60, LATENTS = 40, D = 24, ANSWER = 3 };

struct planted {
	struct arena mem;
	struct dfc d;
	struct grouped prompt[PROMPTS];
	struct active turns, answers, base;
	size_t turn_start[PROMPTS + 1], answer_start[PROMPTS * ANSWER + 1], by_latent[LATENTS + 1];
	uint32_t turn_latent[2 * PROMPTS], answer_latent[PROMPTS * ANSWER];
	float turn_value[2 * PROMPTS], base_value[2 * PROMPTS], answer_value[PROMPTS * ANSWER];
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
		w->base_value[n - 2] = w->turn_value[n - 2];
		w->base_value[n - 1] = b == 0 ? 2 : b == 1 ? 0.5f : 0;
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
	w->rows = (struct group_rows){ true, &w->turns, &w->answers, &w->base, &w->turns, w->gap, w->after };
	w->turn_start[PROMPTS] = n;
	w->answer_start[PROMPTS * ANSWER] = PROMPTS * ANSWER;
	w->turns = (struct active){ .n_rows = PROMPTS,
				    .n_latents = LATENTS,
				    .n = n,
				    .row_start = w->turn_start,
				    .latent = w->turn_latent,
				    .row_value = w->turn_value,
				    .latent_start = w->by_latent };
	w->base = w->turns;
	w->base.row_value = w->base_value;
	w->answers = (struct active){ .n_rows = PROMPTS * ANSWER,
				      .n_latents = LATENTS,
				      .n = PROMPTS * ANSWER,
				      .row_start = w->answer_start,
				      .latent = w->answer_latent,
				      .row_value = w->answer_value,
				      .latent_start = w->by_latent };
}

static const struct groups_opts opts = {
	.most_groups = 10, .most_members = 3, .least_prompts = 2, .alike = 0.5, .answers_alike = 0.8
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

/* Mean of a latent at the turn boundaries of prompts that make groups: of one behaviour, or OFF. */
static double mean_of(const struct planted *w, const struct active *a, uint32_t latent, int behaviour)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < PROMPTS; i++) {
		if (behaviour_of(i) != behaviour || w->prompt[i].held_out)
			continue;
		sum += (double)active_at(a, i, latent);
		n++;
	}
	return sum / (double)n;
}

/* By the definitions of study/groups.h, a latent at a time. */
static double weight_of(const struct planted *w, enum way way, uint32_t latent, int behaviour)
{
	bool is_own = dfc_partition(&w->d.shape, latent) == PARTITION_B;
	double joint = mean_of(w, &w->turns, latent, behaviour) - mean_of(w, &w->turns, latent, 0);
	double base = mean_of(w, &w->base, latent, behaviour) - mean_of(w, &w->base, latent, 0);

	if (way == WAY_JOINT)
		return joint;
	if (way == WAY_EXCLUSIVE)
		return is_own ? fmax(joint, 0) : 0;
	return fmax(is_own ? joint : (joint - base) / 2, 0);
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

		assert_true(g[i].aim == &g[i].way[WAY_JOINT]);
		assert_int_equal(g[i].aim->n, b + 1); /* its own, what the others have, and b = 2's topic */
		assert_true(g[i].gap > 4.9 + b && g[i].gap < 5.1 + b);
		assert_true(g[i].n_held_out > 0 && g[i].n_on > 0);
	}
	for (size_t i = 0; i < PROMPTS; i++) {
		if (behaviour_of(i) == 0)
			assert_int_equal(w.prompt[i].cluster, 0);
		else
			assert_int_equal(behaviour_of(g[w.prompt[i].cluster - 1].typical), behaviour_of(i));
	}
	planted_release(&w);
}

static double length_of(const struct planted *w, enum way way, uint32_t latent, int behaviour)
{
	const float *row = dfc_decoder_b(&w->d, latent);

	return row != NULL ? fabs(weight_of(w, way, latent, behaviour)) * fm_sqrt_d(op_norm2_d(row, D)) : 0;
}

/* Members have the weights of the definition, none outside is longer, and the direction is their sum. */
static void weights_are_as_defined(void **state)
{
	static struct planted w;
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	n = planted_groups(&g, &w, PROMPTS, &opts);
	/* The last way is known to the rehearsal alone. */
	for (size_t i = 0; i < n * WAY_ACTING; i++) {
		const struct aim *aim = &g[i / WAY_ACTING].way[i % WAY_ACTING];
		enum way way = (enum way)(i % WAY_ACTING);
		int b = behaviour_of(g[i / WAY_ACTING].typical);
		double least = 1e9, want[D] = { 0 };

		assert_int_equal(aim->n > 0, way != WAY_EXCLUSIVE || b == 2);
		for (size_t k = 0; k < aim->n; k++) {
			uint32_t latent = aim->member[k].latent;
			double weight = weight_of(&w, way, latent, b);

			assert_true(fabs(aim->member[k].weight - weight) < 1e-6);
			least = fmin(least, length_of(&w, way, latent, b));
			for (size_t c = 0; c < D; c++)
				want[c] += weight * (double)dfc_decoder_b(&w.d, latent)[c] / 2;
		}
		for (uint32_t latent = 0; latent < LATENTS; latent++) {
			bool in = false;

			for (size_t k = 0; k < aim->n; k++)
				in |= aim->member[k].latent == latent;
			assert_true(in || length_of(&w, way, latent, b) <
						  (aim->n == opts.most_members ? least + 1e-6 : 1e-6));
		}
		for (size_t c = 0; c < D; c++)
			assert_true(fabs((double)aim->direction[c] - want[c]) < 1e-4);
		assert_true(fabs(aim->norm - fm_sqrt_d(op_norm2_d(aim->direction, D))) < 1e-9);
	}
	for (size_t i = 0; i < n; i++) {
		const struct aim *joint = &g[i].way[WAY_JOINT];
		struct aim again = group_aim(&g[i], g[i].pool, joint->n);

		assert_int_equal(g[i].way[WAY_ACTING].n, 0);
		assert_true(g[i].n_pool >= joint->n);
		assert_memory_equal(again.direction, joint->direction, D * sizeof(*again.direction));
		assert_memory_equal(again.share, joint->share, GROUP_SHARES * sizeof(*again.share));
	}
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

static void a_topic_that_both_read_drops_out(void **state)
{
	static struct planted w;
	struct group *g;
	const struct aim *aim;
	size_t n;

	(void)state;
	planted_make(&w, true);
	n = planted_groups(&g, &w, PROMPTS, &opts);
	aim = &of_behaviour(g, n, 2)->way[WAY_OWN];
	assert_int_equal(aim->n, 1);
	assert_int_equal(aim->member[0].latent, 36);
	aim = &of_behaviour(g, n, 1)->way[WAY_OWN];
	assert_int_equal(aim->n, 1);
	assert_true(aim->member[0].latent == 25 && fabs(aim->member[0].weight - 0.75) < 1e-6);
	planted_release(&w);
}

/* The paper's form: the leading latent as strong as it ever is, turned the way its weight has. */
static void the_leading_latent_alone(void **state)
{
	static struct planted w;
	struct groups_opts o = opts;
	struct active turns, answers;
	uint32_t row[PROMPTS * ANSWER];
	struct group *g;
	size_t n;

	(void)state;
	planted_make(&w, true);
	for (size_t i = 0; i < PROMPTS * ANSWER; i++)
		row[i] = (uint32_t)i;
	/* By latent as well. */
	active_select(&turns, &w.turns, row, PROMPTS);
	active_select(&answers, &w.answers, row, PROMPTS * ANSWER);
	w.rows.turns = &turns;
	w.rows.answers = &answers;
	o.single = true;
	n = planted_groups(&g, &w, PROMPTS, &o);
	for (size_t i = 0; i < n; i++) {
		const struct member *m = g[i].aim->member;
		double most = m->latent == 20 ? -2 : 2;

		assert_int_equal(g[i].aim->n, 1);
		assert_true(m->latent == 20 || m->latent == (behaviour_of(g[i].typical) == 1 ? 25 : 36));
		assert_true(m->weight == most);
	}
	active_release(&turns);
	active_release(&answers);
	planted_release(&w);
}

/* One answer to questions of two forms. */
static void answers_much_alike_are_one_behaviour(void **state)
{
	static struct planted w;
	struct groups_opts o = opts;
	struct group *g;

	(void)state;
	planted_make(&w, true);
	for (size_t i = 0; i < PROMPTS * ANSWER; i++) {
		if (behaviour_of(i / ANSWER) > 0)
			w.answer_latent[i] = 37;
	}
	o.alike = 0.75;
	assert_int_equal(planted_groups(&g, &w, PROMPTS, &o), 1);
	o.answers_alike = 1.5;
	assert_int_equal(planted_groups(&g, &w, PROMPTS, &o), 2);
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
		assert_true(g[i].aim->share[0] == 1);
		assert_true(g[i].aim->share[1] > 0.2f && g[i].aim->share[1] < 0.8f);
		for (size_t k = 2; k <= ANSWER; k++)
			assert_true(g[i].aim->share[k] < g[i].aim->share[1]);
		for (size_t k = 0; k < GROUP_SHARES; k++)
			assert_true(g[i].aim->share[k] >= 0 && g[i].aim->share[k] <= 1);
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
		cmocka_unit_test(weights_are_as_defined),
		cmocka_unit_test(a_topic_that_both_read_drops_out),
		cmocka_unit_test(the_leading_latent_alone),
		cmocka_unit_test(answers_much_alike_are_one_behaviour),
		cmocka_unit_test(the_answer_carries_half_and_then_little),
		cmocka_unit_test(silent_answers_leave_it_to_the_boundary),
		cmocka_unit_test(nothing_is_found_where_nothing_differs),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
