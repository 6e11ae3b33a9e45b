/* The methods of Python's str.  Texts keep the origins of what they are cut and joined from. */
#include "model/jinja_str.h"

#include <string.h>

static bool strippable(uint32_t cp, const struct text *chars)
{
	char utf8[4];
	size_t n = utf8_encode(utf8, cp);

	if (chars == NULL)
		return text_is_space(cp);
	return text_find(chars, (struct view){ utf8, n }, 0) != SIZE_MAX;
}

size_t char_before(uint32_t *cp, const struct text *t, size_t to)
{
	size_t from = to - 1;

	while (from > 0 && ((unsigned char)t->p[from] & 0xc0) == 0x80)
		from--;
	return utf8_decode(cp, t->p + from, to - from);
}

const struct text *text_strip(struct machine *m, const struct text *t, const struct text *chars, int sides)
{
	size_t from = 0, to = t->n, len;
	uint32_t cp;

	while ((sides & SIDE_LEFT) && from < to && (len = utf8_decode(&cp, t->p + from, to - from)) > 0 &&
	       strippable(cp, chars))
		from += len;
	while ((sides & SIDE_RIGHT) && from < to && (len = char_before(&cp, t, to)) > 0 &&
	       strippable(cp, chars))
		to -= len;
	return text_part(&m->heap, t, from, to);
}

static int str_strip(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *chars = NULL;

	if (arg_text(m, &chars, c, 0) < 0)
		return -1;
	*out = val_text(text_strip(m, c->self.text, chars, c->which));
	return machine_step(m, c->self.text->n - out->text->n);
}

/* A list of parts that is still growing. */
struct parts {
	struct value *item;
	size_t n, cap;
};

static void parts_add(struct machine *m, struct parts *p, const struct text *t)
{
	if (p->n == p->cap) {
		size_t cap = p->cap * 2 + 4;
		struct value *wider = HEAP_ARRAY(&m->heap, cap, struct value);

		if (p->n > 0)
			memcpy(wider, p->item, p->n * sizeof(*wider));
		p->item = wider;
		p->cap = cap;
	}
	p->item[p->n++] = val_text(t);
}

/* At runs of white space, none at the ends; from the right where only `most` are wanted. */
static void split_blanks(struct machine *m, struct parts *p, const struct text *t, int64_t most, bool right)
{
	const struct text *rest = text_strip(m, t, NULL, right ? SIDE_RIGHT : SIDE_LEFT);

	while (rest->n > 0 && !m->heap.full) {
		size_t at = right ? rest->n : 0, len = 0;
		uint32_t cp;

		if (most == 0) {
			parts_add(m, p, rest);
			return;
		}
		most -= most > 0;
		while ((right ? at > 0 : at < rest->n)) {
			len = right ? char_before(&cp, rest, at)
				    : utf8_decode(&cp, rest->p + at, rest->n - at);
			if (text_is_space(cp))
				break;
			at = right ? at - len : at + len;
		}
		parts_add(m, p,
			  right ? text_part(&m->heap, rest, at, rest->n) : text_part(&m->heap, rest, 0, at));
		rest = right ? text_part(&m->heap, rest, 0, at) : text_part(&m->heap, rest, at, rest->n);
		rest = text_strip(m, rest, NULL, right ? SIDE_RIGHT : SIDE_LEFT);
	}
}

static void split_at(struct machine *m, struct parts *p, const struct text *t, struct view sep, int64_t most)
{
	size_t from = 0, hit;

	for (; most != 0 && (hit = text_find(t, sep, from)) != SIZE_MAX && !m->heap.full; most -= most > 0) {
		parts_add(m, p, text_part(&m->heap, t, from, hit));
		from = hit + sep.n;
	}
	parts_add(m, p, text_part(&m->heap, t, from, t->n));
}

static void split_at_right(struct machine *m, struct parts *p, const struct text *t, struct view sep,
			   int64_t most)
{
	size_t to = t->n, hit;

	for (; most != 0 && (hit = text_rfind(t, sep, to)) != SIZE_MAX && !m->heap.full; most -= most > 0) {
		parts_add(m, p, text_part(&m->heap, t, hit + sep.n, to));
		to = hit;
	}
	parts_add(m, p, text_part(&m->heap, t, 0, to));
}

static void parts_reverse(struct parts *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct value v = p->item[i];

		p->item[i] = p->item[p->n - 1 - i];
		p->item[p->n - 1 - i] = v;
	}
}

/* split(sep, maxsplit), rsplit() */
static int str_split(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *sep = NULL;
	bool right = c->which == SIDE_RIGHT;
	struct parts p = { .n = 0 };
	int64_t most = -1;

	if (arg_text(m, &sep, c, 0) < 0 || arg_int(m, &most, c, 1) < 0)
		return -1;
	if (sep != NULL && sep->n == 0)
		return FAIL(m, "empty separator");
	if (machine_step(m, t->n) < 0)
		return -1;
	if (most < 0)
		most = -1;
	if (sep == NULL)
		split_blanks(m, &p, t, most, right);
	else if (right)
		split_at_right(m, &p, t, text_view(sep), most);
	else
		split_at(m, &p, t, text_view(sep), most);
	if (right)
		parts_reverse(&p);
	*out = val_seq(m, VAL_LIST, p.item, p.n);
	return machine_step(m, p.n * 64);
}

/* The length of the line break at byte `at`, 0 where there is none. */
static size_t line_break(const struct text *t, size_t at)
{
	uint32_t cp = 0;
	size_t len = utf8_decode(&cp, t->p + at, t->n - at);

	if (cp == '\r' && at + 1 < t->n && t->p[at + 1] == '\n')
		return 2;
	if ((cp >= 0x0a && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1e) || cp == 0x85 || cp == 0x2028 ||
	    cp == 0x2029)
		return len;
	return 0;
}

struct value text_lines(struct machine *m, const struct text *t, bool keep_ends)
{
	struct parts p = { .n = 0 };
	size_t from = 0, at = 0;

	while (at < t->n && !m->heap.full) {
		size_t len = line_break(t, at);

		if (len == 0) {
			at++;
			continue;
		}
		parts_add(m, &p, text_part(&m->heap, t, from, keep_ends ? at + len : at));
		at += len;
		from = at;
	}
	if (from < t->n)
		parts_add(m, &p, text_part(&m->heap, t, from, t->n));
	return val_seq(m, VAL_LIST, p.item, p.n);
}

static int str_splitlines(struct machine *m, struct value *out, const struct call *c)
{
	*out = text_lines(m, c->self.text, arg_true(c, 0, false));
	return machine_step(m, c->self.text->n);
}

/* partition(sep), rpartition(sep) */
static int str_partition(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *sep = NULL, *none = text_of(&m->heap, "");
	struct value *item = HEAP_ARRAY(&m->heap, 3, struct value);
	size_t hit;

	if (arg_text(m, &sep, c, 0) < 0)
		return -1;
	if (sep == NULL || sep->n == 0)
		return FAIL(m, "empty separator");
	hit = c->which == SIDE_RIGHT ? text_rfind(t, text_view(sep), t->n) : text_find(t, text_view(sep), 0);
	item[0] = item[1] = item[2] = val_text(none);
	if (hit == SIZE_MAX) {
		item[c->which == SIDE_RIGHT ? 2 : 0] = val_text(t);
	} else {
		item[0] = val_text(text_part(&m->heap, t, 0, hit));
		item[1] = val_text(sep);
		item[2] = val_text(text_part(&m->heap, t, hit + sep->n, t->n));
	}
	*out = val_seq(m, VAL_TUPLE, item, 3);
	return machine_step(m, t->n);
}

/* Bytes of [start:end] as the arguments at `i` and behind give them; false where they leave nothing. */
static int text_range(struct machine *m, bool *any, size_t *from, size_t *to, const struct call *c,
		      unsigned i)
{
	const struct text *t = c->self.text;
	int64_t n = (int64_t)t->chars, start = 0, end = n;

	if (arg_int(m, &start, c, i) < 0 || arg_int(m, &end, c, i + 1) < 0)
		return -1;
	start = start < -n ? 0 : start < 0 ? start + n : start;
	end = end < -n ? 0 : end < 0 ? end + n : end > n ? n : end;
	*any = start <= end;
	*from = *any ? text_byte(t, (size_t)start) : 0;
	*to = *any ? text_byte(t, (size_t)end) : 0;
	return machine_step(m, t->chars == t->n ? 0 : t->n);
}

static bool affix_is(const struct text *t, size_t from, size_t to, const struct text *affix, int which)
{
	if (affix->n > to - from)
		return false;
	return memcmp(t->p + (which == SIDE_LEFT ? from : to - affix->n), affix->p, affix->n) == 0;
}

/* startswith(prefix, start, end), endswith(): one text or a tuple of them */
static int str_affix(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item = &c->arg[0];
	size_t n = 1, from, to;
	bool any, found = false;

	if (c->arg[0].kind == VAL_TUPLE) {
		item = c->arg[0].seq->item;
		n = c->arg[0].seq->n;
	}
	if (text_range(m, &any, &from, &to, c, 1) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (item[i].kind == VAL_UNDEFINED)
			return machine_undefined(m, item[i]);
		if (item[i].kind != VAL_STRING)
			return FAIL(m, "expected a string or a tuple of strings, not a %s",
				    val_type(item[i]));
		found = found || (any && affix_is(c->self.text, from, to, item[i].text, c->which));
	}
	*out = val_bool(found);
	return 0;
}

enum { FIND_FIRST, FIND_LAST, INDEX_FIRST, INDEX_LAST };

/* find, rfind, index, rindex (sub, start, end) */
static int str_find(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *sub = NULL;
	size_t from, to, hit = SIZE_MAX;
	bool any;

	if (arg_text(m, &sub, c, 0) < 0 || text_range(m, &any, &from, &to, c, 1) < 0)
		return -1;
	if (sub == NULL)
		return FAIL(m, "expected a string to look for, not None");
	if (any && (c->which == FIND_FIRST || c->which == INDEX_FIRST)) {
		hit = text_find(t, text_view(sub), from);
		if (hit != SIZE_MAX && hit + sub->n > to)
			hit = SIZE_MAX;
	} else if (any) {
		hit = text_rfind(t, text_view(sub), to);
		if (hit != SIZE_MAX && hit < from)
			hit = SIZE_MAX;
	}
	if (hit == SIZE_MAX && c->which >= INDEX_FIRST)
		return FAIL(m, "substring not found");
	*out = val_int(hit == SIZE_MAX ? -1 : (int64_t)text_char(t, hit));
	return machine_step(m, t->n);
}

static int str_count(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *sub = NULL;
	size_t from, to, hit;
	int64_t n = 0;
	bool any;

	if (arg_text(m, &sub, c, 0) < 0 || text_range(m, &any, &from, &to, c, 1) < 0)
		return -1;
	if (sub == NULL)
		return FAIL(m, "expected a string to count, not None");
	if (any && sub->n == 0) {
		n = (int64_t)(text_char(t, to) - text_char(t, from)) + 1;
	} else if (any) {
		while ((hit = text_find(t, text_view(sub), from)) != SIZE_MAX && hit + sub->n <= to) {
			from = hit + sub->n;
			n++;
		}
	}
	*out = val_int(n);
	return machine_step(m, t->n);
}

/* Between, before and behind all characters. */
static void replace_empty(struct pen *pen, const struct text *t, const struct text *to, int64_t most)
{
	size_t at = 0;

	for (; most != 0 && at <= t->n && !pen->heap->full; most -= most > 0) {
		uint32_t cp;
		size_t len = utf8_decode(&cp, t->p + at, t->n - at);

		pen_text(pen, to);
		pen_part(pen, t, at, at + len);
		if (len == 0)
			return;
		at += len;
	}
	pen_part(pen, t, at, t->n);
}

const struct text *text_replace(struct machine *m, const struct text *t, const struct text *from,
				const struct text *to, int64_t most)
{
	struct pen *pen;
	size_t at = 0, hit;

	if (from->n > 0 && text_find(t, text_view(from), 0) == SIZE_MAX)
		return t;
	pen = pen_new(&m->heap);
	if (from->n == 0) {
		replace_empty(pen, t, to, most);
		return pen_text_of(pen);
	}
	for (; most != 0 && (hit = text_find(t, text_view(from), at)) != SIZE_MAX && !m->heap.full;
	     most -= most > 0) {
		pen_part(pen, t, at, hit);
		pen_text(pen, to);
		at = hit + from->n;
	}
	pen_part(pen, t, at, t->n);
	return pen_text_of(pen);
}

static int str_replace(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *from = NULL, *to = NULL;
	int64_t most = -1;

	if (arg_text(m, &from, c, 0) < 0 || arg_text(m, &to, c, 1) < 0 || arg_int(m, &most, c, 2) < 0)
		return -1;
	if (from == NULL || to == NULL)
		return FAIL(m, "replace() needs two strings");
	*out = val_text(text_replace(m, c->self.text, from, to, most < 0 ? -1 : most));
	return machine_step(m, c->self.text->n + out->text->n);
}

int text_join(struct machine *m, struct value *out, const struct text *between, struct value list,
	      bool convert)
{
	const struct value *item;
	struct pen *pen = pen_new(&m->heap);
	size_t n;

	if (val_items(m, &item, &n, list) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			pen_text(pen, between);
		if (!convert && item[i].kind != VAL_STRING)
			return FAIL(m, "item %zu to join is a %s, not a string", i, val_type(item[i]));
		if (val_print(m, pen, item[i]) < 0)
			return -1;
	}
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n + n * 64);
}

static int str_join(struct machine *m, struct value *out, const struct call *c)
{
	return text_join(m, out, c->self.text, c->arg[0], false);
}

static int str_case(struct machine *m, struct value *out, const struct call *c)
{
	*out = val_text(text_case(m, c->self.text, c->which));
	return machine_step(m, 4 * c->self.text->n);
}

static int str_remove_affix(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *affix = NULL;

	if (arg_text(m, &affix, c, 0) < 0)
		return -1;
	if (affix == NULL)
		return FAIL(m, "expected a string, not None");
	*out = c->self;
	if (affix_is(t, 0, t->n, affix, c->which) && affix->n > 0)
		*out = val_text(c->which == SIDE_LEFT ? text_part(&m->heap, t, affix->n, t->n)
						      : text_part(&m->heap, t, 0, t->n - affix->n));
	return 0;
}

/* ljust, rjust, center (width, fill): `which` says where the text goes */
static int str_justify(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *fill = text_of(&m->heap, " ");
	struct pen *pen = pen_new(&m->heap);
	int64_t width = 0;
	size_t room, left;

	if (arg_int(m, &width, c, 0) < 0 || arg_text(m, &fill, c, 1) < 0)
		return -1;
	if (fill->chars != 1)
		return FAIL(m, "the fill must be one character long");
	room = width > 0 && (uint64_t)width > t->chars ? (size_t)width - t->chars : 0;
	/* CPython puts the odd blank on the left where the width is odd too */
	left = c->which == SIDE_LEFT	? 0
	       : c->which == SIDE_RIGHT ? room
					: room / 2 + (room & (size_t)width & 1);
	pen_fill(pen, fill, left);
	pen_text(pen, t);
	pen_fill(pen, fill, room - left);
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

static int str_zfill(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text;
	struct pen *pen = pen_new(&m->heap);
	int64_t width = 0;
	size_t sign = t->n > 0 && (t->p[0] == '-' || t->p[0] == '+');

	if (arg_int(m, &width, c, 0) < 0)
		return -1;
	pen_part(pen, t, 0, sign);
	if (width > 0 && (uint64_t)width > t->chars)
		pen_fill(pen, text_of(&m->heap, "0"), (size_t)width - t->chars);
	pen_part(pen, t, sign, t->n);
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

static int str_is(struct machine *m, struct value *out, const struct call *c)
{
	*out = val_bool(text_is(c->self.text, c->which));
	return machine_step(m, 4 * c->self.text->n);
}

static int str_format(struct machine *m, struct value *out, const struct call *c)
{
	return format_braces(m, out, c->self.text, c->all);
}

/* The sandbox hides nothing of a string, all its methods are known here. */
static const struct callee methods[] = {
	CALLEE("capitalize", str_case, "", 0, CASE_CAPITALIZE),
	{ .name = "casefold" },
	CALLEE("center", str_justify, "width fillchar", 1, 0),
	CALLEE("count", str_count, "sub start end", 1, 0),
	{ .name = "encode" },
	CALLEE("endswith", str_affix, "suffix start end", 1, SIDE_RIGHT),
	{ .name = "expandtabs" },
	CALLEE("find", str_find, "sub start end", 1, FIND_FIRST),
	CALLEE("format", str_format, NULL, 0, 0),
	{ .name = "format_map" },
	CALLEE("index", str_find, "sub start end", 1, INDEX_FIRST),
	CALLEE("isalnum", str_is, "", 0, IS_ALNUM),
	CALLEE("isalpha", str_is, "", 0, IS_ALPHA),
	CALLEE("isascii", str_is, "", 0, IS_ASCII),
	CALLEE("isdecimal", str_is, "", 0, IS_DECIMAL),
	CALLEE("isdigit", str_is, "", 0, IS_DIGIT),
	{ .name = "isidentifier" },
	CALLEE("islower", str_is, "", 0, IS_LOWER),
	{ .name = "isnumeric" },
	CALLEE("isprintable", str_is, "", 0, IS_PRINTABLE),
	CALLEE("isspace", str_is, "", 0, IS_SPACE),
	{ .name = "istitle" },
	CALLEE("isupper", str_is, "", 0, IS_UPPER),
	CALLEE("join", str_join, "iterable", 1, 0),
	CALLEE("ljust", str_justify, "width fillchar", 1, SIDE_LEFT),
	CALLEE("lower", str_case, "", 0, CASE_LOWER),
	CALLEE("lstrip", str_strip, "chars", 0, SIDE_LEFT),
	{ .name = "maketrans" },
	CALLEE("partition", str_partition, "sep", 1, SIDE_LEFT),
	CALLEE("removeprefix", str_remove_affix, "prefix", 1, SIDE_LEFT),
	CALLEE("removesuffix", str_remove_affix, "suffix", 1, SIDE_RIGHT),
	CALLEE("replace", str_replace, "old new count", 2, 0),
	CALLEE("rfind", str_find, "sub start end", 1, FIND_LAST),
	CALLEE("rindex", str_find, "sub start end", 1, INDEX_LAST),
	CALLEE("rjust", str_justify, "width fillchar", 1, SIDE_RIGHT),
	CALLEE("rpartition", str_partition, "sep", 1, SIDE_RIGHT),
	CALLEE("rsplit", str_split, "sep maxsplit", 0, SIDE_RIGHT),
	CALLEE("rstrip", str_strip, "chars", 0, SIDE_RIGHT),
	CALLEE("split", str_split, "sep maxsplit", 0, SIDE_LEFT),
	CALLEE("splitlines", str_splitlines, "keepends", 0, 0),
	CALLEE("startswith", str_affix, "prefix start end", 1, SIDE_LEFT),
	CALLEE("strip", str_strip, "chars", 0, SIDE_LEFT | SIDE_RIGHT),
	CALLEE("swapcase", str_case, "", 0, CASE_SWAP),
	CALLEE("title", str_case, "", 0, CASE_TITLE),
	{ .name = "translate" },
	CALLEE("upper", str_case, "", 0, CASE_UPPER),
	CALLEE("zfill", str_zfill, "width", 1, 0),
	{ .name = NULL },
};

const struct callee *str_method(struct view name)
{
	return callee_in(methods, name);
}
