#include "base/hash.h"
#include "base/mem.h"
#include "dict/toy.h"
#include "num/gemm.h"
#include "num/ops.h"
#include "num/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct toy_opts small(void)
{
	struct toy_opts o = toy_defaults();

	o.concepts = 120;
	o.d = 64;
	o.exclusive = 6;
	o.rows = 20000;
	o.active = 4.0;
	return o;
}

struct world {
	struct toy_opts opts;
	struct par *par;
	struct toy *toy;
	struct train_data data;
	struct dfc d;
};

static void world_new(struct world *w, const struct toy_opts *o, unsigned threads)
{
	struct err e = ERR_INIT;

	*w = (struct world){ .opts = *o };
	if (par_new(&w->par, threads, GEMM_SCRATCH, &e) < 0 || toy_new(&w->toy, o, w->par, &e) < 0)
		fail_msg("%s", e.msg);
	w->data = toy_data(w->toy);
}

static void world_free(struct world *w)
{
	toy_free(w->toy);
	dfc_release(&w->d);
	par_free(w->par);
}

static void read_row(const struct world *w, uint32_t row, float *xa, float *xb)
{
	struct err e = ERR_INIT;

	assert_int_equal(w->data.read(w->data.ud, xa, xb, &row, 1, &e), 0);
}

/* Exclusive concepts are missing in the other model, the rest have norm 1: exactly in A, in the median in
 * B. */
static void test_concepts(void **state)
{
	struct toy_opts o = small();
	double norm_b[120], norm;
	struct world w;
	size_t n = 0;

	(void)state;
	world_new(&w, &o, 2);
	for (size_t i = 0; i < o.concepts; i++) {
		const float *a = toy_concept(w.toy, i, 0), *b = toy_concept(w.toy, i, 1);

		assert_int_equal(a == NULL, i >= o.concepts - o.exclusive);
		assert_int_equal(b == NULL, i < o.exclusive);
		norm = a ? __builtin_sqrt(op_norm2_d(a, o.d)) : 1.0;
		assert_true(norm > 0.9999 && norm < 1.0001);
		if (b)
			norm_b[n++] = __builtin_sqrt(op_norm2_d(b, o.d));
	}
	norm = stats_median(norm_b, n);
	assert_true(norm > 0.9 && norm < 1.1);
	world_free(&w);
}

/* As many concepts on a row as asked for, at any number of threads the same rows. */
static void test_rows(void **state)
{
	struct toy_opts o = small();
	struct digest first = { { 0 } }, now;
	float xa[64], xb[64];
	double square;

	(void)state;
	o.noise = 0.0;
	o.correlation = 0.5;
	for (unsigned threads = 1; threads < 4; threads++) {
		struct world w;
		struct sha256 s;

		world_new(&w, &o, threads);
		sha256_init(&s);
		square = 0.0;
		for (uint32_t r = 0; r < 5000; r++) {
			read_row(&w, r, xa, xb);
			square += op_norm2_d(xa, 64) / 5000.0;
			sha256_add(&s, xa, sizeof(xa));
			sha256_add(&s, xb, sizeof(xb));
		}
		now = sha256_end(&s);
		if (threads == 1)
			first = now;
		assert_true(digest_eq(first, now));
		/* Unit vectors in random directions: E ||x||^2 = sum E z^2 = active * 114/120 / 3. */
		assert_true(square > 4.0 * 0.95 / 3.0 * 0.85 && square < 4.0 * 0.95 / 3.0 * 1.15);
		world_free(&w);
	}
}

/* A dictionary of the concepts themselves, each in its section or (`standard`) all in one. */
static void make_perfect(struct world *w, bool standard)
{
	const struct toy_opts *o = &w->opts;
	size_t ex = standard ? 0 : o->exclusive, n = o->concepts;
	struct dfc_shape s = { o->d, o->d, ex, n - 2 * ex, ex };
	struct err e = ERR_INIT;

	assert_int_equal(dfc_new(&w->d, &s, &e), 0);
	for (size_t i = 0; i < n; i++) {
		const float *a = toy_concept(w->toy, i, 0), *b = toy_concept(w->toy, i, 1);

		if (a)
			memcpy(w->d.dec_a + i * o->d, a, o->d * sizeof(*a));
		if (b)
			memcpy(w->d.dec_b + (i - s.n_a) * o->d, b, o->d * sizeof(*b));
	}
	memcpy(w->d.enc_a, w->d.dec_a, dfc_rows_a(&s) * o->d * sizeof(float));
	memcpy(w->d.enc_b, w->d.dec_b, dfc_rows_b(&s) * o->d * sizeof(float));
}

static void test_perfect(void **state)
{
	struct toy_opts o = small();
	struct err e = ERR_INIT;
	struct toy_score s, aside;
	struct world w;

	(void)state;
	for (int standard = 0; standard < 2; standard++) {
		world_new(&w, &o, 2);
		make_perfect(&w, standard);
		assert_int_equal(toy_measure(&s, &aside, w.toy, &w.d, o.exclusive, w.par, &e), 0);
		assert_true(s.exclusive == 1.0 && s.exclusive_any == 1.0 && s.shared == 1.0 &&
			    s.shared_any == 1.0);
		assert_true(aside.exclusive == 1.0 && aside.shared == 1.0 && aside.flagged_true == 1.0);
		assert_int_equal(s.flagged, 2 * o.exclusive);
		assert_true(s.flagged_true == 1.0 && s.flagged_shared == 0.0 && s.flagged_nothing == 0.0);
		world_free(&w);
	}
}

/* Decoder rows without what B's concepts have in common: missed as they stand, found with it taken out. */
static void test_offset(void **state)
{
	struct toy_opts o = small();
	struct err e = ERR_INIT;
	struct toy_score s, aside;
	struct world w;
	float *b = mem_alloc(o.d, sizeof(*b));
	double n2;

	(void)state;
	o.tau = 1.0;
	world_new(&w, &o, 2);
	make_perfect(&w, false);
	/* The mean of B's concepts is M of a small mean, and b. */
	for (size_t i = o.exclusive; i < o.concepts; i++)
		op_axpy(b, 1.0f / (float)(o.concepts - o.exclusive), toy_concept(w.toy, i, 1), o.d);
	n2 = op_norm2_d(b, o.d);
	for (size_t i = 0; i < dfc_rows_b(&w.d.shape); i++) {
		float *row = w.d.dec_b + i * o.d;
		double dot = 0.0;

		for (size_t c = 0; c < o.d; c++)
			dot += (double)row[c] * (double)b[c];
		op_axpy(row, (float)(-dot / n2), b, o.d);
	}
	assert_int_equal(toy_measure(&s, &aside, w.toy, &w.d, o.exclusive, w.par, &e), 0);
	assert_true(s.exclusive < 0.8 && s.shared < 0.5);
	assert_true(aside.exclusive == 1.0 && aside.shared == 1.0);
	mem_free(b);
	world_free(&w);
}

/* Exclusive latents that hold a shared concept or nothing are false positives; what never fires counts for
 * nothing. */
static void test_wrong(void **state)
{
	struct toy_opts o = small();
	struct err e = ERR_INIT;
	struct toy_score s, aside;
	struct world w;
	size_t d = o.d;

	(void)state;
	world_new(&w, &o, 2);
	make_perfect(&w, false);
	memcpy(w.d.dec_a, toy_concept(w.toy, 50, 0), d * sizeof(float));
	for (size_t c = 0; c < d; c++)
		w.d.dec_a[d + c] = c % 2 ? 1.0f : -1.0f;
	w.d.bias_enc[2] = -1e6f;
	assert_int_equal(toy_measure(&s, &aside, w.toy, &w.d, o.exclusive, w.par, &e), 0);
	assert_int_equal(s.flagged, 11);
	assert_true(s.exclusive == 9.0 / 12.0 && s.exclusive_any == 9.0 / 12.0 && s.shared == 1.0);
	assert_true(s.flagged_true == 9.0 / 11.0 && s.flagged_shared == 1.0 / 11.0 &&
		    s.flagged_nothing == 1.0 / 11.0);
	world_free(&w);
}

static struct train_opts lessons(void)
{
	struct train_opts t = train_defaults();

	t.steps = 1500;
	t.batch = 128;
	t.warmup = 50;
	t.k = 4;
	t.lr = 3e-3;
	t.dead_after = 20000;
	t.outlier = 3.0;
	t.threshold_decay = 0.99;
	t.threshold_from = 100;
	t.score = SCORE_PAPER;
	t.seed = 5;
	return t;
}

static void learn(struct toy_score *s, struct world *w, const struct dfc_shape *shape,
		  const struct train_opts *o)
{
	struct err e = ERR_INIT;
	struct train_stats stats;
	struct trainer *t;
	struct toy_score aside;

	assert_int_equal(trainer_new(&t, shape, o, &w->data, w->par, &e), 0);
	for (size_t i = 0; i < o->steps; i++)
		if (trainer_step(t, &stats, &e) < 0)
			fail_msg("%s", e.msg);
	assert_int_equal(toy_measure(s, &aside, w->toy, trainer_dict(t), w->opts.exclusive, w->par, &e), 0);
	trainer_free(t);
}

/* Learns the world: most of what A has, from rows alone. */
static void test_learned(void **state)
{
	const struct dfc_shape shape = { 64, 64, 6, 116, 6 };
	struct train_opts t = lessons();
	struct toy_opts o = small();
	struct toy_score s;
	struct world w;

	(void)state;
	world_new(&w, &o, 2);
	learn(&s, &w, &shape, &t);
	if (!(s.exclusive_any >= 0.5 && s.heldout.fve_a > 0.75))
		fail_msg("recalls %.3f of the exclusive concepts, explains %.3f of A", s.exclusive_any,
			 s.heldout.fve_a);
	world_free(&w);
}

static void exchanges(struct train_opts *t)
{
	t->promote = 0.8;
	t->demote = 0.3;
	t->reseed = 0.8;
	t->exchange_every = 75;
}

/* Exchanges bring exclusive concepts into exclusive latents, and hardly anything else. */
static void test_exchanged(void **state)
{
	const struct dfc_shape one = { 64, 64, 0, 60, 0 }, three = { 64, 64, 6, 48, 6 };
	struct train_opts t = lessons();
	struct toy_opts o = small();
	struct toy_score standard, paper, exchanged;
	struct world w;

	(void)state;
	t.dead_after = 4000;
	world_new(&w, &o, 2);
	learn(&standard, &w, &one, &t);
	learn(&paper, &w, &three, &t);
	exchanges(&t);
	learn(&exchanged, &w, &three, &t);
	if (!(exchanged.exclusive > standard.exclusive && exchanged.exclusive > paper.exclusive &&
	      exchanged.exclusive >= 0.6 && exchanged.flagged_true >= 0.8 &&
	      exchanged.heldout.fve > standard.heldout.fve - 0.02))
		fail_msg(
			"recall: standard %.3f, paper %.3f, exchanged %.3f, with %.3f of its suspects true; FVE %.3f, %.3f",
			standard.exclusive, paper.exclusive, exchanged.exclusive, exchanged.flagged_true,
			standard.heldout.fve, exchanged.heldout.fve);
	world_free(&w);
}

/* Where one latent would hold the offset that B's concepts have in common, folding it leaves each with its own row. */
static void test_folded(void **state)
{
	const struct dfc_shape shape = { 64, 64, 12, 216, 12 };
	struct train_opts t = lessons();
	struct toy_opts o = small();
	struct toy_score plain, folded;
	struct world w;

	(void)state;
	o.concepts = 240;
	o.active = 5.0;
	t.k = 5;
	t.score = SCORE_LENGTH;
	t.dead_after = 4000;
	exchanges(&t);
	world_new(&w, &o, 2);
	learn(&plain, &w, &shape, &t);
	t.fold = 0.5;
	learn(&folded, &w, &shape, &t);
	if (!(folded.exclusive >= plain.exclusive && folded.exclusive >= 0.8 &&
	      folded.shared > plain.shared + 0.2 && folded.heldout.fve > plain.heldout.fve - 0.05))
		fail_msg(
			"recall of exclusive concepts %.3f, folded %.3f; of shared %.3f, %.3f; FVE %.3f, %.3f",
			plain.exclusive, folded.exclusive, plain.shared, folded.shared, plain.heldout.fve,
			folded.heldout.fve);
	world_free(&w);
}

static void test_refused(void **state)
{
	struct toy_opts o;
	struct err e = ERR_INIT;
	struct toy *t;
	struct par *p;

	(void)state;
	assert_int_equal(par_new(&p, 1, GEMM_SCRATCH, &e), 0);
	for (int i = 0; i < 5; i++) {
		o = small();
		if (i == 0)
			o.concepts = 0;
		if (i == 1)
			o.exclusive = 61;
		if (i == 2)
			o.active = 100.0;
		if (i == 3)
			o.rows = UINT32_MAX;
		if (i == 4)
			o.tau = 0.0;
		assert_int_equal(toy_new(&t, &o, p, &e), -1);
		assert_true(e.code == ERR_USAGE && t == NULL);
	}
	par_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_concepts),  cmocka_unit_test(test_rows),
		cmocka_unit_test(test_perfect),	  cmocka_unit_test(test_offset),
		cmocka_unit_test(test_wrong),	  cmocka_unit_test(test_learned),
		cmocka_unit_test(test_exchanged), cmocka_unit_test(test_folded),
		cmocka_unit_test(test_refused),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("toy", tests, NULL, NULL);
}
