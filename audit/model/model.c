#include "model/model.h"

#include "base/out.h"
#include "base/str.h"
#include "model/safetensors.h"
#include "num/gemm.h"
#include "num/ops.h"

#include <string.h>

/* The tensors of one role: (layers, experts); data is NULL where a layer has none. */
struct bound {
	struct tensor *tensor;
	const float **vector; /* in place of tensor, for roles of one row */
	size_t layers, experts;
};

struct model {
	struct arena mem;
	struct arch arch;
	struct safetensors *store;
	struct bound bound[ROLE_COUNT];
	const char *prefix; /* what "@" stands for in this folder */
	bool *used;	    /* (safetensors_count) */
	const char **file;
	size_t n_files, bytes, parameters;
};

/* The place of one tensor among the roles. */
struct slot {
	enum role role;
	size_t layer, expert;
};

static bool role_is_vector(const struct arch *a, enum role role)
{
	size_t rows, cols;

	arch_shape(&rows, &cols, a, role);
	switch (role) {
	case ROLE_EMBED:
	case ROLE_POSITION:
	case ROLE_UNEMBED:
	case ROLE_Q:
	case ROLE_K:
	case ROLE_V:
	case ROLE_QKV:
	case ROLE_O:
	case ROLE_GATE:
	case ROLE_UP:
	case ROLE_GATE_UP:
	case ROLE_DOWN:
	case ROLE_ROUTER:
	case ROLE_EXPERT_GATE:
	case ROLE_EXPERT_UP:
	case ROLE_EXPERT_DOWN:
	case ROLE_EXPERT_GATE_UP: return false;
	default: return rows == 1;
	}
}

static bool role_is_expert(enum role role)
{
	return role >= ROLE_EXPERT_GATE && role <= ROLE_EXPERT_DOWN_BIAS;
}

static bool role_is_transposed(const struct arch *a, enum role role)
{
	switch (role) {
	case ROLE_QKV:
	case ROLE_O:
	case ROLE_UP:
	case ROLE_DOWN: return a->transposed_weights;
	case ROLE_EXPERT_GATE_UP:
	case ROLE_EXPERT_DOWN: return a->transposed_experts;
	default: return false;
	}
}

static const char *shape_text(struct arena *mem, const size_t *shape, size_t rank)
{
	const char *text = "[";

	for (size_t i = 0; i < rank; i++)
		text = arena_fmt(mem, "%s%s%zu", text, i ? ", " : "", shape[i]);
	return arena_fmt(mem, "%s]", text);
}

static int shape_check(struct model *m, const struct stored *t, const size_t *shape, size_t rank, bool floats,
		       struct err *e)
{
	bool same = t->rank == rank;

	for (size_t i = 0; same && i < rank; i++)
		same = t->shape[i] == shape[i];
	if (!same)
		return err_set(e, ERR_INPUT,
			       "tensor %s in %s has the shape %s, where config.json makes it %s", t->name,
			       t->file, shape_text(&m->mem, t->shape, t->rank),
			       shape_text(&m->mem, shape, rank));
	if (floats ? !dtype_is_float(t->dtype) || t->dtype == DT_MXFP4 : t->dtype != DT_U8)
		return err_set(e, ERR_INPUT, "tensor %s in %s has dtype %s, where %s is due", t->name,
			       t->file, dtype_name(t->dtype), floats ? "BF16, F16 or F32" : "U8");
	return 0;
}

/* Finds a tensor by name, checks it and counts it. */
static int take(const struct stored **out, struct model *m, const char *name, const size_t *shape,
		size_t rank, bool floats, struct err *e)
{
	size_t index;
	const struct stored *t = safetensors_find_nth(&index, m->store, name);

	if (!t)
		return err_set(
			e, ERR_INPUT, "no tensor %s (%s is due)%s", name, shape_text(&m->mem, shape, rank),
			strcmp(name, "lm_head.weight") ? ""
						       : "; config.json does not tie it to the embedding");
	if (shape_check(m, t, shape, rank, floats, e) < 0)
		return -1;
	if (!m->used[index])
		m->bytes += dtype_bytes(t->dtype, t->n);
	m->used[index] = true;
	*out = t;
	return 0;
}

static void slot_set(struct model *m, struct slot at, struct tensor t)
{
	struct bound *b = &m->bound[at.role];
	size_t i = at.layer * b->experts + at.expert;

	if (b->vector) {
		float *v = ARENA_ARRAY(&m->mem, t.cols, float);

		dtype_widen(v, &t, 0, t.cols);
		b->vector[i] = v;
	} else {
		b->tensor[i] = t;
	}
}

/* All experts in one MXFP4 tensor: blocks (E, rows, cols/32, 16), scales (E, rows, cols/32). */
static int take_mxfp4(struct model *m, struct slot at, const char *name, size_t rows, size_t cols,
		      struct err *e)
{
	enum { BLOCK = 32, BYTES = 16 };
	const size_t shape[] = { m->arch.n_experts, rows, cols / BLOCK, BYTES };
	const struct stored *blocks, *scales;

	if (cols % BLOCK)
		return err_set(e, ERR_INPUT, "%s: its rows of %zu do not divide into MXFP4 blocks of 32",
			       name, cols);
	if (take(&blocks, m, arena_fmt(&m->mem, "%s_blocks", name), shape, 4, false, e) < 0 ||
	    take(&scales, m, arena_fmt(&m->mem, "%s_scales", name), shape, 3, false, e) < 0)
		return -1;
	for (at.expert = 0; at.expert < m->arch.n_experts; at.expert++)
		slot_set(m, at,
			 (struct tensor){ .dtype = DT_MXFP4,
					  .rows = rows,
					  .cols = cols,
					  .data = (const uint8_t *)blocks->data +
						  at.expert * rows * (cols / BLOCK) * BYTES,
					  .scale = (const uint8_t *)scales->data +
						   at.expert * rows * (cols / BLOCK) });
	m->parameters += m->arch.n_experts * rows * cols;
	return 0;
}

/* All experts of a layer in one tensor, of `each` values an expert. */
static int take_packed(struct model *m, struct slot at, const char *name, const size_t *shape, size_t rank,
		       struct err *e)
{
	const struct stored *t;
	size_t rows = rank == 3 ? shape[1] : 1, cols = shape[rank - 1];

	if (take(&t, m, name, shape, rank, true, e) < 0)
		return -1;
	for (at.expert = 0; at.expert < shape[0]; at.expert++)
		slot_set(m, at,
			 (struct tensor){ .dtype = t->dtype,
					  .rows = rows,
					  .cols = cols,
					  .data = (const uint8_t *)t->data +
						  at.expert * dtype_bytes(t->dtype, rows * cols) });
	m->parameters += t->n;
	return 0;
}

static int bind_slot(struct model *m, struct slot at, struct err *e)
{
	const struct arch *a = &m->arch;
	const char *name = arch_tensor_name(&m->mem, a, at.role, m->prefix, at.layer, at.expert);
	bool vector = m->bound[at.role].vector != NULL, swap = role_is_transposed(a, at.role);
	const struct stored *t;
	size_t rows, cols, shape[3];

	arch_shape(&rows, &cols, a, at.role);
	if (role_is_expert(at.role) && !strstr(a->name[at.role], "{e}")) {
		shape[0] = a->n_experts;
		shape[1] = swap || vector ? cols : rows;
		shape[2] = swap ? rows : cols;
		if (a->mxfp4 && !vector)
			return take_mxfp4(m, at, name, rows, cols, e);
		return take_packed(m, at, name, shape, vector ? 2 : 3, e);
	}
	shape[0] = swap || vector ? cols : rows;
	shape[1] = swap ? rows : cols;
	if (take(&t, m, name, shape, vector ? 1 : 2, true, e) < 0)
		return -1;
	slot_set(m, at,
		 (struct tensor){ .dtype = t->dtype,
				  .rows = vector ? 1 : shape[0],
				  .cols = vector ? cols : shape[1],
				  .data = t->data });
	m->parameters += t->n;
	return 0;
}

static void bound_new(struct model *m, enum role role, bool by_layer)
{
	struct bound *b = &m->bound[role];

	b->layers = by_layer ? m->arch.n_layers : 1;
	b->experts = role_is_expert(role) ? m->arch.n_experts : 1;
	if (role_is_vector(&m->arch, role))
		b->vector = arena_alloc(&m->mem, b->layers * b->experts, sizeof(*b->vector));
	else
		b->tensor = arena_alloc(&m->mem, b->layers * b->experts, sizeof(*b->tensor));
}

static int bind_role(struct model *m, enum role role, struct err *e)
{
	const struct arch *a = &m->arch;
	bool by_layer = strstr(a->name[role], "{l}") != NULL,
	     by_expert = strstr(a->name[role], "{e}") != NULL;

	bound_new(m, role, by_layer);
	for (size_t l = 0; l < (by_layer ? a->n_layers : 1); l++) {
		if (by_layer && !arch_layer_has(a, role, l))
			continue;
		for (size_t x = 0; x < (by_expert ? a->n_experts : 1); x++)
			if (bind_slot(m, (struct slot){ role, l, x }, e) < 0)
				return -1;
	}
	return 0;
}

/* A fused tensor whose parts lie one after the other is given as its parts: views, no copies. */
static void split(struct model *m, enum role whole, const enum role *part, size_t n)
{
	struct bound *b = &m->bound[whole];

	if (!b->tensor || role_is_transposed(&m->arch, whole))
		return;
	for (size_t i = 0; i < n; i++)
		bound_new(m, part[i], true);
	for (size_t l = 0; l < b->layers; l++) {
		struct tensor t = b->tensor[l];

		for (size_t i = 0; t.data && i < n; i++) {
			size_t cols;

			arch_shape(&t.rows, &cols, &m->arch, part[i]);
			m->bound[part[i]].tensor[l] = t;
			t.data = (const uint8_t *)t.data + dtype_bytes(t.dtype, t.rows * cols);
		}
	}
	*b = (struct bound){ .tensor = NULL };
}

static int surplus_check(const struct model *m, struct err *e)
{
	for (size_t i = 0; i < safetensors_count(m->store); i++) {
		const struct stored *t = safetensors_nth(m->store, i);

		if (!m->used[i] && !arch_ignores(&m->arch, t->name))
			return err_set(
				e, ERR_INPUT,
				"tensor %s in %s has no place in the %s of %zu layers that config.json describes",
				t->name, t->file, m->arch.family, m->arch.n_layers);
	}
	return 0;
}

static int bind(struct model *m, struct err *e)
{
	static const enum role qkv[] = { ROLE_Q, ROLE_K, ROLE_V }, gate_up[] = { ROLE_GATE, ROLE_UP };
	const struct arch *a = &m->arch;

	m->used = ARENA_ARRAY(&m->mem, safetensors_count(m->store), bool);
	m->prefix = a->prefix[0];
	for (const char *const *p = a->prefix; *p; p++) {
		if (safetensors_find(m->store, arch_tensor_name(&m->mem, a, ROLE_EMBED, *p, 0, 0))) {
			m->prefix = *p;
			break;
		}
	}
	for (enum role r = 0; r < ROLE_COUNT; r++)
		if (a->name[r] && bind_role(m, r, e) < 0)
			return -1;
	if (!a->qkv_interleaved)
		split(m, ROLE_QKV, qkv, 3);
	split(m, ROLE_GATE_UP, gate_up, 2);
	return surplus_check(m, e);
}

static void files_list(struct model *m)
{
	const char *const *store;
	size_t n = safetensors_files(&store, m->store), k = 0;
	bool placed = false;

	m->n_files = n + 1;
	m->file = ARENA_ARRAY(&m->mem, m->n_files, const char *);
	for (size_t i = 0; i < n; i++) {
		if (!placed && strcmp("config.json", store[i]) < 0) {
			m->file[k++] = "config.json";
			placed = true;
		}
		m->file[k++] = store[i];
	}
	if (!placed)
		m->file[k] = "config.json";
}

static int folder_check(const char *dir, struct err *e)
{
	struct view name = view_of(dir);

	if (path_is_dir(dir))
		return 0;
	if (view_ends(name, ".gguf"))
		return err_set(
			e, ERR_INPUT,
			"%s is a GGUF file; take the original release, a folder of config.json and safetensors",
			dir);
	if (path_is_file(dir))
		return err_set(e, ERR_INPUT,
			       "%s is a file; a model is a folder with config.json and safetensors", dir);
	return err_set(e, ERR_INPUT, "%s: no such folder", dir);
}

static int open_parts(struct model *m, const char *dir, struct err *e)
{
	const char *config = arena_fmt(&m->mem, "%s/config.json", dir);

	/* Weights first where there is no config.json: they may say better what this folder is. */
	if (!path_is_file(config)) {
		if (safetensors_open_dir(&m->store, dir, e) < 0)
			return -1;
		return err_set(e, ERR_INPUT, "%s: no config.json", dir);
	}
	if (arch_read(&m->arch, &m->mem, config, e) < 0 || safetensors_open_dir(&m->store, dir, e) < 0)
		return -1;
	if (bind(m, e) < 0)
		return err_wrap(e, "%s: ", dir);
	files_list(m);
	return 0;
}

int model_open(struct model **out, const char *dir, struct err *e)
{
	struct model *m;

	if (folder_check(dir, e) < 0)
		return -1;
	m = mem_alloc(1, sizeof(*m));
	if (open_parts(m, dir, e) < 0) {
		model_close(m);
		return -1;
	}
	*out = m;
	return 0;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	safetensors_close(m->store);
	arena_release(&m->mem);
	mem_free(m);
}

const struct arch *model_arch(const struct model *m)
{
	return &m->arch;
}

const struct tensor *model_expert(const struct model *m, enum role role, size_t layer, size_t expert)
{
	const struct bound *b = &m->bound[role];
	const struct tensor *t;

	if (role == ROLE_UNEMBED && m->arch.tied_embedding)
		return model_weight(m, ROLE_EMBED, 0);
	if (!b->tensor)
		return NULL;
	BUG_ON(layer >= b->layers || expert >= b->experts);
	t = &b->tensor[layer * b->experts + expert];
	return t->data ? t : NULL;
}

const struct tensor *model_weight(const struct model *m, enum role role, size_t layer)
{
	return model_expert(m, role, layer, 0);
}

const float *model_expert_vector(const struct model *m, enum role role, size_t layer, size_t expert)
{
	const struct bound *b = &m->bound[role];

	if (!b->vector)
		return NULL;
	BUG_ON(layer >= b->layers || expert >= b->experts);
	return b->vector[layer * b->experts + expert];
}

const float *model_vector(const struct model *m, enum role role, size_t layer)
{
	return model_expert_vector(m, role, layer, 0);
}

size_t model_bytes(const struct model *m)
{
	return m->bytes;
}

size_t model_parameters(const struct model *m)
{
	return m->parameters;
}

size_t model_files(const char *const **name, const struct model *m)
{
	*name = m->file;
	return m->n_files;
}

/* The bias that goes with a matrix; ROLE_COUNT: none has one. */
static enum role role_bias(enum role role)
{
	switch (role) {
	case ROLE_Q: return ROLE_Q_BIAS;
	case ROLE_K: return ROLE_K_BIAS;
	case ROLE_V: return ROLE_V_BIAS;
	case ROLE_QKV: return ROLE_QKV_BIAS;
	case ROLE_O: return ROLE_O_BIAS;
	case ROLE_GATE: return ROLE_GATE_BIAS;
	case ROLE_UP: return ROLE_UP_BIAS;
	case ROLE_DOWN: return ROLE_DOWN_BIAS;
	case ROLE_ROUTER: return ROLE_ROUTER_BIAS;
	case ROLE_EXPERT_GATE_UP: return ROLE_EXPERT_GATE_UP_BIAS;
	case ROLE_EXPERT_DOWN: return ROLE_EXPERT_DOWN_BIAS;
	default: return ROLE_COUNT;
	}
}

void model_expert_product(float *y, const struct model *m, struct par *p, const float *x, size_t n,
			  enum role role, size_t layer, size_t expert)
{
	const struct tensor *w = model_expert(m, role, layer, expert);
	enum role bias = role_bias(role);
	const float *b = bias == ROLE_COUNT ? NULL : model_expert_vector(m, bias, layer, expert);

	if (role_is_transposed(&m->arch, role))
		gemm_weight_t(p, y, x, n, w, b);
	else
		gemm_weight(p, y, x, n, w, b);
}

void model_product(float *y, const struct model *m, struct par *p, const float *x, size_t n, enum role role,
		   size_t layer)
{
	model_expert_product(y, m, p, x, n, role, layer, 0);
}

void model_norm(float *y, const struct model *m, const float *x, enum role gain, size_t layer)
{
	const struct arch *a = &m->arch;

	/* The bias of a norm's role follows it in the list of roles. */
	if (a->norm == NORM_LAYER)
		op_layernorm(y, x, model_vector(m, gain, layer), model_vector(m, gain + 1, layer), a->d_model,
			     (float)a->norm_eps);
	else
		op_rmsnorm(y, x, model_vector(m, gain, layer), a->d_model, (float)a->norm_eps,
			   a->norm == NORM_RMS_PLUS_ONE);
}

enum { UNEMBED_ROWS = 4 };

struct unembedding {
	const struct model *m;
	float *x, *y;
	size_t n, n_vocab;
};

static void unembed_norm(void *ud, size_t unit, void *scratch)
{
	struct unembedding *u = ud;
	size_t d = u->m->arch.d_model;

	(void)scratch;
	for (size_t i = unit * UNEMBED_ROWS; i < u->n && i < (unit + 1) * UNEMBED_ROWS; i++)
		model_norm(u->x + i * d, u->m, u->x + i * d, ROLE_FINAL_NORM, 0);
}

static void unembed_cap(void *ud, size_t unit, void *scratch)
{
	struct unembedding *u = ud;

	(void)scratch;
	op_softcap(u->y + unit * u->n_vocab, u->n_vocab, (float)u->m->arch.logit_softcap);
}

void model_unembed(float *y, const struct model *m, struct par *p, float *x, size_t n)
{
	struct unembedding u = { m, x, y, n, m->arch.n_vocab };

	par_run(p, (n + UNEMBED_ROWS - 1) / UNEMBED_ROWS, unembed_norm, &u);
	gemm_weight(p, y, x, n, model_weight(m, ROLE_UNEMBED, 0), NULL);
	if (m->arch.logit_softcap > 0)
		par_run(p, n, unembed_cap, &u);
}

void model_final_gain(float *gain, const struct model *m)
{
	const float *stored = model_vector(m, ROLE_FINAL_NORM, 0);

	for (size_t i = 0; i < m->arch.d_model; i++)
		gain[i] = m->arch.norm == NORM_RMS_PLUS_ONE ? 1 + stored[i] : stored[i];
}
