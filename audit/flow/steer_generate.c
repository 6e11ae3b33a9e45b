#include "flow/steering.h"

#include "model/generate.h"
#include "num/fmath.h"

/*
 * What a reader can look at: the candidate's greedy answers at each dose, and how far the unsteered model finds that text
 * likely (coherence).
 */

/* Share of a text's bigrams that did not stand in it before: 1 where nothing repeats. */
static double distinct_bigrams(const int32_t *id, size_t n)
{
	size_t fresh = 0;

	if (n < 2)
		return 1;
	for (size_t i = 0; i + 1 < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = id[k] == id[i] && id[k + 1] == id[i + 1];
		fresh += !seen;
	}
	return (double)fresh / (double)(n - 1);
}

struct shown {
	struct prompt *prompt;
	struct steering *steering;
	uint32_t *turn;
	struct generated *out;
	size_t n;
};

static void shown_make(struct shown *w, const struct finding *f, const struct steering_job *s,
		       struct arena *mem)
{
	const struct spec *spec = s->job->spec;
	size_t most = (f->n_contested[CONTRAST_ON] + f->n_contested[CONTRAST_OFF]) * spec->steer.n_doses;

	w->prompt = ARENA_ARRAY(mem, most + 1, struct prompt);
	w->steering = ARENA_ARRAY(mem, most + 1, struct steering);
	w->turn = ARENA_ARRAY(mem, most + 1, uint32_t);
	w->out = ARENA_ARRAY(s->job->mem, most + 1, struct generated);
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t i = 0; i < f->n_contested[k]; i++) {
			for (size_t z = 0; z < spec->steer.n_doses; z++) {
				const struct contested *c = &f->contested[k][i];

				w->prompt[w->n] = (struct prompt){ c->id[0], c->n_prompt };
				w->steering[w->n] =
					finding_steering(f, s, f->group->aim->direction, spec->steer.dose[z]);
				w->turn[w->n] = (uint32_t)(c->n_prompt - 1);
				w->out[w->n++] = (struct generated){ .prompt = c->prompt,
								     .dose = z,
								     .kind = (enum contrast)k };
			}
		}
	}
}

/* The generated texts through the unsteered model. */
static int shown_score(struct shown *w, const struct continuation *c, const struct finding *f,
		       const struct steering_job *s, struct arena *mem, struct err *e)
{
	struct reading_task *task = ARENA_ARRAY(mem, w->n + 1, struct reading_task);

	for (size_t i = 0; i < w->n; i++) {
		size_t n = w->prompt[i].n + c[i].n;
		int32_t *id = ARENA_ARRAY(mem, n, int32_t);

		for (size_t k = 0; k < n; k++)
			id[k] = k < w->prompt[i].n ? w->prompt[i].id[k] : c[i].id[k - w->prompt[i].n];
		task[i] = (struct reading_task){ .id = id, .n_prompt = w->prompt[i].n, .n = n };
	}
	if (contrast_read(task, w->n, s->session, &s->session_opts, s->layer, e) < 0 ||
	    texts_read_back(w->out, task, w->n, f, s, e) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++) {
		struct str text = STR_INIT;

		w->out[i].logp = c[i].n > 1 ? (task[i].logp - task[i].least) / (double)(c[i].n - 1) : 0;
		w->out[i].distinct = distinct_bigrams(c[i].id, c[i].n);
		tokenizer_decode(&text, s->tokenizer, c[i].id, c[i].n, true);
		w->out[i].text =
			(struct view){ arena_strdup(s->job->mem, text.n > 0 ? text.p : "", text.n), text.n };
		str_release(&text);
	}
	return 0;
}

/*
 * Coherence of a dose, 1 at dose 0: exp of the change in log-probability a token (so a ratio of perplexities), times the
 * change in distinct bigrams; at most 1.  The least likely token of each text is left out: where steering turns the answer,
 * the turn itself is unlikely to the unsteered model, and that is no lack of coherence.  Mean over the prompts on which the dose counts: suppressing on ON prompts,
 * amplifying on OFF prompts.
 */
static void coherence_measure(struct finding *f, const struct spec *spec)
{
	size_t zero = 0;

	while (zero + 1 < spec->steer.n_doses && spec->steer.dose[zero] != 0)
		zero++;
	for (size_t z = 0; z < spec->steer.n_doses; z++) {
		double sum = 0;
		size_t n = 0;

		for (size_t i = 0; i < f->n_generated; i++) {
			const struct generated *g = &f->generated[i], *base;
			double ratio;

			if (g->dose != z || (spec->steer.dose[z] < 0) != (g->kind == CONTRAST_ON))
				continue;
			base = g - z + zero;
			ratio = fm_exp_d(g->logp - base->logp) *
				(base->distinct > 0 ? g->distinct / base->distinct : 1);
			sum += ratio < 1 ? ratio : 1;
			n++;
		}
		f->point[z].coherence = n > 0 ? sum / (double)n : 1;
	}
}

static void read_back_measure(struct finding *f)
{
	for (size_t i = 0; i < f->n_generated; i++) {
		const struct generated *g = &f->generated[i];

		f->point[g->dose].read_back[g->kind] += g->read_back / (double)f->n_contested[g->kind];
	}
}

int finding_generate(struct finding *f, const struct steering_job *s, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct arena mem = ARENA_INIT;
	struct shown w = { .n = 0 };
	struct generate_opts o = { .max_tokens = spec->steer.max_tokens,
				   .stop = s->stop,
				   .n_stop = s->n_stop };
	struct continuation *c;
	size_t first = 0;
	int rc = -1;

	shown_make(&w, f, s, &mem);
	struct steer_tap ud = { .steering = w.steering, .turn = w.turn, .first = &first };
	struct tap tap = { .layer = s->layer, .fn = steer_tap, .ud = &ud };

	c = ARENA_ARRAY(&mem, w.n + 1, struct continuation);
	if (generate(c, &mem, s->session, w.prompt, w.n, (struct taps){ &tap, 1 }, &first, &o, e) < 0 ||
	    shown_score(&w, c, f, s, &mem, e) < 0)
		goto out;
	f->generated = w.out;
	f->n_generated = w.n;
	coherence_measure(f, spec);
	read_back_measure(f);
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}
