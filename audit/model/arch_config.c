#include "model/arch_config.h"

enum { SIZE_LIMIT = 1 << 28 };

const struct json *config_find(const struct config *c, const char *field)
{
	return json_find(c->text, field);
}

const struct json *config_key(const struct config *c, enum key key)
{
	const struct json *v = NULL;

	for (size_t i = 0; i < 2 && !v; i++)
		if (c->family->key[key][i])
			v = config_find(c, c->family->key[key][i]);
	return v;
}

int config_bad(const struct config *c, const struct json *v, const char *what, struct err *e)
{
	return err_at(e, ERR_INPUT, json_pos(v), "%.*s: %s (model_type %s)", (int)v->key.n, v->key.p, what,
		      c->family->model_type);
}

static const char *value_text(const struct config *c, const struct json *v)
{
	enum { SHOWN = 60 };
	char real[32];

	switch (v->kind) {
	case JSON_STRING:
		return arena_fmt(c->mem, "\"%.*s\"", (int)(v->str.n < SHOWN ? v->str.n : SHOWN), v->str.p);
	case JSON_INTEGER: return arena_fmt(c->mem, "%lld", (long long)v->integer);
	case JSON_REAL: real_shortest(real, v->real); return arena_fmt(c->mem, "%s", real);
	case JSON_TRUE: return "true";
	case JSON_FALSE: return "false";
	default: return json_kind_name(v->kind);
	}
}

int config_unsupported(const struct config *c, const struct json *v, const char *right, struct err *e)
{
	return config_bad(c, v, arena_fmt(c->mem, "%s is not supported; %s", value_text(c, v), right), e);
}

int config_size(size_t *out, const struct config *c, const struct json *v, size_t fallback, struct err *e)
{
	*out = fallback;
	if (json_is_null(v))
		return 0;
	if (v->kind != JSON_INTEGER || v->integer < 1 || v->integer > SIZE_LIMIT)
		return config_bad(c, v,
				  arena_fmt(c->mem, "%s, where a whole number from 1 to %d is due",
					    value_text(c, v), SIZE_LIMIT),
				  e);
	*out = (size_t)v->integer;
	return 0;
}

int config_real(double *out, const struct config *c, const struct json *v, double fallback, struct err *e)
{
	*out = fallback;
	if (json_is_null(v))
		return 0;
	if ((v->kind != JSON_INTEGER && v->kind != JSON_REAL) || !(v->real >= -1e30 && v->real <= 1e30))
		return config_bad(c, v, arena_fmt(c->mem, "%s, where a number is due", value_text(c, v)), e);
	*out = v->real;
	return 0;
}

int config_bool(bool *out, const struct config *c, const struct json *v, bool fallback, struct err *e)
{
	*out = fallback;
	if (json_is_null(v))
		return 0;
	if (v->kind != JSON_TRUE && v->kind != JSON_FALSE)
		return config_bad(c, v, arena_fmt(c->mem, "%s, where true or false is due", value_text(c, v)),
				  e);
	*out = v->kind == JSON_TRUE;
	return 0;
}
