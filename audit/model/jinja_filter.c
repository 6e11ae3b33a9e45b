#include "model/jinja_filter.h"
#include "model/jinja_str.h"

#include "base/unicode.h"

#include <stdio.h>
#include <string.h>

static int filter_case(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	*out = val_text(text_case(m, t, c->which));
	return machine_step(m, 4 * t->n);
}

static bool begins_word(uint32_t before)
{
	return text_is_space(before) || before == '-' || before == '(' || before == '{' || before == '[' ||
	       before == '<';
}

/* Words begin behind white space and - ( { [ <, which is not what str.title() does. */
static int filter_title(struct machine *m, struct value *out, const struct call *c)
{
	struct pen *pen = pen_new(&m->heap);
	const struct text *t;
	size_t at = 0, len, rest;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	while (at < t->n && !m->heap.full) {
		uint32_t cp = 0;

		len = utf8_decode(&cp, t->p + at, t->n - at);
		put_cased(pen, t, at, len, CASE_UPPER);
		at += len;
		for (rest = at; at < t->n && !begins_word(cp); at += len)
			len = utf8_decode(&cp, t->p + at, t->n - at);
		pen_text(pen, text_case(m, text_part(&m->heap, t, rest, at), CASE_LOWER));
	}
	*out = val_text(pen_text_of(pen));
	return machine_step(m, 4 * t->n);
}

static int filter_trim(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t, *chars = NULL;

	if (val_string(m, &t, c->self) < 0 || arg_text(m, &chars, c, 0) < 0)
		return -1;
	*out = val_text(text_strip(m, t, chars, SIDE_LEFT | SIDE_RIGHT));
	return machine_step(m, t->n - out->text->n);
}

static int filter_string(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	*out = val_text(t);
	return machine_step(m, t->n);
}

static int filter_safe(struct machine *m, struct value *out, const struct call *c)
{
	if (filter_string(m, out, c) < 0)
		return -1;
	out->safe = true;
	return 0;
}

static int filter_replace(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t, *from, *to;
	int64_t most = -1;

	if (val_string(m, &t, c->self) < 0 || val_string(m, &from, c->arg[0]) < 0 ||
	    val_string(m, &to, c->arg[1]) < 0 || arg_int(m, &most, c, 2) < 0)
		return -1;
	*out = val_text(text_replace(m, t, from, to, most < 0 ? -1 : most));
	return machine_step(m, t->n + out->text->n);
}

static int need_string(struct machine *m, const struct call *c, const char *filter)
{
	if (c->self.kind == VAL_UNDEFINED)
		return machine_undefined(m, c->self);
	if (c->self.kind != VAL_STRING)
		return FAIL(m, "%s needs a string, not a %s", filter, val_type(c->self));
	return 0;
}

/* indent(width, first, blank) */
static int filter_indent(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *width = NULL;
	struct pen *pen = pen_new(&m->heap);
	const struct value *line;
	int64_t blanks = 4;
	struct value lines;
	size_t n;

	if (need_string(m, c, "indent") < 0)
		return -1;
	if (c->arg[0].kind == VAL_STRING)
		width = c->arg[0].text;
	else if (arg_int(m, &blanks, c, 0) < 0)
		return -1;
	else
		width = text_repeat(&m->heap, text_of(&m->heap, " "), blanks > 0 ? (size_t)blanks : 0);
	/* with one newline more, so that a line break at the end is a line too */
	lines = text_lines(m, text_join2(&m->heap, c->self.text, text_of(&m->heap, "\n")), false);
	if (val_items(m, &line, &n, lines) < 0)
		return -1;
	for (size_t i = 0; i < n && !m->heap.full; i++) {
		if (i > 0)
			pen_char(pen, '\n');
		if (i == 0 ? arg_true(c, 1, false) : arg_true(c, 2, false) || line[i].text->n > 0)
			pen_text(pen, width);
		pen_text(pen, line[i].text);
	}
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

static int filter_center(struct machine *m, struct value *out, const struct call *c)
{
	const struct callee *center = str_method(VIEW("center"));
	struct value width = c->arg[0].kind == VAL_ABSENT ? val_int(80) : c->arg[0];
	const struct text *t;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	return callee_call(m, out, center, val_text(t), &(struct args){ .pos = &width, .n = 1 });
}

/* truncate(length, killwords, end, leeway) */
static int filter_truncate(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t = c->self.text, *end = text_of(&m->heap, "...");
	int64_t length = 255, leeway = 5;
	size_t keep, blank;

	*out = c->self;
	if (c->self.kind == VAL_UNDEFINED)
		return 0;
	if (need_string(m, c, "truncate") < 0 || arg_int(m, &length, c, 0) < 0 ||
	    arg_text(m, &end, c, 2) < 0 || arg_int(m, &leeway, c, 3) < 0)
		return -1;
	if (length < (int64_t)end->chars || leeway < 0)
		return FAIL(m, "truncate needs a length of at least %zu and a leeway of at least 0",
			    end->chars);
	if (leeway > INT64_MAX - length || (int64_t)t->chars <= length + leeway)
		return 0;
	keep = text_byte(t, (size_t)length - end->chars);
	if (!arg_true(c, 1, false)) {
		blank = text_rfind(t, VIEW(" "), keep);
		keep = blank != SIZE_MAX ? blank : keep;
	}
	*out = val_text(text_join2(&m->heap, text_part(&m->heap, t, 0, keep), end));
	return machine_step(m, t->n);
}

static int filter_wordcount(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;
	bool in_word = false;
	int64_t n = 0;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	for (size_t at = 0, len; at < t->n; at += len) {
		uint32_t cp = 0;
		bool word;

		len = utf8_decode(&cp, t->p + at, t->n - at);
		word = cp == '_' || unicode_is_letter(cp) || unicode_is_number(cp);
		n += word && !in_word;
		in_word = word;
	}
	*out = val_int(n);
	return machine_step(m, 4 * t->n);
}

/* format(...): the printf of Python's % operator */
static int filter_format(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;
	struct value v;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	if (c->all->n > 0 && c->all->n_named > 0)
		return FAIL(m, "format takes positional or named arguments, not both");
	v = val_seq(m, VAL_TUPLE, c->all->pos, c->all->n);
	if (c->all->n_named > 0) {
		v = val_dict(m);
		for (size_t i = 0; i < c->all->n_named; i++)
			dict_set_name(m, v.dict, c->all->named[i].name, c->all->named[i].value);
	}
	return format_percent(m, out, t, v);
}

static int filter_length(struct machine *m, struct value *out, const struct call *c)
{
	size_t n;

	if (val_length(m, &n, c->self) < 0)
		return -1;
	*out = val_int((int64_t)n);
	return 0;
}

static int filter_first(struct machine *m, struct value *out, const struct call *c)
{
	struct seq *s = c->self.seq;
	const struct value *item;
	size_t n;

	if (c->self.kind == VAL_ITERATOR && s->at < s->n) {
		*out = s->item[s->at++];
		return 0;
	}
	if (c->self.kind == VAL_STRING && c->self.text->n > 0)
		return value_item(m, out, c->self, val_int(0));
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	*out = n > 0 ? item[0] : val_undefined(m, "no first item, the sequence was empty");
	return 0;
}

static int filter_last(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	size_t n;

	if (c->self.kind == VAL_ITERATOR)
		return FAIL(m, "'%s' object is not reversible", val_type(c->self));
	if (c->self.kind == VAL_STRING && c->self.text->n > 0)
		return value_item(m, out, c->self, val_int(-1));
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	*out = n > 0 ? item[n - 1] : val_undefined(m, "no last item, the sequence was empty");
	return 0;
}

static int filter_list(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	size_t n;

	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	*out = val_seq(m, VAL_LIST, item, n);
	return 0;
}

static int filter_items(struct machine *m, struct value *out, const struct call *c)
{
	struct value items;

	if (c->self.kind == VAL_UNDEFINED) {
		*out = val_iterator(m, "generator", NULL, 0);
		return 0;
	}
	if (c->self.kind != VAL_DICT)
		return FAIL(m, "can only get item pairs from a mapping, not from a %s", val_type(c->self));
	if (callee_call(m, &items, method_find(VAL_DICT, VIEW("items")), c->self, c->all) < 0)
		return -1;
	*out = val_iterator(m, "generator", items.seq->item, items.seq->n);
	return 0;
}

static int filter_default(struct machine *m, struct value *out, const struct call *c)
{
	bool missing = c->self.kind == VAL_UNDEFINED || (arg_true(c, 1, false) && !val_true(c->self));

	*out = !missing ? c->self : c->arg[0].kind != VAL_ABSENT ? c->arg[0] : val_str(m, "");
	return 0;
}

/* Python's own attributes only, not the items of a dict. */
static int filter_attr(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *name = NULL;

	if (c->self.kind == VAL_UNDEFINED)
		return machine_undefined(m, c->self);
	if (arg_text(m, &name, c, 0) < 0)
		return -1;
	if (name == NULL)
		return FAIL(m, "attr needs a name, not None");
	if (c->self.kind == VAL_DICT && method_find(VAL_DICT, text_view(name)) == NULL) {
		*out = val_undefined_in(m, c->self, text_view(name), false);
		return 0;
	}
	return value_attr(m, out, c->self, text_view(name));
}

static int filter_tojson(struct machine *m, struct value *out, const struct call *c)
{
	struct pen *pen = pen_new(&m->heap);

	if (json_dump(m, pen, c->self, c) < 0)
		return -1;
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

static int filter_abs(struct machine *m, struct value *out, const struct call *c)
{
	if (!val_is_number(c->self))
		return c->self.kind == VAL_UNDEFINED
			       ? machine_undefined(m, c->self)
			       : FAIL(m, "a %s has no absolute value", val_type(c->self));
	if (c->self.kind == VAL_FLOAT ? !__builtin_signbit(c->self.real) : val_integer(c->self) >= 0)
		return value_negate(m, out, c->self, false);
	return value_negate(m, out, c->self, true);
}

/* "inf", "Infinity", "NaN", with a sign or not: what float() reads besides numbers. */
static bool read_not_finite(double *v, struct view z)
{
	static const char *const word[] = { "inf", "infinity", "nan" };
	bool minus = z.n > 0 && z.p[0] == '-';
	size_t sign = z.n > 0 && (minus || z.p[0] == '+'), i;

	for (size_t w = 0; w < 3; w++) {
		for (i = 0; i < z.n - sign && word[w][i] != '\0' && (z.p[sign + i] | 0x20) == word[w][i]; i++)
			;
		if (i == z.n - sign && word[w][i] == '\0') {
			*v = w == 2 ? __builtin_nan("") : minus ? -__builtin_inf() : __builtin_inf();
			return true;
		}
	}
	return false;
}

static bool is_digit_at(const struct text *t, size_t i)
{
	return i < t->n && t->p[i] >= '0' && t->p[i] <= '9';
}

/* A float as text: underscores between digits, no need of digits on both sides of the point. */
static bool read_real(double *v, const struct text *t)
{
	struct str plain = STR_INIT;
	bool good = t->n > 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i] == '_')
			good = good && i > 0 && is_digit_at(t, i - 1) && is_digit_at(t, i + 1);
		else if (t->p[i] == '.' && is_digit_at(t, i - 1) != is_digit_at(t, i + 1))
			str_adds(&plain, is_digit_at(t, i + 1) ? "0." : ".0");
		else if (i > 0 || t->p[i] != '+')
			str_addc(&plain, t->p[i]);
	}
	good = good && plain.n > 0 && (view_real(v, str_view(&plain)) || read_not_finite(v, text_view(t)));
	str_release(&plain);
	return good;
}

static int filter_float(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;
	double v;

	if (c->self.kind == VAL_UNDEFINED)
		return machine_undefined(m, c->self);
	*out = c->arg[0].kind == VAL_ABSENT ? val_real(0) : c->arg[0];
	if (val_is_number(c->self)) {
		*out = val_real(val_number(c->self));
	} else if (c->self.kind == VAL_STRING) {
		t = text_strip(m, c->self.text, NULL, SIDE_LEFT | SIDE_RIGHT);
		if (read_real(&v, t))
			*out = val_real(v);
	}
	return 0;
}

/* An integer as int() reads it: a sign, a prefix that fits the base, underscores between digits. */
static bool read_int(int64_t *v, const struct text *t, int64_t base)
{
	size_t i = 0, digits = 0;
	bool minus = false;

	*v = 0;
	if (i < t->n && (t->p[i] == '-' || t->p[i] == '+'))
		minus = t->p[i++] == '-';
	if (t->n - i > 2 && t->p[i] == '0' &&
	    (t->p[i + 1] | 0x20) == (base == 16	 ? 'x'
				     : base == 8 ? 'o'
				     : base == 2 ? 'b'
						 : 0))
		i += 2;
	for (; i < t->n; i++) {
		char ch = (char)(t->p[i] >= 'A' && t->p[i] <= 'Z' ? t->p[i] | 0x20 : t->p[i]);
		int d = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'z' ? ch - 'a' + 10 : 99;

		if (ch == '_' && i > 0 && t->p[i - 1] != '_' && i + 1 < t->n && digits > 0)
			continue;
		if (d >= base || __builtin_mul_overflow(*v, base, v) ||
		    (minus ? __builtin_sub_overflow(*v, d, v) : __builtin_add_overflow(*v, d, v)))
			return false;
		digits++;
	}
	return digits > 0;
}

/* int(default, base): of a float, or a text that is one, what stands before the point */
static int filter_int(struct machine *m, struct value *out, const struct call *c)
{
	int64_t base = 10, whole;
	double v = 0;
	bool real = false;

	if (c->self.kind == VAL_UNDEFINED)
		return machine_undefined(m, c->self);
	if (arg_int(m, &base, c, 1) < 0)
		return -1;
	if (base < 2 || base > 36)
		return FAIL(m, "int() reads bases from 2 to 36, not %lld", (long long)base);
	*out = c->arg[0].kind == VAL_ABSENT ? val_int(0) : c->arg[0];
	if (val_is_integral(c->self)) {
		*out = val_int(val_integer(c->self));
	} else if (c->self.kind == VAL_FLOAT) {
		v = c->self.real;
		real = true;
	} else if (c->self.kind == VAL_STRING) {
		const struct text *t = text_strip(m, c->self.text, NULL, SIDE_LEFT | SIDE_RIGHT);

		if (read_int(&whole, t, base))
			*out = val_int(whole);
		else
			real = read_real(&v, t);
	}
	if (real && v > -9223372036854775808.0 && v < 9223372036854775808.0)
		*out = val_int((int64_t)v);
	else if (real && v - v == 0)
		return FAIL(m, "an integer that does not fit 64 bits");
	return 0;
}

/* To `digits` behind the point, ties to even: what round() does with the decimal that the double is. */
static int round_real(struct machine *m, double *out, double v, int64_t digits)
{
	char text[360];
	double unit = 1;

	*out = v;
	if (v - v != 0 || digits > 300)
		return 0;
	if (digits >= 0) {
		snprintf(text, sizeof(text), "%.*f", (int)digits, v);
		if (strlen(text) + 1 < sizeof(text))
			BUG_ON(!view_real(out, view_of(text)));
		return 0;
	}
	for (int64_t i = digits; i < 0 && unit < 1e300; i++)
		unit *= 10;
	if (unit > 1e15)
		return FAIL(m, "round() to %lld places is not supported", (long long)digits);
	snprintf(text, sizeof(text), "%.0f", v / unit);
	BUG_ON(!view_real(out, view_of(text)));
	*out *= unit;
	return 0;
}

/* round(precision, method) */
static int filter_round(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *method = NULL;
	struct value scale, scaled;
	int64_t digits = 0;
	double v;
	bool up;

	if (c->self.kind == VAL_UNDEFINED)
		return machine_undefined(m, c->self);
	if (!val_is_number(c->self))
		return FAIL(m, "round() needs a number, not a %s", val_type(c->self));
	if (arg_int(m, &digits, c, 0) < 0 || arg_text(m, &method, c, 1) < 0)
		return -1;
	if (method == NULL || view_is(text_view(method), "common")) {
		if (c->self.kind != VAL_FLOAT && digits >= 0) {
			*out = val_int(val_integer(c->self));
			return 0;
		}
		if (round_real(m, &v, val_number(c->self), digits) < 0)
			return -1;
		*out = c->self.kind == VAL_FLOAT ? val_real(v) : val_int((int64_t)v);
		return 0;
	}
	if (!view_is(text_view(method), "ceil") && !view_is(text_view(method), "floor"))
		return FAIL(m, "the method of round() must be common, ceil or floor");
	if (value_binary(m, &scale, NODE_POW, val_int(10), val_int(digits)) < 0 ||
	    value_binary(m, &scaled, NODE_MUL, c->self, scale) < 0)
		return -1;
	up = view_is(text_view(method), "ceil");
	if ((up && value_negate(m, &scaled, scaled, true) < 0) ||
	    value_binary(m, &scaled, NODE_FLOORDIV, scaled, val_int(1)) < 0 ||
	    (up && value_negate(m, &scaled, scaled, true) < 0))
		return -1;
	/* what ceil() and floor() give is an integer in Python, which has no -0 */
	return value_binary(m, &scaled, NODE_ADD, scaled, val_int(0)) < 0
		       ? -1
		       : value_binary(m, out, NODE_DIV, scaled, scale);
}

static const struct callee filters[] = {
	CALLEE("abs", filter_abs, "", 0, 0),
	CALLEE("attr", filter_attr, "name", 1, 0),
	CALLEE("batch", seq_batch, "linecount fill_with", 1, 0),
	CALLEE("capitalize", filter_case, "", 0, CASE_CAPITALIZE),
	CALLEE("center", filter_center, "width", 0, 0),
	{ .name = "count", .fn = filter_length, .params = "", .takes_safe = true },
	{ .name = "d", .fn = filter_default, .params = "default_value boolean", .takes_safe = true },
	{ .name = "default", .fn = filter_default, .params = "default_value boolean", .takes_safe = true },
	CALLEE("dictsort", seq_dictsort, "case_sensitive by reverse", 0, 0),
	{ .name = "e" },
	{ .name = "escape" },
	{ .name = "filesizeformat" },
	CALLEE("first", filter_first, "", 0, 0),
	{ .name = "float", .fn = filter_float, .params = "default", .takes_safe = true },
	{ .name = "forceescape" },
	CALLEE("format", filter_format, NULL, 0, 0),
	{ .name = "groupby" },
	CALLEE("indent", filter_indent, "width first blank", 0, 0),
	{ .name = "int", .fn = filter_int, .params = "default base", .takes_safe = true },
	CALLEE("items", filter_items, "", 0, 0),
	CALLEE("join", seq_join, "d attribute", 0, 0),
	CALLEE("last", filter_last, "", 0, 0),
	{ .name = "length", .fn = filter_length, .params = "", .takes_safe = true },
	CALLEE("list", filter_list, "", 0, 0),
	CALLEE("lower", filter_case, "", 0, CASE_LOWER),
	CALLEE("map", seq_map, NULL, 0, 0),
	CALLEE("max", seq_extreme, "case_sensitive attribute", 0, 1),
	CALLEE("min", seq_extreme, "case_sensitive attribute", 0, 0),
	{ .name = "pprint" },
	{ .name = "random" },
	CALLEE("reject", seq_pick, NULL, 0, PICK_REJECT),
	CALLEE("rejectattr", seq_pick, NULL, 0, PICK_REJECT_ATTR),
	CALLEE("replace", filter_replace, "old new count", 2, 0),
	CALLEE("reverse", seq_reverse, "", 0, 0),
	CALLEE("round", filter_round, "precision method", 0, 0),
	{ .name = "safe", .fn = filter_safe, .params = "", .takes_safe = true },
	CALLEE("select", seq_pick, NULL, 0, PICK_SELECT),
	CALLEE("selectattr", seq_pick, NULL, 0, PICK_SELECT_ATTR),
	CALLEE("slice", seq_slice, "slices fill_with", 1, 0),
	CALLEE("sort", seq_sort, "reverse case_sensitive attribute", 0, 0),
	CALLEE("string", filter_string, "", 0, 0),
	{ .name = "striptags" },
	CALLEE("sum", seq_sum, "attribute start", 0, 0),
	CALLEE("title", filter_title, "", 0, 0),
	{ .name = "tojson",
	  .fn = filter_tojson,
	  .params = "ensure_ascii indent separators sort_keys",
	  .takes_safe = true },
	CALLEE("trim", filter_trim, "chars", 0, 0),
	CALLEE("truncate", filter_truncate, "length killwords end leeway", 0, 0),
	CALLEE("unique", seq_unique, "case_sensitive attribute", 0, 0),
	CALLEE("upper", filter_case, "", 0, CASE_UPPER),
	{ .name = "urlencode" },
	{ .name = "urlize" },
	CALLEE("wordcount", filter_wordcount, "", 0, 0),
	{ .name = "wordwrap" },
	{ .name = "xmlattr" },
	{ .name = NULL },
};

const struct callee *filter_find(struct view name)
{
	return callee_in(filters, name);
}
