#ifndef MODEL_JINJA_CALL_H
#define MODEL_JINJA_CALL_H

#include "model/jinja_value.h"

/*
 * What a template can call: filters, tests, methods and functions are rows of
 * tables, all called alike.  A row names its parameters, so that positional
 * and named arguments are matched in one place.
 */

struct named {
	struct view name;
	struct value value;
};

struct args {
	const struct value *pos;
	size_t n;
	const struct named *named;
	size_t n_named;
};

#define CALL_PARAMS 6

struct call {
	struct value self;	       /* the filtered or tested value, the object of a method */
	struct value arg[CALL_PARAMS]; /* by parameter, VAL_ABSENT where not given */
	const struct args *all;
	int which; /* of a function that serves several rows */
};

typedef int (*call_fn)(struct machine *m, struct value *out, const struct call *c);

struct callee {
	const char *name;
	call_fn fn;	    /* NULL: known and not supported */
	const char *params; /* names parted by blanks; NULL: any arguments, seen in `all` */
	unsigned required;  /* how many of them must be given */
	int which;
	bool takes_safe; /* does the same to a string marked safe */
};

#define CALLEE(z, f, p, r, w)                                                        \
	{                                                                            \
		.name = (z), .fn = (f), .params = (p), .required = (r), .which = (w) \
	}

struct method {
	const struct callee *callee;
	struct value self;
};

/* NULL where there is no such thing. */
const struct callee *filter_find(struct view name);
const struct callee *test_find(struct view name);
const struct callee *function_find(struct view name);
/* A method of a string, list, tuple or dict. */
const struct callee *method_find(enum val_kind kind, struct view name);
const struct callee *callee_in(const struct callee *table, struct view name);

/* 0, or -1 where there is no such filter (or test), or none we have. */
int callee_known(struct machine *m, const struct callee *f, struct view name, bool filter);
/* Matches the arguments and calls. */
int callee_call(struct machine *m, struct value *out, const struct callee *f, struct value self,
		const struct args *args);
/* Anything a template can call: macros, functions, methods, recursive loops. */
int value_call(struct machine *m, struct value *out, struct value f, const struct args *args);

/* a.name and a[key], as the sandbox of Jinja looks them up. */
int value_attr(struct machine *m, struct value *out, struct value a, struct view name);
int value_item(struct machine *m, struct value *out, struct value a, struct value key);
/* a[start:stop:step]; VAL_NONE where one is left out. */
int value_slice(struct machine *m, struct value *out, struct value a, const struct value bound[3]);

/* Arguments that must be of a kind; `name` is the parameter's, for the error. Absent and None keep *out. */
int arg_text(struct machine *m, const struct text **out, const struct call *c, unsigned i);
int arg_int(struct machine *m, int64_t *out, const struct call *c, unsigned i);
bool arg_true(const struct call *c, unsigned i, bool otherwise);

#endif
