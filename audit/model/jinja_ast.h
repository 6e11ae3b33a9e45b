#ifndef MODEL_JINJA_AST_H
#define MODEL_JINJA_AST_H

#include "model/jinja_call.h"
#include "model/jinja_value.h"

/*
 * A parsed template.  Lists are linked by `next`.  What the letters hold:
 *
 *	CONST      value                          NAME      name
 *	LIST TUPLE a: items                       DICT      a: PAIRs (a: key, b: item)
 *	ATTR       a . name                       ITEM      a [ b ]
 *	SLICE      a : b : c, each may be NULL    NSREF     name . value (as a target)
 *	CALL       a ( b: ARGs )                  FILTER    a | callee ( b )   a is NULL over a block
 *	TEST       a is callee ( b )              COND      b if a else c (c may be NULL)
 *	NOT NEG POS a                             AND OR, arithmetic   a, b
 *	COMPARE    a, b: OPERANDs (op, a)         CONCAT    a: items
 *	ARG        a, how, name
 *
 *	DATA       value                          PRINT     a: expressions
 *	IF         a: BRANCHes (a: test or NULL, b: body)
 *	FOR        a: target, b: iterable, c: body, d: else, test, recursive
 *	SET        a: target, b: expression       SET_BLOCK a: target, b: filters or NULL, c: body
 *	MACRO      name, a: PARAMs (name, a: default), b: body
 *	CALL_BLOCK a: MACRO of the body, b: CALL  FILTER_BLOCK a: filters, b: body
 *	WITH       a: SETs, b: body               SCOPE     b: body
 */
enum node_kind {
	NODE_CONST,
	NODE_NAME,
	NODE_LIST,
	NODE_TUPLE,
	NODE_DICT,
	NODE_PAIR,
	NODE_ATTR,
	NODE_ITEM,
	NODE_SLICE,
	NODE_NSREF,
	NODE_CALL,
	NODE_ARG,
	NODE_FILTER,
	NODE_TEST,
	NODE_COND,
	NODE_NOT,
	NODE_NEG,
	NODE_POS,
	NODE_AND,
	NODE_OR,
	NODE_ADD,
	NODE_SUB,
	NODE_MUL,
	NODE_DIV,
	NODE_FLOORDIV,
	NODE_MOD,
	NODE_POW,
	NODE_COMPARE,
	NODE_OPERAND,
	NODE_CONCAT,
	NODE_DATA,
	NODE_PRINT,
	NODE_IF,
	NODE_BRANCH,
	NODE_FOR,
	NODE_SET,
	NODE_SET_BLOCK,
	NODE_MACRO,
	NODE_PARAM,
	NODE_CALL_BLOCK,
	NODE_FILTER_BLOCK,
	NODE_WITH,
	NODE_SCOPE,
	NODE_BREAK,
	NODE_CONTINUE,
};

enum compare_op { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_IN, CMP_NOT_IN };
enum arg_how { ARG_PLAIN, ARG_NAMED, ARG_STAR, ARG_STARS };

struct node {
	enum node_kind kind;
	uint32_t at; /* byte in the source */
	struct node *next;
	struct node *a, *b, *c, *d, *test;
	struct view name;
	struct value value;
	const struct callee *callee;
	enum compare_op op;
	enum arg_how how;
	bool recursive;					/* FOR */
	bool takes_kwargs, takes_varargs, takes_caller; /* MACRO: its body says so */
};

struct jinja {
	struct heap heap;   /* nodes and constants */
	const char *name;   /* of the file, for errors */
	struct view source; /* newlines normalised, the last one dropped, as Jinja does */
	const struct node *body;
};

/* Line and column of a byte of the source. */
struct pos jinja_pos(const struct jinja *t, uint32_t at);

#endif
