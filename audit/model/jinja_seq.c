#include "model/jinja_filter.h"
#include "model/jinja_str.h"

#include "base/sort.h"

/* "a.b.0": item['a']['b'][0]; absent or None: the item itself. What is undefined becomes `otherwise`. */
static int get_path(struct machine *m, struct value *out, struct value item, struct value path,
		    struct value otherwise)
{
	size_t from = 0, dot;

	*out = item;
	if (path.kind == VAL_ABSENT || path.kind == VAL_NONE)
		return 0;
	if (path.kind != VAL_STRING)
		return value_item(m, out, item, path);
	do {
		struct view part = { path.text->p + from, path.text->n - from };
		struct value key;
		uint64_t index;

		dot = text_find(path.text, VIEW("."), from);
		if (dot != SIZE_MAX)
			part.n = dot - from;
		from += part.n + 1;
		key = view_u64(&index, part) && index <= INT64_MAX ? val_int((int64_t)index)
								   : val_text(text_make(&m->heap, part, 0));
		if (value_item(m, out, *out, key) < 0)
			return -1;
		if (out->kind == VAL_UNDEFINED && otherwise.kind > VAL_NONE)
			*out = otherwise;
	} while (dot != SIZE_MAX);
	return 0;
}

static const struct value *find_named(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->n_named; i++)
		if (view_is(a->named[i].name, name))
			return &a->named[i].value;
	return NULL;
}

/* The filter or test that an argument names, and the arguments behind it. */
static int callee_named(struct machine *m, const struct callee **f, struct args *rest, const struct args *all,
			size_t i, bool filter)
{
	struct value name = all->pos[i];

	if (name.kind != VAL_STRING)
		return FAIL(m, "the name of a %s must be a string, not a %s", filter ? "filter" : "test",
			    val_type(name));
	*f = filter ? filter_find(text_view(name.text)) : test_find(text_view(name.text));
	if (callee_known(m, *f, text_view(name.text), filter) < 0)
		return -1;
	*rest = *all;
	rest->pos += i + 1;
	rest->n -= i + 1;
	return 0;
}

/* map(attribute=..., default=...) or map(filter, its arguments...) */
int seq_map(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *attribute = find_named(c->all, "attribute"), *item, *otherwise;
	const struct callee *f = NULL;
	struct value *mapped;
	struct args rest;
	size_t n;

	if (!val_true(c->self)) {
		*out = val_iterator(m, "generator", NULL, 0);
		return 0;
	}
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	if (c->all->n == 0 && attribute == NULL)
		return FAIL(m, "map needs the name of a filter, or an attribute");
	if (c->all->n > 0 && callee_named(m, &f, &rest, c->all, 0, true) < 0)
		return -1;
	otherwise = find_named(c->all, "default");
	mapped = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++) {
		int r = f != NULL ? callee_call(m, &mapped[i], f, item[i], &rest)
				  : get_path(m, &mapped[i], item[i], *attribute,
					     otherwise != NULL ? *otherwise : val_none());

		if (r < 0 || machine_step(m, 0) < 0)
			return -1;
	}
	*out = val_iterator(m, "generator", mapped, n);
	return 0;
}

/* select(test, ...), reject(), selectattr(attribute, test, ...), rejectattr(); no test: what is true */
int seq_pick(struct machine *m, struct value *out, const struct call *c)
{
	bool by_attribute = c->which == PICK_SELECT_ATTR || c->which == PICK_REJECT_ATTR;
	bool want = c->which == PICK_SELECT || c->which == PICK_SELECT_ATTR;
	const struct callee *f = NULL;
	const struct value *item;
	struct value *kept;
	struct args rest;
	size_t n, n_kept = 0;

	if (!val_true(c->self)) {
		*out = val_iterator(m, "generator", NULL, 0);
		return 0;
	}
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	if (by_attribute && c->all->n == 0)
		return FAIL(m, "the name of an attribute is missing");
	if (c->all->n > by_attribute && callee_named(m, &f, &rest, c->all, by_attribute, false) < 0)
		return -1;
	kept = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++) {
		struct value v = item[i];

		if (machine_step(m, 0) < 0 ||
		    (by_attribute && get_path(m, &v, item[i], c->all->pos[0], val_none()) < 0) ||
		    (f != NULL && callee_call(m, &v, f, v, &rest) < 0))
			return -1;
		if (val_true(v) == want)
			kept[n_kept++] = item[i];
	}
	*out = val_iterator(m, "generator", kept, n_kept);
	return 0;
}

/* An item with what it is ordered by. */
struct keyed {
	struct value key, item;
};

struct keyed_order {
	struct machine *m;
	bool failed, reverse;
};

static int order_keyed(const void *a, const void *b, void *ud)
{
	struct keyed_order *o = ud;
	const struct keyed *x = a, *y = b;
	bool equal;
	int order = 0;

	/* Jinja's keys are lists, of which Python orders the first two items that differ: equal keys need no order */
	if (!o->failed && (machine_step(o->m, 0) < 0 || val_equal(o->m, &equal, x->key, y->key) < 0 ||
			   (!equal && val_order(o->m, &order, x->key, y->key, "<") < 0)))
		o->failed = true;
	return o->reverse ? -order : order;
}

static int sort_keyed(struct machine *m, struct keyed *k, size_t n, bool reverse)
{
	struct keyed_order o = { m, false, reverse };

	sort_stable(k, n, sizeof(*k), order_keyed, &o);
	return o.failed ? -1 : 0;
}

static struct value fold(struct machine *m, struct value v, bool case_sensitive)
{
	return v.kind == VAL_STRING && !case_sensitive ? val_text(text_case(m, v.text, CASE_LOWER)) : v;
}

/* The key of sort(attribute="a,b"): a list of several, in order. */
static int sort_key(struct machine *m, struct value *out, struct value item, struct value paths,
		    bool case_sensitive)
{
	struct value *part;
	size_t n = 1, from = 0, comma;

	if (paths.kind != VAL_STRING) {
		if (get_path(m, out, item, paths, val_none()) < 0)
			return -1;
		*out = fold(m, *out, case_sensitive);
		return 0;
	}
	for (size_t i = 0; i < paths.text->n; i++)
		n += paths.text->p[i] == ',';
	part = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++, from = comma + 1) {
		comma = text_find(paths.text, VIEW(","), from);
		comma = comma == SIZE_MAX ? paths.text->n : comma;
		if (get_path(m, &part[i], item, val_text(text_part(&m->heap, paths.text, from, comma)),
			     val_none()) < 0)
			return -1;
		part[i] = fold(m, part[i], case_sensitive);
	}
	*out = val_seq(m, VAL_LIST, part, n);
	return 0;
}

/* sort(reverse, case_sensitive, attribute) */
int seq_sort(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	struct value *sorted;
	struct keyed *k;
	size_t n;

	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	k = HEAP_ARRAY(&m->heap, n, struct keyed);
	for (size_t i = 0; i < n; i++) {
		k[i].item = item[i];
		if (sort_key(m, &k[i].key, item[i], c->arg[2], arg_true(c, 1, false)) < 0 ||
		    machine_step(m, 0) < 0)
			return -1;
	}
	if (sort_keyed(m, k, n, arg_true(c, 0, false)) < 0)
		return -1;
	sorted = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++)
		sorted[i] = k[i].item;
	*out = val_seq(m, VAL_LIST, sorted, n);
	return 0;
}

static struct value pair(struct machine *m, struct value a, struct value b)
{
	struct value *item = HEAP_ARRAY(&m->heap, 2, struct value);

	item[0] = a;
	item[1] = b;
	return val_seq(m, VAL_TUPLE, item, 2);
}

/* dictsort(case_sensitive, by, reverse) */
int seq_dictsort(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *by = NULL;
	const struct dict *d = c->self.dict;
	struct value *sorted;
	struct keyed *k;

	if (c->self.kind != VAL_DICT)
		return FAIL(m, "dictsort needs a dict, not a %s", val_type(c->self));
	if (arg_text(m, &by, c, 1) < 0)
		return -1;
	if (by != NULL && !view_is(text_view(by), "key") && !view_is(text_view(by), "value"))
		return FAIL(m, "dictsort sorts by \"key\" or \"value\"");
	k = HEAP_ARRAY(&m->heap, d->n, struct keyed);
	for (size_t i = 0; i < d->n; i++) {
		bool by_value = by != NULL && view_is(text_view(by), "value");

		k[i].key = fold(m, by_value ? d->item[i] : d->key[i], arg_true(c, 0, false));
		k[i].item = pair(m, d->key[i], d->item[i]);
	}
	if (sort_keyed(m, k, d->n, arg_true(c, 2, false)) < 0)
		return -1;
	sorted = HEAP_ARRAY(&m->heap, d->n, struct value);
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = k[i].item;
	*out = val_seq(m, VAL_LIST, sorted, d->n);
	return 0;
}

/* unique(case_sensitive, attribute): the first of each */
int seq_unique(struct machine *m, struct value *out, const struct call *c)
{
	struct value *kept, seen = val_dict(m), key;
	const struct value *item, *found;
	size_t n, n_kept = 0;

	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	kept = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++) {
		if (get_path(m, &key, item[i], c->arg[1], val_none()) < 0)
			return -1;
		key = fold(m, key, arg_true(c, 0, false));
		if (dict_get(m, &found, seen.dict, key) < 0)
			return -1;
		if (found == NULL)
			kept[n_kept++] = item[i];
		if (dict_set(m, seen.dict, key, val_none()) < 0)
			return -1;
	}
	*out = val_iterator(m, "generator", kept, n_kept);
	return 0;
}

/* min, max (case_sensitive, attribute): the first of equals */
int seq_extreme(struct machine *m, struct value *out, const struct call *c)
{
	struct value best = val_none(), key;
	const struct value *item;
	int order;
	size_t n;

	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	*out = n > 0 ? item[0] : val_undefined(m, "no aggregated item, the sequence was empty");
	for (size_t i = 0; i < n; i++) {
		if (get_path(m, &key, item[i], c->arg[1], val_none()) < 0)
			return -1;
		key = fold(m, key, arg_true(c, 0, false));
		order = -1;
		if (i > 0 && (c->which ? val_order(m, &order, best, key, ">")
				       : val_order(m, &order, key, best, "<")) < 0)
			return -1;
		if (order < 0) {
			best = key;
			*out = item[i];
		}
	}
	return 0;
}

/* sum(attribute, start) */
int seq_sum(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	struct value v;
	size_t n;

	*out = c->arg[1].kind == VAL_ABSENT ? val_int(0) : c->arg[1];
	if (out->kind == VAL_STRING)
		return FAIL(m, "sum() can't sum strings, use join");
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (get_path(m, &v, item[i], c->arg[0], val_none()) < 0 ||
		    value_binary(m, out, NODE_ADD, *out, v) < 0)
			return -1;
	return 0;
}

/* join(d, attribute) */
int seq_join(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *between = text_of(&m->heap, "");
	const struct value *item;
	struct value *part;
	size_t n;

	if (c->arg[0].kind != VAL_ABSENT && val_string(m, &between, c->arg[0]) < 0)
		return -1;
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	part = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++)
		if (get_path(m, &part[i], item[i], c->arg[1], val_none()) < 0)
			return -1;
	return text_join(m, out, between, val_seq(m, VAL_LIST, part, n), true);
}

int seq_reverse(struct machine *m, struct value *out, const struct call *c)
{
	struct value bound[3] = { val_none(), val_none(), val_int(-1) }, *reversed;
	const struct value *item;
	size_t n;

	if (c->self.kind == VAL_STRING)
		return value_slice(m, out, c->self, bound);
	if (val_items(m, &item, &n, c->self) < 0)
		return -1;
	reversed = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < n; i++)
		reversed[i] = item[n - 1 - i];
	*out = c->self.kind == VAL_ITERATOR ? val_seq(m, VAL_LIST, reversed, n)
					    : val_iterator(m, "list_reverseiterator", reversed, n);
	return 0;
}

/* A list of `n` items, then `fill` up to `want`. */
static struct value filled(struct machine *m, const struct value *item, size_t n, size_t want,
			   struct value fill)
{
	struct value *v;

	if (want <= n || fill.kind == VAL_ABSENT || fill.kind == VAL_NONE ||
	    !heap_room(&m->heap, want, sizeof(*v)))
		return val_seq(m, VAL_LIST, item, n);
	v = HEAP_ARRAY(&m->heap, want, struct value);
	for (size_t i = 0; i < want; i++)
		v[i] = i < n ? item[i] : fill;
	return val_seq(m, VAL_LIST, v, want);
}

/* batch(linecount, fill_with): rows of so many */
int seq_batch(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	struct value *row;
	int64_t width = 0;
	size_t n, rows;

	if (val_items(m, &item, &n, c->self) < 0 || arg_int(m, &width, c, 0) < 0)
		return -1;
	if (width < 1)
		return FAIL(m, "batch needs at least one item a row, not %lld", (long long)width);
	rows = n / (size_t)width + (n % (size_t)width > 0);
	row = HEAP_ARRAY(&m->heap, rows, struct value);
	for (size_t i = 0; i < rows; i++) {
		size_t from = i * (size_t)width, len = n - from < (size_t)width ? n - from : (size_t)width;

		row[i] = filled(m, item + from, len, (size_t)width, c->arg[1]);
	}
	*out = val_iterator(m, "generator", row, rows);
	return machine_step(m, 64 * n);
}

/* slice(slices, fill_with): so many columns, the first ones longer */
int seq_slice(struct machine *m, struct value *out, const struct call *c)
{
	const struct value *item;
	struct value *column;
	int64_t columns = 0;
	size_t n, each, longer, from = 0;

	if (val_items(m, &item, &n, c->self) < 0 || arg_int(m, &columns, c, 0) < 0)
		return -1;
	if (columns < 1)
		return FAIL(m, "slice needs at least one column, not %lld", (long long)columns);
	if (!heap_room(&m->heap, (size_t)columns, sizeof(*column) + sizeof(struct seq)))
		return machine_step(m, 0);
	each = n / (size_t)columns;
	longer = n % (size_t)columns;
	column = HEAP_ARRAY(&m->heap, (size_t)columns, struct value);
	for (size_t i = 0; i < (size_t)columns; i++) {
		size_t len = each + (i < longer);

		column[i] = filled(m, item + from, len, i < longer ? len : len + 1, c->arg[1]);
		from += len;
	}
	*out = val_iterator(m, "generator", column, (size_t)columns);
	return machine_step(m, 64 * (n + (size_t)columns));
}
