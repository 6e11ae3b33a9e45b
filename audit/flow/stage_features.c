#include "flow/stage.h"

#include "base/log.h"
#include "flow/facts.h"
#include "flow/forecast.h"
#include "flow/latents.h"
#include "flow/prompts.h"
#include "flow/harvested.h"

/*
 * What the latents of the first dictionary are about and which of them matter, on held-out documents.
 */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	(void)step;
	json_put_size(key, "seed", p->spec->seed);
	json_put_real(key, "alpha", p->spec->steer.alpha);
	field_write(key, field_find(spec_fields, "study")->inner, &p->spec->study);
	key_model(key, p, "base");
	key_model(key, p, "candidate");
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	double rows = p->corpus.pairs * p->spec->corpus.held_out;

	(void)step;
	forecast_rows(out, p, rows, false);
	out->memory += forecast_weights(p, SIDE_BASE) + forecast_weights(p, SIDE_CANDIDATE) +
		       (uint64_t)(rows * ((double)p->spec->train.k * 24 + 16 * 8 + 16)) +
		       2048 * (p->base->d_model + p->candidate->d_model + p->spec->dictionary.latents) *
			       sizeof(float);
	out->disk = 4 << 20;
	out->work += rows * 4.0 * (double)p->spec->dictionary.latents *
		     (double)(p->base->d_model + p->candidate->d_model);
}

/* For every studied row at a turn boundary of a rollout: how differently the models answer. NaN-free: others get no entry. */
static void boundary_measure(struct latents *l, const struct harvested *h, struct arena *mem)
{
	const struct active *a = l->studied.active;
	struct prompt_gap *prompt;
	size_t n = prompts_measure(&prompt, mem, h);

	l->boundary = ARENA_ARRAY(mem, a->n_latents, struct boundary);
	for (size_t r = 0; r < a->n_rows; r++) {
		const struct doc *d = corpus_doc(h->corpus, l->studied.doc[r]);

		if (d->kind != DOC_ROLLOUT || d->prompt >= n || prompt[d->prompt].turn != l->studied.index[r])
			continue;
		for (size_t i = a->row_start[r]; i < a->row_start[r + 1]; i++) {
			struct boundary *b = &l->boundary[a->latent[i]];

			b->fires++;
			b->mass += (double)a->row_value[i];
			b->sum += (double)a->row_value[i] * prompt[d->prompt].gap;
		}
	}
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
	uint32_t *doc = ARENA_ARRAY(job->mem, test->n, uint32_t);

	if (active_make(active, d, job->par, &data, e) < 0)
		return -1;
	for (size_t i = 0; i < test->n; i++) {
		gap[i] = harvested_gap(h, test->index[i]);
		doc[i] = (uint32_t)corpus_doc_of(h->corpus, test->index[i]);
	}
	l.studied = (struct studied){ active, h->corpus, test->index, doc, gap };
	l.relevance = ARENA_ARRAY(job->mem, active->n_latents, struct relevance);
	log_progress(job->step->label, 1, 3, "relevance");
	relevance_measure(l.relevance, active, gap, doc, job->par, &o);
	boundary_measure(&l, h, job->mem);
	latents_rank(&l, job->mem);
	log_progress(job->step->label, 2, 3, "cards");
	return latents_write(&l, e);
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
	.version = 4,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
