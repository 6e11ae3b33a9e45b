#include "flow/results_report.h"

#include "flow/results_layers.h"
#include "flow/source.h"
#include "model/arch.h"

#include <string.h>

/*
 * results.json, put together from what the stages left: nothing is computed here that a stage could have, only
 * joined - each latent with the finding it belongs to, each source with its name.
 */

enum {
	PROMPT_BYTES = 300,
	FOREMOST = 3,	   /* findings that the report itself has in full */
	MOST_FOREMOST = 5, /* if they are confirmed */
};

/* Findings by latent. */
struct joint {
	const struct job *job;
	const struct json *latents, *findings;
};

static const char *key_of(const struct joint *t, const struct json *member)
{
	return arena_strdup(t->job->mem, member->key.p, member->key.n);
}

/* Every member of an object, into the one that is open. */
static void put_all(struct json_out *j, const struct joint *t, const struct json *object)
{
	for (const struct json *m = object->first; m != NULL; m = m->next)
		json_put(j, key_of(t, m), m);
}

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
		if (lists(json_find(f, "latents"), id->integer) ||
		    lists(json_find(f, "expressed"), id->integer))
			return f;
	}
	return NULL;
}

static void put_context(struct json_out *j, const struct joint *t, const struct json *context)
{
	const struct json *file = json_find(context, "source"), *line = json_find(context, "line");

	json_open(j, NULL, '{');
	json_puts(j, "document",
		  source_place(t->job->mem, t->job->spec, (size_t)file->integer, (uint64_t)line->integer));
	for (const struct json *m = context->first; m != NULL; m = m->next) {
		if (m != file && m != line)
			json_put(j, key_of(t, m), m);
	}
	json_close(j, '}');
}

static void put_finding(struct json_out *j, const struct json *f)
{
	if (f != NULL) {
		json_put(j, "finding", json_find(f, "id"));
		json_put(j, "verdict", json_find(f, "verdict"));
	} else {
		json_put_null(j, "finding");
		json_put_null(j, "verdict");
	}
}

static void put_card(struct json_out *j, const struct joint *t, const struct json *card)
{
	const struct json *f = finding_of(t, card);
	bool confirmed = f != NULL && json_is_true(f, "is_confirmed");

	json_open(j, NULL, '{');
	for (const struct json *m = card->first; m != NULL; m = m->next) {
		const char *key = key_of(t, m);

		if (view_is(m->key, "status") && confirmed) {
			json_puts(j, key, "confirmed");
		} else if (view_is(m->key, "contexts") || view_is(m->key, "samples") ||
			   view_is(m->key, "near")) {
			json_open(j, key, '[');
			for (const struct json *c = m->first; c != NULL; c = c->next)
				put_context(j, t, c);
			json_close(j, ']');
		} else {
			json_put(j, key, m);
		}
	}
	put_finding(j, f);
	json_close(j, '}');
}

static void put_cards(struct json_out *j, const struct joint *t, const char *key, const struct json *cards)
{
	json_open(j, key, '[');
	for (const struct json *c = cards->first; c != NULL; c = c->next)
		put_card(j, t, c);
	json_close(j, ']');
}

/* The finding that one of the foremost latents of an entry of the ranked list belongs to. */
static const struct json *finding_of_entry(const struct joint *t, const struct json *entry)
{
	const struct json *f = NULL;

	for (const struct json *m = json_find(entry, "members")->first; m != NULL && f == NULL; m = m->next)
		f = finding_of(t, m);
	return f;
}

/* The one list over all partitions; each of its entries with the finding that one of its latents belongs to. */
static void put_ranked(struct json_out *j, const struct joint *t)
{
	json_open(j, "ranked", '[');
	for (const struct json *b = json_find(t->latents, "ranked")->first; b != NULL; b = b->next) {
		const struct json *f = finding_of_entry(t, b);

		json_open(j, NULL, '{');
		for (const struct json *m = b->first; m != NULL; m = m->next) {
			if (view_is(m->key, "members"))
				put_cards(j, t, "members", m);
			else
				json_put(j, key_of(t, m), m);
		}
		put_finding(j, f);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* How many latents of a partition a confirmed finding has, each once. */
static size_t confirmed_count(const struct joint *t, const struct json *partition)
{
	size_t n = 0;

	for (const struct json *f = t->findings->first; f != NULL; f = f->next) {
		const struct json *list[] = { json_find(f, "latents"), json_find(f, "expressed") };

		for (size_t i = 0; i < 2 && json_is_true(f, "is_confirmed"); i++) {
			for (const struct json *m = list[i]->first; m != NULL; m = m->next) {
				int64_t id = json_find(m, "latent")->integer;
				bool again = i == 1 && lists(list[0], id);

				for (const struct json *o = t->findings->first; o != f && !again; o = o->next)
					again = json_is_true(o, "is_confirmed") &&
						(lists(json_find(o, "latents"), id) ||
						 lists(json_find(o, "expressed"), id));
				n += !again && view_eq(json_find(m, "partition")->str, partition->str);
			}
		}
	}
	return n;
}

static void put_partitions(struct json_out *j, const struct joint *t)
{
	json_open(j, "partitions", '[');
	for (const struct json *p = json_find(t->latents, "partitions")->first; p != NULL; p = p->next) {
		json_open(j, NULL, '{');
		put_all(j, t, p);
		json_put_size(j, "confirmed", confirmed_count(t, json_find(p, "partition")));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_latents(struct json_out *j, const struct joint *t)
{
	const struct json *columns = json_find(t->latents, "columns");

	json_open(j, "latents", '{');
	json_put(j, "formula", json_find(t->latents, "formula"));
	put_partitions(j, t);
	json_open(j, "columns", '{');
	for (const struct json *c = columns->first; c != NULL; c = c->next)
		put_cards(j, t, key_of(t, c), c);
	json_close(j, '}');
	put_cards(j, t, "exclusive", json_find(t->latents, "exclusive"));
	put_ranked(j, t);
	json_put(j, "stability", json_find(t->latents, "stability"));
	json_put(j, "null", json_find(t->latents, "null"));
	json_close(j, '}');
}

/* The latents of a finding, each with its relevance. */
static void put_members(struct json_out *j, const struct joint *t, const char *key,
			const struct json *members)
{
	const struct json *relevance = json_find(t->latents, "relevance");

	json_open(j, key, '[');
	for (const struct json *m = members->first; m != NULL; m = m->next) {
		json_open(j, NULL, '{');
		put_all(j, t, m);
		json_put(j, "relevance", json_at(relevance, (size_t)json_find(m, "latent")->integer));
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* A prompt that was answered, of one of any length so much that a reader knows which it is. */
static void put_prompt(struct json_out *j, struct view prompt)
{
	struct str text = STR_INIT;
	size_t n = prompt.n;

	if (n > PROMPT_BYTES) {
		for (n = PROMPT_BYTES; (prompt.p[n] & 0xC0) == 0x80; n--)
			;
		str_add(&text, prompt.p, n);
		str_adds(&text, " …");
		prompt = str_view(&text);
	}
	json_put_str(j, "prompt", prompt);
	str_release(&text);
}

static void put_example(struct json_out *j, const struct joint *t, const struct json *example)
{
	json_open(j, NULL, '{');
	for (const struct json *m = example->first; m != NULL; m = m->next) {
		if (view_is(m->key, "prompt"))
			put_prompt(j, m->str);
		else
			json_put(j, key_of(t, m), m);
	}
	json_close(j, '}');
}

static void put_examples(struct json_out *j, const struct joint *t, const struct json *list)
{
	json_open(j, "examples", '[');
	for (const struct json *x = list->first; x != NULL; x = x->next)
		put_example(j, t, x);
	json_close(j, ']');
}

static bool is_further(const struct json *finding, size_t place)
{
	return place >= (json_is_true(finding, "is_confirmed") ? MOST_FOREMOST : FOREMOST);
}

static void put_findings(struct json_out *j, const struct joint *t)
{
	size_t place = 0, further = 0;

	json_open(j, "findings", '[');
	for (const struct json *f = t->findings->first; f != NULL; f = f->next, place++) {
		json_open(j, NULL, '{');
		for (const struct json *m = f->first; m != NULL; m = m->next) {
			const char *key = key_of(t, m);

			if (view_is(m->key, "latents") || view_is(m->key, "expressed"))
				put_members(j, t, key, m);
			else if (view_is(m->key, "examples"))
				put_examples(j, t, m);
			else
				json_put(j, key, m);
		}
		json_put_bool(j, "is_further", is_further(f, place));
		further += is_further(f, place);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_put_bool(j, "more_findings", further > 0);
}

static bool same_text(const struct json *a, const struct json *b)
{
	return a != NULL && b != NULL && a->kind == JSON_STRING && b->kind == JSON_STRING &&
	       view_eq(a->str, b->str);
}

/* Prompts of one finding are one behaviour; of none, those that the candidate answers in the same words. */
static bool same_behaviour(const struct json *a, const struct json *b)
{
	const struct json *f = json_find(a, "finding"), *g = json_find(b, "finding");

	if (!json_is_null(f) || !json_is_null(g))
		return same_text(f, g);
	return same_text(json_find(a, "candidate_answer"), json_find(b, "candidate_answer"));
}

/* The prompts of the screen, a behaviour at a time: how many, their gaps, and the foremost few. */
static void put_groups(struct json_out *j, const struct joint *t, const struct json *prompts)
{
	enum { SHOWN = 3 };

	json_open(j, "groups", '[');
	for (const struct json *p = prompts->first; p != NULL; p = p->next) {
		const struct json *first = prompts->first, *last = p;
		size_t n = 0;

		while (first != p && !same_behaviour(first, p))
			first = first->next;
		if (first != p)
			continue;
		json_open(j, NULL, '{');
		json_put(j, "finding", json_find(p, "finding"));
		json_open(j, "examples", '[');
		for (const struct json *o = p; o != NULL; o = o->next) {
			if (!same_behaviour(o, p))
				continue;
			last = o;
			if (n++ < SHOWN)
				put_example(j, t, o);
		}
		json_close(j, ']');
		json_put_size(j, "prompts", n);
		json_put(j, "gap_most", json_find(p, "gap"));
		json_put(j, "gap_least", json_find(last, "gap"));
		json_put_bool(j, "more", n > SHOWN);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* What steering says of the prompts, and what the latents say of the texts and their themes. */
static void put_screen(struct json_out *j, const struct joint *t, const struct json *prompts)
{
	const struct json *screen = json_find(t->latents, "screen");

	json_open(j, "screen", '{');
	put_all(j, t, prompts);
	put_groups(j, t, json_find(prompts, "prompts"));
	json_put(j, "texts", json_find(screen, "texts"));
	json_put(j, "gap", json_find(screen, "gap"));
	json_open(j, "documents", '[');
	for (const struct json *d = json_find(screen, "documents")->first; d != NULL; d = d->next)
		put_context(j, t, d);
	json_close(j, ']');
	json_open(j, "themes", '[');
	for (const struct json *m = json_find(screen, "themes")->first; m != NULL; m = m->next) {
		const struct json *ranked = json_find(m, "ranked");

		json_open(j, NULL, '{');
		put_all(j, t, m);
		put_finding(j, json_is_null(ranked)
				       ? NULL
				       : finding_of_entry(t, json_at(json_find(t->latents, "ranked"),
								     (size_t)ranked->integer - 1)));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static size_t candidates_count(const struct joint *t)
{
	size_t n = 0;

	for (const struct json *p = json_find(t->latents, "partitions")->first; p != NULL; p = p->next)
		n += (size_t)json_find(p, "candidate")->integer;
	return n;
}

/* The least and the largest false-discovery rate, by the texts of a null diff, of the exclusive latents that stand out; null
 * where there is none, or none stands out. */
static void put_fdr(struct json_out *j, const struct joint *t)
{
	const struct json *least = NULL, *most = NULL;

	for (const struct json *l = json_find(t->latents, "exclusive")->first; l != NULL; l = l->next) {
		const struct json *fdr = json_find(l, "fdr_text");

		if (json_is_null(fdr) || !view_is(json_find(l, "status")->str, "candidate"))
			continue;
		if (least == NULL || fdr->real < least->real)
			least = fdr;
		if (most == NULL || fdr->real > most->real)
			most = fdr;
	}
	json_put_bool(j, "has_null", !json_is_null(json_find(t->latents, "null")));
	if (least == NULL) {
		json_put_null(j, "fdr_text_least");
		json_put_null(j, "fdr_text_most");
		return;
	}
	json_put(j, "fdr_text_least", least);
	json_put(j, "fdr_text_most", most);
}

/* elsewhere: findings confirmed at further blocks. */
static void put_verdict(struct json_out *j, const struct joint *t, size_t elsewhere)
{
	size_t tested = 0, confirmed = 0, kinds[3] = { 0 }, candidates = candidates_count(t);
	double detectable = 0;
	const char *status;

	for (const struct json *f = t->findings->first; f != NULL; f = f->next) {
		const struct json *kind = json_find(f, "kind"), *sd = json_find(f, "null_sd_on");

		if (!json_is_true(f, "tested"))
			continue;
		tested++;
		/* A one-sided test at 5 % of a normal null. */
		detectable = 1.645 * sd->real > detectable ? 1.645 * sd->real : detectable;
		if (!json_is_true(f, "is_confirmed"))
			continue;
		confirmed++;
		kinds[view_is(kind->str, "candidate-only") ? 0 : view_is(kind->str, "base-only") ? 1 : 2]++;
	}
	/* Prompts that make a finding and are too few to test it are no reason to say that nothing was found. */
	status = confirmed + elsewhere > 0	? "confirmed"
		 : !t->job->spec->steer.enabled ? "untested"
		 : t->findings->first != NULL	? "candidates"
						: "nothing";
	json_open(j, "verdict", '{');
	json_puts(j, "status", status);
	json_put_bool(j, "is_confirmed", strcmp(status, "confirmed") == 0);
	json_put_bool(j, "is_candidates", strcmp(status, "candidates") == 0);
	json_put_bool(j, "is_nothing", strcmp(status, "nothing") == 0);
	json_put_bool(j, "is_untested", strcmp(status, "untested") == 0);
	json_put_size(j, "confirmed", confirmed);
	json_put_size(j, "elsewhere", elsewhere);
	json_put_size(j, "tested", tested);
	json_put_size(j, "candidates", candidates);
	if (tested > 0)
		json_put_real(j, "detectable", detectable);
	else
		json_put_null(j, "detectable");
	put_fdr(j, t);
	json_open(j, "kinds", '{');
	json_put_size(j, "candidate_only", kinds[0]);
	json_put_size(j, "base_only", kinds[1]);
	json_put_size(j, "shared", kinds[2]);
	json_close(j, '}');
	json_close(j, '}');
}

static void put_model(struct json_out *j, const char *key, const struct spec_model *m, const struct arch *a,
		      size_t layer, const struct json *weights)
{
	json_open(j, key, '{');
	json_puts(j, "name", m->name);
	json_puts(j, "family", a->family);
	json_put(j, "parameters", json_find(weights, "parameters"));
	json_put(j, "dtype", json_find(weights, "dtype"));
	json_put_size(j, "n_layers", a->n_layers);
	json_put_size(j, "layer", layer);
	json_put_size(j, "d_model", a->d_model);
	json_put_size(j, "n_heads", a->n_heads);
	json_put_size(j, "n_vocab", a->n_vocab);
	json_close(j, '}');
}

/* The counts of the artifact beside what the spec calls each source. */
static void put_sources(struct json_out *j, const struct job *job, const struct json *counts,
			const struct json *held_out)
{
	static const char *const kind[] = { "documents", "chats", "rollouts" };
	int64_t pairs = 0;
	size_t i = 0;

	for (const struct json *c = counts->first; c != NULL; c = c->next)
		pairs += json_find(c, "pairs")->integer;
	json_open(j, "sources", '[');
	for (const struct json *c = counts->first; c != NULL && i < job->spec->corpus.n_sources;
	     c = c->next, i++) {
		const struct spec_source *src = &job->spec->corpus.source[i];

		json_open(j, NULL, '{');
		json_puts(j, "kind", kind[src->kind]);
		json_puts(j, "file", source_name(src));
		json_puts(j, "licence", src->licence);
		if (src->share > 0)
			json_put_real(j, "share_asked", src->share);
		else
			json_put_null(j, "share_asked");
		json_put_real(j, "share",
			      (double)json_find(c, "pairs")->integer / (double)(pairs > 0 ? pairs : 1));
		json_put(j, "left_out", json_find(c, "left_out"));
		json_put(j, "documents_replaced", json_find(c, "documents_replaced"));
		json_put(j, "documents", json_find(c, "documents"));
		json_put(j, "held_out", json_at(held_out, i));
		json_put(j, "pairs", json_find(c, "pairs"));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int put_corpus(struct json_out *j, const struct job *job, const struct json *harvest, struct err *e)
{
	const struct json *root;

	if (job_tree(&root, job, job_input(job, &stage_tokens, 0), "corpus.json", e) < 0)
		return -1;
	json_open(j, "corpus", '{');
	json_put(j, "held_out_documents", json_find(harvest, "held_out_documents"));
	for (const struct json *m = root->first; m != NULL; m = m->next) {
		if (view_is(m->key, "sources"))
			put_sources(j, job, m, json_find(harvest, "held_out_by_source"));
		else if (!view_is(m->key, "checks"))
			json_put(j, arena_strdup(job->mem, m->key.p, m->key.n), m);
	}
	json_close(j, '}');
	checks_write(j, &job->spec->checks, root, harvest);
	return 0;
}

static int put_training(struct json_out *j, const struct job *job, struct err *e)
{
	json_open(j, "training", '[');
	for (size_t i = 0; i < job->step->n_in; i++) {
		const struct json *root;

		if (job->step->in[i]->stage != &stage_train)
			continue;
		if (job_tree(&root, job, &job->in[i], "training.json", e) < 0)
			return -1;
		json_put(j, NULL, root);
	}
	json_close(j, ']');
	return 0;
}

/* What quotes text, with what the spec hides taken out. */
static int quoted_read(const struct json **latents, struct layer_found **layers, const struct job *job,
		       const struct artifact *features, struct err *e)
{
	struct hide *hide;
	int rc = -1;

	if (hide_open(&hide, &job->spec->report.hide, e) < 0)
		return -1;
	if (job_tree(latents, job, features, "latents.json", e) == 0 &&
	    layers_read(layers, job, hide, e) == 0) {
		*latents = hide_tree(job->mem, hide, *latents);
		rc = 0;
	}
	hide_close(hide);
	return rc;
}

int results_report(struct json_out *j, const struct job *job, struct err *e)
{
	const struct artifact *features = job_input(job, &stage_features, 0);
	const struct plan *p = job->plan;
	const struct depth *at = &p->depth[job->step->depth];
	struct layer_found *layers;
	struct joint t = { .job = job };
	const struct json *found, *harvest, *models;

	if (job_tree(&harvest, job, features, "harvest.json", e) < 0 ||
	    quoted_read(&t.latents, &layers, job, features, e) < 0)
		return -1;
	found = layers[0].found;
	t.findings = json_find(found, "findings");
	models = json_find(t.latents, "models");
	put_verdict(j, &t, layers_confirmed(layers, 1 + job->n_further));
	layers_write(j, layers, 1 + job->n_further);
	json_open(j, "models", '{');
	put_model(j, "base", &job->spec->base, p->base, at->base, json_find(models, "base"));
	put_model(j, "candidate", &job->spec->candidate, p->candidate, at->candidate,
		  json_find(models, "candidate"));
	json_close(j, '}');
	if (put_corpus(j, job, harvest, e) < 0)
		return -1;
	json_put(j, "harvest", harvest);
	if (put_training(j, job, e) < 0)
		return -1;
	put_latents(j, &t);
	put_findings(j, &t);
	put_screen(j, &t, json_find(found, "screen"));
	json_put(j, "random_groups", json_find(found, "random_groups"));
	return 0;
}
