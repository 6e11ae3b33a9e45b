#include "base/out.h"
#include "dict/exchange.h"
#include "num/gemm.h"
#include "num/ops.h"
#include "tests/support/trainer_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { D = BED_D, OWN = BED_OWN, SHARED = BED_SHARED, LATENTS = BED_LATENTS };

static struct train_opts options(void)
{
	struct train_opts o = bed_options();

	o.promote = 0.8;
	return o;
}

static void steps(struct trainer *t, size_t n)
{
	struct train_stats stats;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		if (trainer_step(t, &stats, &e) < 0)
			fail_msg("%s", e.msg);
}

static void exchange(struct trainer *t)
{
	struct err e = ERR_INIT;

	if (trainer_exchange(t, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Latent i's decoder row of one model, by number in the dictionary, copied. */
static void row_of(float *out, const struct trainer *t, size_t i, bool candidate)
{
	memcpy(out, candidate ? dfc_decoder_b(&t->dict, i) : dfc_decoder_a(&t->dict, i), D * sizeof(*out));
}

/* The state before the exchange at step 10, nobody dead. */
static void bed_at_ten(struct bed *b, const struct train_opts *o)
{
	bed_new(b, o, 2);
	steps(b->t, 9);
	b->t->at = 10;
	for (size_t i = 0; i < LATENTS; i++)
		b->t->idle[i] = 0;
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

		bed_at_ten(&b, &o);
		t = b.t;
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
		exchange(t);
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
			o.exchange_every = 0;
		bed_new(&b, &o, 1);
		b.t->at = i == 2 ? 11 : 10;
		b.t->idle[0] = 900;
		op_scale(b.t->dict.dec_b, 0.01f, D);
		row_of(before, b.t, OWN, false);
		exchange(b.t);
		row_of(after, b.t, OWN, false);
		assert_memory_equal(before, after, sizeof(before));
		bed_free(&b);
	}
}

/* What the rows of the steps to come leave of an exclusive latent of A: the row of B that fits best, from both halves, and its
 * norm from their product. */
static double best_row(double *g, struct trainer *t, size_t latent)
{
	double sum[2][D] = { { 0 } }, square[2] = { 0 }, dot = 0;
	struct err e = ERR_INIT;

	for (size_t k = 0; k < LOOK_BATCHES; k++) {
		assert_int_equal(trainer_read(t, t->at + k, &e), 0);
		trainer_reconstruct(t);
		for (size_t r = 0; r < t->batch.n; r++) {
			for (size_t j = t->kept.start[r]; j < t->kept.start[r + 1]; j++) {
				double f = (double)t->kept.value[j];

				if (t->kept.latent[j] != latent)
					continue;
				square[k % 2] += f * f;
				for (size_t c = 0; c < D; c++)
					sum[k % 2][c] += f * (double)t->eb[r * D + c];
			}
		}
	}
	for (size_t c = 0; c < D; c++) {
		g[c] = (sum[0][c] + sum[1][c]) / (square[0] + square[1]);
		dot += sum[0][c] / square[0] * sum[1][c] / square[1];
	}
	return dot > 0 ? __builtin_sqrt(dot) : 0;
}

/* A's exclusive latents hold what model A has of these concepts. */
static void hold(struct bed *b, const size_t concept[OWN])
{
	struct dfc *d = &b->t->dict;

	for (size_t i = 0; i < OWN; i++) {
		memcpy(d->dec_a + i * D, toy_concept(b->toy, concept[i], 0), D * sizeof(float));
		memcpy(d->enc_a + i * D, d->dec_a + i * D, D * sizeof(float));
		b->t->encoder.weight[i] = dfc_score_weight(d, i);
	}
}

/* Exclusive latents that hold half of a shared concept go where dead shared ones are, the clearest first, with the row that the
 * other model would have for them; what holds a concept of its own stays. */
static void test_demotes(void **state)
{
	static const size_t concept[OWN] = { 10, 1, 11 }; /* the second is A's alone */
	struct train_opts o = options();
	size_t to[2] = { OWN + 5, OWN + 9 }, from[2];
	float row[2][D], old[2][D], alone[D], now[D];
	double g[OWN][D], share[OWN];
	struct bed b, twin;

	(void)state;
	o.promote = 0.0;
	o.demote = 0.5; /* room for a look; what counts is set below */
	bed_at_ten(&b, &o);
	bed_at_ten(&twin, &o);
	hold(&b, concept);
	hold(&twin, concept);
	for (size_t i = 0; i < OWN; i++) {
		share[i] = best_row(g[i], twin.t, i);
		share[i] /= share[i] + 1.0;
	}
	from[0] = share[0] > share[2] ? 0 : 2;
	from[1] = 2 - from[0];
	assert_true(share[1] < share[from[1]]);
	b.t->opts.demote = (share[1] + share[from[1]]) / 2;
	b.t->idle[to[0]] = 900;
	b.t->idle[to[1]] = 600;
	for (size_t i = 0; i < 2; i++) {
		row_of(row[i], b.t, from[i], false);
		row_of(old[i], b.t, to[i], false);
	}
	row_of(alone, b.t, 1, false);
	exchange(b.t);
	row_of(now, b.t, 1, false);
	assert_memory_equal(now, alone, sizeof(now));
	for (size_t i = 0; i < 2; i++) {
		const float *moment = (const float *)b.t->state.memory +
				      (b.t->dict.dec_b - b.t->dict.memory) + (to[i] - OWN) * D;

		row_of(now, b.t, to[i], false);
		assert_memory_equal(now, row[i], sizeof(now));
		row_of(now, b.t, from[i], false);
		assert_memory_equal(now, old[i], sizeof(now));
		assert_int_equal(b.t->idle[from[i]], i == 0 ? 900 : 600);
		assert_int_equal(b.t->idle[to[i]], 0);
		row_of(now, b.t, to[i], true);
		for (size_t c = 0; c < D; c++) {
			assert_float_equal(now[c], g[from[i]][c], 1e-4);
			assert_true(b.t->dict.enc_b[(to[i] - OWN) * D + c] == 0.0f);
			assert_true(moment[c] == 0.0f);
		}
		assert_true(b.t->encoder.weight[to[i]] == dfc_score_weight(&b.t->dict, to[i]));
	}
	bed_free(&b);
	bed_free(&twin);
}

/* The residual of A that is A's alone most clearly, of norm 1. */
static void clearest(double *u, struct trainer *t)
{
	struct err e = ERR_INIT;
	double best = 0;

	for (size_t k = 0; k < LOOK_BATCHES; k++) {
		double mean[2] = { 0 };

		assert_int_equal(trainer_read(t, t->at + k, &e), 0);
		trainer_reconstruct(t);
		for (size_t r = 0; r < t->batch.n; r++) {
			mean[0] += op_norm2_d(t->ea + r * D, D) / (double)t->batch.n;
			mean[1] += op_norm2_d(t->eb + r * D, D) / (double)t->batch.n;
		}
		for (size_t r = 0; r < t->batch.n; r++) {
			double a = op_norm2_d(t->ea + r * D, D), clear;

			clear = a / mean[0] - op_norm2_d(t->eb + r * D, D) / mean[1];
			if (clear <= best)
				continue;
			best = clear;
			for (size_t c = 0; c < D; c++)
				u[c] = (double)t->ea[r * D + c] / __builtin_sqrt(a);
		}
	}
}

/* Dead exclusive latents start from what their model alone has unexplained; up to that step, and nobody else. */
static void test_reseeds(void **state)
{
	struct train_opts o = options();
	const float *dec, *enc;
	float mine[D], now[D];
	double u[D];
	struct bed b;

	(void)state;
	o.promote = 0.0;
	for (int late = 0; late < 2; late++) {
		o.reseed = late ? 0.24 : 0.25; /* of 40 steps: 9.6 and 10 */
		bed_at_ten(&b, &o);
		clearest(u, b.t);
		for (size_t i = 0; i < OWN - 1; i++)
			b.t->idle[i] = 700 + i; /* so the second is the first in line */
		row_of(mine, b.t, OWN - 1, false);
		exchange(b.t);
		assert_int_equal(b.t->idle[1], late ? 701 : 0);
		row_of(now, b.t, OWN - 1, false);
		assert_memory_equal(now, mine, sizeof(now));
		for (size_t i = 0; i < OWN - 1 && !late; i++) {
			dec = dfc_decoder_a(&b.t->dict, i);
			enc = b.t->dict.enc_a + i * D;
			assert_float_equal(op_norm2_d(dec, D), 1.0, 1e-5);
			assert_float_equal(op_dot_d(enc, dec, D), 1.0, 1e-4);
			assert_float_equal(op_dot_d(enc, b.t->dict.bias_a, D), 0.0, 1e-4);
			assert_true(b.t->dict.bias_enc[i] == 0.0f);
			assert_true(b.t->encoder.weight[i] == dfc_score_weight(&b.t->dict, i));
		}
		dec = dfc_decoder_a(&b.t->dict, 1);
		for (size_t c = 0; c < D && !late; c++)
			assert_float_equal(dec[c], u[c], 1e-5);
		if (!late)
			assert_true(op_dot_d(dec, dfc_decoder_a(&b.t->dict, 0), D) <= 0.6);
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
	o.demote = 0.2;
	o.reseed = 0.75;
	o.fold = 0.3;
	o.dead_after = 30;
	bed_new(&one, &o, 1);
	bed_new(&other, &o, 3);
	steps(one.t, 40);
	steps(other.t, 15);
	assert_int_equal(trainer_save(other.t, "exchange.ckpt", &e), 0);
	bed_free(&other);
	bed_new(&other, &o, 2);
	assert_int_equal(trainer_load(other.t, "exchange.ckpt", &e), 0);
	steps(other.t, 25);
	bytes = one.t->dict.n_params * sizeof(float);
	assert_memory_equal(one.t->dict.memory, other.t->dict.memory, bytes);
	assert_memory_equal(&one.t->moves, &other.t->moves, sizeof(one.t->moves));
	assert_true(one.t->moves.promoted > 0 && one.t->moves.demoted > 0 && one.t->moves.reseeded > 0 &&
		    one.t->moves.folded > 0);
	assert_int_equal(path_remove("exchange.ckpt", &e), 0);
	bed_free(&other);
	for (int k = 0; k < 2; k++) {
		struct train_opts p = o;

		if (k == 0)
			p.exchange_every = 20;
		else
			p.fold = 0.0;
		bed_new(&other, &p, 1);
		steps(other.t, 40);
		assert_memory_not_equal(one.t->dict.memory, other.t->dict.memory, bytes);
		bed_free(&other);
	}
	bed_free(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),	cmocka_unit_test(test_stays), cmocka_unit_test(test_demotes),
		cmocka_unit_test(test_reseeds), cmocka_unit_test(test_bits),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
