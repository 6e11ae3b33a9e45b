#include "base/hash.h"
#include "base/out.h"
#include "dict/train.h"
#include "num/gemm.h"
#include "tests/support/fault.h"
#include "tests/support/train_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char dir[] = "build/test_train.tmp";
static const char path[] = "build/test_train.tmp/t.ckpt";

static struct digest digest_now(const struct train_rig *g)
{
	const struct dfc *d = trainer_dict(g->t);
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, d->memory, d->n_params * sizeof(float));
	sha256_add(&s, &d->threshold, sizeof(d->threshold));
	sha256_add(&s, &g->stats, sizeof(g->stats));
	return sha256_end(&s);
}

/* Any number of threads, and any interruption, the same bits. */
static void test_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	struct train_opts o = train_rig_opts();
	struct digest first = { { 0 } }, now;
	struct train_rig g;

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		train_rig_new(&g, &train_rig_shape, &o, threads[i]);
		train_rig_run(&g, o.steps);
		now = digest_now(&g);
		if (i == 0)
			first = now;
		if (!digest_eq(first, now))
			fail_msg("%u threads train another dictionary", threads[i]);
		train_rig_free(&g);
	}
}

/* A source that is told what comes next, and sees whether it does. */
struct told {
	struct train_data of;
	uint32_t row[1024];
	size_t n, kept;
};

static int told_read(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct told *t = ud;

	if (t->n > 0) {
		assert_int_equal(n, t->n);
		assert_memory_equal(row, t->row, n * sizeof(*row));
		t->kept++;
	}
	t->n = 0;
	return t->of.read(t->of.ud, xa, xb, row, n, e);
}

static void told_ahead(void *ud, const uint32_t *row, size_t n)
{
	struct told *t = ud;

	assert_true(n <= sizeof(t->row) / sizeof(*t->row));
	memcpy(t->row, row, n * sizeof(*row));
	t->n = n;
}

/* Every step but the first finds the rows that the one before has told, and the dictionary is the same. */
static void test_ahead(void **state)
{
	struct train_opts o = train_rig_opts();
	struct train_data data;
	struct digest alone;
	struct err e = ERR_INIT;
	struct train_rig g;
	struct told told;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	train_rig_run(&g, o.steps);
	alone = digest_now(&g);
	trainer_free(g.t);
	told = (struct told){ .of = g.data };
	data = g.data;
	data.read = told_read;
	data.ahead = told_ahead;
	data.ud = &told;
	assert_int_equal(trainer_new(&g.t, &train_rig_shape, &o, &data, g.par, &e), 0);
	train_rig_run(&g, o.steps);
	assert_int_equal(told.kept, o.steps - 1);
	assert_int_equal(told.n, 0);
	assert_true(digest_eq(alone, digest_now(&g)));
	train_rig_free(&g);
}

static void resume(enum adam_format format)
{
	static const size_t stops[] = { 0, 1, 11, 12, 37, 60 };
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;
	struct digest whole;
	struct train_rig g;

	o.state = format;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	train_rig_run(&g, o.steps + 1);
	whole = digest_now(&g);
	train_rig_free(&g);
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		train_rig_new(&g, &train_rig_shape, &o, 1);
		train_rig_run(&g, stops[i]);
		assert_int_equal(trainer_save(g.t, path, &e), 0);
		train_rig_free(&g);
		o.steps = 1000 + i;
		train_rig_new(&g, &train_rig_shape, &o, 3);
		if (trainer_load(g.t, path, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(trainer_at(g.t), stops[i]);
		train_rig_run(&g, 61 - stops[i]);
		if (!digest_eq(whole, digest_now(&g)))
			fail_msg("stopped after step %zu, it goes on differently", stops[i]);
		train_rig_free(&g);
	}
}

static void test_resume(void **state)
{
	(void)state;
	resume(ADAM_F32);
	resume(ADAM_BF16);
}

static void test_checkpoint_of_another(void **state)
{
	struct dfc_shape other = train_rig_shape;
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;
	struct digest was;
	struct train_rig g;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 1);
	train_rig_run(&g, 3);
	assert_int_equal(trainer_save(g.t, path, &e), 0);
	train_rig_free(&g);
	o.lr = 1e-3;
	train_rig_new(&g, &train_rig_shape, &o, 1);
	train_rig_run(&g, 2);
	was = digest_now(&g);
	assert_int_equal(trainer_load(g.t, path, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(
		e.msg, "build/test_train.tmp/t.ckpt: a checkpoint with lr 0.003, this training has 0.001");
	assert_true(digest_eq(was, digest_now(&g)));
	train_rig_free(&g);
	other.n_b = 8;
	o = train_rig_opts();
	train_rig_new(&g, &other, &o, 1);
	assert_int_equal(trainer_load(g.t, path, &e), -1);
	assert_string_equal(e.msg,
			    "build/test_train.tmp/t.ckpt: a checkpoint with n_b 7, this training has 8");
	train_rig_free(&g);
}

/* Whatever call to the system fails, and wherever the process ends, a checkpoint is whole or the one
 * before. */
static int save_body(void *ud, struct err *e)
{
	const struct train_rig *g = ud;

	return trainer_save(g->t, path, e);
}

static void save_after(void *ud, bool failed)
{
	const struct train_rig *g = ud;
	static struct train_rig other;
	struct train_opts o = g->opts;
	struct err e = ERR_INIT;

	(void)failed;
	train_rig_new(&other, &train_rig_shape, &o, 1);
	if (trainer_load(other.t, path, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(trainer_at(other.t) == 2 || trainer_at(other.t) == 3);
	train_rig_free(&other);
}

static void test_save_faults(void **state)
{
	static struct train_rig g;
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 1);
	train_rig_run(&g, 2);
	assert_int_equal(trainer_save(g.t, path, &e), 0);
	train_rig_run(&g, 1);
	sweep_io(save_body, save_after, &g);
	sweep_crash(save_body, save_after, &g);
	train_rig_free(&g);
}

/* Memory that is not there is an error or the end of the process, never a crash. */
static int new_body(void *ud, struct err *e)
{
	const struct train_rig *g = ud;
	struct trainer *t;

	if (trainer_new(&t, &train_rig_shape, &g->opts, &g->data, g->par, e) < 0)
		return -1;
	trainer_free(t);
	return 0;
}

static void test_no_memory(void **state)
{
	static struct train_rig g;
	struct train_opts o = train_rig_opts();

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 1);
	sweep_memory(new_body, NULL, &g);
	train_rig_free(&g);
}

/* What was planned is what is reserved. */
static void test_bytes(void **state)
{
	struct train_opts o = train_rig_opts();
	size_t before, after;
	struct train_rig g;

	(void)state;
	source_fill(&g.source);
	for (int aux = 0; aux < 2; aux++) {
		struct err e = ERR_INIT;

		o.dead_after = aux ? 300 : 0;
		g.data = source_data(&g.source);
		assert_int_equal(par_new(&g.par, 2, GEMM_SCRATCH, &e), 0);
		before = mem_reserved();
		assert_int_equal(trainer_new(&g.t, &train_rig_shape, &o, &g.data, g.par, &e), 0);
		after = mem_reserved();
		assert_int_equal(after - before, trainer_bytes(&train_rig_shape, &o));
		train_rig_free(&g);
	}
	assert_int_equal(mem_reserved(), 0);
}

/* ---- over many steps ---- */

/* Learns; dead latents come and the auxiliary loss with them; without exclusives both scores are one
 * crosscoder. */
static void test_learning(void **state)
{
	struct train_opts o = train_rig_opts();
	double first;
	struct train_rig g;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	train_rig_run(&g, 21);
	first = g.stats.loss;
	assert_true(g.stats.k == 4.0);
	train_rig_run(&g, 280);
	assert_true(g.stats.loss < 0.75 * first && g.stats.fve_a > 0.3 && g.stats.fve_b > 0.3);
	train_rig_free(&g);
}

static void test_standard_crosscoder(void **state)
{
	const struct dfc_shape standard = { WIDTH_A, WIDTH_B, 0, 65, 0 };
	struct train_opts o = train_rig_opts();
	struct digest d[2];
	struct train_rig g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		o.score = i ? SCORE_PAPER : SCORE_BALANCED;
		train_rig_new(&g, &standard, &o, 2);
		train_rig_run(&g, 30);
		d[i] = digest_now(&g);
		assert_true(g.stats.l0[0] == 0.0 && g.stats.l0[2] == 0.0 && g.stats.dead[0] == 0.0);
		train_rig_free(&g);
	}
	assert_true(digest_eq(d[0], d[1]));
}

/* ---- what goes wrong ---- */

static void test_not_finite(void **state)
{
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;
	uint32_t row[96];
	char want[128];
	struct train_rig g;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	train_rig_run(&g, 2);
	train_batch(row, &o, &g.data, 2);
	g.source.a[row[50] * WIDTH_A + 3] = __builtin_inff();
	assert_int_equal(trainer_step(g.t, &g.stats, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	snprintf(want, sizeof(want), "step 3: row %u: an activation of the base model is not finite",
		 row[50]);
	assert_string_equal(e.msg, want);
	assert_int_equal(trainer_at(g.t), 2);
	train_rig_free(&g);
}

static void test_divergence(void **state)
{
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;
	struct train_rig g;
	size_t i;

	(void)state;
	o.lr = 1e18;
	o.warmup = 0;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	for (i = 0; i < 20 && trainer_step(g.t, &g.stats, &e) == 0; i++)
		;
	assert_true(i < 20 && trainer_at(g.t) == i);
	assert_int_equal(e.code, ERR_DIFFERS);
	assert_non_null(strstr(e.msg, "step "));
	train_rig_free(&g);
}

static void test_refused(void **state)
{
	static struct source source;
	struct train_opts o;
	struct train_data data;
	struct trainer *t;
	struct par *p;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(par_new(&p, 1, GEMM_SCRATCH, &e), 0);
	for (int i = 0; i < 7; i++) {
		source_fill(&source);
		data = source_data(&source);
		o = train_rig_opts();
		if (i == 0)
			o.batch = 0;
		if (i == 1)
			o.k = 0;
		if (i == 2)
			o.beta1 = 1.0;
		if (i == 3)
			o.init_norm = __builtin_nan("");
		if (i == 4)
			data.n_rows = 0;
		if (i == 5)
			source.weight[9] = -1.0;
		if (i == 6)
			memset(source.b, 0, sizeof(source.b));
		if (trainer_new(&t, &train_rig_shape, &o, &data, p, &e) == 0 ||
		    e.code != (i < 5 ? ERR_USAGE : ERR_INPUT))
			fail_msg("case %d: made, or code %d (%s)", i, e.code, e.msg);
		assert_null(t);
	}
	par_free(p);
}

static int set_up(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return dir_make(dir, &e) < 0 || gemm_setup(NULL, &e) < 0;
}

static int tear_down(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return dir_remove_tree(dir, &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_checkpoint_of_another),
		cmocka_unit_test(test_save_faults),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_standard_crosscoder),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_divergence),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("train", tests, set_up, tear_down);
}
