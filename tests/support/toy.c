#include "tests/support/toy.h"

#include "base/rng.h"
#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct toy_shape toy_shape[TOY_SHAPES] = {
	{ "llama, odd everything, one kv head, all biases",
	  "{\"model_type\": \"llama\", \"vocab_size\": 37, \"hidden_size\": 30, \"intermediate_size\": 17,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"num_key_value_heads\": 1, \"head_dim\": 6,"
	  "\"attention_bias\": true, \"mlp_bias\": true, \"rms_norm_eps\": 1e-5}" },
	{ "llama, a kv head for each head, no head_dim, tied, one layer, linear rope",
	  "{\"model_type\": \"llama\", \"vocab_size\": 131, \"hidden_size\": 42, \"intermediate_size\": 129,"
	  "\"num_hidden_layers\": 1, \"num_attention_heads\": 3, \"tie_word_embeddings\": true,"
	  "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.5, \"rope_theta\": 777}}" },
	{ "llama3 rope, a group of 7 heads",
	  "{\"model_type\": \"llama\", \"vocab_size\": 64, \"hidden_size\": 24, \"intermediate_size\": 50,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 14, \"num_key_value_heads\": 2, \"head_dim\": 10,"
	  "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
	  "\"original_max_position_embeddings\": 32}}" },
	{ "mistral, a window of one",
	  "{\"model_type\": \"mistral\", \"vocab_size\": 33, \"hidden_size\": 16, \"intermediate_size\": 24,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"num_key_value_heads\": 2, \"sliding_window\": 1}" },
	{ "qwen2, a window on the upper layers",
	  "{\"model_type\": \"qwen2\", \"vocab_size\": 33, \"hidden_size\": 20, \"intermediate_size\": 24,"
	  "\"num_hidden_layers\": 3, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"sliding_window\": 7,"
	  "\"use_sliding_window\": true, \"max_window_layers\": 1}" },
	{ "qwen3, yarn, wide heads",
	  "{\"model_type\": \"qwen3\", \"vocab_size\": 90, \"hidden_size\": 18, \"intermediate_size\": 31,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"head_dim\": 130,"
	  "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 16,"
	  "\"attention_factor\": 0.9}}" },
	{ "qwen3_moe, dense and sparse layers, weights not renormalised",
	  "{\"model_type\": \"qwen3_moe\", \"vocab_size\": 40, \"hidden_size\": 22, \"intermediate_size\": 30,"
	  "\"moe_intermediate_size\": 13, \"num_experts\": 5, \"num_experts_per_tok\": 3, \"num_hidden_layers\": 4,"
	  "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 8, \"mlp_only_layers\": [3],"
	  "\"decoder_sparse_step\": 2, \"norm_topk_prob\": false}" },
	{ "gemma2",
	  "{\"model_type\": \"gemma2\", \"vocab_size\": 50, \"hidden_size\": 28, \"intermediate_size\": 21,"
	  "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 12,"
	  "\"sliding_window\": 5, \"query_pre_attn_scalar\": 7, \"attn_logit_softcapping\": 3,"
	  "\"final_logit_softcapping\": 2.5}" },
	{ "gemma3, two rotations",
	  "{\"model_type\": \"gemma3_text\", \"vocab_size\": 50, \"hidden_size\": 27, \"intermediate_size\": 40,"
	  "\"num_hidden_layers\": 4, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"head_dim\": 14,"
	  "\"sliding_window\": 6, \"query_pre_attn_scalar\": 10, \"rope_parameters\": {\"full_attention\":"
	  "{\"rope_type\": \"linear\", \"factor\": 8, \"rope_theta\": 1e6}, \"sliding_attention\": {\"rope_type\":"
	  "\"default\", \"rope_theta\": 100}}, \"layer_types\": [\"sliding_attention\", \"full_attention\","
	  "\"full_attention\", \"sliding_attention\"]}" },
	{ "phi3, longrope on half of a head",
	  "{\"model_type\": \"phi3\", \"vocab_size\": 50, \"hidden_size\": 24, \"intermediate_size\": 19,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1,"
	  "\"partial_rotary_factor\": 0.5, \"max_position_embeddings\": 640, \"original_max_position_embeddings\": 80,"
	  "\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1.5], \"long_factor\": [2, 3]}}" },
	{ "olmo2",
	  "{\"model_type\": \"olmo2\", \"vocab_size\": 45, \"hidden_size\": 40, \"intermediate_size\": 33,"
	  "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2}" },
	{ "gpt2, untied, scores not scaled",
	  "{\"model_type\": \"gpt2\", \"vocab_size\": 45, \"n_embd\": 21, \"n_inner\": 21, \"n_layer\": 2, \"n_head\": 3,"
	  "\"n_positions\": 64, \"scale_attn_weights\": false, \"tie_word_embeddings\": false}" },
	{ "gpt_neox, sequential, no attention bias",
	  "{\"model_type\": \"gpt_neox\", \"vocab_size\": 45, \"hidden_size\": 36, \"intermediate_size\": 25,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"rotary_pct\": 0.5, \"use_parallel_residual\": false,"
	  "\"attention_bias\": false}" },
	{ "gpt_oss, bf16 experts",
	  "{\"model_type\": \"gpt_oss\", \"vocab_size\": 45, \"hidden_size\": 26, \"intermediate_size\": 13,"
	  "\"num_hidden_layers\": 3, \"num_attention_heads\": 6, \"num_key_value_heads\": 2, \"head_dim\": 8,"
	  "\"num_local_experts\": 3, \"num_experts_per_tok\": 2, \"sliding_window\": 4, \"swiglu_limit\": 0.5}" },
	{ "gpt_oss, MXFP4 experts",
	  "{\"model_type\": \"gpt_oss\", \"vocab_size\": 45, \"hidden_size\": 32, \"intermediate_size\": 32,"
	  "\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"head_dim\": 8,"
	  "\"num_local_experts\": 4, \"num_experts_per_tok\": 1, \"quantization_config\": {\"quant_method\": \"mxfp4\"}}" },
};

struct par *toy_par(unsigned threads)
{
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(gemm_setup(NULL, &e), 0);
	assert_int_equal(par_new(&p, threads, GEMM_SCRATCH, &e), 0);
	return p;
}

struct model *toy_model(const char *dir, const char *config, const struct checkpoint_opts *o)
{
	struct err e = ERR_INIT;
	struct model *m = NULL;

	if (checkpoint_write(dir, config, o, &e) < 0 || model_open(&m, dir, &e) < 0)
		fail_msg("%s: %s", config, e.msg);
	return m;
}

struct session *toy_session(const struct model *m, struct par *p, size_t seqs, size_t context, size_t rows)
{
	struct session_opts o = { seqs, context, rows };
	struct err e = ERR_INIT;
	struct session *s = NULL;

	if (session_new(&s, m, p, &o, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

void toy_feed(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, struct taps taps)
{
	struct err e = ERR_INIT;

	if (session_feed(s, id, seq, n, SIZE_MAX, taps, &e) < 0)
		fail_msg("%s", e.msg);
}

void toy_tokens(int32_t *id, size_t n, uint64_t stream)
{
	for (size_t i = 0; i < n; i++)
		id[i] = (int32_t)rng_below(rng_stream(7, "tokens", stream), i, 33);
}

double toy_apart(const float *a, const double *b, size_t n)
{
	double worst = 0, lo = b[0], hi = b[0];

	for (size_t i = 0; i < n; i++) {
		double d = (double)a[i] - b[i];

		d = d < 0 ? -d : d;
		worst = d > worst || d != d ? d : worst;
		lo = b[i] < lo ? b[i] : lo;
		hi = b[i] > hi ? b[i] : hi;
	}
	return worst / (hi - lo);
}

double toy_apart_f(const float *a, const float *b, size_t n)
{
	struct arena mem = ARENA_INIT;
	double *d = ARENA_ARRAY(&mem, n, double), worst;

	for (size_t i = 0; i < n; i++)
		d[i] = (double)b[i];
	worst = toy_apart(a, d, n);
	arena_release(&mem);
	return worst;
}

void toy_tap_keep(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	struct toy_keep *k = ud;

	memcpy(k->x + k->at, x, rows->n * d_model * sizeof(*x));
	k->at += rows->n * d_model;
}

/* Residual streams and logits of one sequence fed in pieces of at most `step` rows. */
