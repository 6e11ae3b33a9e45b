#include "flow/stage.h"

#include "base/log.h"
#include "flow/answers.h"
#include "flow/forecast.h"

/*
 * Both models answer every prompt.  The unit is a wave of ROLLOUT_WAVE prompts of one side: a file of its own.
 */

enum { TOKEN_BYTES = 10 }; /* of an answer's file: its number and its text */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;

	(void)step;
	key_model(key, p, "base");
	key_model(key, p, "candidate");
	json_put_size(key, "seed", s->seed);
	json_put_size(key, "context", s->corpus.context);
	json_puts(key, "date", s->corpus.date);
	json_open(key, "sources", '[');
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		if (s->corpus.source[i].kind == SOURCE_ROLLOUTS)
			key_source(key, p, i);
	}
	json_close(key, ']');
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;
	struct session_opts o = answerer_session(s);
	struct corpus_forecast c;
	size_t a = session_bytes(p->base, &o), b = session_bytes(p->candidate, &o);

	(void)step;
	forecast_corpus(&c, p);
	a += forecast_weights(p, SIDE_BASE);
	b += forecast_weights(p, SIDE_CANDIDATE);
	out->memory = FORECAST_BASE + (a > b ? a : b);
	out->pace = PACE_ANSWERS;
	out->disk = (uint64_t)((c.answer[0] + c.answer[1]) * TOKEN_BYTES);
	out->work = c.answer[0] * forecast_token(p->base, SIZE_MAX) +
		    c.answer[1] * forecast_token(p->candidate, SIZE_MAX);
}

static int wave_write(const struct job *job, const struct answerer *by, enum side side, size_t wave,
		      const struct rollout *asked, const struct said *c, size_t n, struct err *e)
{
	struct str text = STR_INIT, line = STR_INIT;
	struct out *o;
	int rc = artifact_out(&o, job->out, rollouts_file(job->mem, side, wave), e);

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct json_out j = JSON_TO_STR(&line);

		str_clear(&text);
		str_clear(&line);
		rc = answerer_text(&text, by, &asked[i], &c[i], e);
		if (rc < 0) {
			out_abort(o);
			break;
		}
		j.compact = true;
		json_open(&j, NULL, '{');
		json_open(&j, "ids", '[');
		for (size_t k = 0; k < c[i].answer.n; k++)
			json_put_int(&j, NULL, c[i].answer.id[k]);
		json_close(&j, ']');
		json_put_str(&j, "text", str_view(&text));
		json_put_bool(&j, "ended", c[i].answer.stopped_by >= 0);
		json_close(&j, '}');
		out_put(o, line.p, line.n);
		out_put(o, "\n", 1);
	}
	str_release(&text);
	str_release(&line);
	return rc == 0 ? out_commit(o, NULL, e) : -1;
}

static int wave_run(struct job *job, const struct answerer *by, enum side side, const struct rollout *all,
		    size_t first, size_t n, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct said *c = ARENA_ARRAY(&mem, n, struct said);
	int rc = answerer_run(c, &mem, by, all + first, n, first, e);

	if (rc == 0)
		rc = wave_write(job, by, side, first / ROLLOUT_WAVE, all + first, c, n, e);
	arena_release(&mem);
	return rc;
}

static int side_run(struct job *job, enum side side, const struct rollout *all, size_t n, struct err *e)
{
	struct answerer by;
	int rc = answerer_open(&by, job->mem, job->spec, side, job->par, e);

	if (rc < 0)
		return -1;
	for (size_t first = 0; first < n && rc == 0; first += ROLLOUT_WAVE) {
		size_t rows = n - first < ROLLOUT_WAVE ? n - first : ROLLOUT_WAVE;

		if (!artifact_has(job->out, rollouts_file(job->mem, side, first / ROLLOUT_WAVE))) {
			rc = job_may_go_on(job, e);
			if (rc == 0)
				rc = wave_run(job, &by, side, all, first, rows, e);
		}
		if (rc == 0)
			log_progress(job->step->label, (size_t)side * n + first + rows, 2 * n, NULL);
	}
	answerer_close(&by);
	return rc;
}

static int run(struct job *job, struct err *e)
{
	struct rollout *all;
	size_t n;

	if (rollouts_prompts(&all, &n, job->mem, job->spec, e) < 0)
		return -1;
	for (size_t side = 0; side < SIDE_COUNT; side++) {
		if (side_run(job, (enum side)side, all, n, e) < 0)
			return -1;
	}
	return 0;
}

const struct stage stage_rollouts = {
	.name = "rollouts",
	.version = 3,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
