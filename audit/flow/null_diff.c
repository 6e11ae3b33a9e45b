#include "flow/null_diff.h"

#include "num/reduce.h"
#include "num/stats.h"

/* Strengths of the exclusive latents that fire: 0 where one does not stand out. */
struct strengths {
	double *of;	  /* (n) */
	uint32_t *latent; /* (n) */
	size_t n, stand_out;
	double largest;
};

static void strengths_make(struct strengths *out, const struct latents *l, const struct dfc_shape *shape,
			   const struct relevance *r, size_t n_latents)
{
	*out = (struct strengths){ .of = ARENA_ARRAY(l->job->mem, n_latents + 1, double),
				   .latent = ARENA_ARRAY(l->job->mem, n_latents + 1, uint32_t) };
	for (size_t i = 0; i < n_latents; i++) {
		double size = r[i].gap < 0 ? -r[i].gap : r[i].gap;

		if (dfc_partition(shape, i) == PARTITION_SHARED || r[i].fires == 0)
			continue;
		out->of[out->n] = relevance_acts(&r[i], size, l->job->spec) ? size : 0;
		out->stand_out += out->of[out->n] > 0;
		out->largest = size > out->largest ? size : out->largest;
		out->latent[out->n++] = (uint32_t)i;
	}
}

static size_t at_least(const double *of, size_t n, double bound)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += of[i] >= bound;
	return count;
}

void null_fdr(double *fdr, const double *real, size_t n, const double *null, size_t n_null)
{
	uint32_t *order = mem_alloc(n + 1, sizeof(*order));
	double least = 1;

	reduce_order(order, real, n);
	for (size_t i = 0; i < n; i++) { /* the weakest first */
		double s = real[order[i]], share;

		fdr[order[i]] = 1;
		if (s <= 0)
			continue;
		share = (1.0 + (double)at_least(null, n_null, s)) / (1.0 + (double)n_null) /
			((double)at_least(real, n, s) / (double)n);
		least = share < least ? share : least;
		fdr[order[i]] = least;
	}
	mem_free(order);
}

/* By latent, 1 where one does not stand out. */
static double *fdr_make(const struct latents *l, const struct strengths *real, const struct strengths *null)
{
	double *fdr = ARENA_ARRAY(l->job->mem, l->studied.active->n_latents + 1, double);
	double *of = ARENA_ARRAY(l->job->mem, real->n + 1, double);

	null_fdr(of, real->of, real->n, null->of, null->n);
	for (size_t i = 0; i < l->studied.active->n_latents; i++)
		fdr[i] = 1;
	for (size_t i = 0; i < real->n; i++)
		fdr[real->latent[i]] = of[i];
	return fdr;
}

static double median_correlation(struct arena *mem, const struct twin *twin, const struct strengths *of)
{
	double *r = ARENA_ARRAY(mem, of->n + 1, double);

	for (size_t i = 0; i < of->n; i++)
		r[i] = twin[of->latent[i]].correlation;
	return of->n > 0 ? stats_median(r, of->n) : 0;
}

static void compare(struct null_diff *out, const struct latents *l, const struct dfc *d,
		    const struct active *a, const struct relevance_opts *o)
{
	struct arena *mem = l->job->mem;
	struct relevance *r = ARENA_ARRAY(mem, a->n_latents, struct relevance);
	struct twin *twin = ARENA_ARRAY(mem, a->n_latents, struct twin);
	double *zero = ARENA_ARRAY(mem, a->n_rows + 1, double);
	const double *gap[NULL_KINDS] = { zero, l->studied.gap };
	struct strengths real, null;
	struct relevance_opts bare = *o;

	bare.draws = 0;
	strengths_make(&real, l, &l->dfc->shape, l->relevance[SITE_ALL], l->studied.active->n_latents);
	for (int k = 0; k < NULL_KINDS; k++) {
		relevance_measure(r, a, gap[k], l->studied.doc, l->job->par, &bare);
		strengths_make(&null, l, &d->shape, r, a->n_latents);
		out->stand_out[k] = null.stand_out;
		out->largest[k] = null.largest;
		out->fdr[k] = fdr_make(l, &real, &null);
		out->least_fdr[k] = 1;
		for (size_t i = 0; i < l->studied.active->n_latents; i++)
			out->least_fdr[k] =
				out->fdr[k][i] < out->least_fdr[k] ? out->fdr[k][i] : out->least_fdr[k];
	}
	out->n = null.n;
	twins_find(twin, a, &d->shape, l->job->par);
	for (size_t i = 0; i < null.n; i++)
		out->twins += twin[null.latent[i]].correlation >= l->job->spec->study.twin;
	out->median_twin = median_correlation(mem, twin, &null);
	out->real_twin = median_correlation(mem, l->twin, &real);
}

int null_diff_measure(struct latents *l, struct subset *test, const struct relevance_opts *o, struct err *e)
{
	struct job *job = l->job;
	struct dfc d = { .memory = NULL };
	struct active active = { .n = 0 };
	struct subset rows = { .h = test->h, .index = test->index, .n = test->n, .null = true };
	struct train_data data = subset_data(&rows, NULL, NULL);
	const struct artifact *a = job_input(job, &stage_null, 0);
	const struct json *root;
	int rc = -1;

	l->null = ARENA_NEW(job->mem, struct null_diff);
	if (artifact_check(a, "training.json", e) < 0 ||
	    json_read_file(&root, job->mem, artifact_path(job->mem, a, "training.json"), 1 << 30, e) < 0 ||
	    artifact_check(a, "dfc.bin", e) < 0 ||
	    dfc_read(&d, artifact_path(job->mem, a, "dfc.bin"), e) < 0 ||
	    active_make(&active, &d, job->par, &data, e) < 0)
		goto out;
	l->null->seed = (uint64_t)json_find(root, "seed")->integer;
	compare(l->null, l, &d, &active, o);
	rc = 0;
out:
	active_release(&active);
	dfc_release(&d);
	subset_release(&rows);
	return rc;
}
