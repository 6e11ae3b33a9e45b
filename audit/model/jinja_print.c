/* What str() and repr() of Python's objects say. */
#include "model/jinja_machine.h"

#include "base/unicode.h"

#include <stdio.h>
#include <string.h>

/* The digits of a decimal text without its point, and the power of ten of the first one. */
static size_t split_decimal(char digit[24], int *power, const char *p)
{
	size_t n = 0;
	bool point = false;

	*power = -1;
	for (; (*p >= '0' && *p <= '9') || *p == '.'; p++) {
		if (*p == '.') {
			point = true;
		} else if (n > 0 || *p != '0') {
			*power += !point;
			if (n < 23)
				digit[n++] = *p;
		} else {
			*power -= point;
		}
	}
	if (*p == 'e') {
		bool minus = p[1] == '-';
		int shift = 0;

		for (p += 1 + (p[1] == '-' || p[1] == '+'); *p >= '0' && *p <= '9'; p++)
			shift = shift * 10 + (*p - '0');
		*power += minus ? -shift : shift;
	}
	while (n > 1 && digit[n - 1] == '0')
		n--;
	digit[n] = '\0';
	return n;
}

void val_real_text(char out[48], double v)
{
	char shortest[40], digit[24];
	bool minus = __builtin_signbit(v) != 0;
	int power;
	size_t n;

	if (v != v || v - v != 0) {
		snprintf(out, 47, "%s", v != v ? "nan" : minus ? "-inf" : "inf");
		return;
	}
	if (minus)
		*out++ = '-';
	if (v == 0) {
		snprintf(out, 47, "0.0");
		return;
	}
	real_shortest(shortest, minus ? -v : v);
	n = split_decimal(digit, &power, shortest);
	if (power < -4 || power >= 16)
		snprintf(out, 47, "%c%s%se%c%02d", digit[0], n > 1 ? "." : "", digit + 1,
			 power < 0 ? '-' : '+', power < 0 ? -power : power);
	else if (power < 0)
		snprintf(out, 47, "0.%.*s%s", -power - 1, "0000", digit);
	else if ((size_t)power + 1 >= n)
		snprintf(out, 47, "%s%.*s.0", digit, power + 1 - (int)n, "0000000000000000");
	else
		snprintf(out, 47, "%.*s.%s", power + 1, digit, digit + power + 1);
}

static void text_repr(struct pen *out, const struct text *t)
{
	char quote = memchr(t->p, '\'', t->n) != NULL && memchr(t->p, '"', t->n) == NULL ? '"' : '\'';

	pen_char(out, (uint32_t)quote);
	for (size_t i = 0, len; i < t->n; i += len) {
		uint32_t cp = 0;

		len = utf8_decode(&cp, t->p + i, t->n - i);
		if (cp == (uint32_t)quote || cp == '\\')
			pen_fmt(out, "\\%c", (char)cp);
		else if (cp == '\n' || cp == '\r' || cp == '\t')
			pen_puts(out, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
		else if (unicode_is_printable(cp))
			pen_char(out, cp);
		else
			pen_fmt(out,
				cp < 0x100     ? "\\x%02x"
				: cp < 0x10000 ? "\\u%04x"
					       : "\\U%08x",
				(unsigned)cp);
	}
	pen_char(out, (uint32_t)quote);
}

static int items_repr(struct machine *m, struct pen *out, const struct seq *s, const char *open,
		      const char *close)
{
	pen_puts(out, open);
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			pen_puts(out, ", ");
		if (val_repr(m, out, s->item[i]) < 0)
			return -1;
	}
	pen_puts(out, close);
	return 0;
}

static int dict_repr(struct machine *m, struct pen *out, const struct dict *d)
{
	pen_puts(out, "{");
	for (size_t i = 0; i < d->n; i++) {
		if (i > 0)
			pen_puts(out, ", ");
		if (val_repr(m, out, d->key[i]) < 0)
			return -1;
		pen_puts(out, ": ");
		if (val_repr(m, out, d->item[i]) < 0)
			return -1;
	}
	pen_puts(out, "}");
	return 0;
}

static int thing_repr(struct machine *m, struct pen *out, struct value v)
{
	switch (v.kind) {
	case VAL_LIST: return items_repr(m, out, v.seq, "[", "]");
	case VAL_TUPLE: return items_repr(m, out, v.seq, "(", v.seq->n == 1 ? ",)" : ")");
	case VAL_VIEW: pen_puts(out, v.seq->shown); return items_repr(m, out, v.seq, "([", "])");
	case VAL_RANGE: pen_puts(out, v.seq->shown); return 0;
	case VAL_DICT: return dict_repr(m, out, v.dict);
	case VAL_NAMESPACE:
		pen_puts(out, "<Namespace ");
		if (dict_repr(m, out, v.dict) < 0)
			return -1;
		pen_puts(out, ">");
		return 0;
	default:
		/* Python would print an address, or a name of its own making */
		return FAIL(m, "a %s cannot be printed", val_type(v));
	}
}

int val_repr(struct machine *m, struct pen *out, struct value v)
{
	char real[48];
	int r = 0;

	if (machine_enter(m) < 0)
		return -1;
	switch (v.kind) {
	case VAL_ABSENT:
	case VAL_UNDEFINED: pen_puts(out, "Undefined"); break;
	case VAL_NONE: pen_puts(out, "None"); break;
	case VAL_BOOL: pen_puts(out, v.truth ? "True" : "False"); break;
	case VAL_INT: pen_fmt(out, "%lld", (long long)v.integer); break;
	case VAL_FLOAT:
		val_real_text(real, v.real);
		pen_puts(out, real);
		break;
	case VAL_STRING:
		text_repr(out, v.text);
		if (v.safe)
			r = FAIL(m, "repr() of a string marked safe is not supported");
		break;
	default: r = thing_repr(m, out, v);
	}
	machine_leave(m);
	return r;
}

int val_print(struct machine *m, struct pen *out, struct value v)
{
	if (v.kind == VAL_STRING)
		pen_text(out, v.text);
	else if (v.kind != VAL_UNDEFINED)
		return val_repr(m, out, v);
	return 0;
}

int val_string(struct machine *m, const struct text **out, struct value v)
{
	struct pen *p;

	if (v.kind == VAL_STRING) {
		*out = v.text;
		return 0;
	}
	p = pen_new(&m->heap);
	if (val_print(m, p, v) < 0)
		return -1;
	*out = pen_text_of(p);
	return 0;
}
