#include "base/str.h"
#include "model/parity.h"
#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/arch/"

static struct par *par_of(unsigned threads)
{
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(gemm_setup(NULL, &e), 0);
	assert_int_equal(par_new(&p, threads, GEMM_SCRATCH, &e), 0);
	return p;
}

/* Every family against values of another implementation. */
static void test_parity(void **state)
{
	static const struct {
		const char *name;
		size_t rows;
	} want[] = {
		{ "gemma2", 10 },   { "gemma3", 10 },	   { "gemma3_types", 8 }, { "gpt2", 8 },
		{ "gpt_neox", 10 }, { "gpt_neox_seq", 8 }, { "gpt_oss", 10 },	  { "gpt_oss_mxfp4", 10 },
		{ "llama31", 8 },   { "llama_tied", 8 },   { "mistral", 8 },	  { "phi3", 10 },
		{ "qwen2", 10 },    { "qwen3", 10 },	   { "qwen3_moe", 8 },	  { "qwen3_yarn", 8 },
	};
	struct par *p = par_of(2);

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct parity got;
		struct model *m;
		const char *dir = arena_fmt(&mem, VECTORS "%s", want[i].name);

		if (model_open(&m, dir, &e) < 0 ||
		    parity_read(&got, &mem, m, p, arena_fmt(&mem, "%s/reference.safetensors", dir), &e) < 0)
			fail_msg("%s: %s", want[i].name, e.msg);
		if (got.n != want[i].rows)
			fail_msg("%s: %zu tensors compared, not %zu", want[i].name, got.n, want[i].rows);
		for (size_t r = 0; r < got.n; r++)
			if (!(got.row[r].relative < 5e-6))
				fail_msg("%s: %s differs by %g of its range", want[i].name, got.row[r].tensor,
					 got.row[r].relative);
		model_close(m);
		arena_release(&mem);
	}
	par_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
