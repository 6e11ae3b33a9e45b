/* The tojson of transformers: json.dumps(x, ensure_ascii=False, ...), without the HTML escapes of Jinja's. */
#include "model/jinja_machine.h"

#include "base/sort.h"

#include <stdio.h>

struct dump {
	struct machine *m;
	struct pen *out;
	const struct text *indent; /* one level, or NULL: all on one line */
	const struct text *comma, *colon;
	bool ascii, sorted;
	unsigned depth;
};

static void dump_char(struct dump *d, uint32_t cp)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

	for (size_t i = 0; i < sizeof(from) - 1; i++) {
		if (cp == (unsigned char)from[i]) {
			pen_fmt(d->out, "\\%c", to[i]);
			return;
		}
	}
	if (cp < 0x20 || (d->ascii && cp > 0x7e && cp < 0x10000))
		pen_fmt(d->out, "\\u%04x", (unsigned)cp);
	else if (d->ascii && cp >= 0x10000)
		pen_fmt(d->out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((cp - 0x10000) >> 10)),
			(unsigned)(0xdc00 + (cp & 0x3ff)));
	else
		pen_char(d->out, cp);
}

static void dump_string(struct dump *d, const struct text *t)
{
	size_t plain = 0;

	pen_char(d->out, '"');
	for (size_t i = 0, len; i < t->n; i += len) {
		uint32_t cp = 0;

		len = utf8_decode(&cp, t->p + i, t->n - i);
		if (cp >= 0x20 && cp != '"' && cp != '\\' && (!d->ascii || cp < 0x7f))
			continue;
		pen_bytes(d->out, t->p + plain, i - plain);
		dump_char(d, cp);
		plain = i + len;
	}
	pen_bytes(d->out, t->p + plain, t->n - plain);
	pen_char(d->out, '"');
}

static void dump_real(struct dump *d, double v)
{
	char real[48];

	val_real_text(real, v);
	if (v != v)
		pen_puts(d->out, "NaN");
	else if (v - v != 0)
		pen_puts(d->out, v < 0 ? "-Infinity" : "Infinity");
	else
		pen_puts(d->out, real);
}

static void dump_line(struct dump *d)
{
	if (d->indent == NULL)
		return;
	pen_char(d->out, '\n');
	pen_fill(d->out, d->indent, d->depth);
}

static int dump_value(struct dump *d, struct value v);

static int dump_items(struct dump *d, const struct seq *s)
{
	pen_char(d->out, '[');
	d->depth++;
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			pen_text(d->out, d->comma);
		dump_line(d);
		if (dump_value(d, s->item[i]) < 0)
			return -1;
	}
	d->depth--;
	if (s->n > 0)
		dump_line(d);
	pen_char(d->out, ']');
	return 0;
}

static int dump_key(struct dump *d, struct value key)
{
	switch (key.kind) {
	case VAL_STRING: dump_string(d, key.text); return 0;
	case VAL_NONE:
	case VAL_BOOL:
	case VAL_INT:
	case VAL_FLOAT:
		pen_char(d->out, '"');
		if (dump_value(d, key) < 0)
			return -1;
		pen_char(d->out, '"');
		return 0;
	default: return FAIL(d->m, "a key of JSON must be a string, not a %s", val_type(key));
	}
}

struct key_order {
	struct machine *m;
	const struct dict *dict;
	bool failed;
};

static int order_keys(const void *a, const void *b, void *ud)
{
	struct key_order *o = ud;
	int order = 0;

	if (!o->failed && val_order(o->m, &order, o->dict->key[*(const size_t *)a],
				    o->dict->key[*(const size_t *)b], "<") < 0)
		o->failed = true;
	return order;
}

static int dump_dict(struct dump *d, const struct dict *dict)
{
	size_t *order = HEAP_ARRAY(&d->m->heap, dict->n, size_t);
	struct key_order keys = { d->m, dict, false };

	for (size_t i = 0; i < dict->n; i++)
		order[i] = i;
	if (d->sorted)
		sort_stable(order, dict->n, sizeof(*order), order_keys, &keys);
	if (keys.failed)
		return -1;
	pen_char(d->out, '{');
	d->depth++;
	for (size_t i = 0; i < dict->n; i++) {
		if (i > 0)
			pen_text(d->out, d->comma);
		dump_line(d);
		if (dump_key(d, dict->key[order[i]]) < 0)
			return -1;
		pen_text(d->out, d->colon);
		if (dump_value(d, dict->item[order[i]]) < 0)
			return -1;
	}
	d->depth--;
	if (dict->n > 0)
		dump_line(d);
	pen_char(d->out, '}');
	return 0;
}

static int dump_thing(struct dump *d, struct value v)
{
	switch (v.kind) {
	case VAL_NONE: pen_puts(d->out, "null"); return 0;
	case VAL_BOOL: pen_puts(d->out, v.truth ? "true" : "false"); return 0;
	case VAL_INT: pen_fmt(d->out, "%lld", (long long)v.integer); return 0;
	case VAL_FLOAT: dump_real(d, v.real); return 0;
	case VAL_STRING: dump_string(d, v.text); return machine_step(d->m, v.text->n);
	case VAL_LIST:
	case VAL_TUPLE: return dump_items(d, v.seq);
	case VAL_DICT: return dump_dict(d, v.dict);
	case VAL_UNDEFINED:
		if (v.missing->hint == NULL)
			return FAIL(d->m, "'%.*s' is undefined and cannot be written as JSON",
				    SHORT_VIEW(v.missing->name));
		/* fall through */
	default: return FAIL(d->m, "a %s cannot be written as JSON", val_type(v));
	}
}

static int dump_value(struct dump *d, struct value v)
{
	int r;

	if (machine_enter(d->m) < 0)
		return -1;
	r = dump_thing(d, v);
	machine_leave(d->m);
	return r;
}

/* tojson(ensure_ascii, indent, separators, sort_keys) */
int json_dump(struct machine *m, struct pen *out, struct value v, const struct call *c)
{
	struct dump d = {
		.m = m, .out = out, .ascii = arg_true(c, 0, false), .sorted = arg_true(c, 3, false)
	};
	const struct value *part;
	int64_t indent = 0;
	size_t n;

	if (c->arg[1].kind == VAL_STRING) {
		d.indent = c->arg[1].text;
	} else if (c->arg[1].kind != VAL_ABSENT && c->arg[1].kind != VAL_NONE) {
		if (arg_int(m, &indent, c, 1) < 0)
			return -1;
		d.indent = text_repeat(&m->heap, text_of(&m->heap, " "), indent > 0 ? (size_t)indent : 0);
	}
	d.comma = text_of(&m->heap, d.indent != NULL ? "," : ", ");
	d.colon = text_of(&m->heap, ": ");
	if (c->arg[2].kind != VAL_ABSENT && c->arg[2].kind != VAL_NONE) {
		if (val_items(m, &part, &n, c->arg[2]) < 0)
			return -1;
		if (n != 2 || part[0].kind != VAL_STRING || part[1].kind != VAL_STRING)
			return FAIL(m, "separators must be two strings");
		d.comma = part[0].text;
		d.colon = part[1].text;
	}
	return dump_value(&d, v);
}
