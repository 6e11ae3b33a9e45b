#include "model/session_state.h"

#include "num/gemm.h"

#include <string.h>

/* a * b, or the largest size where that does not fit. */
static size_t times(size_t a, size_t b)
{
	return a && b > SIZE_MAX / a ? SIZE_MAX : a * b;
}

static size_t plus(size_t a, size_t b)
{
	return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/* Lays everything out from `base` (NULL: only measures). The one list of what a session holds. */
static size_t carve(struct session *s, const struct arch *a, const struct session_opts *o, char *base)
{
	enum { LINE = 64 };
	size_t rows = o->max_rows, seqs = o->max_seqs, half = a->d_rotary / 2, picks = times(rows, a->n_experts_used);
	size_t qkv = (a->n_heads + 2 * a->n_kv_heads) * a->d_head, dense = a->name[ROLE_DOWN] ? a->d_ffn : 0;
	size_t cache = times(times(times(a->n_layers, seqs), a->n_kv_heads), times(o->max_context, a->d_head));
	size_t scan = a->n_vocab < SCAN_COLS ? a->n_vocab : SCAN_COLS, second = a->parallel_block ? a->d_model : 0;
	size_t sparse = a->experts != EXPERTS_NONE ? 1 : 0, wide = sparse * a->d_model, expert = sparse * a->d_expert;
	struct experts_work *w = &s->work;
	const struct {
		void *where;       /* of a pointer */
		size_t n, size;
	} part[] = {
		{ &s->position, seqs, sizeof(size_t) }, { &s->depth, seqs, sizeof(size_t) },
		{ &s->seen, seqs, sizeof(uint32_t) },
		{ &s->k, cache, sizeof(float) }, { &s->v, cache, sizeof(float) },
		{ &s->id, rows, sizeof(int32_t) }, { &s->seq, rows, sizeof(uint32_t) }, { &s->at, rows, sizeof(uint32_t) },
		{ &s->run, seqs < rows ? seqs : rows, sizeof(struct run) },
		{ &s->x, times(rows, a->d_model), sizeof(float) }, { &s->h, times(rows, a->d_model), sizeof(float) },
		{ &s->h2, times(rows, second), sizeof(float) }, { &s->y, times(rows, a->d_model), sizeof(float) },
		{ &s->qkv, times(rows, qkv), sizeof(float) },
		{ &s->mix, times(rows, a->n_heads * a->d_head), sizeof(float) },
		{ &s->gate, times(rows, a->gated ? dense : 0), sizeof(float) }, { &s->up, times(rows, dense), sizeof(float) },
		{ &s->cos[0], times(rows, half), sizeof(float) }, { &s->sin[0], times(rows, half), sizeof(float) },
		{ &s->cos[1], times(rows, a->rope_freq[1] ? half : 0), sizeof(float) },
		{ &s->sin[1], times(rows, a->rope_freq[1] ? half : 0), sizeof(float) },
		{ &w->router, times(rows, sparse * a->n_experts), sizeof(float) },
		{ &w->choice, sparse * picks, sizeof(uint32_t) }, { &w->weight, sparse * picks, sizeof(float) },
		{ &w->row, sparse * picks, sizeof(uint32_t) }, { &w->slot, sparse * picks, sizeof(uint32_t) },
		{ &w->first, sparse * (a->n_experts + 1), sizeof(size_t) },
		{ &w->x, times(rows, wide), sizeof(float) }, { &w->y, times(rows, wide), sizeof(float) },
		{ &w->gate, times(rows, expert), sizeof(float) }, { &w->up, times(rows, expert), sizeof(float) },
		{ &w->fused, times(rows, a->name[ROLE_EXPERT_GATE_UP] ? 2 * expert : 0), sizeof(float) },
		{ &s->scan, times(rows, scan), sizeof(float) }, { &s->top, rows, sizeof(float) },
		{ &s->sum, rows, sizeof(double) }, { &s->hit, rows, sizeof(double) }, { &s->best, rows, sizeof(int32_t) },
	};
	size_t total = 0;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		size_t bytes = times(part[i].n, part[i].size);
		void *p = base && bytes ? base + total : NULL;

		memcpy(part[i].where, &p, sizeof(p));
		total = plus(total, plus(bytes, (LINE - bytes % LINE) % LINE));
	}
	return total;
}

size_t session_bytes(const struct arch *a, const struct session_opts *o)
{
	struct session s = { .m = NULL };

	return carve(&s, a, o, NULL);
}

static int opts_check(const struct arch *a, const struct session_opts *o, struct err *e)
{
	if (!o->max_seqs || !o->max_context || !o->max_rows || o->max_seqs > UINT32_MAX || o->max_rows > UINT32_MAX ||
	    o->max_context > UINT32_MAX)
		return err_set(e, ERR_USAGE, "a session of %zu sequences, %zu positions and %zu rows: each must be at least 1",
			       o->max_seqs, o->max_context, o->max_rows);
	if (a->context_limit && o->max_context > a->context_limit)
		return err_set(e, ERR_INPUT, "a context of %zu tokens: this model (%s) is defined up to %zu", o->max_context,
			       a->family, a->context_limit);
	return 0;
}

int session_new(struct session **out, const struct model *m, struct par *p, const struct session_opts *o, struct err *e)
{
	const struct arch *a = model_arch(m);
	struct session *s;

	BUG_ON(par_scratch(p) < GEMM_SCRATCH);
	if (opts_check(a, o, e) < 0)
		return -1;
	s = mem_alloc(1, sizeof(*s));
	if (mem_reserve(&s->block, 1, session_bytes(a, o), "session", e) < 0) {
		mem_free(s);
		return -1;
	}
	carve(s, a, o, s->block);
	s->m = m;
	s->a = a;
	s->par = p;
	s->opts = *o;
	for (size_t i = 0; i < o->max_seqs; i++)
		s->depth[i] = a->n_layers;
	*out = s;
	return 0;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	mem_free(s->block);
	mem_free(s);
}

const struct model *session_model(const struct session *s)
{
	return s->m;
}

struct session_opts session_plan(const struct session *s)
{
	return s->opts;
}

/* One row of a feed, against what the session is; changes nothing but `seen` and the list of runs. */
static int row_check(struct session *s, const int32_t *id, const uint32_t *seq, size_t i, size_t n_blocks, struct err *e)
{
	struct run *run;

	if (id[i] < 0 || (size_t)id[i] >= s->a->n_vocab)
		return err_set(e, ERR_INPUT, "token %d is outside the model's vocabulary of %zu", id[i], s->a->n_vocab);
	if (seq[i] >= s->opts.max_seqs)
		return err_set(e, ERR_INPUT, "sequence %u of a session of %zu", seq[i], s->opts.max_seqs);
	if (!i || seq[i] != seq[i - 1]) {
		if (s->seen[seq[i]] == s->feed)
			return err_set(e, ERR_INPUT, "the rows of sequence %u do not stand together", seq[i]);
		s->seen[seq[i]] = s->feed;
		if (s->position[seq[i]] && s->depth[seq[i]] < n_blocks)
			return err_set(e, ERR_INPUT, "sequence %u went through %zu blocks so far and cannot go through %zu now",
				       seq[i], s->depth[seq[i]], n_blocks);
		s->run[s->n_runs++] = (struct run){ seq[i], i, 0, s->position[seq[i]] };
	}
	run = &s->run[s->n_runs - 1];
	if (run->position + run->n >= s->opts.max_context)
		return err_set(e, ERR_INPUT, "sequence %u is longer than the %zu positions planned", seq[i],
			       s->opts.max_context);
	run->n++;
	return 0;
}

static int feed_check(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t n_blocks, struct err *e)
{
	if (!n || n > s->opts.max_rows)
		return err_set(e, ERR_INPUT, "a feed of %zu rows; 1 to %zu were planned", n, s->opts.max_rows);
	s->n_runs = 0;
	/* 0 is "never", also when the count comes round. */
	if (++s->feed == 0) {
		memset(s->seen, 0, s->opts.max_seqs * sizeof(*s->seen));
		s->feed++;
	}
	for (size_t i = 0; i < n; i++)
		if (row_check(s, id, seq, i, n_blocks, e) < 0)
			return -1;
	return 0;
}

int session_feed(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t n_blocks, struct taps taps,
		 struct err *e)
{
	size_t blocks = n_blocks < s->a->n_layers ? n_blocks : s->a->n_layers;

	if (feed_check(s, id, seq, n, blocks, e) < 0)
		return -1;
	s->n = n;
	s->n_blocks = blocks;
	memcpy(s->id, id, n * sizeof(*id));
	memcpy(s->seq, seq, n * sizeof(*seq));
	for (size_t r = 0; r < s->n_runs; r++) {
		const struct run *run = &s->run[r];

		for (size_t i = 0; i < run->n; i++)
			s->at[run->row + i] = (uint32_t)(run->position + i);
		s->depth[run->seq] = run->position && s->depth[run->seq] < blocks ? s->depth[run->seq] : blocks;
		s->position[run->seq] += run->n;
	}
	forward(s, taps);
	return 0;
}

void session_rewind(struct session *s, uint32_t seq, size_t position)
{
	BUG_ON(seq >= s->opts.max_seqs || position > s->position[seq]);
	s->position[seq] = position;
}

size_t session_position(const struct session *s, uint32_t seq)
{
	BUG_ON(seq >= s->opts.max_seqs);
	return s->position[seq];
}

void session_fork(struct session *s, uint32_t to, uint32_t from)
{
	const struct arch *a = s->a;
	size_t head = s->opts.max_context * a->d_head, bytes;

	BUG_ON(to >= s->opts.max_seqs || from >= s->opts.max_seqs);
	if (to == from)
		return;
	s->position[to] = s->position[from];
	s->depth[to] = s->depth[from];
	bytes = s->position[from] * a->d_head * sizeof(float);
	for (size_t l = 0; l < s->depth[from]; l++) {
		for (size_t h = 0; h < a->n_kv_heads; h++) {
			size_t at = (l * s->opts.max_seqs + to) * a->n_kv_heads + h;
			size_t of = (l * s->opts.max_seqs + from) * a->n_kv_heads + h;

			memcpy(s->k + at * head, s->k + of * head, bytes);
			memcpy(s->v + at * head, s->v + of * head, bytes);
		}
	}
}
