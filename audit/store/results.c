#include "store/results.h"

#include <string.h>

enum { TEXT_SHOWN = 60 };

int results_read(const struct json **out, struct arena *mem, const char *path, struct err *e)
{
	size_t format;

	if (json_read_file(out, mem, path, RESULTS_BYTES, e) < 0)
		return -1;
	if ((*out)->kind != JSON_OBJECT)
		return err_set(e, ERR_INPUT, "%s is %s; an object is wanted", path,
			       json_kind_name((*out)->kind));
	if (json_size(&format, *out, "format", e) < 0)
		return err_wrap(e, "%s: ", path);
	if (format != 1)
		return err_set(e, ERR_INPUT, "%s: format %zu; this program reads 1", path, format);
	return 0;
}

/* Where in the two trees: as a reader is told, and as the table of metrics names it. */
struct walk {
	struct differences *out;
	struct arena *mem;
	struct str shown, row;
};

static void note(struct walk *w, const struct json *old, const struct json *new, const struct metric *metric,
		 bool within)
{
	struct differences *d = w->out;

	d->item = mem_grow(d->item, &d->cap, d->n + 1, sizeof(*d->item));
	d->item[d->n++] = (struct difference){
		.path = arena_strdup(w->mem, w->shown.p, w->shown.n),
		.old = old,
		.new = new,
		.metric = metric,
		.within = within,
	};
	d->beyond += !within;
}

static bool is_number(const struct json *v)
{
	return v->kind == JSON_INTEGER || v->kind == JSON_REAL;
}

static bool same_number(const struct json *a, const struct json *b)
{
	if (a->kind == JSON_INTEGER && b->kind == JSON_INTEGER)
		return a->integer == b->integer;
	return !(a->real < b->real) && !(a->real > b->real);
}

/* On one line, whatever the text holds. */
static void add_line(struct str *out, struct view text)
{
	for (size_t i = 0; i < text.n; i++)
		str_addc(out, (unsigned char)text.p[i] < 32 ? ' ' : text.p[i]);
}

void element_name(struct str *out, const struct json *element, size_t i)
{
	const struct json *id = json_find(element, "id");

	if (!id)
		id = json_find(element, "name");
	if (id && id->kind == JSON_STRING && id->str.n > 0 && id->str.n <= TEXT_SHOWN)
		add_line(out, id->str);
	else
		str_addf(out, "%zu", i);
}

static void cut(struct str *s, size_t n)
{
	s->n = n;
	if (s->p)
		s->p[n] = '\0';
}

static void compare(struct walk *w, const struct json *old, const struct json *new);

/* A member or an element; either may be missing. */
static void step_into(struct walk *w, struct view key, size_t i, const struct json *old,
		      const struct json *new)
{
	size_t shown = w->shown.n, row = w->row.n;

	if (key.p) {
		str_adds(&w->shown, shown ? "." : "");
		add_line(&w->shown, key);
		str_adds(&w->row, row ? "." : "");
		str_addv(&w->row, key);
	} else {
		str_addc(&w->shown, '[');
		element_name(&w->shown, old ? old : new, i);
		str_addc(&w->shown, ']');
		str_adds(&w->row, "[]");
	}
	if (old && new)
		compare(w, old, new);
	else
		note(w, old, new, NULL, false);
	cut(&w->shown, shown);
	cut(&w->row, row);
}

static const struct json *member(const struct json *obj, struct view key)
{
	for (const struct json *v = obj->first; v; v = v->next)
		if (view_eq(v->key, key))
			return v;
	return NULL;
}

static void compare(struct walk *w, const struct json *old, const struct json *new)
{
	const struct metric *metric;
	size_t i = 0;

	if (is_number(old) && is_number(new)) {
		if (same_number(old, new))
			return;
		metric = metric_find(str_view(&w->row));
		note(w, old, new, metric, metric && metric_same(metric, old->real, new->real));
	} else if (old->kind != new->kind) {
		note(w, old, new, NULL, false);
	} else if (old->kind == JSON_STRING) {
		if (!view_eq(old->str, new->str))
			note(w, old, new, NULL, false);
	} else if (old->kind == JSON_OBJECT) {
		for (const struct json *v = old->first; v; v = v->next)
			step_into(w, v->key, 0, v, member(new, v->key));
		for (const struct json *v = new->first; v; v = v->next)
			if (!member(old, v->key))
				step_into(w, v->key, 0, NULL, v);
	} else if (old->kind == JSON_ARRAY) {
		const struct json *a = old->first, *b = new->first;

		for (; a || b; i++) {
			step_into(w, (struct view){ NULL, 0 }, i, a, b);
			a = a ? a->next : NULL;
			b = b ? b->next : NULL;
		}
	}
}

void results_compare(struct differences *out, struct arena *mem, const struct json *old,
		     const struct json *new)
{
	struct walk w = { .out = out, .mem = mem };

	*out = (struct differences){ .n = 0 };
	compare(&w, old, new);
	str_release(&w.shown);
	str_release(&w.row);
}

void differences_release(struct differences *d)
{
	mem_free(d->item);
	*d = (struct differences){ .n = 0 };
}

static void print_value(struct str *out, const struct json *v)
{
	char number[32];
	size_t n;

	if (!v) {
		str_adds(out, "absent");
	} else if (v->kind == JSON_INTEGER) {
		str_addf(out, "%lld", (long long)v->integer);
	} else if (v->kind == JSON_REAL) {
		real_shortest(number, v->real);
		str_adds(out, number);
	} else if (v->kind == JSON_STRING) {
		n = v->str.n > TEXT_SHOWN ? utf8_valid(v->str.p, TEXT_SHOWN) : v->str.n;
		str_addc(out, '"');
		add_line(out, (struct view){ v->str.p, n });
		str_adds(out, n < v->str.n ? "...\"" : "\"");
	} else if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY) {
		str_adds(out, json_kind_name(v->kind));
	} else {
		str_adds(out, v->kind == JSON_NULL ? "null" : v->kind == JSON_TRUE ? "true" : "false");
	}
}

void difference_print(struct str *out, const struct difference *d)
{
	str_addf(out, "%s: ", d->path);
	print_value(out, d->new);
	str_adds(out, ", was ");
	print_value(out, d->old);
}

const char *results_stage(const char *path)
{
	static const struct {
		const char *member, *stage;
	} of[] = {
		{ "inputs", "inputs" },	   { "spec", "spec" },	     { "hyperparameters", "spec" },
		{ "corpus", "tokens" },	   { "harvest", "harvest" }, { "training", "train" },
		{ "latents", "features" }, { "findings", "steer" },  { "screen", "steer" },
		{ "verdict", "steer" },	   { "models", "models" },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		size_t n = strlen(of[i].member);

		if (strncmp(path, of[i].member, n) == 0 && (path[n] == '.' || path[n] == '[' || !path[n]))
			return of[i].stage;
	}
	return "run";
}
