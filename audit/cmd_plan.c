#include "cmd_run.h"

#include "base/par.h"
#include "flow/plan.h"
#include "num/gemm.h"

struct plan_cmd_opts {
	const char *cache;
	size_t threads;
	bool json;
};

static const struct field plan_fields[] = {
	OPT_THREADS(struct plan_cmd_opts),
	OPT_CACHE(struct plan_cmd_opts),
	OPT_JSON(struct plan_cmd_opts),
	{ .name = NULL },
};

static int print_plan(const struct plan *p, const char *cache, const struct pace *pace,
		      const struct plan_cmd_opts *o)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	if (!o->json) {
		plan_print(p, cache, pace, stdout);
		return 0;
	}
	json_open(&j, NULL, '{');
	json_puts(&j, "name", p->spec->name);
	plan_write_needs(&j, p, pace);
	json_close(&j, '}');
	print_json(&text);
	return 0;
}

static int run_plan_cmd(const struct call *c, struct err *e)
{
	const struct plan_cmd_opts *o = c->opts;
	struct plan_opts how = { .cache = o->cache != NULL ? o->cache : c->host->cache,
				 .ahead = true,
				 .try_answers = true };
	struct plan plan;
	struct spec s;
	struct pace pace;
	int rc = -1;

	if (call_spec_ahead(&s, c, c->operand[0], e) < 0 ||
	    par_new(&how.par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		return -1;
	if (call_template_files(&how.template, &how.n_templates, c, &s, NULL, e) == 0 &&
	    plan_make(&plan, c->mem, &s, &how, e) == 0 && plan_pace(&pace, &plan, how.par, e) == 0 &&
	    print_plan(&plan, how.cache, &pace, o) == 0)
		rc = plan_check(&plan, how.cache, how.par, e);
	par_free(how.par);
	return rc;
}

const struct cmd cmd_plan = {
	.name = "plan",
	.operands = "SPEC",
	.summary = "what an audit would compute, and what that needs; runs nothing",
	.about =
		"Prints the steps with their keys, whether they are in the cache, and the memory, disk and time they need. Sizes of "
		"the corpus come from a sample of it that both tokenizers read; times from each model and the training at work "
		"for a fraction of a second.\n"
		"Not all has to be there: of a model its config.json is enough, and corpus.pairs says what a corpus will give. "
		"What is missing is listed.\n"
		"Exit status 5 where the run would not fit the spec's limits or this machine.",
	.min = 1,
	.max = 1,
	.opts = plan_fields,
	.opts_bytes = sizeof(struct plan_cmd_opts),
	.run = run_plan_cmd,
};
