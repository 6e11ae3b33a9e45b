#include "model/jinja_parse.h"

#include <stdio.h>

struct node *node_new(struct parser *p, enum node_kind kind, uint32_t at)
{
	struct node *n = ARENA_NEW(&p->t->heap.mem, struct node);

	n->kind = kind;
	n->at = at;
	return n;
}

bool parse_at(const struct parser *p, enum token_kind kind, const char *text)
{
	return p->tok->kind == kind && (text == NULL || view_is(p->tok->text, text));
}

bool parse_skip(struct parser *p, enum token_kind kind, const char *text)
{
	bool found = parse_at(p, kind, text);

	p->tok += found;
	return found;
}

static const char *token_name(enum token_kind kind)
{
	static const char *const name[] = {
		[TOKEN_DATA] = "template text",
		[TOKEN_BLOCK_BEGIN] = "the start of a block",
		[TOKEN_BLOCK_END] = "the end of the block",
		[TOKEN_PRINT_BEGIN] = "{{",
		[TOKEN_PRINT_END] = "}}",
		[TOKEN_NAME] = "a name",
		[TOKEN_STRING] = "a string",
		[TOKEN_INT] = "an integer",
		[TOKEN_FLOAT] = "a number",
		[TOKEN_OPERATOR] = "an operator",
		[TOKEN_END] = "the end of the template",
	};

	return name[kind];
}

struct node *parse_unexpected(struct parser *p, const char *want)
{
	const struct token *t = p->tok;

	if (t->kind == TOKEN_NAME || t->kind == TOKEN_OPERATOR)
		return PARSE_FAIL(p, t->at, "unexpected '%.*s', expected %s",
				  (int)(t->text.n < 60 ? t->text.n : 60), t->text.p, want);
	return PARSE_FAIL(p, t->at, "unexpected %s, expected %s", token_name(t->kind), want);
}

bool parse_expect(struct parser *p, enum token_kind kind, const char *text)
{
	char quoted[32];

	if (parse_skip(p, kind, text))
		return true;
	if (text == NULL) {
		parse_unexpected(p, token_name(kind));
		return false;
	}
	snprintf(quoted, sizeof(quoted), "'%s'", text);
	parse_unexpected(p, quoted);
	return false;
}

bool parse_enter(struct parser *p)
{
	if (++p->depth <= PARSE_DEPTH)
		return true;
	PARSE_ERROR(p, p->tok->at, "nested more than %u deep", PARSE_DEPTH);
	return false;
}

struct node *node_binary(struct parser *p, enum node_kind kind, uint32_t at, struct node *a, struct node *b)
{
	struct node *n;

	if (a == NULL || b == NULL)
		return NULL;
	n = node_new(p, kind, at);
	n->a = a;
	n->b = b;
	return n;
}

struct node *parse_constant(struct parser *p, struct value v)
{
	struct node *n = node_new(p, NODE_CONST, p->tok->at);

	n->value = v;
	p->tok++;
	return n;
}

static struct node *parse_name(struct parser *p, bool with_namespace)
{
	struct view name = p->tok->text;
	struct node *n;

	if (view_is(name, "true") || view_is(name, "True"))
		return parse_constant(p, val_bool(true));
	if (view_is(name, "false") || view_is(name, "False"))
		return parse_constant(p, val_bool(false));
	if (view_is(name, "none") || view_is(name, "None"))
		return parse_constant(p, val_none());
	n = node_new(p, NODE_NAME, p->tok->at);
	n->name = name;
	p->tok++;
	if (with_namespace && parse_skip(p, TOKEN_OPERATOR, ".")) {
		n->kind = NODE_NSREF;
		n->value = val_text(text_make(&p->t->heap, p->tok->text, 0));
		return parse_expect(p, TOKEN_NAME, NULL) ? n : NULL;
	}
	if (p->macro != NULL) {
		p->macro->takes_kwargs |= view_is(name, "kwargs");
		p->macro->takes_varargs |= view_is(name, "varargs");
		p->macro->takes_caller |= view_is(name, "caller");
	}
	return n;
}

/* Neighbouring strings are one. */
static struct node *parse_string(struct parser *p)
{
	struct node *n = node_new(p, NODE_CONST, p->tok->at);
	const struct text *t = text_make(&p->t->heap, p->tok->text, 0);

	for (p->tok++; p->tok->kind == TOKEN_STRING; p->tok++)
		t = text_join2(&p->t->heap, t, text_make(&p->t->heap, p->tok->text, 0));
	/* not the pen's: what renders may write on behind a text, but never into the template */
	n->value = val_text(text_make(&p->t->heap, text_view(t), 0));
	return n;
}

/* Items up to `close`, a comma after the last is fine. */
static struct node *parse_list(struct parser *p, const char *close)
{
	struct node *list = node_new(p, NODE_LIST, p->tok->at), **last = &list->a;

	p->tok++;
	while (!parse_at(p, TOKEN_OPERATOR, close)) {
		if (list->a != NULL && !parse_expect(p, TOKEN_OPERATOR, ","))
			return NULL;
		if (parse_at(p, TOKEN_OPERATOR, close))
			break;
		*last = parse_expression(p);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	}
	p->tok++;
	return list;
}

static struct node *parse_dict(struct parser *p)
{
	struct node *dict = node_new(p, NODE_DICT, p->tok->at), **last = &dict->a, *key;

	p->tok++;
	while (!parse_at(p, TOKEN_OPERATOR, "}")) {
		if (dict->a != NULL && !parse_expect(p, TOKEN_OPERATOR, ","))
			return NULL;
		if (parse_at(p, TOKEN_OPERATOR, "}"))
			break;
		key = parse_expression(p);
		if (key == NULL || !parse_expect(p, TOKEN_OPERATOR, ":"))
			return NULL;
		*last = node_binary(p, NODE_PAIR, key->at, key, parse_expression(p));
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	}
	p->tok++;
	return dict;
}

/* What a tuple is made of. */
enum tuple_of { TUPLE_OF_ANY, TUPLE_WITHOUT_IF, TUPLE_OF_TARGETS, TUPLE_OF_NAMESPACES };

static bool tuple_ends(const struct parser *p, enum tuple_of of)
{
	return parse_at(p, TOKEN_PRINT_END, NULL) || parse_at(p, TOKEN_BLOCK_END, NULL) ||
	       parse_at(p, TOKEN_OPERATOR, ")") || (of == TUPLE_OF_TARGETS && parse_at(p, TOKEN_NAME, "in"));
}

static struct node *parse_element(struct parser *p, enum tuple_of of)
{
	struct node *n = NULL;

	if (!parse_enter(p))
		return NULL;
	if (of == TUPLE_OF_ANY)
		n = parse_expression(p);
	else if (of == TUPLE_WITHOUT_IF)
		n = parse_or(p);
	else
		n = parse_primary(p, of == TUPLE_OF_NAMESPACES);
	p->depth--;
	return n;
}

static struct node *parse_elements(struct parser *p, enum tuple_of of, bool may_be_empty)
{
	struct node *tuple = node_new(p, NODE_TUPLE, p->tok->at), **last = &tuple->a;
	bool comma = false;

	while (!tuple_ends(p, of)) {
		*last = parse_element(p, of);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
		if (!parse_skip(p, TOKEN_OPERATOR, ","))
			break;
		comma = true;
	}
	if (comma)
		return tuple;
	if (tuple->a != NULL)
		return tuple->a;
	return may_be_empty ? tuple : parse_unexpected(p, "an expression");
}

struct node *parse_tuple(struct parser *p, bool cond)
{
	return parse_elements(p, cond ? TUPLE_OF_ANY : TUPLE_WITHOUT_IF, false);
}

static bool may_assign(struct parser *p, const struct node *n)
{
	if (n->kind == NODE_TUPLE) {
		for (const struct node *i = n->a; i != NULL; i = i->next)
			if (!may_assign(p, i))
				return false;
		return true;
	}
	if (n->kind == NODE_NAME || n->kind == NODE_NSREF)
		return true;
	PARSE_ERROR(p, n->at, "cannot assign to this, only to names");
	return false;
}

struct node *parse_target(struct parser *p, bool with_namespace)
{
	struct node *n = parse_elements(p, with_namespace ? TUPLE_OF_NAMESPACES : TUPLE_OF_TARGETS, false);

	return n != NULL && may_assign(p, n) ? n : NULL;
}

struct node *parse_primary(struct parser *p, bool with_namespace)
{
	const struct token *t = p->tok;
	struct node *n;

	switch (t->kind) {
	case TOKEN_NAME: return parse_name(p, with_namespace);
	case TOKEN_STRING: return parse_string(p);
	case TOKEN_INT: return parse_constant(p, val_int(t->integer));
	case TOKEN_FLOAT: return parse_constant(p, val_real(t->real));
	default: break;
	}
	if (parse_skip(p, TOKEN_OPERATOR, "(")) {
		n = parse_elements(p, TUPLE_OF_ANY, true);
		return n != NULL && parse_expect(p, TOKEN_OPERATOR, ")") ? n : NULL;
	}
	if (parse_at(p, TOKEN_OPERATOR, "["))
		return parse_list(p, "]");
	if (parse_at(p, TOKEN_OPERATOR, "{"))
		return parse_dict(p);
	return parse_unexpected(p, "an expression");
}
