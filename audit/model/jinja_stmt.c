#include "model/jinja_parse.h"

#include <string.h>

static bool end_block(struct parser *p)
{
	return parse_expect(p, TOKEN_BLOCK_END, NULL);
}

/* A body, its end tag and the %} of that. */
static bool parse_body_to(struct parser *p, struct node **out, const char *end)
{
	if (!parse_body(p, out, end))
		return false;
	p->tok++;
	return end_block(p);
}

static struct node *parse_set(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_SET, at);

	n->a = parse_target(p, true);
	if (n->a == NULL)
		return NULL;
	if (parse_skip(p, TOKEN_OPERATOR, "=")) {
		n->b = parse_tuple(p, true);
		return n->b != NULL && end_block(p) ? n : NULL;
	}
	n->kind = NODE_SET_BLOCK;
	if (parse_skip(p, TOKEN_OPERATOR, "|")) {
		n->b = parse_filter_chain(p);
		if (n->b == NULL)
			return NULL;
	}
	return end_block(p) && parse_body_to(p, &n->c, "endset") ? n : NULL;
}

static bool parse_else(struct parser *p, struct node **out, const char *end)
{
	if (!parse_skip(p, TOKEN_NAME, "else")) {
		p->tok++;
		return end_block(p);
	}
	parse_skip(p, TOKEN_OPERATOR, ":");
	return end_block(p) && parse_body_to(p, out, end);
}

static struct node *parse_for(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_FOR, at);

	n->a = parse_target(p, false);
	if (n->a == NULL || !parse_expect(p, TOKEN_NAME, "in"))
		return NULL;
	n->b = parse_tuple(p, false);
	if (n->b == NULL)
		return NULL;
	if (parse_skip(p, TOKEN_NAME, "if")) {
		n->test = parse_expression(p);
		if (n->test == NULL)
			return NULL;
	}
	n->recursive = parse_skip(p, TOKEN_NAME, "recursive");
	parse_skip(p, TOKEN_OPERATOR, ":");
	p->loops++;
	if (!end_block(p) || !parse_body(p, &n->c, "endfor else"))
		return NULL;
	p->loops--;
	return parse_else(p, &n->d, "endfor") ? n : NULL;
}

static struct node *parse_if(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_IF, at), **last = &n->a, *branch;
	const struct node *unknown = p->unknown;

	do {
		branch = node_new(p, NODE_BRANCH, p->tok->at);
		branch->a = parse_tuple(p, false);
		if (branch->a == NULL)
			return NULL;
		parse_skip(p, TOKEN_OPERATOR, ":");
		if (!end_block(p) || !parse_body(p, &branch->b, "elif else endif"))
			return NULL;
		*last = branch;
		last = &branch->next;
	} while (parse_skip(p, TOKEN_NAME, "elif"));
	if (parse_at(p, TOKEN_NAME, "else"))
		*last = node_new(p, NODE_BRANCH, p->tok->at);
	if (!parse_else(p, *last != NULL ? &(*last)->b : last, "endif"))
		return NULL;
	p->unknown = unknown;
	return n;
}

static bool parse_signature(struct parser *p, struct node *macro)
{
	struct node **last = &macro->a;
	bool defaults = false;

	if (!parse_expect(p, TOKEN_OPERATOR, "("))
		return false;
	while (!parse_at(p, TOKEN_OPERATOR, ")")) {
		struct node *param = node_new(p, NODE_PARAM, p->tok->at);

		if (macro->a != NULL && !parse_expect(p, TOKEN_OPERATOR, ","))
			return false;
		param->name = p->tok->text;
		if (!parse_expect(p, TOKEN_NAME, NULL))
			return false;
		if (parse_skip(p, TOKEN_OPERATOR, "=")) {
			defaults = true;
			param->a = parse_expression(p);
			if (param->a == NULL)
				return false;
		} else if (defaults) {
			PARSE_ERROR(p, param->at, "a parameter without a default follows one that has one");
			return false;
		}
		*last = param;
		last = &param->next;
	}
	p->tok++;
	return true;
}

/* The body of a macro; a loop around it is not its own. */
static bool parse_macro_body(struct parser *p, struct node *macro, const char *end)
{
	struct node *outer = p->macro;
	unsigned loops = p->loops;
	bool good;

	p->macro = macro;
	p->loops = 0;
	good = end_block(p) && parse_body_to(p, &macro->b, end);
	p->macro = outer;
	p->loops = loops;
	return good;
}

static struct node *parse_macro(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_MACRO, at);

	n->name = p->tok->text;
	if (!parse_expect(p, TOKEN_NAME, NULL) || !parse_signature(p, n))
		return NULL;
	return parse_macro_body(p, n, "endmacro") ? n : NULL;
}

static struct node *parse_call_block(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_CALL_BLOCK, at);

	n->a = node_new(p, NODE_MACRO, at);
	n->a->name = VIEW("caller");
	if (parse_at(p, TOKEN_OPERATOR, "(") && !parse_signature(p, n->a))
		return NULL;
	n->b = parse_expression(p);
	if (n->b == NULL)
		return NULL;
	if (n->b->kind != NODE_CALL)
		return PARSE_FAIL(p, n->b->at, "a call block needs a call of a macro");
	return parse_macro_body(p, n->a, "endcall") ? n : NULL;
}

static struct node *parse_filter_block(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_FILTER_BLOCK, at);

	n->a = parse_filter_chain(p);
	return n->a != NULL && end_block(p) && parse_body_to(p, &n->b, "endfilter") ? n : NULL;
}

static struct node *parse_with(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_WITH, at), **last = &n->a;

	while (!parse_at(p, TOKEN_BLOCK_END, NULL)) {
		if (n->a != NULL && !parse_expect(p, TOKEN_OPERATOR, ","))
			return NULL;
		*last = node_new(p, NODE_SET, p->tok->at);
		(*last)->a = parse_primary(p, false);
		if ((*last)->a == NULL)
			return NULL;
		if ((*last)->a->kind != NODE_NAME)
			return PARSE_FAIL(p, (*last)->at, "cannot assign to this, only to names");
		if (!parse_expect(p, TOKEN_OPERATOR, "="))
			return NULL;
		(*last)->b = parse_expression(p);
		if ((*last)->b == NULL)
			return NULL;
		last = &(*last)->next;
	}
	return end_block(p) && parse_body_to(p, &n->b, "endwith") ? n : NULL;
}

/* transformers' mark of what an assistant says; here it is a scope of its own and nothing else.  For Jinja it
 * is a function, so a loop around it cannot be left from inside. */
static struct node *parse_generation(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_SCOPE, at);
	unsigned loops = p->loops;
	bool good;

	p->loops = 0;
	good = end_block(p) && parse_body_to(p, &n->b, "endgeneration");
	p->loops = loops;
	return good ? n : NULL;
}

static struct node *parse_print(struct parser *p, uint32_t at)
{
	struct node *n = node_new(p, NODE_PRINT, at), **last = &n->a;

	while (!parse_at(p, TOKEN_BLOCK_END, NULL)) {
		if (n->a != NULL && !parse_expect(p, TOKEN_OPERATOR, ","))
			return NULL;
		*last = parse_expression(p);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	}
	return end_block(p) ? n : NULL;
}

static struct node *parse_jump(struct parser *p, uint32_t at, enum node_kind kind)
{
	if (p->loops == 0)
		return PARSE_FAIL(p, at, "'%s' outside of a for loop",
				  kind == NODE_BREAK ? "break" : "continue");
	return end_block(p) ? node_new(p, kind, at) : NULL;
}

static struct node *parse_break(struct parser *p, uint32_t at)
{
	return parse_jump(p, at, NODE_BREAK);
}

static struct node *parse_continue(struct parser *p, uint32_t at)
{
	return parse_jump(p, at, NODE_CONTINUE);
}

static const struct {
	const char *name;
	struct node *(*parse)(struct parser *p, uint32_t at); /* NULL: Jinja has it, we do not */
} tag[] = {
	{ "if", parse_if },
	{ "for", parse_for },
	{ "set", parse_set },
	{ "macro", parse_macro },
	{ "call", parse_call_block },
	{ "filter", parse_filter_block },
	{ "with", parse_with },
	{ "generation", parse_generation },
	{ "print", parse_print },
	{ "break", parse_break },
	{ "continue", parse_continue },
	{ "extends", NULL },
	{ "block", NULL },
	{ "include", NULL },
	{ "import", NULL },
	{ "from", NULL },
	{ "autoescape", NULL },
	{ "do", NULL },
	{ "debug", NULL },
	{ "trans", NULL },
};

static struct node *parse_statement(struct parser *p)
{
	const struct token *t = p->tok;

	if (!parse_expect(p, TOKEN_NAME, NULL))
		return NULL;
	for (size_t i = 0; i < sizeof(tag) / sizeof(tag[0]); i++) {
		struct node *n;

		if (!view_is(t->text, tag[i].name))
			continue;
		if (tag[i].parse == NULL)
			return PARSE_FAIL(p, t->at, "the tag '%s' is not supported", tag[i].name);
		if (!parse_enter(p))
			return NULL;
		n = tag[i].parse(p, t->at);
		p->depth--;
		return n;
	}
	return PARSE_FAIL(p, t->at, "there is no tag '%.*s', or not here", SHORT_VIEW(t->text));
}

static bool is_one_of(struct view name, const char *names)
{
	while (*names != '\0') {
		const char *blank = strchr(names, ' ');
		size_t n = blank != NULL ? (size_t)(blank - names) : strlen(names);

		if (view_eq(name, (struct view){ names, n }))
			return true;
		names += n + (blank != NULL);
	}
	return false;
}

static struct node *parse_data(struct parser *p)
{
	struct node *n = node_new(p, NODE_DATA, p->tok->at);

	n->value = val_text(text_make(&p->t->heap, p->tok->text, 0));
	p->tok++;
	return n;
}

static struct node *parse_output(struct parser *p)
{
	struct node *n = node_new(p, NODE_PRINT, p->tok->at);

	p->tok++;
	n->a = parse_tuple(p, true);
	return n->a != NULL && parse_expect(p, TOKEN_PRINT_END, NULL) ? n : NULL;
}

bool parse_body(struct parser *p, struct node **out, const char *ends)
{
	uint32_t begin = p->tok->at;

	for (*out = NULL; p->tok->kind != TOKEN_END; out = &(*out)->next) {
		if (p->tok->kind == TOKEN_DATA) {
			*out = parse_data(p);
		} else if (p->tok->kind == TOKEN_PRINT_BEGIN) {
			*out = parse_output(p);
		} else {
			p->tok++;
			if (p->tok->kind == TOKEN_NAME && is_one_of(p->tok->text, ends))
				return true;
			*out = parse_statement(p);
		}
		if (*out == NULL)
			return false;
	}
	if (*ends == '\0')
		return true;
	PARSE_ERROR(p, begin, "the block that begins here has no end ('%s' is missing)", ends);
	return false;
}
