#include "base/sort.h"
#include "base/unicode.h"
#include "model/tokenizer_parts.h"
#include "model/tokenizer_read.h"
#include "model/unicode_class.h"

/* ---- reading ---- */

/* The reference does not take ids from the file: a token has the id of the vocabulary, or the next free one.
 * Where the file says otherwise, one of the two is wrong. */
static int check_id(struct added_token *t, const struct json *v, const struct bpe *bpe, int32_t *next,
		    struct err *e)
{
	int32_t known = bpe_find(bpe, t->content);
	const struct json *id;
	struct view other;

	if (json_member(&id, v, "id", JSON_INTEGER, e) < 0)
		return -1;
	if (id->integer < 0 || id->integer >= (int64_t)BPE_MOST_IDS)
		return err_at(e, ERR_INPUT, json_pos(id),
			      "the id of added token '%.*s' is %lld; it has to be from 0 "
			      "to %u",
			      read_shown(t->content), t->content.p, (long long)id->integer, BPE_MOST_IDS - 1);
	t->id = known >= 0 ? known : (*next)++;
	if (t->id != id->integer)
		return err_at(e, ERR_INPUT, json_pos(id), "added token '%.*s' has id %lld, but %s %d",
			      read_shown(t->content), t->content.p, (long long)id->integer,
			      known >= 0 ? "the vocabulary gives it" : "the next free one is", (int)t->id);
	other = bpe_token(bpe, t->id);
	if (known < 0 && other.p)
		return err_at(e, ERR_INPUT, json_pos(id),
			      "added token '%.*s' has id %d, which is '%.*s' in the "
			      "vocabulary",
			      read_shown(t->content), t->content.p, (int)t->id, read_shown(other), other.p);
	return 0;
}

static int read_token(struct added_token *t, struct arena *mem, const struct json *v, const struct bpe *bpe,
		      const struct normal *normal, int32_t *next, struct err *e)
{
	struct str match = STR_INIT;
	struct view content;

	if (json_str(&content, v, "content", e) < 0 || read_flag(&t->special, v, "special", false, e) < 0 ||
	    read_flag(&t->normalized, v, "normalized", false, e) < 0 ||
	    read_flag(&t->lstrip, v, "lstrip", false, e) < 0 ||
	    read_flag(&t->rstrip, v, "rstrip", false, e) < 0 ||
	    read_flag(&t->single_word, v, "single_word", false, e) < 0)
		return -1;
	if (content.n == 0 || content.n > ADDED_LONGEST)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "an added token of %zu bytes; it has to have 1 to %d", content.n,
			      ADDED_LONGEST);
	t->content = t->match = (struct view){ arena_strdup(mem, content.p, content.n), content.n };
	if (check_id(t, v, bpe, next, e) < 0)
		return -1;
	if (!t->normalized)
		return 0;
	if (normal_text(&match, normal, t->content, e) < 0) {
		str_release(&match);
		return -1;
	}
	t->match = (struct view){ arena_strdup(mem, match.n ? match.p : "", match.n), match.n };
	str_release(&match);
	return 0;
}

/* ---- sets ---- */

enum set_of { OF_PLAIN, OF_NORMALIZED, OF_CONTENT };

static struct view key_of(const struct added *a, uint32_t index, enum set_of what)
{
	return what == OF_CONTENT ? a->token[index].content : a->token[index].match;
}

struct order {
	const struct added *added;
	enum set_of what;
};

/* Of two that read the same the special one is first, then the one listed first. */
static int order_of(const void *x, const void *y, void *ud)
{
	const struct order *o = ud;
	uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
	int order = view_cmp(key_of(o->added, i, o->what), key_of(o->added, k, o->what));

	return order != 0 ? order : o->added->token[k].special - o->added->token[i].special;
}

static void make_set(struct added_set *s, struct added *a, struct arena *mem, enum set_of what)
{
	struct order order = { a, what };
	size_t b = 0;

	s->index = ARENA_ARRAY(mem, a->n + 1, uint32_t);
	for (uint32_t i = 0; i < a->n; i++)
		if (what == OF_CONTENT ||
		    (a->token[i].normalized == (what == OF_NORMALIZED) && a->token[i].match.n > 0))
			s->index[s->n++] = i;
	sort_stable(s->index, s->n, sizeof(*s->index), order_of, &order);
	for (size_t c = 0; c < 256; c++) {
		while (b < s->n && (uint8_t)key_of(a, s->index[b], what).p[0] < c)
			b++;
		s->first[c] = (uint32_t)b;
	}
	s->first[256] = (uint32_t)s->n;
}

int32_t added_id(const struct added *a, struct view content)
{
	const struct added_set *s = &a->content;
	size_t lo, hi;

	if (content.n == 0)
		return -1;
	lo = s->first[(uint8_t)content.p[0]];
	hi = s->first[(uint8_t)content.p[0] + 1];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = view_cmp(a->token[s->index[mid]].content, content);

		if (order == 0)
			return a->token[s->index[mid]].id;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

const struct added_token *added_find(const struct added *a, int32_t id)
{
	if (id < 0 || (size_t)id >= a->n_ids || a->of_id[id] == 0)
		return NULL;
	return &a->token[a->of_id[id] - 1];
}

int added_read(struct added *out, struct arena *mem, const struct json *list, const struct bpe *bpe,
	       const struct normal *normal, struct err *e)
{
	int32_t next = (int32_t)bpe_tokens(bpe);
	const struct json *v;

	*out = (struct added){ .n_ids = bpe_vocab(bpe) };
	if (!json_is_null(list) && list->kind != JSON_ARRAY)
		return err_at(e, ERR_INPUT, json_pos(list), "\"added_tokens\" is %s; it has to be an array",
			      json_kind_name(list->kind));
	v = json_is_null(list) ? NULL : list->first;
	out->token = ARENA_ARRAY(mem, v ? list->n : 1, struct added_token);
	for (; v; v = v->next) {
		struct added_token *t = &out->token[out->n++];

		if (read_token(t, mem, v, bpe, normal, &next, e) < 0)
			return -1;
		out->n_ids = (size_t)t->id + 1 > out->n_ids ? (size_t)t->id + 1 : out->n_ids;
	}
	out->of_id = ARENA_ARRAY(mem, out->n_ids + 1, uint32_t);
	for (uint32_t i = 0; i < out->n; i++) {
		const struct added_token *t = &out->token[i];

		if (out->of_id[t->id] != 0)
			return err_set(e, ERR_INPUT, "added token '%.*s' is listed twice",
				       read_shown(t->content), t->content.p);
		out->of_id[t->id] = i + 1;
	}
	make_set(&out->plain, out, mem, OF_PLAIN);
	make_set(&out->normalized, out, mem, OF_NORMALIZED);
	make_set(&out->content, out, mem, OF_CONTENT);
	return 0;
}

/* ---- finding ---- */

/* The longest token of the set that text begins with at `at`, or NULL: the range of candidates is narrowed byte
 * by byte. */
static const struct added_token *longest_at(const struct added *a, const struct added_set *s,
					    struct view text, size_t at)
{
	size_t lo = s->first[(uint8_t)text.p[at]], hi = s->first[(uint8_t)text.p[at] + 1];
	const struct added_token *best = NULL;

	for (size_t k = 1; lo < hi; k++) {
		const struct added_token *t = &a->token[s->index[lo]];
		size_t low = lo, high;
		uint8_t c;

		/* the shortest is first: when it is used up it matches, with all its equals behind it */
		if (t->match.n == k) {
			best = t;
			while (low < hi && a->token[s->index[low]].match.n == k)
				low++;
			lo = low;
		}
		if (at + k >= text.n || lo == hi)
			break;
		c = (uint8_t)text.p[at + k];
		for (high = hi; low < high;) {
			size_t mid = low + (high - low) / 2;

			if ((uint8_t)a->token[s->index[mid]].match.p[k] < c)
				low = mid + 1;
			else
				high = mid;
		}
		for (lo = low, high = hi; low < high;) {
			size_t mid = low + (high - low) / 2;

			if ((uint8_t)a->token[s->index[mid]].match.p[k] <= c)
				low = mid + 1;
			else
				high = mid;
		}
		hi = low;
	}
	return best;
}

static bool word_before(struct view text, size_t at)
{
	size_t start = at > 0 ? character_before(text, at) : 0;
	uint32_t cp;

	return start < at && utf8_decode(&cp, text.p + start, at - start) > 0 && unicode_is_word(cp);
}

static bool word_after(struct view text, size_t at)
{
	uint32_t cp;

	return at < text.n && utf8_decode(&cp, text.p + at, text.n - at) > 0 && unicode_is_word(cp);
}

static size_t blanks_before(struct view text, size_t at)
{
	while (at > 0) {
		size_t start = character_before(text, at);
		uint32_t cp;

		if (utf8_decode(&cp, text.p + start, at - start) == 0 || !unicode_is_space(cp))
			break;
		at = start;
	}
	return at;
}

static size_t blanks_after(struct view text, size_t at)
{
	uint32_t cp;
	size_t n;

	while (at < text.n && (n = utf8_decode(&cp, text.p + at, text.n - at)) > 0 && unicode_is_space(cp))
		at += n;
	return at;
}

static void cut_piece(const struct added *a, const struct added_set *s, struct passage *p,
		      const struct piece *piece)
{
	struct view text = passage_view(p, piece);
	size_t done = 0, at = 0;

	while (at < text.n) {
		const struct added_token *t = longest_at(a, s, text, at);
		size_t start = at, end;

		if (!t) {
			at++;
			continue;
		}
		end = at += t->match.n;
		if (t->single_word && (word_before(text, start) || word_after(text, end)))
			continue;
		if (t->lstrip) {
			start = blanks_before(text, start);
			start = start > done ? start : done;
		}
		if (t->rstrip)
			end = blanks_after(text, end);
		end = end > start ? end : start;
		/* As in the reference, blanks that the token before took may be found again, as a token or after it:
		 * then pieces overlap. */
		if (done < start)
			passage_cut(p, piece->start + done, piece->start + start, -1);
		passage_cut(p, piece->start + start, piece->start + end, t->id);
		done = end;
	}
	passage_cut(p, piece->start + done, piece->end, -1);
}

void added_cut(const struct added *a, const struct added_set *set, struct passage *p)
{
	if (set->n == 0)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->piece[i];

		if (piece->id >= 0)
			passage_cut(p, piece->start, piece->end, piece->id);
		else
			cut_piece(a, set, p, piece);
	}
	passage_take_cuts(p);
}
