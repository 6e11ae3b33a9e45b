#include "flow/steering.h"

#include <string.h>

/*
 * Read-back: the generated texts through the unsteered model and the dictionary. How strongly the latents fire that only this
 * model has and that stand in the finding's answers: its own text should express the feature without being steered.
 */

struct captured {
	const uint32_t *first; /* by place: position of the first token of the answer */
	float *x;	       /* (rows, d) of answers */
	uint32_t *place;
	size_t n;
};

static void capture_tap(void *ud, float *x, size_t d, const struct rows *rows)
{
	struct captured *c = ud;

	for (size_t i = 0; i < rows->n; i++) {
		if (rows->position[i] < c->first[rows->seq[i]])
			continue;
		memcpy(c->x + c->n * d, x + i * d, d * sizeof(*x));
		c->place[c->n++] = rows->seq[i];
	}
}

struct reader_feed {
	int32_t *id;
	uint32_t *seq, *first;
	size_t *of, *tokens; /* by place: the text; tokens of its answer */
	size_t n, n_seqs;
};

static int read_feed(struct reader_feed *r, struct generated *out, const struct finding *f,
		     const struct steering_job *s, struct arena *mem, struct err *e)
{
	size_t d = dfc_width(&s->dfc->shape, s->candidate);
	struct captured c = { .first = r->first,
			      .x = ARENA_ARRAY(mem, r->n * d + 1, float),
			      .place = ARENA_ARRAY(mem, r->n + 1, uint32_t) };
	struct tap tap = { .layer = s->layer, .fn = capture_tap, .ud = &c };
	/* Exclusive latents see nothing of the other model's side. */
	float *none = ARENA_ARRAY(mem, r->n * dfc_width(&s->dfc->shape, !s->candidate) + 1, float);
	struct codes codes = { .n = 0 };

	if (r->n == 0)
		return 0;
	for (uint32_t i = 0; i < r->n_seqs; i++)
		session_rewind(s->session, i, 0);
	if (session_feed(s->session, r->id, r->seq, r->n, s->layer + 1, (struct taps){ &tap, 1 }, e) < 0)
		return -1;
	for (uint32_t i = 0; i < r->n_seqs; i++)
		session_rewind(s->session, i, 0);
	if (c.n > 0 && dfc_encode(&codes, s->dfc, s->job->par, s->candidate ? none : c.x,
				  s->candidate ? c.x : none, c.n, e) < 0)
		return -1;
	for (size_t i = 0; i < c.n; i++) {
		for (size_t k = codes.start[i]; k < codes.start[i + 1]; k++) {
			for (size_t m = 0; m < f->n_said; m++) {
				if (codes.latent[k] == f->said[m])
					out[r->of[c.place[i]]].read_back +=
						(double)codes.value[k] / (double)r->tokens[c.place[i]];
			}
		}
	}
	codes_release(&codes);
	r->n = r->n_seqs = 0;
	return 0;
}

int texts_read_back(struct generated *out, const struct reading_task *text, size_t n, const struct finding *f,
		    const struct steering_job *s, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const struct session_opts *o = &s->session_opts;
	struct reader_feed r = { .id = ARENA_ARRAY(&mem, o->max_rows, int32_t),
				 .seq = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
				 .first = ARENA_ARRAY(&mem, o->max_seqs, uint32_t),
				 .of = ARENA_ARRAY(&mem, o->max_seqs, size_t),
				 .tokens = ARENA_ARRAY(&mem, o->max_seqs, size_t) };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && f->n_said > 0; i++) {
		const struct reading_task *t = &text[i];

		if (r.n_seqs == o->max_seqs || r.n + t->n > o->max_rows)
			rc = read_feed(&r, out, f, s, &mem, e);
		r.first[r.n_seqs] = (uint32_t)t->n_prompt;
		r.of[r.n_seqs] = i;
		r.tokens[r.n_seqs] = t->n - t->n_prompt;
		for (size_t k = 0; k < t->n; k++) {
			r.id[r.n] = t->id[k];
			r.seq[r.n++] = (uint32_t)r.n_seqs;
		}
		r.n_seqs++;
	}
	if (rc == 0)
		rc = read_feed(&r, out, f, s, &mem, e);
	arena_release(&mem);
	return rc;
}
