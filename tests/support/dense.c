#include "tests/support/dense.h"

#include "base/mem.h"
#include "base/rng.h"
#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

void dense_active(struct active *out, const float *f, size_t n_rows, size_t n_latents)
{
	struct active a = { .n_rows = n_rows, .n_latents = n_latents };
	size_t n = 0;

	for (size_t i = 0; i < n_rows * n_latents; i++)
		a.n += f[i] > 0;
	a.row_start = mem_alloc(n_rows + 1, sizeof(*a.row_start));
	a.latent_start = mem_alloc(n_latents + 1, sizeof(*a.latent_start));
	a.latent = mem_alloc(a.n + 1, sizeof(*a.latent));
	a.row = mem_alloc(a.n + 1, sizeof(*a.row));
	a.row_value = mem_alloc(a.n + 1, sizeof(*a.row_value));
	a.value = mem_alloc(a.n + 1, sizeof(*a.value));
	for (size_t r = 0; r < n_rows; r++) {
		for (size_t k = 0; k < n_latents; k++) {
			if (f[r * n_latents + k] > 0) {
				a.latent[n] = (uint32_t)k;
				a.row_value[n++] = f[r * n_latents + k];
			}
		}
		a.row_start[r + 1] = n;
	}
	n = 0;
	for (size_t k = 0; k < n_latents; k++) {
		for (size_t r = 0; r < n_rows; r++) {
			if (f[r * n_latents + k] > 0) {
				a.row[n] = (uint32_t)r;
				a.value[n++] = f[r * n_latents + k];
			}
		}
		a.latent_start[k + 1] = n;
	}
	*out = a;
}

void dense_normal(float *x, size_t n, uint64_t seed)
{
	struct rng r = rng_stream(seed, "test.dense", 0);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(r, i);
}

void dense_dfc(struct dfc *out, const struct dfc_shape *shape, uint64_t seed)
{
	struct err e = ERR_INIT;

	assert_int_equal(dfc_new(out, shape, &e), 0);
	dense_normal(out->memory, out->n_params, seed);
	out->scale_a = 0.5f;
	out->scale_b = 0.75f;
	out->threshold = 2;
}

struct par *dense_par(unsigned threads)
{
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(par_new(&p, threads, GEMM_SCRATCH, &e), 0);
	return p;
}
