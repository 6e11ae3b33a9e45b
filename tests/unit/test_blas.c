#include "num/blas.h"

#include "base/mem.h"
#include "base/rng.h"
#include "num/gemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two implementations that share no line: ours and the library's. */
static void agrees_with_our_products(void **state)
{
	enum { M = 37, N = 65, K = 300 };
	struct rng r = rng_stream(1, "blas", 0);
	float *a = mem_alloc(M * K, sizeof(*a)), *b = mem_alloc(N * K, sizeof(*b));
	float *c = mem_alloc(M * N, sizeof(*c)), *d = mem_alloc(M * N, sizeof(*d));

	(void)state;
	for (size_t i = 0; i < M * K; i++)
		a[i] = (float)(rng_unit(r, i) - 0.5);
	for (size_t i = 0; i < N * K; i++)
		b[i] = (float)(rng_unit(r, M * K + i) - 0.5);
	blas_setup();
	blas_nt(c, a, b, M, N, K);
	gemm_tile_nt(d, N, a, K, b, K, M, N, K, 0.0f);
	for (size_t i = 0; i < M * N; i++)
		if (!(fabs((double)c[i] - (double)d[i]) < 1e-5))
			fail_msg("value %zu: %.9g, ours %.9g", i, (double)c[i], (double)d[i]);
	assert_true(strncmp(blas_name(), "OpenBLAS ", 9) == 0);
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_our_products),
	};

	return cmocka_run_group_tests_name("blas", tests, NULL, NULL);
}
