#include "base/json.h"
#include "base/json_parse.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST 128

struct json_text {
	struct view text;
	const char *file;
};

/*
 * A scan of the text that knows just enough to see where values begin: strings, brackets, and everything else up
 * to the next of , : ] } or a blank.  It never fails; whether the text is JSON is jansson's to say.
 */
struct scan {
	struct view text;
	size_t at;	   /* next byte to look at */
	size_t start, end; /* the token found last */
	uint32_t ordinal;  /* of the value found last */
	unsigned depth;
	bool in_object[DEEPEST + 1], want_key;
	bool deep; /* the nesting went beyond DEEPEST; `start` is there */
	bool any;  /* a value was found */
};

static size_t scan_string(struct view text, size_t i)
{
	for (i++; i < text.n && text.p[i] != '"'; i++)
		i += text.p[i] == '\\';
	return i < text.n ? i + 1 : text.n;
}

static bool ends_scalar(char c)
{
	return c == ',' || c == ':' || c == ']' || c == '}' || c == '[' || c == '{' || c == '"' || c == ' ' ||
	       c == '\t' || c == '\n' || c == '\r';
}

/* Opens or closes a container; false where it would nest too deep. */
static bool scan_bracket(struct scan *s, char c)
{
	if (c == '{' || c == '[') {
		if (s->depth == DEEPEST)
			return false;
		s->in_object[++s->depth] = c == '{';
		s->want_key = c == '{';
	} else if (s->depth > 0) {
		s->depth--;
		s->want_key = false;
	}
	return true;
}

/* To the next token that begins a value; false at the end of the text (or where it nests too deep). */
static bool scan_next(struct scan *s)
{
	while (s->at < s->text.n) {
		char c = s->text.p[s->at];
		bool value = true;

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			s->at++;
			continue;
		}
		s->start = s->at++;
		if (c == ',') {
			s->want_key = s->in_object[s->depth];
			value = false;
		} else if (c == ':') {
			s->want_key = value = false;
		} else if (c == '"') {
			s->at = scan_string(s->text, s->start);
			value = !s->want_key;
		} else if (c == '{' || c == '[' || c == '}' || c == ']') {
			value = c == '{' || c == '[';
			if (!scan_bracket(s, c)) {
				s->deep = true;
				return false;
			}
		} else {
			while (s->at < s->text.n && !ends_scalar(s->text.p[s->at]))
				s->at++;
		}
		s->end = s->at;
		if (value) {
			s->ordinal += s->any;
			s->any = true;
			return true;
		}
	}
	return false;
}

/* Columns count characters, as editors do. */
static struct pos pos_of(const struct json_text *t, size_t byte)
{
	struct pos at = { .file = t->file, .line = 1, .col = 1 };
	size_t i;

	for (i = 0; i < byte && i < t->text.n; i++) {
		if (t->text.p[i] == '\n') {
			at.line++;
			at.col = 1;
		} else if (((unsigned char)t->text.p[i] & 0xc0) != 0x80) {
			at.col++;
		}
	}
	return at;
}

struct pos json_pos(const struct json *v)
{
	struct scan s = { .text = v->text->text };

	while (scan_next(&s) && s.ordinal < v->ordinal)
		;
	return pos_of(v->text, s.start);
}

/* ---- reading ---- */

/* An integer of more than 64 bits: jansson refuses those, but tokenizer_config.json files are fond of 10^30. */
struct big {
	uint32_t ordinal;
	double value;
};

struct reader {
	struct arena *mem;
	const struct json_text *text;
	char *copy; /* of the text with each big integer blanked to a short real; NULL: none */
	struct big *big;
	size_t n_big, cap_big, next_big;
	uint32_t ordinal;
	const struct json *root;
	unsigned depth;
	struct json *open[DEEPEST + 1];
	const struct json **link[DEEPEST + 1]; /* where the next member of each goes */
};

static bool is_big(struct view t, double *value)
{
	int64_t small;
	size_t i;

	for (i = t.n > 0 && t.p[0] == '-'; i < t.n; i++)
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
	return t.n >= 19 && !view_i64(&small, t) && view_real(value, t);
}

/* Checks the depth, and finds the big integers. */
static int survey(struct reader *r, struct err *e)
{
	struct scan s = { .text = r->text->text };

	while (scan_next(&s)) {
		struct view token = { s.text.p + s.start, s.end - s.start };
		double value;

		if (s.ordinal == UINT32_MAX)
			return err_set(e, ERR_INPUT, "%s has more than 4294967294 values", r->text->file);
		if (!is_big(token, &value))
			continue;
		if (!r->copy) {
			r->copy = mem_alloc(s.text.n, 1);
			memcpy(r->copy, s.text.p, s.text.n);
		}
		memset(r->copy + s.start, ' ', token.n);
		memcpy(r->copy + s.start, "0.0", 3);
		r->big = mem_grow(r->big, &r->cap_big, r->n_big + 1, sizeof(*r->big));
		r->big[r->n_big++] = (struct big){ s.ordinal, value };
	}
	if (s.deep)
		return err_at(e, ERR_INPUT, pos_of(r->text, s.start), "nested deeper than %d levels",
			      DEEPEST);
	return 0;
}

/* Where the token that jansson stumbled over begins: it tells the place after it. */
static size_t token_before(struct view text, size_t byte)
{
	struct scan s = { .text = { text.p, byte < text.n ? byte : text.n } };

	while (scan_next(&s))
		;
	return s.start;
}

static int failed(const struct reader *r, const struct json_trouble *why, struct err *e)
{
	struct view text = r->text->text;
	size_t valid = utf8_valid(text.p, text.n);

	if (why->memory)
		return err_set(e, ERR_SIZE, "out of memory while reading %s", r->text->file);
	if (valid < text.n)
		return err_at(e, ERR_INPUT, pos_of(r->text, valid), "byte 0x%02x is not valid UTF-8",
			      (unsigned char)text.p[valid]);
	if (why->cut)
		return err_at(e, ERR_INPUT, pos_of(r->text, text.n),
			      "the text ends in the middle of a value");
	return err_at(e, ERR_INPUT, pos_of(r->text, token_before(text, why->at)), "not valid JSON: %s",
		      why->text);
}

static void take(void *ud, const struct json_event *ev)
{
	struct reader *r = ud;
	struct json *v;

	if (ev->what == '}' || ev->what == ']') {
		r->depth--;
		return;
	}
	v = ARENA_NEW(r->mem, struct json);
	v->text = r->text;
	v->ordinal = r->ordinal++;
	if (ev->key.p)
		v->key = (struct view){ arena_strdup(r->mem, ev->key.p, ev->key.n), ev->key.n };
	if (r->depth == 0) {
		r->root = v;
	} else {
		*r->link[r->depth] = v;
		r->link[r->depth] = &v->next;
		r->open[r->depth]->n++;
	}
	switch (ev->what) {
	case 'n': v->kind = JSON_NULL; break;
	case 'f': v->kind = JSON_FALSE; break;
	case 't': v->kind = JSON_TRUE; break;
	case 'i':
		v->kind = JSON_INTEGER;
		v->integer = ev->integer;
		v->real = (double)ev->integer;
		break;
	case 'r':
		v->kind = JSON_REAL;
		v->real = ev->real;
		if (r->next_big < r->n_big && r->big[r->next_big].ordinal == v->ordinal)
			v->real = r->big[r->next_big++].value;
		break;
	case 's':
		v->kind = JSON_STRING;
		v->str = (struct view){ arena_strdup(r->mem, ev->str.p, ev->str.n), ev->str.n };
		break;
	default:
		v->kind = ev->what == '{' ? JSON_OBJECT : JSON_ARRAY;
		BUG_ON(r->depth == DEEPEST);
		r->open[++r->depth] = v;
		r->link[r->depth] = &v->first;
	}
}

int json_read(const struct json **out, struct arena *mem, struct view text, const char *file, struct err *e)
{
	struct json_text *t = ARENA_NEW(mem, struct json_text);
	struct reader r = { .mem = mem, .text = t };
	struct json_trouble why = { .at = 0 };
	int status;

	*out = NULL;
	*t = (struct json_text){ .text = text, .file = arena_strdup(mem, file, strlen(file)) };
	status = survey(&r, e);
	if (status == 0 && json_parse((struct view){ r.copy ? r.copy : text.p, text.n }, take, &r, &why) < 0)
		status = failed(&r, &why, e);
	if (status == 0)
		*out = r.root;
	mem_free(r.big);
	mem_free(r.copy);
	return status;
}

int json_read_file(const struct json **out, struct arena *mem, const char *path, size_t limit, struct err *e)
{
	struct view text;

	*out = NULL;
	if (file_read(&text, mem, path, limit, e) < 0)
		return -1;
	return json_read(out, mem, text, path, e);
}

/* ---- looking up ---- */

const char *json_kind_name(enum json_kind k)
{
	static const char *const name[] = {
		[JSON_NULL] = "null",	       [JSON_FALSE] = "false",	    [JSON_TRUE] = "true",
		[JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",    [JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",     [JSON_OBJECT] = "an object",
	};

	return name[k];
}

bool json_is_null(const struct json *v)
{
	return !v || v->kind == JSON_NULL;
}

bool json_is_true(const struct json *obj, const char *key)
{
	const struct json *v = json_find(obj, key);

	return v && v->kind == JSON_TRUE;
}

const char *json_text(struct arena *mem, const struct json *obj, const char *key, const char *otherwise)
{
	const struct json *v = json_find(obj, key);

	return v && v->kind == JSON_STRING ? arena_strdup(mem, v->str.p, v->str.n) : otherwise;
}

const struct json *json_find(const struct json *obj, const char *key)
{
	const struct json *m = obj && obj->kind == JSON_OBJECT ? obj->first : NULL;

	while (m && !view_is(m->key, key))
		m = m->next;
	return m;
}

const struct json *json_at(const struct json *array, size_t i)
{
	const struct json *m = array && array->kind == JSON_ARRAY ? array->first : NULL;

	while (m && i-- > 0)
		m = m->next;
	return m;
}

/* The member, of whatever kind; an error where it is not there. */
static int present(const struct json **out, const struct json *obj, const char *key, const char *want,
		   struct err *e)
{
	*out = json_find(obj, key);
	if (*out)
		return 0;
	if (!obj)
		return err_set(e, ERR_INPUT, "\"%s\" is missing; it has to be %s", key, want);
	if (obj->kind != JSON_OBJECT)
		return err_at(e, ERR_INPUT, json_pos(obj),
			      "%s stands here; it has to be an object with \"%s\"", json_kind_name(obj->kind),
			      key);
	return err_at(e, ERR_INPUT, json_pos(obj), "\"%s\" is missing; it has to be %s", key, want);
}

static int unlike(const struct json *v, const char *key, const char *want, struct err *e)
{
	struct pos at = json_pos(v);

	if (v->kind == JSON_INTEGER)
		return err_at(e, ERR_INPUT, at, "\"%s\" is %lld; it has to be %s", key, (long long)v->integer,
			      want);
	if (v->kind == JSON_REAL)
		return err_at(e, ERR_INPUT, at, "\"%s\" is %g; it has to be %s", key, v->real, want);
	if (v->kind == JSON_STRING)
		return err_at(e, ERR_INPUT, at, "\"%s\" is the string \"%.*s\"; it has to be %s", key,
			      (int)(v->str.n < 80 ? v->str.n : 80), v->str.p, want);
	return err_at(e, ERR_INPUT, at, "\"%s\" is %s; it has to be %s", key, json_kind_name(v->kind), want);
}

int json_member(const struct json **out, const struct json *obj, const char *key, enum json_kind kind,
		struct err *e)
{
	if (present(out, obj, key, json_kind_name(kind), e) < 0)
		return -1;
	return (*out)->kind == kind ? 0 : unlike(*out, key, json_kind_name(kind), e);
}

int json_str(struct view *out, const struct json *obj, const char *key, struct err *e)
{
	const struct json *v;

	if (json_member(&v, obj, key, JSON_STRING, e) < 0)
		return -1;
	*out = v->str;
	return 0;
}

int json_real(double *out, const struct json *obj, const char *key, struct err *e)
{
	const struct json *v;

	if (present(&v, obj, key, "a number", e) < 0)
		return -1;
	if (v->kind != JSON_REAL && v->kind != JSON_INTEGER)
		return unlike(v, key, "a number", e);
	*out = v->real;
	return 0;
}

int json_size(size_t *out, const struct json *obj, const char *key, struct err *e)
{
	static const char want[] = "an integer, 0 or more";
	const struct json *v;

	if (present(&v, obj, key, want, e) < 0)
		return -1;
	if (v->kind != JSON_INTEGER || v->integer < 0)
		return unlike(v, key, want, e);
	*out = (size_t)v->integer;
	return 0;
}

int json_bool(bool *out, const struct json *obj, const char *key, struct err *e)
{
	const struct json *v;

	if (present(&v, obj, key, "true or false", e) < 0)
		return -1;
	if (v->kind != JSON_TRUE && v->kind != JSON_FALSE)
		return unlike(v, key, "true or false", e);
	*out = v->kind == JSON_TRUE;
	return 0;
}
