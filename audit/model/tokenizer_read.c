#include "model/tokenizer_read.h"

#define SHOWN 60

int read_flag(bool *out, const struct json *v, const char *key, bool otherwise, struct err *e)
{
	*out = otherwise;
	return json_is_null(json_find(v, key)) ? 0 : json_bool(out, v, key, e);
}

int read_character(struct view *out, struct arena *mem, const struct json *v, const char *key, struct err *e)
{
	struct view text;
	uint32_t cp;

	if (json_str(&text, v, key, e) < 0)
		return -1;
	if (text.n == 0 || utf8_decode(&cp, text.p, text.n) != text.n)
		return err_at(e, ERR_INPUT, json_pos(json_find(v, key)), "\"%s\" has to be one character",
			      key);
	*out = (struct view){ arena_strdup(mem, text.p, text.n), text.n };
	return 0;
}

int read_shown(struct view v)
{
	return (int)(v.n < SHOWN ? v.n : SHOWN);
}

int read_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct steps {
	const char *members;
	read_step_fn step;
	void *ud;
	size_t n;
};

static int read_nested(struct steps *s, const struct json *v, unsigned depth, struct err *e)
{
	const struct json *list;
	struct view type;

	if (json_str(&type, v, "type", e) < 0)
		return -1;
	if (!view_is(type, "Sequence")) {
		if (s->n++ == STEPS_MOST)
			return err_at(e, ERR_INPUT, json_pos(v), "a chain of more than %d %s", STEPS_MOST,
				      s->members);
		return s->step(s->ud, v, type, e);
	}
	if (depth == 0)
		return err_at(e, ERR_INPUT, json_pos(v), "a Sequence within a Sequence within a Sequence");
	if (json_member(&list, v, s->members, JSON_ARRAY, e) < 0)
		return -1;
	for (v = list->first; v; v = v->next)
		if (read_nested(s, v, depth - 1, e) < 0)
			return -1;
	return 0;
}

int read_steps(const struct json *v, const char *members, read_step_fn step, void *ud, struct err *e)
{
	struct steps s = { .members = members, .step = step, .ud = ud };

	return json_is_null(v) ? 0 : read_nested(&s, v, 2, e);
}

static bool goes_on(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

size_t character_before(struct view text, size_t at)
{
	for (at--; at > 0 && goes_on(text.p[at]);)
		at--;
	return at;
}

size_t character_after(struct view text, size_t at)
{
	for (at++; at < text.n && goes_on(text.p[at]);)
		at++;
	return at;
}
