#include "flow/stage.h"

#include "base/log.h"
#include "base/unicode.h"
#include "flow/forecast.h"
#include "flow/reader.h"
#include "flow/rollouts.h"
#include "model/generate.h"
#include "model/model.h"

/*
 * Both models answer every prompt.  The unit is a wave of ROLLOUT_WAVE prompts of one side: a file of its own.
 */

static const struct spec_model *side_model(const struct spec *s, size_t side)
{
	return side == SIDE_BASE ? &s->base : &s->candidate;
}

static size_t answer_limit(const struct spec *s)
{
	size_t most = 0;

	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		const struct spec_source *src = &s->corpus.source[i];

		if (src->kind == SOURCE_ROLLOUTS && src->max_tokens > most)
			most = src->max_tokens;
	}
	return most;
}

static struct session_opts wave_session(const struct spec *s)
{
	return (struct session_opts){ .max_seqs = ROLLOUT_WAVE,
				      .max_context = s->corpus.context,
				      .max_rows = 512 };
}

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
	struct session_opts o = wave_session(s);
	struct corpus_forecast c;
	size_t tokens;
	size_t a = session_bytes(p->base, &o), b = session_bytes(p->candidate, &o);

	(void)step;
	forecast_corpus(&c, p);
	tokens = c.prompts * (answer_limit(s) + 32);
	a += forecast_weights(p, SIDE_BASE);
	b += forecast_weights(p, SIDE_CANDIDATE);
	out->memory = FORECAST_BASE + (a > b ? a : b);
	out->pace = PACE_CANDIDATE;
	out->disk = tokens * 2 * 8;
	out->work =
		(double)tokens * (forecast_token(p->base, SIZE_MAX) + forecast_token(p->candidate, SIZE_MAX));
}

/* An answer of a chat is a message of its own; what goes on from plain text is text behind it. */
static void answer_text(struct str *out, const struct reader *r, const struct rollout *asked,
			const struct prompt *prompt, const struct continuation *c)
{
	if (asked->chat)
		tokenizer_decode(out, r->tokenizer, c->id, c->n, true);
	else
		tokenizer_decode_after(out, r->tokenizer, prompt->id, prompt->n, c->id, c->n);
}

/* Ends `o`, a wave's file. */
static int wave_write(struct out *o, const struct reader *r, const struct rollout *asked,
		      const struct prompt *prompt, const struct continuation *c, size_t n, struct err *e)
{
	struct str text = STR_INIT, nfc = STR_INIT, line = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		struct json_out j = JSON_TO_STR(&line);

		str_clear(&text);
		str_clear(&nfc);
		str_clear(&line);
		answer_text(&text, r, &asked[i], &prompt[i], &c[i]);
		if (utf8_nfc(&nfc, str_view(&text), e) < 0) {
			out_abort(o);
			goto fail;
		}
		j.compact = true;
		json_open(&j, NULL, '{');
		json_open(&j, "ids", '[');
		for (size_t k = 0; k < c[i].n; k++)
			json_put_int(&j, NULL, c[i].id[k]);
		json_close(&j, ']');
		json_put_str(&j, "text", str_view(&nfc));
		json_put_bool(&j, "ended", c[i].stopped_by >= 0);
		json_close(&j, '}');
		out_put(o, line.p, line.n);
		out_put(o, "\n", 1);
	}
	str_release(&text);
	str_release(&nfc);
	str_release(&line);
	return out_commit(o, NULL, e);
fail:
	str_release(&text);
	str_release(&nfc);
	str_release(&line);
	return -1;
}

/* n prompts of one source, which says how they are answered. */
static int stretch_run(struct continuation *c, struct arena *mem, const struct spec *spec, struct session *s,
		       const struct reader *r, const struct prompt *prompt, size_t n, size_t source,
		       size_t number, struct err *e)
{
	const struct spec_source *src = &spec->corpus.source[source];
	struct generate_opts o = { .max_tokens = src->max_tokens,
				   .stop = r->stop,
				   .n_stop = r->n_stop,
				   .temperature = src->temperature,
				   .top_p = src->top_p,
				   .number = number,
				   .seed = spec->seed };

	return generate(c, mem, s, prompt, n, (struct taps){ NULL, 0 }, NULL, &o, e);
}

static int wave_run(struct job *job, struct session *s, const struct reader *r, enum side side,
		    const struct rollout *all, size_t first, size_t n, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct prompt *prompt = ARENA_ARRAY(&mem, n, struct prompt);
	struct continuation *c = ARENA_ARRAY(&mem, n, struct continuation);
	struct out *o;
	int rc = -1;

	for (size_t i = 0; i < n; i++) {
		const struct rollout *it = &all[first + i];
		struct reading in;

		if (reader_prompt(&in, &mem, r, it->prompt.text, it->chat, e) < 0)
			goto out;
		if (in.n + 2 > job->spec->corpus.context) {
			err_set(e, ERR_INPUT,
				"%s: the prompt has %zu tokens and the context is %zu; raise corpus.context",
				source_place(&mem, job->spec, it->prompt.source, it->prompt.line), in.n,
				job->spec->corpus.context);
			goto out;
		}
		prompt[i] = (struct prompt){ in.id, in.n };
	}
	for (size_t i = 0, m; i < n; i += m) {
		for (m = 1; i + m < n && all[first + i + m].prompt.source == all[first + i].prompt.source;
		     m++)
			;
		if (stretch_run(c + i, &mem, job->spec, s, r, prompt + i, m, all[first + i].prompt.source,
				first + i, e) < 0)
			goto out;
	}
	if (artifact_out(&o, job->out, rollouts_file(job->mem, side, first / ROLLOUT_WAVE), e) < 0)
		goto out;
	rc = wave_write(o, r, all + first, prompt, c, n, e);
out:
	arena_release(&mem);
	return rc;
}

static int side_run(struct job *job, enum side side, const struct rollout *all, size_t n, struct err *e)
{
	const struct spec_model *m = side_model(job->spec, side);
	struct session_opts o = wave_session(job->spec);
	struct model *model = NULL;
	struct session *session = NULL;
	struct reader reader = { .tokenizer = NULL };
	int rc = -1;

	if (model_open(&model, m->dir, e) < 0 || session_new(&session, model, job->par, &o, e) < 0 ||
	    reader_open(&reader, job->mem, job->spec, m, e) < 0)
		goto out;
	for (size_t first = 0; first < n; first += ROLLOUT_WAVE) {
		size_t rows = n - first < ROLLOUT_WAVE ? n - first : ROLLOUT_WAVE;

		if (!artifact_has(job->out, rollouts_file(job->mem, side, first / ROLLOUT_WAVE)) &&
		    (job_may_go_on(job, e) < 0 ||
		     wave_run(job, session, &reader, side, all, first, rows, e) < 0))
			goto out;
		log_progress(job->step->label, (size_t)side * n + first + rows, 2 * n, NULL);
	}
	rc = 0;
out:
	reader_close(&reader);
	session_free(session);
	model_close(model);
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
