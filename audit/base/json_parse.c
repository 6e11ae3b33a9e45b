#include "base/json_parse.h"

#include <jansson.h>
#include <stdio.h>

static struct json_event event_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return (struct json_event){ .what = '{' };
	case JSON_ARRAY: return (struct json_event){ .what = '[' };
	case JSON_STRING:
		return (struct json_event){ .what = 's',
					    .str = { json_string_value(v), json_string_length(v) } };
	case JSON_INTEGER: return (struct json_event){ .what = 'i', .integer = json_integer_value(v) };
	case JSON_REAL: return (struct json_event){ .what = 'r', .real = json_real_value(v) };
	case JSON_TRUE: return (struct json_event){ .what = 't' };
	case JSON_FALSE: return (struct json_event){ .what = 'f' };
	case JSON_NULL: break;
	}
	return (struct json_event){ .what = 'n' };
}

/* As deep as the text, which the caller bounds. jansson keeps members in the order of the text. */
static void walk(json_t *v, struct view key, json_event_fn fn, void *ud)
{
	struct json_event ev = event_of(v);
	size_t i;
	void *it;

	ev.key = key;
	fn(ud, &ev);
	if (ev.what == '{') {
		for (it = json_object_iter(v); it; it = json_object_iter_next(v, it))
			walk(json_object_iter_value(it),
			     (struct view){ json_object_iter_key(it), json_object_iter_key_len(it) }, fn, ud);
		fn(ud, &(struct json_event){ .what = '}' });
	} else if (ev.what == '[') {
		for (i = 0; i < json_array_size(v); i++)
			walk(json_array_get(v, i), (struct view){ NULL, 0 }, fn, ud);
		fn(ud, &(struct json_event){ .what = ']' });
	}
}

int json_parse(struct view text, json_event_fn fn, void *ud, struct json_trouble *why)
{
	json_error_t e;
	json_t *root =
		json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

	if (!root) {
		why->at = e.position > 0 ? (size_t)e.position : 0;
		why->memory = json_error_code(&e) == json_error_out_of_memory;
		why->cut = json_error_code(&e) == json_error_premature_end_of_input;
		snprintf(why->text, sizeof(why->text), "%s", e.text);
		return -1;
	}
	walk(root, (struct view){ NULL, 0 }, fn, ud);
	json_decref(root);
	return 0;
}
