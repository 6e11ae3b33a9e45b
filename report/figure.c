#include "report/figure.h"

#include "store/metrics.h"

static const struct kind {
	const char *name; /* ends in '-' where an id follows */
	int (*make)(struct scene *s, const struct json *results, struct view id, struct err *e);
} kinds[] = {
	{ "training-", figure_training }, { "gap", figure_gap },
	{ "columns", figure_columns },	  { "relevance", figure_relevance },
	{ "contexts-", figure_contexts }, { "dose-", figure_dose },
};

int figure_make(struct scene *out, struct arena *mem, const struct fonts *f, const struct json *results,
		struct view name, struct err *e)
{
	scene_init(out, mem, f, FIGURE_WIDTH);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];
		struct view kind = view_of(k->name), id = { name.p + kind.n, name.n - kind.n };

		if (kind.p[kind.n - 1] == '-' ? view_starts(name, k->name) && id.n : view_is(name, k->name))
			return k->make(out, results, kind.p[kind.n - 1] == '-' ? id : VIEW(""), e);
	}
	return err_set(e, ERR_SPEC,
		       "no figure '%.*s'; there are training-SEED, gap, columns, relevance, contexts-LATENT "
		       "and dose-FINDING",
		       (int)name.n, name.p);
}

bool figure_real(double *out, const struct json *obj, const char *key)
{
	const struct json *v = json_find(obj, key);

	if (!v || (v->kind != JSON_INTEGER && v->kind != JSON_REAL))
		return false;
	*out = v->real;
	return true;
}

const char *figure_number(struct arena *mem, const struct json *obj, const char *key, const char *path,
			  bool unit)
{
	const struct metric *m = metric_find(view_of(path));
	struct str s = STR_INIT;
	const char *text;
	double v;

	BUG_ON(!m);
	if (!figure_real(&v, obj, key))
		return "\u2013";
	metric_print_real(&s, m, v);
	if (unit && m->unit[0])
		str_addf(&s, " %s", m->unit);
	text = arena_strdup(mem, s.p, s.n);
	str_release(&s);
	return text;
}

struct view figure_text(const struct json *obj, const char *key)
{
	const struct json *v = json_find(obj, key);

	return v && v->kind == JSON_STRING ? v->str : VIEW("");
}
