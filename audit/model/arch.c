#include "model/arch.h"

#include "model/arch_config.h"
#include "num/fmath.h"

#include <string.h>

enum {
	CONFIG_LIMIT = 16 << 20,
	D_HEAD_LIMIT = 512, /* attention keeps some rows of this in a thread's scratch */
	LAYERS_LIMIT =
		1024, /* far above what is released; what they cost is allocated before weights are seen */
	EXPERTS_LIMIT = 1024,
};

static int sizes_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct family *f = c->family;
	const struct {
		enum key key;
		size_t fallback, *out;
	} row[] = {
		{ KEY_VOCAB, f->vocab, &a->n_vocab },
		{ KEY_D_MODEL, f->d_model, &a->d_model },
		{ KEY_D_FFN, f->d_ffn, &a->d_ffn },
		{ KEY_LAYERS, f->layers, &a->n_layers },
		{ KEY_HEADS, f->heads, &a->n_heads },
		{ KEY_CONTEXT, f->context, &a->n_context },
		{ KEY_EXPERTS, f->n_experts, &a->n_experts },
		{ KEY_EXPERTS_USED, f->n_experts_used, &a->n_experts_used },
		{ KEY_D_EXPERT, f->d_expert, &a->d_expert },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (config_size(row[i].out, c, config_key(c, row[i].key), row[i].fallback, e) < 0)
			return -1;
	if (!a->d_ffn)
		a->d_ffn = 4 * a->d_model;
	if (a->n_layers > LAYERS_LIMIT)
		return config_unsupported(c, config_key(c, KEY_LAYERS), "at most 1024 layers are", e);
	if (a->n_experts > EXPERTS_LIMIT)
		return config_unsupported(c, config_key(c, KEY_EXPERTS), "at most 1024 experts are", e);
	if (a->n_experts && a->n_experts_used > a->n_experts)
		return err_set(e, ERR_INPUT, "%s: %zu experts are to be used for a token, of %zu", c->path,
			       a->n_experts_used, a->n_experts);
	return 0;
}

/* Absent: as the family has it. null: as many kv heads as heads, and d_model / heads. */
static int heads_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct json *kv = config_key(c, KEY_KV_HEADS), *d_head = config_key(c, KEY_D_HEAD);
	size_t kv_default = kv || !c->family->kv_heads ? a->n_heads : c->family->kv_heads;
	size_t d_default = d_head || !c->family->d_head ? a->d_model / a->n_heads : c->family->d_head;

	if (config_size(&a->n_kv_heads, c, kv, kv_default, e) < 0 ||
	    config_size(&a->d_head, c, d_head, d_default, e) < 0)
		return -1;
	if (json_is_null(d_head) && !c->family->d_head && a->d_model % a->n_heads)
		return err_set(e, ERR_INPUT, "%s: a width of %zu does not divide into %zu heads", c->path,
			       a->d_model, a->n_heads);
	if (a->n_heads % a->n_kv_heads)
		return err_set(e, ERR_INPUT, "%s: %zu attention heads do not divide into %zu key-value heads",
			       c->path, a->n_heads, a->n_kv_heads);
	if (!a->d_head || a->d_head > D_HEAD_LIMIT)
		return err_set(e, ERR_INPUT, "%s: a head has %zu values; 1 to %d are supported", c->path,
			       a->d_head, D_HEAD_LIMIT);
	return 0;
}

static int activation_read(struct arch *a, const struct config *c, struct err *e)
{
	static const struct {
		const char *name;
		enum activation act;
	} known[] = {
		{ "silu", ACT_SILU },		{ "swish", ACT_SILU },
		{ "gelu", ACT_GELU },		{ "gelu_python", ACT_GELU },
		{ "gelu_new", ACT_GELU_TANH },	{ "gelu_pytorch_tanh", ACT_GELU_TANH },
		{ "gelu_fast", ACT_GELU_TANH },
	};
	const struct json *v = config_key(c, KEY_ACT);
	struct view name = view_of(c->family->act);
	bool found = false;

	if (!json_is_null(v)) {
		if (v->kind != JSON_STRING)
			return config_bad(c, v, "is not a string", e);
		name = v->str;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !found; i++) {
		if (view_is(name, known[i].name)) {
			a->activation = known[i].act;
			found = true;
		}
	}
	if (!found)
		return config_unsupported(c, v, "silu, gelu, gelu_new and gelu_pytorch_tanh are", e);
	if (c->family->clamped) {
		/* Written "silu", but the gate is this family's own. */
		if (a->activation != ACT_SILU)
			return config_unsupported(c, v, "only silu is", e);
		a->activation = ACT_SWIGLU_CLAMPED;
	}
	return 0;
}

static int scales_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct family *f = c->family;
	double query;

	a->embed_scale = f->embed_scaled ? fm_sqrt_d((double)a->d_model) : 1;
	a->attn_scale = 1 / fm_sqrt_d((double)a->d_head);
	if (config_real(&a->norm_eps, c, config_key(c, KEY_EPS), f->eps, e) < 0)
		return -1;
	if (!(a->norm_eps >= 0 && a->norm_eps < 1))
		return config_unsupported(c, config_key(c, KEY_EPS), "an epsilon from 0 to 1 is", e);
	if (f->query_scalar > 0) {
		const struct json *cap_attn = config_find(c, "attn_logit_softcapping");
		const struct json *cap_logit = config_find(c, "final_logit_softcapping");

		if (config_real(&query, c, config_find(c, "query_pre_attn_scalar"), f->query_scalar, e) < 0 ||
		    config_real(&a->attn_softcap, c, cap_attn, cap_attn ? 0 : f->attn_softcap, e) < 0 ||
		    config_real(&a->logit_softcap, c, cap_logit, cap_logit ? 0 : f->logit_softcap, e) < 0)
			return -1;
		if (!(query > 0))
			return config_unsupported(c, config_find(c, "query_pre_attn_scalar"),
						  "it must be positive", e);
		if (a->attn_softcap < 0 || a->logit_softcap < 0)
			return config_unsupported(c, a->attn_softcap < 0 ? cap_attn : cap_logit,
						  "it must be positive", e);
		a->attn_scale = 1 / fm_sqrt_d(query);
	}
	if (f->position == POSITION_LEARNED) {
		bool scaled;

		if (config_bool(&scaled, c, config_find(c, "scale_attn_weights"), true, e) < 0)
			return -1;
		if (!scaled)
			a->attn_scale = 1;
	}
	if (f->clamped && (config_real(&a->swiglu_limit, c, config_find(c, "swiglu_limit"), 7, e) < 0 ||
			   config_real(&a->swiglu_alpha, c, config_find(c, "swiglu_alpha"), 1.702, e) < 0))
		return -1;
	return 0;
}

/* Options that change the function and that we do not have: they must be off. */
static int options_check(const struct config *c, struct err *e)
{
	static const char *const off[] = {
		"scale_attn_by_inverse_layer_idx", "add_cross_attention", "use_mrope",
		"use_bidirectional_attention",	   "is_encoder_decoder",
	};
	bool on;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		const struct json *v = config_find(c, off[i]);

		if (config_bool(&on, c, v, false, e) < 0)
			return -1;
		if (on)
			return config_unsupported(c, v, "only false is", e);
	}
	return 0;
}

static int quantization_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct json *q = json_find(c->root, "quantization_config"), *method;

	if (json_is_null(q))
		q = config_find(c, "quantization_config");
	if (json_is_null(q))
		q = json_find(c->root, "compression_config"); /* as compressed-tensors once called it */
	if (json_is_null(q))
		return 0;
	if (q->kind != JSON_OBJECT)
		return config_bad(c, q, "is not an object", e);
	method = json_find(q, "quant_method");
	if (!method || method->kind != JSON_STRING)
		return config_bad(
			c, q,
			"has no quant_method; take the model's original release (mxfp4 alone is supported)",
			e);
	if (!view_is(method->str, "mxfp4") || !c->family->transposed_experts)
		return config_unsupported(
			c, method,
			"take the model's original release (of quantized ones, GPT-OSS with mxfp4 is)", e);
	a->mxfp4 = true;
	return 0;
}

static int ids_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct json *bos = json_find(c->root, "bos_token_id"),
			  *eos = json_find(c->root, "eos_token_id");
	const struct json *list[2] = { bos ? bos : config_find(c, "bos_token_id"),
				       eos ? eos : config_find(c, "eos_token_id") };

	a->bos = -1;
	for (size_t i = 0; i < sizeof(a->eos) / sizeof(a->eos[0]); i++)
		a->eos[i] = -1;
	for (size_t k = 0; k < 2; k++) {
		const struct json *v = list[k];
		const struct json *item = v && v->kind == JSON_ARRAY ? v->first : v;

		if (json_is_null(v))
			continue;
		for (; item; item = v->kind == JSON_ARRAY ? item->next : NULL) {
			if (item->kind != JSON_INTEGER || item->integer < -1 || item->integer > INT32_MAX)
				return config_bad(c, v, "is neither a token id nor a list of them", e);
			if (item->integer < 0)
				continue;
			if (k == 0) {
				a->bos = (int32_t)item->integer;
				break;
			}
			if (a->n_eos == sizeof(a->eos) / sizeof(a->eos[0]))
				return config_bad(c, v, "has more than 8 ids", e);
			a->eos[a->n_eos++] = (int32_t)item->integer;
		}
	}
	return 0;
}

static void strike(struct arch *a, const enum role *role, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a->name[role[i]] = NULL;
}

#define STRIKE(a, ...)                                  \
	strike((a), (const enum role[]){ __VA_ARGS__ }, \
	       sizeof((const enum role[]){ __VA_ARGS__ }) / sizeof(enum role))

/* The family's names, less those of tensors that this model does not have. */
static int names_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct family *f = c->family;
	const struct json *tie = config_find(c, "tie_word_embeddings");
	bool bias, mlp_bias;

	if (config_bool(&bias, c, config_find(c, "attention_bias"), f->bias, e) < 0 ||
	    config_bool(&mlp_bias, c, config_find(c, "mlp_bias"), false, e) < 0 ||
	    config_bool(&a->tied_embedding, c, tie ? tie : json_find(c->root, "tie_word_embeddings"), f->tied,
			e) < 0)
		return -1;
	for (size_t r = 0; r < ROLE_COUNT; r++)
		a->name[r] = f->name[r];
	a->prefix = f->prefix;
	a->ignored = f->ignored;
	if (f->biases == BIASES_NONE || (f->biases == BIASES_IF_ASKED && !bias))
		STRIKE(a, ROLE_Q_BIAS, ROLE_K_BIAS, ROLE_V_BIAS, ROLE_QKV_BIAS, ROLE_O_BIAS);
	if (f->biases == BIASES_QKV)
		STRIKE(a, ROLE_O_BIAS);
	if (!f->ungated && !(f->mlp_bias_if_asked && mlp_bias))
		STRIKE(a, ROLE_GATE_BIAS, ROLE_UP_BIAS, ROLE_DOWN_BIAS);
	if (a->tied_embedding)
		STRIKE(a, ROLE_UNEMBED);
	return 0;
}

static void switches_set(struct arch *a, const struct config *c)
{
	const struct family *f = c->family;

	a->family = f->model_type;
	a->norm = f->norm;
	a->position = f->position;
	a->experts = f->experts;
	a->qk_norm = f->qk_norm;
	a->gated = !f->ungated;
	a->qkv_interleaved = f->qkv_interleaved;
	a->pre_norm = !f->no_pre_norm;
	a->post_norm = f->post_norm;
	a->transposed_weights = f->transposed;
	a->sinks = f->sinks;
	/* MXFP4 blocks lie along the inputs: (out, in). Both forms alternate gate and up. */
	a->transposed_experts = f->transposed_experts && !a->mxfp4;
	a->experts_interleaved = f->transposed_experts;
	if (a->position == POSITION_LEARNED)
		a->context_limit = a->n_context;
}

static int parts_read(struct arch *a, const struct config *c, struct err *e)
{
	if (quantization_read(a, c, e) < 0)
		return -1;
	if (sizes_read(a, c, e) < 0 || heads_read(a, c, e) < 0 || activation_read(a, c, e) < 0 ||
	    scales_read(a, c, e) < 0 || options_check(c, e) < 0 || ids_read(a, c, e) < 0 ||
	    names_read(a, c, e) < 0)
		return -1;
	switches_set(a, c);
	/* Switches that only some families let a model choose. */
	if (c->family->experts == EXPERTS_SOFTMAX_ALL &&
	    config_bool(&a->renormalise, c, config_find(c, "norm_topk_prob"), false, e) < 0)
		return -1;
	if (c->family->parallel_block &&
	    config_bool(&a->parallel_block, c, config_find(c, "use_parallel_residual"), true, e) < 0)
		return -1;
	if (config_layers(a, c, e) < 0)
		return -1;
	return config_rope(a, c, e);
}

/* c->root is the document. */
static int config_read(struct arch *out, struct config *c, struct err *e)
{
	struct view type;

	*out = (struct arch){ .family = NULL };
	if (json_str(&type, c->root, "model_type", e) < 0)
		return err_wrap(e, "%s: ", c->path);
	c->family = family_find(type);
	if (!c->family)
		return err_at(e, ERR_INPUT, json_pos(json_find(c->root, "model_type")),
			      "model_type \"%.*s\" is not supported; these are: %s",
			      (int)(type.n < 80 ? type.n : 80), type.p, family_list(c->mem));
	c->text = c->root;
	if (c->family->inner && json_member(&c->text, c->root, c->family->inner, JSON_OBJECT, e) < 0)
		return err_wrap(e, "%s: ", c->path);
	return parts_read(out, c, e);
}

int arch_read(struct arch *out, struct arena *mem, const char *config_path, struct err *e)
{
	struct config c = { .path = config_path, .mem = mem };

	return json_read_file(&c.root, mem, config_path, CONFIG_LIMIT, e) < 0 ? -1 : config_read(out, &c, e);
}

int arch_parse(struct arch *out, struct arena *mem, struct view text, const char *name, struct err *e)
{
	struct config c = { .path = name, .mem = mem };

	return json_read(&c.root, mem, text, name, e) < 0 ? -1 : config_read(out, &c, e);
}

const char *arch_tensor_name(struct arena *mem, const struct arch *a, enum role role, const char *prefix,
			     size_t layer, size_t expert)
{
	struct str s = STR_INIT;
	const char *name;

	BUG_ON(!a->name[role]);
	for (const char *p = a->name[role]; *p; p++) {
		if (*p == '@') {
			str_adds(&s, prefix);
		} else if (*p == '{') {
			str_addf(&s, "%zu", p[1] == 'l' ? layer : expert);
			p += 2;
		} else {
			str_addc(&s, *p);
		}
	}
	name = arena_strdup(mem, s.p, s.n);
	str_release(&s);
	return name;
}

void arch_shape(size_t *rows, size_t *cols, const struct arch *a, enum role role)
{
	size_t q = a->n_heads * a->d_head, kv = a->n_kv_heads * a->d_head;
	size_t qn = a->qk_norm == QK_NORM_FULL ? q : a->d_head,
	       kn = a->qk_norm == QK_NORM_FULL ? kv : a->d_head;
	const struct {
		size_t rows, cols;
	} shape[ROLE_COUNT] = {
		[ROLE_EMBED] = { a->n_vocab, a->d_model },
		[ROLE_POSITION] = { a->n_context, a->d_model },
		[ROLE_UNEMBED] = { a->n_vocab, a->d_model },
		[ROLE_FINAL_NORM] = { 1, a->d_model },
		[ROLE_FINAL_NORM_BIAS] = { 1, a->d_model },
		[ROLE_ATTN_NORM] = { 1, a->d_model },
		[ROLE_ATTN_NORM_BIAS] = { 1, a->d_model },
		[ROLE_Q] = { q, a->d_model },
		[ROLE_K] = { kv, a->d_model },
		[ROLE_V] = { kv, a->d_model },
		[ROLE_QKV] = { q + 2 * kv, a->d_model },
		[ROLE_O] = { a->d_model, q },
		[ROLE_Q_BIAS] = { 1, q },
		[ROLE_K_BIAS] = { 1, kv },
		[ROLE_V_BIAS] = { 1, kv },
		[ROLE_QKV_BIAS] = { 1, q + 2 * kv },
		[ROLE_O_BIAS] = { 1, a->d_model },
		[ROLE_Q_NORM] = { 1, qn },
		[ROLE_K_NORM] = { 1, kn },
		[ROLE_SINKS] = { 1, a->n_heads },
		[ROLE_ATTN_POST_NORM] = { 1, a->d_model },
		[ROLE_FFN_NORM] = { 1, a->d_model },
		[ROLE_FFN_NORM_BIAS] = { 1, a->d_model },
		[ROLE_FFN_POST_NORM] = { 1, a->d_model },
		[ROLE_GATE] = { a->d_ffn, a->d_model },
		[ROLE_UP] = { a->d_ffn, a->d_model },
		[ROLE_GATE_UP] = { 2 * a->d_ffn, a->d_model },
		[ROLE_DOWN] = { a->d_model, a->d_ffn },
		[ROLE_GATE_BIAS] = { 1, a->d_ffn },
		[ROLE_UP_BIAS] = { 1, a->d_ffn },
		[ROLE_DOWN_BIAS] = { 1, a->d_model },
		[ROLE_ROUTER] = { a->n_experts, a->d_model },
		[ROLE_ROUTER_BIAS] = { 1, a->n_experts },
		[ROLE_EXPERT_GATE] = { a->d_expert, a->d_model },
		[ROLE_EXPERT_UP] = { a->d_expert, a->d_model },
		[ROLE_EXPERT_DOWN] = { a->d_model, a->d_expert },
		[ROLE_EXPERT_GATE_UP] = { 2 * a->d_expert, a->d_model },
		[ROLE_EXPERT_GATE_UP_BIAS] = { 1, 2 * a->d_expert },
		[ROLE_EXPERT_DOWN_BIAS] = { 1, a->d_model },
	};

	*rows = shape[role].rows;
	*cols = shape[role].cols;
}

bool arch_layer_has(const struct arch *a, enum role role, size_t layer)
{
	bool dense = role >= ROLE_GATE && role <= ROLE_DOWN_BIAS;
	bool sparse = role >= ROLE_ROUTER && role <= ROLE_EXPERT_DOWN_BIAS;

	return a->sparse[layer] ? !dense : !sparse;
}

uint64_t arch_values(const struct arch *a, enum role role)
{
	bool by_layer = a->name[role] && strstr(a->name[role], "{l}");
	size_t rows, cols, layers = 0;
	bool expert = role >= ROLE_EXPERT_GATE && role <= ROLE_EXPERT_DOWN_BIAS;

	if (!a->name[role])
		return 0;
	for (size_t l = 0; l < (by_layer ? a->n_layers : 1); l++)
		layers += !by_layer || arch_layer_has(a, role, l);
	arch_shape(&rows, &cols, a, role);
	return (uint64_t)layers * (expert ? a->n_experts : 1) * rows * cols;
}

/* One "*", at either end. */
static bool pattern_fits(const char *pattern, struct view name)
{
	size_t n = strlen(pattern);

	if (pattern[0] == '*')
		return view_ends(name, pattern + 1);
	if (pattern[n - 1] == '*')
		return name.n >= n - 1 && !memcmp(name.p, pattern, n - 1);
	return view_is(name, pattern);
}

bool arch_ignores(const struct arch *a, const char *tensor)
{
	for (const char *const *p = a->ignored; *p; p++)
		if (pattern_fits(*p, view_of(tensor)))
			return true;
	/* A tied unembedding that is stored all the same. */
	return a->tied_embedding &&
	       (!strcmp(tensor, "lm_head.weight") || !strcmp(tensor, "embed_out.weight"));
}
