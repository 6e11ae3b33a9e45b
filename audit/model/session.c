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

/* The one block of a session, handed out part by part; base NULL: only measured. */
struct carver {
	char *base;
	size_t total;
};

/* `where` is the address of a pointer. */
static void give(struct carver *c, void *where, size_t n, size_t size)
{
	enum { LINE = 64 };
	size_t bytes = times(n, size);
	void *p = c->base && bytes ? c->base + c->total : NULL;

	memcpy(where, &p, sizeof(p));
	c->total = plus(c->total, plus(bytes, (LINE - bytes % LINE) % LINE));
}

static void give_sequences(struct carver *c, struct session *s, const struct arch *a,
			   const struct session_opts *o)
{
	size_t heads = times(times(a->n_layers, o->max_seqs), a->n_kv_heads);
	size_t cache = times(heads, kv_head_floats(o->max_context, a->d_head));

	give(c, &s->position, o->max_seqs, sizeof(*s->position));
	give(c, &s->depth, o->max_seqs, sizeof(*s->depth));
	give(c, &s->floor, o->max_seqs, sizeof(*s->floor));
	give(c, &s->seen, o->max_seqs, sizeof(*s->seen));
	give(c, &s->far, o->max_seqs, sizeof(*s->far));
	give(c, &s->k, cache, sizeof(*s->k));
	give(c, &s->v, cache, sizeof(*s->v));
}

static void give_feed(struct carver *c, struct session *s, const struct arch *a, const struct session_opts *o)
{
	size_t rows = o->max_rows, d = times(rows, a->d_model), half = times(rows, a->d_rotary / 2);
	size_t ffn = a->name[ROLE_DOWN] ? times(rows, a->d_ffn) : 0;

	give(c, &s->id, rows, sizeof(*s->id));
	give(c, &s->seq, rows, sizeof(*s->seq));
	give(c, &s->at, rows, sizeof(*s->at));
	give(c, &s->run, o->max_seqs < rows ? o->max_seqs : rows, sizeof(*s->run));
	give(c, &s->x, d, sizeof(float));
	give(c, &s->h, d, sizeof(float));
	give(c, &s->h2, a->parallel_block ? d : 0, sizeof(float));
	give(c, &s->y, d, sizeof(float));
	give(c, &s->qkv, times(rows, (a->n_heads + 2 * a->n_kv_heads) * a->d_head), sizeof(float));
	give(c, &s->mix, times(rows, a->n_heads * a->d_head), sizeof(float));
	give(c, &s->gate, a->gated ? ffn : 0, sizeof(float));
	give(c, &s->up, ffn, sizeof(float));
	for (size_t kind = 0; kind < 2; kind++) {
		give(c, &s->cos[kind], a->rope_freq[kind] ? half : 0, sizeof(float));
		give(c, &s->sin[kind], a->rope_freq[kind] ? half : 0, sizeof(float));
	}
}

static void give_experts(struct carver *c, struct experts_work *w, const struct arch *a, size_t max_rows)
{
	size_t rows = a->experts == EXPERTS_NONE ? 0 : max_rows, picks = times(rows, a->n_experts_used);

	give(c, &w->router, times(rows, a->n_experts), sizeof(float));
	give(c, &w->choice, picks, sizeof(*w->choice));
	give(c, &w->weight, picks, sizeof(float));
	give(c, &w->row, picks, sizeof(*w->row));
	give(c, &w->slot, picks, sizeof(*w->slot));
	give(c, &w->first, rows ? a->n_experts + 1 : 0, sizeof(*w->first));
	give(c, &w->x, times(rows, a->d_model), sizeof(float));
	give(c, &w->y, times(rows, a->d_model), sizeof(float));
	give(c, &w->gate, times(rows, a->d_expert), sizeof(float));
	give(c, &w->up, times(rows, a->d_expert), sizeof(float));
	give(c, &w->fused, a->name[ROLE_EXPERT_GATE_UP] ? times(rows, 2 * a->d_expert) : 0, sizeof(float));
}

/* What a session holds, whole. */
static size_t carve(struct session *s, const struct arch *a, const struct session_opts *o, char *base)
{
	struct carver c = { .base = base };

	give_sequences(&c, s, a, o);
	give_feed(&c, s, a, o);
	give_experts(&c, &s->work, a, o->max_rows);
	give(&c, &s->scan, times(o->max_rows, a->n_vocab < SCAN_COLS ? a->n_vocab : SCAN_COLS),
	     sizeof(float));
	give(&c, &s->top, o->max_rows, sizeof(*s->top));
	give(&c, &s->sum, o->max_rows, sizeof(*s->sum));
	give(&c, &s->hit, o->max_rows, sizeof(*s->hit));
	give(&c, &s->best, o->max_rows, sizeof(*s->best));
	return c.total;
}

size_t session_bytes(const struct arch *a, const struct session_opts *o)
{
	struct session s = { .m = NULL };

	return carve(&s, a, o, NULL);
}

static int opts_check(const struct arch *a, const struct session_opts *o, struct err *e)
{
	if (!o->max_seqs || !o->max_context || !o->max_rows || o->max_seqs > UINT32_MAX ||
	    o->max_rows > UINT32_MAX || o->max_context > UINT32_MAX)
		return err_set(
			e, ERR_USAGE,
			"a session of %zu sequences, %zu positions and %zu rows: each must be at least 1",
			o->max_seqs, o->max_context, o->max_rows);
	if (a->context_limit && o->max_context > a->context_limit)
		return err_set(e, ERR_INPUT, "a context of %zu tokens: this model (%s) is defined up to %zu",
			       o->max_context, a->family, a->context_limit);
	if (a->rope_far && o->max_context > a->rope_far && o->max_rows < o->max_context)
		return err_set(
			e, ERR_INPUT,
			"a context of %zu tokens in feeds of %zu: beyond %zu tokens this model (%s) turns a text by other angles "
			"from its first token on, so it has to be fed whole",
			o->max_context, o->max_rows, a->rope_far, a->family);
	return 0;
}

int session_new(struct session **out, const struct model *m, struct par *p, const struct session_opts *o,
		struct err *e)
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

struct kv_head session_kv(const struct session *s, size_t layer, uint32_t seq, size_t head)
{
	struct kv_head first = { s->k, s->v, s->opts.max_context, s->a->d_head };

	return kv_head_at(&first, (layer * s->opts.max_seqs + seq) * s->a->n_kv_heads + head);
}

const struct model *session_model(const struct session *s)
{
	return s->m;
}

struct session_opts session_plan(const struct session *s)
{
	return s->opts;
}

/* The rows that a sequence has, against the blocks of a feed. */
static int reach_check(const struct session *s, uint32_t seq, size_t first, size_t n_blocks, struct err *e)
{
	if (s->position[seq] && s->depth[seq] < n_blocks)
		return err_set(e, ERR_INPUT,
			       "sequence %u went through %zu blocks so far and cannot go through %zu now",
			       seq, s->depth[seq], n_blocks);
	if (s->position[seq] && s->floor[seq] > first)
		return err_set(e, ERR_INPUT, "sequence %u began at block %zu and cannot go on at block %zu",
			       seq, s->floor[seq], first);
	return 0;
}

/* One row of a feed, against what the session is; changes nothing but `seen` and the list of runs. */
static int row_check(struct session *s, const int32_t *id, const uint32_t *seq, size_t i, size_t first,
		     size_t n_blocks, struct err *e)
{
	struct run *run;

	if (id[i] < 0 || (size_t)id[i] >= s->a->n_vocab)
		return err_set(e, ERR_INPUT, "token %d is outside the model's vocabulary of %zu", id[i],
			       s->a->n_vocab);
	if (seq[i] >= s->opts.max_seqs)
		return err_set(e, ERR_INPUT, "sequence %u of a session of %zu", seq[i], s->opts.max_seqs);
	if (!i || seq[i] != seq[i - 1]) {
		if (s->seen[seq[i]] == s->feed)
			return err_set(e, ERR_INPUT, "the rows of sequence %u do not stand together", seq[i]);
		s->seen[seq[i]] = s->feed;
		if (reach_check(s, seq[i], first, n_blocks, e) < 0)
			return -1;
		s->run[s->n_runs++] = (struct run){ seq[i], i, 0, s->position[seq[i]] };
	}
	run = &s->run[s->n_runs - 1];
	if (run->position + run->n >= s->opts.max_context)
		return err_set(e, ERR_INPUT, "sequence %u is longer than the %zu positions planned", seq[i],
			       s->opts.max_context);
	if (run->position && run->position + run->n >= s->a->rope_far && s->a->rope_far && !s->far[seq[i]])
		return err_set(
			e, ERR_INPUT,
			"sequence %u began within the %zu tokens up to which this model (%s) has its angles, and goes beyond",
			seq[i], s->a->rope_far, s->a->family);
	run->n++;
	return 0;
}

static int feed_check(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t first,
		      size_t n_blocks, struct err *e)
{
	if (!n || n > s->opts.max_rows)
		return err_set(e, ERR_INPUT, "a feed of %zu rows; 1 to %zu were planned", n,
			       s->opts.max_rows);
	s->n_runs = 0;
	/* 0 is "never", also when the count comes round. */
	if (++s->feed == 0) {
		memset(s->seen, 0, s->opts.max_seqs * sizeof(*s->seen));
		s->feed++;
	}
	for (size_t i = 0; i < n; i++)
		if (row_check(s, id, seq, i, first, n_blocks, e) < 0)
			return -1;
	return 0;
}

/* Takes in the rows; what is left is forward(). */
static int feed_begin(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t first,
		      size_t blocks, struct err *e)
{
	if (feed_check(s, id, seq, n, first, blocks, e) < 0)
		return -1;
	s->n = n;
	s->first = first;
	s->n_blocks = blocks;
	memcpy(s->id, id, n * sizeof(*id));
	memcpy(s->seq, seq, n * sizeof(*seq));
	for (size_t r = 0; r < s->n_runs; r++) {
		const struct run *run = &s->run[r];

		for (size_t i = 0; i < run->n; i++)
			s->at[run->row + i] = (uint32_t)(run->position + i);
		if (!run->position)
			s->far[run->seq] = s->a->rope_far && run->n > s->a->rope_far;
		s->depth[run->seq] =
			run->position && s->depth[run->seq] < blocks ? s->depth[run->seq] : blocks;
		s->floor[run->seq] = first;
		s->position[run->seq] += run->n;
	}
	return 0;
}

int session_feed(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, size_t n_blocks,
		 struct taps taps, struct err *e)
{
	if (feed_begin(s, id, seq, n, 0, n_blocks < s->a->n_layers ? n_blocks : s->a->n_layers, e) < 0)
		return -1;
	forward(s, taps);
	return 0;
}

int session_feed_above(struct session *s, const float *x, const int32_t *id, const uint32_t *seq, size_t n,
		       size_t first, struct taps taps, struct err *e)
{
	BUG_ON(first == 0 || first > s->a->n_layers);
	if (feed_begin(s, id, seq, n, first, s->a->n_layers, e) < 0)
		return -1;
	memcpy(s->x, x, n * s->a->d_model * sizeof(*x));
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

void session_fork(struct session *s, uint32_t to, uint32_t from, size_t first)
{
	BUG_ON(to >= s->opts.max_seqs || from >= s->opts.max_seqs);
	if (to == from)
		return;
	s->position[to] = s->position[from];
	s->depth[to] = s->depth[from];
	s->floor[to] = first > s->floor[from] ? first : s->floor[from];
	s->far[to] = s->far[from];
	for (size_t l = s->floor[to]; l < s->depth[from]; l++)
		for (size_t h = 0; h < s->a->n_kv_heads; h++) {
			struct kv_head at = session_kv(s, l, to, h), of = session_kv(s, l, from, h);

			kv_head_copy(&at, &of, s->position[from]);
		}
}
