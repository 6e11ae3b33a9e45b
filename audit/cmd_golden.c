#include "cmd_golden.h"

#include "base/log.h"
#include "base/map.h"
#include "base/out.h"
#include "cmd_diff.h"
#include "cmd_run.h"
#include "flow/run.h"
#include "num/gemm.h"

#include <string.h>

enum { TEXT_BYTES = 64 << 20, SHOWN = 20 };

struct golden_cmd_opts {
	const char *dir, *work;
	size_t threads;
};

static const struct field golden_fields[] = {
	OPT_THREADS(struct golden_cmd_opts),
	{ .name = "dir",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct golden_cmd_opts, dir),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "golden",
	  .help = "the folder of the goldens" },
	{ .name = "work",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct golden_cmd_opts, work),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "a folder to run in, emptied first: nothing is taken from a cache; left out: golden in the cache" },
	{ .name = NULL },
};

static const char *const verbs[] = { "check", "update", "review", NULL };
static const char *const parts[] = { "spec.yaml", "results.json", "report.md", "BACKEND", "MANIFEST" };
static const char *const made[] = { "results.json", "report.md" };
enum { PARTS = sizeof(parts) / sizeof(parts[0]), MADE = sizeof(made) / sizeof(made[0]) };

const char *golden_path(const struct call *c, const struct golden_at *g, const char *file)
{
	return arena_fmt(c->mem, "%s/%s", g->dir, file);
}

bool golden_has(const struct call *c, const struct golden_at *g, const char *file)
{
	return path_is_file(golden_path(c, g, file));
}

int golden_clean(const struct call *c, const struct golden_at *g, struct err *e)
{
	for (size_t i = 0; i < MADE; i++)
		if (path_remove(arena_fmt(c->mem, "%s/%s.new", g->dir, made[i]), e) < 0)
			return -1;
	return 0;
}

/* ---- which goldens ---- */

struct goldens {
	struct golden_at *at;
	size_t n, orphans;
};

static bool is_part(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	for (size_t i = 0; i < MADE; i++)
		if (strncmp(name, made[i], strlen(made[i])) == 0 &&
		    strcmp(name + strlen(made[i]), ".new") == 0)
			return true;
	return out_is_temporary(name);
}

/* Files of a golden that belong to none. */
static int find_strays(struct goldens *out, const struct call *c, const struct golden_at *g, struct err *e)
{
	char **name;
	size_t n;

	if (dir_list(&name, &n, c->mem, g->dir, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_part(name[i])) {
			printf("%s/%s: an orphan; no golden has such a file\n", g->dir, name[i]);
			out->orphans++;
		}
	return 0;
}

static int list_goldens(struct goldens *out, const struct call *c, const char *dir, struct err *e)
{
	char **name;
	size_t n;

	*out = (struct goldens){ .n = 0 };
	if (!path_is_dir(dir))
		return err_set(e, ERR_INPUT, "there is no folder %s", dir);
	if (dir_list(&name, &n, c->mem, dir, e) < 0)
		return -1;
	out->at = ARENA_ARRAY(c->mem, n + 1, struct golden_at);
	for (size_t i = 0; i < n; i++) {
		size_t last = strlen(name[i]) - 1;
		bool is_folder = name[i][last] == '/';
		const char *bare = arena_strdup(c->mem, name[i], is_folder ? last : last + 1);
		struct golden_at g = { arena_fmt(c->mem, "%s/%s", dir, bare), bare };

		if (c->n > 1 && strcmp(bare, c->operand[1]) != 0)
			continue;
		if (!is_folder || !golden_has(c, &g, "spec.yaml")) {
			printf("%s: an orphan; a golden is a folder with a spec.yaml\n", g.dir);
			out->orphans++;
			continue;
		}
		if (find_strays(out, c, &g, e) < 0)
			return -1;
		out->at[out->n++] = g;
	}
	if (out->n + out->orphans == 0)
		return err_set(e, ERR_INPUT, "there is no golden %s in %s",
			       c->n > 1 ? c->operand[1] : "at all", dir);
	return 0;
}

/* ---- running one ---- */

/* Everything anew, in a folder that is emptied first. */
static int run_golden(const char **run, const struct call *c, const struct golden_at *g, struct par *par,
		      struct err *e)
{
	const struct golden_cmd_opts *o = c->opts;
	const char *work = o->work ? o->work : arena_fmt(c->mem, "%s/golden", c->host->cache);
	const char *spec_path = golden_path(c, g, "spec.yaml");
	const struct provenance prov = { .in_repository = true,
					 .spec_committed = true,
					 .timeless = true,
					 .spec_path = arena_fmt(c->mem, "golden/%s/spec.yaml", g->name) };
	struct audit_opts audit = { .cache = arena_fmt(c->mem, "%s/%s.cache", work, g->name),
				    .out = arena_fmt(c->mem, "%s/%s", work, g->name),
				    .allow_dirty = true,
				    .prov = &prov };
	struct spec s;

	if (call_spec(&s, c, spec_path, e) < 0 || dir_remove_tree(audit.cache, e) < 0 ||
	    dir_remove_tree(audit.out, e) < 0 || call_audit(run, c, &s, &audit, par, e) < 0)
		return -1;
	return dir_remove_tree(audit.cache, e);
}

/* ---- check ---- */

static int read_text(struct view *out, const struct call *c, const char *path, struct err *e)
{
	return file_read(out, c->mem, path, TEXT_BYTES, e);
}

static int copy_beside(const struct call *c, const struct golden_at *g, const char *run, const char *file,
		       const char *ending, struct err *e)
{
	struct view text;

	if (read_text(&text, c, arena_fmt(c->mem, "%s/%s", run, file), e) < 0)
		return -1;
	return out_write(arena_fmt(c->mem, "%s/%s%s", g->dir, file, ending), text.p, text.n, e);
}

/* Is all there, and as it was sealed? What is not is said; the check goes on. */
static bool check_files(const struct call *c, const struct golden_at *g)
{
	struct err why = ERR_INIT;
	bool whole = true;

	for (size_t i = 0; i < PARTS; i++)
		if (!golden_has(c, g, parts[i])) {
			printf("%s/%s is missing\n", g->dir, parts[i]);
			whole = false;
		}
	if (!whole)
		return false;
	if (run_verify(g->dir, &why) < 0) {
		printf("%s\n", why.msg);
		return false;
	}
	return true;
}

static bool same_backend(const struct call *c, const struct golden_at *g)
{
	struct err ignored;
	struct view text;

	if (!golden_has(c, g, "BACKEND") || read_text(&text, c, golden_path(c, g, "BACKEND"), &ignored) < 0)
		return true;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (view_is(text, gemm_backend()))
		return true;
	printf("%s: made with %.*s, and this is %s: figures are compared within their tolerances\n", g->dir,
	       (int)text.n, text.p, gemm_backend());
	return false;
}

static void print_differences(const struct golden_at *g, const struct differences *d, bool exact)
{
	size_t shown = 0, all = exact ? d->n : d->beyond;

	for (size_t i = 0; i < d->n && shown < SHOWN; i++) {
		struct str s = STR_INIT;

		if (!exact && d->item[i].within)
			continue;
		difference_print(&s, &d->item[i]);
		printf("%s/results.json: %s\n", g->dir, s.p);
		str_release(&s);
		shown++;
	}
	if (all > shown)
		printf("%s/results.json: and %zu more\n", g->dir, all - shown);
}

static bool same_results(const struct call *c, const struct golden_at *g, const struct told *old,
			 const struct told *new, bool exact)
{
	struct differences d;
	bool same;

	results_compare(&d, c->mem, old->results, new->results);
	print_differences(g, &d, exact);
	same = (exact ? d.n : d.beyond) == 0;
	differences_release(&d);
	return same;
}

/* The line where two texts part, counted from 1; 0 where they do not. */
static size_t first_line(struct view a, struct view b)
{
	size_t line = 1, n = a.n < b.n ? a.n : b.n, i = 0;

	for (; i < n && a.p[i] == b.p[i]; i++)
		line += a.p[i] == '\n';
	return i == a.n && i == b.n ? 0 : line;
}

static int same_report(bool *same, const struct call *c, const struct golden_at *g, const char *run,
		       struct err *e)
{
	struct view old, new;
	size_t line;

	if (read_text(&old, c, golden_path(c, g, "report.md"), e) < 0 ||
	    read_text(&new, c, arena_fmt(c->mem, "%s/report.md", run), e) < 0)
		return -1;
	line = first_line(old, new);
	if (line > 0)
		printf("%s/report.md:%zu: the report differs from this line on\n", g->dir, line);
	*same = line == 0;
	return 0;
}

/* What differs is put beside, and told as a comparison. */
static int tell(const struct call *c, const struct golden_at *g, const struct told *old,
		const struct told *new, const char *run, bool report, struct par *par, struct err *e)
{
	const struct json *tree;
	struct comparison found;

	if (copy_beside(c, g, run, "results.json", ".new", e) < 0 ||
	    (report && copy_beside(c, g, run, "report.md", ".new", e) < 0))
		return -1;
	printf("\n");
	if (call_compare(&found, &tree, c, old, new, NULL, par, e) < 0)
		return -1;
	return call_show_comparison(c, tree, e);
}

static int check_one(bool *same, const struct call *c, const struct golden_at *g, struct par *par,
		     struct err *e)
{
	bool whole, exact, results = false, report = true;
	struct told old = { .name = g->dir }, new;
	const char *run;

	if (golden_clean(c, g, e) < 0)
		return -1;
	whole = check_files(c, g);
	exact = same_backend(c, g);
	if (run_golden(&run, c, g, par, e) < 0 || told_read(&new, c->mem, run, e) < 0)
		return -1;
	if (golden_has(c, g, "results.json")) {
		if (told_read(&old, c->mem, g->dir, e) < 0)
			return -1;
		results = same_results(c, g, &old, &new, exact);
	}
	if (golden_has(c, g, "report.md") && exact && same_report(&report, c, g, run, e) < 0)
		return -1;
	*same = whole && results && report;
	if (*same)
		printf("%s: as it was\n", g->dir);
	else if (old.results && !(results && report) && tell(c, g, &old, &new, run, !report, par, e) < 0)
		return -1;
	return 0;
}

/* ---- update ---- */

static int seal(const struct call *c, const struct golden_at *g, struct err *e)
{
	const char *backend = arena_fmt(c->mem, "%s\n", gemm_backend());

	if (golden_clean(c, g, e) < 0 ||
	    out_write(golden_path(c, g, "BACKEND"), backend, strlen(backend), e) < 0)
		return -1;
	return run_seal(g->dir, e);
}

static int update_one(const struct call *c, const struct golden_at *g, struct par *par, struct err *e)
{
	struct told old = { .name = g->dir }, new;
	struct err ignored;
	const char *run;

	if (run_golden(&run, c, g, par, e) < 0 || told_read(&new, c->mem, run, e) < 0)
		return -1;
	if (golden_has(c, g, "results.json") && told_read(&old, c->mem, g->dir, &ignored) == 0 &&
	    same_results(c, g, &old, &new, true))
		printf("%s: the results are as they were\n", g->dir);
	for (size_t i = 0; i < MADE; i++)
		if (copy_beside(c, g, run, made[i], "", e) < 0)
			return -1;
	return seal(c, g, e);
}

/* ---- the command ---- */

static int run_each(const struct call *c, const struct goldens *all, struct par *par, struct err *e)
{
	bool update = strcmp(c->operand[0], "update") == 0;
	size_t differ = 0;

	for (size_t i = 0; i < all->n; i++) {
		bool same = true;

		if ((update ? update_one(c, &all->at[i], par, e) : check_one(&same, c, &all->at[i], par, e)) <
		    0)
			return e->msg[0] ? err_wrap(e, "%s: ", all->at[i].dir) : -1;
		differ += !same;
	}
	if (differ > 0)
		return err_set(
			e, ERR_DIFFERS,
			"%zu of %zu goldens differ; read the comparison, then golden review or golden update",
			differ, all->n);
	return all->orphans == 0 || update ? 0 : err_set(e, ERR_DIFFERS, "%zu orphans", all->orphans);
}

static int run_golden_cmd(const struct call *c, struct err *e)
{
	const struct golden_cmd_opts *o = c->opts;
	bool check = strcmp(c->operand[0], "check") == 0, review = strcmp(c->operand[0], "review") == 0;
	struct goldens all;
	struct par *par;
	int rc = 0;

	if (!check && !review && strcmp(c->operand[0], "update") != 0)
		return cmd_usage(&cmd_golden, e);
	if (!check && c->host->ci)
		return err_set(
			e, ERR_USAGE,
			"golden %s is refused where CI is set: a golden is changed by a person who reads the difference",
			c->operand[0]);
	log_open(LOG_NEVER);
	if (list_goldens(&all, c, o->dir, e) < 0)
		return -1;
	if (review) {
		for (size_t i = 0; i < all.n && rc == 0; i++)
			rc = golden_review(c, &all.at[i], e);
		return rc;
	}
	if (par_new(&par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	rc = run_each(c, &all, par, e);
	par_free(par);
	return rc;
}

const struct cmd cmd_golden = {
	.name = "golden",
	.operands = "check|update|review [NAME]",
	.summary = "run what was run before, and see that nothing changed",
	.about =
		"A golden is golden/NAME: spec.yaml, and the results.json, report.md, BACKEND and MANIFEST that running it gave.\n"
		"check runs it anew, without a cache, and compares: to the byte on the same arithmetic, each figure within its "
		"tolerance on another. What differs is named, told as a comparison, and put beside as NAME.new. Files and folders "
		"that belong to no golden are reported.\n"
		"review asks for each finding and each other part that differs whether the new one is right. update takes all of it. "
		"Both are refused where CI is set.\n"
		"Exit status 1 where something differs.",
	.min = 1,
	.max = 2,
	.first = verbs,
	.opts = golden_fields,
	.opts_bytes = sizeof(struct golden_cmd_opts),
	.run = run_golden_cmd,
};
