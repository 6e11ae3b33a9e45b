#include "flow/resolved.h"
#include "flow/field.h"

#include <string.h>

static bool is_scalar(const struct json *v)
{
	return v->kind != JSON_ARRAY && v->kind != JSON_OBJECT;
}

static void add_value(struct str *s, const struct json *v)
{
	struct json_out j = JSON_TO_STR(s);

	j.compact = true;
	if (v->kind == JSON_NULL)
		str_adds(s, "none");
	else if (v->kind == JSON_STRING)
		str_addv(s, v->str);
	else
		json_put(&j, NULL, v);
}

static void put_row(struct json_out *j, const char *name, const struct json *v)
{
	struct str text = STR_INIT;
	const struct json *m;

	if (is_scalar(v))
		add_value(&text, v);
	else if (!v->first)
		str_adds(&text, "none");
	for (m = v->first; m; m = m->next) {
		add_value(&text, m);
		str_adds(&text, m->next ? ", " : "");
	}
	json_open(j, NULL, '{');
	json_puts(j, "name", name);
	json_put_str(j, "value", str_view(&text));
	json_close(j, '}');
	str_release(&text);
}

/* Lists of scalars are one row; as deep as the tables of the spec. */
static void put_rows(struct json_out *j, struct arena *mem, const char *name, const struct json *v)
{
	const struct json *m;
	size_t i = 0;

	if (is_scalar(v) || (v->kind == JSON_ARRAY && (!v->first || is_scalar(v->first)))) {
		put_row(j, name, v);
		return;
	}
	for (m = v->first; m; m = m->next, i++) {
		if (v->kind == JSON_ARRAY)
			put_rows(j, mem, arena_fmt(mem, "%s[%zu]", name, i), m);
		else
			put_rows(j, mem,
				 arena_fmt(mem, *name ? "%s.%.*s" : "%s%.*s", name, (int)m->key.n, m->key.p),
				 m);
	}
}

int resolved_write(struct json_out *j, const struct spec *s, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT;
	struct json_out tree = JSON_TO_STR(&text);
	const struct json *root;
	int status;

	json_open(&tree, NULL, '{');
	field_write(&tree, spec_fields, s);
	json_close(&tree, '}');
	status = json_read(&root, &mem, str_view(&text), "the resolved spec", e);
	if (status == 0) {
		json_put(j, "spec", root);
		json_open(j, "hyperparameters", '[');
		put_rows(j, &mem, "", root);
		json_close(j, ']');
	}
	str_release(&text);
	arena_release(&mem);
	return status;
}
