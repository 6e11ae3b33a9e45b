#include "flow/stage.h"

#include "base/log.h"
#include "flow/forecast.h"
#include "flow/harvested.h"
#include "study/match.h"

/*
 * How many of the trainings found each latent of the first one: the other seeds' dictionaries read the same held-out rows,
 * and each is matched with the first (study/match.h).
 */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	(void)step;
	json_put_real(key, "held_out", p->spec->corpus.held_out);
	json_put_real(key, "match", p->spec->study.match);
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	struct corpus_forecast c;
	double rows, seeds = (double)p->spec->dictionary.n_seeds;

	(void)step;
	forecast_corpus(&c, p);
	rows = c.pairs * p->spec->corpus.held_out;
	/* Two dictionaries and what is on in both, by row and by latent. */
	out->memory =
		(uint64_t)(2 * rows * ((double)p->spec->train.k * 16 + 16)) +
		4 * p->spec->dictionary.latents * (p->base->d_model + p->candidate->d_model) * sizeof(float) +
		p->spec->dictionary.latents * 512;
	out->disk = p->spec->dictionary.latents * p->spec->dictionary.n_seeds * 64;
	out->work = seeds * rows * 4.0 * (double)p->spec->dictionary.latents *
		    (double)(p->base->d_model + p->candidate->d_model);
}

struct stability {
	struct job *job;
	struct harvested h;
	struct subset test;
	struct dfc dfc[2];
	struct active active[2];
	struct match **match; /* (n_seeds - 1) */
};

static int dictionary_read(struct stability *s, size_t at, size_t seed, struct err *e)
{
	const struct artifact *train = job_input(s->job, &stage_train, seed);
	struct train_data data = subset_data(&s->test, NULL, NULL);

	active_release(&s->active[at]);
	dfc_release(&s->dfc[at]);
	if (artifact_check(train, "dfc.bin", e) < 0 ||
	    dfc_read(&s->dfc[at], artifact_path(s->job->mem, train, "dfc.bin"), e) < 0)
		return -1;
	return active_make(&s->active[at], &s->dfc[at], s->job->par, &data, e);
}

static int match_all(struct stability *s, struct err *e)
{
	size_t n = s->job->spec->dictionary.n_seeds;
	struct coded of = { &s->dfc[0], &s->active[0] }, in = { &s->dfc[1], &s->active[1] };

	if (dictionary_read(s, 0, 0, e) < 0)
		return -1;
	s->match = ARENA_ARRAY(s->job->mem, n, struct match *);
	for (size_t i = 1; i < n; i++) {
		if (dictionary_read(s, 1, i, e) < 0)
			return -1;
		s->match[i - 1] = ARENA_ARRAY(s->job->mem, s->active[0].n_latents, struct match);
		match_latents(s->match[i - 1], &of, &in, s->job->spec->study.match, s->job->par);
		log_progress(s->job->step->label, i, n - 1, NULL);
	}
	return 0;
}

static void put_matches(struct json_out *j, const struct match *m, size_t n, uint64_t seed)
{
	json_open(j, NULL, '{');
	json_put_size(j, "seed", seed);
	json_open(j, "latent", '[');
	for (size_t i = 0; i < n; i++)
		json_put_int(j, NULL, m[i].latent == MATCH_NONE ? -1 : (int64_t)m[i].latent);
	json_close(j, ']');
	json_open(j, "cosine", '[');
	for (size_t i = 0; i < n; i++)
		json_put_real(j, NULL, m[i].cosine);
	json_close(j, ']');
	json_open(j, "correlation", '[');
	for (size_t i = 0; i < n; i++)
		json_put_real(j, NULL, m[i].correlation);
	json_close(j, ']');
	json_close(j, '}');
}

static int stability_write(const struct stability *s, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct json_out j = JSON_TO_OUT(NULL);
	struct out *o;

	if (artifact_out(&o, s->job->out, "stability.json", e) < 0)
		return -1;
	j.out = o;
	json_open(&j, NULL, '{');
	json_put_size(&j, "seed", spec->dictionary.seed[0]);
	json_open(&j, "matches", '[');
	for (size_t i = 1; i < spec->dictionary.n_seeds; i++)
		put_matches(&j, s->match[i - 1], s->active[0].n_latents, spec->dictionary.seed[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	return out_commit(o, NULL, e);
}

static int run(struct job *job, struct err *e)
{
	struct stability s = { .job = job };
	int rc = -1;

	if (harvested_open(&s.h, job, e) < 0)
		goto out;
	subset_make(&s.test, job->mem, &s.h, true);
	if (match_all(&s, e) == 0)
		rc = stability_write(&s, e);
out:
	for (size_t i = 0; i < 2; i++) {
		active_release(&s.active[i]);
		dfc_release(&s.dfc[i]);
	}
	subset_release(&s.test);
	harvested_close(&s.h);
	return rc;
}

const struct stage stage_stability = {
	.name = "stability",
	.version = 1,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
