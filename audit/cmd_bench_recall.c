#include "cmd_bench.h"

#include "base/map.h"
#include "base/par.h"
#include "base/str.h"
#include "cmd_run.h"
#include "model/matcher.h"
#include "num/gemm.h"
#include "store/results.h"

#include <string.h>

/*
 * Audits of pairs whose difference is known: a planted.json in a model's folder says what was planted. Is each planted
 * behaviour among the findings, in which place, with which verdict; and how many other findings were confirmed?
 */

enum { PLANTED_BYTES = 16 << 20 };

struct recall {
	const struct call *c;
	const struct bench_opts *o;
	struct par *par;
};

/* A behaviour, and whose answers show it. */
struct planted {
	struct view name;
	const char *regex;
	const char *answers; /* "candidate_answer", or "base_answer": lost */
};

struct planted_list {
	struct planted *item;
	size_t n;
};

/* A text as an expression that only it matches. */
static const char *quoted(struct arena *mem, struct view text)
{
	while (text.n > 0 && text.p[0] == ' ')
		text = (struct view){ text.p + 1, text.n - 1 };
	return arena_fmt(mem, "\\Q%.*s\\E", (int)text.n, text.p);
}

/* `planted`: a list of name and regex; or one `behaviour` with the text of its refusals. */
static int planted_read(struct planted_list *out, const struct recall *r, const char *dir,
			const char *answers, struct err *e)
{
	const char *path = arena_fmt(r->c->mem, "%s/planted.json", dir);
	const struct json *doc, *list, *text;
	size_t n = 0;

	if (!path_is_file(path))
		return 0;
	if (json_read_file(&doc, r->c->mem, path, PLANTED_BYTES, e) < 0)
		return -1;
	list = json_find(doc, "planted");
	text = json_find(doc, "refusal_text");
	for (const struct json *v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		n++;
	out->item = ARENA_ARRAY(r->c->mem, n + 1, struct planted);
	for (const struct json *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		struct view name, regex;

		if (json_str(&name, v, "name", e) < 0 || json_str(&regex, v, "regex", e) < 0)
			return -1;
		out->item[out->n++] =
			(struct planted){ name, arena_strdup(r->c->mem, regex.p, regex.n), answers };
	}
	if (list == NULL && text != NULL)
		out->item[out->n++] =
			(struct planted){ view_of("refusal"), quoted(r->c->mem, text->str), answers };
	return 0;
}

/* Half of the examples of a finding, or more, show it. */
static bool is_about(const struct json *finding, const struct matcher *m, const char *answers)
{
	const struct json *list = json_find(finding, "examples");
	size_t n = 0, hits = 0;

	for (const struct json *x = list != NULL ? list->first : NULL; x != NULL; x = x->next) {
		const struct json *answer = json_find(x, answers);

		n++;
		hits += answer != NULL && matcher_hits(m, answer->str);
	}
	return n > 0 && 2 * hits >= n;
}

/* Findings of the audits of one spec, one for each pair of blocks. */
struct found_lists {
	const struct json **findings;
	size_t n;
};

static void put_planted(const struct spec *s, const struct found_lists *l, const struct planted *p,
			const struct matcher *m, size_t n_unplanted)
{
	const struct json *best = NULL;
	size_t place = 0;

	for (size_t i = 0; i < l->n; i++) {
		size_t at = 0;

		for (const struct json *f = l->findings[i]->first; f != NULL; f = f->next) {
			at++;
			if (is_about(f, m, p->answers) &&
			    (best == NULL ||
			     (json_is_true(f, "is_confirmed") && !json_is_true(best, "is_confirmed")))) {
				best = f;
				place = at;
			}
		}
	}
	printf("| %s | %.*s%s | ", s->name, (int)p->name.n, p->name.p,
	       strcmp(p->answers, "base_answer") == 0 ? " (lost)" : "");
	if (best == NULL)
		printf("- | not found");
	else
		printf("%zu | %.*s", place, (int)json_find(best, "verdict")->str.n,
		       json_find(best, "verdict")->str.p);
	printf(" | %zu |\n", n_unplanted);
}

static int put_random(const struct spec *s, const struct json *results, struct err *e)
{
	size_t tested, confirmed_n;

	if (s->steer.random_groups == 0)
		return 0;
	if (json_size(&tested, json_find(results, "random_groups"), "tested", e) < 0 ||
	    json_size(&confirmed_n, json_find(results, "random_groups"), "confirmed", e) < 0)
		return -1;
	if (tested == 0)
		printf("\n%s: no finding was tested, so no random group either\n", s->name);
	else
		printf("\n%s: %zu of %zu groups of random latents confirmed, %.2f %%; the level allows %.2f %%\n",
		       s->name, confirmed_n, tested, 100 * (double)confirmed_n / (double)tested,
		       100 * s->steer.alpha);
	return 0;
}

/* Confirmed ones that are about none of what was planted. */
static size_t unplanted_count(const struct json *findings, const struct planted_list *list,
			      struct matcher *const *m)
{
	size_t n = 0;

	for (const struct json *f = findings->first; f != NULL; f = f->next) {
		bool about = false;

		for (size_t i = 0; i < list->n; i++)
			about |= is_about(f, m[i], list->item[i].answers);
		n += json_is_true(f, "is_confirmed") && !about;
	}
	return n;
}

static int recall_table(const struct recall *r, const struct spec *s, const struct found_lists *l,
			const struct planted_list *list, struct err *e)
{
	struct matcher **m = ARENA_ARRAY(r->c->mem, list->n + 1, struct matcher *);
	size_t unplanted = 0;
	int rc = -1;

	for (size_t i = 0; i < list->n; i++) {
		if (matcher_open(&m[i], list->item[i].regex, e) < 0)
			goto out;
	}
	for (size_t i = 0; i < l->n; i++)
		unplanted += unplanted_count(l->findings[i], list, m);
	for (size_t i = 0; i < list->n; i++)
		put_planted(s, l, &list->item[i], m[i], unplanted);
	if (list->n == 0)
		printf("| %s | nothing | - | - | %zu |\n", s->name, unplanted);
	rc = 0;
out:
	for (size_t i = 0; i < list->n; i++)
		matcher_close(m[i]);
	return rc;
}

/* What the candidate has and the base has not was planted in it, and the other way round. */
static int planted_find(struct planted_list *out, const struct recall *r, const struct spec *s, struct err *e)
{
	struct planted_list base = { .n = 0 }, candidate = { .n = 0 };

	if (planted_read(&candidate, r, s->candidate.dir, "candidate_answer", e) < 0 ||
	    planted_read(&base, r, s->base.dir, "base_answer", e) < 0)
		return -1;
	out->item = ARENA_ARRAY(r->c->mem, base.n + candidate.n + 1, struct planted);
	for (size_t side = 0; side < 2; side++) {
		const struct planted_list *own = side == 0 ? &candidate : &base,
					  *other = side == 0 ? &base : &candidate;

		for (size_t i = 0; i < own->n; i++) {
			bool both = false;

			for (size_t k = 0; k < other->n; k++)
				both |= strcmp(own->item[i].regex, other->item[k].regex) == 0;
			if (!both)
				out->item[out->n++] = own->item[i];
		}
	}
	return 0;
}

/* Of the run and of the audits of further blocks in it; results: the run's. */
static int found_read(struct found_lists *out, const struct json **results, const struct recall *r,
		      const char *dir, struct err *e)
{
	char **layer;
	size_t n;

	if (call_layers(&layer, &n, r->c, dir, e) < 0)
		return -1;
	out->findings = ARENA_ARRAY(r->c->mem, n + 1, const struct json *);
	for (size_t i = 0; i <= n; i++) {
		const char *at = i == 0 ? dir : layer[i - 1];
		const struct json *read;

		if (results_read(&read, r->c->mem, arena_fmt(r->c->mem, "%s/results.json", at), e) < 0)
			return -1;
		if (i == 0)
			*results = read;
		out->findings[out->n++] = json_find(read, "findings");
	}
	return 0;
}

static int recall_one(const struct recall *r, const char *path, struct err *e)
{
	struct audit_opts o = { .cache = r->o->cache, .allow_dirty = true };
	struct planted_list list = { .n = 0 };
	struct found_lists found = { .n = 0 };
	const struct json *results;
	struct spec s;
	const char *dir;

	if (call_spec(&s, r->c, path, e) < 0)
		return -1;
	if (r->o->null > 0)
		s.steer.random_groups = r->o->null;
	if (planted_find(&list, r, &s, e) < 0 || call_audit(&dir, r->c, &s, &o, r->par, e) < 0 ||
	    found_read(&found, &results, r, dir, e) < 0 || recall_table(r, &s, &found, &list, e) < 0)
		return -1;
	if (put_random(&s, results, e) < 0)
		return -1;
	fflush(stdout);
	return 0;
}

int bench_recall(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct recall r = { .c = c, .o = o };
	int rc = 0;

	if (c->n < 2)
		return err_set(e, ERR_USAGE, "bench recall: which specs? dfc-audit help bench");
	if (par_new(&r.par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	printf("| audit | planted | place | verdict | others confirmed |\n|:---|:---|---:|:---|---:|\n");
	for (size_t i = 1; i < c->n && rc == 0; i++)
		rc = recall_one(&r, c->operand[i], e);
	par_free(r.par);
	return rc;
}
