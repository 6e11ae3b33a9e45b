#include "flow/steering.h"

#include "model/matcher.h"

#include <string.h>

/*
 * The behaviours that a spec declares, at each dose: answers that match (regex), how much more likely the model finds an
 * answer that shows it than one that does not (shows, instead), and how likely a text of the spec's (target).
 */

static int hits_count(struct finding *f, const struct spec *spec, size_t b, struct err *e)
{
	struct matcher *m = NULL;

	if (matcher_open(&m, spec->behaviour[b].regex, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_generated; i++) {
		const struct generated *g = &f->generated[i];
		struct shown_behaviour *s = &f->point[g->dose].behaviour[b];

		s->n[g->kind]++;
		s->hits[g->kind] += matcher_hits(m, g->text);
	}
	matcher_close(m);
	return 0;
}

/* Mean log-probability of `text` as the answer, by kind and dose: sum (CONTRAST_COUNT, n_doses). */
static int text_read(double *sum, struct finding *f, const struct steering_job *s, const char *text,
		     struct arena *mem, struct err *e)
{
	const struct spec *spec = s->job->spec;
	size_t n = 0, at = 0, doses = spec->steer.n_doses;
	struct encoding answer;
	struct reading_task *task =
		ARENA_ARRAY(mem, (f->n_contested[0] + f->n_contested[1]) * doses + 1, struct reading_task);

	if (tokenizer_encode(&answer, mem, s->tokenizer, view_of(text), false, e) < 0)
		return -1;
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t i = 0; i < f->n_contested[k]; i++) {
			const struct contested *c = &f->contested[k][i];
			int32_t *id = ARENA_ARRAY(mem, c->n_prompt + answer.n + 1, int32_t);

			memcpy(id, c->id[0], c->n_prompt * sizeof(*id));
			memcpy(id + c->n_prompt, answer.id, answer.n * sizeof(*id));
			for (size_t z = 0; z < doses; z++, n++)
				task[n] = (struct reading_task){ .id = id,
								 .n_prompt = c->n_prompt,
								 .n = c->n_prompt + answer.n,
								 .steering = finding_steering(
									 f, s, f->group->aim->direction,
									 spec->steer.dose[z]) };
		}
	}
	if (contrast_read(task, n, s->session, &s->session_opts, s->layer, e) < 0)
		return -1;
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t i = 0; i < f->n_contested[k]; i++) {
			for (size_t z = 0; z < doses; z++)
				sum[k * doses + z] += task[at++].logp / (double)f->n_contested[k];
		}
	}
	return 0;
}

static int behaviour_read(struct finding *f, const struct steering_job *s, size_t b, struct arena *mem,
			  struct err *e)
{
	const struct spec_behaviour *it = &s->job->spec->behaviour[b];
	size_t doses = s->job->spec->steer.n_doses;
	const char *const text[] = { it->shows, it->instead, it->target };
	double *sum[3];

	for (size_t i = 0; i < 3; i++) {
		sum[i] = ARENA_ARRAY(mem, CONTRAST_COUNT * doses + 1, double);
		if (text[i] != NULL && text_read(sum[i], f, s, text[i], mem, e) < 0)
			return -1;
	}
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t z = 0; z < doses; z++) {
			struct shown_behaviour *out = &f->point[z].behaviour[b];

			out->odds[k] = sum[0][k * doses + z] - sum[1][k * doses + z];
			out->target[k] = sum[2][k * doses + z];
		}
	}
	return 0;
}

int behaviours_read(struct finding *f, const struct steering_job *s, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int rc = 0;

	for (size_t b = 0; b < s->job->spec->n_behaviours && rc == 0; b++) {
		rc = hits_count(f, s->job->spec, b, e);
		if (rc == 0)
			rc = behaviour_read(f, s, b, &mem, e);
	}
	arena_release(&mem);
	return rc;
}
