#include "cmd.h"
#include "cmd_findings.h"
#include "cmd_model.h"
#include "cmd_store.h"
#include "base/out.h"
#include "base/str.h"

#include <string.h>

struct show_opts {
	bool json;
};

static const struct field show_fields[] = {
	OPT_JSON(struct show_opts),
	{ .name = NULL },
};

static int show_spec(const struct call *c, const char *path, bool json, struct err *e)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	struct spec s;

	(void)json; /* the canonical form is JSON, and YAML at once */
	if (call_spec(&s, c, path, e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	field_write(&j, spec_fields, &s);
	json_close(&j, '}');
	print_json(&text);
	return 0;
}

static const struct {
	const char *what;
	int (*show)(const struct call *c, const char *path, bool json, struct err *e);
} shows[] = {
	{ "findings", show_findings },
	{ "model", show_model },
	{ "spec", show_spec },
	{ "store", show_store },
};

static const char *const what[] = { "findings", "model", "spec", "store", NULL };

static int run_show(const struct call *c, struct err *e)
{
	const struct show_opts *o = c->opts;
	const char *near = word_near(what, view_of(c->operand[0]));

	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (strcmp(shows[i].what, c->operand[0]) == 0)
			return c->n == 2 ? shows[i].show(c, c->operand[1], o->json, e)
					 : cmd_usage(&cmd_show, e);
	return err_set(e, ERR_USAGE, "show %s: %s%s%s", c->operand[0],
		       near ? "is it " : "it shows findings, model, spec and store; dfc-audit help show",
		       near ? near : "", near ? "?" : "");
}

const struct cmd cmd_show = {
	.name = "show",
	.operands = "findings RUN | model DIR | spec SPEC | store DIR",
	.summary = "look at a run's findings, a model, a resolved spec, or a store",
	.about =
		"show findings RUN lists the latents of a run in the order of their rank: partition, status, verdict, "
		"label, relevance in nats, and the share of training seeds that found them.\n"
		"show model DIR says what a model folder holds and what of it would be harvested.\n"
		"show spec SPEC prints the spec with every default filled in. What it prints is JSON, hence YAML, and a "
		"spec of the same meaning.\n"
		"show store DIR checks every byte of a store of activations in the cache, DIR being CACHE/3f/3fa9..., and says "
		"what it holds.",
	.min = 1,
	.max = 2,
	.first = what,
	.opts = show_fields,
	.opts_bytes = sizeof(struct show_opts),
	.run = run_show,
};
