#include "model/attention.h"

#include "num/fmath.h"
#include "num/gemm.h"
#include "num/ops.h"

#include <string.h>

/* A block: queries times the heads that share a kv head, and keys. */
#ifdef TEST_TINY
enum { QUERY_ROWS = 6, KEYS = GEMM_PANEL };
#else
enum { QUERY_ROWS = 128, KEYS = 128 };
#endif

_Static_assert(KEYS % GEMM_PANEL == 0, "blocks of keys are whole panels");

static size_t whole_panels(size_t n)
{
	return n > SIZE_MAX - GEMM_PANEL ? SIZE_MAX : (n + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL;
}

size_t kv_head_floats(size_t context, size_t d_head)
{
	size_t positions = whole_panels(context), width = whole_panels(d_head);

	return width && positions > SIZE_MAX / width ? SIZE_MAX : positions * width;
}

struct kv_head kv_head_at(const struct kv_head *first, size_t i)
{
	size_t at = i * kv_head_floats(first->context, first->d_head);

	return (struct kv_head){ first->k + at, first->v + at, first->context, first->d_head };
}

void kv_head_put(const struct kv_head *h, size_t position, const float *k, const float *v)
{
	size_t context = whole_panels(h->context), d = h->d_head;
	float *column = h->k + position / GEMM_PANEL * d * GEMM_PANEL + position % GEMM_PANEL;

	for (size_t i = 0; i < d; i++)
		column[i * GEMM_PANEL] = k[i];
	for (size_t i = 0; i < d; i += GEMM_PANEL)
		memcpy(h->v + i * context + position * GEMM_PANEL, v + i,
		       (d - i < GEMM_PANEL ? d - i : GEMM_PANEL) * sizeof(*v));
}

void kv_head_copy(const struct kv_head *to, const struct kv_head *from, size_t n)
{
	size_t context = whole_panels(from->context), d = from->d_head;

	memcpy(to->k, from->k, whole_panels(n) * d * sizeof(*to->k));
	for (size_t i = 0; i < d; i += GEMM_PANEL)
		memcpy(to->v + i * context, from->v + i * context, n * GEMM_PANEL * sizeof(*to->v));
}

/* The state of a block's running softmax. */
struct block {
	float *q, *o;	    /* (rows, d_head) */
	float *s;	    /* (rows, KEYS) scores, then weights */
	float *top;	    /* (rows) largest score so far */
	double *sum;	    /* (rows) of exp(score - top) */
	size_t rows, first; /* of the run's rows * group, queries outside, heads inside */
	size_t group, head; /* heads that share the kv head, and the first of them */
	const struct run *run;
};

size_t attention_scratch(size_t d_head)
{
	return QUERY_ROWS * ((2 * d_head + KEYS) * sizeof(float) + sizeof(float) + sizeof(double));
}

static void carve(struct block *b, void *scratch, size_t d_head)
{
	char *p = scratch;

	b->sum = scratch;
	b->top = (void *)(p + QUERY_ROWS * sizeof(*b->sum));
	b->q = b->top + QUERY_ROWS;
	b->o = b->q + QUERY_ROWS * d_head;
	b->s = b->o + QUERY_ROWS * d_head;
}

static size_t blocks_of(const struct attention *a, const struct run *r)
{
	return (r->n * (a->n_heads / a->n_kv_heads) + QUERY_ROWS - 1) / QUERY_ROWS;
}

/* The position of a row of the block. */
static size_t position_of(const struct block *b, size_t row)
{
	return b->run->position + (b->first + row) / b->group;
}

static size_t first_key(const struct attention *a, size_t position)
{
	return a->window && position + 1 > a->window ? position + 1 - a->window : 0;
}

/* The scores of one row against keys k0 .. k0+n become weights; what it holds so far is brought to the new top. */
static void row_soften(const struct attention *a, const struct block *b, size_t row, size_t k0, size_t n)
{
	size_t position = position_of(b, row), lo = first_key(a, position), hi = position + 1;
	float *s = b->s + row * KEYS;
	float top;

	lo = lo > k0 ? lo - k0 : 0;
	hi = hi > k0 ? hi - k0 : 0;
	hi = hi < n ? hi : n;
	if (lo >= hi) {
		memset(s, 0, n * sizeof(*s));
		return;
	}
	memset(s, 0, lo * sizeof(*s));
	memset(s + hi, 0, (n - hi) * sizeof(*s));
	if (a->softcap > 0)
		op_softcap(s + lo, hi - lo, a->softcap);
	top = op_max(s + lo, hi - lo, b->top[row]);
	if (top > b->top[row]) {
		float fade = fm_exp(b->top[row] - top);

		b->sum[row] *= (double)fade;
		op_scale(b->o + row * a->d_head, fade, a->d_head);
		b->top[row] = top;
	}
	b->sum[row] += op_exp_sum(s + lo, s + lo, hi - lo, top);
}

static void block_begin(const struct attention *a, const struct block *b)
{
	for (size_t r = 0; r < b->rows; r++) {
		size_t query = (b->first + r) / b->group, head = b->head + (b->first + r) % b->group;
		float *q = b->q + r * a->d_head;

		memcpy(q, a->q.p + (b->run->row + query) * a->q.row + head * a->q.head,
		       a->d_head * sizeof(*q));
		op_scale(q, a->scale, a->d_head);
		/* A sink is a score that was seen before all others. */
		b->top[r] = a->sinks ? a->sinks[head] : -__builtin_inff();
		b->sum[r] = a->sinks ? 1 : 0;
	}
	memset(b->o, 0, b->rows * a->d_head * sizeof(*b->o));
}

static void block_end(const struct attention *a, const struct block *b)
{
	for (size_t r = 0; r < b->rows; r++) {
		size_t query = (b->first + r) / b->group, head = b->head + (b->first + r) % b->group;
		float *o = b->o + r * a->d_head;

		op_scale(o, (float)(1 / b->sum[r]), a->d_head);
		memcpy(a->out + ((b->run->row + query) * a->n_heads + head) * a->d_head, o,
		       a->d_head * sizeof(*o));
	}
}

static void block_attend(const struct attention *a, const struct block *b, size_t kv)
{
	struct kv_head cache = kv_head_at(&a->cache, b->run->seq * a->n_kv_heads + kv);
	size_t d = a->d_head, context = whole_panels(cache.context);
	/* Blocks begin at multiples of KEYS, so that sums are grouped alike whatever else is in the feed. */
	size_t lo = first_key(a, position_of(b, 0)) / KEYS * KEYS, hi = position_of(b, b->rows - 1) + 1;

	block_begin(a, b);
	for (size_t k0 = lo; k0 < hi; k0 += KEYS) {
		size_t n = hi - k0 < KEYS ? hi - k0 : KEYS;

		gemm_tile_panels(b->s, KEYS, b->q, d, cache.k + k0 * d, d * GEMM_PANEL, b->rows,
				 whole_panels(n), d, 0);
		for (size_t r = 0; r < b->rows; r++)
			row_soften(a, b, r, k0, n);
		gemm_tile_panels(b->o, d, b->s, KEYS, cache.v + k0 * GEMM_PANEL, context * GEMM_PANEL,
				 b->rows, d, n, 1);
	}
	block_end(a, b);
}

static void attend_unit(void *ud, size_t unit, void *scratch)
{
	const struct attention *a = ud;
	const struct run *run = a->run;
	struct block b = { .group = a->n_heads / a->n_kv_heads };
	size_t kv, blocks;

	while (unit >= (blocks = blocks_of(a, run)) * a->n_kv_heads) {
		unit -= blocks * a->n_kv_heads;
		run++;
	}
	kv = unit % a->n_kv_heads;
	/* The last blocks see the most keys: they go first, so that no thread ends with a long one. */
	b.first = (blocks - 1 - unit / a->n_kv_heads) * QUERY_ROWS;
	b.rows = run->n * b.group - b.first < QUERY_ROWS ? run->n * b.group - b.first : QUERY_ROWS;
	b.head = kv * b.group;
	b.run = run;
	carve(&b, scratch, a->d_head);
	block_attend(a, &b, kv);
}

void attention_all(struct par *p, const struct attention *a)
{
	struct attention copy = *a;
	size_t n = 0;

	BUG_ON(par_scratch(p) < attention_scratch(a->d_head));
	for (size_t i = 0; i < a->n_runs; i++)
		n += blocks_of(a, &a->run[i]) * a->n_kv_heads;
	par_run(p, n, attend_unit, &copy);
}
