#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void emit(struct json_out *j, const char *p, size_t n)
{
	if (j->out)
		out_put(j->out, p, n);
	else if (j->hash)
		sha256_add(j->hash, p, n);
	else
		str_add(j->str, p, n);
}

static void emits(struct json_out *j, const char *z)
{
	emit(j, z, strlen(z));
}

static void new_line(struct json_out *j)
{
	unsigned i;

	if (j->compact)
		return;
	emits(j, "\n");
	for (i = 0; i < j->depth; i++)
		emits(j, "  ");
}

/* Printable text goes through as it is; control characters, quotes and backslashes are escaped. */
static void emit_quoted(struct json_out *j, struct view v)
{
	static const char short_form[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	size_t i = 0, from = 0, len;

	emits(j, "\"");
	while (i < v.n) {
		unsigned char c = (unsigned char)v.p[i];
		const char *s = NULL;
		uint32_t cp;
		char esc[8];

		len = c < 0x80 ? 1 : utf8_decode(&cp, v.p + i, v.n - i);
		if (len == 0) {
			s = "\xef\xbf\xbd"; /* U+FFFD */
		} else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
			const char *found = c ? strchr(short_form, c) : NULL;

			/* each pair is the character and its letter; the letters are no control characters */
			if (found && (found - short_form) % 2 == 0)
				snprintf(esc, sizeof(esc), "\\%c", found[1]);
			else
				snprintf(esc, sizeof(esc), "\\u%04x", c);
			s = esc;
		}
		if (s) {
			emit(j, v.p + from, i - from);
			emits(j, s);
		}
		i += len ? len : 1;
		if (s)
			from = i;
	}
	emit(j, v.p + from, i - from);
	emits(j, "\"");
}

/* What stands before any value: the comma, the line break, the key. */
static void begin(struct json_out *j, struct view key)
{
	if (j->started)
		emits(j, ",");
	if (j->depth > 0)
		new_line(j);
	if (key.p) {
		emit_quoted(j, key);
		emits(j, j->compact ? ":" : ": ");
	}
	j->started = true;
}

static struct view key_of(const char *key)
{
	return key ? view_of(key) : (struct view){ NULL, 0 };
}

static void value(struct json_out *j, struct view key, const char *text)
{
	begin(j, key);
	emits(j, text);
	if (j->depth == 0 && !j->compact)
		emits(j, "\n");
}

static void open_container(struct json_out *j, struct view key, char bracket)
{
	begin(j, key);
	emit(j, &bracket, 1);
	j->depth++;
	j->started = false;
}

void json_open(struct json_out *j, const char *key, char bracket)
{
	BUG_ON(bracket != '{' && bracket != '[');
	open_container(j, key_of(key), bracket);
}

void json_close(struct json_out *j, char bracket)
{
	BUG_ON(j->depth == 0 || (bracket != '}' && bracket != ']'));
	j->depth--;
	if (j->started)
		new_line(j);
	emit(j, &bracket, 1);
	j->started = true;
	if (j->depth == 0 && !j->compact)
		emits(j, "\n");
}

static void put_str(struct json_out *j, struct view key, struct view v)
{
	begin(j, key);
	emit_quoted(j, v);
	if (j->depth == 0 && !j->compact)
		emits(j, "\n");
}

/* A minus in front of a zero would be lost where "-0" is read as an integer. */
static void put_real(struct json_out *j, struct view key, double v)
{
	char text[40];

	BUG_ON(!isfinite(v));
	real_shortest(text, v);
	value(j, key, v == 0 && signbit(v) ? "-0.0" : text);
}

static void put_int(struct json_out *j, struct view key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	value(j, key, text);
}

void json_put_str(struct json_out *j, const char *key, struct view v)
{
	put_str(j, key_of(key), v);
}

void json_puts(struct json_out *j, const char *key, const char *z)
{
	if (z)
		put_str(j, key_of(key), view_of(z));
	else
		value(j, key_of(key), "null");
}

void json_put_real(struct json_out *j, const char *key, double v)
{
	put_real(j, key_of(key), v);
}

void json_put_size(struct json_out *j, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	value(j, key_of(key), text);
}

void json_put_int(struct json_out *j, const char *key, int64_t v)
{
	put_int(j, key_of(key), v);
}

void json_put_bool(struct json_out *j, const char *key, bool v)
{
	value(j, key_of(key), v ? "true" : "false");
}

void json_put_null(struct json_out *j, const char *key)
{
	value(j, key_of(key), "null");
}

void json_put_digest(struct json_out *j, const char *key, struct digest d)
{
	char hex[65];

	digest_hex(hex, d);
	json_puts(j, key, hex);
}

/* As deep as a tree that was read, which json_read() bounds. */
static void put_tree(struct json_out *j, struct view key, const struct json *v)
{
	const struct json *m;

	switch (v->kind) {
	case JSON_NULL: value(j, key, "null"); return;
	case JSON_FALSE: value(j, key, "false"); return;
	case JSON_TRUE: value(j, key, "true"); return;
	case JSON_INTEGER: put_int(j, key, v->integer); return;
	case JSON_REAL: put_real(j, key, v->real); return;
	case JSON_STRING: put_str(j, key, v->str); return;
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	open_container(j, key, v->kind == JSON_OBJECT ? '{' : '[');
	for (m = v->first; m; m = m->next)
		put_tree(j, v->kind == JSON_OBJECT ? m->key : (struct view){ NULL, 0 }, m);
	json_close(j, v->kind == JSON_OBJECT ? '}' : ']');
}

void json_put(struct json_out *j, const char *key, const struct json *v)
{
	if (v)
		put_tree(j, key_of(key), v);
	else
		json_put_null(j, key);
}
