#include "model/bpe.h"

#define NONE UINT32_MAX

/* Up to this many symbols a scan for the best merge is quicker than a heap. */
#define FEW 24

/* ---- symbols: the characters of a word ---- */

static void add_symbol(struct bpe_work *w, int32_t id, uint32_t start, uint32_t end)
{
	uint32_t n = (uint32_t)w->n;

	w->symbol = mem_grow(w->symbol, &w->cap, w->n + 1, sizeof(*w->symbol));
	w->symbol[w->n++] = (struct bpe_symbol){
		.id = id,
		.start = start,
		.end = end,
		.length = end - start,
		.prev = n - 1,
		.next = n + 1,
	};
}

/* An unknown stretch that waits for its end. */
struct unknown {
	bool any;
	uint32_t start, end, length;
};

static void add_unknown(struct bpe_work *w, const struct bpe *b, struct unknown *u)
{
	if (!u->any)
		return;
	add_symbol(w, b->unk, u->start, u->end);
	w->symbol[w->n - 1].length = u->length;
	u->any = false;
}

/* All bytes of the character have a token of their own: those. */
static bool add_fallback(struct bpe_work *w, const struct bpe *b, struct view word, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (b->byte[(uint8_t)word.p[at + i]] < 0)
			return false;
	for (uint32_t i = 0; i < n; i++)
		add_symbol(w, b->byte[(uint8_t)word.p[at + i]], at + i, at + i + 1);
	return true;
}

static int32_t id_of(const struct bpe *b, struct view word, uint32_t at, uint32_t n)
{
	if (b->takes_bytes)
		return b->byte[(uint8_t)word.p[at]];
	return n == 1 ? b->latin[(uint8_t)word.p[at]] : bpe_find(b, (struct view){ word.p + at, n });
}

/* In the reference an unknown stretch stays open across characters that fell back to bytes, and so comes
 * out behind them; a character that nothing stands for is dropped. */
static void split_word(struct bpe_work *w, const struct bpe *b, struct view word)
{
	struct unknown u = { .any = false };
	uint32_t cp, n;

	w->n = 0;
	for (uint32_t at = 0; at < word.n; at += n) {
		int32_t id;

		n = b->takes_bytes ? 1 : (uint32_t)utf8_decode(&cp, word.p + at, word.n - at);
		BUG_ON(n == 0);
		id = id_of(b, word, at, n);
		if (id >= 0) {
			add_unknown(w, b, &u);
			add_symbol(w, id, at, at + n);
			continue;
		}
		if (b->byte_fallback && add_fallback(w, b, word, at, n))
			continue;
		if (b->unk < 0)
			continue;
		if (u.any && !b->fuse_unk)
			add_unknown(w, b, &u);
		if (!u.any)
			u = (struct unknown){ .any = true, .start = at };
		u.end = at + n;
		u.length += n;
	}
	add_unknown(w, b, &u);
}

/* ---- merging ---- */

/* Makes one of symbol `at` and the one after it. */
static void join(struct bpe_work *w, uint32_t at, int32_t id)
{
	struct bpe_symbol *left = &w->symbol[at], *right = &w->symbol[left->next];

	left->id = id;
	left->end = right->end;
	left->length += right->length;
	left->next = right->next;
	right->id = -1;
	if (left->next < w->n)
		w->symbol[left->next].prev = at;
	w->merges++;
}

static uint32_t rank_at(const struct bpe_work *w, const struct bpe *b, uint32_t at, int32_t *id)
{
	const struct bpe_symbol *s = &w->symbol[at];
	const struct bpe_pair *p;

	if (s->next >= w->n)
		return NONE;
	p = bpe_merge_of(b, s->id, w->symbol[s->next].id);
	if (!p)
		return NONE;
	*id = p->id;
	return p->rank;
}

/* Symbols [from, to), which nothing around them merges with. */
static void merge_few(struct bpe_work *w, const struct bpe *b, uint32_t from, uint32_t to)
{
	uint32_t rank[FEW] = { 0 }, best, prev;
	int32_t id[FEW] = { 0 };

	for (uint32_t i = from; i < to; i++)
		rank[i - from] = rank_at(w, b, i, &id[i - from]);
	for (;;) {
		best = from;
		for (uint32_t i = w->symbol[from].next; i < to; i = w->symbol[i].next)
			if (rank[i - from] < rank[best - from])
				best = i;
		if (rank[best - from] == NONE)
			return;
		join(w, best, id[best - from]);
		rank[best - from] = rank_at(w, b, best, &id[best - from]);
		prev = w->symbol[best].prev;
		if (best > from)
			rank[prev - from] = rank_at(w, b, prev, &id[prev - from]);
	}
}

static bool sooner(const struct bpe_merge *a, const struct bpe_merge *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct bpe_work *w, const struct bpe *b, uint32_t at)
{
	struct bpe_merge m = { .at = at };
	size_t i = w->n_heap;

	m.rank = rank_at(w, b, at, &m.id);
	if (m.rank == NONE)
		return;
	w->heap = mem_grow(w->heap, &w->cap_heap, w->n_heap + 1, sizeof(*w->heap));
	w->n_heap++;
	for (; i > 0 && sooner(&m, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = m;
}

static struct bpe_merge heap_pop(struct bpe_work *w)
{
	struct bpe_merge top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->n_heap) {
		if (child + 1 < w->n_heap && sooner(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!sooner(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	if (w->n_heap > 0)
		w->heap[i] = last;
	w->pops++;
	return top;
}

/* Every merge found goes on a heap; one whose symbols have changed since is told by its result.
 * At most three pushes a symbol: n log n in all. */
static void merge_many(struct bpe_work *w, const struct bpe *b, uint32_t from, uint32_t to)
{
	w->n_heap = 0;
	for (uint32_t i = from; i < to; i++)
		heap_push(w, b, i);
	while (w->n_heap > 0) {
		struct bpe_merge m = heap_pop(w);
		int32_t id = -1;

		if (w->symbol[m.at].id < 0 || rank_at(w, b, m.at, &id) == NONE || id != m.id)
			continue;
		join(w, m.at, m.id);
		if (m.at > from)
			heap_push(w, b, w->symbol[m.at].prev);
		heap_push(w, b, m.at);
	}
}

/* Merges within each stretch between seams, places that no merge reaches across. */
static void merge(struct bpe_work *w, const struct bpe *b)
{
	uint32_t from = 0, n = (uint32_t)w->n;

	if (n <= FEW) {
		merge_few(w, b, 0, n);
		return;
	}
	for (uint32_t i = 1; i <= n; i++) {
		if (i < n && bpe_may_join(b, w->symbol[i - 1].id, w->symbol[i].id))
			continue;
		w->symbol[i - 1].next = NONE;
		if (i - from > FEW)
			merge_many(w, b, from, i);
		else if (i - from > 1)
			merge_few(w, b, from, i);
		from = i;
	}
}

void bpe_encode(struct bpe_work *w, const struct bpe *b, struct view word)
{
	size_t kept = 0;

	BUG_ON(word.n >= NONE);
	w->n = 0;
	if (b->ignore_merges) {
		int32_t id = b->takes_bytes ? bpe_find_bytes(b, word) : bpe_find(b, word);

		if (id >= 0) {
			add_symbol(w, id, 0, (uint32_t)word.n);
			return;
		}
	}
	split_word(w, b, word);
	if (w->n < 2)
		return;
	merge(w, b);
	for (size_t i = 0; i < w->n; i++)
		if (w->symbol[i].id >= 0)
			w->symbol[kept++] = w->symbol[i];
	w->n = kept;
}

void bpe_work_release(struct bpe_work *w)
{
	mem_free(w->symbol);
	mem_free(w->heap);
	*w = (struct bpe_work){ .symbol = NULL };
}
