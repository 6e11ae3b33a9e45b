#include "flow/survey_parts.h"

#include "base/log.h"
#include "flow/answers.h"
#include "flow/forecast.h"
#include "flow/stage.h"
#include "num/fmath.h"

/*
 * How long the answers of a source of rollouts are.  Where the cache has them they are read.  Else both models answer some
 * prompts, a wave at a time, until the whole corpus is known well enough or the work that a plan may do is done; models for
 * which a wave would be more than that are not run, and every answer counts as long as it may get.
 */

enum { PROMPT_BYTES = 1 << 20, TRIED_LEAST = 2 * ROLLOUT_WAVE, CLOSING = 2 };

/* Floating-point operations that a survey spends on answers: a few seconds. */
static const double work_most = 1.5e11;
/* Two standard deviations of the corpus's pairs, as a share of them, that are close enough. */
static const double close_enough = 0.01;

struct asking {
	struct surveyor *s;
	const struct spec_source *src;
	size_t source;
	struct drawn *d;
	struct unit *unit;		/* (d->n) */
	double asked[SIDE_COUNT];	/* tokens that each side read and wrote for the units so far */
	struct answerer by[SIDE_COUNT]; /* while answers are tried */
};

static struct rollout rollout_of(const struct asking *a, size_t i)
{
	return (struct rollout){ .prompt = a->d->item[i], .chat = a->src->chat };
}

static void estimate(struct part *out, const struct asking *a, size_t n)
{
	part_estimate(out, a->d, a->unit, n, a->s->plan->spec->corpus.context, false);
	out->prompts = a->d->whole;
	for (size_t s = 0; s < SIDE_COUNT; s++)
		out->answer[s] = a->asked[s] * a->d->whole / (double)n;
}

/* ---- as long as they may get ---- */

static int prompt_longest(struct asking *a, size_t i, struct err *e)
{
	double context = (double)a->s->plan->spec->corpus.context, longest = (double)a->src->max_tokens;
	double content[SIDE_COUNT] = { 0 }, least;
	struct unit *u = &a->unit[i];
	struct arena mem = ARENA_INIT;
	int rc = 0;

	*u = (struct unit){ .documents = 2 };
	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++) {
		struct reading r;
		double all;

		rc = reader_prompt(&r, &mem, &a->s->reader[s], a->d->item[i].text, a->src->chat, e);
		if (rc < 0)
			break;
		for (size_t k = 0; k < r.n; k++)
			content[s] += r.kind[k] == TOKEN_CONTENT;
		all = (double)r.n + longest + CLOSING;
		u->tokens[s] = 2 * (all < context ? all : context);
		a->asked[s] += (double)r.n + longest;
	}
	least = (content[0] < content[1] ? content[0] : content[1]) + longest + 1;
	u->pairs = 2 * (least < context ? least : context);
	arena_release(&mem);
	return rc;
}

static int longest(struct part *out, struct asking *a, struct err *e)
{
	for (size_t i = 0; i < a->d->n; i++) {
		if (prompt_longest(a, i, e) < 0)
			return -1;
	}
	estimate(out, a, a->d->n);
	return 0;
}

/* ---- as they are ---- */

/* The documents of n answered prompts from the i-th of the sample on. */
static int answered(struct asking *a, const struct rollout *r, size_t i, size_t n, struct err *e)
{
	struct entry entry[2 * ROLLOUT_WAVE];
	size_t of[2 * ROLLOUT_WAVE], entries = 0;

	for (size_t k = 0; k < n; k++) {
		size_t more = entry_rollout(entry + entries, &r[k], i + k);

		a->unit[i + k] = (struct unit){ .documents = 0 };
		for (; more > 0; more--)
			of[entries++] = i + k;
	}
	return surveyor_read(a->s, a->unit, entry, of, entries, e);
}

static int side_answer(struct asking *a, struct arena *mem, struct rollout *r, enum side side, size_t i,
		       size_t n, struct err *e)
{
	const struct answerer *by = &a->by[side];
	struct said *c = ARENA_ARRAY(mem, n, struct said);
	int rc = answerer_run(c, mem, by, r, n, i, e);

	for (size_t k = 0; k < n && rc == 0; k++) {
		struct str text = STR_INIT;

		rc = answerer_text(&text, by, &r[k], &c[k], e);
		a->asked[side] += (double)(c[k].prompt.n + c[k].answer.n);
		r[k].answer[side].text =
			(struct view){ arena_strdup(mem, text.n > 0 ? text.p : "", text.n), text.n };
		str_release(&text);
	}
	return rc;
}

static double work_of(const struct asking *a)
{
	const struct plan *p = a->s->plan;

	return a->asked[SIDE_BASE] * forecast_token(p->base, SIZE_MAX) +
	       a->asked[SIDE_CANDIDATE] * forecast_token(p->candidate, SIZE_MAX);
}

/* A wave of prompts that both models answer. */
static int wave_try(struct asking *a, size_t i, size_t n, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct rollout r[ROLLOUT_WAVE];
	int rc = 0;

	for (size_t k = 0; k < n; k++)
		r[k] = rollout_of(a, i + k);
	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++)
		rc = side_answer(a, &mem, r, (enum side)s, i, n, e);
	if (rc == 0)
		rc = answered(a, r, i, n, e);
	arena_release(&mem);
	return rc;
}

static bool known(const struct part *part, const struct part *others)
{
	return 2 * fm_sqrt_d(part->variance + others->variance) <=
	       close_enough * (part->pairs + others->pairs);
}

static int waves_try(struct part *out, struct corpus_forecast *c, struct asking *a, double most,
		     const struct part *others, struct err *e)
{
	double began = log_clock(), spent = 0;
	size_t done = 0, n;

	for (; done < a->d->n; done += n) {
		n = a->d->n - done < ROLLOUT_WAVE ? a->d->n - done : ROLLOUT_WAVE;
		if (done > 0 && spent * (double)(done + n) / (double)done > most)
			break;
		if (wave_try(a, done, n, e) < 0)
			return -1;
		spent = work_of(a);
		estimate(out, a, done + n);
		if (done + n >= TRIED_LEAST && known(out, others)) {
			done += n;
			break;
		}
	}
	c->answers = ANSWERS_TRIED;
	c->tried += done;
	c->pace = spent / (log_clock() - began + 1e-9);
	return 0;
}

static int tried(struct part *out, struct corpus_forecast *c, struct asking *a, double most,
		 const struct part *others, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int rc = 0;

	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++)
		rc = answerer_open(&a->by[s], &mem, a->s->plan->spec, (enum side)s, a->s->opts->par, e);
	if (rc == 0)
		rc = waves_try(out, c, a, most, others, e);
	for (size_t s = 0; s < SIDE_COUNT; s++)
		answerer_close(&a->by[s]);
	arena_release(&mem);
	return rc;
}

/* ---- as the cache has them ---- */

static const struct step *rollouts_step(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->step[i].stage == &stage_rollouts)
			return &p->step[i];
	return NULL;
}

static int there(struct part *out, struct asking *a, struct arena *mem, const struct rollout *all, size_t n,
		 const struct part *others, struct err *e)
{
	struct rollout wave[ROLLOUT_WAVE];
	size_t done = 0, m, *order = drawn_order(mem, n, n);

	for (; done < n; done += m) {
		m = n - done < ROLLOUT_WAVE ? n - done : ROLLOUT_WAVE;
		for (size_t k = 0; k < m; k++) {
			wave[k] = all[order[done + k]];
			for (size_t s = 0; s < SIDE_COUNT; s++)
				a->asked[s] += (double)wave[k].answer[s].n;
		}
		if (answered(a, wave, done, m, e) < 0)
			return -1;
		estimate(out, a, done + m);
		if (done + m >= TRIED_LEAST && known(out, others))
			break;
	}
	return 0;
}

/* The rollouts of the source, of a complete artifact. */
static int cached(struct part *out, struct surveyor *s, size_t source, const struct step *step,
		  const struct part *others, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	struct arena mem = ARENA_INIT;
	struct drawn d = { .n = 0 };
	struct asking a = { .s = s, .src = &spec->corpus.source[source], .source = source, .d = &d };
	struct artifact artifact;
	struct rollout *all;
	size_t n, first = 0;
	int rc = artifact_open(&artifact, s->opts->cache, step->key, e);

	if (rc == 0)
		rc = rollouts_read(&all, &n, &mem, spec, &artifact, e);
	if (rc == 0) {
		while (first < n && all[first].prompt.source != source)
			first++;
		while (first + d.n < n && all[first + d.n].prompt.source == source)
			d.n++;
		d.whole = (double)d.n;
		a.unit = ARENA_ARRAY(&mem, d.n, struct unit);
		rc = there(out, &a, &mem, all + first, d.n, others, e);
	}
	arena_release(&mem);
	return rc;
}

/* Of each source of rollouts its part of the work. */
static double work_allowed(const struct spec *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->corpus.n_sources; i++)
		n += s->corpus.source[i].kind == SOURCE_ROLLOUTS;
	return work_most / (double)n;
}

int survey_answers(struct part *out, struct corpus_forecast *c, struct surveyor *s, size_t source,
		   const struct part *others, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	const struct step *step = rollouts_step(s->plan);
	struct asking a = { .s = s, .src = &spec->corpus.source[source], .source = source };
	struct arena mem = ARENA_INIT;
	struct err damaged = ERR_INIT;
	double most = work_allowed(spec);
	int rc;

	/* what is damaged there a run makes anew */
	if (step->state == STEP_DONE && cached(out, s, source, step, others, &damaged) == 0) {
		c->answers = ANSWERS_THERE;
		return 0;
	}
	rc = drawn_make(&a.d, &mem, spec, source, PROMPT_BYTES, e);
	if (rc == 0) {
		a.unit = ARENA_ARRAY(&mem, a.d->n, struct unit);
		rc = longest(out, &a, e);
	}
	if (rc == 0 && s->opts->try_answers &&
	    work_of(&a) * ROLLOUT_WAVE / (double)(a.d->n > ROLLOUT_WAVE ? a.d->n : ROLLOUT_WAVE) <= most) {
		a.asked[0] = a.asked[1] = 0;
		rc = tried(out, c, &a, most, others, e);
	} else if (rc == 0) {
		c->answers = ANSWERS_LONGEST;
	}
	arena_release(&mem);
	return rc;
}
