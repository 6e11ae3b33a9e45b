#include "cmd_run.h"

#include "base/log.h"
#include "base/map.h"
#include "base/out.h"
#include "base/par.h"
#include "flow/run.h"
#include "num/gemm.h"
#include "report/render.h"
#include "report/surface.h"
#include "report/template.h"

#include <string.h>

struct run_cmd_opts {
	const char *cache, *out, *template_path;
	size_t threads;
	bool allow_dirty;
	enum log_mode progress;
};

static const char *const progress_words[] = { "auto", "lines", "json", "never", NULL };

static const struct field run_fields[] = {
	OPT_THREADS(struct run_cmd_opts),
	OPT_CACHE(struct run_cmd_opts),
	{ .name = "out",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct run_cmd_opts, out),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "the run's directory; left out: runs/NAME-KEY, KEY from all that its bytes depend on" },
	{ .name = "template",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct run_cmd_opts, template_path),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "the report's template; left out: the spec's, else the one that came with the program" },
	{ .name = "allow-dirty",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct run_cmd_opts, allow_dirty),
	  .fallback = "false",
	  .help = "run a spec that is not committed, or whose folder differs from the commit; the report says so on its first page" },
	{ .name = "progress",
	  .kind = FIELD_WORD,
	  .offset = offsetof(struct run_cmd_opts, progress),
	  .words = progress_words,
	  .fallback = "auto",
	  .help = "how progress goes to stderr: a line that rewrites itself on a terminal and plain lines elsewhere, "
		  "lines, JSON events, or nothing" },
	{ .name = NULL },
};

const char *call_template(const struct call *c, const struct spec *s, const char *asked)
{
	if (asked != NULL)
		return asked;
	if (s != NULL && s->report.template_path != NULL)
		return s->report.template_file;
	return arena_fmt(c->mem, "%s/report.md", c->host->templates);
}

int call_template_files(const struct named_file **out, size_t *n, const struct call *c, const struct spec *s,
			const char *asked, struct err *e)
{
	const char *path = call_template(c, s, asked), **file;
	const char *name =
		s != NULL && path == s->report.template_file ? s->report.template_path : path_name(path);
	struct named_file *named;

	if (template_files(&file, n, c->mem, path, "report.md", e) < 0)
		return -1;
	named = ARENA_ARRAY(c->mem, *n, struct named_file);
	for (size_t i = 0; i < *n; i++)
		named[i] = (struct named_file){
			.name = arena_fmt(c->mem, "%.*s%s", (int)(path_name(name) - name), name,
					  path_name(file[i])),
			.path = file[i],
		};
	*out = named;
	return 0;
}

/* Those that another template linked would be sealed with the new ones. */
static int remove_documents(const char *dir, struct arena *mem, struct err *e)
{
	char **name;
	size_t n;

	if (dir_list(&name, &n, mem, dir, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (view_ends(view_of(name[i]), ".md") &&
		    path_remove(arena_fmt(mem, "%s/%s", dir, name[i]), e) < 0)
			return -1;
	return 0;
}

static int render_one(const struct call *c, const char *dir, const char *template_path, struct err *e)
{
	struct render_opts o = { .template_path = template_path,
				 .fonts = arena_fmt(c->mem, "%s/fonts", c->host->templates),
				 .name = "report" };

	if (path_remove(arena_fmt(c->mem, "%s/MANIFEST", dir), e) < 0 ||
	    remove_documents(dir, c->mem, e) < 0 || report_render(dir, &o, e) < 0 ||
	    surfaces_write(dir, e) < 0)
		return -1;
	return run_seal(dir, e);
}

int call_layers(char ***dir, size_t *n, const struct call *c, const char *run_dir, struct err *e)
{
	const char *layers = arena_fmt(c->mem, "%s/layers", run_dir);
	char **name;

	*n = 0;
	if (!path_is_dir(layers))
		return 0;
	if (dir_list(&name, n, c->mem, layers, e) < 0)
		return -1;
	for (size_t i = 0; i < *n; i++) /* a folder's name ends in a slash */
		name[i] = arena_fmt(c->mem, "%s/%.*s", layers, (int)strcspn(name[i], "/"), name[i]);
	*dir = name;
	return 0;
}

int call_render(const struct call *c, const char *dir, const char *template_path, struct err *e)
{
	char **layer;
	size_t n;

	/* a directory with a MANIFEST is a finished run (flow/run.h), and this one is not for a while */
	if (path_remove(arena_fmt(c->mem, "%s/MANIFEST", dir), e) < 0 ||
	    call_layers(&layer, &n, c, dir, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (render_one(c, layer[i], template_path, e) < 0)
			return -1;
	return render_one(c, dir, template_path, e);
}

/* The same audit started twice writes one directory: the second waits, and finds everything in the cache. */
static int run_lock(struct lock *lock, const struct plan *p, const char *cache, struct arena *mem,
		    struct err *e)
{
	char hex[65];

	digest_hex(hex, p->key);
	if (dir_make(cache, e) < 0)
		return -1;
	return lock_acquire(lock, arena_fmt(mem, "%s/run-%.16s.lock", cache, hex), e);
}

int call_audit(const char **dir, const struct call *c, const struct spec *s, const struct audit_opts *o,
	       struct par *par, struct err *e)
{
	const char *template_path = call_template(c, s, o->template_path);
	const char *cache = o->cache != NULL ? o->cache : c->host->cache;
	struct plan_opts how = { .cache = cache, .par = par };
	struct run_opts opts = {
		.cache = cache, .out = o->out, .allow_dirty = o->allow_dirty, .comm = o->comm
	};
	struct provenance prov;
	const struct plan *plan = o->plan;
	struct lock lock;
	struct plan made;
	int rc;

	if (o->prov != NULL)
		prov = *o->prov;
	else if (provenance_collect(&prov, c->mem, s->path, template_path, e) < 0)
		return -1;
	if (o->prov == NULL && c->host->date != NULL)
		prov.date = c->host->date;
	if (plan == NULL) {
		if (call_template_files(&how.template, &how.n_templates, c, s, o->template_path, e) < 0 ||
		    plan_make(&made, c->mem, s, &how, e) < 0)
			return -1;
		plan = &made;
	}
	if (plan_check(plan, cache, par, e) < 0)
		return -1;
	if (comm_rank(o->comm) > 0) {
		*dir = NULL;
		run_follow(c->mem, plan, par, &opts);
		return 0;
	}
	if (run_lock(&lock, plan, cache, c->mem, e) < 0)
		return -1;
	rc = run_plan(dir, c->mem, plan, &prov, par, &opts, e);
	if (rc == 0)
		rc = call_render(c, *dir, template_path, e);
	lock_release(&lock);
	return rc;
}

/* GitHub takes up to 1 MiB a step, and shows nothing of a summary that is larger. */
enum { SUMMARY_MOST = (1 << 20) - 1 };

static int append(const char *path, struct arena *mem, struct view text, struct err *e)
{
	struct view before = { "", 0 };
	struct out *o;

	if (path_is_file(path) && file_read(&before, mem, path, SUMMARY_MOST, e) < 0)
		return -1;
	if (before.n + text.n > SUMMARY_MOST)
		return err_set(e, ERR_SIZE, "%zu bytes on top of %zu; it takes %d", text.n, before.n,
			       (int)SUMMARY_MOST);
	if (out_open(&o, path, e) < 0)
		return -1;
	out_put(o, before.p, before.n);
	out_put(o, text.p, text.n);
	return out_commit(o, NULL, e);
}

void call_summarise(const struct call *c, struct view text)
{
	struct err why = ERR_INIT;

	if (c->host->summary != NULL && append(c->host->summary, c->mem, text, &why) < 0)
		log_warn("no summary for this job: %s", why.msg);
}

static void summarise_run(const struct call *c, const char *dir)
{
	struct render_opts o = { .template_path = arena_fmt(c->mem, "%s/summary.md", c->host->templates),
				 .fonts = arena_fmt(c->mem, "%s/fonts", c->host->templates) };
	struct err why = ERR_INIT;
	struct str text = STR_INIT;

	if (c->host->summary == NULL)
		return;
	if (report_text(&text, dir, &o, &why) == 0)
		call_summarise(c, str_view(&text));
	else
		log_warn("no summary for this job: %s", why.msg);
	str_release(&text);
}

static int run_run(const struct call *c, struct err *e)
{
	const struct run_cmd_opts *o = c->opts;
	const struct audit_opts audit = { .cache = o->cache,
					  .out = o->out,
					  .template_path = o->template_path,
					  .allow_dirty = o->allow_dirty,
					  .comm = c->host->comm };
	const char *dir;
	struct par *par;
	struct spec s;
	int rc;

	log_open(comm_rank(c->host->comm) > 0 ? LOG_NEVER : o->progress);
	if (call_spec(&s, c, c->operand[0], e) < 0)
		return -1;
	mem_limit((size_t)(s.limits.memory * (1 << 30)));
	if (par_new(&par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	rc = call_audit(&dir, c, &s, &audit, par, e);
	par_free(par);
	if (rc < 0 || dir == NULL)
		return rc;
	summarise_run(c, dir);
	printf("%s\n", dir);
	return 0;
}

const struct cmd cmd_run = {
	.name = "run",
	.operands = "SPEC",
	.summary = "carry an audit out, to its report",
	.about =
		"Harvests both models, trains the dictionary, tests the findings and writes the report. What is in the cache is not "
		"computed again; a run that was killed goes on where it was.\n"
		"Prints the run directory, and nothing else, on stdout. The same commit and inputs give the same bytes, "
		"whatever the number of threads.",
	.min = 1,
	.max = 1,
	.opts = run_fields,
	.opts_bytes = sizeof(struct run_cmd_opts),
	.ranks = true,
	.run = run_run,
};
