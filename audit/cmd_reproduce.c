#include "cmd_run.h"

#include "base/log.h"
#include "base/map.h"
#include "base/out.h"
#include "base/version.h"
#include "flow/run.h"
#include "num/gemm.h"
#include "store/results.h"

#include <string.h>

enum { TREE_BYTES = 64 << 20, SHOWN = 10 };

struct reproduce_cmd_opts {
	const char *repo, *work;
	size_t threads;
	bool keep;
};

static const struct field reproduce_fields[] = {
	OPT_THREADS(struct reproduce_cmd_opts),
	{ .name = "repo",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct reproduce_cmd_opts, repo),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = ".",
	  .help = "the repository whose commit the run is pinned to; its work tree has the inputs" },
	{ .name = "work",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct reproduce_cmd_opts, work),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "a folder to run in, emptied first: nothing is taken from a cache; left out: reproduce in the cache" },
	{ .name = "keep",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct reproduce_cmd_opts, keep),
	  .fallback = "false",
	  .help = "leave what was run in that folder" },
	{ .name = NULL },
};

/* What a run says of itself. */
struct recorded {
	const char *dir;
	const struct json *provenance, *plan, *spec;
	const char *commit, *path, *date;
};

static int read_recorded(struct recorded *out, const struct call *c, const char *dir, struct err *e)
{
	if (call_run(c, dir, "MANIFEST", e) < 0 || run_verify(dir, e) < 0 ||
	    json_read_file(&out->provenance, c->mem, arena_fmt(c->mem, "%s/provenance.json", dir), TREE_BYTES,
			   e) < 0 ||
	    json_read_file(&out->plan, c->mem, arena_fmt(c->mem, "%s/plan.json", dir), TREE_BYTES, e) < 0)
		return -1;
	out->dir = dir;
	out->spec = json_find(out->provenance, "spec");
	out->commit = json_text(c->mem, out->spec, "commit", NULL);
	out->path = json_text(c->mem, out->spec, "path", NULL);
	out->date = json_text(c->mem, out->provenance, "date", NULL);
	if (!out->commit || !out->path)
		return err_set(
			e, ERR_INPUT,
			"%s is pinned to no commit: its spec stood in none, so nobody can run it again from one",
			dir);
	return 0;
}

/* The spec of the commit must be the one that was run. */
static int recall_spec(struct spec *s, struct provenance *prov, const struct call *c,
		       const struct recorded *r, struct err *e)
{
	const struct reproduce_cmd_opts *o = c->opts;
	struct problems p = PROBLEMS_INIT;
	const struct json *sha = json_find(r->spec, "sha256");
	struct digest was;
	struct view text;
	const char *root;
	int rc;

	if (provenance_recall(prov, &text, &root, c->mem, o->repo, r->commit, r->path, e) < 0)
		return -1;
	prov->date = r->date;
	if (!sha || sha->kind != JSON_STRING || !digest_parse(&was, sha->str.p, sha->str.n) ||
	    !digest_eq(was, digest_of(text.p, text.n)))
		return err_set(e, ERR_DIFFERS, "different: the spec that was run is not %s of commit %.12s",
			       r->path, r->commit);
	rc = spec_parse(s, c->mem, text, arena_fmt(c->mem, "%s/%s", root, r->path), &p);
	if (rc < 0) {
		problems_print(&p, text, stderr);
		*e = (struct err){ .code = problems_code(&p) };
	}
	problems_release(&p);
	return rc;
}

static const struct json *input_recorded(const struct recorded *r, const struct input *in)
{
	const struct json *inputs = json_find(r->provenance, "inputs");

	for (const struct json *v = inputs ? inputs->first : NULL; v; v = v->next) {
		const struct json *role = json_find(v, "role"), *name = json_find(v, "name");

		if (role && name && view_is(role->str, in->role) && view_is(name->str, in->name))
			return v;
	}
	return NULL;
}

/* "the corpus, source 2": what an input is to the audit. */
static const char *call_input(struct arena *mem, const struct input *in)
{
	if (strncmp(in->role, "source ", 7) == 0)
		return arena_fmt(mem, "the corpus, %s", in->role);
	if (strcmp(in->role, "base") == 0 || strcmp(in->role, "candidate") == 0)
		return arena_fmt(mem, "the %s model", in->role);
	return arena_fmt(mem, "the %s", in->role);
}

/* The first input that is not what the run read. */
static int check_inputs(const struct plan *p, const struct recorded *r, struct arena *mem, struct err *e)
{
	const struct json *inputs = json_find(r->provenance, "inputs");

	for (size_t i = 0; i < p->n_inputs; i++) {
		const struct json *was = input_recorded(r, &p->input[i]), *sha = json_find(was, "sha256");
		char hex[65];

		digest_hex(hex, p->input[i].digest);
		if (!sha)
			return err_set(e, ERR_DIFFERS,
				       "different: %s: %s is an input that the run did not have",
				       call_input(mem, &p->input[i]), p->input[i].name);
		if (!view_is(sha->str, hex))
			return err_set(e, ERR_DIFFERS,
				       "different: %s: %s has the digest %.12s; the run read %.12s",
				       call_input(mem, &p->input[i]), p->input[i].name, hex, sha->str.p);
	}
	if (inputs && inputs->n > p->n_inputs)
		return err_set(e, ERR_DIFFERS, "different: the run had %zu inputs, and there are %zu",
			       inputs->n, p->n_inputs);
	return 0;
}

/* What may make the bytes differ though the inputs do not. */
static void tell_surroundings(const struct recorded *r)
{
	const struct json *backend = json_find(r->provenance, "backend"),
			  *commit = json_find(json_find(r->provenance, "program"), "commit"),
			  *dirty = json_find(r->spec, "is_dirty");

	if (backend && backend->kind == JSON_STRING && !view_is(backend->str, gemm_backend()))
		printf("arithmetic: the run's was %.*s, this is %s\n", (int)backend->str.n, backend->str.p,
		       gemm_backend());
	if (commit && commit->kind == JSON_STRING && !view_is(commit->str, program_commit()))
		printf("program: the run's was of commit %.*s, this is of %s\n", (int)commit->str.n,
		       commit->str.p, program_commit());
	if (dirty && dirty->kind == JSON_TRUE)
		printf("the run's work tree was dirty; what its files held is known by the digests of the inputs alone\n");
}

/* The first step whose key, the digest of all it depends on, is another: NULL where there is none. */
static const char *first_step(const struct call *c, const struct json *old, const struct json *new)
{
	const struct json *a = json_find(old, "steps"), *b = json_find(new, "steps");

	a = a ? a->first : NULL;
	b = b ? b->first : NULL;
	for (; a && b; a = a->next, b = b->next) {
		const struct json *x = json_find(a, "key"), *y = json_find(b, "key");

		if (!x || !y || !view_eq(x->str, y->str))
			return json_text(c->mem, b, "label", NULL);
	}
	return NULL;
}

static int same_file(bool *same, const struct call *c, const char *a, const char *b, const char *name,
		     struct err *e)
{
	struct digest x, y;

	if (digest_file(&x, NULL, arena_fmt(c->mem, "%s/%s", a, name), e) < 0 ||
	    digest_file(&y, NULL, arena_fmt(c->mem, "%s/%s", b, name), e) < 0)
		return -1;
	*same = digest_eq(x, y);
	return 0;
}

/* Results that differ: by how much, and from where on. */
static int tell_difference(const struct call *c, const struct recorded *r, const char *run, struct err *e)
{
	const struct json *old, *new, *plan;
	struct differences d;
	const char *step;
	bool within;

	if (results_read(&old, c->mem, arena_fmt(c->mem, "%s/results.json", r->dir), e) < 0 ||
	    results_read(&new, c->mem, arena_fmt(c->mem, "%s/results.json", run), e) < 0 ||
	    json_read_file(&plan, c->mem, arena_fmt(c->mem, "%s/plan.json", run), TREE_BYTES, e) < 0)
		return -1;
	step = first_step(c, r->plan, plan);
	if (step)
		printf("the first step that depends on something else: %s\n", step);
	results_compare(&d, c->mem, old, new);
	for (size_t i = 0; i < d.n && i < SHOWN; i++) {
		struct str s = STR_INIT;

		difference_print(&s, &d.item[i]);
		printf("%s%s: %s%s\n", i ? "  " : "first, ", results_stage(d.item[i].path), s.p,
		       d.item[i].within ? " (within its tolerance)" : "");
		str_release(&s);
	}
	if (d.n > SHOWN)
		printf("  and %zu more\n", d.n - SHOWN);
	within = d.beyond == 0;
	differences_release(&d);
	if (!within)
		return err_set(e, ERR_DIFFERS, "different: the results of %s do not come out again", r->dir);
	printf("within tolerance\n");
	return 0;
}

static int compare(const struct call *c, const struct recorded *r, const char *run, struct err *e)
{
	static const char *const documents[] = { "report.md", "report.pdf" };
	bool same, all = true;

	if (same_file(&same, c, r->dir, run, "results.json", e) < 0)
		return -1;
	if (!same)
		return tell_difference(c, r, run, e);
	printf("results.json: identical\n");
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		if (same_file(&same, c, r->dir, run, documents[i], e) < 0)
			return -1;
		printf("%s: %s\n", documents[i], same ? "identical" : "differs");
		all = all && same;
	}
	printf(all ? "identical\n"
		   : "identical in every result; the documents were made by another program or from another template\n");
	return 0;
}

static int run_again(const struct call *c, const struct recorded *r, struct par *par, struct err *e)
{
	const struct reproduce_cmd_opts *o = c->opts;
	const char *work = o->work ? o->work : arena_fmt(c->mem, "%s/reproduce", c->host->cache), *run;
	struct provenance prov;
	struct audit_opts audit = { .cache = arena_fmt(c->mem, "%s/cache", work),
				    .out = arena_fmt(c->mem, "%s/run", work),
				    .allow_dirty = true,
				    .prov = &prov };
	struct plan_opts how = { .cache = audit.cache, .par = par };
	struct plan plan;
	struct spec s;
	int rc;

	audit.plan = &plan;
	if (recall_spec(&s, &prov, c, r, e) < 0)
		return -1;
	if (call_template_files(&how.template, &how.n_templates, c, &s, NULL, e) < 0 ||
	    dir_remove_tree(audit.cache, e) < 0 || dir_remove_tree(audit.out, e) < 0 ||
	    plan_make(&plan, c->mem, &s, &how, e) < 0)
		return -1;
	tell_surroundings(r);
	rc = check_inputs(&plan, r, c->mem, e);
	if (rc == 0)
		rc = call_audit(&run, c, &s, &audit, par, e);
	if (rc == 0)
		rc = compare(c, r, run, e);
	if (!o->keep) {
		struct err ignored = ERR_INIT;

		(void)dir_remove_tree(audit.cache, &ignored);
		(void)dir_remove_tree(audit.out, &ignored);
	}
	return rc;
}

static int run_reproduce(const struct call *c, struct err *e)
{
	const struct reproduce_cmd_opts *o = c->opts;
	struct recorded r;
	struct par *par;
	int rc;

	log_open(LOG_AUTO);
	if (read_recorded(&r, c, c->operand[0], e) < 0 ||
	    par_new(&par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	rc = run_again(c, &r, par, e);
	par_free(par);
	return rc;
}

const struct cmd cmd_reproduce = {
	.name = "reproduce",
	.operands = "RUN",
	.summary = "run a run again from its commit, and compare",
	.about =
		"Takes the spec out of the commit that the run is pinned to, without checking anything out, sees that every input in "
		"the repository's work tree has the digest the run recorded, runs it anew without a cache, and compares.\n"
		"Says identical, within tolerance (figures moved as another arithmetic may move them) or different, with the first "
		"input, or the first step and figure, that differ. Exit status 1 where it is different.",
	.min = 1,
	.max = 1,
	.opts = reproduce_fields,
	.opts_bytes = sizeof(struct reproduce_cmd_opts),
	.run = run_reproduce,
};
