#include "model/jinja_parse.h"

static bool slice_ends(const struct parser *p)
{
	return parse_at(p, TOKEN_OPERATOR, "]") || parse_at(p, TOKEN_OPERATOR, ",") ||
	       parse_at(p, TOKEN_OPERATOR, ":");
}

/* One index, or start:stop:step. */
static struct node *parse_subscribed(struct parser *p)
{
	struct node *slice = node_new(p, NODE_SLICE, p->tok->at),
		    **part[3] = { &slice->a, &slice->b, &slice->c };

	for (int i = 0; i < 3; i++) {
		if (!slice_ends(p)) {
			*part[i] = parse_expression(p);
			if (*part[i] == NULL)
				return NULL;
		}
		if (!parse_skip(p, TOKEN_OPERATOR, ":"))
			return i > 0 ? slice : *part[0] != NULL ? *part[0] : parse_unexpected(p, "an index");
	}
	return parse_unexpected(p, "']'");
}

static struct node *parse_subscript(struct parser *p, struct node *a)
{
	struct node *n = node_new(p, NODE_ITEM, p->tok->at);

	n->a = a;
	if (parse_skip(p, TOKEN_OPERATOR, ".")) {
		if (p->tok->kind == TOKEN_INT) {
			n->b = parse_constant(p, val_int(p->tok->integer));
			return n;
		}
		n->kind = NODE_ATTR;
		n->name = p->tok->text;
		return parse_expect(p, TOKEN_NAME, NULL) ? n : NULL;
	}
	p->tok++;
	n->b = parse_subscribed(p);
	if (n->b == NULL)
		return NULL;
	if (parse_at(p, TOKEN_OPERATOR, ","))
		return PARSE_FAIL(p, p->tok->at, "an index of several parts is not supported");
	return parse_expect(p, TOKEN_OPERATOR, "]") ? n : NULL;
}

static struct node *parse_arg(struct parser *p, enum arg_how before)
{
	struct node *arg = node_new(p, NODE_ARG, p->tok->at);

	if (parse_skip(p, TOKEN_OPERATOR, "*")) {
		arg->how = ARG_STAR;
	} else if (parse_skip(p, TOKEN_OPERATOR, "**")) {
		arg->how = ARG_STARS;
	} else if (p->tok->kind == TOKEN_NAME && p->tok[1].kind == TOKEN_OPERATOR &&
		   view_is(p->tok[1].text, "=")) {
		arg->how = ARG_NAMED;
		arg->name = p->tok->text;
		p->tok += 2;
	}
	if (before > arg->how || (before == arg->how && before >= ARG_STAR))
		return PARSE_FAIL(p, arg->at,
				  "arguments out of order: plain ones come first, then named ones");
	arg->a = parse_expression(p);
	return arg->a != NULL ? arg : NULL;
}

/* "(", arguments, ")": false where that is wrong. */
static bool parse_args(struct parser *p, struct node **out)
{
	enum arg_how before = ARG_PLAIN;

	*out = NULL;
	p->tok++;
	while (!parse_at(p, TOKEN_OPERATOR, ")")) {
		*out = parse_arg(p, before);
		if (*out == NULL)
			return false;
		before = (*out)->how;
		out = &(*out)->next;
		if (!parse_skip(p, TOKEN_OPERATOR, ","))
			break;
	}
	return parse_expect(p, TOKEN_OPERATOR, ")");
}

static struct node *parse_call(struct parser *p, struct node *f)
{
	struct node *n = node_new(p, NODE_CALL, p->tok->at);

	n->a = f;
	return parse_args(p, &n->b) ? n : NULL;
}

static struct node *parse_postfix(struct parser *p, struct node *n)
{
	while (n != NULL) {
		if (parse_at(p, TOKEN_OPERATOR, ".") || parse_at(p, TOKEN_OPERATOR, "["))
			n = parse_subscript(p, n);
		else if (parse_at(p, TOKEN_OPERATOR, "("))
			n = parse_call(p, n);
		else
			break;
	}
	return n;
}

/* The name of a filter or test. Whether it is one we have is settled by parse_known(). */
static struct node *parse_callee(struct parser *p, enum node_kind kind, struct node *a)
{
	struct node *n = node_new(p, kind, p->tok->at);
	struct view name = p->tok->text;

	n->a = a;
	if (!parse_expect(p, TOKEN_NAME, NULL))
		return NULL;
	n->name = name;
	n->callee = kind == NODE_FILTER ? filter_find(name) : test_find(name);
	if (p->unknown == NULL && (n->callee == NULL || n->callee->fn == NULL))
		p->unknown = n;
	return n;
}

static struct node *parse_filter(struct parser *p, struct node *a)
{
	struct node *n = parse_callee(p, NODE_FILTER, a);

	if (n != NULL && parse_at(p, TOKEN_OPERATOR, "(") && !parse_args(p, &n->b))
		return NULL;
	return n;
}

struct node *parse_filter_chain(struct parser *p)
{
	struct node *n = parse_filter(p, NULL);

	while (n != NULL && parse_skip(p, TOKEN_OPERATOR, "|"))
		n = parse_filter(p, n);
	return n;
}

/* Does an argument without brackets follow, as in "is divisibleby 3"? */
static bool test_arg_follows(const struct parser *p)
{
	const struct token *t = p->tok;

	if (t->kind == TOKEN_NAME)
		return !view_is(t->text, "else") && !view_is(t->text, "or") && !view_is(t->text, "and");
	return t->kind == TOKEN_STRING || t->kind == TOKEN_INT || t->kind == TOKEN_FLOAT ||
	       parse_at(p, TOKEN_OPERATOR, "[") || parse_at(p, TOKEN_OPERATOR, "{");
}

static struct node *parse_test(struct parser *p, struct node *a)
{
	bool negated = parse_skip(p, TOKEN_NAME, "not");
	struct node *n = parse_callee(p, NODE_TEST, a), *negation;

	if (n == NULL)
		return NULL;
	if (parse_at(p, TOKEN_OPERATOR, "(")) {
		if (!parse_args(p, &n->b))
			return NULL;
	} else if (test_arg_follows(p)) {
		if (parse_at(p, TOKEN_NAME, "is"))
			return PARSE_FAIL(p, p->tok->at, "tests cannot be chained with 'is'");
		n->b = node_new(p, NODE_ARG, p->tok->at);
		n->b->a = parse_postfix(p, parse_primary(p, false));
		if (n->b->a == NULL)
			return NULL;
	}
	if (!negated)
		return n;
	negation = node_new(p, NODE_NOT, n->at);
	negation->a = n;
	return negation;
}

static struct node *parse_filter_expr(struct parser *p, struct node *n)
{
	while (n != NULL) {
		if (parse_skip(p, TOKEN_OPERATOR, "|"))
			n = parse_filter(p, n);
		else if (parse_skip(p, TOKEN_NAME, "is"))
			n = parse_test(p, n);
		else if (parse_at(p, TOKEN_OPERATOR, "("))
			n = parse_call(p, n);
		else
			break;
	}
	return n;
}

static struct node *parse_unary(struct parser *p, bool with_filter)
{
	struct node *n;

	if (!parse_enter(p))
		return NULL;
	if (parse_at(p, TOKEN_OPERATOR, "-") || parse_at(p, TOKEN_OPERATOR, "+")) {
		n = node_new(p, parse_at(p, TOKEN_OPERATOR, "-") ? NODE_NEG : NODE_POS, p->tok->at);
		p->tok++;
		n->a = parse_unary(p, false);
		if (n->a == NULL)
			return NULL;
	} else {
		n = parse_primary(p, false);
	}
	n = parse_postfix(p, n);
	if (with_filter)
		n = parse_filter_expr(p, n);
	p->depth--;
	return n;
}

static struct node *parse_pow(struct parser *p)
{
	struct node *n = parse_unary(p, true);
	uint32_t at = p->tok->at;

	while (n != NULL && parse_skip(p, TOKEN_OPERATOR, "**"))
		n = node_binary(p, NODE_POW, at, n, parse_unary(p, true));
	return n;
}

static struct node *parse_product(struct parser *p)
{
	struct node *n = parse_pow(p);

	while (n != NULL) {
		uint32_t at = p->tok->at;

		if (parse_skip(p, TOKEN_OPERATOR, "*"))
			n = node_binary(p, NODE_MUL, at, n, parse_pow(p));
		else if (parse_skip(p, TOKEN_OPERATOR, "/"))
			n = node_binary(p, NODE_DIV, at, n, parse_pow(p));
		else if (parse_skip(p, TOKEN_OPERATOR, "//"))
			n = node_binary(p, NODE_FLOORDIV, at, n, parse_pow(p));
		else if (parse_skip(p, TOKEN_OPERATOR, "%"))
			n = node_binary(p, NODE_MOD, at, n, parse_pow(p));
		else
			break;
	}
	return n;
}

static struct node *parse_concat(struct parser *p)
{
	struct node *first = parse_product(p), *n, **last;

	if (first == NULL || !parse_at(p, TOKEN_OPERATOR, "~"))
		return first;
	n = node_new(p, NODE_CONCAT, p->tok->at);
	n->a = first;
	last = &first->next;
	while (parse_skip(p, TOKEN_OPERATOR, "~")) {
		*last = parse_product(p);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	}
	return n;
}

static struct node *parse_sum(struct parser *p)
{
	struct node *n = parse_concat(p);

	while (n != NULL) {
		uint32_t at = p->tok->at;

		if (parse_skip(p, TOKEN_OPERATOR, "+"))
			n = node_binary(p, NODE_ADD, at, n, parse_concat(p));
		else if (parse_skip(p, TOKEN_OPERATOR, "-"))
			n = node_binary(p, NODE_SUB, at, n, parse_concat(p));
		else
			break;
	}
	return n;
}

static bool skip_compare(struct parser *p, enum compare_op *op)
{
	static const char *const sign[] = { "==", "!=", "<", "<=", ">", ">=" };

	for (size_t i = 0; i < sizeof(sign) / sizeof(sign[0]); i++) {
		if (parse_skip(p, TOKEN_OPERATOR, sign[i])) {
			*op = (enum compare_op)i;
			return true;
		}
	}
	*op = CMP_IN;
	if (parse_skip(p, TOKEN_NAME, "in"))
		return true;
	*op = CMP_NOT_IN;
	if (!parse_at(p, TOKEN_NAME, "not") || p->tok[1].kind != TOKEN_NAME || !view_is(p->tok[1].text, "in"))
		return false;
	p->tok += 2;
	return true;
}

static struct node *parse_compare(struct parser *p)
{
	struct node *first = parse_sum(p), *n, **last;
	uint32_t at = p->tok->at;
	enum compare_op op;

	if (first == NULL || !skip_compare(p, &op))
		return first;
	n = node_new(p, NODE_COMPARE, at);
	n->a = first;
	last = &n->b;
	do {
		*last = node_new(p, NODE_OPERAND, at);
		(*last)->op = op;
		(*last)->a = parse_sum(p);
		if ((*last)->a == NULL)
			return NULL;
		last = &(*last)->next;
		at = p->tok->at;
	} while (skip_compare(p, &op));
	return n;
}

static struct node *parse_not(struct parser *p)
{
	struct node *n;

	if (!parse_at(p, TOKEN_NAME, "not"))
		return parse_compare(p);
	n = node_new(p, NODE_NOT, p->tok->at);
	p->tok++;
	if (!parse_enter(p))
		return NULL;
	n->a = parse_not(p);
	p->depth--;
	return n->a != NULL ? n : NULL;
}

static struct node *parse_and(struct parser *p)
{
	struct node *n = parse_not(p);
	uint32_t at = p->tok->at;

	while (n != NULL && parse_skip(p, TOKEN_NAME, "and"))
		n = node_binary(p, NODE_AND, at, n, parse_not(p));
	return n;
}

struct node *parse_or(struct parser *p)
{
	struct node *n = parse_and(p);
	uint32_t at = p->tok->at;

	while (n != NULL && parse_skip(p, TOKEN_NAME, "or"))
		n = node_binary(p, NODE_OR, at, n, parse_and(p));
	return n;
}

static struct node *parse_cond(struct parser *p)
{
	const struct node *unknown = p->unknown;
	struct node *then = parse_or(p), *n;

	while (then != NULL && parse_at(p, TOKEN_NAME, "if")) {
		n = node_new(p, NODE_COND, p->tok->at);
		p->tok++;
		n->b = then;
		n->a = parse_or(p);
		if (n->a == NULL)
			return NULL;
		if (parse_skip(p, TOKEN_NAME, "else")) {
			n->c = parse_expression(p);
			if (n->c == NULL)
				return NULL;
		}
		p->unknown = unknown;
		then = n;
	}
	return then;
}

struct node *parse_expression(struct parser *p)
{
	struct node *n;

	if (!parse_enter(p))
		return NULL;
	n = parse_cond(p);
	p->depth--;
	return n;
}

bool parse_known(struct parser *p)
{
	const struct node *n = p->unknown;
	const char *what = n != NULL && n->kind == NODE_FILTER ? "filter" : "test";

	if (n == NULL)
		return true;
	if (n->callee == NULL)
		PARSE_ERROR(p, n->at, "there is no %s '%.*s'", what, SHORT_VIEW(n->name));
	else
		PARSE_ERROR(p, n->at, "the %s '%s' is not supported", what, n->callee->name);
	return false;
}
