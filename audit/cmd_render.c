#include "cmd_run.h"

#include "flow/run.h"

struct render_cmd_opts {
	const char *template_path;
};

static const struct field render_fields[] = {
	{ .name = "template",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct render_cmd_opts, template_path),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "the report's template; left out: the one that came with the program" },
	{ .name = NULL },
};

static int run_render(const struct call *c, struct err *e)
{
	const struct render_cmd_opts *o = c->opts;
	const char *dir = c->operand[0];
	const struct named_file *template;
	size_t n, n_layers;
	char **layer;

	if (call_run(c, dir, "results.json", e) < 0 ||
	    call_template_files(&template, &n, c, NULL, o->template_path, e) < 0 ||
	    call_layers(&layer, &n_layers, c, dir, e) < 0)
		return -1;
	/* the run's own first: it has no MANIFEST from here on */
	if (run_retemplate(dir, template, n, e) < 0)
		return -1;
	for (size_t i = 0; i < n_layers; i++)
		if (run_retemplate(layer[i], template, n, e) < 0)
			return -1;
	if (call_render(c, dir, call_template(c, NULL, o->template_path), e) < 0)
		return -1;
	printf("%s/report.md\n%s/report.pdf\n", dir, dir);
	return 0;
}

const struct cmd cmd_render = {
	.name = "render",
	.operands = "RUN",
	.summary = "write a run's report again, with another template perhaps",
	.about =
		"Writes report.md, the documents it links, report.pdf and figures/ from the run's results.json and provenance.json, "
		"and a new MANIFEST. Provenance.json then names the template's files as they are now, and other .md files of the "
		"directory are removed. Prints the paths of the two reports.",
	.min = 1,
	.max = 1,
	.opts = render_fields,
	.opts_bytes = sizeof(struct render_cmd_opts),
	.run = run_render,
};

static int run_verify_cmd(const struct call *c, struct err *e)
{
	if (call_run(c, c->operand[0], "MANIFEST", e) < 0 || run_verify(c->operand[0], e) < 0)
		return -1;
	printf("%s: every file is as its MANIFEST lists it\n", c->operand[0]);
	return 0;
}

const struct cmd cmd_verify = {
	.name = "verify",
	.operands = "RUN",
	.summary = "check a run's files against its MANIFEST",
	.about =
		"Exit status 0 where every file is as the MANIFEST lists it, 1 where one is not, is missing or is not listed.\n"
		"The MANIFEST is in the form of sha256sum, so that `sha256sum -c MANIFEST` in the run directory does the same.",
	.min = 1,
	.max = 1,
	.run = run_verify_cmd,
};
