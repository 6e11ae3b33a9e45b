#include "cmd_run.h"
#include "cmd_store.h"

#include "base/out.h"
#include "base/str.h"
#include "dict/public.h"
#include "flow/export.h"
#include "flow/stage.h"
#include "num/gemm.h"

#include <inttypes.h>
#include <string.h>

/* The stores of a cache: looked at, and written for other programs. */

struct export_opts {
	const char *cache;
	bool dictionary;
};

static const struct field export_fields[] = {
	{ .name = "dictionary",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct export_opts, dictionary),
	  .fallback = "false",
	  .help = "the trained dictionary instead of the harvest; of several seeds, each in seed-N" },
	OPT_CACHE(struct export_opts),
	{ .name = NULL },
};

/* The complete artifact of a step of the plan. */
static int step_artifact(struct artifact *out, const struct plan *p, const struct stage *stage, size_t index,
			 const char *cache, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];

		if (s->stage != stage || s->index != index || s->depth != 0)
			continue;
		if (s->state != STEP_DONE)
			return err_set(e, ERR_INPUT, "%s is not in %s; dfc-audit run makes it", s->label,
				       cache);
		return artifact_open(out, cache, s->key, e);
	}
	return err_set(e, ERR_INPUT, "the plan has no step %s", stage->name);
}

static int export_side(const struct call *c, const struct plan *p, const struct corpus *corpus,
		       enum side side, const char *cache, struct err *e)
{
	const char *path = arena_fmt(c->mem, "%s/%s.safetensors", c->operand[1], side_name[side]);
	struct acts *rows = NULL;
	struct artifact a;
	int rc = step_artifact(&a, p, &stage_acts, side, cache, e);

	if (rc == 0)
		rc = acts_open(&rows, &a, e);
	if (rc == 0 && acts_width(rows) == 0)
		rc = err_set(e, ERR_USAGE, "harvest.store: none keeps no activations that could be exported");
	if (rc == 0)
		rc = export_write(path, corpus, rows, side, e);
	acts_close(rows);
	if (rc == 0)
		printf("%s\n", path);
	return rc;
}

static int export_harvest(const struct call *c, const struct plan *p, const char *cache, struct err *e)
{
	struct corpus *corpus = NULL;
	struct artifact tokens;
	int rc = -1;

	if (step_artifact(&tokens, p, &stage_tokens, 0, cache, e) == 0 &&
	    corpus_open(&corpus, &tokens, e) == 0 && dir_make(c->operand[1], e) == 0)
		rc = 0;
	for (size_t side = 0; side < SIDE_COUNT && rc == 0; side++)
		rc = export_side(c, p, corpus, (enum side)side, cache, e);
	corpus_close(corpus);
	return rc;
}

static int export_dictionary(const struct call *c, const struct plan *p, size_t index, const char *cache,
			     struct err *e)
{
	const struct spec *s = p->spec;
	const struct depth *at = &p->depth[0];
	const struct public_info info = { s->base.name,	 s->candidate.name, at->base,
					  at->candidate, s->train.k,	    s->dictionary.seed[index] };
	const char *dir = c->operand[1];
	struct artifact a;
	struct dfc d = { .memory = NULL };
	int rc = -1;

	if (s->dictionary.n_seeds > 1)
		dir = arena_fmt(c->mem, "%s/seed-%" PRIu64, dir, info.seed);
	if (step_artifact(&a, p, &stage_train, index, cache, e) < 0)
		return -1;
	if (artifact_check(&a, "dfc.bin", e) == 0 &&
	    dfc_read(&d, artifact_path(c->mem, &a, "dfc.bin"), e) == 0 &&
	    public_write(&d, &info, dir, e) == 0)
		rc = 0;
	if (rc == 0)
		printf("%s/model.safetensors\n%s/config.json\n", dir, dir);
	dfc_release(&d);
	return rc;
}

static int run_export(const struct call *c, struct err *e)
{
	const struct export_opts *o = c->opts;
	const char *cache = o->cache != NULL ? o->cache : c->host->cache;
	struct plan_opts how = { .cache = cache };
	struct plan plan;
	struct spec s;
	int rc;

	if (call_spec(&s, c, c->operand[0], e) < 0 ||
	    par_new(&how.par, call_threads(c, 0), GEMM_SCRATCH, e) < 0)
		return -1;
	rc = plan_make(&plan, c->mem, &s, &how, e);
	if (rc == 0 && !o->dictionary)
		rc = export_harvest(c, &plan, cache, e);
	for (size_t i = 0; rc == 0 && o->dictionary && i < s.dictionary.n_seeds; i++)
		rc = export_dictionary(c, &plan, i, cache, e);
	par_free(how.par);
	return rc;
}

static int store_open(struct artifact *a, const char *dir, struct err *e)
{
	const char *name = path_name(dir);

	*a = (struct artifact){ .complete = true, .lock = { .fd = -1 } };
	if (!path_is_dir(dir) || strlen(dir) >= sizeof(a->dir) || !digest_parse(&a->key, name, strlen(name)))
		return err_set(e, ERR_INPUT, "%s is no folder of an artifact, such as CACHE/3f/3fa9...", dir);
	memcpy(a->dir, dir, strlen(dir) + 1);
	return artifact_verify(a, e);
}

int show_store(const struct call *c, const char *dir, bool json, struct err *e)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	struct artifact a;
	struct acts *r = NULL;
	struct digest d;
	uint64_t bytes;
	char hex[65];

	if (store_open(&a, dir, e) < 0 || acts_open(&r, &a, e) < 0)
		return -1;
	if (artifact_bytes(&bytes, &a, e) < 0 ||
	    digest_file(&d, NULL, arena_fmt(c->mem, "%s/MANIFEST", dir), e) < 0) {
		acts_close(r);
		return -1;
	}
	digest_hex(hex, d);
	if (json) {
		json_open(&j, NULL, '{');
		json_put_size(&j, "rows", acts_rows(r));
		json_put_size(&j, "width", acts_width(r));
		json_puts(&j, "dtype", dtype_name(acts_dtype(r)));
		json_put_size(&j, "shards", acts_shards(r));
		json_put_size(&j, "bytes", bytes);
		json_puts(&j, "digest", hex);
		json_close(&j, '}');
		print_json(&text);
	} else {
		printf("%zu rows of %zu %s values, in %zu shards\n%" PRIu64
		       " bytes, all as the MANIFEST lists them\n"
		       "digest %s\n",
		       acts_rows(r), acts_width(r), dtype_name(acts_dtype(r)), acts_shards(r), bytes, hex);
	}
	acts_close(r);
	return 0;
}

const struct cmd cmd_export = {
	.name = "export",
	.operands = "SPEC DIR",
	.summary = "write a harvest or a dictionary as safetensors, for other programs",
	.about =
		"Writes base.safetensors and candidate.safetensors into DIR: the activations of a spec that was run, from the "
		"cache, with the tokens, documents and texts that its rows belong to. docs/formats.md says the tensors; "
		"`activations` of a spec takes such files in.\n"
		"With --dictionary, the trained crosscoder: model.safetensors and config.json, in the layout of the public "
		"dictionary_learning where both models are of one width.\n"
		"Prints the paths.",
	.min = 2,
	.max = 2,
	.opts = export_fields,
	.opts_bytes = sizeof(struct export_opts),
	.run = run_export,
};
