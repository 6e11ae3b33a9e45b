#include "flow/plan.h"
#include "flow/imported.h"
#include "flow/inputs.h"
#include "flow/stage.h"
#include "model/arch.h"
#include "num/gemm.h"

#include <string.h>

/* ---- which steps ---- */

/* Whose artifacts a stage reads: of each of these, all the steps before it. */
static const struct {
	const struct stage *stage, *reads[6];
} reading[] = {
	{ &stage_tokens, { &stage_rollouts } },
	{ &stage_acts, { &stage_tokens } },
	{ &stage_train, { &stage_tokens, &stage_acts } },
	{ &stage_null, { &stage_tokens, &stage_acts } },
	{ &stage_stability, { &stage_tokens, &stage_acts, &stage_train } },
	{ &stage_features,
	  { &stage_rollouts, &stage_tokens, &stage_acts, &stage_train, &stage_stability, &stage_null } },
	{ &stage_steer, { &stage_rollouts, &stage_tokens, &stage_acts, &stage_train, &stage_features } },
};

static bool reads(const struct stage *stage, const struct stage *other)
{
	size_t i, k;

	for (i = 0; i < sizeof(reading) / sizeof(reading[0]); i++)
		for (k = 0; reading[i].stage == stage && k < 6 && reading[i].reads[k]; k++)
			if (reading[i].reads[k] == other)
				return true;
	return false;
}

/* What there is one of for all depths. */
static bool serves_all(const struct stage *stage)
{
	return stage == &stage_rollouts || stage == &stage_tokens;
}

static void add(struct plan *p, struct arena *mem, const struct stage *stage, size_t index, size_t depth,
		const char *label)
{
	struct step *s = &p->step[p->n];
	size_t i;

	*s = (struct step){ .stage = stage, .index = index, .depth = depth };
	s->label = depth > 0 ? arena_fmt(mem, "%s at %s", label, p->depth[depth].name) : label;
	s->in = ARENA_ARRAY(mem, p->n, const struct step *);
	for (i = 0; i < p->n; i++)
		if (reads(stage, p->step[i].stage) &&
		    (p->step[i].depth == depth || serves_all(p->step[i].stage)))
			s->in[s->n_in++] = &p->step[i];
	p->n++;
}

/* An audit of two blocks. */
static void add_depth(struct plan *p, struct arena *mem, size_t depth)
{
	const struct spec *s = p->spec;

	add(p, mem, &stage_acts, 0, depth, "acts base");
	add(p, mem, &stage_acts, 1, depth, "acts candidate");
	for (size_t i = 0; i < s->dictionary.n_seeds; i++)
		add(p, mem, &stage_train, i, depth,
		    arena_fmt(mem, "train %llu", (unsigned long long)s->dictionary.seed[i]));
	if (s->dictionary.n_seeds > 1)
		add(p, mem, &stage_stability, 0, depth, "stability");
	if (s->study.null_diff)
		add(p, mem, &stage_null, 0, depth, "train null");
	add(p, mem, &stage_features, 0, depth, "features");
	/* where steering is switched off, it says so */
	add(p, mem, &stage_steer, 0, depth, "steer");
}

static void add_steps(struct plan *p, struct arena *mem)
{
	const struct spec *s = p->spec;
	bool rollouts = false;
	size_t i;

	p->step = ARENA_ARRAY(mem, 2 + p->n_depths * (s->dictionary.n_seeds + 6), struct step);
	for (i = 0; i < s->corpus.n_sources; i++)
		rollouts = rollouts || s->corpus.source[i].kind == SOURCE_ROLLOUTS;
	if (rollouts)
		add(p, mem, &stage_rollouts, 0, 0, "rollouts");
	add(p, mem, &stage_tokens, 0, 0, "tokens");
	for (i = 0; i < p->n_depths; i++)
		add_depth(p, mem, i);
}

/* ---- their keys ---- */

static struct digest step_key(const struct plan *p, const struct step *s)
{
	struct sha256 hash;
	struct json_out j = JSON_TO_HASH(&hash);
	size_t i;

	sha256_init(&hash);
	json_open(&j, NULL, '{');
	json_puts(&j, "stage", s->stage->name);
	json_put_size(&j, "version", s->stage->version);
	json_puts(&j, "backend", s->stage->numeric ? gemm_backend() : NULL);
	json_open(&j, "inputs", '[');
	for (i = 0; i < s->n_in; i++)
		json_put_digest(&j, NULL, s->in[i]->key);
	json_close(&j, ']');
	json_open(&j, "options", '{');
	s->stage->describe(&j, p, s);
	json_close(&j, '}');
	json_close(&j, '}');
	return sha256_end(&hash);
}

static struct digest run_key(const struct plan *p)
{
	struct sha256 hash;
	struct json_out j = JSON_TO_HASH(&hash);

	sha256_init(&hash);
	json_open(&j, NULL, '{');
	for (size_t i = 0; i < p->n; i++)
		if (i + 1 == p->n || p->step[i].depth != p->step[i + 1].depth)
			json_put_digest(&j, "step", p->step[i].key);
	if (p->spec)
		json_put_digest(&j, "spec", p->spec->digest);
	json_open(&j, "templates", '[');
	for (size_t i = 0; i < p->n_inputs; i++)
		if (strcmp(p->input[i].role, "template") == 0)
			json_put_digest(&j, NULL, p->input[i].digest);
	json_close(&j, ']');
	json_close(&j, '}');
	return sha256_end(&hash);
}

static void needs_make(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->step[i].needs = (struct needs){ .memory = 0 };
		p->step[i].stage->forecast(&p->step[i].needs, p, &p->step[i]);
	}
}

void plan_resolve(struct plan *p, const char *cache)
{
	size_t i, k;

	for (i = 0; i < p->n; i++) {
		struct step *s = &p->step[i];

		for (k = 0; k < s->n_in; k++)
			BUG_ON(s->in[k] >= s); /* an input comes before */
		s->key = step_key(p, s);
		s->n_partial = 0;
		s->state = p->n_missing == 0 && artifact_complete(cache, s->key) ? STEP_DONE : STEP_TODO;
		if (s->state == STEP_TODO && p->n_missing == 0)
			s->n_partial = artifact_partial(cache, s->key);
		if (s->n_partial > 0)
			s->state = STEP_PARTIAL;
	}
	needs_make(p);
	p->key = run_key(p);
}

/* ---- the whole ---- */

/* Activations from elsewhere: how many there are, and that they are as wide as the model, where there is one. */
static int read_activations(struct plan *p, struct arch *a, const char *file, struct err *e)
{
	struct imported *m;
	size_t d;

	if (imported_open(&m, file, e) < 0)
		return -1;
	d = imported_width(m);
	p->n_imported = imported_rows(m);
	imported_close(m);
	if (a->d_model != 0 && a->d_model != d)
		return err_set(e, ERR_INPUT, "%s: rows of %zu values where the model has a width of %zu",
			       file, d, a->d_model);
	a->d_model = d;
	return 0;
}

static int read_model(struct plan *p, const struct arch **out, struct arena *mem, const struct spec_model *m,
		      const char *activations, struct err *e)
{
	struct arch *a = ARENA_NEW(mem, struct arch);

	*out = a;
	if (m->dir == NULL)
		a->family = "imported";
	else if (arch_read(a, mem, arena_fmt(mem, "%s/config.json", m->dir), e) < 0)
		return -1;
	return activations != NULL ? read_activations(p, a, activations, e) : 0;
}

/* The block of a model at a depth. */
static int layer_at(size_t *out, const struct spec_model *m, const struct arch *a, size_t depth,
		    struct err *e)
{
	if (m->dir != NULL)
		return spec_layer(out, m, depth == 0 ? m->layer : m->more[depth - 1], a->n_layers, e);
	*out = m->layer > 0 ? (size_t)m->layer : 0;
	return 0;
}

static int read_depths(struct plan *p, struct arena *mem, struct err *e)
{
	const struct spec *s = p->spec;

	p->n_depths = 1 + s->base.n_more;
	p->depth = ARENA_ARRAY(mem, p->n_depths, struct depth);
	for (size_t i = 0; i < p->n_depths; i++) {
		struct depth *d = &p->depth[i];

		if (layer_at(&d->base, &s->base, p->base, i, e) < 0 ||
		    layer_at(&d->candidate, &s->candidate, p->candidate, i, e) < 0)
			return -1;
		d->name = arena_fmt(mem, "%zu-%zu", d->base, d->candidate);
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->depth[k].name, d->name) == 0)
				return err_at(e, ERR_SPEC, s->base.at,
					      "more_layers: blocks %zu and %zu are compared already", d->base,
					      d->candidate);
	}
	return 0;
}

/* Some models are defined up to a number of positions and no further. */
static int check_context(const struct plan *p, struct err *e)
{
	const struct arch *arch[] = { p->base, p->candidate };
	const struct spec_model *m[] = { &p->spec->base, &p->spec->candidate };
	size_t context = p->spec->corpus.context;

	for (size_t i = 0; i < 2; i++)
		if (arch[i]->context_limit > 0 && context > arch[i]->context_limit)
			return err_at(
				e, ERR_SPEC, m[i]->at,
				"corpus.context, %zu, is above the %zu positions that %s is defined for",
				context, arch[i]->context_limit, m[i]->path);
	return 0;
}

/* A plan that is too large with answers as long as they may get is looked at once more with some of them tried, so that what
 * `plan` allows, `run` does. */
static int plan_survey(struct plan *p, const struct plan_opts *o, bool try_answers, struct err *e)
{
	struct survey_opts how = { .cache = o->cache, .par = o->par, .try_answers = try_answers };
	struct arena mem = ARENA_INIT;
	struct err why = ERR_INIT;
	int rc = survey_make(&p->corpus, &mem, p, &how, e);

	arena_release(&mem);
	if (rc < 0)
		return -1;
	needs_make(p);
	if (p->corpus.answers != ANSWERS_LONGEST || try_answers || p->n_missing > 0 ||
	    plan_check(p, o->cache, o->par, &why) == 0)
		return 0;
	return plan_survey(p, o, true, e);
}

int plan_make(struct plan *out, struct arena *mem, const struct spec *s, const struct plan_opts *o,
	      struct err *e)
{
	const char *backend = s->numerics.backend;

	*out = (struct plan){ .spec = s };
	if (gemm_setup(strcmp(backend, "auto") == 0 ? NULL : backend, e) < 0)
		return err_wrap(e, "numerics.backend: ");
	if (read_model(out, &out->base, mem, &s->base, s->activations.file[0], e) < 0 ||
	    read_model(out, &out->candidate, mem, &s->candidate, s->activations.file[1], e) < 0 ||
	    read_depths(out, mem, e) < 0 || check_context(out, e) < 0 || inputs_collect(out, mem, o, e) < 0)
		return -1;
	add_steps(out, mem);
	plan_resolve(out, o->cache);
	return plan_survey(out, o, o->try_answers, e);
}

const struct input *plan_input(const struct plan *p, const char *role, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_inputs; i++)
		if (strcmp(p->input[i].role, role) == 0 && (!name || strcmp(p->input[i].name, name) == 0))
			return &p->input[i];
	return NULL;
}
