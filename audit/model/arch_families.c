#include "model/arch_families.h"

#include <string.h>

#define LAYER "@layers.{l}."
#define ATTN LAYER "self_attn."

/* The names most families share. Biases that a model does not have are struck out by arch_read(). */
#define FRAME_NAMES                                                               \
	[ROLE_EMBED] = "@embed_tokens.weight", [ROLE_UNEMBED] = "lm_head.weight", \
	[ROLE_FINAL_NORM] = "@norm.weight"
#define ATTENTION_NAMES                                                      \
	[ROLE_Q] = ATTN "q_proj.weight", [ROLE_Q_BIAS] = ATTN "q_proj.bias", \
	[ROLE_K] = ATTN "k_proj.weight", [ROLE_K_BIAS] = ATTN "k_proj.bias", \
	[ROLE_V] = ATTN "v_proj.weight", [ROLE_V_BIAS] = ATTN "v_proj.bias", \
	[ROLE_O] = ATTN "o_proj.weight", [ROLE_O_BIAS] = ATTN "o_proj.bias"
#define QK_NORM_NAMES [ROLE_Q_NORM] = ATTN "q_norm.weight", [ROLE_K_NORM] = ATTN "k_norm.weight"
#define PRE_NORM_NAMES                                                       \
	[ROLE_ATTN_NORM] = LAYER "input_layernorm.weight", [ROLE_FFN_NORM] = \
								   LAYER "post_attention_layernorm.weight"
/* Four norms a layer: here post_attention_layernorm is what it says. */
#define GEMMA_NORM_NAMES                                                 \
	[ROLE_ATTN_NORM] = LAYER "input_layernorm.weight",               \
	[ROLE_ATTN_POST_NORM] = LAYER "post_attention_layernorm.weight", \
	[ROLE_FFN_NORM] = LAYER "pre_feedforward_layernorm.weight",      \
	[ROLE_FFN_POST_NORM] = LAYER "post_feedforward_layernorm.weight"
#define GATED_NAMES                                                                                \
	[ROLE_GATE] = LAYER "mlp.gate_proj.weight", [ROLE_GATE_BIAS] = LAYER "mlp.gate_proj.bias", \
	[ROLE_UP] = LAYER "mlp.up_proj.weight", [ROLE_UP_BIAS] = LAYER "mlp.up_proj.bias",         \
	[ROLE_DOWN] = LAYER "mlp.down_proj.weight", [ROLE_DOWN_BIAS] = LAYER "mlp.down_proj.bias"

static const char *const LLAMA_NAMES[ROLE_COUNT] = { FRAME_NAMES, PRE_NORM_NAMES, ATTENTION_NAMES,
						     GATED_NAMES };

static const char *const QWEN3_NAMES[ROLE_COUNT] = {
	FRAME_NAMES, PRE_NORM_NAMES, ATTENTION_NAMES, QK_NORM_NAMES, GATED_NAMES,
};

static const char *const QWEN3_MOE_NAMES[ROLE_COUNT] = {
	FRAME_NAMES,
	PRE_NORM_NAMES,
	ATTENTION_NAMES,
	QK_NORM_NAMES,
	GATED_NAMES,
	[ROLE_ROUTER] = LAYER "mlp.gate.weight",
	[ROLE_EXPERT_GATE] = LAYER "mlp.experts.{e}.gate_proj.weight",
	[ROLE_EXPERT_UP] = LAYER "mlp.experts.{e}.up_proj.weight",
	[ROLE_EXPERT_DOWN] = LAYER "mlp.experts.{e}.down_proj.weight",
};

static const char *const GEMMA2_NAMES[ROLE_COUNT] = { FRAME_NAMES, GEMMA_NORM_NAMES, ATTENTION_NAMES,
						      GATED_NAMES };

static const char *const GEMMA3_NAMES[ROLE_COUNT] = {
	FRAME_NAMES, GEMMA_NORM_NAMES, ATTENTION_NAMES, QK_NORM_NAMES, GATED_NAMES,
};

static const char *const PHI3_NAMES[ROLE_COUNT] = {
	FRAME_NAMES,
	PRE_NORM_NAMES,
	[ROLE_QKV] = ATTN "qkv_proj.weight",
	[ROLE_O] = ATTN "o_proj.weight",
	[ROLE_GATE_UP] = LAYER "mlp.gate_up_proj.weight",
	[ROLE_DOWN] = LAYER "mlp.down_proj.weight",
};

static const char *const OLMO2_NAMES[ROLE_COUNT] = {
	FRAME_NAMES,
	ATTENTION_NAMES,
	QK_NORM_NAMES,
	GATED_NAMES,
	[ROLE_ATTN_POST_NORM] = LAYER "post_attention_layernorm.weight",
	[ROLE_FFN_POST_NORM] = LAYER "post_feedforward_layernorm.weight",
};

static const char *const GPT_OSS_NAMES[ROLE_COUNT] = {
	FRAME_NAMES,
	PRE_NORM_NAMES,
	ATTENTION_NAMES,
	[ROLE_SINKS] = ATTN "sinks",
	[ROLE_ROUTER] = LAYER "mlp.router.weight",
	[ROLE_ROUTER_BIAS] = LAYER "mlp.router.bias",
	[ROLE_EXPERT_GATE_UP] = LAYER "mlp.experts.gate_up_proj",
	[ROLE_EXPERT_GATE_UP_BIAS] = LAYER "mlp.experts.gate_up_proj_bias",
	[ROLE_EXPERT_DOWN] = LAYER "mlp.experts.down_proj",
	[ROLE_EXPERT_DOWN_BIAS] = LAYER "mlp.experts.down_proj_bias",
};

static const char *const GPT2_NAMES[ROLE_COUNT] = {
	[ROLE_EMBED] = "@wte.weight",
	[ROLE_POSITION] = "@wpe.weight",
	[ROLE_UNEMBED] = "lm_head.weight",
	[ROLE_FINAL_NORM] = "@ln_f.weight",
	[ROLE_FINAL_NORM_BIAS] = "@ln_f.bias",
	[ROLE_ATTN_NORM] = "@h.{l}.ln_1.weight",
	[ROLE_ATTN_NORM_BIAS] = "@h.{l}.ln_1.bias",
	[ROLE_QKV] = "@h.{l}.attn.c_attn.weight",
	[ROLE_QKV_BIAS] = "@h.{l}.attn.c_attn.bias",
	[ROLE_O] = "@h.{l}.attn.c_proj.weight",
	[ROLE_O_BIAS] = "@h.{l}.attn.c_proj.bias",
	[ROLE_FFN_NORM] = "@h.{l}.ln_2.weight",
	[ROLE_FFN_NORM_BIAS] = "@h.{l}.ln_2.bias",
	[ROLE_UP] = "@h.{l}.mlp.c_fc.weight",
	[ROLE_UP_BIAS] = "@h.{l}.mlp.c_fc.bias",
	[ROLE_DOWN] = "@h.{l}.mlp.c_proj.weight",
	[ROLE_DOWN_BIAS] = "@h.{l}.mlp.c_proj.bias",
};

static const char *const GPT_NEOX_NAMES[ROLE_COUNT] = {
	[ROLE_EMBED] = "@embed_in.weight",
	[ROLE_UNEMBED] = "embed_out.weight",
	[ROLE_FINAL_NORM] = "@final_layer_norm.weight",
	[ROLE_FINAL_NORM_BIAS] = "@final_layer_norm.bias",
	[ROLE_ATTN_NORM] = LAYER "input_layernorm.weight",
	[ROLE_ATTN_NORM_BIAS] = LAYER "input_layernorm.bias",
	[ROLE_QKV] = LAYER "attention.query_key_value.weight",
	[ROLE_QKV_BIAS] = LAYER "attention.query_key_value.bias",
	[ROLE_O] = LAYER "attention.dense.weight",
	[ROLE_O_BIAS] = LAYER "attention.dense.bias",
	[ROLE_FFN_NORM] = LAYER "post_attention_layernorm.weight",
	[ROLE_FFN_NORM_BIAS] = LAYER "post_attention_layernorm.bias",
	[ROLE_UP] = LAYER "mlp.dense_h_to_4h.weight",
	[ROLE_UP_BIAS] = LAYER "mlp.dense_h_to_4h.bias",
	[ROLE_DOWN] = LAYER "mlp.dense_4h_to_h.weight",
	[ROLE_DOWN_BIAS] = LAYER "mlp.dense_4h_to_h.bias",
};

/* A folder saved from the bare decoder has no prefix. */
static const char *const MODEL_PREFIX[] = { "model.", "", NULL };
static const char *const GPT2_PREFIX[] = { "transformer.", "", NULL };
static const char *const GPT_NEOX_PREFIX[] = { "gpt_neox.", "", NULL };
static const char *const GEMMA3_VISION_PREFIX[] = { "language_model.model.", "model.language_model.", NULL };

static const char *const ROTARY_BUFFERS[] = { "*.inv_freq", NULL };
/* Causal masks, stored by old versions: h.0.attn.bias is no bias. */
static const char *const MASK_BUFFERS[] = {
	"*.inv_freq", "*.attn.bias", "*.attn.masked_bias", "*.attention.bias", "*.attention.masked_bias",
	NULL,
};
static const char *const VISION_PARTS[] = {
	"*.inv_freq",
	"vision_tower.*",
	"model.vision_tower.*",
	"multi_modal_projector.*",
	"model.multi_modal_projector.*",
	"language_model.lm_head.weight",
	NULL,
};

#define COMMON_KEYS                                                                                       \
	[KEY_VOCAB] = { "vocab_size" }, [KEY_D_MODEL] = { "hidden_size" },                                \
	[KEY_D_FFN] = { "intermediate_size" }, [KEY_LAYERS] = { "num_hidden_layers" },                    \
	[KEY_HEADS] = { "num_attention_heads" }, [KEY_KV_HEADS] = { "num_key_value_heads" },              \
	[KEY_D_HEAD] = { "head_dim" }, [KEY_CONTEXT] = { "max_position_embeddings" },                     \
	[KEY_EPS] = { "rms_norm_eps" }, [KEY_ACT] = { "hidden_act" }, [KEY_ROPE_BASE] = { "rope_theta" }, \
	[KEY_ROTARY] = { "partial_rotary_factor" }

static const char *const COMMON_KEY[KEY_COUNT][2] = { COMMON_KEYS };
static const char *const QWEN3_MOE_KEY[KEY_COUNT][2] = {
	COMMON_KEYS,
	[KEY_EXPERTS] = { "num_experts", "num_local_experts" },
	[KEY_EXPERTS_USED] = { "num_experts_per_tok" },
	[KEY_D_EXPERT] = { "moe_intermediate_size" },
};
static const char *const GPT_OSS_KEY[KEY_COUNT][2] = {
	COMMON_KEYS,
	[KEY_EXPERTS] = { "num_local_experts", "num_experts" },
	[KEY_EXPERTS_USED] = { "num_experts_per_tok", "experts_per_token" },
	[KEY_D_EXPERT] = { "intermediate_size" },
};
static const char *const GPT2_KEY[KEY_COUNT][2] = {
	[KEY_VOCAB] = { "vocab_size" },
	[KEY_D_MODEL] = { "n_embd", "hidden_size" },
	[KEY_D_FFN] = { "n_inner" },
	[KEY_LAYERS] = { "n_layer", "num_hidden_layers" },
	[KEY_HEADS] = { "n_head", "num_attention_heads" },
	[KEY_CONTEXT] = { "n_positions", "max_position_embeddings" },
	[KEY_EPS] = { "layer_norm_epsilon" },
	[KEY_ACT] = { "activation_function" },
};
static const char *const GPT_NEOX_KEY[KEY_COUNT][2] = {
	[KEY_VOCAB] = { "vocab_size" },
	[KEY_D_MODEL] = { "hidden_size" },
	[KEY_D_FFN] = { "intermediate_size" },
	[KEY_LAYERS] = { "num_hidden_layers" },
	[KEY_HEADS] = { "num_attention_heads" },
	[KEY_CONTEXT] = { "max_position_embeddings" },
	[KEY_EPS] = { "layer_norm_eps" },
	[KEY_ACT] = { "hidden_act" },
	[KEY_ROPE_BASE] = { "rotary_emb_base", "rope_theta" },
	[KEY_ROTARY] = { "rotary_pct", "partial_rotary_factor" },
};
static const char *const GEMMA_KEY[KEY_COUNT][2] = {
	[KEY_VOCAB] = { "vocab_size" },		 [KEY_D_MODEL] = { "hidden_size" },
	[KEY_D_FFN] = { "intermediate_size" },	 [KEY_LAYERS] = { "num_hidden_layers" },
	[KEY_HEADS] = { "num_attention_heads" }, [KEY_KV_HEADS] = { "num_key_value_heads" },
	[KEY_D_HEAD] = { "head_dim" },		 [KEY_CONTEXT] = { "max_position_embeddings" },
	[KEY_EPS] = { "rms_norm_eps" },		 [KEY_ACT] = { "hidden_activation" },
	[KEY_ROPE_BASE] = { "rope_theta" },	 [KEY_ROTARY] = { "partial_rotary_factor" },
};

/* What the rows of one maker share. */
#define GEMMA3_ROW                                                                                          \
	.key = GEMMA_KEY, .name = GEMMA3_NAMES, .vocab = 262208, .d_model = 2304, .d_ffn = 9216,            \
	.layers = 26, .heads = 8, .kv_heads = 4, .d_head = 256, .context = 131072, .window = 4096,          \
	.period = 6, .eps = 1e-6, .rope_base = 1e6, .rope_base_local = 1e4, .rotary = 1,                    \
	.query_scalar = 256, .act = "gelu_pytorch_tanh", .tied = true, .norm = NORM_RMS_PLUS_ONE,           \
	.qk_norm = QK_NORM_HEAD, .windows = WINDOWS_PERIODIC, .biases = BIASES_IF_ASKED, .post_norm = true, \
	.embed_scaled = true

static const struct family FAMILY[] = {
	{
		.model_type = "llama",
		.key = COMMON_KEY,
		.name = LLAMA_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 32000,
		.d_model = 4096,
		.d_ffn = 11008,
		.layers = 32,
		.heads = 32,
		.context = 2048,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.biases = BIASES_IF_ASKED,
		.mlp_bias_if_asked = true,
	},
	{
		.model_type = "mistral",
		.key = COMMON_KEY,
		.name = LLAMA_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 32000,
		.d_model = 4096,
		.d_ffn = 14336,
		.layers = 32,
		.heads = 32,
		.kv_heads = 8,
		.context = 131072,
		.window = 4096,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.windows = WINDOWS_ALL,
	},
	{
		.model_type = "qwen2",
		.key = COMMON_KEY,
		.name = LLAMA_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 151936,
		.d_model = 4096,
		.d_ffn = 22016,
		.layers = 32,
		.heads = 32,
		.kv_heads = 32,
		.context = 32768,
		.window = 4096,
		.window_from = 28,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.windows = WINDOWS_UPPER_IF_USED,
		.biases = BIASES_QKV,
	},
	{
		.model_type = "qwen3",
		.key = COMMON_KEY,
		.name = QWEN3_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 151936,
		.d_model = 4096,
		.d_ffn = 22016,
		.layers = 32,
		.heads = 32,
		.kv_heads = 32,
		.d_head = 128,
		.context = 32768,
		.window = 4096,
		.window_from = 28,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.qk_norm = QK_NORM_HEAD,
		.windows = WINDOWS_UPPER_IF_USED,
		.biases = BIASES_IF_ASKED,
	},
	{
		.model_type = "qwen3_moe",
		.key = QWEN3_MOE_KEY,
		.name = QWEN3_MOE_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 151936,
		.d_model = 2048,
		.d_ffn = 6144,
		.layers = 24,
		.heads = 32,
		.kv_heads = 4,
		.context = 32768,
		.window = 4096,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.n_experts = 128,
		.n_experts_used = 8,
		.d_expert = 768,
		.experts = EXPERTS_SOFTMAX_ALL,
		.qk_norm = QK_NORM_HEAD,
		.windows = WINDOWS_ALL_IF_USED,
		.biases = BIASES_IF_ASKED,
	},
	{
		.model_type = "gemma2",
		.key = GEMMA_KEY,
		.name = GEMMA2_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 256000,
		.d_model = 2304,
		.d_ffn = 9216,
		.layers = 26,
		.heads = 8,
		.kv_heads = 4,
		.d_head = 256,
		.context = 8192,
		.window = 4096,
		.period = 2,
		.eps = 1e-6,
		.rope_base = 1e4,
		.rotary = 1,
		.query_scalar = 256,
		.attn_softcap = 50,
		.logit_softcap = 30,
		.act = "gelu_pytorch_tanh",
		.tied = true,
		.norm = NORM_RMS_PLUS_ONE,
		.windows = WINDOWS_PERIODIC,
		.biases = BIASES_IF_ASKED,
		.post_norm = true,
		.embed_scaled = true,
	},
	{
		.model_type = "gemma3_text",
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		GEMMA3_ROW,
	},
	{
		/* Gemma 3 with a vision tower: the text part alone. */
		.model_type = "gemma3",
		.inner = "text_config",
		.prefix = GEMMA3_VISION_PREFIX,
		.ignored = VISION_PARTS,
		GEMMA3_ROW,
	},
	{
		.model_type = "phi3",
		.key = COMMON_KEY,
		.name = PHI3_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 32064,
		.d_model = 3072,
		.d_ffn = 8192,
		.layers = 32,
		.heads = 32,
		.context = 4096,
		.eps = 1e-5,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.windows = WINDOWS_ALL,
		.partial_rotary = true,
		.yarn_is_longrope = true,
	},
	{
		.model_type = "olmo2",
		.key = COMMON_KEY,
		.name = OLMO2_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 50304,
		.d_model = 4096,
		.d_ffn = 11008,
		.layers = 32,
		.heads = 32,
		.context = 2048,
		.eps = 1e-5,
		.rope_base = 1e4,
		.rotary = 1,
		.act = "silu",
		.qk_norm = QK_NORM_FULL,
		.biases = BIASES_IF_ASKED,
		.post_norm = true,
		.no_pre_norm = true,
	},
	{
		.model_type = "gpt_oss",
		.key = GPT_OSS_KEY,
		.name = GPT_OSS_NAMES,
		.prefix = MODEL_PREFIX,
		.ignored = ROTARY_BUFFERS,
		.vocab = 201088,
		.d_model = 2880,
		.d_ffn = 2880,
		.layers = 36,
		.heads = 64,
		.kv_heads = 8,
		.d_head = 64,
		.context = 131072,
		.window = 128,
		.period = 2,
		.eps = 1e-5,
		.rope_base = 150000,
		.rotary = 1,
		.act = "silu",
		.n_experts = 128,
		.n_experts_used = 4,
		.d_expert = 2880,
		.bias = true,
		.rope = "{\"rope_type\": \"yarn\", \"factor\": 32, \"truncate\": false, "
			"\"original_max_position_embeddings\": 4096}",
		.experts = EXPERTS_SOFTMAX_CHOSEN,
		.windows = WINDOWS_PERIODIC,
		.biases = BIASES_IF_ASKED,
		.sinks = true,
		.clamped = true,
		.transposed_experts = true,
	},
	{
		.model_type = "gpt2",
		.key = GPT2_KEY,
		.name = GPT2_NAMES,
		.prefix = GPT2_PREFIX,
		.ignored = MASK_BUFFERS,
		.vocab = 50257,
		.d_model = 768,
		.layers = 12,
		.heads = 12,
		.context = 1024,
		.eps = 1e-5,
		.rotary = 0,
		.act = "gelu_new",
		.tied = true,
		.norm = NORM_LAYER,
		.position = POSITION_LEARNED,
		.biases = BIASES_ALL,
		.ungated = true,
		.transposed = true,
	},
	{
		.model_type = "gpt_neox",
		.key = GPT_NEOX_KEY,
		.name = GPT_NEOX_NAMES,
		.prefix = GPT_NEOX_PREFIX,
		.ignored = MASK_BUFFERS,
		.vocab = 50432,
		.d_model = 6144,
		.d_ffn = 24576,
		.layers = 44,
		.heads = 64,
		.context = 2048,
		.eps = 1e-5,
		.rope_base = 1e4,
		.rotary = 0.25,
		.act = "gelu",
		.norm = NORM_LAYER,
		.bias = true,
		.biases = BIASES_IF_ASKED,
		.ungated = true,
		.qkv_interleaved = true,
		.parallel_block = true,
		.partial_rotary = true,
	},
};

enum { N_FAMILIES = sizeof(FAMILY) / sizeof(FAMILY[0]) };

const struct family *family_find(struct view model_type)
{
	for (size_t i = 0; i < N_FAMILIES; i++)
		if (view_is(model_type, FAMILY[i].model_type))
			return &FAMILY[i];
	return NULL;
}

const char *family_list(struct arena *mem)
{
	const char *list = FAMILY[0].model_type;

	for (size_t i = 1; i < N_FAMILIES; i++)
		list = arena_fmt(mem, "%s, %s", list, FAMILY[i].model_type);
	return list;
}
