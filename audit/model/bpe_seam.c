#include "model/bpe.h"
#include "model/tokenizer_read.h"

/*
 * Seams.  Vocabularies of the SentencePiece kind have no pre-tokenizer: a word is a whole document, and most
 * of the work would be a heap of all its merges.  But a token can only come to hold two symbols side by side
 * if some merge has the one as the last symbol of its left half and the other as the first of its right; where
 * no merge has, the word can be cut, and each part merged alone, with the same result.
 */

/* The symbols a token may have at its end (or begin) when it was merged: of its last (first) character, or
 * byte of it; and itself, for it may be a symbol. */
struct ends {
	int32_t id[3];
	size_t n;
};

static void add_end(struct ends *ends, int32_t id)
{
	if (id >= 0)
		ends->id[ends->n++] = id;
}

static struct ends ends_of(const struct bpe *b, int32_t id, bool last)
{
	struct view token = bpe_token(b, id);
	struct ends ends = { .n = 0 };
	size_t from = 0, to = token.n;

	add_end(&ends, id);
	if (token.n == 0)
		return ends;
	if (last)
		from = character_before(token, to);
	else
		to = character_after(token, 0);
	add_end(&ends, bpe_find(b, (struct view){ token.p + from, to - from }));
	if (b->byte_fallback)
		add_end(&ends, b->byte[(uint8_t)(last ? token.p[token.n - 1] : token.p[0])]);
	return ends;
}

/* The slot of the key, or the free one it would get. */
static size_t near_slot(const struct bpe *b, uint64_t key)
{
	size_t at = bpe_mix(key) & (b->cap_near - 1);

	while (b->near[at] != key && b->near[at] != BPE_FREE)
		at = (at + 1) & (b->cap_near - 1);
	return at;
}

static void near_resize(struct bpe *b, size_t slots)
{
	uint64_t *old = b->near;
	size_t n_old = b->cap_near;

	b->near = mem_alloc(slots, sizeof(*b->near));
	b->cap_near = slots;
	for (size_t i = 0; i < slots; i++)
		b->near[i] = BPE_FREE;
	for (size_t i = 0; i < n_old; i++)
		if (old[i] != BPE_FREE)
			b->near[near_slot(b, old[i])] = old[i];
	mem_free(old);
}

static void near_add(struct bpe *b, uint64_t key)
{
	size_t at = near_slot(b, key);

	if (b->near[at] == key)
		return;
	b->near[at] = key;
	if (2 * ++b->n_near > b->cap_near)
		near_resize(b, 2 * b->cap_near);
}

void bpe_find_seams(struct bpe *b)
{
	near_resize(b, 4096);
	for (size_t i = 0; i < b->n_pairs; i++) {
		struct ends left, right;

		if (b->pair[i].key == BPE_FREE)
			continue;
		left = ends_of(b, (int32_t)(b->pair[i].key >> 32), true);
		right = ends_of(b, (int32_t)(b->pair[i].key & UINT32_MAX), false);
		for (size_t k = 0; k < left.n; k++)
			for (size_t j = 0; j < right.n; j++)
				near_add(b, bpe_key(left.id[k], right.id[j]));
	}
}

bool bpe_may_join(const struct bpe *b, int32_t left, int32_t right)
{
	uint64_t key = bpe_key(left, right);

	return !b->near || b->near[near_slot(b, key)] == key;
}
