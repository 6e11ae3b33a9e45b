#include "study/contrast.h"

#include "num/ops.h"

#include <string.h>

void steer_tap(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	const struct steer_tap *t = ud;
	size_t first = t->first != NULL ? *t->first : 0;

	for (size_t i = 0; i < rows->n; i++) {
		size_t at = first + rows->seq[i];

		if (t->steering[at].direction != NULL && rows->position[i] == t->from[at])
			op_axpy(x + i * d_model, t->steering[at].dose, t->steering[at].direction, d_model);
	}
}

struct feed {
	struct session *session;
	struct steering *steering; /* (max_seqs) */
	uint32_t *from;		   /* (max_seqs) */
	int32_t *id, *target;	   /* (max_rows) */
	uint32_t *seq, *row, *task;
	double *logp;
	size_t n, n_seqs, n_targets, layer;
};

static int feed_run(struct feed *f, struct reading_task *task, size_t first, struct err *e)
{
	struct steer_tap ud = { .steering = f->steering, .from = f->from };
	struct tap tap = { .layer = f->layer, .fn = steer_tap, .ud = &ud };
	size_t row = 0;

	if (f->n == 0)
		return 0;
	if (session_feed(f->session, f->id, f->seq, f->n, SIZE_MAX, (struct taps){ &tap, 1 }, e) < 0)
		return -1;
	session_logprobs(f->session, f->logp, f->row, f->target, f->n_targets);
	for (size_t i = 0; i < f->n_targets; i++) {
		struct reading_task *t = &task[f->task[i]];

		t->logp += f->logp[i];
		t->least = f->logp[i] < t->least ? f->logp[i] : t->least;
	}
	for (size_t i = 0; i < f->n_seqs; i++) {
		struct reading_task *t = &task[first + i];
		uint32_t last = (uint32_t)(row + t->n_prompt - 1);

		if (t->logits != NULL)
			session_logits(f->session, t->logits, &last, 1);
		row += t->n;
		session_rewind(f->session, (uint32_t)i, 0);
	}
	f->n = f->n_seqs = f->n_targets = 0;
	return 0;
}

static void feed_add(struct feed *f, const struct reading_task *t, size_t number)
{
	f->steering[f->n_seqs] = t->steering;
	f->from[f->n_seqs] = (uint32_t)(t->n_prompt - 1);
	for (size_t i = 0; i < t->n; i++) {
		if (i + 1 >= t->n_prompt && i + 1 < t->n) {
			f->row[f->n_targets] = (uint32_t)f->n;
			f->target[f->n_targets] = t->id[i + 1];
			f->task[f->n_targets++] = (uint32_t)number;
		}
		f->id[f->n] = t->id[i];
		f->seq[f->n++] = (uint32_t)f->n_seqs;
	}
	f->n_seqs++;
}

int contrast_read(struct reading_task *task, size_t n, struct session *s, const struct session_opts *o,
		  size_t layer, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct feed f = {
		.session = s,
		.layer = layer,
		.steering = ARENA_ARRAY(&mem, o->max_seqs, struct steering),
		.from = ARENA_ARRAY(&mem, o->max_seqs, uint32_t),
		.id = ARENA_ARRAY(&mem, o->max_rows, int32_t),
		.target = ARENA_ARRAY(&mem, o->max_rows, int32_t),
		.seq = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.row = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.task = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.logp = ARENA_ARRAY(&mem, o->max_rows, double),
	};
	size_t first = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		BUG_ON(task[i].n_prompt == 0 || task[i].n_prompt > task[i].n);
		if (task[i].n > o->max_rows || task[i].n > o->max_context) {
			rc = err_set(e, ERR_INPUT, "a prompt and its answer have %zu tokens; %zu fit",
				     task[i].n, o->max_context < o->max_rows ? o->max_context : o->max_rows);
			break;
		}
		task[i].logp = task[i].least = 0;
		if (f.n_seqs == o->max_seqs || f.n + task[i].n > o->max_rows) {
			rc = feed_run(&f, task, first, e);
			first = i;
		}
		if (rc == 0)
			feed_add(&f, &task[i], i);
	}
	if (rc == 0)
		rc = feed_run(&f, task, first, e);
	arena_release(&mem);
	return rc;
}
