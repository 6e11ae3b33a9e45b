#ifndef MODEL_ARCH_H
#define MODEL_ARCH_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What kind of transformer this is.  A family is a row of a table: its
 * config.json "model_type", its default switches, and the names its tensors
 * go by.  The forward pass reads the switches and never asks which family.
 *
 * To add a family, add a row; to add a mechanism, add a switch and say in
 * session.c where it acts.
 */

enum norm { NORM_RMS, NORM_RMS_PLUS_ONE, NORM_LAYER };
enum position { POSITION_ROPE, POSITION_LEARNED };
enum activation { ACT_SILU, ACT_GELU, ACT_GELU_TANH, ACT_SWIGLU_CLAMPED };
enum experts { EXPERTS_NONE, EXPERTS_SOFTMAX_ALL, EXPERTS_SOFTMAX_CHOSEN };

/* The roles a weight can have; a family names a tensor for each it uses. */
enum role {
	ROLE_EMBED, ROLE_POSITION, ROLE_UNEMBED, ROLE_FINAL_NORM, ROLE_FINAL_NORM_BIAS,
	ROLE_ATTN_NORM, ROLE_ATTN_NORM_BIAS, ROLE_Q, ROLE_K, ROLE_V, ROLE_QKV, ROLE_O,
	ROLE_Q_BIAS, ROLE_K_BIAS, ROLE_V_BIAS, ROLE_QKV_BIAS, ROLE_O_BIAS,
	ROLE_Q_NORM, ROLE_K_NORM, ROLE_SINKS, ROLE_ATTN_POST_NORM,
	ROLE_FFN_NORM, ROLE_FFN_NORM_BIAS, ROLE_FFN_POST_NORM,
	ROLE_GATE, ROLE_UP, ROLE_GATE_UP, ROLE_DOWN, ROLE_UP_BIAS, ROLE_DOWN_BIAS,
	ROLE_ROUTER, ROLE_ROUTER_BIAS, ROLE_EXPERT_GATE, ROLE_EXPERT_UP, ROLE_EXPERT_GATE_UP, ROLE_EXPERT_GATE_UP_SCALE,
	ROLE_EXPERT_GATE_UP_BIAS, ROLE_EXPERT_DOWN, ROLE_EXPERT_DOWN_SCALE, ROLE_EXPERT_DOWN_BIAS,
	ROLE_COUNT
};

struct arch {
	const char *family;        /* as config.json's model_type */
	size_t d_model, d_head, d_ffn, n_layers, n_heads, n_kv_heads, n_vocab, n_context;
	size_t d_rotary, n_experts, n_experts_used;
	const uint32_t *window;    /* (n_layers) attention window in tokens, 0: all */
	double norm_eps, swiglu_limit, swiglu_alpha, attn_scale, attn_softcap, logit_softcap, embed_scale;
	const float *rope_freq[2]; /* (d_rotary/2) angle per position; [1]: layers of the second kind (Gemma 3 local) */
	double rope_factor[2];     /* on cos and sin (YaRN) */
	const uint8_t *rope_kind;  /* (n_layers) 0 or 1 */
	enum norm norm;
	enum position position;
	enum activation activation;
	enum experts experts;
	bool qkv_interleaved, qk_norm, qk_norm_full, parallel_block, tied_embedding, transposed_weights, sinks, renormalise,
		pre_norm, post_norm;
	const char *name[ROLE_COUNT]; /* printf patterns taking the layer (and the expert), or NULL */
	int32_t bos, eos[8];       /* -1 where config.json has none */
	size_t n_eos;
};

/* Everything lives in `mem`. Names the field and the value that is not supported. */
int arch_read(struct arch *out, struct arena *mem, const char *config_path, struct err *e);

#endif
