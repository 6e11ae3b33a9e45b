#include "flow/stage.h"

#include "base/log.h"
#include "flow/facts.h"
#include "flow/forecast.h"
#include "flow/cards.h"
#include "flow/closer.h"
#include "flow/decided.h"
#include "flow/null_diff.h"
#include "flow/harvested.h"

enum { TREE_LIMIT = 1 << 30 };

/*
 * What the latents of the first dictionary are about and which of them matter, on held-out documents.
 */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	(void)step;
	json_put_size(key, "seed", p->spec->seed);
	json_put_real(key, "alpha", p->spec->steer.alpha);
	json_put_real(key, "outlier_norm", p->spec->checks.outlier_norm);
	field_write(key, field_find(spec_fields, "study")->inner, &p->spec->study);
	key_model(key, p, "base");
	key_model(key, p, "candidate");
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	double rows = p->corpus.pairs * p->spec->corpus.held_out;

	forecast_rows(out, p, step, rows, false);
	/* 64 bytes a pair, an estimate, for the words of labels, the gaps and the documents. */
	out->memory += (uint64_t)(p->corpus.pairs * 64);
	out->memory += forecast_unembedding(p, SIDE_BASE) + forecast_unembedding(p, SIDE_CANDIDATE) +
		       (uint64_t)(rows * ((double)p->spec->train.k * 24 + 16 * 8 + 16)) +
		       2048 * (p->base->d_model + p->candidate->d_model + p->spec->dictionary.latents) *
			       sizeof(float);
	out->disk = 4 << 20;
	out->work += rows * 4.0 * (double)p->spec->dictionary.latents *
		     (double)(p->base->d_model + p->candidate->d_model);
}

/* The matches of other seeds, where there are any; NULL: only one was trained. */
static int matches_read(struct latents *l, struct err *e)
{
	struct job *job = l->job;
	const struct artifact *a;
	const struct json *root, *m;

	l->n_seeds = job->spec->dictionary.n_seeds;
	if (l->n_seeds == 1)
		return 0;
	a = job_input(job, &stage_stability, 0);
	if (artifact_check(a, "stability.json", e) < 0 ||
	    json_read_file(&root, job->mem, artifact_path(job->mem, a, "stability.json"), TREE_LIMIT, e) < 0)
		return -1;
	l->match = ARENA_ARRAY(job->mem, l->n_seeds, struct match *);
	m = json_find(root, "matches")->first;
	for (size_t i = 0; i + 1 < l->n_seeds; i++, m = m->next) {
		const struct json *latent = json_find(m, "latent")->first,
				  *cosine = json_find(m, "cosine")->first,
				  *correlation = json_find(m, "correlation")->first;

		l->match[i] = ARENA_ARRAY(job->mem, l->studied.active->n_latents, struct match);
		for (size_t k = 0; k < l->studied.active->n_latents; k++) {
			l->match[i][k] =
				(struct match){ latent->integer < 0 ? MATCH_NONE : (uint32_t)latent->integer,
						cosine->real, correlation->real };
			latent = latent->next;
			cosine = cosine->next;
			correlation = correlation->next;
		}
	}
	return 0;
}

static int study(struct job *job, struct harvested *h, struct subset *test, struct dfc *d,
		 struct active *active, struct err *e)
{
	struct train_data data = subset_data(test, NULL, NULL);
	struct relevance_opts o = { .permutations = job->spec->study.permutations,
				    .draws = 400,
				    .level = 0.95,
				    .seed = job->spec->seed };
	struct latents l = { .job = job, .dfc = d };
	double *gap = ARENA_ARRAY(job->mem, test->n, double);
	int rc;
	uint32_t *doc = ARENA_ARRAY(job->mem, test->n, uint32_t);

	if (active_make(active, d, job->par, &data, e) < 0)
		return -1;
	for (size_t i = 0; i < test->n; i++) {
		gap[i] = harvested_gap(h, test->index[i]);
		doc[i] = (uint32_t)corpus_doc_of(h->corpus, test->index[i]);
	}
	l.studied = (struct studied){ active, h->corpus, test->index, doc, gap };
	log_progress(job->step->label, 1, 3, "relevance");
	l.relevance[SITE_ALL] = ARENA_ARRAY(job->mem, active->n_latents, struct relevance);
	relevance_measure(l.relevance[SITE_ALL], active, gap, doc, job->par, &o);
	decided_measure(&l, h, &o);
	l.twin = ARENA_ARRAY(job->mem, active->n_latents, struct twin);
	twins_find(l.twin, active, &d->shape, job->par);
	if (matches_read(&l, e) < 0 || (job->spec->study.null_diff && null_diff_measure(&l, test, &o, e) < 0))
		return -1;
	latents_rank(&l);
	log_progress(job->step->label, 2, 3, "cards");
	rc = closer_look(&l, test, e);
	if (rc == 0)
		rc = cards_write(&l, e);
	closer_release(&l);
	return rc;
}

static int run(struct job *job, struct err *e)
{
	struct harvested h = { .corpus = NULL };
	struct subset test = { .h = NULL };
	struct active active = { .n = 0 };
	struct dfc d = { .memory = NULL };
	const struct artifact *train = job_input(job, &stage_train, 0);
	int rc = -1;

	if (harvested_open(&h, job, e) < 0)
		goto out;
	subset_make(&test, job->mem, &h, true);
	if (facts_write(&h, job, e) < 0 || artifact_check(train, "dfc.bin", e) < 0 ||
	    dfc_read(&d, artifact_path(job->mem, train, "dfc.bin"), e) < 0)
		goto out;
	rc = study(job, &h, &test, &d, &active, e);
	log_progress(job->step->label, 3, 3, NULL);
out:
	active_release(&active);
	dfc_release(&d);
	subset_release(&test);
	harvested_close(&h);
	return rc;
}

const struct stage stage_features = {
	.name = "features",
	.version = 9,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
