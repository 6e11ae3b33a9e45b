#include "base/hash.h"
#include "base/out.h"
#include "base/rng.h"
#include "dict/dfc.h"
#include "num/gemm.h"
#include "tests/support/naive_dfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char dir[] = "build/test_dfc.tmp";
static const char path[] = "build/test_dfc.tmp/d.dfc";

static const struct dfc_shape shapes[] = {
	{ 20, 36, 3, 10, 4 }, { 33, 7, 0, 24, 0 },	{ 16, 16, 5, 0, 6 },
	{ 1, 1, 0, 1, 0 },    { 64, 80, 100, 900, 77 },
};

static void fill(struct dfc *d, const struct dfc_shape *s, uint64_t seed)
{
	struct rng r = rng_stream(seed, "test.dfc", 0);
	struct err e = ERR_INIT;

	assert_int_equal(dfc_new(d, s, &e), 0);
	for (size_t i = 0; i < d->n_params; i++)
		d->memory[i] = (float)rng_normal(r, i) * 0.3f;
	d->score = SCORE_PAPER;
	d->threshold = 1.5f;
	d->scale_a = 2.0f;
	d->scale_b = 0.5f;
	d->outlier = 2.0f;
}

/* Rows that cannot exist take no place: the parameters are counted, and every row has its own. */
static void test_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const struct dfc_shape *s = &shapes[i];
		struct dfc d;

		fill(&d, s, 1);
		assert_int_equal(d.n_params, naive_params(s));
		assert_ptr_equal(d.bias_b + s->d_b, d.memory + d.n_params);
		for (size_t k = 0; k < dfc_latents(s); k++) {
			size_t a = naive_row(s, k, true, false), b = naive_row(s, k, true, true);
			enum partition p = dfc_partition(s, k);

			assert_ptr_equal(dfc_decoder_a(&d, k), a == SIZE_MAX ? NULL : d.memory + a);
			assert_ptr_equal(dfc_decoder_b(&d, k), b == SIZE_MAX ? NULL : d.memory + b);
			assert_int_equal(dfc_decoder_a(&d, k) == NULL, p == PARTITION_B);
			assert_int_equal(dfc_decoder_b(&d, k) == NULL, p == PARTITION_A);
		}
		dfc_release(&d);
	}
}

static void test_shape_refused(void **state)
{
	static const struct {
		struct dfc_shape shape;
		enum err_code code;
	} cases[] = {
		{ { 0, 4, 1, 1, 1 }, ERR_USAGE },
		{ { 4, 0, 1, 1, 1 }, ERR_USAGE },
		{ { 4, 4, 0, 0, 0 }, ERR_USAGE },
		{ { 4, 4, SIZE_MAX, 2, 1 }, ERR_USAGE },
		{ { 4, 4, 1, 1, (size_t)1 << 31 }, ERR_USAGE },
		{ { SIZE_MAX / 8, 4, 10, 10, 10 }, ERR_SIZE },
		{ { (size_t)1 << 40, (size_t)1 << 40, 1 << 20, 1 << 20, 0 }, ERR_SIZE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = ERR_INIT;
		struct dfc d;

		if (dfc_new(&d, &cases[i].shape, &e) == 0 || e.code != cases[i].code)
			fail_msg("case %zu: code %d, %s", i, e.code, e.msg);
	}
}

static void test_file(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct dfc d, r;

		fill(&d, &shapes[i], i);
		if (dfc_write(&d, path, &e) < 0 || dfc_read(&r, path, &e) < 0)
			fail_msg("shape %zu: %s", i, e.msg);
		assert_memory_equal(&d.shape, &r.shape, sizeof(d.shape));
		assert_int_equal(d.n_params, r.n_params);
		assert_memory_equal(d.memory, r.memory, d.n_params * sizeof(float));
		assert_true(r.score == d.score && r.threshold == d.threshold && r.outlier == d.outlier);
		assert_true(r.scale_a == d.scale_a && r.scale_b == d.scale_b);
		dfc_release(&d);
		dfc_release(&r);
	}
}

static size_t slurp(uint8_t *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, cap, f);
	fclose(f);
	return n;
}

static void spill(const uint8_t *buf, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(buf, 1, n, f), n);
	fclose(f);
}

static void expect_refused(const char *what, size_t at)
{
	struct err e = ERR_INIT;
	struct dfc d;

	if (dfc_read(&d, path, &e) == 0 || e.code != ERR_INPUT)
		fail_msg("%s at %zu: read, or code %d", what, at, e.code);
	assert_null(d.memory);
	assert_null(strchr(e.msg, '\n'));
}

/* Every truncation and every flipped byte. */
static void test_file_damaged(void **state)
{
	uint8_t buf[8192], bad[8192];
	struct err e = ERR_INIT;
	struct dfc d;
	size_t n;

	(void)state;
	fill(&d, &shapes[3], 9);
	assert_int_equal(dfc_write(&d, path, &e), 0);
	dfc_release(&d);
	n = slurp(buf, sizeof(buf));
	for (size_t i = 0; i < n; i++) {
		spill(buf, i);
		expect_refused("cut", i);
		memcpy(bad, buf, n);
		bad[i] ^= 0x41;
		spill(bad, n);
		expect_refused("flipped", i);
	}
	memcpy(bad, buf, n);
	spill(bad, n + 1);
	expect_refused("longer", n);
}

/* Bytes with the right digest that still make no sense: the head starts at 16. */
static void test_file_hostile(void **state)
{
	static const struct {
		const char *name;
		size_t at, bytes;
		uint64_t value;
	} cases[] = {
		{ "head size", 8, 8, 65 },
		{ "d_a", 16, 8, 2 },
		{ "d_a 0", 16, 8, 0 },
		{ "huge d_b", 24, 8, UINT64_MAX },
		{ "huge n_a", 32, 8, UINT64_MAX - 3 },
		{ "n_shared 0", 40, 8, 0 },
		{ "huge n_b", 48, 8, (uint64_t)1 << 62 },
		{ "score", 56, 4, 3 },
		{ "threshold nan", 60, 4, 0x7fc00000 },
		{ "threshold -1", 60, 4, 0xbf800000 },
		{ "scale 0", 64, 4, 0 },
		{ "scale inf", 68, 4, 0x7f800000 },
		{ "outlier nan", 72, 4, 0x7fc00000 },
		{ "reserved", 76, 4, 1 },
		{ "parameter nan", 80, 4, 0x7fc00000 },
		{ "parameter inf", 100, 4, 0xff800000 },
	};
	uint8_t buf[8192], bad[8192];
	struct err e = ERR_INIT;
	struct digest dig;
	struct dfc d;
	size_t n;

	(void)state;
	fill(&d, &shapes[3], 9);
	assert_int_equal(dfc_write(&d, path, &e), 0);
	dfc_release(&d);
	n = slurp(buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(bad, buf, n);
		memcpy(bad + cases[i].at, &cases[i].value, cases[i].bytes);
		dig = digest_of(bad, n - 32);
		memcpy(bad + n - 32, dig.byte, 32);
		spill(bad, n);
		expect_refused(cases[i].name, cases[i].at);
	}
	assert_int_equal(path_remove(path, &e), 0);
	expect_refused("absent", 0);
}

/* Codes and reconstructions against dense loops in double. */
struct applied {
	struct dfc d;
	struct par *par;
	size_t n;
	float *xa, *xb, *ya, *yb;
	struct codes c;
};

static void apply(struct applied *t, const struct dfc_shape *s, size_t n, unsigned threads)
{
	struct rng r = rng_stream(11, "test.rows", s->d_a);
	struct err e = ERR_INIT;

	*t = (struct applied){ .n = n };
	fill(&t->d, s, 5);
	t->d.threshold = 2.0f;
	assert_int_equal(par_new(&t->par, threads, GEMM_SCRATCH, &e), 0);
	t->xa = mem_alloc(n * s->d_a, sizeof(float));
	t->xb = mem_alloc(n * s->d_b, sizeof(float));
	t->ya = mem_alloc(n * s->d_a, sizeof(float));
	t->yb = mem_alloc(n * s->d_b, sizeof(float));
	for (size_t i = 0; i < n * s->d_a; i++)
		t->xa[i] = (float)rng_normal(r, i);
	for (size_t i = 0; i < n * s->d_b; i++)
		t->xb[i] = (float)rng_normal(r, 1u << 28 | i);
	if (dfc_encode(&t->c, &t->d, t->par, t->xa, t->xb, n, &e) < 0)
		fail_msg("%s", e.msg);
}

static void apply_free(struct applied *t)
{
	dfc_release(&t->d);
	codes_release(&t->c);
	par_free(t->par);
	mem_free(t->xa);
	mem_free(t->xb);
	mem_free(t->ya);
	mem_free(t->yb);
}

static double naive_f(const struct applied *t, size_t r, size_t k)
{
	const struct dfc_shape *s = &t->d.shape;
	size_t a = naive_row(s, k, false, false), b = naive_row(s, k, false, true);
	double h = (double)t->d.bias_enc[k];

	for (size_t c = 0; a != SIZE_MAX && c < s->d_a; c++)
		h += (double)t->d.memory[a + c] * (double)t->xa[r * s->d_a + c] * (double)t->d.scale_a;
	for (size_t c = 0; b != SIZE_MAX && c < s->d_b; c++)
		h += (double)t->d.memory[b + c] * (double)t->xb[r * s->d_b + c] * (double)t->d.scale_b;
	return h > 0.0 ? h : 0.0;
}

static double naive_y(const struct applied *t, size_t r, size_t c, bool model_b, bool shared_only)
{
	const struct dfc_shape *s = &t->d.shape;
	double y = (double)(model_b ? t->d.bias_b : t->d.bias_a)[c];

	for (size_t i = t->c.start[r]; i < t->c.start[r + 1]; i++) {
		size_t row = naive_row(s, t->c.latent[i], true, model_b);

		if (row != SIZE_MAX && !(shared_only && dfc_partition(s, t->c.latent[i]) != PARTITION_SHARED))
			y += (double)t->c.value[i] * (double)t->d.memory[row + c];
	}
	return y;
}

static bool near(double a, double b, double scale)
{
	return a - b < 1e-5 * scale && b - a < 1e-5 * scale;
}

static void check_decode(struct applied *t, bool shared_only)
{
	const struct dfc_shape *s = &t->d.shape;

	dfc_decode(&t->d, t->par, t->ya, t->yb, &t->c, shared_only);
	for (size_t r = 0; r < t->n; r += 1 + t->n / 20) {
		for (size_t c = 0; c < s->d_a; c++)
			assert_true(near((double)t->ya[r * s->d_a + c], naive_y(t, r, c, false, shared_only),
					 30.0));
		for (size_t c = 0; c < s->d_b; c++)
			assert_true(near((double)t->yb[r * s->d_b + c], naive_y(t, r, c, true, shared_only),
					 30.0));
	}
}

static void test_apply(void **state)
{
	static const size_t rows[] = { 1, 40, 512, 513, 1100 };
	struct applied t;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const struct dfc_shape *s = &shapes[i];

		apply(&t, s, rows[i], 2);
		assert_int_equal(t.c.n, rows[i]);
		for (size_t r = 0; r < t.n; r += 1 + t.n / 20)
			for (size_t k = 0, at = t.c.start[r]; k < dfc_latents(s); k++) {
				bool on = at < t.c.start[r + 1] && t.c.latent[at] == k;
				double f = naive_f(&t, r, k), score = f * (double)dfc_score_weight(&t.d, k);

				if (near(score, 2.0, 10.0) && !on)
					continue;
				if (on != (score > 2.0) || (on && !near(f, (double)t.c.value[at], 10.0)))
					fail_msg("shape %zu row %zu latent %zu: on %d, score %g", i, r, k, on,
						 score);
				at += on;
			}
		check_decode(&t, false);
		check_decode(&t, true);
		apply_free(&t);
	}
}

static void test_apply_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	struct digest first = { { 0 } }, now;
	struct applied t;

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		apply(&t, &shapes[4], 700, threads[i]);
		now = digest_of(t.c.value, t.c.start[t.n] * sizeof(float));
		if (i == 0)
			first = now;
		assert_true(digest_eq(first, now));
		apply_free(&t);
	}
}

static void test_apply_not_finite(void **state)
{
	struct err e = ERR_INIT;
	struct applied t;

	(void)state;
	apply(&t, &shapes[0], 600, 2);
	t.xb[555 * 36 + 35] = __builtin_nanf("");
	assert_int_equal(dfc_encode(&t.c, &t.d, t.par, t.xa, t.xb, 600, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "row 555: an activation of the candidate model is not finite");
	apply_free(&t);
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
		cmocka_unit_test(test_shape),	      cmocka_unit_test(test_shape_refused),
		cmocka_unit_test(test_file),	      cmocka_unit_test(test_file_damaged),
		cmocka_unit_test(test_file_hostile),  cmocka_unit_test(test_apply),
		cmocka_unit_test(test_apply_threads), cmocka_unit_test(test_apply_not_finite),
	};

	return cmocka_run_group_tests_name("dfc", tests, set_up, tear_down);
}
