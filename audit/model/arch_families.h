#ifndef MODEL_ARCH_FAMILIES_H
#define MODEL_ARCH_FAMILIES_H

#include "base/str.h"
#include "model/arch.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The table of families.  Where a config.json is silent, the defaults are those of the family's configuration
 * class in Hugging Face transformers (4.55 and 5).
 */

/* Which config.json fields hold what; a second spelling after the first. */
enum key {
	KEY_VOCAB,
	KEY_D_MODEL,
	KEY_D_FFN,
	KEY_LAYERS,
	KEY_HEADS,
	KEY_KV_HEADS,
	KEY_D_HEAD,
	KEY_CONTEXT,
	KEY_EPS,
	KEY_ACT,
	KEY_ROPE_BASE,
	KEY_ROTARY,
	KEY_EXPERTS,
	KEY_EXPERTS_USED,
	KEY_D_EXPERT,
	KEY_COUNT
};

/* Which layers have the sliding window. */
enum windows {
	WINDOWS_NONE,
	WINDOWS_ALL,
	WINDOWS_ALL_IF_USED,   /* all, if use_sliding_window */
	WINDOWS_UPPER_IF_USED, /* from max_window_layers on, if use_sliding_window */
	WINDOWS_PERIODIC,      /* all but every n-th */
};

/* Which of q, k, v and o have biases. */
enum biases { BIASES_NONE, BIASES_QKV, BIASES_ALL, BIASES_IF_ASKED };

struct family {
	const char *model_type;
	const char *inner; /* the member of config.json that holds the text model's fields, or NULL */
	const char *const (*key)[2]; /* (KEY_COUNT) */
	const char *const *name;     /* (ROLE_COUNT) as in struct arch */
	const char *const *prefix, *const *ignored;

	/* Defaults of absent fields; 0 where the class computes them (kv heads: heads; d_head: d_model / heads;
	 * d_ffn: 4 d_model). */
	size_t vocab, d_model, d_ffn, layers, heads, kv_heads, d_head, context, window, window_from, period;
	size_t n_experts, n_experts_used, d_expert;
	double eps, rope_base, rope_base_local, rotary, query_scalar, attn_softcap, logit_softcap;
	const char *act;
	const char *rope; /* rope parameters as JSON text, or NULL for plain ones */

	/* Switches. */
	enum norm norm;
	enum position position;
	enum experts experts;
	enum qk_norm qk_norm;
	enum windows windows;
	enum biases biases;
	bool ungated, qkv_interleaved, parallel_block, post_norm, no_pre_norm, transposed, transposed_experts,
		sinks;
	bool tied, bias; /* defaults of tie_word_embeddings, and of attention_bias where BIASES_IF_ASKED */
	bool embed_scaled, clamped, partial_rotary, mlp_bias_if_asked, yarn_is_longrope;
};

/* NULL where no family has this model_type. */
const struct family *family_find(struct view model_type);
/* "llama, mistral, ..." */
const char *family_list(struct arena *mem);

#endif
