#include "flow/hide.h"

#include "base/hash.h"
#include "model/matcher.h"

#include <string.h>

enum { HASH_DIGITS = 12 };

struct hide {
	struct matcher **matcher;
	size_t n;
	int as;
};

int hide_open(struct hide **out, const struct hide_opts *o, struct err *e)
{
	struct hide *h;

	*out = NULL;
	if (o->n_patterns == 0)
		return 0;
	h = mem_alloc(1, sizeof(*h));
	*h = (struct hide){ .matcher = mem_alloc(o->n_patterns, sizeof(struct matcher *)), .as = o->as };
	for (; h->n < o->n_patterns; h->n++) {
		if (matcher_open(&h->matcher[h->n], o->pattern[h->n], e) < 0) {
			hide_close(h);
			return -1;
		}
	}
	*out = h;
	return 0;
}

void hide_close(struct hide *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++)
		matcher_close(h->matcher[i]);
	mem_free(h->matcher);
	mem_free(h);
}

/* The next stretch at or after `from` that any pattern matches: the one that begins first, as far as the longest goes. */
static bool next_match(size_t *first, size_t *end, const struct hide *h, struct view text, size_t from)
{
	bool any = false;

	for (size_t i = 0; i < h->n; i++) {
		size_t f, e;

		if (!matcher_find(&f, &e, h->matcher[i], text, from))
			continue;
		if (!any || f < *first || (f == *first && e > *end)) {
			*first = f;
			*end = e;
		}
		any = true;
	}
	return any;
}

static void put_instead(struct str *out, const struct hide *h, struct view hidden)
{
	char hex[65];

	if (h->as == HIDE_MASK) {
		str_adds(out, "[hidden]");
		return;
	}
	digest_hex(hex, digest_of(hidden.p, hidden.n));
	str_addf(out, "[%.*s]", HASH_DIGITS, hex);
}

/* Pieces of one text, each with what is hidden taken out; what stands instead goes to the piece where the match begins. */
static void hide_pieces(struct view *piece, size_t n, struct arena *mem, const struct hide *h)
{
	struct str whole = STR_INIT, part = STR_INIT;
	size_t first = 0, end = 0, at = 0;
	bool more;

	for (size_t i = 0; i < n; i++)
		str_addv(&whole, piece[i]);
	more = next_match(&first, &end, h, str_view(&whole), 0);
	for (size_t i = 0, stop = 0; i < n && more; i++) {
		stop += piece[i].n;
		str_clear(&part);
		while (at < stop) {
			size_t to = more && first < stop ? first : stop;

			if (to > at)
				str_add(&part, whole.p + at, to - at);
			at = to > at ? to : at;
			if (!more || first >= stop)
				break;
			put_instead(&part, h, (struct view){ whole.p + first, end - first });
			at = end;
			more = next_match(&first, &end, h, str_view(&whole), end);
		}
		piece[i] = (struct view){ arena_strdup(mem, part.n > 0 ? part.p : "", part.n), part.n };
		if (!more) {
			size_t left = at > stop ? at - stop : 0;

			/* The rest stands as it was, but for the end of a match. */
			for (i++; i < n && left > 0; i++) {
				size_t cut = left < piece[i].n ? left : piece[i].n;

				piece[i] = (struct view){ piece[i].p + cut, piece[i].n - cut };
				left -= cut;
			}
			break;
		}
	}
	str_release(&whole);
	str_release(&part);
}

struct view hide_text(struct arena *mem, const struct hide *h, struct view text)
{
	if (h != NULL)
		hide_pieces(&text, 1, mem, h);
	return text;
}

/* The members of a context that are one text. */
static const char *const cut[] = { "before", "at", "after" };

/* Members that say what something is and quote nothing. */
static bool is_structure(struct view key)
{
	static const char *const known[] = { "partition", "status",   "kind",	 "verdict",  "finding",
					     "id",	  "document", "formula", "matching", "seeds_found" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_is(key, known[i]))
			return true;
	}
	return false;
}

static struct json *copy_of(struct arena *mem, const struct json *v)
{
	struct json *made = ARENA_NEW(mem, struct json);

	*made = *v;
	return made;
}

static struct json *with_text(struct arena *mem, const struct json *v, struct view text)
{
	struct json *made = copy_of(mem, v);

	made->str = text;
	return made;
}

static struct json *hidden(struct arena *mem, const struct hide *h, const struct json *v);

/* Of an object or an array, each member hidden; those named here are pieces of one text, and hidden already. */
static struct json *hidden_members(struct arena *mem, const struct hide *h, const struct json *v,
				   const char *const *name, const struct view *piece, size_t n)
{
	struct json *made = copy_of(mem, v), *one;
	const struct json **end = &made->first;

	for (const struct json *m = v->first; m != NULL; m = m->next) {
		size_t i = 0;

		while (i < n && !view_is(m->key, name[i]))
			i++;
		one = i < n ? with_text(mem, m, piece[i]) : hidden(mem, h, m);
		*end = one;
		end = &one->next;
	}
	return made;
}

static struct json *hidden_parts(struct arena *mem, const struct hide *h, const struct json *v)
{
	struct view piece[3] = { { .n = 0 } };
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct json *m = json_find(v, cut[i]);

		if (m != NULL && m->kind == JSON_STRING)
			piece[n++] = m->str;
	}
	if (n == 3)
		hide_pieces(piece, 3, mem, h);
	return hidden_members(mem, h, v, cut, piece, n == 3 ? 3 : 0);
}

/* Tokens of a context: objects whose `text`s are one text. NULL: the array is none. */
static struct json *hidden_tokens(struct arena *mem, const struct hide *h, const struct json *v)
{
	static const char *const name[] = { "text" };
	struct view *piece = ARENA_ARRAY(mem, v->n + 1, struct view);
	struct json *made, *one;
	const struct json **end;
	size_t n = 0;

	for (const struct json *m = v->first; m != NULL; m = m->next, n++) {
		const struct json *text = json_find(m, "text");

		if (text == NULL || text->kind != JSON_STRING || json_find(m, "activation") == NULL)
			return NULL;
		piece[n] = text->str;
	}
	hide_pieces(piece, n, mem, h);
	made = copy_of(mem, v);
	end = &made->first;
	n = 0;
	for (const struct json *m = v->first; m != NULL; m = m->next, n++) {
		one = hidden_members(mem, h, m, name, &piece[n], 1);
		*end = one;
		end = &one->next;
	}
	return made;
}

/* Bounded as the reading of JSON is. */
static struct json *hidden(struct arena *mem, const struct hide *h, const struct json *v)
{
	struct json *tokens = v->kind == JSON_ARRAY ? hidden_tokens(mem, h, v) : NULL;

	if (tokens != NULL)
		return tokens;
	if (v->kind == JSON_STRING && !is_structure(v->key))
		return with_text(mem, v, hide_text(mem, h, v->str));
	if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
		return hidden_parts(mem, h, v);
	return copy_of(mem, v);
}

const struct json *hide_tree(struct arena *mem, const struct hide *h, const struct json *v)
{
	return h == NULL ? v : hidden(mem, h, v);
}
