/* Python's operators. */
#include "model/jinja_machine.h"

static const char *sign_of(enum node_kind op)
{
	switch (op) {
	case NODE_ADD: return "+";
	case NODE_SUB: return "-";
	case NODE_MUL: return "*";
	case NODE_DIV: return "/";
	case NODE_FLOORDIV: return "//";
	case NODE_MOD: return "%";
	default: return "** or pow()";
	}
}

/* Toward minus infinity, as Python divides; the remainder has the sign of b. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static double power(double base, int64_t exponent)
{
	double result = 1;
	uint64_t left = exponent < 0 ? 0 - (uint64_t)exponent : (uint64_t)exponent;

	while (left > 0) {
		if (left & 1)
			result *= base;
		base *= base;
		left >>= 1;
	}
	return exponent < 0 ? 1 / result : result;
}

static bool int_power(int64_t *out, int64_t base, int64_t exponent)
{
	*out = 1;
	for (; exponent > 0; exponent--) {
		if (__builtin_mul_overflow(*out, base, out))
			return false;
		if (base == 0 || base == 1 || (base == -1 && exponent % 2 == 0))
			break;
	}
	if (base == -1)
		*out = exponent % 2 == 0 ? 1 : -1;
	return true;
}

static int integer_op(struct machine *m, struct value *out, enum node_kind op, int64_t a, int64_t b)
{
	int64_t v = 0;
	bool fits = true;

	if ((op == NODE_DIV || op == NODE_FLOORDIV || op == NODE_MOD) && b == 0)
		return FAIL(m, "division by zero");
	if (op == NODE_DIV || (op == NODE_POW && b < 0)) {
		if (op == NODE_POW && a == 0)
			return FAIL(m, "0 cannot be raised to a negative power");
		*out = val_real(op == NODE_DIV ? (double)a / (double)b : power((double)a, b));
		return 0;
	}
	if (op == NODE_ADD)
		fits = !__builtin_add_overflow(a, b, &v);
	else if (op == NODE_SUB)
		fits = !__builtin_sub_overflow(a, b, &v);
	else if (op == NODE_MUL)
		fits = !__builtin_mul_overflow(a, b, &v);
	else if (op == NODE_POW)
		fits = int_power(&v, a, b);
	else if (b == -1) /* INT64_MIN / -1 does not fit, and traps */
		fits = op == NODE_MOD || !__builtin_sub_overflow(0, a, &v);
	else
		v = op == NODE_FLOORDIV ? floor_div(a, b) : a - floor_div(a, b) * b;
	if (!fits)
		return FAIL(m, "%lld %s %lld does not fit 64 bits", (long long)a, sign_of(op), (long long)b);
	*out = val_int(v);
	return 0;
}

static double floor_of(double v)
{
	int64_t whole;

	if (!(v > -4611686018427387904.0 && v < 4611686018427387904.0))
		return v;
	whole = (int64_t)v;
	return (double)whole > v ? (double)(whole - 1) : (double)whole;
}

/* The remainder has the sign of b.  Halving and doubling are exact, and so is each difference. */
static double real_mod(double a, double b)
{
	double left = a < 0 ? -a : a, unit = b < 0 ? -b : b, step = unit;

	if (left - left != 0 || unit != unit)
		return left - left + unit;
	while (step <= left / 2)
		step *= 2;
	while (step >= unit && left >= unit) {
		if (left >= step)
			left -= step;
		step /= 2;
	}
	if (left == 0)
		return b < 0 ? -0.0 : 0.0;
	if (a < 0)
		left = -left;
	return (left < 0) != (b < 0) ? left + b : left;
}

static int real_power(struct machine *m, double *v, double a, double b)
{
	if (a == 0 && b < 0)
		return FAIL(m, "0.0 cannot be raised to a negative power");
	if (b > -1024 && b < 1024 && b == (double)(int64_t)b)
		*v = power(a, (int64_t)b);
	else
		return FAIL(m, "an exponent that is no integer below 1024 is not supported");
	return 0;
}

static int real_op(struct machine *m, struct value *out, enum node_kind op, double a, double b)
{
	double v = 0, mod, whole;

	if ((op == NODE_DIV || op == NODE_FLOORDIV || op == NODE_MOD) && b == 0)
		return FAIL(m, "division by zero");
	if (op == NODE_ADD) {
		v = a + b;
	} else if (op == NODE_SUB) {
		v = a - b;
	} else if (op == NODE_MUL) {
		v = a * b;
	} else if (op == NODE_DIV) {
		v = a / b;
	} else if (op == NODE_POW) {
		if (real_power(m, &v, a, b) < 0)
			return -1;
	} else {
		mod = real_mod(a, b);
		whole = floor_of((a - mod) / b);
		v = op == NODE_MOD ? mod : (a - mod) / b - whole > 0.5 ? whole + 1 : whole;
		if (op == NODE_FLOORDIV && v == 0)
			v = __builtin_signbit(a / b) ? -0.0 : 0.0;
	}
	*out = val_real(v);
	return 0;
}

static bool is_list(struct value v)
{
	return v.kind == VAL_LIST || v.kind == VAL_TUPLE;
}

static int join_lists(struct machine *m, struct value *out, struct value a, struct value b)
{
	size_t n = a.seq->n + b.seq->n;
	struct value *item;

	if (machine_step(m, n * sizeof(*item)) < 0)
		return -1;
	item = HEAP_ARRAY(&m->heap, n, struct value);
	for (size_t i = 0; i < a.seq->n; i++)
		item[i] = a.seq->item[i];
	for (size_t i = 0; i < b.seq->n; i++)
		item[a.seq->n + i] = b.seq->item[i];
	*out = val_seq(m, a.kind, item, n);
	return 0;
}

static int repeat(struct machine *m, struct value *out, struct value a, int64_t times)
{
	size_t n = times > 0 ? (size_t)times : 0, one;
	struct value *item;

	if (a.kind == VAL_STRING) {
		*out = val_text(text_repeat(&m->heap, a.text, n));
		return machine_step(m, out->text->n);
	}
	one = a.seq->n;
	if (one > 0 && (n > SIZE_MAX / one || !heap_room(&m->heap, n * one, sizeof(*item)))) {
		m->heap.full = true;
		return machine_step(m, 0);
	}
	item = HEAP_ARRAY(&m->heap, n * one, struct value);
	for (size_t i = 0; i < n * one; i++)
		item[i] = a.seq->item[i % one];
	*out = val_seq(m, a.kind, item, n * one);
	return machine_step(m, n * one * sizeof(*item));
}

int value_binary(struct machine *m, struct value *out, enum node_kind op, struct value a, struct value b)
{
	if (a.safe || b.safe)
		return FAIL(m, "operator %s on a string marked safe is not supported", sign_of(op));
	if (op == NODE_MOD && a.kind == VAL_STRING)
		return format_percent(m, out, a.text, b);
	if (a.kind == VAL_UNDEFINED || b.kind == VAL_UNDEFINED)
		return machine_undefined(m, a.kind == VAL_UNDEFINED ? a : b);
	if (val_is_integral(a) && val_is_integral(b))
		return integer_op(m, out, op, val_integer(a), val_integer(b));
	if (val_is_number(a) && val_is_number(b))
		return real_op(m, out, op, val_number(a), val_number(b));
	if (op == NODE_ADD && a.kind == VAL_STRING && b.kind == VAL_STRING) {
		*out = val_text(text_join2(&m->heap, a.text, b.text));
		return machine_step(m, b.text->n);
	}
	if (op == NODE_ADD && a.kind == b.kind && is_list(a))
		return join_lists(m, out, a, b);
	if (op == NODE_MUL && (a.kind == VAL_STRING || is_list(a)) && val_is_integral(b))
		return repeat(m, out, a, val_integer(b));
	if (op == NODE_MUL && (b.kind == VAL_STRING || is_list(b)) && val_is_integral(a))
		return repeat(m, out, b, val_integer(a));
	if (op == NODE_ADD && a.kind == VAL_STRING)
		return FAIL(m, "can only concatenate a string to a string, not a %s", val_type(b));
	return FAIL(m, "operator %s has no meaning between a %s and a %s", sign_of(op), val_type(a),
		    val_type(b));
}

int value_negate(struct machine *m, struct value *out, struct value a, bool minus)
{
	if (a.kind == VAL_UNDEFINED)
		return machine_undefined(m, a);
	if (val_is_integral(a) && minus)
		return integer_op(m, out, NODE_SUB, 0, val_integer(a));
	if (!val_is_number(a))
		return FAIL(m, "a %s has no sign to change", val_type(a));
	if (a.kind == VAL_FLOAT)
		*out = val_real(minus ? -a.real : a.real);
	else
		*out = val_int(val_integer(a));
	return 0;
}
