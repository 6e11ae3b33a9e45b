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

struct hiding {
	struct json_out out;
	struct arena *mem;
	const struct hide *h;
};

static void put_value(struct hiding *t, const char *key, const struct json *v);

/* The members of a context that are one text. */
static const char *const cut[] = { "before", "at", "after" };

/* Members that say what something is and quote nothing. */
static bool is_structure(const char *key)
{
	static const char *const known[] = { "partition", "status",   "kind",	 "verdict",  "finding",
					     "id",	  "document", "formula", "matching", "seeds_found" };

	for (size_t i = 0; key != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(key, known[i]) == 0)
			return true;
	}
	return false;
}

static void put_object(struct hiding *t, const struct json *v)
{
	struct view piece[3];
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct json *m = json_find(v, cut[i]);

		if (m != NULL && m->kind == JSON_STRING)
			piece[n++] = m->str;
	}
	if (n == 3)
		hide_pieces(piece, 3, t->mem, t->h);
	for (const struct json *m = v->first; m != NULL; m = m->next) {
		const char *key = arena_strdup(t->mem, m->key.p, m->key.n);
		size_t which = 0;

		while (which < 3 && strcmp(key, cut[which]) != 0)
			which++;
		if (n == 3 && which < 3)
			json_put_str(&t->out, key, piece[which]);
		else
			put_value(t, key, m);
	}
}

/* Tokens of a context: objects whose `text`s are one text. */
static bool put_tokens(struct hiding *t, const struct json *v)
{
	struct view *piece = ARENA_ARRAY(t->mem, v->n + 1, struct view);
	size_t n = 0;

	for (const struct json *m = v->first; m != NULL; m = m->next, n++) {
		const struct json *text = json_find(m, "text");

		if (text == NULL || text->kind != JSON_STRING || json_find(m, "activation") == NULL)
			return false;
		piece[n] = text->str;
	}
	hide_pieces(piece, n, t->mem, t->h);
	n = 0;
	for (const struct json *m = v->first; m != NULL; m = m->next, n++) {
		json_open(&t->out, NULL, '{');
		for (const struct json *it = m->first; it != NULL; it = it->next) {
			if (view_is(it->key, "text"))
				json_put_str(&t->out, "text", piece[n]);
			else
				put_value(t, arena_strdup(t->mem, it->key.p, it->key.n), it);
		}
		json_close(&t->out, '}');
	}
	return true;
}

static void put_value(struct hiding *t, const char *key, const struct json *v)
{
	if (v->kind == JSON_STRING && !is_structure(key)) {
		json_put_str(&t->out, key, hide_text(t->mem, t->h, v->str));
	} else if (v->kind == JSON_OBJECT) {
		json_open(&t->out, key, '{');
		put_object(t, v);
		json_close(&t->out, '}');
	} else if (v->kind == JSON_ARRAY) {
		json_open(&t->out, key, '[');
		if (!put_tokens(t, v)) {
			for (const struct json *m = v->first; m != NULL; m = m->next)
				put_value(t, NULL, m);
		}
		json_close(&t->out, ']');
	} else {
		json_put(&t->out, key, v);
	}
}

int hide_tree(const struct json **out, struct arena *mem, const struct hide *h, const struct json *v,
	      struct err *e)
{
	struct str text = STR_INIT;
	struct hiding t = { .out = JSON_TO_STR(&text), .mem = mem, .h = h };
	int rc;

	*out = v;
	if (h == NULL)
		return 0;
	t.out.compact = true;
	put_value(&t, NULL, v);
	rc = json_read(out, mem, (struct view){ arena_strdup(mem, text.p, text.n), text.n }, "hidden", e);
	str_release(&text);
	return rc;
}
