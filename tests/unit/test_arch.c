#include "base/str.h"
#include "model/arch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int parse(struct arch *a, struct arena *mem, const char *text, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return arch_parse(a, mem, view_of(text), "config.json", e);
}

/* A model_type alone: the defaults of transformers' configuration classes. */
static void test_defaults(void **state)
{
	static const struct {
		const char *type;
		size_t vocab, d_model, d_ffn, layers, heads, kv, d_head, context, rotary, window0, window1,
			experts, used;
		double eps, attn_scale;
		enum activation act;
		bool tied, o_bias, q_bias;
	} want[] = {
		{ "llama",  32000, 4096, 11008, 32, 32, 32,   128,
		  2048,	    128,   0,	 0,	0,  0,	1e-6, 0.08838834764831845,
		  ACT_SILU, 0,	   0,	 0 },
		{ "mistral", 32000, 4096, 14336, 32, 32, 8,    128,
		  131072,    128,   4096, 4096,	 0,  0,	 1e-6, 0.08838834764831845,
		  ACT_SILU,  0,	    0,	  0 },
		{ "qwen2",  151936, 4096, 22016, 32, 32, 32,   128,
		  32768,    128,    0,	  0,	 0,  0,	 1e-6, 0.08838834764831845,
		  ACT_SILU, 0,	    0,	  1 },
		{ "qwen3",  151936, 4096, 22016, 32, 32, 32,   128,
		  32768,    128,    0,	  0,	 0,  0,	 1e-6, 0.08838834764831845,
		  ACT_SILU, 0,	    0,	  0 },
		{ "qwen3_moe", 151936, 2048, 6144, 24,	 32,	4,	  64, 32768, 64,
		  0,	       0,      128,  8,	   1e-6, 0.125, ACT_SILU, 0,  0,     0 },
		{ "gemma2", 256000, 2304,   9216,	   26, 8, 4, 256, 8192, 256, 4096, 0, 0,
		  0,	    1e-6,   0.0625, ACT_GELU_TANH, 1,  0, 0 },
		{ "gemma3_text", 262208, 2304,		9216, 26, 8, 4, 256, 131072, 256, 4096, 4096, 0, 0,
		  1e-6,		 0.0625, ACT_GELU_TANH, 1,    0,  0 },
		{ "phi3",   32064, 3072, 8192, 32, 32, 32,   96,
		  4096,	    96,	   0,	 0,    0,  0,  1e-5, 0.10206207261596577,
		  ACT_SILU, 0,	   0,	 0 },
		{ "olmo2",  50304, 4096, 11008, 32, 32, 32,   128,
		  2048,	    128,   0,	 0,	0,  0,	1e-5, 0.08838834764831845,
		  ACT_SILU, 0,	   0,	 0 },
		{ "gpt_oss",
		  201088,
		  2880,
		  2880,
		  36,
		  64,
		  8,
		  64,
		  131072,
		  64,
		  128,
		  0,
		  128,
		  4,
		  1e-5,
		  0.125,
		  ACT_SWIGLU_CLAMPED,
		  0,
		  1,
		  1 },
		{ "gpt2", 50257, 768,	3072,	       12, 12, 12, 64, 1024, 0, 0, 0, 0,
		  0,	  1e-5,	 0.125, ACT_GELU_TANH, 1,  1,  0 },
		{ "gpt_neox",	       50432,	 6144, 24576, 44, 64, 64, 96, 2048, 24, 0, 0, 0, 0, 1e-5,
		  0.10206207261596577, ACT_GELU, 0,    1,     0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct arch a;
		struct err e;
		size_t got[13];

		if (parse(&a, &mem, arena_fmt(&mem, "{\"model_type\": \"%s\"}", want[i].type), &e) < 0)
			fail_msg("%s: %s", want[i].type, e.msg);
		memcpy(got,
		       (size_t[]){ a.n_vocab, a.d_model, a.d_ffn, a.n_layers, a.n_heads, a.n_kv_heads,
				   a.d_head, a.n_context, a.d_rotary, a.window[0], a.window[1], a.n_experts,
				   a.n_experts_used },
		       sizeof(got));
		for (size_t k = 0; k < 13; k++)
			if (got[k] != (&want[i].vocab)[k])
				fail_msg("%s: number %zu is %zu, not %zu", want[i].type, k, got[k],
					 (&want[i].vocab)[k]);
		assert_true(a.norm_eps == want[i].eps);
		assert_true(__builtin_fabs(a.attn_scale - want[i].attn_scale) < 1e-16);
		assert_int_equal(a.activation, want[i].act);
		assert_int_equal(a.tied_embedding, want[i].tied);
		assert_int_equal(a.name[ROLE_O_BIAS] != NULL, want[i].o_bias);
		assert_int_equal(a.name[ROLE_Q_BIAS] != NULL, want[i].q_bias);
		assert_int_equal(a.bos, -1);
		assert_int_equal(a.n_eos, 0);
		arena_release(&mem);
	}
}

/* Angles against values computed elsewhere in double. */
static void test_rope(void **state)
{
	static const struct {
		const char *name, *config;
		size_t at[4];
		double freq[4], factor;
		size_t limit, far;
	} want[] = {
		{ "Llama 3.1",
		  "{\"model_type\": \"llama\", \"rope_theta\": 500000.0, \"max_position_embeddings\": 131072, \"rope_scaling\":"
		  "{\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192,"
		  "\"rope_type\": \"llama3\"}}",
		  { 0, 20, 30, 63 },
		  { 1, 0.016560440080994443, 0.0013718935677611381, 3.068925988914511e-07 },
		  1,
		  0,
		  0 },
		{ "DeepSeek-R1-0528-Qwen3-8B: attn_factor is not a field of transformers'",
		  "{\"model_type\": \"qwen3\", \"rope_theta\": 1000000, \"max_position_embeddings\": 131072, \"rope_scaling\": {\"rope_type\":"
		  "\"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 32768, \"attn_factor\": 0.8782488562869419}}",
		  { 20, 30, 40, 63 },
		  { 0.013335214321633239, 0.0010643609812470017, 4.4456985250973074e-05,
		    3.102344401879299e-07 },
		  1.138629436111989,
		  0,
		  0 },
		{ "GPT-OSS, by default",
		  "{\"model_type\": \"gpt_oss\"}",
		  { 0, 9, 12, 31 },
		  { 1, 0.03170569618466377, 0.00679495948973222, 3.0235114281192144e-07 },
		  1.3465735902799727,
		  0,
		  0 },
		{ "Phi-3 128k",
		  "{\"model_type\": \"phi3\", \"hidden_size\": 192, \"max_position_embeddings\": 131072,"
		  "\"original_max_position_embeddings\": 4096, \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 1.25, 2],"
		  "\"long_factor\": [1, 2, 3]}}",
		  { 0, 1, 2, 2 },
		  { 1, 0.03713271066890224, 0.0010772173450159424, 0.0010772173450159424 },
		  1.1902380714238083,
		  0,
		  4096 },
		{ "linear, as transformers 5 writes it",
		  "{\"model_type\": \"llama\", \"head_dim\": 8, \"rope_parameters\":"
		  "{\"rope_type\": \"linear\", \"factor\": 4, \"rope_theta\": 10000.0}}",
		  { 0, 1, 3, 3 },
		  { 0.25, 0.025, 0.00025, 0.00025 },
		  1,
		  0,
		  0 },
		{ "dynamic: as it is up to the trained length",
		  "{\"model_type\": \"llama\", \"head_dim\": 8, \"rope_scaling\":"
		  "{\"type\": \"dynamic\", \"factor\": 4}}",
		  { 0, 1, 2, 3 },
		  { 1, 0.1, 0.01, 0.001 },
		  1,
		  2048,
		  0 },
		{ "part of a head",
		  "{\"model_type\": \"gpt_neox\", \"hidden_size\": 1024, \"rope_parameters\":"
		  "{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5, \"rope_theta\": 10000}}",
		  { 0, 1, 2, 3 },
		  { 1, 0.1, 0.01, 0.001 },
		  1,
		  0,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct arch a;
		struct err e;

		if (parse(&a, &mem, want[i].config, &e) < 0)
			fail_msg("%s: %s", want[i].name, e.msg);
		for (size_t k = 0; k < 4; k++) {
			double f = a.rope_freq[0][want[i].at[k]];

			if (!(__builtin_fabs(f / want[i].freq[k] - 1) < 1e-14))
				fail_msg("%s: pair %zu turns by %.17g", want[i].name, want[i].at[k], f);
		}
		assert_true(__builtin_fabs(a.rope_factor[0] - want[i].factor) < 1e-14);
		assert_int_equal(a.context_limit, want[i].limit);
		assert_int_equal(a.rope_far, want[i].far);
		assert_true(!a.rope_far ||
			    __builtin_fabs(a.rope_freq[1][2] / a.rope_freq[0][2] * 3 / 2 - 1) < 1e-14);
		arena_release(&mem);
	}
}

/* The text part of a Gemma 3 with a vision tower, its configuration as released: most fields are absent. */
static void test_gemma3(void **state)
{
	static const char config[] =
		"{\"architectures\": [\"Gemma3ForConditionalGeneration\"], \"eos_token_id\": [1, 106], \"model_type\": \"gemma3\","
		"\"text_config\": {\"hidden_size\": 2560, \"intermediate_size\": 10240, \"model_type\": \"gemma3_text\","
		"\"num_hidden_layers\": 34, \"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, \"sliding_window\": 1024},"
		"\"vision_config\": {\"hidden_size\": 1152}}";
	struct arena mem = ARENA_INIT;
	struct arch a;
	struct err e;

	(void)state;
	assert_int_equal(parse(&a, &mem, config, &e), 0);
	assert_int_equal(a.n_layers, 34);
	assert_int_equal(a.n_heads * 1000 + a.n_kv_heads, 8004);
	for (size_t l = 0; l < 34; l++) {
		assert_int_equal(a.window[l], l % 6 == 5 ? 0 : 1024);
		assert_int_equal(a.rope_kind[l], l % 6 != 5);
	}
	assert_true(a.rope_freq[0][0] == 0.125 && a.rope_freq[1][0] == 1);
	assert_true(__builtin_fabs(a.embed_scale * a.embed_scale - 2560) < 1e-9);
	assert_int_equal(a.n_eos, 2);
	assert_int_equal(a.eos[1], 106);
	assert_true(arch_ignores(&a, "vision_tower.vision_model.post_layernorm.weight"));
	assert_true(arch_ignores(&a, "multi_modal_projector.mm_input_projection_weight"));
	assert_false(arch_ignores(&a, "language_model.model.layers.34.mlp.up_proj.weight"));
	assert_string_equal(arch_tensor_name(&mem, &a, ROLE_Q, a.prefix[0], 12, 0),
			    "language_model.model.layers.12.self_attn.q_proj.weight");
	arena_release(&mem);
}

static void test_windows(void **state)
{
	static const struct {
		const char *config;
		uint32_t window[4];
	} want[] = {
		{ "{\"model_type\": \"mistral\", \"num_hidden_layers\": 4, \"sliding_window\": null}",
		  { 0, 0, 0, 0 } },
		{ "{\"model_type\": \"mistral\", \"num_hidden_layers\": 4, \"sliding_window\": 5}",
		  { 5, 5, 5, 5 } },
		{ "{\"model_type\": \"llama\", \"num_hidden_layers\": 4, \"sliding_window\": 5}",
		  { 0, 0, 0, 0 } },
		{ "{\"model_type\": \"qwen2\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"use_sliding_window\": false}",
		  { 0, 0, 0, 0 } },
		{ "{\"model_type\": \"qwen2\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"use_sliding_window\": true}",
		  { 0, 0, 0, 0 } },
		{ "{\"model_type\": \"qwen2\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"use_sliding_window\": true,"
		  "\"max_window_layers\": 3}",
		  { 0, 0, 0, 5 } },
		{ "{\"model_type\": \"qwen3\", \"num_hidden_layers\": 4, \"use_sliding_window\": true, \"max_window_layers\": 0}",
		  { 4096, 4096, 4096, 4096 } },
		{ "{\"model_type\": \"qwen3\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"use_sliding_window\": true, \"layer_types\":"
		  "[\"full_attention\", \"sliding_attention\", \"full_attention\", \"full_attention\"]}",
		  { 0, 5, 0, 0 } },
		{ "{\"model_type\": \"qwen3_moe\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"use_sliding_window\": true}",
		  { 5, 5, 5, 5 } },
		{ "{\"model_type\": \"gemma2\", \"num_hidden_layers\": 4, \"sliding_window\": 5}",
		  { 5, 0, 5, 0 } },
		{ "{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"sliding_window_pattern\": 3}",
		  { 5, 5, 0, 5 } },
		{ "{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 4, \"sliding_window\": 5, \"_sliding_window_pattern\": 2}",
		  { 5, 0, 5, 0 } },
		{ "{\"model_type\": \"gpt_oss\", \"num_hidden_layers\": 4, \"sliding_window\": 5}",
		  { 5, 0, 5, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct arch a;
		struct err e;

		if (parse(&a, &mem, want[i].config, &e) < 0)
			fail_msg("%s: %s", want[i].config, e.msg);
		for (size_t l = 0; l < 4; l++)
			if (a.window[l] != want[i].window[l])
				fail_msg("%s: layer %zu sees %u", want[i].config, l, a.window[l]);
		arena_release(&mem);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *config, *want; /* part of the message */
	} bad[] = {
		{ "[]", "model_type" },
		{ "{}", "model_type" },
		{ "{\"model_type\": \"bert\"}",
		  "model_type \"bert\" is not supported; these are: llama, mistral, qwen2" },
		{ "{\"model_type\": 3}", "model_type" },
		{ "{\"model_type\": \"gemma3\"}", "text_config" },
		{ "{\"model_type\": \"llama\", \"hidden_size\": \"a\"}",
		  "hidden_size: \"a\", where a whole number from 1 to 268435456 is due" },
		{ "{\"model_type\": \"llama\", \"hidden_size\": 0}", "hidden_size: 0, where" },
		{ "{\"model_type\": \"llama\", \"num_hidden_layers\": 99999}",
		  "num_hidden_layers: 99999 is not supported" },
		{ "{\"model_type\": \"llama\", \"num_attention_heads\": 7}",
		  "a width of 4096 does not divide into 7 heads" },
		{ "{\"model_type\": \"llama\", \"num_key_value_heads\": 5}",
		  "32 attention heads do not divide into 5 key-value heads" },
		{ "{\"model_type\": \"llama\", \"head_dim\": 2000}",
		  "a head has 2000 values; 1 to 512 are supported" },
		{ "{\"model_type\": \"llama\", \"head_dim\": 5}", "they turn in pairs" },
		{ "{\"model_type\": \"llama\", \"hidden_act\": \"relu\"}",
		  "hidden_act: \"relu\" is not supported; silu, gelu" },
		{ "{\"model_type\": \"gpt_oss\", \"hidden_act\": \"gelu\"}",
		  "hidden_act: \"gelu\" is not supported; only silu is" },
		{ "{\"model_type\": \"llama\", \"rms_norm_eps\": -1}", "rms_norm_eps: -1 is not supported" },
		{ "{\"model_type\": \"llama\", \"attention_bias\": 1}",
		  "attention_bias: 1, where true or false is due" },
		{ "{\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"mrope\"}}",
		  "rope_type: \"mrope\" is not supported" },
		{ "{\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\"}}",
		  "rope_scaling: has no factor" },
		{ "{\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}}",
		  "factor: 0 is not supported; it must be positive" },
		{ "{\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 1}}",
		  "it must exceed low_freq_factor" },
		{ "{\"model_type\": \"llama\", \"rope_scaling\": 8}",
		  "rope_scaling: is an integer, not an object" },
		{ "{\"model_type\": \"llama\", \"rope_theta\": 1}", "it must exceed 1" },
		{ "{\"model_type\": \"llama\", \"partial_rotary_factor\": 0.5}",
		  "partial_rotary_factor: 0.5 is not supported; this family turns whole heads" },
		{ "{\"model_type\": \"llama\", \"rope_parameters\": {\"full_attention\": {}, \"sliding_attention\": {}}}",
		  "one rotation for all layers" },
		{ "{\"model_type\": \"phi3\", \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1], \"long_factor\": [1]}}",
		  "long_factor: has 1 numbers, where 48 are due" },
		{ "{\"model_type\": \"qwen3\", \"layer_types\": [\"full_attention\"]}",
		  "is not a list of 32, one for each layer" },
		{ "{\"model_type\": \"qwen3\", \"num_hidden_layers\": 1, \"layer_types\": [\"linear_attention\"]}",
		  "layer 0 has \"linear_attention\"" },
		{ "{\"model_type\": \"qwen3\", \"num_hidden_layers\": 1, \"layer_types\": [\"sliding_attention\"]}",
		  "gives no window" },
		{ "{\"model_type\": \"llama\", \"num_hidden_layers\": 1, \"layer_types\": [\"sliding_attention\"]}",
		  "gives no window" },
		{ "{\"model_type\": \"qwen2\", \"use_mrope\": true}", "use_mrope: true is not supported" },
		{ "{\"model_type\": \"gemma3_text\", \"use_bidirectional_attention\": true}",
		  "use_bidirectional_attention: true" },
		{ "{\"model_type\": \"gpt2\", \"scale_attn_by_inverse_layer_idx\": true}",
		  "scale_attn_by_inverse_layer_idx: true" },
		{ "{\"model_type\": \"gpt2\", \"add_cross_attention\": true}", "add_cross_attention: true" },
		{ "{\"model_type\": \"llama\", \"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}",
		  "quant_method: \"gptq\" is not supported; take the model's original release" },
		{ "{\"model_type\": \"llama\", \"quantization_config\": {\"quant_method\": \"mxfp4\"}}",
		  "quant_method: \"mxfp4\" is not supported" },
		{ "{\"model_type\": \"llama\", \"quantization_config\": {}}", "has no quant_method" },
		{ "{\"model_type\": \"llama\", \"compression_config\": {\"quant_method\": \"compressed-tensors\"}}",
		  "quant_method: \"compressed-tensors\" is not supported" },
		{ "{\"model_type\": \"qwen3_moe\", \"num_experts\": 4, \"num_experts_per_tok\": 5}",
		  "5 experts are to be used for a token, of 4" },
		{ "{\"model_type\": \"qwen3_moe\", \"mlp_only_layers\": [24]}", "holds what is not a layer" },
		{ "{\"model_type\": \"llama\", \"eos_token_id\": \"2\"}",
		  "eos_token_id: is neither a token id nor a list of them" },
		{ "{\"model_type\": \"llama\", \"eos_token_id\": [1,2,3,4,5,6,7,8,9]}", "more than 8 ids" },
		{ "{\"model_type\": \"gemma2\", \"query_pre_attn_scalar\": 0}",
		  "query_pre_attn_scalar: 0 is not supported" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct arch a;
		struct err e;

		if (parse(&a, &mem, bad[i].config, &e) == 0)
			fail_msg("%s: accepted", bad[i].config);
		if (e.code != ERR_INPUT || !strstr(e.msg, bad[i].want))
			fail_msg("%s: %s", bad[i].config, e.msg);
		arena_release(&mem);
	}
}

/* Fields that mean nothing to a family change nothing. */
static void test_ignored_fields(void **state)
{
	struct arena mem = ARENA_INIT;
	struct arch a;
	struct err e;

	(void)state;
	assert_int_equal(
		parse(&a, &mem,
		      "{\"model_type\": \"llama\", \"use_parallel_residual\": true, \"norm_topk_prob\": true, \"num_experts\": 8,"
		      "\"sliding_window_pattern\": 2, \"torch_dtype\": \"float8\", \"rope_scaling\": null, \"head_dim\": null,"
		      "\"num_key_value_heads\": null, \"pretraining_tp\": 2, \"bos_token_id\": 1, \"eos_token_id\": 2,"
		      "\"layer_types\": null, \"quantization_config\": null}",
		      &e),
		0);
	assert_false(a.parallel_block);
	assert_int_equal(a.n_experts, 0);
	assert_int_equal(a.d_head, 128);
	assert_int_equal(a.bos, 1);
	assert_int_equal(a.eos[0], 2);
	assert_int_equal(a.eos[1], -1);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_rope),
		cmocka_unit_test(test_gemma3),	 cmocka_unit_test(test_windows),
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_ignored_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
