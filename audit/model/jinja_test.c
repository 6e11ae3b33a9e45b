/* What may stand behind "is". */
#include "model/jinja_str.h"

enum {
	KIND_DEFINED,
	KIND_UNDEFINED,
	KIND_NONE,
	KIND_BOOLEAN,
	KIND_TRUE,
	KIND_FALSE,
	KIND_INTEGER,
	KIND_FLOAT,
	KIND_NUMBER,
	KIND_STRING,
	KIND_MAPPING,
	KIND_SEQUENCE,
	KIND_ITERABLE,
	KIND_CALLABLE,
	KIND_ESCAPED
};

static bool kind_is(struct value v, int which)
{
	switch (which) {
	case KIND_DEFINED: return v.kind != VAL_UNDEFINED;
	case KIND_UNDEFINED: return v.kind == VAL_UNDEFINED;
	case KIND_NONE: return v.kind == VAL_NONE;
	case KIND_BOOLEAN: return v.kind == VAL_BOOL;
	case KIND_TRUE: return v.kind == VAL_BOOL && v.truth;
	case KIND_FALSE: return v.kind == VAL_BOOL && !v.truth;
	case KIND_INTEGER: return v.kind == VAL_INT;
	case KIND_FLOAT: return v.kind == VAL_FLOAT;
	case KIND_NUMBER: return val_is_number(v);
	case KIND_STRING: return v.kind == VAL_STRING;
	case KIND_MAPPING: return v.kind == VAL_DICT;
	case KIND_SEQUENCE:
		return v.kind == VAL_STRING || v.kind == VAL_LIST || v.kind == VAL_TUPLE ||
		       v.kind == VAL_RANGE || v.kind == VAL_DICT || v.kind == VAL_UNDEFINED;
	case KIND_ITERABLE:
		return v.kind == VAL_UNDEFINED || (v.kind >= VAL_STRING && v.kind <= VAL_DICT) ||
		       v.kind == VAL_LOOP;
	case KIND_CALLABLE: return v.kind == VAL_UNDEFINED || v.kind >= VAL_MACRO;
	default: return v.safe;
	}
}

static int test_kind(struct machine *m, struct value *out, const struct call *c)
{
	(void)m;
	*out = val_bool(kind_is(c->self, c->which));
	return 0;
}

static int test_equal(struct machine *m, struct value *out, const struct call *c)
{
	bool equal;

	if (val_equal(m, &equal, c->self, c->arg[0]) < 0)
		return -1;
	*out = val_bool(equal == (c->which == CMP_EQ));
	return 0;
}

static int test_order(struct machine *m, struct value *out, const struct call *c)
{
	static const char *const sign[] = {
		[CMP_LT] = "<", [CMP_LE] = "<=", [CMP_GT] = ">", [CMP_GE] = ">="
	};
	int order;

	if (val_order(m, &order, c->self, c->arg[0], sign[c->which]) < 0)
		return -1;
	*out = val_bool(c->which == CMP_LT   ? order < 0
			: c->which == CMP_LE ? order <= 0
			: c->which == CMP_GT ? order > 0
					     : order >= 0);
	return 0;
}

static int test_in(struct machine *m, struct value *out, const struct call *c)
{
	bool found;

	if (val_contains(m, &found, c->self, c->arg[0]) < 0)
		return -1;
	*out = val_bool(found);
	return 0;
}

/* odd, even, divisibleby(num) */
static int test_divisible(struct machine *m, struct value *out, const struct call *c)
{
	struct value rest, by = c->arg[0].kind == VAL_ABSENT ? val_int(2) : c->arg[0];

	if (!val_is_number(c->self) && c->self.kind != VAL_UNDEFINED)
		return FAIL(m, "expected a number, not a %s", val_type(c->self));
	if (value_binary(m, &rest, NODE_MOD, c->self, by) < 0)
		return -1;
	*out = val_bool(val_number(rest) == c->which);
	return 0;
}

static int test_case(struct machine *m, struct value *out, const struct call *c)
{
	const struct text *t;

	if (val_string(m, &t, c->self) < 0)
		return -1;
	*out = val_bool(text_is(t, c->which));
	return machine_step(m, 4 * t->n);
}

/* The same object; only of values that Python has once is that a question with one answer. */
static int test_same(struct machine *m, struct value *out, const struct call *c)
{
	struct value a = c->self, b = c->arg[0];

	if (a.kind == b.kind && (a.kind == VAL_INT || a.kind == VAL_FLOAT || a.kind == VAL_STRING ||
				 a.kind == VAL_UNDEFINED || a.kind == VAL_TUPLE))
		return FAIL(m, "'sameas' between two values of type %s is not supported, use '=='",
			    val_type(a));
	*out = val_bool(a.kind == b.kind &&
			(a.kind == VAL_NONE || (a.kind == VAL_BOOL ? a.truth == b.truth : a.seq == b.seq)));
	return 0;
}

/* 'x' is filter, 'x' is test: is there one that works? */
static int test_callee(struct machine *m, struct value *out, const struct call *c)
{
	const struct callee *f;

	if (c->self.kind != VAL_STRING)
		return FAIL(m, "expected the name of a filter or test, not a %s", val_type(c->self));
	f = c->which ? filter_find(text_view(c->self.text)) : test_find(text_view(c->self.text));
	*out = val_bool(f != NULL);
	return 0;
}

/* Of a test that treats a string marked safe like any other. */
#define TEST(z, f, p, r, w)                                                                              \
	{                                                                                                \
		.name = (z), .fn = (f), .params = (p), .required = (r), .which = (w), .takes_safe = true \
	}
#define KIND(z, k) TEST(z, test_kind, "", 0, k)
#define EQUAL(z, op) TEST(z, test_equal, "other", 1, op)
#define ORDER(z, op) TEST(z, test_order, "other", 1, op)

static const struct callee tests[] = {
	KIND("defined", KIND_DEFINED),
	KIND("undefined", KIND_UNDEFINED),
	KIND("none", KIND_NONE),
	KIND("boolean", KIND_BOOLEAN),
	KIND("true", KIND_TRUE),
	KIND("false", KIND_FALSE),
	KIND("integer", KIND_INTEGER),
	KIND("float", KIND_FLOAT),
	KIND("number", KIND_NUMBER),
	KIND("string", KIND_STRING),
	KIND("mapping", KIND_MAPPING),
	KIND("sequence", KIND_SEQUENCE),
	KIND("iterable", KIND_ITERABLE),
	KIND("callable", KIND_CALLABLE),
	KIND("escaped", KIND_ESCAPED),
	EQUAL("==", CMP_EQ),
	EQUAL("eq", CMP_EQ),
	EQUAL("equalto", CMP_EQ),
	EQUAL("!=", CMP_NE),
	EQUAL("ne", CMP_NE),
	ORDER("<", CMP_LT),
	ORDER("lt", CMP_LT),
	ORDER("lessthan", CMP_LT),
	ORDER("<=", CMP_LE),
	ORDER("le", CMP_LE),
	ORDER(">", CMP_GT),
	ORDER("gt", CMP_GT),
	ORDER("greaterthan", CMP_GT),
	ORDER(">=", CMP_GE),
	ORDER("ge", CMP_GE),
	TEST("in", test_in, "seq", 1, 0),
	CALLEE("odd", test_divisible, "", 0, 1),
	CALLEE("even", test_divisible, "", 0, 0),
	CALLEE("divisibleby", test_divisible, "num", 1, 0),
	TEST("lower", test_case, "", 0, IS_LOWER),
	TEST("upper", test_case, "", 0, IS_UPPER),
	CALLEE("sameas", test_same, "other", 1, 0),
	CALLEE("filter", test_callee, "", 0, 1),
	CALLEE("test", test_callee, "", 0, 0),
	{ .name = NULL },
};

const struct callee *test_find(struct view name)
{
	return callee_in(tests, name);
}
