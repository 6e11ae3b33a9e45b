#include "model/normal.h"
#include "model/tokenizer_read.h"

#include <string.h>

/* ---- reading ---- */

static const struct {
	const char *type;
	bool compose, compat;
} form_name[] = {
	{ "NFC", true, false },
	{ "NFD", false, false },
	{ "NFKC", true, true },
	{ "NFKD", false, true },
};

int normal_pattern(struct view *literal, struct pattern **pattern, struct arena *mem,
		   const struct json *owner, struct err *e)
{
	const struct json *v;
	struct view text;

	*pattern = NULL;
	*literal = (struct view){ NULL, 0 };
	if (json_member(&v, owner, "pattern", JSON_OBJECT, e) < 0)
		return -1;
	if (json_find(v, "String")) {
		if (json_str(&text, v, "String", e) < 0)
			return -1;
		if (text.n == 0)
			return err_at(e, ERR_INPUT, json_pos(v), "an empty string to look for");
		*literal = (struct view){ arena_strdup(mem, text.p, text.n), text.n };
		return 0;
	}
	if (json_str(&text, v, "Regex", e) < 0)
		return -1;
	if (pattern_open(pattern, text, e) == 0)
		return 0;
	if (e->line == 0) {
		struct err inner = *e;

		return err_at(e, inner.code, json_pos(json_find(v, "Regex")), "%s", inner.msg);
	}
	return -1;
}

struct reading {
	struct normal *normal;
	struct arena *mem;
};

static int read_step(void *ud, const struct json *v, struct view type, struct err *e)
{
	const struct reading *r = ud;
	struct normal *out = r->normal;
	struct arena *mem = r->mem;
	struct normal_step *s = &out->step[out->n];
	struct view text;

	for (size_t i = 0; i < sizeof(form_name) / sizeof(form_name[0]); i++) {
		if (!view_is(type, form_name[i].type))
			continue;
		*s = (struct normal_step){ .kind = NORMAL_FORM,
					   .compose = form_name[i].compose,
					   .compat = form_name[i].compat };
		out->n++;
		return 0;
	}
	if (view_is(type, "Prepend")) {
		*s = (struct normal_step){ .kind = NORMAL_PREPEND };
		if (json_str(&text, v, "prepend", e) < 0)
			return -1;
	} else if (view_is(type, "Replace")) {
		*s = (struct normal_step){ .kind = NORMAL_REPLACE };
		if (json_str(&text, v, "content", e) < 0 ||
		    normal_pattern(&s->literal, &s->pattern, mem, v, e) < 0)
			return -1;
	} else if (view_is(type, "ByteLevel")) {
		*s = (struct normal_step){ .kind = NORMAL_BYTES };
		text = VIEW("");
	} else {
		return err_at(e, ERR_INPUT, json_pos(v), "normalizer %.*s is not supported", read_shown(type),
			      type.p);
	}
	s->text = (struct view){ arena_strdup(mem, text.p, text.n), text.n };
	out->n++;
	return 0;
}

int normal_read(struct normal *out, struct arena *mem, const struct json *v, struct err *e)
{
	struct reading r = { out, mem };

	*out = (struct normal){ .step = ARENA_ARRAY(mem, STEPS_MOST, struct normal_step) };
	return read_steps(v, "normalizers", read_step, &r, e);
}

void normal_release(struct normal *n)
{
	for (size_t i = 0; i < n->n; i++)
		pattern_close(n->step[i].pattern);
	n->n = 0;
}

/* ---- applying ---- */

size_t normal_find(struct view text, struct view literal, size_t at)
{
	while (literal.n <= text.n && at <= text.n - literal.n) {
		const char *p = memchr(text.p + at, literal.p[0], text.n - literal.n + 1 - at);

		if (!p)
			break;
		at = (size_t)(p - text.p);
		if (memcmp(p, literal.p, literal.n) == 0)
			return at;
		at++;
	}
	return SIZE_MAX;
}

/* What stands for the match [start, end): exactly the whole of it; in the reference its last character. */
static struct origin origin_of_match(const struct passage *p, size_t first, size_t start, size_t end)
{
	struct origin at, last;

	if (end == first) {
		at = passage_origin(p, first);
		at.end = at.start;
		at.ref_end = at.ref_start;
		return at;
	}
	last = passage_origin(p, end - 1);
	if (start == end) {
		last.start = last.end;
		return last;
	}
	at = passage_origin(p, start);
	return (struct origin){ at.start, last.end, last.ref_start, last.ref_end };
}

static void replace_literal(struct passage *p, const struct normal_step *s, const struct piece *piece)
{
	struct view text = passage_view(p, piece);
	size_t done = 0, found;

	while ((found = normal_find(text, s->literal, done)) != SIZE_MAX) {
		size_t start = piece->start + found, end = start + s->literal.n;

		passage_keep(p, piece->start + done, start);
		passage_put(p, s->text, origin_of_match(p, piece->start, start, end));
		done = found + s->literal.n;
	}
	passage_keep(p, piece->start + done, piece->end);
}

static int replace_pattern(struct passage *p, const struct normal_step *s, const struct piece *piece,
			   struct pattern_search *search, struct err *e)
{
	size_t done = piece->start, start, end;
	int got;

	pattern_search_begin(search, passage_view(p, piece));
	while ((got = pattern_search_next(search, &start, &end, e)) == 1) {
		passage_keep(p, done, piece->start + start);
		done = piece->start + end;
		passage_put(p, s->text, origin_of_match(p, piece->start, piece->start + start, done));
	}
	passage_keep(p, done, piece->end);
	return got;
}

static int apply_piece(struct passage *p, const struct normal_step *s, const struct piece *piece,
		       struct pattern_search *search, struct err *e)
{
	if (piece->id >= 0) {
		passage_keep(p, piece->start, piece->end);
		return 0;
	}
	switch (s->kind) {
	case NORMAL_PREPEND:
		passage_prepend(p, s->text, piece->start);
		passage_keep(p, piece->start, piece->end);
		return 0;
	case NORMAL_BYTES: passage_put_bytes(p, piece->start, piece->end); return 0;
	default:
		if (s->pattern)
			return replace_pattern(p, s, piece, search, e);
		replace_literal(p, s, piece);
		return 0;
	}
}

static int apply_step(struct passage *p, const struct normal_step *s, struct err *e)
{
	struct pattern_search search = { .pattern = NULL };
	int status = 0;

	if (s->kind == NORMAL_FORM) {
		normal_form(p, s->compose, s->compat);
		return 0;
	}
	if (s->pattern)
		pattern_search_init(&search, s->pattern);
	passage_rewrite(p);
	for (size_t i = 0; i < p->n && status == 0; i++) {
		size_t start = passage_written(p);

		status = apply_piece(p, s, &p->piece[i], &search, e);
		passage_end_piece(p, start, p->piece[i].id);
	}
	passage_take_rewritten(p);
	if (s->pattern)
		pattern_search_release(&search);
	return status;
}

int normal_apply(const struct normal *n, struct passage *p, struct err *e)
{
	for (size_t i = 0; i < n->n; i++)
		if (apply_step(p, &n->step[i], e) < 0 || passage_check(p, e) < 0)
			return -1;
	return 0;
}

int normal_text(struct str *out, const struct normal *n, struct view text, struct err *e)
{
	struct passage p = { .at = NULL };
	int status;

	passage_begin(&p, text);
	status = normal_apply(n, &p, e);
	if (status == 0)
		str_addv(out, p.text);
	passage_release(&p);
	return status;
}
