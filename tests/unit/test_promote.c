#include "base/out.h"
#include "dict/promote.h"
#include "dict/toy.h"
#include "num/gemm.h"
#include "num/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { D = 16, OWN = 3, SHARED = 20, LATENTS = SHARED + 2 * OWN };

struct bed {
	struct par *par;
	struct toy *toy;
	struct trainer *t;
};

static struct train_opts options(void)
{
	struct train_opts o = train_defaults();

	o.steps = 40;
	o.batch = 64;
	o.warmup = 5;
	o.k = 3;
	o.lr = 3e-3;
	o.dead_after = 500;
	o.score = SCORE_PAPER;
	o.promote = 0.8;
	o.promote_every = 10;
	o.seed = 3;
	return o;
}

static void bed_new(struct bed *b, const struct train_opts *o, unsigned threads)
{
	const struct dfc_shape shape = { D, D, OWN, SHARED, OWN };
	struct toy_opts w = toy_defaults();
	struct train_data data;
	struct err e = ERR_INIT;

	w.concepts = 40;
	w.d = D;
	w.exclusive = 4;
	w.rows = 2000;
	w.active = 3.0;
	if (par_new(&b->par, threads, GEMM_SCRATCH, &e) < 0 || toy_new(&b->toy, &w, b->par, &e) < 0)
		fail_msg("%s", e.msg);
	data = toy_data(b->toy);
	if (trainer_new(&b->t, &shape, o, &data, b->par, &e) < 0)
		fail_msg("%s", e.msg);
}

static void bed_free(struct bed *b)
{
	trainer_free(b->t);
	toy_free(b->toy);
	par_free(b->par);
}

static void steps(struct trainer *t, size_t n)
{
	struct train_stats stats;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		if (trainer_step(t, &stats, &e) < 0)
			fail_msg("%s", e.msg);
}

/* Latent i's decoder row of one model, by number in the dictionary, copied. */
static void row_of(float *out, const struct trainer *t, size_t i, bool candidate)
{
	memcpy(out, candidate ? dfc_decoder_b(&t->dict, i) : dfc_decoder_a(&t->dict, i), D * sizeof(*out));
}

/* The most one-sided latent goes to the longest idle exclusive one; who is dead, or shared by both, stays. */
static void test_moves(void **state)
{
	struct train_opts o = options();
	float mine[D], other[D], old[D], now[D];
	struct bed b;

	(void)state;
	for (int candidate = 0; candidate < 2; candidate++) {
		size_t from = OWN + 7, second = OWN + 2, asleep = OWN + 4;
		size_t first = candidate ? OWN + SHARED : 0, to = first + 1;
		struct trainer *t;

		bed_new(&b, &o, 2);
		t = b.t;
		steps(t, 9);
		t->at = 10;
		for (size_t i = 0; i < LATENTS; i++)
			t->idle[i] = 0;
		t->idle[to] = 900;
		t->idle[first] = 600;
		t->idle[asleep] = 1000;
		for (size_t i = 0; i < 3; i++) {
			size_t at = i == 0 ? from : i == 1 ? second : asleep;
			float *a = t->dict.dec_a + at * D, *bb = t->dict.dec_b + (at - OWN) * D;

			op_scale(candidate ? a : bb, i == 1 ? 0.1f : 0.01f, D);
		}
		row_of(mine, t, from, candidate);
		row_of(other, t, from, !candidate);
		row_of(old, t, to, candidate);
		trainer_promote(t);
		row_of(now, t, to, candidate);
		assert_memory_equal(now, mine, sizeof(now));
		row_of(now, t, from, candidate);
		assert_memory_equal(now, old, sizeof(now));
		row_of(now, t, from, !candidate);
		assert_memory_equal(now, other, sizeof(now));
		assert_int_equal(t->idle[to], 0);
		assert_int_equal(t->idle[from], 900);
		/* the next in line took the next place, and the dead one-sided latent none */
		assert_int_equal(t->idle[second], 600);
		assert_int_equal(t->idle[asleep], 1000);
		for (size_t i = 0; i < LATENTS; i++)
			if (t->idle[i] != 1000)
				assert_true(t->encoder.weight[i] == dfc_score_weight(&t->dict, i));
		bed_free(&b);
	}
}

/* Off where it says so, and between its steps. */
static void test_stays(void **state)
{
	struct bed b;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct train_opts o = options();
		float before[D], after[D];

		if (i == 0)
			o.promote = 0.0;
		if (i == 1)
			o.promote_every = 0;
		bed_new(&b, &o, 1);
		b.t->at = i == 2 ? 11 : 10;
		b.t->idle[0] = 900;
		op_scale(b.t->dict.dec_b, 0.01f, D);
		row_of(before, b.t, OWN, false);
		trainer_promote(b.t);
		row_of(after, b.t, OWN, false);
		assert_memory_equal(before, after, sizeof(before));
		bed_free(&b);
	}
}

/* The same bits from any number of threads, and from a checkpoint on. */
static void test_bits(void **state)
{
	struct train_opts o = options();
	struct err e = ERR_INIT;
	struct bed one, other;
	size_t bytes;

	(void)state;
	o.promote = 0.5;
	o.dead_after = 100;
	bed_new(&one, &o, 1);
	bed_new(&other, &o, 3);
	steps(one.t, 40);
	steps(other.t, 15);
	assert_int_equal(trainer_save(other.t, "promote.ckpt", &e), 0);
	bed_free(&other);
	bed_new(&other, &o, 2);
	assert_int_equal(trainer_load(other.t, "promote.ckpt", &e), 0);
	steps(other.t, 25);
	bytes = one.t->dict.n_params * sizeof(float);
	assert_memory_equal(one.t->dict.memory, other.t->dict.memory, bytes);
	assert_int_equal(path_remove("promote.ckpt", &e), 0);
	bed_free(&other);
	o.promote_every = 20;
	bed_new(&other, &o, 1);
	steps(other.t, 40);
	assert_memory_not_equal(one.t->dict.memory, other.t->dict.memory, bytes);
	bed_free(&other);
	bed_free(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_bits),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("promote", tests, NULL, NULL);
}
