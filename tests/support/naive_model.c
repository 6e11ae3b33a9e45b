#include "tests/support/naive_model.h"

#include "num/fmath.h"

#include <string.h>

struct naive {
	const struct model *m;
	const struct arch *a;
	struct arena *mem;
	size_t n;
	double *x; /* (n, d_model) */
};

static double *doubles(struct naive *t, size_t n)
{
	return ARENA_ARRAY(t->mem, n, double);
}

/* A weight as (out, in), whatever its stored order. */
static double *matrix(struct naive *t, enum role role, size_t layer, size_t expert)
{
	const struct tensor *w = model_expert(t->m, role, layer, expert);
	float *f = ARENA_ARRAY(t->mem, w->rows * w->cols, float);
	double *d = doubles(t, w->rows * w->cols);
	size_t rows, cols;

	arch_shape(&rows, &cols, t->a, role);
	dtype_widen(f, w, 0, w->rows * w->cols);
	for (size_t o = 0; o < rows; o++)
		for (size_t i = 0; i < cols; i++)
			d[o * cols + i] = (double)(w->rows == rows ? f[o * cols + i] : f[i * rows + o]);
	/* A square one does not tell; the switches do. */
	if (rows == cols && ((t->a->transposed_weights &&
			      (role == ROLE_QKV || role == ROLE_O || role == ROLE_UP || role == ROLE_DOWN)) ||
			     (t->a->transposed_experts && role >= ROLE_EXPERT_GATE)))
		for (size_t o = 0; o < rows; o++)
			for (size_t i = 0; i < cols; i++)
				d[o * cols + i] = (double)f[i * rows + o];
	return d;
}

/* y (n, out) = x (n, in) W^T + b */
static double *linear(struct naive *t, const double *x, size_t n, enum role role, enum role bias,
		      size_t layer, size_t expert)
{
	const double *w = matrix(t, role, layer, expert);
	const float *b = bias == ROLE_COUNT ? NULL : model_expert_vector(t->m, bias, layer, expert);
	size_t rows, cols;
	double *y;

	arch_shape(&rows, &cols, t->a, role);
	y = doubles(t, n * rows);
	for (size_t i = 0; i < n; i++) {
		for (size_t o = 0; o < rows; o++) {
			double s = b ? (double)b[o] : 0;

			for (size_t k = 0; k < cols; k++)
				s += x[i * cols + k] * w[o * cols + k];
			y[i * rows + o] = s;
		}
	}
	return y;
}

static void norm_vector(const struct naive *t, double *x, size_t d, enum role role, size_t layer,
			bool layer_norm)
{
	const float *g = model_vector(t->m, role, layer);
	const float *b = layer_norm ? model_vector(t->m, role + 1, layer) : NULL;
	double mean = 0, square = 0, scale;

	for (size_t i = 0; layer_norm && i < d; i++)
		mean += x[i] / (double)d;
	for (size_t i = 0; i < d; i++)
		square += (x[i] - mean) * (x[i] - mean) / (double)d;
	scale = 1 / fm_sqrt_d(square + t->a->norm_eps);
	for (size_t i = 0; i < d; i++)
		x[i] = (x[i] - mean) * scale * ((double)g[i] + (t->a->norm == NORM_RMS_PLUS_ONE ? 1 : 0)) +
		       (b ? (double)b[i] : 0);
}

/* A normed copy of x (n, d_model). */
static double *normed(struct naive *t, const double *x, enum role role, size_t layer, bool wanted)
{
	size_t d = t->a->d_model;
	double *y = doubles(t, t->n * d);

	memcpy(y, x, t->n * d * sizeof(*y));
	for (size_t i = 0; wanted && i < t->n; i++)
		norm_vector(t, y + i * d, d, role, layer, t->a->norm == NORM_LAYER);
	return y;
}

static double sigmoid(double x)
{
	return 1 / (1 + fm_exp_d(-x));
}

static double act(const struct arch *a, double x)
{
	double u = 0.7978845608028654 * (x + 0.044715 * x * x * x);

	if (a->activation == ACT_GELU)
		return x * fm_erfc_d(-x * 0.7071067811865476) / 2;
	if (a->activation == ACT_GELU_TANH)
		return x * sigmoid(2 * u);
	return x * sigmoid(x);
}

static double gate_of(const struct arch *a, double g, double u)
{
	if (a->activation != ACT_SWIGLU_CLAMPED)
		return act(a, g) * u;
	g = g > a->swiglu_limit ? a->swiglu_limit : g;
	u = u > a->swiglu_limit ? a->swiglu_limit : u < -a->swiglu_limit ? -a->swiglu_limit : u;
	return (u + 1) * g * sigmoid(a->swiglu_alpha * g);
}

static void turn(const struct naive *t, double *head, size_t position, size_t layer)
{
	size_t half = t->a->d_rotary / 2, kind = t->a->rope_kind[layer];

	for (size_t i = 0; i < half; i++) {
		double s, c, x = head[i], y = head[i + half], f = t->a->rope_factor[kind];

		fm_sincos_d(&s, &c, (double)position * t->a->rope_freq[kind][i]);
		head[i] = f * (x * c - y * s);
		head[i + half] = f * (y * c + x * s);
	}
}

/* q, k and v as (n, heads, d_head), from whatever tensors there are. */
static void heads(struct naive *t, double *part[3], const double *h, size_t layer)
{
	static const enum role role[] = { ROLE_Q, ROLE_K, ROLE_V },
			       bias[] = { ROLE_Q_BIAS, ROLE_K_BIAS, ROLE_V_BIAS };
	const struct arch *a = t->a;
	size_t d = a->d_head, first[3] = { 0, a->n_heads, a->n_heads + a->n_kv_heads };
	size_t all = (a->n_heads + 2 * a->n_kv_heads) * d;
	double *fused;

	if (model_weight(t->m, ROLE_Q, layer)) {
		for (size_t p = 0; p < 3; p++)
			part[p] = linear(t, h, t->n, role[p], bias[p], layer, 0);
		return;
	}
	fused = linear(t, h, t->n, ROLE_QKV, ROLE_QKV_BIAS, layer, 0);
	for (size_t p = 0; p < 3; p++) {
		size_t count = p ? a->n_kv_heads : a->n_heads;

		part[p] = doubles(t, t->n * count * d);
		for (size_t i = 0; i < t->n; i++)
			for (size_t j = 0; j < count; j++)
				memcpy(part[p] + (i * count + j) * d,
				       fused + i * all + (a->qkv_interleaved ? 3 * j + p : first[p] + j) * d,
				       d * sizeof(double));
	}
}

static void prepare(const struct naive *t, double *x, size_t count, enum role norm, size_t layer)
{
	size_t d = t->a->d_head;

	for (size_t i = 0; i < t->n; i++) {
		if (t->a->qk_norm == QK_NORM_FULL)
			norm_vector(t, x + i * count * d, count * d, norm, layer, false);
		for (size_t j = 0; j < count; j++) {
			if (t->a->qk_norm == QK_NORM_HEAD)
				norm_vector(t, x + (i * count + j) * d, d, norm, layer, false);
			turn(t, x + (i * count + j) * d, i, layer);
		}
	}
}

/* One query against the keys it sees; out (d_head). */
static void attend(const struct naive *t, double *out, double *const part[3], size_t i, size_t head,
		   size_t layer)
{
	const struct arch *a = t->a;
	size_t d = a->d_head, kv = head / (a->n_heads / a->n_kv_heads);
	const double *q = part[0] + (i * a->n_heads + head) * d;
	const float *sinks = model_vector(t->m, ROLE_SINKS, layer);
	double *w = ARENA_ARRAY(t->mem, i + 1, double), sum = sinks ? fm_exp_d((double)sinks[head]) : 0;

	for (size_t j = 0; j <= i; j++) {
		double s = 0;

		if (a->window[layer] && j + a->window[layer] <= i)
			continue;
		for (size_t k = 0; k < d; k++)
			s += q[k] * part[1][(j * a->n_kv_heads + kv) * d + k];
		s *= a->attn_scale;
		if (a->attn_softcap > 0)
			s = a->attn_softcap * (2 * sigmoid(2 * s / a->attn_softcap) - 1);
		w[j] = fm_exp_d(s);
		sum += w[j];
	}
	for (size_t j = 0; j <= i; j++)
		for (size_t k = 0; k < d; k++)
			out[k] += w[j] / sum * part[2][(j * a->n_kv_heads + kv) * d + k];
}

static double *attention(struct naive *t, const double *h, size_t layer)
{
	const struct arch *a = t->a;
	double *mix = doubles(t, t->n * a->n_heads * a->d_head), *part[3];

	heads(t, part, h, layer);
	prepare(t, part[0], a->n_heads, ROLE_Q_NORM, layer);
	prepare(t, part[1], a->n_kv_heads, ROLE_K_NORM, layer);
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < a->n_heads; j++)
			attend(t, mix + (i * a->n_heads + j) * a->d_head, part, i, j, layer);
	return linear(t, mix, t->n, ROLE_O, ROLE_O_BIAS, layer, 0);
}

/* One expert for one row; adds weight times its output to y. */
static void expert_add(struct naive *t, double *y, const double *h, double weight, size_t layer, size_t x)
{
	const struct arch *a = t->a;
	double *gate, *up, *out, *both;

	if (model_expert(t->m, ROLE_EXPERT_GATE_UP, layer, x)) {
		both = linear(t, h, 1, ROLE_EXPERT_GATE_UP, ROLE_EXPERT_GATE_UP_BIAS, layer, x);
		gate = doubles(t, a->d_expert);
		up = doubles(t, a->d_expert);
		for (size_t i = 0; i < a->d_expert; i++) {
			gate[i] = both[2 * i];
			up[i] = both[2 * i + 1];
		}
	} else {
		gate = linear(t, h, 1, ROLE_EXPERT_GATE, ROLE_COUNT, layer, x);
		up = linear(t, h, 1, ROLE_EXPERT_UP, ROLE_COUNT, layer, x);
	}
	for (size_t i = 0; i < a->d_expert; i++)
		gate[i] = gate_of(a, gate[i], up[i]);
	out = linear(t, gate, 1, ROLE_EXPERT_DOWN, ROLE_EXPERT_DOWN_BIAS, layer, x);
	for (size_t i = 0; i < a->d_model; i++)
		y[i] += weight * out[i];
}

static double *experts(struct naive *t, const double *h, size_t layer)
{
	const struct arch *a = t->a;
	double *y = doubles(t, t->n * a->d_model);
	const double *score = linear(t, h, t->n, ROLE_ROUTER, ROLE_ROUTER_BIAS, layer, 0);

	for (size_t i = 0; i < t->n; i++) {
		double chosen = 0, all = 0;
		bool *used = ARENA_ARRAY(t->mem, a->n_experts, bool);

		for (size_t k = 0; k < a->n_experts_used; k++) {
			size_t best = a->n_experts;

			for (size_t x = 0; x < a->n_experts; x++)
				if (!used[x] &&
				    (best == a->n_experts ||
				     score[i * a->n_experts + x] > score[i * a->n_experts + best]))
					best = x;
			used[best] = true;
		}
		for (size_t x = 0; x < a->n_experts; x++) {
			all += fm_exp_d(score[i * a->n_experts + x]);
			chosen += used[x] ? fm_exp_d(score[i * a->n_experts + x]) : 0;
		}
		if (a->experts == EXPERTS_SOFTMAX_CHOSEN || a->renormalise)
			all = chosen;
		for (size_t x = 0; x < a->n_experts; x++)
			if (used[x])
				expert_add(t, y + i * a->d_model, h + i * a->d_model,
					   fm_exp_d(score[i * a->n_experts + x]) / all, layer, x);
	}
	return y;
}

static double *feed_forward(struct naive *t, const double *h, size_t layer)
{
	const struct arch *a = t->a;
	double *up, *gate;

	if (a->sparse[layer])
		return experts(t, h, layer);
	up = linear(t, h, t->n, ROLE_UP, ROLE_UP_BIAS, layer, 0);
	gate = a->gated ? linear(t, h, t->n, ROLE_GATE, ROLE_GATE_BIAS, layer, 0) : NULL;
	for (size_t i = 0; i < t->n * a->d_ffn; i++)
		up[i] = gate ? gate_of(a, gate[i], up[i]) : act(a, up[i]);
	return linear(t, up, t->n, ROLE_DOWN, ROLE_DOWN_BIAS, layer, 0);
}

static void block(struct naive *t, size_t layer)
{
	const struct arch *a = t->a;
	size_t n = t->n * a->d_model;
	const double *before = t->x, *delta;
	double *x = doubles(t, n);

	delta = attention(t, normed(t, before, ROLE_ATTN_NORM, layer, a->pre_norm), layer);
	delta = normed(t, delta, ROLE_ATTN_POST_NORM, layer, a->post_norm);
	for (size_t i = 0; i < n; i++)
		x[i] = before[i] + delta[i];
	delta = feed_forward(t, normed(t, a->parallel_block ? before : x, ROLE_FFN_NORM, layer, a->pre_norm),
			     layer);
	delta = normed(t, delta, ROLE_FFN_POST_NORM, layer, a->post_norm);
	for (size_t i = 0; i < n; i++)
		x[i] += delta[i];
	t->x = x;
}

static void embed(struct naive *t, const int32_t *id)
{
	size_t d = t->a->d_model;
	const double *e = matrix(t, ROLE_EMBED, 0, 0);
	const double *p = t->a->position == POSITION_LEARNED ? matrix(t, ROLE_POSITION, 0, 0) : NULL;

	t->x = doubles(t, t->n * d);
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < d; j++)
			t->x[i * d + j] =
				e[(size_t)id[i] * d + j] * t->a->embed_scale + (p ? p[i * d + j] : 0);
}

void naive_model(double **logits, double **resid, struct arena *mem, const struct model *m, const int32_t *id,
		 size_t n)
{
	struct naive t = { .m = m, .a = model_arch(m), .mem = mem, .n = n };
	size_t d = t.a->d_model;

	*resid = doubles(&t, t.a->n_layers * n * d);
	embed(&t, id);
	for (size_t l = 0; l < t.a->n_layers; l++) {
		block(&t, l);
		memcpy(*resid + l * n * d, t.x, n * d * sizeof(double));
	}
	*logits = linear(&t, normed(&t, t.x, ROLE_FINAL_NORM, 0, true), n, ROLE_UNEMBED, ROLE_COUNT, 0, 0);
	for (size_t i = 0; t.a->logit_softcap > 0 && i < n * t.a->n_vocab; i++)
		(*logits)[i] = t.a->logit_softcap * (2 * sigmoid(2 * (*logits)[i] / t.a->logit_softcap) - 1);
}

double *naive_lens(struct arena *mem, const struct model *m, const float *x)
{
	struct naive t = { .m = m, .a = model_arch(m), .mem = mem, .n = 1 };
	double *row = doubles(&t, t.a->d_model);

	for (size_t i = 0; i < t.a->d_model; i++)
		row[i] = (double)x[i];
	return linear(&t, normed(&t, row, ROLE_FINAL_NORM, 0, true), 1, ROLE_UNEMBED, ROLE_COUNT, 0, 0);
}
