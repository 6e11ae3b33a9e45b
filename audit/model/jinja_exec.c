#include "model/jinja_machine.h"

static int unpack(struct machine *m, struct scope *s, const struct node *target, struct value v);

static int assign(struct machine *m, struct scope *s, const struct node *target, struct value v)
{
	struct binding *ns;

	m->at = target->at;
	if (target->kind == NODE_TUPLE)
		return unpack(m, s, target, v);
	if (target->kind == NODE_NAME) {
		scope_set(m, s, target->name, v);
		return 0;
	}
	ns = scope_find(s, target->name);
	if (ns == NULL || ns->value.kind != VAL_NAMESPACE)
		return FAIL(m, "cannot assign an attribute of '%.*s', which is not a namespace",
			    SHORT_VIEW(target->name));
	dict_set_name(m, ns->value.dict, text_view(target->value.text), v);
	return 0;
}

static int unpack(struct machine *m, struct scope *s, const struct node *target, struct value v)
{
	const struct value *item;
	size_t n, want = 0;

	for (const struct node *i = target->a; i != NULL; i = i->next)
		want++;
	if (val_items(m, &item, &n, v) < 0)
		return -1;
	if (n != want)
		return FAIL(m, "%s values to unpack (%zu, expected %zu)",
			    n < want ? "not enough" : "too many", n, want);
	for (const struct node *i = target->a; i != NULL; i = i->next)
		if (assign(m, s, i, *item++) < 0)
			return -1;
	return 0;
}

static enum flow exec_print(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	for (const struct node *i = n->a; i != NULL; i = i->next) {
		struct value v;
		size_t from = out->n;

		if (eval(m, &v, i, s) < 0)
			return FLOW_ERROR;
		m->at = i->at;
		if (val_print(m, out, v) < 0 || machine_step(m, out->n - from) < 0)
			return FLOW_ERROR;
	}
	return FLOW_ON;
}

static enum flow exec_if(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	for (const struct node *i = n->a; i != NULL; i = i->next) {
		struct value test = val_bool(true);

		if (i->a != NULL && eval(m, &test, i->a, s) < 0)
			return FLOW_ERROR;
		if (val_true(test))
			return exec(m, out, i->b, s);
	}
	return FLOW_ON;
}

static int loop_open(struct machine *m, struct loop **out, const struct node *n, struct scope *s,
		     struct value over)
{
	struct loop *l = HEAP_NEW(&m->heap, struct loop);

	l->node = n;
	l->scope = s;
	l->changed = (struct value){ .kind = VAL_ABSENT };
	*out = l;
	return val_items(m, &l->item, &l->n, over);
}

/* The next item that passes the filter, which is asked late, as Jinja does: the body may change its mind. */
static int next_unfiltered(struct machine *m, struct loop *l, struct value *out, bool *any)
{
	for (*any = false; !*any && l->next < l->n; l->next++) {
		struct value test = val_bool(true);

		*out = l->item[l->next];
		if (l->node->test != NULL) {
			struct scope *s = scope_new(m, l->scope);

			if (assign(m, s, l->node->a, *out) < 0 || eval(m, &test, l->node->test, s) < 0)
				return -1;
		}
		*any = val_true(test);
	}
	return 0;
}

int loop_next(struct machine *m, struct loop *l, struct value *out, bool *any)
{
	*any = l->next_kept < l->n_kept;
	if (*any) {
		*out = l->kept[l->next_kept++];
		return 0;
	}
	return next_unfiltered(m, l, out, any);
}

/* Reads ahead until `count` items are kept, or all. */
static int loop_keep(struct machine *m, struct loop *l, size_t count)
{
	bool any = true;

	if (l->kept == NULL)
		l->kept = HEAP_ARRAY(&m->heap, l->n - l->next, struct value);
	while (l->n_kept - l->next_kept < count) {
		if (next_unfiltered(m, l, &l->kept[l->n_kept], &any) < 0)
			return -1;
		if (!any)
			break;
		l->n_kept++;
	}
	return 0;
}

static int loop_length(struct machine *m, struct loop *l, int64_t *n)
{
	if (l->node->test == NULL) {
		*n = (int64_t)l->n;
		return 0;
	}
	if (loop_keep(m, l, SIZE_MAX) < 0)
		return -1;
	*n = (int64_t)(l->index0 + 1 + l->n_kept - l->next_kept);
	return 0;
}

static int loop_peek(struct machine *m, struct value *out, struct loop *l, bool last)
{
	bool any;

	if (loop_keep(m, l, 1) < 0)
		return -1;
	any = l->next_kept < l->n_kept;
	if (last)
		*out = val_bool(!any);
	else
		*out = any ? l->kept[l->next_kept] : val_undefined(m, "there is no next item");
	return 0;
}

int loop_attr(struct machine *m, struct value *out, struct loop *l, struct view name)
{
	int64_t index0 = (int64_t)l->index0, n = 0;

	if (view_is(name, "index"))
		*out = val_int(index0 + 1);
	else if (view_is(name, "index0"))
		*out = val_int(index0);
	else if (view_is(name, "first"))
		*out = val_bool(index0 == 0);
	else if (view_is(name, "last") || view_is(name, "nextitem"))
		return loop_peek(m, out, l, view_is(name, "last"));
	else if (view_is(name, "previtem"))
		*out = index0 == 0 ? val_undefined(m, "there is no previous item") : l->before;
	else if (view_is(name, "depth"))
		*out = val_int((int64_t)l->depth0 + 1);
	else if (view_is(name, "depth0"))
		*out = val_int(l->depth0);
	else if (view_is(name, "length") || view_is(name, "revindex") || view_is(name, "revindex0")) {
		if (loop_length(m, l, &n) < 0)
			return -1;
		*out = val_int(view_is(name, "length") ? n : n - index0 - view_is(name, "revindex0"));
	} else {
		const struct callee *f = method_find(VAL_LOOP, name);
		struct method *bound;

		if (f == NULL) {
			*out = val_undefined_in(m, (struct value){ .kind = VAL_LOOP, .loop = l }, name,
						false);
			return 0;
		}
		bound = HEAP_NEW(&m->heap, struct method);
		*bound = (struct method){ f, { .kind = VAL_LOOP, .loop = l } };
		*out = (struct value){ .kind = VAL_METHOD, .method = bound };
	}
	return 0;
}

enum flow loop_run(struct machine *m, struct pen *out, struct loop *l)
{
	bool any, complete = false;
	struct value item;
	enum flow flow;

	for (l->index0 = 0;; l->index0++) {
		struct scope *s;

		m->at = l->node->at;
		if (machine_step(m, 0) < 0 || loop_next(m, l, &item, &any) < 0)
			return FLOW_ERROR;
		if (!any)
			break;
		l->before = l->current;
		l->current = item;
		s = scope_new(m, l->scope);
		scope_set(m, s, VIEW("loop"), (struct value){ .kind = VAL_LOOP, .loop = l });
		if (assign(m, s, l->node->a, item) < 0)
			return FLOW_ERROR;
		flow = exec(m, out, l->node->c, s);
		if (flow == FLOW_ERROR)
			return FLOW_ERROR;
		if (flow == FLOW_BREAK)
			break;
		/* Jinja notes an iteration behind its body, so one that was cut short does not count */
		complete |= flow == FLOW_ON;
	}
	return complete ? FLOW_ON : exec(m, out, l->node->d, scope_new(m, l->scope));
}

int loop_call(struct machine *m, struct value *out, struct loop *l, const struct args *args)
{
	struct pen *pen = pen_new(&m->heap);
	struct loop *inner;

	if (!l->node->recursive)
		return FAIL(m, "the loop must have the 'recursive' marker to be called recursively");
	if (args->n != 1 || args->n_named > 0)
		return FAIL(m, "loop() takes one argument, what to loop over");
	if (loop_open(m, &inner, l->node, l->scope, args->pos[0]) < 0)
		return -1;
	inner->depth0 = l->depth0 + 1;
	if (machine_enter(m) < 0 || loop_run(m, pen, inner) == FLOW_ERROR)
		return -1;
	machine_leave(m);
	*out = val_text(pen_text_of(pen));
	return 0;
}

static enum flow exec_for(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	struct value over;
	struct loop *l;

	if (eval(m, &over, n->b, s) < 0)
		return FLOW_ERROR;
	m->at = n->b->at;
	if (loop_open(m, &l, n, s, over) < 0)
		return FLOW_ERROR;
	return loop_run(m, out, l);
}

static enum flow exec_set(struct machine *m, const struct node *n, struct scope *s)
{
	struct value v;

	if (eval(m, &v, n->b, s) < 0 || assign(m, s, n->a, v) < 0)
		return FLOW_ERROR;
	return FLOW_ON;
}

/* What a body writes, through filters. */
static enum flow exec_captured(struct machine *m, struct value *out, const struct node *body,
			       const struct node *filter, struct scope *s)
{
	struct pen *pen = pen_new(&m->heap);
	enum flow flow = exec(m, pen, body, scope_new(m, s));

	if (flow != FLOW_ON)
		return flow;
	*out = val_text(pen_text_of(pen));
	if (filter != NULL && eval_filters(m, out, filter, s) < 0)
		return FLOW_ERROR;
	return FLOW_ON;
}

static enum flow exec_set_block(struct machine *m, const struct node *n, struct scope *s)
{
	struct value v;
	enum flow flow = exec_captured(m, &v, n->c, n->b, s);

	if (flow == FLOW_ON && assign(m, s, n->a, v) < 0)
		return FLOW_ERROR;
	return flow;
}

static enum flow exec_filter_block(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	struct value v;
	enum flow flow = exec_captured(m, &v, n->b, n->a, s);

	if (flow == FLOW_ON && val_print(m, out, v) < 0)
		return FLOW_ERROR;
	return flow;
}

static struct value macro_make(struct machine *m, const struct node *n, struct scope *s)
{
	struct macro *f = HEAP_NEW(&m->heap, struct macro);

	*f = (struct macro){ n, s };
	return (struct value){ .kind = VAL_MACRO, .macro = f };
}

/* The call of the block, with one argument more: the block itself. */
static enum flow exec_call_block(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	struct value f, v;
	struct args args;
	struct named *named;

	if (eval(m, &f, n->b->a, s) < 0 || eval_args(m, &args, n->b->b, s) < 0)
		return FLOW_ERROR;
	m->at = n->at;
	named = HEAP_ARRAY(&m->heap, args.n_named + 1, struct named);
	for (size_t i = 0; i < args.n_named; i++)
		named[i] = args.named[i];
	named[args.n_named++] = (struct named){ VIEW("caller"), macro_make(m, n->a, s) };
	args.named = named;
	if (value_call(m, &v, f, &args) < 0 || val_print(m, out, v) < 0)
		return FLOW_ERROR;
	return FLOW_ON;
}

static enum flow exec_with(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	struct scope *inner = scope_new(m, s);

	for (const struct node *i = n->a; i != NULL; i = i->next) {
		struct value v;

		if (eval(m, &v, i->b, s) < 0)
			return FLOW_ERROR;
		scope_set(m, inner, i->a->name, v);
	}
	return exec(m, out, n->b, inner);
}

static enum flow exec_node(struct machine *m, struct pen *out, const struct node *n, struct scope *s)
{
	switch (n->kind) {
	case NODE_DATA:
		pen_text(out, n->value.text);
		return machine_step(m, n->value.text->n) < 0 ? FLOW_ERROR : FLOW_ON;
	case NODE_PRINT: return exec_print(m, out, n, s);
	case NODE_IF: return exec_if(m, out, n, s);
	case NODE_FOR: return exec_for(m, out, n, s);
	case NODE_SET: return exec_set(m, n, s);
	case NODE_SET_BLOCK: return exec_set_block(m, n, s);
	case NODE_MACRO: scope_set(m, s, n->name, macro_make(m, n, s)); return FLOW_ON;
	case NODE_CALL_BLOCK: return exec_call_block(m, out, n, s);
	case NODE_FILTER_BLOCK: return exec_filter_block(m, out, n, s);
	case NODE_WITH: return exec_with(m, out, n, s);
	case NODE_SCOPE: return exec(m, out, n->b, scope_new(m, s));
	case NODE_BREAK: return FLOW_BREAK;
	default: BUG_ON(n->kind != NODE_CONTINUE); return FLOW_CONTINUE;
	}
}

enum flow exec(struct machine *m, struct pen *out, const struct node *list, struct scope *s)
{
	enum flow flow = FLOW_ON;

	if (machine_enter(m) < 0)
		return FLOW_ERROR;
	for (; list != NULL && flow == FLOW_ON; list = list->next) {
		m->at = list->at;
		flow = exec_node(m, out, list, s);
	}
	machine_leave(m);
	return flow;
}
