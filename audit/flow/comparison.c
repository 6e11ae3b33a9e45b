#include "flow/comparison.h"

#include "base/out.h"
#include "flow/alike.h"
#include "flow/comparison_parts.h"
#include "flow/gate.h"
#include "num/gemm.h"
#include "store/results.h"

#include <string.h>

int told_read(struct told *out, struct arena *mem, const char *dir, struct err *e)
{
	static const char *const names[] = { "provenance.json", "plan.json" };
	const struct json **into[] = { &out->provenance, &out->plan };

	*out = (struct told){ .name = dir };
	if (results_read(&out->results, mem, arena_fmt(mem, "%s/results.json", dir), e) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		const char *path = arena_fmt(mem, "%s/%s", dir, names[i]);

		if (path_is_file(path) && json_read_file(into[i], mem, path, RESULTS_BYTES, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- inputs and settings ---- */

static const struct json *input_like(const struct json *inputs, const struct json *in)
{
	for (const struct json *v = inputs ? inputs->first : NULL; v; v = v->next)
		if (view_eq(json_find(v, "role")->str, json_find(in, "role")->str) &&
		    view_eq(json_find(v, "name")->str, json_find(in, "name")->str))
			return v;
	return NULL;
}

static const char *input_what(struct view role, const char *change)
{
	bool changed = strcmp(change, "changed") == 0;

	if (view_is(role, "base"))
		return changed ? "the base changed" : "the base has other files";
	if (view_is(role, "candidate"))
		return "the candidate is another";
	if (view_is(role, "template"))
		return "the template changed";
	return changed ? "the corpus changed" : "the corpus has other sources";
}

static void put_input(struct parts *t, const struct json *in, const char *change)
{
	struct view role = json_find(in, "role")->str;

	json_open(t->j, NULL, '{');
	json_puts(t->j, "what", input_what(role, change));
	json_put(t->j, "role", json_find(in, "role"));
	json_put(t->j, "name", json_find(in, "name"));
	json_puts(t->j, "change", change);
	json_close(t->j, '}');
	t->inputs_changed += !view_is(role, "candidate") && !view_is(role, "template");
}

static bool is_input(const struct json *in)
{
	const struct json *role = json_find(in, "role"), *name = json_find(in, "name"),
			  *sha = json_find(in, "sha256");

	return role && name && sha && role->kind == JSON_STRING && name->kind == JSON_STRING &&
	       sha->kind == JSON_STRING;
}

static int check_inputs(const struct told *told, struct err *e)
{
	const struct json *inputs = json_find(told->results, "inputs");

	for (const struct json *in = inputs ? inputs->first : NULL; in; in = in->next)
		if (!is_input(in))
			return err_set(e, ERR_INPUT, "%s: an input without role, name or sha256", told->name);
	return 0;
}

static void put_inputs(struct parts *t)
{
	const struct json *old = json_find(t->old->results, "inputs"),
			  *new = json_find(t->new->results, "inputs");

	json_open(t->j, "inputs", '[');
	for (const struct json *in = new ? new->first : NULL; in; in = in->next) {
		const struct json *was = input_like(old, in);

		if (!was)
			put_input(t, in, "added");
		else if (!view_eq(json_find(was, "sha256")->str, json_find(in, "sha256")->str))
			put_input(t, in, "changed");
	}
	for (const struct json *in = old ? old->first : NULL; in; in = in->next)
		if (!input_like(new, in))
			put_input(t, in, "removed");
	json_close(t->j, ']');
}

static const struct json *setting_like(const struct json *list, const struct json *name)
{
	for (const struct json *v = list ? list->first : NULL; v; v = v->next) {
		const struct json *other = json_find(v, "name");

		if (other && name && view_eq(other->str, name->str))
			return json_find(v, "value");
	}
	return NULL;
}

static void put_setting(struct parts *t, const struct json *name, const struct json *old,
			const struct json *new)
{
	if (old && new &&view_eq(old->str, new->str))
		return;
	json_open(t->j, NULL, '{');
	json_put(t->j, "name", name);
	json_put(t->j, "old", old);
	json_put(t->j, "new", new);
	json_close(t->j, '}');
}

static void put_settings(struct parts *t)
{
	const struct json *old = json_find(t->old->results, "hyperparameters"),
			  *new = json_find(t->new->results, "hyperparameters");

	json_open(t->j, "settings", '[');
	for (const struct json *v = new ? new->first : NULL; v; v = v->next)
		put_setting(t, json_find(v, "name"), setting_like(old, json_find(v, "name")),
			    json_find(v, "value"));
	for (const struct json *v = old ? old->first : NULL; v; v = v->next)
		if (!setting_like(new, json_find(v, "name")))
			put_setting(t, json_find(v, "name"), json_find(v, "value"), NULL);
	json_close(t->j, ']');
}

/* ---- the figures ---- */

/* What has a better and a worse, and what the verdict counts; the rest of a corpus is told by its inputs. */
static bool is_figure(const struct difference *d)
{
	static const char *const from[] = { "corpus.", "harvest.", "training[" };

	if (!d->metric || d->within || strstr(d->path, ".curve["))
		return false;
	if (strncmp(d->path, "verdict.", 8) == 0)
		return !strstr(d->path, ".kinds.");
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if (strncmp(d->path, from[i], strlen(from[i])) == 0)
			return d->metric->better != METRIC_NEITHER;
	return false;
}

static void put_value(struct json_out *j, const char *key, const struct metric *m, const struct json *v)
{
	struct str s = STR_INIT;

	metric_print(&s, m, v);
	if (m->unit[0])
		str_addf(&s, " %s", m->unit);
	json_put_str(j, key, str_view(&s));
	str_release(&s);
}

static void put_figure(struct parts *t, const struct difference *d)
{
	bool up = d->new->real > d->old->real, neither = d->metric->better == METRIC_NEITHER;
	const char *change = neither				      ? "changed"
			     : up == (d->metric->better == METRIC_UP) ? "better"
								      : "worse";

	json_open(t->j, NULL, '{');
	json_puts(t->j, "path", d->path);
	json_puts(t->j, "label", d->metric->label);
	put_value(t->j, "old", d->metric, d->old);
	put_value(t->j, "new", d->metric, d->new);
	json_puts(t->j, "change", change);
	json_close(t->j, '}');
	t->worse += strcmp(change, "worse") == 0;
	t->figures++;
}

static void put_figures(struct parts *t)
{
	struct differences d;

	results_compare(&d, t->mem, t->old->results, t->new->results);
	json_open(t->j, "figures", '[');
	for (size_t i = 0; i < d.n; i++)
		if (is_figure(&d.item[i]))
			put_figure(t, &d.item[i]);
	json_close(t->j, ']');
	differences_release(&d);
}

/* ---- the gate ---- */

/* `value` NULL: what cannot be counted lets no limit pass. */
static bool put_limit(struct parts *t, const char *name, const char *what, int64_t limit, const size_t *value)
{
	bool passed = limit == GATE_ANY || (value != NULL && *value <= (uint64_t)limit);

	json_open(t->j, NULL, '{');
	json_puts(t->j, "name", name);
	json_puts(t->j, "what", what);
	json_puts(t->j, "limit", limit == GATE_ANY ? "any" : arena_fmt(t->mem, "%lld", (long long)limit));
	if (value != NULL)
		json_put_size(t->j, "value", *value);
	else
		json_put_null(t->j, "value");
	json_put_bool(t->j, "passed", passed);
	json_close(t->j, '}');
	return passed;
}

static bool put_gate(struct parts *t, const struct gate_opts *g)
{
	bool passed = true;

	json_open(t->j, "gate", '{');
	json_open(t->j, "limits", '[');
	passed &= put_limit(t, "new_confirmed", "confirmed findings that are new", g->new_confirmed,
			    &t->count.new_confirmed);
	passed &= put_limit(t, "turned_confirmed", "findings that were not confirmed and now are",
			    g->turned_confirmed, &t->count.turned_confirmed);
	passed &= put_limit(t, "grown_confirmed", "confirmed findings that grew", g->grown_confirmed,
			    &t->count.grown_confirmed);
	passed &= put_limit(t, "gone_confirmed", "confirmed findings that are gone", g->gone_confirmed,
			    &t->count.gone_confirmed);
	passed &= put_limit(t, "new_candidates", "candidate latents that are new", g->new_candidates,
			    t->overlap != NULL ? &t->latents[CHANGE_NEW] : NULL);
	passed &= put_limit(t, "worse", "figures that became worse", g->worse, &t->worse);
	passed &=
		put_limit(t, "inputs_changed", "inputs that changed", g->inputs_changed, &t->inputs_changed);
	json_close(t->j, ']');
	json_put_bool(t->j, "passed", passed);
	json_close(t->j, '}');
	return passed;
}

/* ---- the whole ---- */

static void put_side(struct parts *t, const char *key, const struct told *told)
{
	const struct json *audit = json_find(told->results, "audit"),
			  *models = json_find(told->results, "models"),
			  *spec = json_find(told->provenance, "spec");

	json_open(t->j, key, '{');
	json_put(t->j, "audit", json_find(audit, "name"));
	json_put(t->j, "base", json_find(json_find(models, "base"), "name"));
	json_put(t->j, "candidate", json_find(json_find(models, "candidate"), "name"));
	json_put(t->j, "status", json_find(json_find(told->results, "verdict"), "status"));
	json_put(t->j, "path", json_find(spec, "path"));
	json_put(t->j, "commit", json_find(spec, "commit_short"));
	json_put(t->j, "backend", json_find(told->provenance, "backend"));
	json_close(t->j, '}');
}

static void put_counts(struct json_out *j, const char *key, const size_t count[CHANGE_COUNT])
{
	json_open(j, key, '{');
	for (size_t i = 0; i < CHANGE_COUNT; i++)
		json_put_size(j, change_name((enum change)i), count[i]);
	json_close(j, '}');
}

static void put_title(struct parts *t)
{
	const struct json *models = json_find(t->new->results, "models");
	const struct json *name = json_find(json_find(models, "candidate"), "name");

	json_open(t->j, "audit", '{');
	json_puts(t->j, "title",
		  name && name->kind == JSON_STRING
			  ? arena_fmt(t->mem, "What changed with %.*s", (int)name->str.n, name->str.p)
			  : "What changed");
	json_close(t->j, '}');
}

int comparison_write(struct comparison *out, struct json_out *j, const struct told *old,
		     const struct told *new, const char *cache, struct par *par, struct err *e)
{
	const struct json *const plans[] = { old->plan, new->plan };
	struct arena mem = ARENA_INIT;
	struct parts t = { .j = j, .mem = &mem, .old = old, .new = new };
	struct gate_opts gate;
	struct overlap o = { .n_rows = 0 };
	int rc = 1;

	t.why = "no cache was given";
	if (gate_of(&gate, &mem, new->results, e) < 0 || check_inputs(old, e) < 0 ||
	    check_inputs(new, e) < 0 ||
	    (cache && (rc = overlap_make(&o, &t.why, &mem, plans, cache, par, e)) < 0)) {
		overlap_release(&o);
		arena_release(&mem);
		return -1;
	}
	t.overlap = rc == 0 ? &o : NULL;
	json_open(j, NULL, '{');
	json_put_size(j, "format", 1);
	put_title(&t);
	put_side(&t, "old", old);
	put_side(&t, "new", new);
	put_inputs(&t);
	put_settings(&t);
	changes_put_findings(&t);
	put_counts(j, "findings_count", t.findings);
	changes_put_latents(&t);
	put_counts(j, "latents_count", t.latents);
	put_figures(&t);
	out->passed = put_gate(&t, &gate);
	json_put(j, "provenance", new->provenance);
	json_close(j, '}');
	out->changes = t.figures + t.count.other_verdict;
	for (size_t i = 0; i < CHANGE_COUNT; i++)
		out->changes += i == CHANGE_NONE ? 0 : t.findings[i];
	overlap_release(&o);
	arena_release(&mem);
	return 0;
}
