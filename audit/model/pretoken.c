#include "model/pretoken.h"

/* ---- cutting at matches ---- */

/* The parts of a piece in order, matches and what lies between, put together as the behavior has it. */
struct cutter {
	struct passage *p;
	size_t base; /* where the piece begins in the text */
	enum pretoken_behavior behavior;
	bool invert;
	bool any, last_match; /* a part came; it was a match */
	size_t start, end;    /* the part not yet put */
};

static void cutter_put(struct cutter *c)
{
	if (c->any)
		passage_cut(c->p, c->base + c->start, c->base + c->end, -1);
}

/* Whether the part goes with the one before it. */
static bool cutter_joins(const struct cutter *c, bool match)
{
	switch (c->behavior) {
	case SPLIT_CONTIGUOUS: return match == c->last_match;
	case SPLIT_WITH_PREVIOUS: return match && !c->last_match;
	case SPLIT_WITH_NEXT: return !match && c->last_match;
	default: return false;
	}
}

static void cutter_part(struct cutter *c, size_t start, size_t end, bool match)
{
	match = match != c->invert;
	if (c->behavior == SPLIT_REMOVED && match)
		return;
	if (c->any && cutter_joins(c, match)) {
		c->end = end;
	} else {
		cutter_put(c);
		c->start = start;
		c->end = end;
	}
	c->any = true;
	c->last_match = match;
}

/* The match [start, end) and what stands before it since `done`. */
static void cutter_match(struct cutter *c, size_t done, size_t start, size_t end)
{
	if (done != start)
		cutter_part(c, done, start, false);
	cutter_part(c, start, end, true);
}

static void cut_literal(struct cutter *c, struct view text, struct view literal)
{
	size_t done = 0, found;

	while ((found = normal_find(text, literal, done)) != SIZE_MAX) {
		cutter_match(c, done, found, found + literal.n);
		done = found + literal.n;
	}
	if (done != text.n)
		cutter_part(c, done, text.n, false);
}

static void cut_chars(struct cutter *c, struct view text, const struct cp_set *set)
{
	size_t done = 0;

	for (size_t at = 0, n; at < text.n; at += n) {
		uint32_t cp;

		n = utf8_decode(&cp, text.p + at, text.n - at);
		BUG_ON(n == 0);
		if (!cp_set_has(set, cp))
			continue;
		cutter_match(c, done, at, at + n);
		done = at + n;
	}
	if (done != text.n)
		cutter_part(c, done, text.n, false);
}

static int cut_pattern(struct cutter *c, struct view text, struct pattern_search *search, struct err *e)
{
	size_t done = 0, start, end;
	int got;

	pattern_search_begin(search, text);
	while ((got = pattern_search_next(search, &start, &end, e)) == 1) {
		cutter_match(c, done, start, end);
		done = end;
	}
	if (done != text.n)
		cutter_part(c, done, text.n, false);
	return got;
}

static int cut_step(const struct pretoken_step *s, struct pattern_search *search, struct passage *p,
		    struct err *e)
{
	int status = 0;

	if (!s->pattern && !s->literal.p && !s->by_chars)
		return 0;
	for (size_t i = 0; i < p->n && status == 0; i++) {
		const struct piece *piece = &p->piece[i];
		struct view text = passage_view(p, piece);
		struct cutter c = {
			.p = p, .base = piece->start, .behavior = s->behavior, .invert = s->invert
		};

		if (piece->id >= 0) {
			passage_cut(p, piece->start, piece->end, piece->id);
			continue;
		}
		if (s->pattern)
			status = cut_pattern(&c, text, search, e);
		else if (s->literal.p)
			cut_literal(&c, text, s->literal);
		else
			cut_chars(&c, text, &s->chars);
		cutter_put(&c);
	}
	passage_take_cuts(p);
	return status;
}

/* ---- rewriting ---- */

static bool starts_with(const struct passage *p, const struct piece *piece, struct view mark)
{
	struct view text = passage_view(p, piece);

	return text.n >= mark.n && view_eq((struct view){ text.p, mark.n }, mark);
}

static void prefix_blank(struct passage *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n && !any; i++)
		any = p->piece[i].id < 0 && !starts_with(p, &p->piece[i], VIEW(" "));
	if (!any)
		return;
	passage_rewrite(p);
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->piece[i];
		size_t start = passage_written(p);

		if (piece->id < 0 && !starts_with(p, piece, VIEW(" ")))
			passage_prepend(p, VIEW(" "), piece->start);
		passage_keep(p, piece->start, piece->end);
		passage_end_piece(p, start, piece->id);
	}
	passage_take_rewritten(p);
}

static void write_bytes(struct passage *p)
{
	passage_rewrite(p);
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->piece[i];
		size_t start = passage_written(p);

		if (piece->id >= 0)
			passage_keep(p, piece->start, piece->end);
		else
			passage_put_bytes(p, piece->start, piece->end);
		passage_end_piece(p, start, piece->id);
	}
	passage_take_rewritten(p);
}

static bool wants_mark(const struct pretoken_step *s, const struct passage *p, const struct piece *piece)
{
	if (s->prepend == PREPEND_NEVER || starts_with(p, piece, VIEW(" ")) || starts_with(p, piece, s->mark))
		return false;
	return s->prepend == PREPEND_ALWAYS || passage_origin(p, piece->start).ref_start == 0;
}

static void write_marks(const struct pretoken_step *s, struct passage *p)
{
	passage_rewrite(p);
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->piece[i];
		size_t start = passage_written(p), done = piece->start;

		if (piece->id < 0 && wants_mark(s, p, piece))
			passage_prepend(p, s->mark, piece->start);
		for (size_t at = piece->start; piece->id < 0 && at < piece->end; at++) {
			if (p->text.p[at] != ' ')
				continue;
			passage_keep(p, done, at);
			passage_put(p, s->mark, passage_origin(p, at));
			done = at + 1;
		}
		passage_keep(p, done, piece->end);
		passage_end_piece(p, start, piece->id);
	}
	passage_take_rewritten(p);
}

/* ---- the whole ---- */

void pretoken_work_init(struct pretoken_work *w, struct arena *mem, const struct pretoken *t)
{
	w->n = t->n;
	w->search = ARENA_ARRAY(mem, t->n + 1, struct pattern_search);
	for (size_t i = 0; i < t->n; i++)
		if (t->step[i].pattern)
			pattern_search_init(&w->search[i], t->step[i].pattern);
}

void pretoken_work_release(struct pretoken_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->search[i].pattern)
			pattern_search_release(&w->search[i]);
	w->n = 0;
}

int pretoken_apply(const struct pretoken *t, struct pretoken_work *w, struct passage *p, bool raw,
		   struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct pretoken_step *s = &t->step[i];

		if (s->kind == PRETOKEN_METASPACE)
			write_marks(s, p);
		if (s->kind == PRETOKEN_BYTES && s->prefix)
			prefix_blank(p);
		if (cut_step(s, &w->search[i], p, e) < 0)
			return -1;
		if (s->kind == PRETOKEN_BYTES && !(raw && i + 1 == t->n))
			write_bytes(p);
		if (passage_check(p, e) < 0)
			return -1;
	}
	return 0;
}
