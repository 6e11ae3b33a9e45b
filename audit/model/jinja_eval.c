#include "model/jinja_machine.h"

#include <string.h>

static int eval_list(struct machine *m, const struct value **item, size_t *count, const struct node *list,
		     struct scope *s)
{
	struct value *v;
	size_t n = 0;

	for (const struct node *i = list; i != NULL; i = i->next)
		n++;
	v = HEAP_ARRAY(&m->heap, n, struct value);
	*item = v;
	*count = n;
	for (; list != NULL; list = list->next)
		if (eval(m, v++, list, s) < 0)
			return -1;
	return 0;
}

static int eval_sequence(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	const struct value *item;
	size_t count;

	if (eval_list(m, &item, &count, n->a, s) < 0)
		return -1;
	*out = val_seq(m, n->kind == NODE_LIST ? VAL_LIST : VAL_TUPLE, item, count);
	return 0;
}

static int eval_dict(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	*out = val_dict(m);
	for (const struct node *i = n->a; i != NULL; i = i->next) {
		struct value key, item;

		if (eval(m, &key, i->a, s) < 0 || eval(m, &item, i->b, s) < 0 ||
		    dict_set(m, out->dict, key, item) < 0)
			return -1;
	}
	return 0;
}

static int eval_name(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	const struct binding *b = scope_find(s, n->name);
	const struct callee *f;

	if (b != NULL) {
		*out = b->value;
		return 0;
	}
	f = function_find(n->name);
	if (f != NULL && f->fn == NULL)
		return FAIL(m, "the function '%s' is not supported", f->name);
	*out = f != NULL ? (struct value){ .kind = VAL_FUNCTION, .callee = f }
			 : val_undefined_name(m, n->name);
	return 0;
}

static int eval_item(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value a, key, bound[3] = { val_none(), val_none(), val_none() };
	const struct node *part[3];

	if (eval(m, &a, n->a, s) < 0)
		return -1;
	if (n->b->kind != NODE_SLICE) {
		if (eval(m, &key, n->b, s) < 0)
			return -1;
		m->at = n->at;
		return value_item(m, out, a, key);
	}
	part[0] = n->b->a;
	part[1] = n->b->b;
	part[2] = n->b->c;
	for (int i = 0; i < 3; i++)
		if (part[i] != NULL && eval(m, &bound[i], part[i], s) < 0)
			return -1;
	m->at = n->at;
	return value_slice(m, out, a, bound);
}

/* Room for what *list and **dict add is found by evaluating them first. */
static int star_count(struct machine *m, size_t *n, struct value v, bool named)
{
	const struct value *item;

	if (!named)
		return val_length(m, n, v);
	if (v.kind != VAL_DICT)
		return FAIL(m, "argument after ** must be a mapping, not %s", val_type(v));
	for (size_t i = 0; i < v.dict->n; i++) {
		item = &v.dict->key[i];
		if (item->kind != VAL_STRING)
			return FAIL(m, "keywords must be strings, not %s", val_type(*item));
	}
	*n = v.dict->n;
	return 0;
}

int eval_args(struct machine *m, struct args *out, const struct node *list, struct scope *s)
{
	struct value *pos, *star;
	struct named *named;
	size_t n = 0, n_pos = 0, n_named = 0, more;
	const struct node *i;

	*out = (struct args){ .n = 0 };
	for (i = list; i != NULL; i = i->next)
		n++;
	star = HEAP_ARRAY(&m->heap, n, struct value);
	for (i = list, n = 0; i != NULL; i = i->next, n++) {
		if (eval(m, &star[n], i->a, s) < 0)
			return -1;
		m->at = i->at;
		more = 1;
		if (i->how >= ARG_STAR && star_count(m, &more, star[n], i->how == ARG_STARS) < 0)
			return -1;
		*(i->how == ARG_PLAIN || i->how == ARG_STAR ? &n_pos : &n_named) += more;
	}
	pos = HEAP_ARRAY(&m->heap, n_pos, struct value);
	named = HEAP_ARRAY(&m->heap, n_named, struct named);
	out->pos = pos;
	out->named = named;
	for (i = list, n = 0; i != NULL; i = i->next, n++) {
		const struct value *item;

		if (i->how == ARG_PLAIN) {
			pos[out->n++] = star[n];
		} else if (i->how == ARG_NAMED) {
			named[out->n_named++] = (struct named){ i->name, star[n] };
		} else if (i->how == ARG_STAR) {
			if (val_items(m, &item, &more, star[n]) < 0)
				return -1;
			for (size_t k = 0; k < more; k++)
				pos[out->n++] = item[k];
		} else {
			for (size_t k = 0; k < star[n].dict->n; k++)
				named[out->n_named++] = (struct named){ text_view(star[n].dict->key[k].text),
									star[n].dict->item[k] };
		}
	}
	return 0;
}

static int eval_call(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value f;
	struct args args;

	if (eval(m, &f, n->a, s) < 0 || eval_args(m, &args, n->b, s) < 0)
		return -1;
	m->at = n->at;
	return value_call(m, out, f, &args);
}

static int eval_filtered(struct machine *m, struct value *out, struct value in, const struct node *n,
			 struct scope *s)
{
	struct args args;

	if (eval_args(m, &args, n->b, s) < 0)
		return -1;
	m->at = n->at;
	if (callee_known(m, n->callee, n->name, n->kind == NODE_FILTER) < 0)
		return -1;
	return callee_call(m, out, n->callee, in, &args);
}

int eval_filters(struct machine *m, struct value *v, const struct node *filter, struct scope *s)
{
	struct value in = *v;

	if (machine_enter(m) < 0)
		return -1;
	if (filter->a != NULL && eval_filters(m, &in, filter->a, s) < 0)
		return -1;
	machine_leave(m);
	return eval_filtered(m, v, in, filter, s);
}

/* An undefined default value may be what a filter or a test is for, so nothing is checked here. */
static int eval_filter_or_test(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value in;

	return eval(m, &in, n->a, s) < 0 ? -1 : eval_filtered(m, out, in, n, s);
}

static int compare(struct machine *m, bool *out, enum compare_op op, struct value a, struct value b)
{
	static const char *const sign[] = { "==", "!=", "<", "<=", ">", ">=" };
	int order;

	switch (op) {
	case CMP_EQ:
	case CMP_NE:
		if (val_equal(m, out, a, b) < 0)
			return -1;
		break;
	case CMP_IN:
	case CMP_NOT_IN:
		if (val_contains(m, out, a, b) < 0)
			return -1;
		break;
	default:
		if (val_order(m, &order, a, b, sign[op]) < 0)
			return -1;
		*out = op == CMP_LT   ? order < 0
		       : op == CMP_LE ? order <= 0
		       : op == CMP_GT ? order > 0
				      : order >= 0;
		/* nothing is less than, equal to or more than NaN */
		if (val_is_number(a) && val_is_number(b) &&
		    (val_number(a) != val_number(a) || val_number(b) != val_number(b)))
			*out = false;
		return 0;
	}
	*out ^= op == CMP_NE || op == CMP_NOT_IN;
	return 0;
}

/* a < b < c is a < b and b < c, with b evaluated once. */
static int eval_compare(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value left, right;
	bool holds = true;

	if (eval(m, &left, n->a, s) < 0)
		return -1;
	for (const struct node *i = n->b; i != NULL && holds; i = i->next) {
		if (eval(m, &right, i->a, s) < 0)
			return -1;
		m->at = i->at;
		if (compare(m, &holds, i->op, left, right) < 0)
			return -1;
		left = right;
	}
	*out = val_bool(holds);
	return 0;
}

static int eval_concat(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	const struct value *item;
	struct pen *pen;
	size_t count;

	if (eval_list(m, &item, &count, n->a, s) < 0)
		return -1;
	m->at = n->at;
	pen = pen_new(&m->heap);
	for (size_t i = 0; i < count; i++)
		if (val_print(m, pen, item[i]) < 0)
			return -1;
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

static int eval_cond(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value test;

	if (eval(m, &test, n->a, s) < 0)
		return -1;
	if (val_true(test))
		return eval(m, out, n->b, s);
	if (n->c != NULL)
		return eval(m, out, n->c, s);
	*out = val_undefined(m, "the inline if-expression evaluated to false and has no else");
	return 0;
}

static int eval_logic(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	if (eval(m, out, n->a, s) < 0)
		return -1;
	if (val_true(*out) == (n->kind == NODE_AND))
		return eval(m, out, n->b, s);
	return 0;
}

static int eval_unary(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value a;

	if (eval(m, &a, n->a, s) < 0)
		return -1;
	m->at = n->at;
	if (n->kind != NODE_NOT)
		return value_negate(m, out, a, n->kind == NODE_NEG);
	*out = val_bool(!val_true(a));
	return 0;
}

static int eval_binary(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value a, b;

	if (eval(m, &a, n->a, s) < 0 || eval(m, &b, n->b, s) < 0)
		return -1;
	m->at = n->at;
	return value_binary(m, out, n->kind, a, b);
}

static int eval_attr(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	struct value a;

	if (eval(m, &a, n->a, s) < 0)
		return -1;
	m->at = n->at;
	return value_attr(m, out, a, n->name);
}

static int eval_node(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	switch (n->kind) {
	case NODE_CONST: *out = n->value; return 0;
	case NODE_NAME: return eval_name(m, out, n, s);
	case NODE_LIST:
	case NODE_TUPLE: return eval_sequence(m, out, n, s);
	case NODE_DICT: return eval_dict(m, out, n, s);
	case NODE_ATTR: return eval_attr(m, out, n, s);
	case NODE_ITEM: return eval_item(m, out, n, s);
	case NODE_CALL: return eval_call(m, out, n, s);
	case NODE_FILTER:
	case NODE_TEST: return eval_filter_or_test(m, out, n, s);
	case NODE_COND: return eval_cond(m, out, n, s);
	case NODE_NOT:
	case NODE_NEG:
	case NODE_POS: return eval_unary(m, out, n, s);
	case NODE_AND:
	case NODE_OR: return eval_logic(m, out, n, s);
	case NODE_COMPARE: return eval_compare(m, out, n, s);
	case NODE_CONCAT: return eval_concat(m, out, n, s);
	default: return eval_binary(m, out, n, s);
	}
}

int eval(struct machine *m, struct value *out, const struct node *n, struct scope *s)
{
	int r;

	m->at = n->at;
	if (machine_enter(m) < 0)
		return -1;
	r = eval_node(m, out, n, s);
	machine_leave(m);
	return r;
}
