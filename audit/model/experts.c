#include "model/experts.h"

#include "num/ops.h"
#include "num/reduce.h"

#include <string.h>

enum { ROWS = 8 };

struct mixing {
	const struct experts_work *w;
	const struct model *m;
	const struct arch *a;
	const float *x; /* (n, d_model) */
	float *y;
	size_t n, layer;
	size_t begin, count; /* of the expert at work, in w->row */
};

static size_t units_of(size_t n)
{
	return (n + ROWS - 1) / ROWS;
}

static void choose_row(const struct mixing *x, size_t i)
{
	size_t n = x->a->n_experts, k = x->a->n_experts_used;
	float *score = x->w->router + i * n, *weight = x->w->weight + i * k;
	uint32_t *choice = x->w->choice + i * k;
	double sum = 0;

	if (x->a->experts == EXPERTS_SOFTMAX_ALL)
		op_softmax(score, n);
	reduce_top_k(choice, k, score, n);
	for (size_t j = 0; j < k; j++) {
		weight[j] = score[choice[j]];
		sum += (double)weight[j];
	}
	if (x->a->experts == EXPERTS_SOFTMAX_CHOSEN)
		op_softmax(weight, k);
	else if (x->a->renormalise)
		for (size_t j = 0; j < k; j++)
			weight[j] = (float)((double)weight[j] / sum);
}

static void choose_unit(void *ud, size_t unit, void *scratch)
{
	const struct mixing *x = ud;

	(void)scratch;
	for (size_t i = unit * ROWS; i < x->n && i < (unit + 1) * ROWS; i++) {
		choose_row(x, i);
		memset(x->y + i * x->a->d_model, 0, x->a->d_model * sizeof(*x->y));
	}
}

/* Counting sort of all choices by expert, rows in order. */
static void group(const struct mixing *x)
{
	const struct experts_work *w = x->w;
	size_t total = x->n * x->a->n_experts_used, sum = 0;

	memset(w->first, 0, (x->a->n_experts + 1) * sizeof(*w->first));
	for (size_t i = 0; i < total; i++)
		w->first[w->choice[i]]++;
	for (size_t e = 0; e <= x->a->n_experts; e++) {
		size_t count = w->first[e];

		w->first[e] = sum;
		sum += count;
	}
	for (size_t i = 0; i < total; i++) {
		size_t at = w->first[w->choice[i]]++;

		w->row[at] = (uint32_t)(i / x->a->n_experts_used);
		w->slot[at] = (uint32_t)(i % x->a->n_experts_used);
	}
	/* Each start has moved to the next one's. */
	memmove(w->first + 1, w->first, x->a->n_experts * sizeof(*w->first));
	w->first[0] = 0;
}

static void gather_unit(void *ud, size_t unit, void *scratch)
{
	const struct mixing *x = ud;
	size_t d = x->a->d_model;

	(void)scratch;
	for (size_t i = unit * ROWS; i < x->count && i < (unit + 1) * ROWS; i++)
		memcpy(x->w->x + i * d, x->x + x->w->row[x->begin + i] * d, d * sizeof(float));
}

static void act_row(const struct mixing *x, size_t i)
{
	size_t d = x->a->d_expert;
	float *gate = x->w->gate + i * d, *up = x->w->up + i * d;

	if (x->w->fused) {
		const float *both = x->w->fused + i * 2 * d;

		for (size_t j = 0; j < d; j++) {
			gate[j] = both[x->a->experts_interleaved ? 2 * j : j];
			up[j] = both[x->a->experts_interleaved ? 2 * j + 1 : d + j];
		}
	}
	if (x->a->activation == ACT_SWIGLU_CLAMPED) {
		op_swiglu_clamped(gate, gate, up, d, (float)x->a->swiglu_alpha, (float)x->a->swiglu_limit);
		return;
	}
	if (x->a->activation == ACT_SILU)
		op_silu(gate, d);
	else if (x->a->activation == ACT_GELU)
		op_gelu(gate, d);
	else
		op_gelu_tanh(gate, d);
	op_mul(gate, up, d);
}

static void act_unit(void *ud, size_t unit, void *scratch)
{
	const struct mixing *x = ud;

	(void)scratch;
	for (size_t i = unit * ROWS; i < x->count && i < (unit + 1) * ROWS; i++)
		act_row(x, i);
}

static void scatter_unit(void *ud, size_t unit, void *scratch)
{
	const struct mixing *x = ud;
	size_t d = x->a->d_model;

	(void)scratch;
	for (size_t i = unit * ROWS; i < x->count && i < (unit + 1) * ROWS; i++) {
		size_t row = x->w->row[x->begin + i], slot = x->w->slot[x->begin + i];

		op_axpy(x->y + row * d, x->w->weight[row * x->a->n_experts_used + slot], x->w->y + i * d, d);
	}
}

static void expert_run(struct mixing *x, struct par *p, size_t expert)
{
	const struct experts_work *w = x->w;
	size_t units;

	x->begin = w->first[expert];
	x->count = w->first[expert + 1] - x->begin;
	if (!x->count)
		return;
	units = units_of(x->count);
	par_run(p, units, gather_unit, x);
	if (w->fused) {
		model_expert_product(w->fused, x->m, p, w->x, x->count, ROLE_EXPERT_GATE_UP, x->layer,
				     expert);
	} else {
		model_expert_product(w->gate, x->m, p, w->x, x->count, ROLE_EXPERT_GATE, x->layer, expert);
		model_expert_product(w->up, x->m, p, w->x, x->count, ROLE_EXPERT_UP, x->layer, expert);
	}
	par_run(p, units, act_unit, x);
	model_expert_product(w->y, x->m, p, w->gate, x->count, ROLE_EXPERT_DOWN, x->layer, expert);
	par_run(p, units, scatter_unit, x);
}

void experts_all(float *y, const struct experts_work *w, const struct model *m, struct par *p, const float *x,
		 size_t n, size_t layer)
{
	struct mixing mix = { .w = w, .m = m, .a = model_arch(m), .x = x, .y = y, .n = n, .layer = layer };

	model_product(w->router, m, p, x, n, ROLE_ROUTER, layer);
	par_run(p, units_of(n), choose_unit, &mix);
	group(&mix);
	for (size_t e = 0; e < mix.a->n_experts; e++)
		expert_run(&mix, p, e);
}
