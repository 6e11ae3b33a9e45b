#include "flow/trials.h"

#include "num/fmath.h"
#include "num/ops.h"

enum { MEMBER_TRIES = 64 };

static const char *const stream_of[NULL_COUNT] = { "steer.direction", "steer.group", "steer.exclusive",
						   "steer.shared" };

int doses_try(struct finding *f, const struct steering_job *s, struct err *e)
{
	const struct spec *spec = s->job->spec;

	f->point = ARENA_ARRAY(s->job->mem, spec->steer.n_doses, struct point);
	for (size_t z = 0; z < spec->steer.n_doses; z++) {
		f->point[z].dose = spec->steer.dose[z];
		f->point[z].behaviour =
			ARENA_ARRAY(s->job->mem, spec->n_behaviours + 1, struct shown_behaviour);
	}
	return finding_generate(f, s, e);
}

struct counted doses_count(struct finding *f, const struct spec *spec, struct arena *mem)
{
	struct counted c = { .dose = ARENA_ARRAY(mem, spec->steer.n_doses, double),
			     .at = ARENA_ARRAY(mem, spec->steer.n_doses, size_t) };

	for (size_t z = 0; z < spec->steer.n_doses; z++) {
		double dose = spec->steer.dose[z];

		if (dose < -1 || dose > 1 || f->point[z].coherence < spec->steer.coherence)
			continue;
		c.dose[c.n] = dose;
		c.at[c.n] = z;
		c.of[CONTRAST_ON] += dose <= 0;
		c.of[CONTRAST_OFF] += dose >= 0;
		c.first[CONTRAST_OFF] += dose < 0;
		c.n++;
		f->keeps_text[dose > 0] |= dose != 0;
	}
	return c;
}

/* Is dose z of those run one that prompts of a kind are read at? */
static bool is_read(const struct counted *only, size_t k, size_t z)
{
	for (size_t i = 0; only != NULL && i < only->of[k]; i++) {
		if (only->at[only->first[k] + i] == z)
			return true;
	}
	return only == NULL;
}

/* In an order in which a prompt's readings stand together. */
static size_t tasks_make(struct reading_task *task, const struct finding *f, const struct steering_job *s,
			 const struct trial *trial, size_t n_trials, const double *dose, size_t n_doses,
			 const struct counted *only)
{
	size_t n = 0;

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t i = 0; i < f->n_contested[k]; i++) {
			const struct contested *c = &f->contested[k][i];

			for (size_t t = 0; t < n_trials; t++) {
				const float *v =
					trial[t].own[k] != NULL ? trial[t].own[k][i] : trial[t].direction;

				for (size_t z = 0; z < n_doses * 2; z++) {
					if (!is_read(only, k, z / 2))
						continue;
					task[n] = (struct reading_task){ .id = c->id[z % 2],
									 .n_prompt = c->n_prompt,
									 .n = c->n[z % 2],
									 .steering = finding_steering(
										 f, s, v, dose[z / 2]) };
					n++;
				}
			}
		}
	}
	return n;
}

int trials_run(const struct finding *f, const struct steering_job *s, struct trial *trial, size_t n_trials,
	       const double *dose, size_t n_doses, const struct counted *only, struct err *e)
{
	size_t prompts = f->n_contested[CONTRAST_ON] + f->n_contested[CONTRAST_OFF], at = 0;
	struct reading_task *task = mem_alloc(n_trials * n_doses * 2 * prompts + 1, sizeof(*task));
	size_t n = tasks_make(task, f, s, trial, n_trials, dose, n_doses, only);

	if (contrast_read(task, n, s->session, &s->session_opts, s->layer, e) < 0) {
		mem_free(task);
		return -1;
	}
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		for (size_t i = 0; i < f->n_contested[k]; i++) {
			for (size_t t = 0; t < n_trials; t++) {
				for (size_t z = 0; z < n_doses; z++) {
					if (!is_read(only, k, z))
						continue;
					trial[t].score[k][z * f->n_contested[k] + i] =
						task[at].logp - task[at + 1].logp;
					at += 2;
				}
			}
		}
	}
	mem_free(task);
	return 0;
}

struct trial trial_make(struct arena *mem, const struct finding *f, const float *direction, size_t n_doses)
{
	struct trial t = { .direction = direction };

	for (size_t k = 0; k < CONTRAST_COUNT; k++)
		t.score[k] = ARENA_ARRAY(mem, n_doses * f->n_contested[k] + 1, double);
	return t;
}

double trial_slope(const struct trial *t, const struct finding *f, enum contrast k, const struct counted *c)
{
	size_t n = f->n_contested[k];
	double *mean = mem_alloc(c->of[k] + 1, sizeof(*mean)), slope;

	for (size_t z = 0; z < c->of[k]; z++)
		mean[z] = stats_mean(t->score[k] + c->at[c->first[k] + z] * n, n);
	slope = stats_slope(c->dose + c->first[k], mean, c->of[k]);
	mem_free(mean);
	return slope;
}

void trial_slopes(double *slope, const struct trial *t, const struct finding *f, enum contrast k,
		  const struct counted *c)
{
	size_t n = f->n_contested[k];
	double *column = mem_alloc(c->of[k] + 1, sizeof(*column));

	for (size_t i = 0; i < n; i++) {
		for (size_t z = 0; z < c->of[k]; z++)
			column[z] = t->score[k][c->at[c->first[k] + z] * n + i];
		slope[i] = stats_slope(c->dose + c->first[k], column, c->of[k]);
	}
	mem_free(column);
}

static void rescale(float *v, double norm, size_t d)
{
	double length = fm_sqrt_d(op_norm2_d(v, d));

	if (length > 0)
		op_scale(v, (float)(norm / length), d);
}

static bool is_member(const struct group *g, const struct member *m, size_t n, uint32_t latent)
{
	for (size_t i = 0; i < g->aim->n; i++) {
		if (g->aim->member[i].latent == latent)
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (m[i].latent == latent)
			return true;
	}
	return false;
}

static bool belongs(const struct steering_job *s, enum null_kind kind, uint32_t latent)
{
	bool exclusive = dfc_is_exclusive(&s->dfc->shape, s->candidate, latent);

	return s->turns->latent_start[latent] < s->turns->latent_start[latent + 1] &&
	       dfc_decoder(s->dfc, s->candidate, latent) != NULL && (kind != NULL_EXCLUSIVE || exclusive) &&
	       (kind != NULL_SHARED || !exclusive);
}

/* As many other latents that the model has and that fire at turn boundaries, as far as there are any. */
static size_t other_members(struct member *m, const struct steering_job *s, const struct group *g,
			    enum null_kind kind, struct rng r)
{
	size_t n_latents = s->turns->n_latents, n = 0;

	for (size_t k = 0; n < g->aim->n && k < MEMBER_TRIES * n_latents; k++) {
		uint32_t latent = (uint32_t)rng_below(r, k, n_latents);

		if (belongs(s, kind, latent) && !is_member(g, m, n, latent)) {
			m[n] = (struct member){ latent, g->aim->member[n].weight };
			n++;
		}
	}
	return n;
}

float *null_direction(struct arena *mem, const struct steering_job *s, const struct group *g,
		      enum null_kind kind, size_t number, size_t i)
{
	size_t d = model_arch(s->model)->d_model, n;
	float *v = ARENA_ARRAY(mem, d, float);
	struct rng r = rng_stream(s->job->spec->seed, stream_of[kind], number * 1000003 + i);
	struct member *m;

	if (kind == NULL_DIRECTIONS) {
		for (size_t k = 0; k < d; k++)
			v[k] = (float)rng_normal(r, k);
		rescale(v, g->aim->norm, d);
		return v;
	}
	m = ARENA_ARRAY(mem, g->aim->n + 1, struct member);
	n = other_members(m, s, g, kind, r);
	if (n == 0)
		return NULL;
	group_direction(v, s->dfc, s->candidate, m, n);
	rescale(v, g->aim->norm, d);
	return v;
}

/* Where random directions take the score at each dose. */
static void band_make(struct finding *f, const struct trial *trial, size_t n, size_t n_doses)
{
	double *x = mem_alloc(n + 1, sizeof(*x));

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t prompts = f->n_contested[k];

		for (size_t z = 0; z < n_doses; z++) {
			for (size_t i = 0; i < n; i++)
				x[i] = stats_mean(trial[i].score[k] + z * prompts, prompts);
			f->point[z].null_lo[k] = stats_quantile(x, n, 0.025);
			f->point[z].null_hi[k] = stats_quantile(x, n, 0.975);
		}
	}
	mem_free(x);
}

static void null_measure(struct null *null, const struct finding *f, const struct trial *trial,
			 const struct counted *c, struct arena *mem)
{
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		null->slope[k] = ARENA_ARRAY(mem, null->n, double);
		for (size_t i = 0; i < null->n; i++)
			null->slope[k][i] = trial_slope(&trial[i], f, (enum contrast)k, c);
		null->mean[k] = stats_mean(null->slope[k], null->n);
		null->sd[k] = stats_sd(null->slope[k], null->n);
	}
}

double null_z(const struct null *n, enum contrast k, double slope)
{
	return n->sd[k] > 0 ? (slope - n->mean[k]) / n->sd[k] : 0;
}

int null_run(struct finding *f, const struct steering_job *s, enum null_kind kind, size_t number,
	     const struct counted *c, size_t n, bool band, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct arena mem = ARENA_INIT;
	struct trial *trial = ARENA_ARRAY(&mem, n, struct trial);
	int rc = -1;

	for (size_t i = 0; i < n; i++) {
		float *v = null_direction(&mem, s, f->group, kind, number, i);

		if (v != NULL)
			trial[f->null[kind].n++] = trial_make(&mem, f, v, spec->steer.n_doses);
	}
	if (trials_run(f, s, trial, f->null[kind].n, spec->steer.dose, spec->steer.n_doses, band ? NULL : c,
		       e) < 0)
		goto out;
	if (band)
		band_make(f, trial, n, spec->steer.n_doses);
	null_measure(&f->null[kind], f, trial, c, s->job->mem);
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}

size_t few_controls(const struct spec *spec)
{
	return spec->steer.controls < FEW_CONTROLS ? spec->steer.controls : FEW_CONTROLS;
}

int direction_try(struct tried *out, struct finding *f, const struct steering_job *s, size_t number,
		  const struct counted *c, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct arena mem = ARENA_INIT;
	struct trial own = trial_make(&mem, f, f->group->aim->direction, spec->steer.n_doses);
	int rc = trials_run(f, s, &own, 1, spec->steer.dose, spec->steer.n_doses, c, e);

	if (rc == 0)
		rc = null_run(f, s, NULL_DIRECTIONS, number, c, few_controls(spec), false, e);
	for (size_t k = 0; k < CONTRAST_COUNT && rc == 0; k++) {
		size_t n = f->n_contested[k];
		double *slope = ARENA_ARRAY(&mem, n + 1, double);

		trial_slopes(slope, &own, f, (enum contrast)k, c);
		out->slope[k] = stats_mean(slope, n);
		out->error[k] = stats_error(slope, n);
		out->z[k] = null_z(&f->null[NULL_DIRECTIONS], (enum contrast)k, out->slope[k]);
	}
	arena_release(&mem);
	return rc;
}
