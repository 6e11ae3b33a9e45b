#ifndef MODEL_JINJA_PARSE_H
#define MODEL_JINJA_PARSE_H

#include "model/jinja_ast.h"
#include "model/jinja_lex.h"

/* Recursive descent: what stands alone in jinja_literal.c, what joins it in jinja_parse.c, statements in
 * jinja_stmt.c. NULL is an error, which is set. */

#define PARSE_DEPTH 200u /* nested brackets and blocks; real templates stay below 20 */

struct parser {
	struct jinja *t;
	const struct token *tok; /* the current one */
	struct err *e;
	unsigned depth;
	unsigned loops;		    /* for loops around this place, in this macro */
	struct node *macro;	    /* the innermost macro around this place, or NULL */
	const struct node *unknown; /* the first FILTER or TEST we do not have, or NULL */
};

#define PARSE_ERROR(p, where, ...) err_at((p)->e, ERR_INPUT, jinja_pos((p)->t, (where)), __VA_ARGS__)
#define PARSE_FAIL(p, where, ...) (PARSE_ERROR(p, where, __VA_ARGS__), NULL)

struct node *node_new(struct parser *p, enum node_kind kind, uint32_t at);
bool parse_at(const struct parser *p, enum token_kind kind, const char *text);
bool parse_skip(struct parser *p, enum token_kind kind, const char *text);
bool parse_expect(struct parser *p, enum token_kind kind, const char *text);
/* Counts nesting: false, with the error set, where it is too deep. */
bool parse_enter(struct parser *p);

/* NULL, with an error that names what stands there instead. */
struct node *parse_unexpected(struct parser *p, const char *want);

struct node *node_binary(struct parser *p, enum node_kind kind, uint32_t at, struct node *a, struct node *b);
/* A node for the current token, which is stepped over. */
struct node *parse_constant(struct parser *p, struct value v);
struct node *parse_primary(struct parser *p, bool with_namespace);
struct node *parse_or(struct parser *p); /* an expression without a conditional */
struct node *parse_expression(struct parser *p);
/* Expressions parted by commas are a tuple. Without `cond` an "if" ends it. */
struct node *parse_tuple(struct parser *p, bool cond);
/* Names, maybe in tuples, maybe namespace attributes. */
struct node *parse_target(struct parser *p, bool with_namespace);
/* "name(args) | name(args)..."; the first is applied to nothing, which stands for what the block says. */
struct node *parse_filter_chain(struct parser *p);
/* Are all filters and tests ones we have?  Behind a condition, which may never hold, there is time to fail
 * until they are used, as in Jinja: templates ask what the engine can do. */
bool parse_known(struct parser *p);
/* Statements up to one of the end tags (parted by blanks), which stays the current token. */
bool parse_body(struct parser *p, struct node **out, const char *ends);

#endif
