#ifndef MODEL_JINJA_MACHINE_H
#define MODEL_JINJA_MACHINE_H

#include "model/jinja_ast.h"

/*
 * One rendering at work.  Templates come with models and are not trusted: the
 * machine counts steps, depth and bytes, and ends with an error where a
 * template asks for too much.
 */

#define MACHINE_STEPS 20000000u /* evaluations, and one for each 16 bytes a step handles */
#define MACHINE_DEPTH 1000u	/* nested evaluations; the C stack holds several times that */

struct binding {
	struct view name;
	struct value value;
	struct binding *next;
};

struct scope {
	struct scope *parent;
	struct binding *first;
};

struct machine {
	struct heap heap;
	const struct jinja *t;
	struct err *e;
	const char *now; /* "YYYY-MM-DD", or NULL */
	size_t steps, most_steps;
	unsigned depth;
	uint32_t at; /* the byte of the source at work */
};

/* The value of a for loop's `loop`. */
struct loop {
	const struct node *node;  /* the FOR */
	struct scope *scope;	  /* around the loop */
	const struct value *item; /* what is iterated over, before the filter */
	size_t n, next;
	struct value *kept; /* items that passed the filter ahead of their turn */
	size_t n_kept, next_kept;
	size_t index0;
	struct value current, before, changed;
	unsigned depth0;
};

struct macro {
	const struct node *node;
	struct scope *scope; /* where it was defined */
};

enum flow { FLOW_ERROR = -1, FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

#define FAIL(m, ...) err_at((m)->e, ERR_INPUT, jinja_pos((m)->t, (m)->at), __VA_ARGS__)

/* Every loop in C and every node goes through here; `bytes` is what this step reads or writes. */
int machine_step(struct machine *m, size_t bytes);
int machine_enter(struct machine *m);
void machine_leave(struct machine *m);
/* -1 with the message of why v is undefined. */
int machine_undefined(struct machine *m, struct value v);

struct binding *scope_find(struct scope *s, struct view name);
void scope_set(struct machine *m, struct scope *s, struct view name, struct value v);
struct scope *scope_new(struct machine *m, struct scope *parent);

int eval(struct machine *m, struct value *out, const struct node *n, struct scope *s);
int eval_args(struct machine *m, struct args *out, const struct node *list, struct scope *s);
int eval_filters(struct machine *m, struct value *v, const struct node *filter, struct scope *s);
enum flow exec(struct machine *m, struct pen *out, const struct node *list, struct scope *s);
int macro_call(struct machine *m, struct value *out, const struct macro *f, const struct args *args);

/* a for loop's items, one by one */
int loop_next(struct machine *m, struct loop *l, struct value *out, bool *any);
int loop_attr(struct machine *m, struct value *out, struct loop *l, struct view name);
int loop_call(struct machine *m, struct value *out, struct loop *l, const struct args *args);
enum flow loop_run(struct machine *m, struct pen *out, struct loop *l);

/* Arithmetic by node kind. */
int value_binary(struct machine *m, struct value *out, enum node_kind op, struct value a, struct value b);
int value_negate(struct machine *m, struct value *out, struct value a, bool minus);

/* json.dumps as transformers sets it up. */
int json_dump(struct machine *m, struct pen *out, struct value v, const struct call *c);
/* text % value and text.format(...) */
int format_percent(struct machine *m, struct value *out, const struct text *format, struct value v);
int format_braces(struct machine *m, struct value *out, const struct text *format, const struct args *args);
int format_date(struct machine *m, struct value *out, const struct text *format);

#endif
