#include "model/jinja_machine.h"

#include <string.h>

struct value val_none(void)
{
	return (struct value){ .kind = VAL_NONE };
}

struct value val_bool(bool v)
{
	return (struct value){ .kind = VAL_BOOL, .truth = v };
}

struct value val_int(int64_t v)
{
	return (struct value){ .kind = VAL_INT, .integer = v };
}

struct value val_real(double v)
{
	return (struct value){ .kind = VAL_FLOAT, .real = v };
}

struct value val_text(const struct text *t)
{
	return (struct value){ .kind = VAL_STRING, .text = t };
}

struct value val_str(struct machine *m, const char *z)
{
	return val_text(text_of(&m->heap, z));
}

struct value val_seq(struct machine *m, enum val_kind kind, const struct value *item, size_t n)
{
	struct seq *s = HEAP_NEW(&m->heap, struct seq);

	s->item = item;
	s->n = n;
	return (struct value){ .kind = kind, .seq = s };
}

struct value val_iterator(struct machine *m, const char *shown, const struct value *item, size_t n)
{
	struct value v = val_seq(m, VAL_ITERATOR, item, n);

	v.seq->shown = shown;
	return v;
}

struct value val_dict(struct machine *m)
{
	return (struct value){ .kind = VAL_DICT, .dict = HEAP_NEW(&m->heap, struct dict) };
}

static struct value undefined(struct machine *m, struct missing why)
{
	struct missing *p = HEAP_NEW(&m->heap, struct missing);

	*p = why;
	return (struct value){ .kind = VAL_UNDEFINED, .missing = p };
}

struct value val_undefined(struct machine *m, const char *hint)
{
	return undefined(m, (struct missing){ .hint = hint });
}

struct value val_undefined_name(struct machine *m, struct view name)
{
	return undefined(m, (struct missing){ .name = name });
}

struct value val_undefined_in(struct machine *m, struct value of, struct view name, bool element)
{
	return undefined(m, (struct missing){ .of = val_type(of), .name = name, .element = element });
}

bool val_is_number(struct value v)
{
	return v.kind == VAL_BOOL || v.kind == VAL_INT || v.kind == VAL_FLOAT;
}

bool val_is_integral(struct value v)
{
	return v.kind == VAL_BOOL || v.kind == VAL_INT;
}

int64_t val_integer(struct value v)
{
	return v.kind == VAL_BOOL ? v.truth : v.integer;
}

double val_number(struct value v)
{
	return v.kind == VAL_FLOAT ? v.real : (double)val_integer(v);
}

bool val_true(struct value v)
{
	switch (v.kind) {
	case VAL_ABSENT:
	case VAL_UNDEFINED:
	case VAL_NONE: return false;
	case VAL_BOOL: return v.truth;
	case VAL_INT: return v.integer != 0;
	case VAL_FLOAT: return v.real != 0;
	case VAL_STRING: return v.text->n > 0;
	case VAL_LIST:
	case VAL_TUPLE:
	case VAL_RANGE:
	case VAL_VIEW: return v.seq->n > 0;
	case VAL_DICT: return v.dict->n > 0;
	default: return true;
	}
}

const char *val_type(struct value v)
{
	static const char *const name[] = {
		[VAL_ABSENT] = "nothing", [VAL_UNDEFINED] = "Undefined",
		[VAL_NONE] = "NoneType",  [VAL_BOOL] = "bool",
		[VAL_INT] = "int",	  [VAL_FLOAT] = "float",
		[VAL_STRING] = "str",	  [VAL_LIST] = "list",
		[VAL_TUPLE] = "tuple",	  [VAL_RANGE] = "range",
		[VAL_DICT] = "dict",	  [VAL_NAMESPACE] = "Namespace",
		[VAL_MACRO] = "Macro",	  [VAL_FUNCTION] = "function",
		[VAL_METHOD] = "method",  [VAL_LOOP] = "LoopContext",
	};

	return v.kind == VAL_VIEW || v.kind == VAL_ITERATOR ? v.seq->shown : name[v.kind];
}

static int seq_equal(struct machine *m, bool *out, const struct seq *a, const struct seq *b)
{
	*out = a->n == b->n;
	for (size_t i = 0; *out && i < a->n; i++)
		if (val_equal(m, out, a->item[i], b->item[i]) < 0)
			return -1;
	return 0;
}

static int dict_equal(struct machine *m, bool *out, const struct dict *a, const struct dict *b)
{
	const struct value *item;

	*out = a->n == b->n;
	for (size_t i = 0; *out && i < a->n; i++) {
		if (dict_get(m, &item, b, a->key[i]) < 0)
			return -1;
		*out = item != NULL;
		if (*out && val_equal(m, out, a->item[i], *item) < 0)
			return -1;
	}
	return 0;
}

static bool same_thing(struct value a, struct value b)
{
	switch (a.kind) {
	case VAL_MACRO: return a.macro == b.macro;
	case VAL_FUNCTION: return a.callee == b.callee;
	case VAL_METHOD: return a.method == b.method;
	case VAL_LOOP: return a.loop == b.loop;
	case VAL_NAMESPACE: return a.dict == b.dict;
	default: return a.seq == b.seq;
	}
}

int val_equal(struct machine *m, bool *out, struct value a, struct value b)
{
	int r = 0;

	if (machine_enter(m) < 0)
		return -1;
	if (val_is_number(a) && val_is_number(b))
		*out = a.kind == VAL_FLOAT || b.kind == VAL_FLOAT ? val_number(a) == val_number(b)
								  : val_integer(a) == val_integer(b);
	else if (a.kind != b.kind)
		*out = false;
	else if (a.kind <= VAL_NONE)
		*out = true;
	else if (a.kind == VAL_STRING)
		*out = text_eq(a.text, b.text);
	else if (a.kind == VAL_LIST || a.kind == VAL_TUPLE || a.kind == VAL_RANGE)
		r = seq_equal(m, out, a.seq, b.seq);
	else if (a.kind == VAL_DICT)
		r = dict_equal(m, out, a.dict, b.dict);
	else
		*out = same_thing(a, b);
	machine_leave(m);
	return r;
}

static int seq_order(struct machine *m, int *out, const struct seq *a, const struct seq *b, const char *op)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		bool equal;

		if (val_equal(m, &equal, a->item[i], b->item[i]) < 0)
			return -1;
		if (!equal)
			return val_order(m, out, a->item[i], b->item[i], op);
	}
	*out = (a->n > b->n) - (a->n < b->n);
	return 0;
}

int val_order(struct machine *m, int *out, struct value a, struct value b, const char *op)
{
	int r = 0;

	if (a.kind == VAL_UNDEFINED || b.kind == VAL_UNDEFINED)
		return machine_undefined(m, a.kind == VAL_UNDEFINED ? a : b);
	if (machine_enter(m) < 0)
		return -1;
	if (val_is_integral(a) && val_is_integral(b))
		*out = (val_integer(a) > val_integer(b)) - (val_integer(a) < val_integer(b));
	else if (val_is_number(a) && val_is_number(b))
		*out = (val_number(a) > val_number(b)) - (val_number(a) < val_number(b));
	else if (a.kind == VAL_STRING && b.kind == VAL_STRING)
		*out = view_cmp(text_view(a.text), text_view(b.text));
	else if (a.kind == b.kind && (a.kind == VAL_LIST || a.kind == VAL_TUPLE))
		r = seq_order(m, out, a.seq, b.seq, op);
	else
		r = FAIL(m, "'%s' not supported between instances of '%s' and '%s'", op, val_type(a),
			 val_type(b));
	machine_leave(m);
	return r;
}

static int text_items(struct machine *m, const struct value **item, size_t *n, const struct text *t)
{
	struct value *v;
	size_t at = 0;

	if (!heap_room(&m->heap, t->chars, sizeof(*v) + sizeof(*t) + sizeof(*t->run)))
		return machine_step(m, 0);
	v = HEAP_ARRAY(&m->heap, t->chars, struct value);
	for (size_t i = 0; i < t->chars; i++) {
		uint32_t cp;
		size_t len = utf8_decode(&cp, t->p + at, t->n - at);

		v[i] = val_text(text_part(&m->heap, t, at, at + len));
		at += len;
	}
	*item = v;
	*n = t->chars;
	return 0;
}

int val_items(struct machine *m, const struct value **item, size_t *n, struct value v)
{
	*item = NULL;
	*n = 0;
	switch (v.kind) {
	case VAL_UNDEFINED: return 0;
	case VAL_STRING: return machine_step(m, v.text->n) < 0 ? -1 : text_items(m, item, n, v.text);
	case VAL_LIST:
	case VAL_TUPLE:
	case VAL_RANGE:
	case VAL_VIEW:
		*item = v.seq->item;
		*n = v.seq->n;
		return 0;
	case VAL_ITERATOR:
		*item = v.seq->at > 0 ? v.seq->item + v.seq->at : v.seq->item;
		*n = v.seq->n - v.seq->at;
		v.seq->at = v.seq->n;
		return 0;
	case VAL_DICT:
		*item = v.dict->key;
		*n = v.dict->n;
		return 0;
	default: return FAIL(m, "'%s' object is not iterable", val_type(v));
	}
}

int val_length(struct machine *m, size_t *n, struct value v)
{
	switch (v.kind) {
	case VAL_UNDEFINED: *n = 0; return 0;
	case VAL_STRING: *n = v.text->chars; return 0;
	case VAL_LIST:
	case VAL_TUPLE:
	case VAL_RANGE:
	case VAL_VIEW: *n = v.seq->n; return 0;
	case VAL_DICT: *n = v.dict->n; return 0;
	default: return FAIL(m, "object of type '%s' has no len()", val_type(v));
	}
}

static int items_contain(struct machine *m, bool *out, struct value needle, struct value hay)
{
	struct seq *s = hay.seq;
	size_t i = hay.kind == VAL_ITERATOR ? s->at : 0;

	for (*out = false; !*out && i < s->n; i++)
		if (val_equal(m, out, needle, s->item[i]) < 0)
			return -1;
	if (hay.kind == VAL_ITERATOR)
		s->at = i;
	return 0;
}

int val_contains(struct machine *m, bool *out, struct value needle, struct value hay)
{
	const struct value *found;

	switch (hay.kind) {
	case VAL_UNDEFINED: *out = false; return 0;
	case VAL_STRING:
		if (needle.kind != VAL_STRING)
			return FAIL(m, "'in <string>' requires string as left operand, not %s",
				    val_type(needle));
		*out = text_find(hay.text, text_view(needle.text), 0) != SIZE_MAX;
		return machine_step(m, hay.text->n);
	case VAL_LIST:
	case VAL_TUPLE:
	case VAL_RANGE:
	case VAL_VIEW:
	case VAL_ITERATOR: return items_contain(m, out, needle, hay);
	case VAL_DICT:
		if (dict_get(m, &found, hay.dict, needle) < 0)
			return -1;
		*out = found != NULL;
		return 0;
	default: return FAIL(m, "argument of type '%s' is not iterable", val_type(hay));
	}
}

const struct value *dict_find(const struct dict *d, struct view key)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->key[i].kind == VAL_STRING && view_eq(text_view(d->key[i].text), key))
			return &d->item[i];
	return NULL;
}

int dict_get(struct machine *m, const struct value **out, const struct dict *d, struct value key)
{
	bool equal = false;

	*out = NULL;
	if (key.kind == VAL_LIST || key.kind == VAL_DICT)
		return FAIL(m, "unhashable type: '%s'", val_type(key));
	if (key.kind == VAL_STRING) {
		*out = dict_find(d, text_view(key.text));
		return machine_step(m, d->n * sizeof(key));
	}
	for (size_t i = 0; i < d->n; i++) {
		if (val_equal(m, &equal, d->key[i], key) < 0)
			return -1;
		if (equal) {
			*out = &d->item[i];
			return 0;
		}
	}
	return 0;
}

static void dict_append(struct machine *m, struct dict *d, struct value key, struct value item)
{
	if (d->n == d->cap) {
		size_t cap = d->cap * 2 + 4;
		struct value *k = HEAP_ARRAY(&m->heap, cap, struct value);
		struct value *v = HEAP_ARRAY(&m->heap, cap, struct value);

		if (d->key != NULL && d->item != NULL) {
			memcpy(k, d->key, d->n * sizeof(*k));
			memcpy(v, d->item, d->n * sizeof(*v));
		}
		d->key = k;
		d->item = v;
		d->cap = cap;
	}
	d->key[d->n] = key;
	d->item[d->n++] = item;
}

int dict_set(struct machine *m, struct dict *d, struct value key, struct value item)
{
	const struct value *found;

	if (dict_get(m, &found, d, key) < 0)
		return -1;
	if (found != NULL)
		d->item[found - d->item] = item;
	else
		dict_append(m, d, key, item);
	return 0;
}

void dict_set_name(struct machine *m, struct dict *d, struct view key, struct value item)
{
	const struct value *found = dict_find(d, key);

	if (found != NULL)
		d->item[found - d->item] = item;
	else
		dict_append(m, d, val_text(text_make(&m->heap, key, 0)), item);
}
