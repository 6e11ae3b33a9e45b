#include "model/bpe.h"

#include "model/tokenizer_read.h"

#include <string.h>

uint32_t bpe_byte_char(uint8_t byte)
{
	/* printable Latin-1 stands for itself; the others follow in order from U+0100 */
	if (byte <= 0x20)
		return 0x100u + byte;
	if (byte >= 0x7f && byte <= 0xa0)
		return 0x121u + (byte - 0x7fu);
	return byte == 0xad ? 0x143u : byte;
}

int bpe_char_byte(uint32_t cp)
{
	if (cp >= 0x100 && cp <= 0x120)
		return (int)(cp - 0x100);
	if (cp >= 0x121 && cp <= 0x142)
		return (int)(cp - 0x121 + 0x7f);
	if (cp == 0x143)
		return 0xad;
	return cp < 0x100 && bpe_byte_char((uint8_t)cp) == cp ? (int)cp : -1;
}

/* ---- hash tables: open addressing, twice as many slots as entries at least ---- */

uint64_t bpe_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t hash_byte(uint64_t h, uint8_t byte)
{
	return (h ^ byte) * UINT64_C(0x100000001b3);
}

static size_t slots_for(size_t n)
{
	size_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

struct view bpe_token(const struct bpe *b, int32_t id)
{
	if (id < 0 || (size_t)id >= b->n_ids || b->first[id] == UINT32_MAX)
		return (struct view){ NULL, 0 };
	return (struct view){ b->text + b->first[id], b->length[id] };
}

/* The slot that holds the token, or the free one it would get. */
static size_t slot_of(const struct bpe *b, struct view token)
{
	uint64_t h = HASH_START;
	size_t at;

	for (size_t i = 0; i < token.n; i++)
		h = hash_byte(h, (uint8_t)token.p[i]);
	for (at = bpe_mix(h) & (b->n_slots - 1); b->slot[at] != 0; at = (at + 1) & (b->n_slots - 1))
		if (view_eq(bpe_token(b, (int32_t)(b->slot[at] - 1)), token))
			break;
	return at;
}

int32_t bpe_find(const struct bpe *b, struct view token)
{
	return token.n > b->longest ? -1 : (int32_t)b->slot[slot_of(b, token)] - 1;
}

/* Whether the token spells these bytes in the characters that stand for them. */
static bool spells(struct view token, struct view bytes)
{
	size_t at = 0;
	char utf8[4];

	BUG_ON(!token.p);
	for (size_t i = 0; i < bytes.n; i++) {
		size_t n = utf8_encode(utf8, bpe_byte_char((uint8_t)bytes.p[i]));

		if (n > token.n - at || memcmp(token.p + at, utf8, n) != 0)
			return false;
		at += n;
	}
	return at == token.n;
}

int32_t bpe_find_bytes(const struct bpe *b, struct view bytes)
{
	uint64_t h = HASH_START;
	char utf8[4];
	size_t at;

	if (bytes.n > b->longest)
		return -1;
	for (size_t i = 0; i < bytes.n; i++) {
		size_t n = utf8_encode(utf8, bpe_byte_char((uint8_t)bytes.p[i]));

		for (size_t k = 0; k < n; k++)
			h = hash_byte(h, (uint8_t)utf8[k]);
	}
	for (at = bpe_mix(h) & (b->n_slots - 1); b->slot[at] != 0; at = (at + 1) & (b->n_slots - 1))
		if (spells(bpe_token(b, (int32_t)(b->slot[at] - 1)), bytes))
			return (int32_t)b->slot[at] - 1;
	return -1;
}

uint64_t bpe_key(int32_t left, int32_t right)
{
	return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static struct bpe_pair *pair_slot(const struct bpe *b, uint64_t key)
{
	size_t at = bpe_mix(key) & (b->n_pairs - 1);

	while (b->pair[at].key != key && b->pair[at].key != BPE_FREE)
		at = (at + 1) & (b->n_pairs - 1);
	return &b->pair[at];
}

const struct bpe_pair *bpe_merge_of(const struct bpe *b, int32_t left, int32_t right)
{
	const struct bpe_pair *p = pair_slot(b, bpe_key(left, right));

	return p->key == BPE_FREE ? NULL : p;
}

/* ---- reading ---- */

static int add_token(struct bpe *b, const struct json *v, struct err *e)
{
	struct view token = v->key, other;
	size_t id = (size_t)v->integer;
	size_t at;

	if (v->kind != JSON_INTEGER)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "the id of token '%.*s' is %s; it has to be an integer", read_shown(token),
			      token.p, json_kind_name(v->kind));
	if (v->integer < 0 || v->integer >= (int64_t)BPE_MOST_IDS)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "the id of token '%.*s' is %lld; it has to be from 0 to %u", read_shown(token),
			      token.p, (long long)v->integer, BPE_MOST_IDS - 1);
	if (id >= b->n_ids) {
		b->first = mem_grow(b->first, &b->cap_ids, id + 1, sizeof(*b->first));
		b->length = mem_grow(b->length, &b->cap_lengths, id + 1, sizeof(*b->length));
		for (; b->n_ids <= id; b->n_ids++)
			b->first[b->n_ids] = UINT32_MAX;
	}
	other = bpe_token(b, (int32_t)id);
	if (other.p)
		return err_at(e, ERR_INPUT, json_pos(v), "tokens '%.*s' and '%.*s' both have id %zu",
			      read_shown(other), other.p, read_shown(token), token.p, id);
	if (token.n > UINT32_MAX - 1 - b->n_text)
		return err_at(e, ERR_INPUT, json_pos(v), "the vocabulary is larger than 4 GiB");
	b->text = mem_grow(b->text, &b->cap_text, b->n_text + token.n + 1, 1);
	memcpy(b->text + b->n_text, token.p, token.n);
	b->first[id] = (uint32_t)b->n_text;
	b->length[id] = (uint32_t)token.n;
	b->n_text += token.n;
	b->longest = token.n > b->longest ? token.n : b->longest;
	b->n_tokens++;
	at = slot_of(b, token);
	b->slot[at] = (uint32_t)id + 1;
	return 0;
}

static int read_vocab(struct bpe *b, const struct json *model, struct err *e)
{
	const struct json *vocab;

	if (json_member(&vocab, model, "vocab", JSON_OBJECT, e) < 0)
		return -1;
	b->n_slots = slots_for(vocab->n);
	b->slot = arena_alloc(&b->mem, b->n_slots, sizeof(*b->slot));
	for (const struct json *v = vocab->first; v; v = v->next)
		if (add_token(b, v, e) < 0)
			return -1;
	return 0;
}

/* The two halves of a merge: ["a", "b"], or "a b" in older files. */
static int merge_halves(struct view half[2], const struct json *v, struct err *e)
{
	const char *blank;

	if (v->kind == JSON_ARRAY && v->n == 2 && v->first->kind == JSON_STRING &&
	    v->first->next->kind == JSON_STRING) {
		half[0] = v->first->str;
		half[1] = v->first->next->str;
		return 0;
	}
	if (v->kind != JSON_STRING)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "a merge is %s; it has to be \"a b\" or [\"a\", \"b\"]",
			      v->kind == JSON_ARRAY ? "an array of other things" : json_kind_name(v->kind));
	blank = v->str.n ? memchr(v->str.p, ' ', v->str.n) : NULL;
	if (!blank || memchr(blank + 1, ' ', v->str.n - (size_t)(blank + 1 - v->str.p)))
		return err_at(e, ERR_INPUT, json_pos(v),
			      "merge '%.*s' is not two tokens with one blank between", read_shown(v->str),
			      v->str.p);
	half[0] = (struct view){ v->str.p, (size_t)(blank - v->str.p) };
	half[1] = (struct view){ blank + 1, v->str.n - half[0].n - 1 };
	return 0;
}

static int merge_part(int32_t *id, const struct bpe *b, struct view token, const struct json *v,
		      struct err *e)
{
	*id = bpe_find(b, token);
	if (*id >= 0)
		return 0;
	return err_at(e, ERR_INPUT, json_pos(v),
		      "a merge needs token '%.*s', which the vocabulary does not have", read_shown(token),
		      token.p);
}

static int add_merge(struct bpe *b, const struct json *v, uint32_t rank, struct str *whole, struct err *e)
{
	struct view half[2];
	int32_t left, right, id;

	if (merge_halves(half, v, e) < 0)
		return -1;
	str_clear(whole);
	str_addv(whole, half[0]);
	str_addv(whole, half[1]);
	if (merge_part(&left, b, half[0], v, e) < 0 || merge_part(&right, b, half[1], v, e) < 0 ||
	    merge_part(&id, b, str_view(whole), v, e) < 0)
		return -1;
	/* a pair that comes twice has the rank of its last time, as in the reference */
	*pair_slot(b, bpe_key(left, right)) = (struct bpe_pair){ bpe_key(left, right), rank, id };
	return 0;
}

static int read_merges(struct bpe *b, const struct json *model, struct err *e)
{
	struct str whole = STR_INIT;
	const struct json *merges;
	uint32_t rank = 0;
	int status = 0;

	if (json_member(&merges, model, "merges", JSON_ARRAY, e) < 0)
		return -1;
	if (merges->n > UINT32_MAX / 4)
		return err_at(e, ERR_INPUT, json_pos(merges), "%zu merges are too many", merges->n);
	b->n_pairs = slots_for(merges->n);
	b->pair = arena_alloc(&b->mem, b->n_pairs, sizeof(*b->pair));
	for (size_t i = 0; i < b->n_pairs; i++)
		b->pair[i].key = BPE_FREE;
	for (const struct json *v = merges->first; v && status == 0; v = v->next) {
		/* the first line of a merges.txt, where it was taken along */
		if (v->kind == JSON_STRING && view_starts(v->str, "#version"))
			continue;
		status = add_merge(b, v, rank++, &whole, e);
	}
	str_release(&whole);
	return status;
}

/* What a released vocabulary of another kind would set. */
static int refuse_others(const struct json *model, struct err *e)
{
	static const char *const affix[] = { "continuing_subword_prefix", "end_of_word_suffix" };
	const struct json *v = json_find(model, "dropout");

	if (!json_is_null(v) && v->real != 0.0)
		return err_at(e, ERR_INPUT, json_pos(v), "\"dropout\" is %g: encoding would be random",
			      v->real);
	for (size_t i = 0; i < 2; i++) {
		v = json_find(model, affix[i]);
		if (!json_is_null(v) && (v->kind != JSON_STRING || v->str.n > 0))
			return err_at(e, ERR_INPUT, json_pos(v), "\"%s\" is not supported unless it is empty",
				      affix[i]);
	}
	return 0;
}

static int read_options(struct bpe *b, const struct json *model, struct err *e)
{
	static const char digit[] = "0123456789ABCDEF";
	const struct json *unk = json_find(model, "unk_token");
	char hex[7] = "<0x00>";

	if (refuse_others(model, e) < 0 || read_flag(&b->fuse_unk, model, "fuse_unk", false, e) < 0 ||
	    read_flag(&b->byte_fallback, model, "byte_fallback", false, e) < 0 ||
	    read_flag(&b->ignore_merges, model, "ignore_merges", false, e) < 0)
		return -1;
	b->unk = -1;
	if (!json_is_null(unk)) {
		if (unk->kind != JSON_STRING)
			return err_at(e, ERR_INPUT, json_pos(unk),
				      "\"unk_token\" is %s; it has to be a string",
				      json_kind_name(unk->kind));
		b->unk = bpe_find(b, unk->str);
		if (b->unk < 0)
			b->lost_unk =
				(struct view){ arena_strdup(&b->mem, unk->str.p, unk->str.n), unk->str.n };
	}
	for (size_t i = 0; i < 256; i++) {
		char one = (char)i;

		hex[3] = digit[i / 16];
		hex[4] = digit[i % 16];
		b->byte[i] = bpe_find(b, (struct view){ hex, 6 });
		b->latin[i] = i < 0x80 ? bpe_find(b, (struct view){ &one, 1 }) : -1;
	}
	return 0;
}

int bpe_open(struct bpe **out, const struct json *model, struct err *e)
{
	struct bpe *b = mem_alloc(1, sizeof(*b));

	*out = NULL;
	if (read_vocab(b, model, e) < 0 || read_merges(b, model, e) < 0 || read_options(b, model, e) < 0) {
		bpe_close(b);
		return -1;
	}
	*out = b;
	return 0;
}

static int32_t byte_token(const struct bpe *b, size_t byte)
{
	char utf8[4] = { 0 };
	size_t n = utf8_encode(utf8, bpe_byte_char((uint8_t)byte));

	return bpe_find(b, (struct view){ utf8, n });
}

bool bpe_spells_bytes(const struct bpe *b)
{
	for (size_t i = 0; i < 256; i++)
		if (byte_token(b, i) < 0)
			return false;
	return !b->byte_fallback;
}

int bpe_ready(struct bpe *b, bool bytes, struct err *e)
{
	bool whole = true;

	b->takes_bytes = bytes;
	for (size_t i = 0; i < 256; i++) {
		if (bytes)
			b->byte[i] = byte_token(b, i);
		whole = whole && b->byte[i] >= 0;
	}
	if (b->lost_unk.p && !(whole && (bytes || b->byte_fallback)))
		return err_set(e, ERR_INPUT, "unk_token '%.*s' is not in the vocabulary",
			       read_shown(b->lost_unk), b->lost_unk.p);
	/* bytes come from a pre-tokenizer that cuts already */
	if (!bytes)
		bpe_find_seams(b);
	return 0;
}

void bpe_close(struct bpe *b)
{
	if (!b)
		return;
	mem_free(b->text);
	mem_free(b->first);
	mem_free(b->length);
	mem_free(b->near);
	arena_release(&b->mem);
	mem_free(b);
}

size_t bpe_vocab(const struct bpe *b)
{
	return b->n_ids;
}

size_t bpe_tokens(const struct bpe *b)
{
	return b->n_tokens;
}
