/* Functions of every template, and the methods of lists, dicts and loops. */
#include "model/jinja_machine.h"
#include "model/jinja_str.h"

#include <string.h>

#define RANGE_MOST 100000 /* the sandbox's own limit */

static int range_bounds(struct machine *m, int64_t b[3], const struct call *c)
{
	const struct args *a = c->all;

	if (a->n < 1 || a->n > 3 || a->n_named > 0)
		return FAIL(m, "range() takes one to three integers");
	b[0] = 0;
	b[2] = 1;
	for (size_t i = 0; i < a->n; i++) {
		if (a->pos[i].kind == VAL_UNDEFINED)
			return machine_undefined(m, a->pos[i]);
		if (!val_is_integral(a->pos[i]))
			return FAIL(m, "range() takes integers, not a %s", val_type(a->pos[i]));
		b[a->n == 1 ? 1 : i] = val_integer(a->pos[i]);
	}
	return b[2] == 0 ? FAIL(m, "range() needs a step other than zero") : 0;
}

static int call_range(struct machine *m, struct value *out, const struct call *c)
{
	struct pen *shown = pen_new(&m->heap);
	struct value *item;
	int64_t b[3];
	uint64_t n = 0;

	if (range_bounds(m, b, c) < 0)
		return -1;
	if (b[2] > 0 && b[1] > b[0])
		n = ((uint64_t)b[1] - (uint64_t)b[0] - 1) / (uint64_t)b[2] + 1;
	else if (b[2] < 0 && b[1] < b[0])
		n = ((uint64_t)b[0] - (uint64_t)b[1] - 1) / (0 - (uint64_t)b[2]) + 1;
	if (n > RANGE_MOST)
		return FAIL(m, "a range of %llu items, the sandbox allows %d", (unsigned long long)n,
			    RANGE_MOST);
	item = HEAP_ARRAY(&m->heap, n, struct value);
	for (uint64_t i = 0; i < n; i++)
		item[i] = val_int((int64_t)((uint64_t)b[0] + i * (uint64_t)b[2]));
	*out = val_seq(m, VAL_RANGE, item, n);
	pen_fmt(shown, "range(%lld, %lld", (long long)b[0], (long long)b[1]);
	if (b[2] != 1)
		pen_fmt(shown, ", %lld", (long long)b[2]);
	pen_bytes(shown, ")", 2);
	out->seq->shown = pen_text_of(shown)->p;
	return machine_step(m, 16 * n);
}

static int pairs_into(struct machine *m, struct dict *d, struct value from)
{
	const struct value *item, *pair;
	size_t n, two;

	if (from.kind == VAL_DICT) {
		for (size_t i = 0; i < from.dict->n; i++)
			if (dict_set(m, d, from.dict->key[i], from.dict->item[i]) < 0)
				return -1;
		return 0;
	}
	if (val_items(m, &item, &n, from) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (val_items(m, &pair, &two, item[i]) < 0)
			return -1;
		if (two != 2)
			return FAIL(m, "element %zu has %zu parts, a key and a value are needed", i, two);
		if (dict_set(m, d, pair[0], pair[1]) < 0)
			return -1;
	}
	return 0;
}

/* dict(mapping or pairs, name=value...), namespace(likewise) */
static int call_dict(struct machine *m, struct value *out, const struct call *c)
{
	*out = val_dict(m);
	if (c->which)
		out->kind = VAL_NAMESPACE;
	if (c->all->n > 1)
		return FAIL(m, "expected at most 1 positional argument, got %zu", c->all->n);
	if (c->all->n == 1 && pairs_into(m, out->dict, c->all->pos[0]) < 0)
		return -1;
	for (size_t i = 0; i < c->all->n_named; i++) {
		dict_set_name(m, out->dict, c->all->named[i].name, c->all->named[i].value);
		if (machine_step(m, out->dict->n * sizeof(struct value)) < 0)
			return -1;
	}
	return 0;
}

static int call_raise(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *message;

	(void)out;
	if (val_string(m, &message, c->arg[0]) < 0)
		return -1;
	return FAIL(m, "%.*s", (int)(message->n < 500 ? message->n : 500), message->p);
}

static int call_date(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *format = NULL;

	if (arg_text(m, &format, c, 0) < 0)
		return -1;
	if (format == NULL)
		return FAIL(m, "strftime_now() needs a format");
	return format_date(m, out, format);
}

static const struct callee functions[] = {
	CALLEE("range", call_range, NULL, 0, 0),
	CALLEE("dict", call_dict, NULL, 0, 0),
	CALLEE("namespace", call_dict, NULL, 0, 1),
	CALLEE("raise_exception", call_raise, "message", 1, 0),
	CALLEE("strftime_now", call_date, "format", 1, 0),
	{ .name = "lipsum" },
	{ .name = "cycler" },
	{ .name = "joiner" },
	{ .name = NULL },
};

const struct callee *function_find(struct view name)
{
	return callee_in(functions, name);
}

enum { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS };

static int dict_view(struct machine *m, struct value *out, const struct call *c)
{
	static const char *const type[] = { "dict_keys", "dict_values", "dict_items" };
	const struct dict *d = c->self.dict;
	struct value *item = HEAP_ARRAY(&m->heap, d->n, struct value), *pair;

	for (size_t i = 0; i < d->n; i++) {
		item[i] = c->which == VIEW_KEYS ? d->key[i] : d->item[i];
		if (c->which == VIEW_ITEMS) {
			pair = HEAP_ARRAY(&m->heap, 2, struct value);
			pair[0] = d->key[i];
			pair[1] = d->item[i];
			item[i] = val_seq(m, VAL_TUPLE, pair, 2);
		}
	}
	*out = val_seq(m, VAL_VIEW, item, d->n);
	out->seq->shown = type[c->which];
	return machine_step(m, 64 * d->n);
}

static int dict_get_method(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *found;

	if (dict_get(m, &found, c->self.dict, c->arg[0]) < 0)
		return -1;
	*out = found != NULL ? *found : c->arg[1].kind != VAL_ABSENT ? c->arg[1] : val_none();
	return 0;
}

static int copy(struct machine *m, struct value *out, const struct call *c)
{
	(void)m;
	*out = c->self; /* nothing can change either of them */
	return 0;
}

/* count(x), index(x) of a list or tuple */
static int list_find(struct machine *m, struct value *out, const struct call *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->self.seq->n; i++) {
		bool equal;

		if (val_equal(m, &equal, c->self.seq->item[i], c->arg[0]) < 0)
			return -1;
		if (equal && c->which == 1) {
			*out = val_int((int64_t)i);
			return 0;
		}
		n += equal;
	}
	*out = val_int(n);
	return c->which == 1 ? FAIL(m, "the value to find is not in the list") : 0;
}

static int loop_cycle(struct machine *m, struct value *out, const struct call *c)
{
	if (c->all->n == 0)
		return FAIL(m, "no items for cycling given");
	*out = c->all->pos[c->self.loop->index0 % c->all->n];
	return 0;
}

static int loop_changed(struct machine *m, struct value *out, const struct call *c)
{
	struct value now = val_seq(m, VAL_TUPLE, c->all->pos, c->all->n);
	bool same = false;

	if (c->self.loop->changed.kind != VAL_ABSENT && val_equal(m, &same, c->self.loop->changed, now) < 0)
		return -1;
	c->self.loop->changed = now;
	*out = val_bool(!same);
	return 0;
}

/* What would change a value is out of reach in the sandbox: looked up, it is undefined. */
#define UNSAFE(type, z)                                                                      \
	{                                                                                    \
		.name = (z), .params = "access to attribute '" z "' of '" type "' is unsafe" \
	}

static const struct callee dict_methods[] = {
	CALLEE("keys", dict_view, "", 0, VIEW_KEYS),
	CALLEE("values", dict_view, "", 0, VIEW_VALUES),
	CALLEE("items", dict_view, "", 0, VIEW_ITEMS),
	CALLEE("get", dict_get_method, "key default", 1, 0),
	CALLEE("copy", copy, "", 0, 0),
	{ .name = "fromkeys" },
	UNSAFE("dict", "clear"),
	UNSAFE("dict", "pop"),
	UNSAFE("dict", "popitem"),
	UNSAFE("dict", "setdefault"),
	UNSAFE("dict", "update"),
	{ .name = NULL },
};

static const struct callee list_methods[] = {
	CALLEE("count", list_find, "value", 1, 0),
	CALLEE("index", list_find, "value", 1, 1),
	CALLEE("copy", copy, "", 0, 0),
	UNSAFE("list", "append"),
	UNSAFE("list", "clear"),
	UNSAFE("list", "extend"),
	UNSAFE("list", "insert"),
	UNSAFE("list", "pop"),
	UNSAFE("list", "remove"),
	UNSAFE("list", "reverse"),
	UNSAFE("list", "sort"),
	{ .name = NULL },
};

static const struct callee tuple_methods[] = {
	CALLEE("count", list_find, "value", 1, 0),
	CALLEE("index", list_find, "value", 1, 1),
	{ .name = NULL },
};

static const struct callee loop_methods[] = {
	CALLEE("cycle", loop_cycle, NULL, 0, 0),
	CALLEE("changed", loop_changed, NULL, 0, 0),
	{ .name = NULL },
};

const struct callee *method_find(enum val_kind kind, struct view name)
{
	switch (kind) {
	case VAL_STRING: return str_method(name);
	case VAL_LIST: return callee_in(list_methods, name);
	case VAL_TUPLE: return callee_in(tuple_methods, name);
	case VAL_DICT: return callee_in(dict_methods, name);
	case VAL_LOOP: return callee_in(loop_methods, name);
	default: return NULL;
	}
}
