#ifndef MODEL_JINJA_VALUE_H
#define MODEL_JINJA_VALUE_H

#include "base/err.h"
#include "model/jinja_text.h"

/* The values of a template, with Python's meaning: what is true, what is equal, what str() and repr() say.
 * Values are immutable but for namespaces and iterators.  Whatever can fail does so through the machine,
 * which knows where in the template it is. */

struct machine;

enum val_kind {
	VAL_ABSENT, /* an argument that was not given; no template sees it */
	VAL_UNDEFINED,
	VAL_NONE,
	VAL_BOOL,
	VAL_INT,
	VAL_FLOAT,
	VAL_STRING,
	VAL_LIST,
	VAL_TUPLE,
	VAL_RANGE,
	VAL_VIEW,     /* a range; the keys, values or items of a dict */
	VAL_ITERATOR, /* a generator: read once */
	VAL_DICT,
	VAL_NAMESPACE,
	VAL_MACRO, /* from here on: can be called */
	VAL_FUNCTION,
	VAL_METHOD,
	VAL_LOOP,
};

struct value {
	enum val_kind kind;
	bool safe; /* STRING through |safe; Jinja escapes what is joined to it, we refuse */
	union {
		bool truth;
		int64_t integer;
		double real;
		const struct text *text;
		struct seq *seq;   /* LIST to ITERATOR */
		struct dict *dict; /* DICT, NAMESPACE */
		const struct missing *missing;
		const struct macro *macro;
		const struct callee *callee;
		const struct method *method;
		struct loop *loop;
	};
};

struct seq {
	const struct value *item;
	size_t n;
	size_t at;	   /* ITERATOR: the next to be read */
	const char *shown; /* VIEW, ITERATOR: the type's name; RANGE: how it prints */
};

struct dict {
	struct value *key, *item; /* in order of insertion */
	size_t n, cap;
};

/* Why something is undefined. */
struct missing {
	const char *hint; /* the whole message, or NULL */
	const char *of;	  /* what it was looked for in, or NULL: a variable */
	struct view name;
	bool element; /* an index, not an attribute */
};

struct value val_none(void);
struct value val_bool(bool v);
struct value val_int(int64_t v);
struct value val_real(double v);
struct value val_text(const struct text *t);
struct value val_str(struct machine *m, const char *z);
struct value val_seq(struct machine *m, enum val_kind kind, const struct value *item, size_t n);
/* What `shown` yields once. */
struct value val_iterator(struct machine *m, const char *shown, const struct value *item, size_t n);
struct value val_dict(struct machine *m);
struct value val_undefined(struct machine *m, const char *hint);
struct value val_undefined_name(struct machine *m, struct view name);
/* An attribute that `of` has not. */
struct value val_undefined_in(struct machine *m, struct value of, struct view name, bool element);

bool val_is_number(struct value v);   /* bool, int, float */
bool val_is_integral(struct value v); /* bool, int */
int64_t val_integer(struct value v);  /* of an integral one */
double val_number(struct value v);
bool val_true(struct value v);
/* "str", "dict", "NoneType": type(v).__name__ */
const char *val_type(struct value v);

/* All of these: 0, or -1 with the machine's error set. */
int val_equal(struct machine *m, bool *out, struct value a, struct value b);
/* Negative, zero, positive; only numbers, strings, lists and tuples have an order. `op` is for the error. */
int val_order(struct machine *m, int *out, struct value a, struct value b, const char *op);
/* Like a Python object: str() for output, repr() inside containers. */
int val_print(struct machine *m, struct pen *out, struct value v);
int val_repr(struct machine *m, struct pen *out, struct value v);
/* str(v), the text itself (with its origins) where v is a string. */
int val_string(struct machine *m, const struct text **out, struct value v);
/* What a loop over v sees. Reads iterators to their end. */
int val_items(struct machine *m, const struct value **item, size_t *n, struct value v);
int val_length(struct machine *m, size_t *n, struct value v);
/* `needle in hay` */
int val_contains(struct machine *m, bool *out, struct value needle, struct value hay);
/* "%r" of a float: the shortest form that reads back, with ".0" or an exponent. */
void val_real_text(char out[48], double v);

/* Borrowed, or NULL. */
const struct value *dict_find(const struct dict *d, struct view key);
int dict_get(struct machine *m, const struct value **out, const struct dict *d, struct value key);
/* Only while the dict is being made, or a namespace. */
int dict_set(struct machine *m, struct dict *d, struct value key, struct value item);
void dict_set_name(struct machine *m, struct dict *d, struct view key, struct value item);

#endif
