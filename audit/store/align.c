#include "store/align.h"

#include "base/unicode.h"

/* The next content token at or after i that is the last of its kind with this end; n where none is left. */
static size_t next_end(const struct align_side *s, size_t i)
{
	size_t last;

	while (i < s->n && !s->content[i])
		i++;
	last = i;
	for (; i < s->n && s->end[i] == s->end[last]; i++)
		if (s->content[i])
			last = i;
	return last;
}

size_t align_pairs(struct pair **out, struct arena *mem, const struct align_side *a,
		   const struct align_side *b)
{
	size_t n = 0, i = next_end(a, 0), j = next_end(b, 0);
	struct pair *pair = ARENA_ARRAY(mem, a->n < b->n ? a->n : b->n, struct pair);

	while (i < a->n && j < b->n) {
		uint32_t end_a = a->end[i], end_b = b->end[j];

		if (end_a == end_b)
			pair[n++] = (struct pair){ .a = (uint32_t)i, .b = (uint32_t)j, .byte = end_a };
		if (end_a <= end_b)
			i = next_end(a, i + 1);
		if (end_b <= end_a)
			j = next_end(b, j + 1);
	}
	*out = pair;
	return n;
}

/* One side of the greedy walk: the tokens [first, next) are in the window. */
struct window {
	const struct greedy_side *side;
	size_t first, next;
	size_t content;	    /* content tokens in the window */
	struct str raw;	    /* their bytes */
	struct str text;    /* normalised */
	size_t code_points; /* of `text` */
	bool whole;	    /* `raw` is valid UTF-8 */
};

static void add_lossy(struct str *out, struct view raw)
{
	size_t at = 0;

	while (at < raw.n) {
		size_t n = utf8_valid(raw.p + at, raw.n - at);

		str_add(out, raw.p + at, n);
		at += n;
		if (at < raw.n) {
			str_adds(out, "\xef\xbf\xbd");
			at += utf8_broken(raw.p + at, raw.n - at);
		}
	}
}

/* NFKC, one blank for each run of white space and none at the ends; counts the code points. */
static void window_decode(struct window *w)
{
	struct str valid = STR_INIT, form = STR_INIT;
	struct err e = ERR_INIT;
	bool blank = false;

	w->whole = utf8_valid(w->raw.p, w->raw.n) == w->raw.n;
	add_lossy(&valid, str_view(&w->raw));
	BUG_ON(utf8_nfkc(&form, str_view(&valid), &e) < 0);
	str_clear(&w->text);
	w->code_points = 0;
	for (size_t i = 0, n; i < form.n; i += n) {
		uint32_t cp = 0;

		n = utf8_decode(&cp, form.p + i, form.n - i);
		if (unicode_is_space(cp)) {
			blank = w->text.n > 0;
			continue;
		}
		if (blank)
			str_addc(&w->text, ' ');
		str_add(&w->text, form.p + i, n);
		w->code_points += 1 + blank;
		blank = false;
	}
	str_release(&form);
	str_release(&valid);
}

/* Takes in the next content token and the white space before it; false at the end. */
static bool window_grow(struct window *w)
{
	const struct align_side *s = &w->side->tokens;
	size_t i = w->next;

	while (i < s->n && !s->content[i])
		i++;
	if (i == s->n)
		return false;
	for (; w->next <= i; w->next++)
		str_addv(&w->raw, w->side->piece(w->side->ud, w->next));
	w->content++;
	window_decode(w);
	return true;
}

/* Empty again, behind what was matched; false when there is nothing left to grow into. */
static bool window_restart(struct window *w)
{
	w->first = w->next;
	w->content = 0;
	str_clear(&w->raw);
	return window_grow(w);
}

static void window_release(struct window *w)
{
	str_release(&w->raw);
	str_release(&w->text);
}

/* Grows the two windows until they say the same; false where they never do. */
static bool windows_meet(struct window *a, struct window *b, size_t limit)
{
	while (!a->whole || !b->whole || !view_eq(str_view(&a->text), str_view(&b->text))) {
		bool a_shorter = a->code_points < b->code_points;

		if (limit > 0 && (a->content >= limit || b->content >= limit))
			return false;
		if (!window_grow(a_shorter ? a : b) && !window_grow(a_shorter ? b : a))
			return false;
	}
	return true;
}

/* The first content token that was not passed. */
static size_t window_stop(const struct window *w, bool ended)
{
	const struct align_side *s = &w->side->tokens;
	size_t i = w->first;

	while (i < s->n && !s->content[i])
		i++;
	return ended ? s->n : i;
}

void align_greedy(struct greedy *out, struct arena *mem, const struct greedy_side *a,
		  const struct greedy_side *b, size_t window)
{
	struct window wa = { .side = a }, wb = { .side = b };
	bool more_a = window_restart(&wa), more_b = window_restart(&wb);
	size_t n = 0, most = a->tokens.n < b->tokens.n ? a->tokens.n : b->tokens.n;
	struct pair *pair = ARENA_ARRAY(mem, most, struct pair);

	while (more_a && more_b && windows_meet(&wa, &wb, window)) {
		pair[n++] = (struct pair){
			.a = (uint32_t)(wa.next - 1),
			.b = (uint32_t)(wb.next - 1),
			.byte = b->tokens.end[wb.next - 1],
		};
		more_a = window_restart(&wa);
		more_b = window_restart(&wb);
	}
	*out = (struct greedy){
		.pair = pair,
		.n = n,
		.complete = !more_a && !more_b,
		.stop_a = window_stop(&wa, !more_a),
		.stop_b = window_stop(&wb, !more_b),
	};
	window_release(&wa);
	window_release(&wb);
}

static size_t content_count(const struct align_side *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->content[i];
	return n;
}

static size_t longest_gap(const struct align_side *s, const struct pair *pair, size_t n, bool side_b)
{
	size_t gap = 0, longest = 0, next = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (next < n && (side_b ? pair[next].b : pair[next].a) == i) {
			gap = 0;
			next++;
		} else if (s->content[i]) {
			gap++;
		}
		if (gap > longest)
			longest = gap;
	}
	return longest;
}

void align_measure(struct align_figures *out, const struct align_side *a, const struct align_side *b,
		   const struct pair *pair, size_t n)
{
	size_t gap_a = longest_gap(a, pair, n, false), gap_b = longest_gap(b, pair, n, true);

	*out = (struct align_figures){
		.content_a = content_count(a),
		.content_b = content_count(b),
		.pairs = n,
		.longest_gap = gap_a > gap_b ? gap_a : gap_b,
	};
}
