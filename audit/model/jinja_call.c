#include "model/jinja_machine.h"

#include <string.h>

const struct callee *callee_in(const struct callee *table, struct view name)
{
	for (; table->name != NULL; table++)
		if (view_is(name, table->name))
			return table;
	return NULL;
}

/* The i-th of the blank-parted names; empty behind the last. */
static struct view param_name(const char *params, unsigned i)
{
	const char *blank;

	for (; i > 0 && *params != '\0'; i--) {
		blank = strchr(params, ' ');
		params = blank != NULL ? blank + 1 : "";
	}
	blank = strchr(params, ' ');
	return (struct view){ params, blank != NULL ? (size_t)(blank - params) : strlen(params) };
}

int callee_known(struct machine *m, const struct callee *f, struct view name, bool filter)
{
	const char *what = filter ? "filter" : "test";

	if (f == NULL)
		return FAIL(m, "there is no %s '%.*s'", what, SHORT_VIEW(name));
	return f->fn == NULL ? FAIL(m, "the %s '%s' is not supported", what, f->name) : 0;
}

static int bind_named(struct machine *m, struct call *c, const struct callee *f, const struct named *a)
{
	struct view name;

	for (unsigned i = 0; (name = param_name(f->params, i)).n > 0; i++) {
		if (!view_eq(name, a->name))
			continue;
		if (c->arg[i].kind != VAL_ABSENT)
			return FAIL(m, "%s() got two values for '%.*s'", f->name, SHORT_VIEW(name));
		c->arg[i] = a->value;
		return 0;
	}
	return FAIL(m, "%s() has no parameter '%.*s'", f->name, SHORT_VIEW(a->name));
}

int callee_call(struct machine *m, struct value *out, const struct callee *f, struct value self,
		const struct args *args)
{
	struct call c = { .self = self, .all = args, .which = f->which };
	unsigned n = 0;

	if (self.safe && !f->takes_safe)
		return FAIL(m, "%s() of a string marked safe is not supported", f->name);
	if (f->params == NULL)
		return f->fn(m, out, &c);
	while (param_name(f->params, n).n > 0)
		n++;
	BUG_ON(n > CALL_PARAMS);
	if (args->n > n)
		return FAIL(m, "%s() takes at most %u arguments, %zu were given", f->name, n, args->n);
	for (size_t i = 0; i < args->n; i++)
		c.arg[i] = args->pos[i];
	for (size_t i = 0; i < args->n_named; i++)
		if (bind_named(m, &c, f, &args->named[i]) < 0)
			return -1;
	for (unsigned i = 0; i < f->required; i++)
		if (c.arg[i].kind == VAL_ABSENT)
			return FAIL(m, "%s() needs an argument '%.*s'", f->name,
				    SHORT_VIEW(param_name(f->params, i)));
	return f->fn(m, out, &c);
}

int arg_text(struct machine *m, const struct text **out, const struct call *c, unsigned i)
{
	if (c->arg[i].kind == VAL_ABSENT || c->arg[i].kind == VAL_NONE)
		return 0;
	if (c->arg[i].kind == VAL_UNDEFINED)
		return machine_undefined(m, c->arg[i]);
	if (c->arg[i].kind != VAL_STRING)
		return FAIL(m, "expected a string as argument %u, not a %s", i + 1, val_type(c->arg[i]));
	*out = c->arg[i].text;
	return 0;
}

int arg_int(struct machine *m, int64_t *out, const struct call *c, unsigned i)
{
	if (c->arg[i].kind == VAL_ABSENT || c->arg[i].kind == VAL_NONE)
		return 0;
	if (c->arg[i].kind == VAL_UNDEFINED)
		return machine_undefined(m, c->arg[i]);
	if (!val_is_integral(c->arg[i]))
		return FAIL(m, "expected an integer as argument %u, not a %s", i + 1, val_type(c->arg[i]));
	*out = val_integer(c->arg[i]);
	return 0;
}

bool arg_true(const struct call *c, unsigned i, bool otherwise)
{
	return c->arg[i].kind == VAL_ABSENT ? otherwise : val_true(c->arg[i]);
}

static const struct named *named_find(const struct args *args, struct view name)
{
	for (size_t i = 0; i < args->n_named; i++)
		if (view_eq(args->named[i].name, name))
			return &args->named[i];
	return NULL;
}

/* Parameters in order: positional, then named, then their defaults, which may use those before them. */
static int macro_bind(struct machine *m, struct scope *s, const struct macro *f, const struct args *args)
{
	size_t i = 0;

	for (const struct node *p = f->node->a; p != NULL; p = p->next, i++) {
		const struct named *named = named_find(args, p->name);
		struct value v;

		if (machine_step(m, i * sizeof(struct binding)) < 0)
			return -1;
		if (i < args->n && named != NULL && !view_is(p->name, "caller"))
			return FAIL(m, "macro '%.*s' got two values for '%.*s'", SHORT_VIEW(f->node->name),
				    SHORT_VIEW(p->name));
		if (i < args->n)
			v = args->pos[i];
		else if (named != NULL)
			v = named->value;
		else if (p->a == NULL)
			v = val_undefined_name(m, p->name);
		else if (eval(m, &v, p->a, s) < 0)
			return -1;
		scope_set(m, s, p->name, v);
	}
	return 0;
}

static bool is_param(const struct macro *f, struct view name)
{
	for (const struct node *p = f->node->a; p != NULL; p = p->next)
		if (view_eq(p->name, name))
			return true;
	return f->node->takes_caller && view_is(name, "caller");
}

/* What is left over goes to varargs and kwargs where the body speaks of them. */
static int macro_bind_rest(struct machine *m, struct scope *s, const struct macro *f, const struct args *args)
{
	const struct node *n = f->node;
	struct value kwargs = val_dict(m);
	const struct named *caller = named_find(args, VIEW("caller"));
	size_t params = 0;

	for (const struct node *p = n->a; p != NULL; p = p->next)
		params++;
	if (args->n > params && !n->takes_varargs)
		return FAIL(m, "macro '%.*s' takes not more than %zu arguments, %zu were given",
			    SHORT_VIEW(n->name), params, args->n);
	if (n->takes_varargs && args->n > params)
		scope_set(m, s, VIEW("varargs"), val_seq(m, VAL_TUPLE, args->pos + params, args->n - params));
	else if (n->takes_varargs)
		scope_set(m, s, VIEW("varargs"), val_seq(m, VAL_TUPLE, NULL, 0));
	for (size_t i = 0; i < args->n_named; i++) {
		if (is_param(f, args->named[i].name))
			continue;
		if (!n->takes_kwargs)
			return FAIL(m, "macro '%.*s' takes no keyword argument '%.*s'", SHORT_VIEW(n->name),
				    SHORT_VIEW(args->named[i].name));
		dict_set_name(m, kwargs.dict, args->named[i].name, args->named[i].value);
	}
	if (n->takes_kwargs)
		scope_set(m, s, VIEW("kwargs"), kwargs);
	if (n->takes_caller && scope_find(&(struct scope){ .first = s->first }, VIEW("caller")) == NULL)
		scope_set(m, s, VIEW("caller"),
			  caller != NULL ? caller->value : val_undefined(m, "no caller defined"));
	return 0;
}

int macro_call(struct machine *m, struct value *out, const struct macro *f, const struct args *args)
{
	struct scope *s = scope_new(m, f->scope);
	struct pen *pen = pen_new(&m->heap);

	if (machine_enter(m) < 0 || macro_bind(m, s, f, args) < 0 || macro_bind_rest(m, s, f, args) < 0 ||
	    exec(m, pen, f->node->b, s) == FLOW_ERROR)
		return -1;
	machine_leave(m);
	*out = val_text(pen_text_of(pen));
	return 0;
}

int value_call(struct machine *m, struct value *out, struct value f, const struct args *args)
{
	switch (f.kind) {
	case VAL_MACRO: return macro_call(m, out, f.macro, args);
	case VAL_FUNCTION: return callee_call(m, out, f.callee, val_none(), args);
	case VAL_METHOD: return callee_call(m, out, f.method->callee, f.method->self, args);
	case VAL_LOOP: return loop_call(m, out, f.loop, args);
	case VAL_UNDEFINED: return machine_undefined(m, f);
	default: return FAIL(m, "'%s' object is not callable", val_type(f));
	}
}

/* The method of that name, bound; or what stands for one that the sandbox forbids. */
static bool find_method(struct machine *m, int *r, struct value *out, struct value a, struct view name)
{
	const struct callee *f = method_find(a.kind, name);
	struct method *bound;

	*r = 0;
	if (f == NULL)
		return false;
	if (f->fn == NULL && f->params != NULL) {
		*out = val_undefined(m, f->params);
		return true;
	}
	if (f->fn == NULL) {
		*r = FAIL(m, "the method '%s' of a %s is not supported", f->name, val_type(a));
		return true;
	}
	bound = HEAP_NEW(&m->heap, struct method);
	*bound = (struct method){ f, a };
	*out = (struct value){ .kind = VAL_METHOD, .method = bound };
	return true;
}

int value_attr(struct machine *m, struct value *out, struct value a, struct view name)
{
	const struct value *found = NULL;
	int r;

	if (a.kind == VAL_UNDEFINED)
		return machine_undefined(m, a);
	if (a.kind == VAL_LOOP)
		return loop_attr(m, out, a.loop, name);
	if (find_method(m, &r, out, a, name))
		return r;
	if (a.kind == VAL_DICT || a.kind == VAL_NAMESPACE)
		found = dict_find(a.dict, name);
	if (a.kind == VAL_MACRO && view_is(name, "name"))
		*out = val_text(text_make(&m->heap, a.macro->node->name, 0));
	else
		*out = found != NULL ? *found : val_undefined_in(m, a, name, false);
	return 0;
}

static bool is_sequence(struct value v)
{
	return v.kind == VAL_LIST || v.kind == VAL_TUPLE || v.kind == VAL_RANGE;
}

/* a[i] where a is indexed by integers; undefined where it is too short. */
static int item_at(struct machine *m, struct value *out, struct value a, int64_t i)
{
	size_t n = a.kind == VAL_STRING ? a.text->chars : a.seq->n, from;
	int64_t at = i < 0 ? i + (int64_t)n : i;

	if (at < 0 || (uint64_t)at >= n) {
		struct pen *shown = pen_new(&m->heap);

		pen_fmt(shown, "%lld", (long long)i);
		*out = val_undefined_in(m, a, text_view(pen_text_of(shown)), true);
		return 0;
	}
	if (a.kind != VAL_STRING) {
		*out = a.seq->item[at];
		return 0;
	}
	from = text_byte(a.text, (size_t)at);
	*out = val_text(text_part(&m->heap, a.text, from, text_byte(a.text, (size_t)at + 1)));
	return machine_step(m, a.text->chars == a.text->n ? 0 : a.text->n);
}

int value_item(struct machine *m, struct value *out, struct value a, struct value key)
{
	const struct value *found = NULL;
	struct pen *pen;
	int r;

	if (a.kind == VAL_UNDEFINED)
		return machine_undefined(m, a);
	if (a.kind == VAL_DICT && key.kind != VAL_LIST && key.kind != VAL_DICT) {
		if (dict_get(m, &found, a.dict, key) < 0)
			return -1;
		if (found != NULL) {
			*out = *found;
			return 0;
		}
	}
	if ((is_sequence(a) || a.kind == VAL_STRING) && val_is_integral(key))
		return item_at(m, out, a, val_integer(key));
	if (key.kind == VAL_STRING) {
		if (a.kind == VAL_LOOP)
			return loop_attr(m, out, a.loop, text_view(key.text));
		if (a.kind == VAL_NAMESPACE)
			found = dict_find(a.dict, text_view(key.text));
		if (found == NULL && find_method(m, &r, out, a, text_view(key.text)))
			return r;
		*out = found != NULL ? *found : val_undefined_in(m, a, text_view(key.text), false);
		return 0;
	}
	pen = pen_new(&m->heap);
	if (val_repr(m, pen, key) < 0)
		return -1;
	*out = val_undefined_in(m, a, text_view(pen_text_of(pen)), true);
	return 0;
}

/* A bound of a slice as Python clips it to [low, high]. */
static int slice_bound(struct machine *m, int64_t *out, struct value v, int64_t n, int64_t low, int64_t high)
{
	if (v.kind == VAL_NONE)
		return 0;
	if (v.kind == VAL_UNDEFINED)
		return machine_undefined(m, v);
	if (!val_is_integral(v))
		return FAIL(m, "slice indices must be integers or None, not %s", val_type(v));
	*out = val_integer(v);
	if (*out < 0)
		*out += n;
	*out = *out < low ? low : *out > high ? high : *out;
	return 0;
}

/* Every so many characters of a text. */
static int stride_text(struct machine *m, struct pen *pen, const struct text *t, const int64_t bound[3])
{
	uint32_t *byte;
	size_t n = 0;

	if (!heap_room(&m->heap, t->chars + 1, sizeof(*byte)))
		return machine_step(m, 0);
	byte = HEAP_ARRAY(&m->heap, t->chars + 1, uint32_t);
	for (size_t i = 0; i < t->n; i++)
		if (((unsigned char)t->p[i] & 0xc0) != 0x80)
			byte[n++] = (uint32_t)i;
	byte[n] = (uint32_t)t->n;
	for (int64_t i = bound[0]; bound[2] > 0 ? i < bound[1] : i > bound[1]; i += bound[2])
		pen_part(pen, t, byte[i], byte[i + 1]);
	return 0;
}

static int slice_text(struct machine *m, struct value *out, const struct text *t, const int64_t bound[3])
{
	struct pen *pen;
	size_t from, to;

	if (machine_step(m, t->n) < 0)
		return -1;
	if (bound[2] == 1) {
		from = text_byte(t, (size_t)bound[0]);
		to = bound[1] > bound[0] ? text_byte(t, (size_t)bound[1]) : from;
		*out = val_text(text_part(&m->heap, t, from, to));
		return 0;
	}
	pen = pen_new(&m->heap);
	if (stride_text(m, pen, t, bound) < 0)
		return -1;
	*out = val_text(pen_text_of(pen));
	return 0;
}

static int slice_items(struct machine *m, struct value *out, struct value a, const int64_t bound[3])
{
	struct value *item;
	size_t n = 0, most = bound[2] > 0 ? (size_t)(bound[1] > bound[0] ? bound[1] - bound[0] : 0)
					  : (size_t)(bound[0] > bound[1] ? bound[0] - bound[1] : 0);

	if (a.kind == VAL_RANGE)
		return FAIL(m, "slices of a range are not supported");
	if (bound[2] == 1) {
		*out = val_seq(m, a.kind, most > 0 ? a.seq->item + bound[0] : NULL, most);
		return 0;
	}
	if (machine_step(m, most * sizeof(*item)) < 0)
		return -1;
	item = HEAP_ARRAY(&m->heap, most, struct value);
	for (int64_t i = bound[0]; bound[2] > 0 ? i < bound[1] : i > bound[1]; i += bound[2])
		item[n++] = a.seq->item[i];
	*out = val_seq(m, a.kind, item, n);
	return 0;
}

int value_slice(struct machine *m, struct value *out, struct value a, const struct value bound[3])
{
	int64_t at[3] = { 0, 0, 1 }, n;

	if (a.kind == VAL_UNDEFINED)
		return machine_undefined(m, a);
	if (a.safe)
		return FAIL(m, "a slice of a string marked safe is not supported");
	if (!is_sequence(a) && a.kind != VAL_STRING)
		return FAIL(m, "a %s cannot be sliced", val_type(a));
	n = (int64_t)(a.kind == VAL_STRING ? a.text->chars : a.seq->n);
	if (slice_bound(m, &at[2], bound[2], 0, -n - 1, n + 1) < 0)
		return -1;
	if (at[2] == 0)
		return FAIL(m, "slice step cannot be zero");
	at[0] = at[2] > 0 ? 0 : n - 1;
	at[1] = at[2] > 0 ? n : -1;
	if (slice_bound(m, &at[0], bound[0], n, at[2] > 0 ? 0 : -1, at[2] > 0 ? n : n - 1) < 0 ||
	    slice_bound(m, &at[1], bound[1], n, at[2] > 0 ? 0 : -1, at[2] > 0 ? n : n - 1) < 0)
		return -1;
	return a.kind == VAL_STRING ? slice_text(m, out, a.text, at) : slice_items(m, out, a, at);
}
