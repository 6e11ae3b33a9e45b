#include "base/str.h"
#include "model/parity.h"
#include "tests/support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/arch/"

/* Every family against values of another implementation. */
static void test_parity(void **state)
{
	static const struct {
		const char *name;
		size_t rows;
	} want[] = {
		{ "gemma2", 10 },	  { "gemma3", 10 },
		{ "gemma3_types", 8 },	  { "gpt2", 8 },
		{ "gpt_neox", 10 },	  { "gpt_neox_seq", 8 },
		{ "gpt_oss", 10 },	  { "gpt_oss_mxfp4", 10 },
		{ "llama31", 8 },	  { "llama_tied", 8 },
		{ "mistral", 8 },	  { "phi3", 10 },
		{ "qwen2", 10 },	  { "qwen3", 10 },
		{ "qwen3_moe", 8 },	  { "qwen3_yarn", 8 },
		{ "gemma2_open", 6 },	  { "gemma3_v5", 8 },
		{ "gemma3_vision", 8 },	  { "gpt_neox_v5", 6 },
		{ "llama_biased", 6 },	  { "olmo2", 6 },
		{ "phi3_longrope", 6 },	  { "qwen2_window", 6 },
		{ "qwen3_moe_dense", 8 },
	};
	struct par *p = toy_par(2);

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

#define DIR "build/test_model.tmp"

/* A config.json with some of its numbers to be filled in. */
static const char *config_of(struct arena *mem, size_t layers, size_t vocab, const char *more)
{
	return arena_fmt(
		mem,
		"{\"model_type\": \"llama\", \"hidden_size\": 16, \"intermediate_size\": 20, \"num_hidden_layers\": %zu,"
		"\"num_attention_heads\": 2, \"vocab_size\": %zu%s}",
		layers, vocab, more);
}

/* What the folder holds and what its config.json says are not the same. */
static void test_refused(void **state)
{
	static const struct {
		size_t layers, vocab;
		const char *more, *want;
	} bad[] = {
		{ 3, 33, "", "no tensor model.layers.2.input_layernorm.weight ([16] is due)" },
		{ 1, 33, "",
		  "tensor model.layers.1.input_layernorm.weight in model.safetensors has no place in the llama of 1 layers that" },
		{ 2, 34, "",
		  "tensor model.embed_tokens.weight in model.safetensors has the shape [33, 16], where config.json makes it [34, 16]" },
		{ 2, 33, ", \"num_key_value_heads\": 1",
		  "tensor model.layers.0.self_attn.k_proj.weight in model.safetensors has the shape [16, 16]" },
		{ 2, 33, ", \"attention_bias\": true",
		  "no tensor model.layers.0.self_attn.q_proj.bias ([16] is due)" },
		{ 2, 33, ", \"model_type\": \"llama\"", "model_type" },
	};
	struct checkpoint_opts o = { .seed = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		const char *config = config_of(&mem, bad[i].layers, bad[i].vocab, bad[i].more);
		struct model *m;
		FILE *f;

		assert_int_equal(checkpoint_write(DIR, config_of(&mem, 2, 33, ""), &o, &e), 0);
		f = fopen(DIR "/config.json", "wb");
		assert_non_null(f);
		fwrite(config, 1, strlen(config), f);
		fclose(f);
		if (model_open(&m, DIR, &e) == 0)
			fail_msg("%s: accepted", bad[i].want);
		if (e.code != ERR_INPUT || !strstr(e.msg, bad[i].want))
			fail_msg("%s: %s", bad[i].want, e.msg);
		arena_release(&mem);
	}
}

/* A tied model may store its unembedding all the same; an untied one has to. */
static void test_tied(void **state)
{
	struct checkpoint_opts o = { .seed = 1 };
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const char *const *file;
	struct model *m;
	FILE *f;

	(void)state;
	assert_int_equal(checkpoint_write(DIR, config_of(&mem, 2, 33, ""), &o, &e), 0);
	assert_int_equal(model_open(&m, DIR, &e), 0);
	assert_ptr_not_equal(model_weight(m, ROLE_UNEMBED, 0)->data, model_weight(m, ROLE_EMBED, 0)->data);
	assert_int_equal(model_parameters(m), 2 * 33 * 16 + 16 + 2 * (4 * 16 * 16 + 3 * 16 * 20 + 2 * 16));
	assert_int_equal(model_bytes(m), 4 * model_parameters(m));
	assert_int_equal(model_files(&file, m), 2);
	assert_string_equal(file[0], "config.json");
	assert_string_equal(file[1], "model.safetensors");
	assert_null(model_weight(m, ROLE_QKV, 0));
	assert_null(model_vector(m, ROLE_SINKS, 1));
	assert_non_null(model_vector(m, ROLE_FFN_NORM, 1));
	model_close(m);
	f = fopen(DIR "/config.json", "wb");
	assert_non_null(f);
	fputs(config_of(&mem, 2, 33, ", \"tie_word_embeddings\": true"), f);
	fclose(f);
	assert_int_equal(model_open(&m, DIR, &e), 0);
	assert_ptr_equal(model_weight(m, ROLE_UNEMBED, 0), model_weight(m, ROLE_EMBED, 0));
	model_close(m);
	assert_int_equal(
		checkpoint_write(DIR, config_of(&mem, 2, 33, ", \"tie_word_embeddings\": true"), &o, &e), 0);
	f = fopen(DIR "/config.json", "wb");
	assert_non_null(f);
	fputs(config_of(&mem, 2, 33, ""), f);
	fclose(f);
	assert_int_equal(model_open(&m, DIR, &e), -1);
	assert_non_null(
		strstr(e.msg, "no tensor lm_head.weight ([33, 16] is due); config.json does not tie it"));
	arena_release(&mem);
}

static void test_hints(void **state)
{
	struct err e = ERR_INIT;
	struct model *m;

	(void)state;
	assert_int_equal(model_open(&m, "build/nowhere", &e), -1);
	assert_string_equal(e.msg, "build/nowhere: no such folder");
	assert_int_equal(model_open(&m, "tests/vectors/arch/SOURCE.txt", &e), -1);
	assert_non_null(strstr(e.msg, "is a file; a model is a folder with config.json and safetensors"));
	assert_int_equal(model_open(&m, "model-q4.gguf", &e), -1);
	assert_non_null(strstr(e.msg, "is a GGUF file; take the original release"));
}

/* A reference that does not fit is refused, never compared in part. */
static void test_bad_reference(void **state)
{
	static const struct {
		const char *reference, *want;
	} bad[] = {
		{ VECTORS "llama31/reference.safetensors", "mid.resid.0 has to be floats of shape [40, 64]" },
		{ VECTORS "qwen2/model.safetensors", "no tensor named CASE.ids" },
		{ VECTORS "qwen2/config.json", "is not a safetensors file" },
		{ VECTORS "qwen2/nothing", "No such file" },
	};
	struct par *p = toy_par(1);
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct parity r;
	struct model *m;

	(void)state;
	assert_int_equal(model_open(&m, VECTORS "qwen2", &e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parity_read(&r, &mem, m, p, bad[i].reference, &e) == 0)
			fail_msg("%s: accepted", bad[i].reference);
		if (e.code != ERR_INPUT || !strstr(e.msg, bad[i].want))
			fail_msg("%s: %s", bad[i].reference, e.msg);
	}
	model_close(m);
	arena_release(&mem);
	par_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parity),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tied),	      cmocka_unit_test(test_hints),
		cmocka_unit_test(test_bad_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
