#include "study/contrast.h"

#include "num/ops.h"

#include <stdbool.h>
#include <string.h>

/* The share of the dose that a position gets. */
static float share_at(const struct steering *s, uint32_t position, uint32_t turn)
{
	if (s->direction == NULL)
		return 0;
	switch (s->where) {
	case INJECT_TURN: return position == turn;
	case INJECT_ANSWER: return position >= turn;
	case INJECT_NATURAL:
		return position >= turn && position - turn < s->n_share ? s->share[position - turn] : 0;
	default: return 1;
	}
}

void steer_tap(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	const struct steer_tap *t = ud;
	size_t first = t->first != NULL ? *t->first : 0;

	for (size_t i = 0; i < rows->n; i++) {
		size_t at = first + rows->seq[i];

		float share = share_at(&t->steering[at], rows->position[i], t->turn[at]);

		if (share != 0)
			op_axpy(x + i * d_model, share * t->steering[at].dose, t->steering[at].direction,
				d_model);
	}
}

/* A text's residual stream before it is steered: the rows from the first that steering may touch. */
struct stream {
	const int32_t *id; /* of the text, borrowed; NULL: none */
	size_t n;
	float *x; /* (max_rows, d_model) */
};

enum { STREAMS = 2 }; /* both answers to a prompt */

/*
 * Place 0 holds the prompt that the tasks of a feed share; they stand in places 1 .. n_seqs.  The last place is where a text's
 * stream is made: what is steered differs only from there on, so a text goes through the blocks below once for all directions
 * and doses that follow each other.
 */
struct feed {
	struct session *session;
	size_t layer, d;
	struct stream stream[STREAMS];
	size_t oldest;
	bool steered; /* the feed's tasks: they enter above `layer` */
	float *x;     /* (max_rows, d_model) */
	struct reading_task *task;
	const struct reading_task *held; /* whose prompt place 0 holds; NULL: none */
	size_t n_held;			 /* tokens of it */
	struct steering *steering;	 /* (max_seqs) by place */
	uint32_t *turn;			 /* (max_seqs) */
	size_t *number;			 /* (max_seqs) of the task */
	uint32_t *last;			 /* (max_seqs) row of the prompt's last token */
	int32_t *id, *target;		 /* (max_rows) */
	uint32_t *seq, *row, *place;
	size_t *of; /* (max_rows) the task a target belongs to */
	double *logp;
	size_t n, n_seqs, n_targets;
};

static int feed_run(struct feed *f, struct err *e)
{
	struct steer_tap ud = { .steering = f->steering, .turn = f->turn };
	struct tap tap = { .layer = f->layer, .fn = steer_tap, .ud = &ud };
	int rc;

	if (f->n == 0)
		return 0;
	if (f->steered)
		rc = session_feed_above(f->session, f->x, f->id, f->seq, f->n, f->layer + 1,
					(struct taps){ &tap, 1 }, e);
	else
		rc = session_feed(f->session, f->id, f->seq, f->n, SIZE_MAX, (struct taps){ NULL, 0 }, e);
	if (rc < 0)
		return -1;
	session_logprobs(f->session, f->logp, f->row, f->target, f->n_targets);
	for (size_t i = 0; i < f->n_targets; i++) {
		struct reading_task *t = &f->task[f->of[i]];

		t->logp += f->logp[i];
		t->least = f->logp[i] < t->least ? f->logp[i] : t->least;
	}
	for (size_t place = 1; place <= f->n_seqs; place++) {
		struct reading_task *t = &f->task[f->number[place]];

		if (t->logits != NULL)
			session_logits(f->session, t->logits, &f->last[place], 1);
	}
	f->n = f->n_seqs = f->n_targets = 0;
	return 0;
}

/* The tokens before the first one that steering may touch. */
static size_t shared_tokens(const struct reading_task *t)
{
	return t->steering.direction != NULL && t->steering.where == INJECT_ALL ? 0 : t->n_prompt - 1;
}

/* Place 0 comes to hold the task's prompt as far as it can be shared. */
static int prompt_hold(struct feed *f, const struct reading_task *t, struct err *e)
{
	size_t n = shared_tokens(t);
	bool same = f->held != NULL && n == f->n_held && memcmp(t->id, f->held->id, n * sizeof(*t->id)) == 0;

	if (same)
		return 0;
	if (feed_run(f, e) < 0)
		return -1;
	session_rewind(f->session, 0, 0);
	for (size_t i = 0; i < STREAMS; i++)
		f->stream[i].id = NULL;
	f->held = t;
	f->n_held = n;
	if (n == 0)
		return 0;
	memset(f->seq, 0, n * sizeof(*f->seq));
	return session_feed(f->session, t->id, f->seq, n, SIZE_MAX, (struct taps){ NULL, 0 }, e);
}

/* Rows of a text that a feed has: from the first that is not shared; nothing is asked of the last token of an answer. */
static size_t rows_of(const struct feed *f, const struct reading_task *t)
{
	return (t->n > t->n_prompt ? t->n - 1 : t->n) - f->n_held;
}

static void stream_tap(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	memcpy(((struct stream *)ud)->x, x, rows->n * d_model * sizeof(*x));
}

/* The text's stream, made where it is not the one of a task just before. */
static const struct stream *stream_of(struct feed *f, const struct reading_task *t, uint32_t place,
				      struct err *e)
{
	struct stream *s = &f->stream[f->oldest];
	struct tap tap = { .layer = f->layer, .fn = stream_tap, .ud = s };
	size_t n = rows_of(f, t);

	for (size_t i = 0; i < STREAMS; i++) {
		if (f->stream[i].id == t->id && f->stream[i].n == t->n)
			return &f->stream[i];
	}
	f->oldest = (f->oldest + 1) % STREAMS;
	session_fork(f->session, place, 0, 0);
	for (size_t i = 0; i < n; i++)
		f->place[i] = place;
	if (session_feed(f->session, t->id + f->n_held, f->place, n, f->layer + 1, (struct taps){ &tap, 1 },
			 e) < 0)
		return NULL;
	s->id = t->id;
	s->n = t->n;
	return s;
}

/* stream: NULL where the task is not steered. */
static void feed_add(struct feed *f, const struct reading_task *t, const struct stream *stream)
{
	uint32_t place = (uint32_t)++f->n_seqs;
	size_t n = rows_of(f, t);

	session_fork(f->session, place, 0, stream != NULL ? f->layer + 1 : 0);
	if (stream != NULL)
		memcpy(f->x + f->n * f->d, stream->x, n * f->d * sizeof(*f->x));
	f->steered = stream != NULL;
	f->steering[place] = t->steering;
	f->turn[place] = (uint32_t)(t->n_prompt - 1);
	f->number[place] = (size_t)(t - f->task);
	for (size_t i = f->n_held; i < f->n_held + n; i++) {
		if (i + 1 == t->n_prompt)
			f->last[place] = (uint32_t)f->n;
		if (i + 1 >= t->n_prompt && i + 1 < t->n) {
			f->row[f->n_targets] = (uint32_t)f->n;
			f->target[f->n_targets] = t->id[i + 1];
			f->of[f->n_targets++] = f->number[place];
		}
		f->id[f->n] = t->id[i];
		f->seq[f->n++] = place;
	}
}

static int task_take(struct feed *f, struct reading_task *t, const struct session_opts *o, struct err *e)
{
	bool is_steered = t->steering.direction != NULL;
	const struct stream *stream = NULL;

	BUG_ON(t->n_prompt == 0 || t->n_prompt > t->n);
	if (t->n > o->max_rows || t->n > o->max_context)
		return err_set(e, ERR_INPUT, "a prompt and its answer have %zu tokens; %zu fit", t->n,
			       o->max_context < o->max_rows ? o->max_context : o->max_rows);
	t->logp = t->least = 0;
	if (prompt_hold(f, t, e) < 0)
		return -1;
	if ((f->n_seqs + 2 == o->max_seqs || f->n + t->n > o->max_rows || f->steered != is_steered) &&
	    feed_run(f, e) < 0)
		return -1;
	if (is_steered) {
		stream = stream_of(f, t, (uint32_t)o->max_seqs - 1, e);
		if (stream == NULL)
			return -1;
	}
	feed_add(f, t, stream);
	return 0;
}

size_t contrast_bytes(const struct arch *a, const struct session_opts *o)
{
	return (1 + STREAMS) * o->max_rows * a->d_model * sizeof(float);
}

int contrast_read(struct reading_task *task, size_t n, struct session *s, const struct session_opts *o,
		  size_t layer, struct err *e)
{
	struct arena mem = ARENA_INIT;
	size_t d = model_arch(session_model(s))->d_model;
	struct feed f = {
		.session = s,
		.layer = layer,
		.d = d,
		.task = task,
		.x = ARENA_ARRAY(&mem, o->max_rows * d, float),
		.place = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.steering = ARENA_ARRAY(&mem, o->max_seqs, struct steering),
		.turn = ARENA_ARRAY(&mem, o->max_seqs, uint32_t),
		.number = ARENA_ARRAY(&mem, o->max_seqs, size_t),
		.last = ARENA_ARRAY(&mem, o->max_seqs, uint32_t),
		.id = ARENA_ARRAY(&mem, o->max_rows, int32_t),
		.target = ARENA_ARRAY(&mem, o->max_rows, int32_t),
		.seq = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.row = ARENA_ARRAY(&mem, o->max_rows, uint32_t),
		.of = ARENA_ARRAY(&mem, o->max_rows, size_t),
		.logp = ARENA_ARRAY(&mem, o->max_rows, double),
	};
	int rc = 0;

	BUG_ON(o->max_seqs < CONTRAST_SEQS);
	for (size_t i = 0; i < STREAMS; i++)
		f.stream[i].x = ARENA_ARRAY(&mem, o->max_rows * d, float);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = task_take(&f, &task[i], o, e);
	if (rc == 0)
		rc = feed_run(&f, e);
	arena_release(&mem);
	return rc;
}
