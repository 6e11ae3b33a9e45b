#include "flow/stage.h"

#include "base/log.h"
#include "flow/findings.h"
#include "flow/forecast.h"
#include "flow/harvest.h"
#include "flow/reader.h"
#include "flow/results_report.h"
#include "flow/harvested.h"
#include "flow/steering.h"
#include "num/fmath.h"
#include "num/ops.h"

#include <string.h>

/*
 * From prompts the models answer differently to findings: groups of latents that fire where the answer is decided,
 * tested by steering the model that behaves so, on held-out prompts.
 */

enum { PROMPT_TOKENS = 32 }; /* of a prompt, for the forecast */
enum { LEAST_TESTED = 1 };   /* prompts of a cluster that test it */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	(void)step;
	json_put_size(key, "seed", p->spec->seed);
	field_write(key, field_find(spec_fields, "steer")->inner, &p->spec->steer);
	json_open(key, "behaviours", '[');
	for (size_t i = 0; i < p->spec->n_behaviours; i++)
		field_write(key, field_find(spec_fields, "behaviours")->inner, &p->spec->behaviour[i]);
	json_close(key, ']');
	key_model(key, p, "base");
	key_model(key, p, "candidate");
}

/* The places that reading takes for itself. */
static struct session_opts session_plan_of(const struct plan *p, enum side side)
{
	struct session_opts o = forecast_session(side_arch(p, side), p->spec->corpus.context);

	if (o.max_seqs < CONTRAST_SEQS)
		o.max_seqs = CONTRAST_SEQS;
	return o;
}

static uint64_t model_memory(const struct plan *p, enum side side)
{
	struct session_opts o = session_plan_of(p, side);

	return forecast_weights(p, side) + session_bytes(side_arch(p, side), &o) +
	       contrast_bytes(side_arch(p, side), &o) +
	       2 * p->spec->steer.prompts * side_arch(p, side)->n_vocab * sizeof(float);
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;
	double texts = forecast_steering(p);
	uint64_t model[SIDE_COUNT];

	(void)step;
	out->disk = 4 << 20;
	out->memory = FORECAST_BASE;
	if (!s->steer.enabled)
		return;
	/* One model after the other. */
	for (size_t side = 0; side < SIDE_COUNT; side++)
		model[side] = model_memory(p, (enum side)side);
	out->memory += (model[SIDE_BASE] > model[SIDE_CANDIDATE] ? model[SIDE_BASE] : model[SIDE_CANDIDATE]) +
		       (uint64_t)(texts * 64);
	out->work =
		texts *
		(1 + (double)s->steer.answer_tokens + (s->steer.inject == INJECT_ALL ? PROMPT_TOKENS : 0)) *
		forecast_token(p->candidate, SIZE_MAX);
	out->pace = PACE_CANDIDATE;
}

struct steer_stage {
	struct job *job;
	struct harvested h;
	struct dfc dfc;
	struct rollout *rollout;
	struct steer_groups groups;
	struct reader reader; /* of the model on the bench */
	struct zero_check zero;
};

/* A document's tokens, the model `side`'s: how many are the prompt's, the turn boundary included. */
static struct doc_tokens answer_tokens(size_t *n_prompt, const struct steer_stage *s, enum side side,
				       size_t doc)
{
	const struct doc *d = corpus_doc(s->h.corpus, doc);

	*n_prompt = 0;
	for (size_t k = 0; k < d->pair_n && *n_prompt == 0; k++) {
		const struct pair_record *p = corpus_pair(s->h.corpus, d->pair_first + k);

		if (p->flags & PAIR_TURN)
			*n_prompt = p->token[side] + 1;
	}
	return corpus_side(s->h.corpus, doc, side);
}

/* A prompt with one answer of at most `most` tokens. */
static const int32_t *joined(struct arena *mem, struct doc_tokens prompt, size_t n_prompt,
			     struct doc_tokens answer, size_t answer_first, size_t most, size_t *n)
{
	int32_t *id = ARENA_ARRAY(mem, n_prompt + most, int32_t);

	memcpy(id, prompt.id, n_prompt * sizeof(*id));
	memcpy(id + n_prompt, answer.id + answer_first, most * sizeof(*id));
	*n = n_prompt + most;
	return id;
}

/* Bytes of white space that the answers to plain text begin with, and that count as the prompt's (flow/stage_tokens.c). */
static size_t lead_of(const struct steer_stage *s, size_t prompt)
{
	const struct rollout *r = &s->rollout[prompt];
	const struct pair_record *turn = corpus_pair(s->h.corpus, s->groups.prompt[prompt].turn);

	return r->chat ? 0 : turn->byte - r->prompt.text.n;
}

/*
 * Read until answer_tokens after the first token in which they differ.  false where one of the answers is empty.
 */
static bool contested_make(struct contested *c, const struct steer_stage *s, enum side side, size_t prompt,
			   size_t doc_of_prompt, size_t doc_of_behaviour, size_t doc_of_other)
{
	size_t n_prompt, first[2], most = s->job->spec->steer.answer_tokens, n = SIZE_MAX, same = 0;
	struct doc_tokens p = answer_tokens(&n_prompt, s, side, doc_of_prompt);
	struct doc_tokens a[2] = { answer_tokens(&first[0], s, side, doc_of_behaviour),
				   answer_tokens(&first[1], s, side, doc_of_other) };

	for (size_t i = 0; i < 2; i++) {
		if (n_prompt == 0 || first[i] == 0)
			return false;
		n = a[i].n - first[i] < n ? a[i].n - first[i] : n;
	}
	if (n == 0)
		return false;
	while (same < n && a[0].id[first[0] + same] == a[1].id[first[1] + same])
		same++;
	most = most < n - same ? same + most : n;
	c->prompt = prompt;
	c->turn = s->groups.own[side].grouped[prompt].row;
	c->n_prompt = n_prompt;
	for (size_t i = 0; i < 2; i++)
		c->id[i] = joined(s->job->mem, p, n_prompt, a[i], first[i], most, &c->n[i]);
	return true;
}

/* ON prompts of the group and OFF prompts drawn by the seed, in the tokens of the model `side`: held-out ones, or those that groups
 * are made from. number: the finding's place. */
static void contested_find(struct finding *f, const struct steer_stage *s, enum side side, size_t number,
			   bool held_out)
{
	const struct spec *spec = s->job->spec;
	uint32_t *order = ARENA_ARRAY(s->job->mem, s->groups.n_prompts + 1, uint32_t);
	enum side own = f->side, other = side_other(own);
	size_t behaviour = s->groups.prompt[f->group->typical].doc[own];

	rng_permutation(rng_stream(spec->seed, "steer.prompts", number), order, s->groups.n_prompts);
	for (size_t k = 0; k < CONTRAST_COUNT; k++)
		f->contested[k] = ARENA_ARRAY(s->job->mem, spec->steer.prompts, struct contested);
	for (size_t i = 0; i < s->groups.n_prompts; i++) {
		size_t at = order[i];
		const struct grouped *g = &s->groups.own[own].grouped[at];
		const struct prompt_gap *p = &s->groups.prompt[at];
		size_t *n = f->n_contested;

		if (!p->known || g->held_out != held_out)
			continue;
		if (g->kind == GROUP_ON && g->cluster == f->number + 1 && p->doc[0] != p->doc[1] &&
		    n[CONTRAST_ON] < spec->steer.prompts)
			n[CONTRAST_ON] += contested_make(&f->contested[CONTRAST_ON][n[CONTRAST_ON]], s, side,
							 at, p->doc[own], p->doc[own], p->doc[other]);
		if (g->kind == GROUP_OFF && lead_of(s, at) == lead_of(s, f->group->typical) &&
		    n[CONTRAST_OFF] < spec->steer.prompts)
			n[CONTRAST_OFF] += contested_make(&f->contested[CONTRAST_OFF][n[CONTRAST_OFF]], s,
							  side, at, p->doc[own], behaviour, p->doc[own]);
	}
}

/* Cosine of the group's direction with its model's mean residual stream ON less OFF, at the turn boundaries that made it. */
static int means_cosine(struct finding *f, const struct steer_stage *s, struct err *e)
{
	size_t d = dfc_width(&s->dfc.shape, f->side == SIDE_CANDIDATE), n[2] = { 0, 0 };
	float *x = ARENA_ARRAY(s->job->mem, d, float), *difference = ARENA_ARRAY(s->job->mem, d, float);
	float *mean[2] = { ARENA_ARRAY(s->job->mem, d, float), ARENA_ARRAY(s->job->mem, d, float) };
	double norm;

	for (size_t i = 0; i < s->groups.n_prompts; i++) {
		const struct grouped *g = &s->groups.own[f->side].grouped[i];
		uint32_t row = (uint32_t)s->groups.prompt[i].turn;
		size_t k = g->kind == GROUP_OFF;

		if (!s->groups.prompt[i].known || g->held_out ||
		    (g->kind == GROUP_ON && g->cluster != f->number + 1) || g->kind == 0)
			continue;
		if (acts_read(s->h.side[f->side], x, &row, 1, e) < 0)
			return -1;
		op_add(mean[k], x, d);
		n[k]++;
	}
	for (size_t k = 0; k < d && n[0] > 0 && n[1] > 0; k++)
		difference[k] = mean[0][k] / (float)n[0] - mean[1][k] / (float)n[1];
	norm = fm_sqrt_d(op_norm2_d(difference, d));
	if (norm > 0 && f->group->aim->norm > 0)
		f->cosine_means =
			op_dot_d(difference, f->group->aim->direction, d) / (norm * f->group->aim->norm);
	return 0;
}

static struct found found_of(const struct steer_stage *s)
{
	return (struct found){ .finding = s->groups.finding,
			       .n = s->groups.n_findings,
			       .prompt = s->groups.prompt,
			       .rollout = s->rollout,
			       .own = s->groups.own,
			       .n_prompts = s->groups.n_prompts,
			       .dfc = &s->dfc,
			       .turns = &s->groups.turns,
			       .turn_rows = s->groups.turn_rows.index,
			       .corpus = s->h.corpus };
}

/* What texts are read back for: the model's exclusive latents at work in the finding's answers. */
static void said_find(struct finding *f, const struct found *found, struct arena *mem)
{
	uint32_t top[EXPRESSED], *said = ARENA_ARRAY(mem, EXPRESSED, uint32_t);

	expressed_find(top, found, f);
	for (size_t i = 0; i < EXPRESSED; i++) {
		if (dfc_is_exclusive(&found->dfc->shape, f->side == SIDE_CANDIDATE, top[i]))
			said[f->n_said++] = top[i];
	}
	f->said = said;
}

static bool has_prompts(const struct finding *f)
{
	return f->n_contested[CONTRAST_ON] >= LEAST_TESTED && f->n_contested[CONTRAST_OFF] >= LEAST_TESTED;
}

/* On the prompts that made it: how it is steered, and whether it is tested. */
static int aim_find(struct finding *f, struct steer_stage *s, const struct steering_job *j, size_t number,
		    struct err *e)
{
	struct finding made = { .side = f->side, .number = f->number, .group = f->group };
	struct group *g = &s->groups.own[f->side].group[f->number];

	contested_find(&made, s, f->side, number, false);
	f->aimed = (struct aimed){ .p = 1, .known = true };
	if (has_prompts(&made) && finding_aim(&f->aimed, g, &made, j, number, e) < 0)
		return -1;
	g->aim = &g->way[f->aimed.way];
	return 0;
}

static int finding_try(struct finding *f, struct steer_stage *s, const struct steering_job *j, size_t number,
		       struct err *e)
{
	contested_find(f, s, f->side, number, true);
	if (has_prompts(f) && aim_find(f, s, j, number, e) < 0)
		return -1;
	if (means_cosine(f, s, e) < 0)
		return -1;
	if (!f->aimed.known || f->aimed.p > s->job->spec->steer.screen || f->group->aim->norm == 0)
		return 0;
	return finding_test(f, j, number, e);
}

static int bench_open(struct steering_job *j, struct steer_stage *s, enum side side, struct err *e)
{
	const struct plan *p = s->job->plan;
	const struct spec_model *m = side_model(p->spec, side);

	if (reader_open(&s->reader, s->job->mem, p->spec, m, e) < 0)
		return -1;
	*j = (struct steering_job){ .job = s->job,
				    .dfc = &s->dfc,
				    .turns = &s->groups.turns,
				    .tokenizer = s->reader.tokenizer,
				    .stop = s->reader.stop,
				    .n_stop = s->reader.n_stop,
				    .candidate = side == SIDE_CANDIDATE,
				    .layer = side_layer(p, side, s->job->step->depth),
				    .session_opts = session_plan_of(p, side) };
	if (model_open(&j->model, m->dir, e) < 0)
		return -1;
	return session_new(&j->session, j->model, s->job->par, &j->session_opts, e);
}

static void bench_close(struct steering_job *j, struct steer_stage *s)
{
	reader_close(&s->reader);
	session_free(j->session);
	model_close(j->model);
}

static const struct finding *first_tested(const struct steer_stage *s)
{
	for (size_t i = 0; i < s->groups.n_findings; i++) {
		if (s->groups.finding[i].tested)
			return &s->groups.finding[i];
	}
	return NULL;
}

/* In their own model: what steering does, and the check of what it does not. */
static int own_test(struct steer_stage *s, const struct steering_job *j, enum side side, struct err *e)
{
	struct found found = found_of(s);
	const struct finding *first;
	int rc = 0;

	for (size_t i = 0; i < s->groups.n_findings && rc == 0; i++) {
		if (s->groups.finding[i].side != side)
			continue;
		said_find(&s->groups.finding[i], &found, s->job->mem);
		rc = finding_try(&s->groups.finding[i], s, j, i, e);
		log_progress(s->job->step->label, i + 1, s->groups.n_findings, NULL);
	}
	first = first_tested(s);
	if (rc == 0 && first != NULL && first->side == side)
		rc = zero_check(&s->zero, first, j, s->job->spec->steer.random_groups, e);
	return rc;
}

/* What the latents that both models have do in the other one. */
static int other_test(struct steer_stage *s, const struct steering_job *j, enum side side, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->groups.n_findings && rc == 0; i++) {
		struct finding *f = &s->groups.finding[i];
		struct finding other = { .side = f->side, .number = f->number, .group = f->group };

		if (!f->tested || f->side == side)
			continue;
		contested_find(&other, s, side, i, true);
		if (has_prompts(&other))
			rc = finding_test_other(f, &other, j, i, e);
	}
	return rc;
}

static bool has_side(const struct steer_stage *s, enum side side, bool tested)
{
	for (size_t i = 0; i < s->groups.n_findings; i++) {
		if (s->groups.finding[i].side == side && (s->groups.finding[i].tested || !tested))
			return true;
	}
	return false;
}

/* With one of the models: its own findings where `own`, and those of the other that have been tested. */
static int side_test(struct steer_stage *s, enum side side, bool own, struct err *e)
{
	struct steering_job j = { .job = s->job };
	int rc;

	if (!(own && has_side(s, side, false)) && !has_side(s, side_other(side), true))
		return 0;
	rc = bench_open(&j, s, side, e);
	if (rc == 0 && own)
		rc = own_test(s, &j, side, e);
	if (rc == 0)
		rc = other_test(s, &j, side, e);
	bench_close(&j, s);
	return rc;
}

/* One model after the other: they need not fit together. */
static int findings_test(struct steer_stage *s, struct err *e)
{
	if (side_test(s, SIDE_CANDIDATE, true, e) < 0 || side_test(s, SIDE_BASE, true, e) < 0 ||
	    (has_side(s, SIDE_BASE, true) && side_test(s, SIDE_CANDIDATE, false, e) < 0))
		return -1;
	findings_judge(s->groups.finding, s->groups.n_findings, s->job->spec, s->job->mem);
	return 0;
}

static int stage_open(struct steer_stage *s, struct err *e)
{
	struct job *job = s->job;
	const struct artifact *train = job_input(job, &stage_train, 0);

	if (harvested_open(&s->h, job, e) < 0 || artifact_check(train, "dfc.bin", e) < 0 ||
	    dfc_read(&s->dfc, artifact_path(job->mem, train, "dfc.bin"), e) < 0)
		return -1;
	s->groups.job = job;
	s->groups.h = &s->h;
	s->groups.dfc = &s->dfc;
	s->groups.n_prompts = prompts_measure(&s->groups.prompt, job->mem, &s->h);
	if (s->groups.n_prompts > 0) {
		size_t n;

		if (rollouts_read(&s->rollout, &n, job->mem, job->spec, job_input(job, &stage_rollouts, 0),
				  e) < 0)
			return -1;
		BUG_ON(n < s->groups.n_prompts);
	}
	return 0;
}

static int run(struct job *job, struct err *e)
{
	struct steer_stage s = { .job = job };
	struct found found;
	int rc = -1;

	if (stage_open(&s, e) < 0)
		goto out;
	if (job->spec->steer.enabled && s.groups.n_prompts > 0 &&
	    (steer_groups_find(&s.groups, e) < 0 || findings_test(&s, e) < 0))
		goto out;
	found = found_of(&s);
	found.zero = s.zero;
	rc = findings_write(&found, job, e);
out:
	steer_groups_release(&s.groups);
	dfc_release(&s.dfc);
	harvested_close(&s.h);
	return rc;
}

const struct stage stage_steer = {
	.name = "steer",
	.version = 19,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
	.report = results_report,
};
