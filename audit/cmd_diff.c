#include "cmd_diff.h"

#include "base/out.h"
#include "cmd_run.h"
#include "num/gemm.h"
#include "report/render.h"

#include <string.h>
#include <unistd.h>

struct diff_cmd_opts {
	const char *cache, *out;
	size_t threads;
	bool json;
};

static const struct field diff_fields[] = {
	OPT_THREADS(struct diff_cmd_opts),
	OPT_CACHE(struct diff_cmd_opts),
	OPT_JSON(struct diff_cmd_opts),
	{ .name = "out",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct diff_cmd_opts, out),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "a folder for diff.json, diff.md and diff.pdf; left out: only what is printed" },
	{ .name = NULL },
};

static struct render_opts diff_template(const struct call *c)
{
	return (struct render_opts){
		.template_path = arena_fmt(c->mem, "%s/diff.md", c->host->templates),
		.fonts = arena_fmt(c->mem, "%s/fonts", c->host->templates),
		.name = "diff",
		.data = "diff.json",
	};
}

int call_compare(struct comparison *out, const struct json **tree, const struct call *c,
		 const struct told *old, const struct told *new, const char *cache, struct par *par,
		 struct err *e)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	struct view v;
	int rc = comparison_write(out, &j, old, new, cache, par, e);

	if (rc == 0) {
		v = (struct view){ arena_strdup(c->mem, text.p, text.n), text.n };
		rc = json_read(tree, c->mem, v, "diff.json", e);
	}
	str_release(&text);
	return rc;
}

int call_show_comparison(const struct call *c, const struct json *tree, struct err *e)
{
	struct render_opts o = diff_template(c);
	struct str text = STR_INIT;
	int rc;

	o.tree = tree;
	rc = report_lines(&text, ".", &o, isatty(STDOUT_FILENO), e);
	if (rc == 0)
		(void)fwrite(text.p, 1, text.n, stdout);
	str_release(&text);
	return rc;
}

static void print_tree(const struct json *tree)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	json_put(&j, NULL, tree);
	print_json(&text);
}

/* A folder of the user's is not taken for one of ours. */
static int check_folder(const char *dir, struct arena *mem, struct err *e)
{
	char **name;
	size_t n;

	if (dir_make(dir, e) < 0 || dir_list(&name, &n, mem, dir, e) < 0)
		return -1;
	if (n > 0 && !path_is_file(arena_fmt(mem, "%s/diff.json", dir)))
		return err_set(e, ERR_USAGE, "%s holds %s, but no diff.json; name an empty or a new folder",
			       dir, name[0]);
	return 0;
}

static int write_documents(const struct call *c, const struct json *tree, const char *dir, struct err *e)
{
	struct render_opts o = diff_template(c);
	struct json_out j = { .compact = false };

	if (check_folder(dir, c->mem, e) < 0 ||
	    out_open(&j.out, arena_fmt(c->mem, "%s/diff.json", dir), e) < 0)
		return -1;
	json_put(&j, NULL, tree);
	if (out_commit(j.out, NULL, e) < 0)
		return -1;
	return report_render(dir, &o, e);
}

/* The same document for the pull request. */
static void summarise(const struct call *c, const struct json *tree)
{
	struct render_opts o = diff_template(c);
	struct err why = ERR_INIT;
	struct str text = STR_INIT;

	o.tree = tree;
	if (c->host->summary != NULL && report_text(&text, ".", &o, &why) == 0)
		call_summarise(c, str_view(&text));
	str_release(&text);
}

static int run_diff(const struct call *c, struct err *e)
{
	const struct diff_cmd_opts *o = c->opts;
	const char *cache = o->cache != NULL ? o->cache : c->host->cache;
	struct comparison found;
	const struct json *tree;
	struct told told[2];
	struct par *par;
	int rc;

	for (size_t i = 0; i < 2; i++)
		if (call_run(c, c->operand[i], "results.json", e) < 0 ||
		    told_read(&told[i], c->mem, c->operand[i], e) < 0)
			return -1;
	if (par_new(&par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	rc = call_compare(&found, &tree, c, &told[0], &told[1], cache, par, e);
	par_free(par);
	if (rc == 0 && o->out)
		rc = write_documents(c, tree, o->out, e);
	if (rc == 0 && o->json)
		print_tree(tree);
	else if (rc == 0)
		rc = call_show_comparison(c, tree, e);
	if (rc < 0)
		return -1;
	summarise(c, tree);
	return found.passed ? 0
			    : err_set(e, ERR_DIFFERS, "more changed than the gate of %s lets through",
				      told[1].name);
}

const struct cmd cmd_diff = {
	.name = "diff",
	.operands = "OLD NEW",
	.summary = "what changed between two runs, as of successive fine-tunes",
	.about =
		"Names the inputs that changed first, then findings and latents that are new, gone, grown or shrunk, and figures "
		"that moved beyond their tolerance. Findings and latents are matched by how they fire on the text both runs read, "
		"where the cache still has what the runs left; findings by their words otherwise.\n"
		"Exit status 1 where more changed than the gate of the new run's spec lets through, 0 otherwise, 2 and more "
		"where something went wrong.",
	.min = 2,
	.max = 2,
	.opts = diff_fields,
	.opts_bytes = sizeof(struct diff_cmd_opts),
	.run = run_diff,
};
