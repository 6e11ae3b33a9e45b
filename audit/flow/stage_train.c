#include "flow/stage.h"

#include "base/log.h"
#include "base/map.h"
#include "base/rng.h"
#include "dict/batch.h"
#include "flow/forecast.h"
#include "flow/harvested.h"

#include <stdio.h>
#include <string.h>

/*
 * One dictionary of one seed.  Every checkpoint_every steps the trainer and the curve so far are saved, the curve first, so
 * that a checkpoint always has its curve; the newest are kept, and none is left in the complete artifact.
 */

/* SAVE_SHARE: what a checkpoint took times this goes by until the next one. */
enum { CURVE_LIMIT = 256 << 20, SAVE_SHARE = 20 };

struct curve {
	struct train_stats *at;
	size_t n, cap;
};

struct training {
	struct job *job;
	struct harvested h;
	struct subset train, test;
	struct train_data data;
	struct trainer *trainer;
	struct train_opts opts;
	struct curve curve;
	size_t saved[16], n_saved; /* steps with a checkpoint, oldest first */
	size_t streamed_to;	   /* without a store: the step up to which the buffers have the rows */
};

static struct train_opts train_opts_of(const struct plan *p, const struct step *step)
{
	struct train_opts o = p->spec->train;

	o.seed = p->spec->dictionary.seed[step->index];
	if (step->stage == &stage_null) /* another start and another order of the data than any of the list */
		o.seed = rng_u64(rng_stream(o.seed, "null", 0), 0) >> 11;
	return o;
}

static struct dfc_shape train_shape(const struct plan *p, const struct step *step)
{
	struct dfc_shape s = forecast_dictionary(p);

	s.d_b = step->stage == &stage_null ? s.d_a : s.d_b;
	return s;
}

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	struct train_opts o = p->spec->train;

	/* When checkpoints are written changes no byte of what is left in the end. */
	o.checkpoint_every = o.checkpoint_keep = 1;
	json_put_real(key, "held_out", p->spec->corpus.held_out);
	json_put_size(key, "latents", p->spec->dictionary.latents);
	json_put_real(key, "exclusive", p->spec->dictionary.exclusive);
	json_put_size(key, "seed", train_opts_of(p, step).seed);
	field_write(key, field_find(spec_fields, "train")->inner, &o);
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	struct dfc_shape shape = train_shape(p, step);
	struct train_opts o = train_opts_of(p, step);

	forecast_rows(out, p, step, (double)o.batch * (double)o.steps, true);
	out->memory += trainer_bytes(&shape, &o) + (uint64_t)(p->corpus.pairs * 24);
	out->disk = trainer_bytes(&shape, &o) * (o.checkpoint_keep + 1);
	out->work += forecast_training(p);
	out->pace = PACE_TRAIN;
}

static const char *step_file(const struct training *t, const char *what, size_t step)
{
	return arena_fmt(t->job->mem, "%s-%08zu", what, step);
}

static void curve_add(struct curve *c, const struct train_stats *s)
{
	c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof(*c->at));
	c->at[c->n++] = *s;
}

static int curve_write(const struct training *t, const char *name, struct err *e)
{
	struct out *o;

	if (artifact_out(&o, t->job->out, name, e) < 0)
		return -1;
	out_put(o, t->curve.at, t->curve.n * sizeof(*t->curve.at));
	return out_commit(o, NULL, e);
}

static int curve_read(struct training *t, const char *name, struct err *e)
{
	struct view v;

	if (file_read(&v, t->job->mem, artifact_path(t->job->mem, t->job->out, name), CURVE_LIMIT, e) < 0)
		return -1;
	if (v.n % sizeof(struct train_stats) != 0)
		return err_set(e, ERR_INPUT, "%s: ends inside a record", name);
	t->curve.n = 0;
	for (size_t i = 0; i < v.n; i += sizeof(struct train_stats)) {
		struct train_stats s;

		memcpy(&s, v.p + i, sizeof(s));
		curve_add(&t->curve, &s);
	}
	return 0;
}

static int checkpoint_drop(struct training *t, size_t keep, struct err *e)
{
	while (t->n_saved > keep) {
		if (artifact_drop(t->job->out, step_file(t, "checkpoint", t->saved[0]), e) < 0 ||
		    artifact_drop(t->job->out, step_file(t, "curve", t->saved[0]), e) < 0)
			return -1;
		memmove(t->saved, t->saved + 1, --t->n_saved * sizeof(*t->saved));
	}
	return 0;
}

static int checkpoint_save(struct training *t, struct err *e)
{
	size_t step = trainer_at(t->trainer);

	if (curve_write(t, step_file(t, "curve", step), e) < 0 ||
	    trainer_save(t->trainer,
			 artifact_path(t->job->mem, t->job->out, step_file(t, "checkpoint", step)), e) < 0)
		return -1;
	t->saved[t->n_saved++] = step;
	return checkpoint_drop(t, t->opts.checkpoint_keep, e);
}

/* Goes on from the newest checkpoint that reads well; older ones and the start are what is left otherwise. */
static int checkpoint_load(struct training *t, struct err *e)
{
	char **name;
	size_t n;

	if (dir_list(&name, &n, t->job->mem, t->job->out->dir, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t step;

		if (strncmp(name[i], "checkpoint-", 11) != 0 || !view_u64(&step, view_of(name[i] + 11)))
			continue;
		if (t->n_saved == sizeof(t->saved) / sizeof(*t->saved) &&
		    checkpoint_drop(t, t->n_saved - 1, e) < 0)
			return -1;
		t->saved[t->n_saved++] = (size_t)step;
	}
	for (size_t i = t->n_saved; i-- > 0;) {
		struct err why = ERR_INIT;
		const char *file = step_file(t, "checkpoint", t->saved[i]);

		if (curve_read(t, step_file(t, "curve", t->saved[i]), &why) == 0 &&
		    trainer_load(t->trainer, artifact_path(t->job->mem, t->job->out, file), &why) == 0)
			return 0;
		log_warn("%s: set aside: %s", file, why.msg);
		if (artifact_drop(t->job->out, file, e) < 0)
			return -1;
		t->n_saved = i;
	}
	t->curve.n = 0;
	return 0;
}

/* What was trained since the last checkpoint is saved before the run ends for want of time. */
static int time_up(struct training *t)
{
	struct err why = ERR_INIT;

	if (checkpoint_save(t, &why) < 0)
		log_warn("%s", why.msg);
	return -1;
}

/*
 * Without a store: the rows of as many further steps as the buffers hold, in one reading of the corpus.  A step's rows are
 * a function of its number, so this changes no bit of what is trained.
 */
static int rows_ahead(struct training *t, struct err *e)
{
	size_t step = trainer_at(t->trainer), room = streamed_room(t->job->plan), n = 0, cap = 0;
	uint32_t *batch = mem_alloc(t->opts.batch, sizeof(*batch)), *row = NULL;
	bool *taken = mem_alloc(t->h.n_rows, sizeof(*taken));
	struct sampler sampler;
	int rc = sampler_new(&sampler, &t->data, e);

	for (size_t last = n; rc == 0 && step < t->opts.steps; step++, last = n) {
		sampler_batch(&sampler, batch, &t->opts, step);
		row = mem_grow(row, &cap, n + t->opts.batch, sizeof(*row));
		for (size_t i = 0; i < t->opts.batch; i++) {
			uint32_t at = t->train.index[batch[i]];

			if (!taken[at])
				row[n++] = at;
			taken[at] = true;
		}
		if (n > room) {
			n = last > 0 ? last : n; /* of a single step that is too much, the buffer says so */
			break;
		}
	}
	if (rc == 0)
		sampler_release(&sampler);
	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++)
		rc = streamed_want(t->h.streamed[s], row, n, e);
	t->streamed_to = step;
	mem_free(taken);
	mem_free(batch);
	mem_free(row);
	return rc;
}

static int train_steps(struct training *t, struct err *e)
{
	double saved = log_clock(), began = saved, cost = 0.0;
	size_t first = trainer_at(t->trainer);

	while (trainer_at(t->trainer) < t->opts.steps) {
		struct train_stats s;
		size_t done;

		if (t->h.streamed[0] != NULL && trainer_at(t->trainer) >= t->streamed_to &&
		    rows_ahead(t, e) < 0)
			return -1;
		if (trainer_step(t->trainer, &s, e) < 0)
			return -1;
		done = trainer_at(t->trainer);
		if (s.step % t->opts.log_every == 0 || done == t->opts.steps)
			curve_add(&t->curve, &s);
		/* When to save is free: it cannot change a byte of the result. */
		if (done < t->opts.steps && done % t->opts.checkpoint_every == 0 &&
		    log_clock() - saved >= SAVE_SHARE * cost) {
			cost = -log_clock();
			if (checkpoint_save(t, e) < 0)
				return -1;
			saved = log_clock();
			cost += saved;
		}
		if (done < t->opts.steps && job_may_go_on(t->job, e) < 0)
			return time_up(t);
		if (s.step % t->opts.log_every == 0 || done == t->opts.steps) {
			double rate =
				(double)(done - first) * (double)t->opts.batch / (log_clock() - began + 1e-9);
			char detail[96];

			snprintf(detail, sizeof(detail), "%.0f pairs/s, FVE %.3f %.3f", rate, s.fve_a,
				 s.fve_b);
			log_progress(t->job->step->label, done, t->opts.steps, detail);
		}
	}
	return 0;
}

static void heldout_write(struct json_out *j, const struct heldout *h)
{
	json_put_size(j, "rows", h->rows);
	json_put_real(j, "fve", h->fve);
	json_put_real(j, "fve_base", h->fve_a);
	json_put_real(j, "fve_candidate", h->fve_b);
	json_put_real(j, "fve_shared_only", h->fve_shared);
	json_put_real(j, "fve_shared_only_base", h->fve_shared_a);
	json_put_real(j, "fve_shared_only_candidate", h->fve_shared_b);
	json_put_real(j, "l0", h->l0[0] + h->l0[1] + h->l0[2]);
	json_put_real(j, "l0_base_only", h->l0[PARTITION_A]);
	json_put_real(j, "l0_shared", h->l0[PARTITION_SHARED]);
	json_put_real(j, "l0_candidate_only", h->l0[PARTITION_B]);
	json_put_real(j, "dead_base_only", h->dead[PARTITION_A]);
	json_put_real(j, "dead_shared", h->dead[PARTITION_SHARED]);
	json_put_real(j, "dead_candidate_only", h->dead[PARTITION_B]);
}

static void stats_write(struct json_out *j, const struct train_stats *s)
{
	json_put_size(j, "step", s->step);
	json_put_real(j, "loss", s->loss);
	json_put_real(j, "fve_base", s->fve_a);
	json_put_real(j, "fve_candidate", s->fve_b);
	json_put_real(j, "l0_base_only", s->l0[PARTITION_A]);
	json_put_real(j, "l0_shared", s->l0[PARTITION_SHARED]);
	json_put_real(j, "l0_candidate_only", s->l0[PARTITION_B]);
	json_put_real(j, "dead_base_only", s->dead[PARTITION_A]);
	json_put_real(j, "dead_shared", s->dead[PARTITION_SHARED]);
	json_put_real(j, "dead_candidate_only", s->dead[PARTITION_B]);
	json_put_real(j, "threshold", s->threshold);
	json_put_real(j, "grad_norm", s->grad_norm);
	json_put_real(j, "k", s->k);
}

static int summary_write(const struct training *t, const struct heldout *held, struct err *e)
{
	const struct dfc *d = trainer_dict(t->trainer);
	struct train_moves moves = trainer_moves(t->trainer);
	struct json_out j;

	if (artifact_json(&j, t->job->out, "training.json", e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	json_put_size(&j, "seed", t->opts.seed);
	json_put_size(&j, "latents", dfc_latents(&d->shape));
	json_put_size(&j, "base_only", d->shape.n_a);
	json_put_size(&j, "shared", d->shape.n_shared);
	json_put_size(&j, "candidate_only", d->shape.n_b);
	json_put_size(&j, "k", t->opts.k);
	json_put_size(&j, "steps", t->opts.steps);
	json_put_size(&j, "rows", t->train.n);
	json_put_bool(&j, "enriched", t->data.weight != NULL);
	json_put_real(&j, "scale_base", (double)d->scale_a);
	json_put_real(&j, "scale_candidate", (double)d->scale_b);
	json_put_real(&j, "threshold", (double)d->threshold);
	json_open(&j, "moves", '{');
	json_put_size(&j, "promoted", moves.promoted);
	json_put_size(&j, "demoted", moves.demoted);
	json_put_size(&j, "reseeded", moves.reseeded);
	json_put_size(&j, "folded", moves.folded);
	json_close(&j, '}');
	json_open(&j, "curve", '[');
	for (size_t i = 0; i < t->curve.n; i++) {
		json_open(&j, NULL, '{');
		stats_write(&j, &t->curve.at[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "held_out", '{');
	heldout_write(&j, held);
	json_close(&j, '}');
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}

static int finish(struct training *t, struct err *e)
{
	struct train_data test = subset_data(&t->test, NULL, NULL);
	struct heldout held;

	if (dfc_evaluate(&held, trainer_dict(t->trainer), t->job->par, &test, e) < 0 ||
	    dfc_write(trainer_dict(t->trainer), artifact_path(t->job->mem, t->job->out, "dfc.bin"), e) < 0 ||
	    summary_write(t, &held, e) < 0)
		return -1;
	return checkpoint_drop(t, 0, e);
}

static int train_open(struct training *t, struct err *e)
{
	struct job *job = t->job;
	struct dfc_shape shape = train_shape(job->plan, job->step);
	double *weight = NULL, *lead = NULL;

	if (harvested_open(&t->h, job, e) < 0)
		return -1;
	subset_make(&t->train, job->mem, &t->h, false);
	subset_make(&t->test, job->mem, &t->h, true);
	t->train.null = t->test.null = job->step->stage == &stage_null;
	if (t->train.n < t->opts.batch)
		return err_set(
			e, ERR_INPUT,
			"%zu pairs to train on are less than one batch of %zu; add documents or lower train.batch",
			t->train.n, t->opts.batch);
	if (t->test.n == 0)
		return err_set(e, ERR_INPUT, "no document is held out; raise corpus.held_out");
	if (t->opts.enrich > 0 && job->spec->harvest.gap)
		weight = subset_weights(job->mem, &t->train, t->opts.enrich_above, t->opts.enrich_turns);
	if (t->opts.seeded > 0 && job->spec->harvest.gap)
		lead = subset_lead(job->mem, &t->train, t->opts.enrich_above);
	t->data = subset_data(&t->train, weight, lead);
	return trainer_new(&t->trainer, &shape, &t->opts, &t->data, job->par, e);
}

static int run(struct job *job, struct err *e)
{
	struct training t = { .job = job, .opts = train_opts_of(job->plan, job->step) };
	int rc = -1;

	if (train_open(&t, e) < 0 || checkpoint_load(&t, e) < 0 || train_steps(&t, e) < 0 ||
	    finish(&t, e) < 0)
		goto out;
	rc = 0;
out:
	trainer_free(t.trainer);
	mem_free(t.curve.at);
	subset_release(&t.train);
	subset_release(&t.test);
	harvested_close(&t.h);
	return rc;
}

const struct stage stage_train = {
	.name = "train",
	.version = 3,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};

/* The null diff (METHOD section 5): the same rows, drawn and begun alike, but the base's activations on both sides. */
const struct stage stage_null = {
	.name = "null",
	.version = 1,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
