#include "base/json.h"
#include "base/out.h"
#include "base/rng.h"
#include "dict/public.h"
#include "model/safetensors.h"
#include "num/fmath.h"
#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char dir[] = "build/test_public.tmp";

enum { ROWS = 12 };

static void make(struct dfc *d, const struct dfc_shape *s)
{
	struct rng r = rng_stream(11, "test.public", 0);
	struct err e = ERR_INIT;

	assert_int_equal(dfc_new(d, s, &e), 0);
	for (size_t i = 0; i < d->n_params; i++)
		d->memory[i] = (float)rng_normal(r, i) * 0.3f;
	d->score = SCORE_PAPER;
	d->threshold = 1.5f;
	d->scale_a = 2.0f;
	d->scale_b = 0.5f;
}

static const float *tensor(const struct safetensors *t, const char *name, size_t n)
{
	const struct stored *s = safetensors_find(t, name);

	if (!s || s->n != n || s->dtype != DT_F32)
		fail_msg("%s: %s", name, s ? "of another shape" : "not there");
	return s->data;
}

/* What dictionary_learning does with the tensors, in double: f and the reconstructions of one row. */
struct public
{
	const float *enc[2], *dec[2], *bias_enc, *bias[2];
	size_t n, d[2];
	double threshold;
};

static double feature(const struct public *p, const float *x[2], const double scale[2], size_t i)
{
	double h = (double)p->bias_enc[i], norm = 0.0, square;

	for (size_t m = 0; m < 2; m++) {
		square = 0.0;
		for (size_t c = 0; c < p->d[m]; c++) {
			h += (double)x[m][c] * scale[m] * (double)p->enc[m][c * p->n + i];
			square += (double)p->dec[m][i * p->d[m] + c] * (double)p->dec[m][i * p->d[m] + c];
		}
		norm += fm_sqrt_d(square);
	}
	return h > 0.0 && h * norm > p->threshold ? h : 0.0;
}

static void open_public(struct public *p, const struct safetensors *t, const struct dfc_shape *s)
{
	size_t n = dfc_latents(s);

	*p = (struct public){ .n = n, .d = { s->d_a, s->d_b }, .bias_enc = tensor(t, "encoder.bias", n) };
	p->threshold = (double)*tensor(t, "threshold", 1);
	if (s->d_a == s->d_b) {
		p->enc[0] = tensor(t, "encoder.weight", 2 * s->d_a * n);
		p->enc[1] = p->enc[0] + s->d_a * n;
		p->dec[0] = tensor(t, "decoder.weight", 2 * s->d_a * n);
		p->dec[1] = p->dec[0] + s->d_a * n;
		p->bias[0] = tensor(t, "decoder.bias", 2 * s->d_a);
		p->bias[1] = p->bias[0] + s->d_a;
		assert_int_equal(safetensors_find(t, "encoder.weight")->shape[1], s->d_a);
		assert_int_equal(safetensors_find(t, "decoder.weight")->shape[1], n);
		/* a number a model: the public class refuses a scalar */
		assert_int_equal(safetensors_find(t, "activation_global_scale")->rank, 1);
		assert_true(tensor(t, "activation_global_scale", 2)[1] == 1.0f);
		assert_int_equal(safetensors_count(t), 11);
		return;
	}
	p->enc[0] = tensor(t, "encoder.weight.0", s->d_a * n);
	p->enc[1] = tensor(t, "encoder.weight.1", s->d_b * n);
	p->dec[0] = tensor(t, "decoder.weight.0", s->d_a * n);
	p->dec[1] = tensor(t, "decoder.weight.1", s->d_b * n);
	p->bias[0] = tensor(t, "decoder.bias.0", s->d_a);
	p->bias[1] = tensor(t, "decoder.bias.1", s->d_b);
	assert_int_equal(safetensors_count(t), 9);
}

static void compare(const struct public *p, const struct dfc *d, struct par *par)
{
	size_t wide = d->shape.d_a + d->shape.d_b;
	float *x = mem_alloc(ROWS * wide, sizeof(*x)), *y = mem_alloc(ROWS * wide, sizeof(*y));
	float *xa = x, *xb = x + ROWS * d->shape.d_a, *ya = y, *yb = y + ROWS * d->shape.d_a;
	const double scale[2] = { (double)d->scale_a, (double)d->scale_b };
	struct rng r = rng_stream(12, "test.public.x", 0);
	struct codes c = CODES_INIT;
	struct err e = ERR_INIT;
	size_t on = 0;

	for (size_t i = 0; i < ROWS * wide; i++)
		x[i] = (float)rng_normal(r, i);
	assert_int_equal(dfc_encode(&c, d, par, xa, xb, ROWS, &e), 0);
	dfc_decode(d, par, ya, yb, &c, false);
	for (size_t row = 0; row < ROWS; row++) {
		const float *at[2] = { xa + row * p->d[0], xb + row * p->d[1] };
		const float *is[2] = { ya + row * p->d[0], yb + row * p->d[1] };
		double *sum = mem_alloc(wide, sizeof(*sum));

		for (size_t i = 0; i < p->n; i++) {
			double f = feature(p, at, scale, i);
			bool kept = on < c.start[row + 1] && c.latent[on] == i;

			assert_int_equal(kept, f > 0.0);
			if (!kept)
				continue;
			assert_true(f - (double)c.value[on] < 1e-4 && (double)c.value[on] - f < 1e-4);
			on++;
			for (size_t m = 0, k = 0; m < 2; m++)
				for (size_t col = 0; col < p->d[m]; col++, k++)
					sum[k] += f * (double)p->dec[m][i * p->d[m] + col];
		}
		for (size_t m = 0, k = 0; m < 2; m++)
			for (size_t col = 0; col < p->d[m]; col++, k++) {
				double off = sum[k] + (double)p->bias[m][col] - (double)is[m][col];

				assert_true(off < 1e-3 && off > -1e-3);
			}
		mem_free(sum);
	}
	assert_int_equal(on, c.start[ROWS]);
	assert_true(on > 0);
	codes_release(&c);
	mem_free(x);
	mem_free(y);
}

/* A reader of the public layout computes what we compute, widths equal or not. */
static void test_same_function(void **state)
{
	static const struct dfc_shape shapes[] = { { 20, 20, 7, 30, 5 },
						   { 20, 33, 7, 30, 5 },
						   { 17, 17, 0, 9, 0 } };
	const struct public_info info = { "base", "candidate", 3, 4, 6, 9 };
	struct err e = ERR_INIT;
	struct par *par;

	(void)state;
	assert_int_equal(par_new(&par, 2, GEMM_SCRATCH, &e), 0);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct arena mem = ARENA_INIT;
		const struct json *config;
		struct safetensors *t;
		struct public p;
		struct dfc d;
		size_t n;

		make(&d, &shapes[i]);
		if (public_write(&d, &info, dir, &e) < 0 ||
		    safetensors_open(&t, "build/test_public.tmp/model.safetensors", &e) < 0 ||
		    json_read_file(&config, &mem, "build/test_public.tmp/config.json", 1 << 16, &e) < 0)
			fail_msg("%s", e.msg);
		open_public(&p, t, &shapes[i]);
		compare(&p, &d, par);
		assert_int_equal(json_size(&n, config, "dict_size", &e), 0);
		assert_int_equal(n, dfc_latents(&shapes[i]));
		assert_int_equal(json_find(config, "activation_dim") != NULL, shapes[i].d_a == shapes[i].d_b);
		safetensors_close(t);
		arena_release(&mem);
		dfc_release(&d);
	}
	assert_int_equal(dir_remove_tree(dir, &e), 0);
	par_free(par);
}

/* A folder that cannot be is an error that says so. */
static void test_refused(void **state)
{
	static const struct dfc_shape shape = { 4, 4, 1, 2, 1 };
	const struct public_info info = { "base", "candidate", 0, 0, 1, 1 };
	struct err e = ERR_INIT;
	struct dfc d;

	(void)state;
	make(&d, &shape);
	assert_int_equal(public_write(&d, &info, "/proc/none/at/all", &e), -1);
	assert_true(strstr(e.msg, "/proc/none"));
	dfc_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_function),
		cmocka_unit_test(test_refused),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("public", tests, NULL, NULL);
}
