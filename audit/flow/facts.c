#include "flow/facts.h"

#include "flow/checks.h"
#include "flow/files.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "num/stats.h"

enum { NORM_ROWS = 16384, NORM_BLOCK = 1024, BINS = 12 };

/* Edges of the histogram of |gap|, in nats. */
static const double edge[BINS + 1] = { 0, 0.01, 0.03, 0.1, 0.3, 1, 2, 3, 5, 8, 12, 20, 1e9 };
static const double large_gap = 2;

/* Norms of evenly spaced rows of a side, and their median. */
struct norms {
	double *norm, median;
	uint32_t *row;
	size_t n;
};

static int norms_read(struct norms *out, const struct harvested *h, size_t side, struct arena *mem,
		      struct err *e)
{
	size_t d = acts_width(h->side[side]), n = h->n_rows < NORM_ROWS ? h->n_rows : NORM_ROWS;
	float *x = mem_alloc(NORM_BLOCK * d, sizeof(*x));
	int rc = 0;

	*out = (struct norms){ .norm = ARENA_ARRAY(mem, n, double),
			       .row = ARENA_ARRAY(mem, n, uint32_t),
			       .n = n };
	for (size_t i = 0; i < n && rc == 0; i += NORM_BLOCK) {
		size_t m = n - i < NORM_BLOCK ? n - i : NORM_BLOCK;

		for (size_t k = i; k < i + m; k++)
			out->row[k] = (uint32_t)((double)k * (double)h->n_rows / (double)n);
		rc = acts_read(h->side[side], x, out->row + i, m, e);
		for (size_t k = 0; k < m && rc == 0; k++)
			out->norm[i + k] = fm_sqrt_d(op_norm2_d(x + k * d, d));
	}
	mem_free(x);
	if (rc == 0)
		out->median = stats_median(out->norm, n);
	return rc;
}

static void put_gaps(struct json_out *j, const struct harvested *h)
{
	size_t bin[BINS] = { 0 }, large = 0;
	double sum = 0;

	for (size_t i = 0; i < h->n_rows; i++) {
		double gap = harvested_gap(h, i);
		size_t b = 0;

		gap = gap < 0 ? -gap : gap;
		sum += gap;
		large += gap > large_gap;
		while (b + 1 < BINS && gap >= edge[b + 1])
			b++;
		bin[b]++;
	}
	json_put_real(j, "mean_abs_gap", sum / (double)h->n_rows);
	json_put_size(j, "large_gap_rows", large);
	json_open(j, "gap_histogram", '[');
	for (size_t b = 0; b < BINS; b++) {
		json_open(j, NULL, '{');
		json_put_real(j, "lo", edge[b]);
		if (b + 1 < BINS)
			json_put_real(j, "hi", edge[b + 1]);
		else
			json_put_null(j, "hi");
		json_put_size(j, "rows", bin[b]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_split(struct json_out *j, const struct harvested *h, const struct job *job)
{
	size_t n_sources = job->spec->corpus.n_sources, documents = 0, rows = 0;
	size_t *of_source = ARENA_ARRAY(job->mem, n_sources + 1, size_t);

	for (size_t i = 0; i < corpus_docs(h->corpus); i++) {
		documents += h->held_out[i];
		of_source[files_source(job->spec, corpus_doc(h->corpus, i)->file)] += h->held_out[i];
		rows += h->held_out[i] ? corpus_doc(h->corpus, i)->pair_n : 0;
	}
	json_put_size(j, "rows", h->n_rows);
	json_put_size(j, "held_out_documents", documents);
	json_put_size(j, "held_out_rows", rows);
	json_open(j, "held_out_by_source", '[');
	for (size_t i = 0; i < n_sources; i++)
		json_put_size(j, NULL, of_source[i]);
	json_close(j, ']');
}

int facts_write(const struct harvested *h, const struct job *job, struct err *e)
{
	static const char *const key[] = { "median_norm_base", "median_norm_candidate" };
	struct norms norms[SIDE_COUNT];
	struct json_out j;

	if (artifact_json(&j, job->out, "harvest.json", e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	put_split(&j, h, job);
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (norms_read(&norms[s], h, s, job->mem, e) < 0) {
			out_abort(j.out);
			return -1;
		}
		json_put_real(&j, key[s], norms[s].median);
	}
	json_open(&j, "outliers", '{');
	for (size_t s = 0; s < SIDE_COUNT; s++)
		check_outliers_write(&j, side_name[s], h->corpus, (enum side)s, norms[s].norm, norms[s].row,
				     norms[s].n, norms[s].median * job->spec->checks.outlier_norm);
	json_close(&j, '}');
	json_put_bool(&j, "gap", job->spec->harvest.gap);
	if (job->spec->harvest.gap)
		put_gaps(&j, h);
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}
