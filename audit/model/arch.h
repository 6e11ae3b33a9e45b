#ifndef MODEL_ARCH_H
#define MODEL_ARCH_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What kind of transformer this is.  A family is a row of a table (arch_families.c): its config.json "model_type", the
 * defaults of absent fields, its switches, and the names its tensors go by.  The forward pass reads the switches below
 * and never asks which family.  To add a mechanism, add a switch and say in forward.c where it acts.
 */

enum norm { NORM_RMS, NORM_RMS_PLUS_ONE, NORM_LAYER };
enum position { POSITION_ROPE, POSITION_LEARNED };
enum activation { ACT_SILU, ACT_GELU, ACT_GELU_TANH, ACT_SWIGLU_CLAMPED };
/* Softmax over all experts before the choice, or over the chosen ones after it. */
enum experts { EXPERTS_NONE, EXPERTS_SOFTMAX_ALL, EXPERTS_SOFTMAX_CHOSEN };
/* QK_NORM_HEAD: each head of q and k by itself; QK_NORM_FULL: all of q, all of k. Before the rotation. */
enum qk_norm { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_FULL };

/* The roles a weight can have; a family names a tensor for each it uses. */
enum role {
	ROLE_EMBED,
	ROLE_POSITION,
	ROLE_UNEMBED,
	ROLE_FINAL_NORM,
	ROLE_FINAL_NORM_BIAS,
	ROLE_ATTN_NORM,
	ROLE_ATTN_NORM_BIAS,
	ROLE_Q,
	ROLE_K,
	ROLE_V,
	ROLE_QKV,
	ROLE_O,
	ROLE_Q_BIAS,
	ROLE_K_BIAS,
	ROLE_V_BIAS,
	ROLE_QKV_BIAS,
	ROLE_O_BIAS,
	ROLE_Q_NORM,
	ROLE_K_NORM,
	ROLE_SINKS,
	ROLE_ATTN_POST_NORM,
	ROLE_FFN_NORM,
	ROLE_FFN_NORM_BIAS,
	ROLE_FFN_POST_NORM,
	ROLE_GATE,
	ROLE_UP,
	ROLE_GATE_UP,
	ROLE_DOWN,
	ROLE_GATE_BIAS,
	ROLE_UP_BIAS,
	ROLE_DOWN_BIAS,
	ROLE_ROUTER,
	ROLE_ROUTER_BIAS,
	ROLE_EXPERT_GATE,
	ROLE_EXPERT_UP,
	ROLE_EXPERT_DOWN,
	ROLE_EXPERT_GATE_UP,
	ROLE_EXPERT_GATE_UP_BIAS,
	ROLE_EXPERT_DOWN_BIAS,
	ROLE_COUNT
};

struct arch {
	const char *family; /* as config.json's model_type */
	size_t d_model, d_head, d_ffn, n_layers, n_heads, n_kv_heads, n_vocab;
	size_t n_context;     /* what the model is meant for; longer works unless context_limit says no */
	size_t context_limit; /* positions for which all this holds (learned, dynamic); 0: any */
	size_t rope_far; /* a text longer than this turns by rope_freq[1] throughout (longrope); 0: none does */
	size_t d_rotary, n_experts, n_experts_used, d_expert;
	const uint32_t *window;	  /* (n_layers) tokens a query sees, itself included; 0: all */
	const uint8_t *sparse;	  /* (n_layers) 1: the feed-forward part is a mixture of experts */
	const uint8_t *rope_kind; /* (n_layers) 0 or 1 */
	/* (d_rotary/2) radians per position; [1]: layers of the second kind, or long texts (rope_far), or NULL */
	const double *rope_freq[2];
	double rope_factor[2]; /* on cos and sin (YaRN) */
	double norm_eps, attn_scale, embed_scale;
	double attn_softcap, logit_softcap, swiglu_limit, swiglu_alpha; /* soft caps: 0: none */
	enum norm norm;
	enum position position;
	enum activation activation;
	enum experts experts;
	enum qk_norm qk_norm;
	bool gated;		  /* act(gate) * up, not act(up) */
	bool qkv_interleaved;	  /* a fused qkv lies head by head: q, k, v, q, k, v ... */
	bool experts_interleaved; /* gate and up of the experts alternate */
	bool parallel_block;	  /* attention and feed-forward both read the block's input */
	bool pre_norm, post_norm; /* norms before, norms after attention and feed-forward */
	bool transposed_weights;  /* matrices stored (in, out) */
	bool transposed_experts;
	bool tied_embedding, sinks, renormalise, mxfp4;
	const char
		*name[ROLE_COUNT];  /* "@" the prefix, "{l}" the layer, "{e}" the expert; NULL: it has none */
	const char *const *prefix;  /* what "@" may stand for, tried in this order; NULL at the end */
	const char *const *ignored; /* tensors that may be stored and mean nothing, "*" for any text */
	int32_t bos, eos[8];	    /* -1 where config.json has none */
	size_t n_eos;
};

/* Everything lives in `mem`. Names the field and the value that is not supported. */
int arch_read(struct arch *out, struct arena *mem, const char *config_path, struct err *e);
/* The same for a config.json's text, which must outlive `mem`; `name` is for messages. */
int arch_parse(struct arch *out, struct arena *mem, struct view text, const char *name, struct err *e);
/* The name of a role's tensor, in `mem`; roles without a layer or expert take 0. */
const char *arch_tensor_name(struct arena *mem, const struct arch *a, enum role role, const char *prefix,
			     size_t layer, size_t expert);
/* Rows and columns of a role's tensor as (out, in), whatever the stored order; vectors have one row. */
void arch_shape(size_t *rows, size_t *cols, const struct arch *a, enum role role);
bool arch_layer_has(const struct arch *a, enum role role, size_t layer);
/* Values of a role's tensors over all layers and experts; 0 where the model has none. */
uint64_t arch_values(const struct arch *a, enum role role);
bool arch_ignores(const struct arch *a, const char *tensor);

#endif
