#include "flow/steering.h"

#include "num/fmath.h"
#include "num/ops.h"
#include "num/stats.h"

#include <string.h>

enum { BOOTSTRAP_DRAWS = 1000, MEMBER_TRIES = 64 };

/* Everything one direction is asked: every contested prompt of both kinds, both answers, at every dose. */
struct trial {
	const float *direction;
	double *score[CONTRAST_COUNT]; /* out: (n_doses, n_contested) */
};

/* The directions at once, so that feeds are full. `dose` (n_doses). */
static int trials_run(const struct finding *f, const struct steering_job *s, struct trial *trial,
		      size_t n_trials, const double *dose, size_t n_doses, struct err *e)
{
	size_t per_dose = 2 * (f->n_contested[CONTRAST_ON] + f->n_contested[CONTRAST_OFF]);
	size_t n = n_trials * n_doses * per_dose, at = 0;
	struct reading_task *task = mem_alloc(n + 1, sizeof(*task));

	for (size_t t = 0; t < n_trials; t++) {
		for (size_t z = 0; z < n_doses; z++) {
			for (size_t k = 0; k < CONTRAST_COUNT; k++) {
				for (size_t i = 0; i < 2 * f->n_contested[k]; i++) {
					const struct contested *c = &f->contested[k][i / 2];

					task[at++] = (struct reading_task){ .id = c->id[i % 2],
									    .n_prompt = c->n_prompt,
									    .n = c->n[i % 2],
									    .steering = { trial[t].direction,
											  (float)dose[z] } };
				}
			}
		}
	}
	if (contrast_read(task, n, s->session, &s->session_opts, s->layer, e) < 0) {
		mem_free(task);
		return -1;
	}
	at = 0;
	for (size_t t = 0; t < n_trials; t++) {
		for (size_t z = 0; z < n_doses; z++) {
			for (size_t k = 0; k < CONTRAST_COUNT; k++) {
				for (size_t i = 0; i < f->n_contested[k]; i++, at += 2)
					trial[t].score[k][z * f->n_contested[k] + i] =
						task[at].logp - task[at + 1].logp;
			}
		}
	}
	mem_free(task);
	return 0;
}

static struct trial trial_make(struct arena *mem, const struct finding *f, const float *direction,
			       size_t n_doses)
{
	struct trial t = { .direction = direction };

	for (size_t k = 0; k < CONTRAST_COUNT; k++)
		t.score[k] = ARENA_ARRAY(mem, n_doses * f->n_contested[k] + 1, double);
	return t;
}

/* The doses that make an effect: between -1 and 1, and with coherent text. */
static size_t effect_doses(size_t *at, const struct finding *f, const struct spec *spec)
{
	size_t n = 0;

	for (size_t z = 0; z < spec->steer.n_doses; z++) {
		double dose = spec->steer.dose[z];

		if (dose >= -1 && dose <= 1 && f->point[z].coherence >= spec->steer.coherence)
			at[n++] = z;
	}
	return n;
}

/* The slope of the mean score over the doses dose[0..n_doses), row at[i] of the trial's scores belonging to dose i. */
static double effect(const struct trial *t, const struct finding *f, enum contrast k, const double *dose,
		     const size_t *at, size_t n_doses)
{
	size_t n = f->n_contested[k];
	double *mean = mem_alloc(n_doses + 1, sizeof(*mean)), slope;

	for (size_t z = 0; z < n_doses; z++)
		mean[z] = stats_mean(t->score[k] + at[z] * n, n);
	slope = stats_slope(dose, mean, n_doses);
	mem_free(mean);
	return slope;
}

static float *random_direction(struct arena *mem, const struct steering_job *s, size_t number, size_t i,
			       double norm)
{
	size_t d = s->dfc->shape.d_b;
	float *v = ARENA_ARRAY(mem, d, float);
	struct rng r = rng_stream(s->job->spec->seed, "steer.direction", number * 1000003 + i);
	double length;

	for (size_t k = 0; k < d; k++)
		v[k] = (float)rng_normal(r, k);
	length = fm_sqrt_d(op_norm2_d(v, d));
	op_scale(v, (float)(norm / length), d);
	return v;
}

static bool is_member(const struct group *g, const struct member *m, size_t n, uint32_t latent)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->member[i].latent == latent)
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (m[i].latent == latent)
			return true;
	}
	return false;
}

/* A group of as many other latents that the candidate has and that fire at turn boundaries, of the same norm. */
static float *random_group(struct arena *mem, const struct steering_job *s, const struct group *g,
			   size_t number, size_t i)
{
	size_t d = s->dfc->shape.d_b, n_latents = s->turns->n_latents, n = 0;
	struct member *m = ARENA_ARRAY(mem, g->n + 1, struct member);
	struct rng r = rng_stream(s->job->spec->seed, "steer.group", number * 1000003 + i);
	float *v = ARENA_ARRAY(mem, d, float);
	double length;

	for (size_t k = 0; n < g->n && k < MEMBER_TRIES * n_latents; k++) {
		uint32_t latent = (uint32_t)rng_below(r, k, n_latents);
		bool fires = s->turns->latent_start[latent] < s->turns->latent_start[latent + 1];

		if (fires && dfc_decoder_b(s->dfc, latent) != NULL && !is_member(g, m, n, latent)) {
			m[n] = (struct member){ latent, g->member[n].weight };
			n++;
		}
	}
	group_direction(v, s->dfc, m, n);
	length = fm_sqrt_d(op_norm2_d(v, d));
	if (length > 0)
		op_scale(v, (float)(g->norm / length), d);
	return v;
}

static void null_moments(struct null *null)
{
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		null->mean[k] = stats_mean(null->slope[k], null->n);
		null->sd[k] = stats_sd(null->slope[k], null->n);
	}
}

/* What every trial of a finding is asked: all doses, and those of them that make the effect. */
struct doses {
	const double *all;
	size_t n_all;
	double *counted;     /* (n) */
	size_t *at, *direct; /* (n) their places among all; 0 .. n-1 */
	size_t n;
};

/* Random directions at every dose (the band of the chart), random groups where the effect is measured. */
static int nulls_run(struct finding *f, const struct steering_job *s, size_t number, const struct doses *d,
		     struct arena *mem, struct err *e)
{
	size_t n = s->job->spec->steer.controls;
	double *at_dose = ARENA_ARRAY(mem, n, double);
	struct trial *trial = ARENA_ARRAY(mem, n, struct trial);

	for (size_t w = 0; w < 2; w++) {
		size_t count = w == 0 ? d->n_all : d->n;

		f->null[w].n = n;
		for (size_t i = 0; i < n; i++)
			trial[i] = trial_make(mem, f,
					      w == 0 ? random_direction(mem, s, number, i, f->group->norm)
						     : random_group(mem, s, f->group, number, i),
					      count);
		if (trials_run(f, s, trial, n, w == 0 ? d->all : d->counted, count, e) < 0)
			return -1;
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			f->null[w].slope[k] = ARENA_ARRAY(s->job->mem, n, double);
			for (size_t i = 0; i < n; i++)
				f->null[w].slope[k][i] = effect(&trial[i], f, (enum contrast)k, d->counted,
								w == 0 ? d->at : d->direct, d->n);
			for (size_t z = 0; w == 0 && z < d->n_all; z++) {
				for (size_t i = 0; i < n; i++)
					at_dose[i] = stats_mean(trial[i].score[k] + z * f->n_contested[k],
								f->n_contested[k]);
				f->point[z].null_lo[k] = stats_quantile(at_dose, n, 0.025);
				f->point[z].null_hi[k] = stats_quantile(at_dose, n, 0.975);
			}
		}
		null_moments(&f->null[w]);
	}
	return 0;
}

/* KL divergence of the next token after the prompt, unsteered from steered, mean over OFF prompts. */
static int divergence_run(struct finding *f, const struct steering_job *s, const double *dose, size_t n_doses,
			  struct err *e)
{
	size_t n = f->n_contested[CONTRAST_OFF], v = model_arch(s->model)->n_vocab;
	struct reading_task *task = mem_alloc(n + 1, sizeof(*task));
	float *logits = mem_alloc(2 * n * v + 1, sizeof(*logits));
	int rc = 0;

	for (size_t z = 0; z <= n_doses && rc == 0; z++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++) {
			const struct contested *c = &f->contested[CONTRAST_OFF][i];

			task[i] = (struct reading_task){ .id = c->id[1],
							 .n_prompt = c->n_prompt,
							 .n = c->n_prompt,
							 .logits = logits + (z == 0 ? i : n + i) * v };
			if (z > 0)
				task[i].steering =
					(struct steering){ f->group->direction, (float)dose[z - 1] };
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

static void effects_measure(struct finding *f, const struct steering_job *s, size_t number,
			    const struct trial *own, const struct doses *d)
{
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t n = f->n_contested[k];

		f->slope[k] = effect(own, f, (enum contrast)k, d->counted, d->at, d->n);
		for (size_t w = 0; w < 2; w++)
			f->z[k][w] = f->null[w].sd[k] > 0
					     ? (f->slope[k] - f->null[w].mean[k]) / f->null[w].sd[k]
					     : 0;
		for (size_t z = 0; z < d->n_all; z++) {
			struct rng r = rng_stream(s->job->spec->seed, "steer.bootstrap",
						  (number * 1000003 + z) * 2 + k);

			f->point[z].score[k] =
				stats_bootstrap_mean(own->score[k] + z * n, n, 0.95, BOOTSTRAP_DRAWS, r);
			if (d->all[z] == 0)
				f->unsteered[k] = f->point[z].score[k].mean;
		}
	}
}

int finding_test(struct finding *f, const struct steering_job *s, size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct arena mem = ARENA_INIT;
	struct doses d = { .all = spec->steer.dose, .n_all = spec->steer.n_doses };
	struct trial own = trial_make(&mem, f, f->group->direction, d.n_all);
	int rc = -1;

	f->point = ARENA_ARRAY(s->job->mem, d.n_all, struct point);
	for (size_t z = 0; z < d.n_all; z++)
		f->point[z].dose = d.all[z];
	if (finding_generate(f, s, e) < 0)
		goto out;
	d.at = ARENA_ARRAY(&mem, d.n_all, size_t);
	d.direct = ARENA_ARRAY(&mem, d.n_all, size_t);
	d.counted = ARENA_ARRAY(&mem, d.n_all, double);
	d.n = effect_doses(d.at, f, spec);
	for (size_t i = 0; i < d.n; i++) {
		d.counted[i] = d.all[d.at[i]];
		d.direct[i] = i;
		f->keeps_text[d.counted[i] > 0] |= d.counted[i] != 0;
	}
	if (trials_run(f, s, &own, 1, d.all, d.n_all, e) < 0 || nulls_run(f, s, number, &d, &mem, e) < 0 ||
	    divergence_run(f, s, d.all, d.n_all, e) < 0)
		goto out;
	effects_measure(f, s, number, &own, &d);
	f->tested = true;
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}

/* A null effect as the others of its null see it: less their mean, over their deviation. */
static double left_out(const double *slope, size_t n, size_t i)
{
	double sum = 0, square = 0, mean, sd;

	for (size_t k = 0; k < n; k++)
		sum += k == i ? 0 : slope[k];
	mean = sum / (double)(n - 1);
	for (size_t k = 0; k < n; k++)
		square += k == i ? 0 : (slope[k] - mean) * (slope[k] - mean);
	sd = fm_sqrt_d(square / (double)(n - 2));
	return sd > 0 ? (slope[i] - mean) / sd : 0;
}

/*
 * One-sided p of an effect against a null, in standard deviations, pooled over all findings: each brings its controls, so
 * the resolution grows with the number of findings that Benjamini-Hochberg corrects for.
 */
static double pooled_p(const struct finding *f, size_t n, double z, size_t k, size_t w)
{
	size_t above = 0, total = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; f[i].tested && c < f[i].null[w].n; c++) {
			above += left_out(f[i].null[w].slope[k], f[i].null[w].n, c) >= z;
			total++;
		}
	}
	return (1.0 + (double)above) / (1.0 + (double)total);
}

static void judge(struct finding *f, const struct spec *spec, struct arena *mem)
{
	bool suppresses = f->slope[CONTRAST_ON] > 0 && f->z[CONTRAST_ON][0] > 0 && f->z[CONTRAST_ON][1] > 0;
	bool amplifies = f->slope[CONTRAST_OFF] > 0 && f->z[CONTRAST_OFF][0] > 0 && f->z[CONTRAST_OFF][1] > 0;

	if (suppresses && amplifies && f->q <= spec->steer.alpha && f->keeps_text[0] && f->keeps_text[1]) {
		f->confirmed = true;
		f->verdict = "confirmed: amplifies and suppresses";
		return;
	}
	f->verdict = arena_fmt(
		mem, "not confirmed: %s",
		!f->keeps_text[0] || !f->keeps_text[1] ? "no dose keeps the text coherent on both signs"
		: !suppresses ? "suppressing it does not move its prompts towards the base's answer"
		: !amplifies  ? "amplifying it does not move other prompts towards its answer"
			      : "the effect lies within the controls");
}

void findings_judge(struct finding *f, size_t n, const struct spec *spec, struct arena *mem)
{
	double *p = ARENA_ARRAY(mem, n + 1, double), *q = ARENA_ARRAY(mem, n + 1, double);
	size_t *of = ARENA_ARRAY(mem, n + 1, size_t), tested = 0;

	for (size_t i = 0; i < n; i++) {
		if (!f[i].tested) {
			f[i].verdict = "not tested: too few held-out prompts show it";
			continue;
		}
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			for (size_t w = 0; w < 2; w++) {
				double one = pooled_p(f, n, f[i].z[k][w], k, w);

				f[i].p = one > f[i].p ? one : f[i].p;
			}
		}
		p[tested] = f[i].p;
		of[tested++] = i;
	}
	stats_bh(q, p, tested);
	for (size_t i = 0; i < tested; i++) {
		f[of[i]].q = q[i];
		judge(&f[of[i]], spec, mem);
	}
}
