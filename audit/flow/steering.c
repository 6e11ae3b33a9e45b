#include "flow/steering.h"

#include "flow/trials.h"
#include "num/fmath.h"
#include "num/ops.h"

#include <string.h>

enum { BOOTSTRAP_DRAWS = 1000, TREND_DRAWS = 1000 };

struct steering finding_steering(const struct finding *f, const struct steering_job *s,
				 const float *direction, double dose)
{
	return (struct steering){ .direction = direction,
				  .dose = (float)dose,
				  .where = s->job->spec->steer.inject,
				  .share = f->group->aim->share,
				  .n_share = GROUP_SHARES };
}

/* KL divergence of the next token after the prompt, unsteered from steered, mean over OFF prompts. */
static int divergence_run(struct finding *f, const struct steering_job *s, struct err *e)
{
	const struct spec *spec = s->job->spec;
	size_t n = f->n_contested[CONTRAST_OFF], v = model_arch(s->model)->n_vocab;
	struct reading_task *task = mem_alloc(n + 1, sizeof(*task));
	float *logits = mem_alloc(2 * n * v + 1, sizeof(*logits));
	int rc = 0;

	for (size_t z = 0; z <= spec->steer.n_doses && rc == 0; z++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++) {
			const struct contested *c = &f->contested[CONTRAST_OFF][i];

			task[i] = (struct reading_task){ .id = c->id[1],
							 .n_prompt = c->n_prompt,
							 .n = c->n_prompt,
							 .logits = logits + (z == 0 ? i : n + i) * v };
			if (z > 0)
				task[i].steering = finding_steering(f, s, f->group->aim->direction,
								    spec->steer.dose[z - 1]);
		}
		rc = contrast_read(task, n, s->session, &s->session_opts, s->layer, e);
		for (size_t i = 0; i < n && z > 0 && rc == 0; i++) {
			const float *a = logits + i * v, *b = logits + (n + i) * v;
			double la = (double)op_logsumexp(a, v), lb = (double)op_logsumexp(b, v);

			for (size_t t = 0; t < v; t++)
				sum += fm_exp_d((double)a[t] - la) * ((double)a[t] - la - (double)b[t] + lb);
		}
		if (z > 0)
			f->point[z - 1].divergence = n > 0 && sum > 0 ? sum / (double)n : 0;
	}
	mem_free(task);
	mem_free(logits);
	return rc;
}

/* What the group's latents add to the model at one prompt's turn boundary. */
static const float *own_part(struct arena *mem, const struct finding *f, const struct steering_job *s,
			     const struct contested *c)
{
	struct member *m = ARENA_ARRAY(mem, f->group->aim->n + 1, struct member);
	float *v = ARENA_ARRAY(mem, dfc_width(&s->dfc->shape, s->candidate), float);

	for (size_t i = 0; i < f->group->aim->n; i++)
		m[i] = (struct member){ f->group->aim->member[i].latent,
					(double)active_at(s->turns, c->turn,
							  f->group->aim->member[i].latent) };
	group_direction(v, s->dfc, s->candidate, m, f->group->aim->n);
	return v;
}

/* Ablation: each prompt without what the group's latents add to it, where the answer is decided. */
static int ablation_run(struct finding *f, const struct steering_job *s, size_t number, struct err *e)
{
	static const double dose[] = { -1, 0 };
	struct arena mem = ARENA_INIT;
	struct trial t = trial_make(&mem, f, NULL, 2);
	int rc = -1;

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		const float **own = ARENA_ARRAY(&mem, f->n_contested[k] + 1, const float *);

		for (size_t i = 0; i < f->n_contested[k]; i++)
			own[i] = own_part(&mem, f, s, &f->contested[k][i]);
		t.own[k] = own;
	}
	if (trials_run(f, s, &t, 1, dose, 2, NULL, e) < 0)
		goto out;
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t n = f->n_contested[k];

		for (size_t i = 0; i < n; i++)
			t.score[k][i] -= t.score[k][n + i];
		f->effect[k].ablated =
			stats_bootstrap_mean(t.score[k], n, 0.95, BOOTSTRAP_DRAWS,
					     rng_stream(s->job->spec->seed, "steer.ablated", number * 2 + k));
	}
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}

/* What the verdict is made from: the mean slope, how far out of the nulls it is, and whether it follows the doses. */
static void effects_measure(struct finding *f, const struct steering_job *s, size_t number,
			    const struct trial *own, const struct counted *c)
{
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t n = f->n_contested[k];
		double *slope = mem_alloc(n + 1, sizeof(*slope)), *y = mem_alloc(c->n * n + 1, sizeof(*y));
		struct effect *out = &f->effect[k];

		trial_slopes(slope, own, f, (enum contrast)k, c);
		out->slope.mean = stats_mean(slope, n);
		for (size_t z = 0; z < c->of[k]; z++)
			memcpy(y + z * n, own->score[k] + c->at[c->first[k] + z] * n, n * sizeof(*y));
		out->p_trend =
			stats_trend_within_p(c->dose + c->first[k], y, c->of[k], n, TREND_DRAWS,
					     rng_stream(s->job->spec->seed, "steer.trend", number * 2 + k));
		for (size_t w = 0; w < NULL_COUNT; w++)
			out->z[w] = null_z(&f->null[w], (enum contrast)k, out->slope.mean);
		mem_free(slope);
		mem_free(y);
	}
}

/* The smallest slope found four times of five: 0.8416 is the normal quantile of that. */
static double least_slope(const struct finding *f, const double *slope, size_t k, double alpha)
{
	size_t n = f->n_contested[k];
	double critical = 0;

	for (size_t w = 0; w < NULL_GATES; w++) {
		double at = stats_quantile(f->null[w].slope[k], f->null[w].n, 1 - alpha);

		critical = at > critical ? at : critical;
	}
	return critical + 0.8416 * stats_error(slope, n);
}

/* What the reader is shown beside: intervals, the smallest slope to be found, the score at each dose. */
static void effects_show(struct finding *f, const struct steering_job *s, size_t number,
			 const struct trial *own, const struct counted *c)
{
	const struct spec *spec = s->job->spec;

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t n = f->n_contested[k];
		double *slope = mem_alloc(n + 1, sizeof(*slope));

		trial_slopes(slope, own, f, (enum contrast)k, c);
		f->effect[k].slope =
			stats_bootstrap_mean(slope, n, 0.95, BOOTSTRAP_DRAWS,
					     rng_stream(spec->seed, "steer.slope", number * 2 + k));
		f->effect[k].least = least_slope(f, slope, k, spec->steer.alpha);
		mem_free(slope);
		for (size_t z = 0; z < spec->steer.n_doses; z++) {
			struct rng r =
				rng_stream(spec->seed, "steer.bootstrap", (number * 1000003 + z) * 2 + k);

			f->point[z].score[k] =
				stats_bootstrap_mean(own->score[k] + z * n, n, 0.95, BOOTSTRAP_DRAWS, r);
			if (spec->steer.dose[z] == 0)
				f->effect[k].unsteered = f->point[z].score[k].mean;
		}
	}
}

static int nulls_run(struct finding *f, const struct steering_job *s, size_t number, const struct counted *c,
		     struct err *e)
{
	const struct spec *spec = s->job->spec;

	for (size_t w = 0; w < NULL_COUNT; w++) {
		if (null_run(f, s, (enum null_kind)w, number, c,
			     w < NULL_GATES ? spec->steer.controls : few_controls(spec), w == NULL_DIRECTIONS,
			     e) < 0)
			return -1;
	}
	return 0;
}

int finding_test(struct finding *f, const struct steering_job *s, size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct arena mem = ARENA_INIT;
	struct trial own = trial_make(&mem, f, f->group->aim->direction, spec->steer.n_doses);
	struct counted c;
	int rc = -1;

	if (doses_try(f, s, e) < 0)
		goto out;
	c = doses_count(f, spec, &mem);
	if (trials_run(f, s, &own, 1, spec->steer.dose, spec->steer.n_doses, NULL, e) < 0 ||
	    nulls_run(f, s, number, &c, e) < 0 || divergence_run(f, s, e) < 0 ||
	    ablation_run(f, s, number, e) < 0 || behaviours_read(f, s, e) < 0)
		goto out;
	effects_measure(f, s, number, &own, &c);
	effects_show(f, s, number, &own, &c);
	f->tested = true;
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}

int zero_check(struct zero_check *out, const struct finding *f, const struct steering_job *s, size_t n,
	       struct err *e)
{
	const struct spec *spec = s->job->spec;
	int rc = 0;

	*out = (struct zero_check){ .n = 0 };
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct arena mem = ARENA_INIT;
		struct finding g = *f;
		struct trial t;
		/* Draws that no null has used: its own stream number. */
		float *v = null_direction(&mem, s, f->group, NULL_GROUPS, SIZE_MAX / 2000006, i);

		g.confirmed = false;
		g.point = ARENA_ARRAY(&mem, spec->steer.n_doses, struct point);
		memcpy(g.point, f->point, spec->steer.n_doses * sizeof(*g.point));
		if (v != NULL) {
			struct counted c = doses_count(&g, spec, &mem);

			t = trial_make(&mem, f, v, spec->steer.n_doses);
			rc = trials_run(f, s, &t, 1, spec->steer.dose, spec->steer.n_doses, &c, e);
			if (rc == 0) {
				effects_measure(&g, s, spec->steer.findings + i, &t, &c);
				findings_judge(&g, 1, spec, &mem);
				out->n++;
				out->confirmed += g.confirmed;
			}
		}
		arena_release(&mem);
	}
	return rc;
}
