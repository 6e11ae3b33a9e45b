#include "flow/findings.h"

#include "flow/source.h"

#include <string.h>

/*
 * results.json's part: what the features stage says of each latent, joined with the finding it belongs to.
 */

enum { TREE_LIMIT = 1 << 30 };

/* Findings by latent. */
struct joint {
	const struct job *job;
	const struct json *latents, *findings;
};

static bool lists(const struct json *list, int64_t latent)
{
	for (const struct json *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
		const struct json *id = json_find(m, "latent");

		if (id != NULL && id->integer == latent)
			return true;
	}
	return false;
}

/* The foremost finding a latent decides or expresses. */
static const struct json *finding_of(const struct joint *t, const struct json *card)
{
	const struct json *id = json_find(card, "latent");

	for (const struct json *f = t->findings->first; f != NULL && id != NULL; f = f->next) {
		if (lists(json_find(f, "latents"), id->integer) || lists(json_find(f, "expressed"), id->integer))
			return f;
	}
	return NULL;
}

static bool is_true(const struct json *obj, const char *key)
{
	const struct json *v = json_find(obj, key);

	return v != NULL && v->kind == JSON_TRUE;
}

static void put_context(struct json_out *j, const struct joint *t, const struct json *context)
{
	const struct json *source = json_find(context, "source"), *line = json_find(context, "line");

	json_open(j, NULL, '{');
	json_puts(j, "document", source_place(t->job->mem, t->job->spec, (size_t)source->integer, (uint64_t)line->integer));
	for (const struct json *m = context->first; m != NULL; m = m->next) {
		if (m != source && m != line)
			json_put(j, arena_strdup(t->job->mem, m->key.p, m->key.n), m);
	}
	json_close(j, '}');
}

static void put_card(struct json_out *j, const struct joint *t, const struct json *card)
{
	const struct json *f = finding_of(t, card);
	bool confirmed = f != NULL && is_true(f, "is_confirmed");

	json_open(j, NULL, '{');
	for (const struct json *m = card->first; m != NULL; m = m->next) {
		const char *key = arena_strdup(t->job->mem, m->key.p, m->key.n);

		if (view_is(m->key, "status") && confirmed) {
			json_puts(j, key, "confirmed");
		} else if (view_is(m->key, "contexts")) {
			json_open(j, key, '[');
			for (const struct json *c = m->first; c != NULL; c = c->next)
				put_context(j, t, c);
			json_close(j, ']');
		} else {
			json_put(j, key, m);
		}
	}
	if (f != NULL) {
		json_put(j, "finding", json_find(f, "id"));
		json_put(j, "verdict", json_find(f, "verdict"));
	} else {
		json_put_null(j, "finding");
		json_put_null(j, "verdict");
	}
	json_put_null(j, "stability");
	json_close(j, '}');
}

static void put_cards(struct json_out *j, const struct joint *t, const char *key, const struct json *cards)
{
	json_open(j, key, '[');
	for (const struct json *c = cards->first; c != NULL; c = c->next)
		put_card(j, t, c);
	json_close(j, ']');
}

static void put_latents(struct json_out *j, const struct joint *t)
{
	const struct json *columns = json_find(t->latents, "columns");

	json_open(j, "latents", '{');
	json_put(j, "formula", json_find(t->latents, "formula"));
	json_put(j, "partitions", json_find(t->latents, "partitions"));
	json_open(j, "columns", '{');
	for (const struct json *c = columns->first; c != NULL; c = c->next)
		put_cards(j, t, arena_strdup(t->job->mem, c->key.p, c->key.n), c);
	json_close(j, '}');
	put_cards(j, t, "exclusive", json_find(t->latents, "exclusive"));
	json_close(j, '}');
}

static size_t candidates_count(const struct joint *t)
{
	size_t n = 0;

	for (const struct json *p = json_find(t->latents, "partitions")->first; p != NULL; p = p->next)
		n += (size_t)json_find(p, "candidate")->integer;
	return n;
}

static void put_verdict(struct json_out *j, const struct joint *t)
{
	size_t tested = 0, confirmed = 0, kinds[3] = { 0 }, candidates = candidates_count(t);
	double detectable = 0;
	const char *status;

	for (const struct json *f = t->findings->first; f != NULL; f = f->next) {
		const struct json *kind = json_find(f, "kind"), *sd = json_find(f, "null_sd_on");

		if (!is_true(f, "tested"))
			continue;
		tested++;
		/* A one-sided test at 5 % of a normal null. */
		detectable = 1.645 * sd->real > detectable ? 1.645 * sd->real : detectable;
		if (!is_true(f, "is_confirmed"))
			continue;
		confirmed++;
		kinds[view_is(kind->str, "candidate-only") ? 0 : view_is(kind->str, "base-only") ? 1 : 2]++;
	}
	status = confirmed > 0 ? "confirmed" : !t->job->spec->steer.enabled ? "untested" : tested > 0 ? "candidates" : "nothing";
	json_open(j, "verdict", '{');
	json_puts(j, "status", status);
	json_put_bool(j, "is_confirmed", strcmp(status, "confirmed") == 0);
	json_put_bool(j, "is_candidates", strcmp(status, "candidates") == 0);
	json_put_bool(j, "is_nothing", strcmp(status, "nothing") == 0);
	json_put_bool(j, "is_untested", strcmp(status, "untested") == 0);
	json_put_size(j, "confirmed", confirmed);
	json_put_size(j, "tested", tested);
	json_put_size(j, "candidates", candidates);
	if (tested > 0)
		json_put_real(j, "detectable", detectable);
	else
		json_put_null(j, "detectable");
	json_open(j, "kinds", '{');
	json_put_size(j, "candidate_only", kinds[0]);
	json_put_size(j, "base_only", kinds[1]);
	json_put_size(j, "shared", kinds[2]);
	json_close(j, '}');
	json_close(j, '}');
}

static int tree_read(const struct json **out, const struct job *job, const struct artifact *a, const char *name, struct err *e)
{
	if (artifact_check(a, name, e) < 0)
		return -1;
	return json_read_file(out, job->mem, artifact_path(job->mem, a, name), TREE_LIMIT, e);
}

int findings_report(struct json_out *results, const struct job *job, struct err *e)
{
	struct joint t = { .job = job };
	const struct json *found;

	if (tree_read(&t.latents, job, job_input(job, &stage_features, 0), "latents.json", e) < 0 ||
	    tree_read(&found, job, job->out, "findings.json", e) < 0)
		return -1;
	t.findings = json_find(found, "findings");
	put_verdict(results, &t);
	put_latents(results, &t);
	json_put(results, "findings", t.findings);
	json_put(results, "screen", json_find(found, "screen"));
	return 0;
}
