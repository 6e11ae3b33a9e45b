#include "model/session_state.h"

#include "num/fmath.h"
#include "num/ops.h"

#include <string.h>

/*
 * The forward pass.  Where the switches of struct arch act:
 *   position, embed_scale                     begin_unit()
 *   pre_norm, parallel_block                  run_block()
 *   qkv_interleaved                           heads_of()
 *   qk_norm, rope_kind, rope_far, rope_factor turn_row()
 *   window, attn_scale, attn_softcap, sinks   attend()
 *   sparse, gated, activation                 feed_forward()
 *   post_norm                                 add_unit()
 *   logit_softcap                             model_unembed(), readout.c
 *   norm, transposed_weights, tied_embedding  model.c
 *   experts, renormalise, experts_interleaved experts.c
 */

enum { ROWS = 8 }; /* of a unit of row operations */

/* Runs fn over the rows of the feed, ROWS at a time. */
static void each_rows(struct session *s, par_fn fn, void *ud)
{
	par_run(s->par, (s->n + ROWS - 1) / ROWS, fn, ud);
}

#define ROWS_OF_UNIT(i, unit, n) for (size_t i = (unit)*ROWS; i < (n) && i < ((unit) + 1) * ROWS; i++)

/* What one step of a block needs to know. */
struct step {
	struct session *s;
	size_t layer;
	enum role norm;
	float *from, *to;
	struct strided q, k, v;
};

static void angles(const struct session *s, size_t kind, size_t row)
{
	size_t half = s->a->d_rotary / 2;

	for (size_t i = 0; i < half; i++) {
		double sin, cos;

		fm_sincos_d(&sin, &cos, (double)s->at[row] * s->a->rope_freq[kind][i]);
		s->cos[kind][row * half + i] = (float)(cos * s->a->rope_factor[kind]);
		s->sin[kind][row * half + i] = (float)(sin * s->a->rope_factor[kind]);
	}
}

static void begin_unit(void *ud, size_t unit, void *scratch)
{
	struct session *s = ud;
	size_t d = s->a->d_model;

	ROWS_OF_UNIT(i, unit, s->n)
	{
		float *x = s->x + i * d;

		for (size_t kind = 0; kind < 2 && s->a->rope_freq[kind]; kind++)
			angles(s, kind, i);
		if (s->first > 0)
			continue;
		dtype_widen(x, model_weight(s->m, ROLE_EMBED, 0), (size_t)s->id[i] * d, d);
		if (s->a->embed_scale != 1)
			op_scale(x, (float)s->a->embed_scale, d);
		if (s->a->position == POSITION_LEARNED) {
			dtype_widen(s->h + i * d, model_weight(s->m, ROLE_POSITION, 0), (size_t)s->at[i] * d,
				    d);
			op_add(x, s->h + i * d, d);
		}
	}
	(void)scratch;
}

static void norm_unit(void *ud, size_t unit, void *scratch)
{
	struct step *t = ud;
	size_t d = t->s->a->d_model;

	(void)scratch;
	ROWS_OF_UNIT(i, unit, t->s->n)
	model_norm(t->to + i * d, t->s->m, t->from + i * d, t->norm, t->layer);
}

/* to = norm(x), or a view of x where the family has no norm there. */
static const float *normed(struct session *s, float *to, enum role role, size_t layer)
{
	struct step t = { .s = s, .layer = layer, .norm = role, .from = s->x, .to = to };

	if (!s->a->pre_norm)
		return s->x;
	each_rows(s, norm_unit, &t);
	return to;
}

/* x += y, or its norm. */
static void add_unit(void *ud, size_t unit, void *scratch)
{
	struct step *t = ud;
	struct session *s = t->s;
	size_t d = s->a->d_model;

	(void)scratch;
	ROWS_OF_UNIT(i, unit, s->n)
	{
		if (s->a->post_norm)
			model_norm(s->y + i * d, s->m, s->y + i * d, t->norm, t->layer);
		op_add(s->x + i * d, s->y + i * d, d);
	}
}

static void add(struct session *s, enum role post_norm, size_t layer)
{
	struct step t = { .s = s, .layer = layer, .norm = post_norm };

	each_rows(s, add_unit, &t);
}

/* Where q, k and v lie after their products. */
static void heads_of(struct step *t)
{
	struct session *s = t->s;
	const struct arch *a = s->a;
	size_t q = a->n_heads * a->d_head, kv = a->n_kv_heads * a->d_head, all = q + 2 * kv, d = a->d_head;

	if (a->qkv_interleaved) {
		t->q = (struct strided){ s->qkv, all, 3 * d };
		t->k = (struct strided){ s->qkv + d, all, 3 * d };
		t->v = (struct strided){ s->qkv + 2 * d, all, 3 * d };
	} else if (model_weight(s->m, ROLE_QKV, t->layer)) {
		t->q = (struct strided){ s->qkv, all, d };
		t->k = (struct strided){ s->qkv + q, all, d };
		t->v = (struct strided){ s->qkv + q + kv, all, d };
	} else {
		t->q = (struct strided){ s->qkv, q, d };
		t->k = (struct strided){ s->qkv + s->n * q, kv, d };
		t->v = (struct strided){ s->qkv + s->n * (q + kv), kv, d };
	}
}

/* Norm and rotation of the heads of one row of q or k. */
static void turn_row(const struct step *t, const struct strided *x, size_t row, size_t n_heads,
		     enum role norm)
{
	const struct arch *a = t->s->a;
	const float *gain = model_vector(t->s->m, norm, t->layer);
	size_t half = a->d_rotary / 2,
	       kind = a->rope_far ? t->s->far[t->s->seq[row]] : a->rope_kind[t->layer];
	float *first = x->p + row * x->row;

	if (a->qk_norm == QK_NORM_FULL)
		op_rmsnorm(first, first, gain, n_heads * a->d_head, (float)a->norm_eps,
			   a->norm == NORM_RMS_PLUS_ONE);
	for (size_t h = 0; h < n_heads; h++) {
		float *head = first + h * x->head;

		if (a->qk_norm == QK_NORM_HEAD)
			op_rmsnorm(head, head, gain, a->d_head, (float)a->norm_eps,
				   a->norm == NORM_RMS_PLUS_ONE);
		if (half)
			op_rope(head, 1, a->d_head, a->d_rotary, t->s->cos[kind] + row * half,
				t->s->sin[kind] + row * half);
	}
}

/* Turns q and k, and lays k and v into the caches. */
static void turn_unit(void *ud, size_t unit, void *scratch)
{
	struct step *t = ud;
	struct session *s = t->s;
	const struct arch *a = s->a;

	(void)scratch;
	ROWS_OF_UNIT(i, unit, s->n)
	{
		turn_row(t, &t->q, i, a->n_heads, ROLE_Q_NORM);
		turn_row(t, &t->k, i, a->n_kv_heads, ROLE_K_NORM);
		for (size_t h = 0; h < a->n_kv_heads; h++) {
			struct kv_head to = session_kv(s, t->layer, s->seq[i], h);

			kv_head_put(&to, s->at[i], t->k.p + i * t->k.row + h * t->k.head,
				    t->v.p + i * t->v.row + h * t->v.head);
		}
	}
}

/* y = attention of h (n, d_model) */
static void attend(struct session *s, const float *h, size_t layer)
{
	const struct arch *a = s->a;
	struct step t = { .s = s, .layer = layer };
	struct attention attention = {
		.cache = session_kv(s, layer, 0, 0),
		.out = s->mix,
		.run = s->run,
		.n_runs = s->n_runs,
		.n_heads = a->n_heads,
		.n_kv_heads = a->n_kv_heads,
		.d_head = a->d_head,
		.window = a->window[layer],
		.scale = (float)a->attn_scale,
		.softcap = (float)a->attn_softcap,
		.sinks = model_vector(s->m, ROLE_SINKS, layer),
	};

	heads_of(&t);
	if (model_weight(s->m, ROLE_QKV, layer)) {
		model_product(s->qkv, s->m, s->par, h, s->n, ROLE_QKV, layer);
	} else {
		model_product(t.q.p, s->m, s->par, h, s->n, ROLE_Q, layer);
		model_product(t.k.p, s->m, s->par, h, s->n, ROLE_K, layer);
		model_product(t.v.p, s->m, s->par, h, s->n, ROLE_V, layer);
	}
	each_rows(s, turn_unit, &t);
	attention.q = t.q;
	attention_all(s->par, &attention);
	model_product(s->y, s->m, s->par, s->mix, s->n, ROLE_O, layer);
}

static void act_unit(void *ud, size_t unit, void *scratch)
{
	struct session *s = ud;
	size_t d = s->a->d_ffn;

	(void)scratch;
	ROWS_OF_UNIT(i, unit, s->n)
	{
		float *x = (s->a->gated ? s->gate : s->up) + i * d;

		switch (s->a->activation) {
		case ACT_GELU: op_gelu(x, d); break;
		case ACT_GELU_TANH: op_gelu_tanh(x, d); break;
		case ACT_SWIGLU_CLAMPED:
			op_swiglu_clamped(x, x, s->up + i * d, d, (float)s->a->swiglu_alpha,
					  (float)s->a->swiglu_limit);
			break;
		default: op_silu(x, d);
		}
		if (s->a->gated && s->a->activation != ACT_SWIGLU_CLAMPED)
			op_mul(x, s->up + i * d, d);
	}
}

/* y = feed-forward of h (n, d_model) */
static void feed_forward(struct session *s, const float *h, size_t layer)
{
	if (s->a->sparse[layer]) {
		experts_all(s->y, &s->work, s->m, s->par, h, s->n, layer);
		return;
	}
	if (s->a->gated)
		model_product(s->gate, s->m, s->par, h, s->n, ROLE_GATE, layer);
	model_product(s->up, s->m, s->par, h, s->n, ROLE_UP, layer);
	each_rows(s, act_unit, s);
	model_product(s->y, s->m, s->par, s->a->gated ? s->gate : s->up, s->n, ROLE_DOWN, layer);
}

static void run_block(struct session *s, size_t layer)
{
	const float *beside = s->a->parallel_block ? normed(s, s->h2, ROLE_FFN_NORM, layer) : NULL;

	attend(s, normed(s, s->h, ROLE_ATTN_NORM, layer), layer);
	add(s, ROLE_ATTN_POST_NORM, layer);
	feed_forward(s, beside ? beside : normed(s, s->h, ROLE_FFN_NORM, layer), layer);
	add(s, ROLE_FFN_POST_NORM, layer);
}

static void tap_all(struct session *s, struct taps taps, size_t layer)
{
	struct rows rows = { s->id, s->seq, s->at, s->n };

	for (size_t i = 0; i < taps.n; i++) {
		if (taps.tap[i].layer == layer)
			taps.tap[i].fn(taps.tap[i].ud, s->x, s->a->d_model, &rows);
	}
}

void forward(struct session *s, struct taps taps)
{
	each_rows(s, begin_unit, s);
	if (s->first > 0)
		tap_all(s, taps, s->first - 1);
	for (size_t l = s->first; l < s->n_blocks; l++) {
		run_block(s, l);
		tap_all(s, taps, l);
	}
}
