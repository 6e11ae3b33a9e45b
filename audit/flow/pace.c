#include "base/log.h"
#include "base/rng.h"
#include "flow/forecast.h"
#include "flow/harvest.h"
#include "flow/plan.h"
#include "model/model.h"
#include "num/gemm.h"

/* How fast this machine does what a plan asks: a second or so of the work itself. */

enum { FEED_TOKENS = 512, TRAIN_STEPS = 4 };

/* Seconds that one measurement may take, by the rate of products; what would take longer is not measured. */
static const double most_seconds = 0.5;
/* Bytes of dictionary and optimiser up to which training is tried out. */
static const double most_bytes = 512e6;

/* Products of the shape of a feed-forward layer, since that is where most of the work is. */
int plan_rate(double *out, const struct plan *p, struct par *par, struct err *e)
{
	const size_t m = 256, n = 1024;
	const double enough = 0.25; /* seconds */
	size_t k = p->base ? p->base->d_model : 512, rounds = 0, i;
	double began, spent;
	float *a = NULL, *b = NULL, *c = NULL;
	void *memory;

	if (mem_reserve(&memory, m * k + n * k + m * n, sizeof(float), "a trial of the matrix product", e) <
	    0)
		return -1;
	a = memory;
	b = a + m * k;
	c = b + n * k;
	for (i = 0; i < m * k + n * k; i++)
		a[i] = (float)(i % 7) - 3;
	gemm_nt(par, c, n, a, k, b, k, m, n, k, 0); /* once for nothing: wakes threads and caches */
	began = log_clock();
	do {
		gemm_nt(par, c, n, a, k, b, k, m, n, k, 0);
		rounds++;
		spent = log_clock() - began;
	} while (spent < enough);
	*out = 2.0 * (double)m * (double)n * (double)k * (double)rounds / spent;
	mem_free(memory);
	return 0;
}

/* The model reads FEED_TOKENS tokens of nothing in particular, as the harvest would. */
static int model_pace(double *out, const struct plan *p, enum side side, double product, struct par *par,
		      struct err *e)
{
	const struct arch *a = side_arch(p, side);
	bool gap = p->spec->harvest.gap;
	size_t blocks = gap ? SIZE_MAX : side_layer(p, side, 0) + 1, context = p->spec->corpus.context;
	size_t n = FEED_TOKENS, seqs = (n + context - 1) / context;
	struct session_opts o = { .max_seqs = seqs, .max_context = context, .max_rows = n };
	double work = (double)n * forecast_token(a, blocks), began, logp[FEED_TOKENS];
	int32_t id[FEED_TOKENS];
	uint32_t seq[FEED_TOKENS], row[FEED_TOKENS];
	struct session *s = NULL;
	struct model *m = NULL;
	int rc;

	*out = product;
	if (p->n_imported > 0 || work / product > most_seconds || n > seqs * context)
		return 0;
	for (size_t i = 0; i < n; i++) {
		id[i] = (int32_t)(i % a->n_vocab);
		seq[i] = (uint32_t)(i / context);
		row[i] = (uint32_t)i;
	}
	rc = model_open(&m, side_model(p->spec, side)->dir, e);
	if (rc == 0)
		rc = session_new(&s, m, par, &o, e);
	for (size_t round = 0; round < 2 && rc == 0; round++) { /* the first wakes the weights */
		for (size_t i = 0; i < seqs; i++)
			session_rewind(s, (uint32_t)i, 0);
		began = log_clock();
		rc = session_feed(s, id, seq, n, blocks, (struct taps){ NULL, 0 }, e);
		if (rc == 0 && gap)
			session_logprobs(s, logp, row, id, n);
		*out = work / (log_clock() - began + 1e-9);
	}
	session_free(s);
	model_close(m);
	return rc;
}

/* Rows of noise, different from each other and the same each time. */
static int noise(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	const struct plan *p = *(const struct plan *const *)ud;
	size_t d[] = { p->base->d_model, p->candidate->d_model };
	float *x[] = { xa, xb };

	(void)e;
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < n * d[s]; i++)
			x[s][i] = (float)((row[i / d[s]] * 31u + i * 17u) % 97u) / 48 - 1;
	return 0;
}

static int train_pace(double *out, const struct plan *p, double product, struct par *par, struct err *e)
{
	struct dfc_shape shape = forecast_dictionary(p);
	struct train_opts o = p->spec->train;
	struct train_data data = { .n_rows = o.batch, .read = noise, .ud = &p };
	double work = forecast_training(p) / (double)o.steps, began;
	struct train_stats stats;
	struct trainer *t;
	int rc;

	o.k_start = o.k; /* as most of the steps are */
	*out = product;
	if (work / product > most_seconds / TRAIN_STEPS || (double)trainer_bytes(&shape, &o) > most_bytes)
		return 0;
	if (trainer_new(&t, &shape, &o, &data, par, e) < 0)
		return -1;
	rc = trainer_step(t, &stats, e);
	began = log_clock();
	for (size_t i = 0; i < TRAIN_STEPS && rc == 0; i++)
		rc = trainer_step(t, &stats, e);
	*out = TRAIN_STEPS * work / (log_clock() - began + 1e-9);
	trainer_free(t);
	return rc;
}

int plan_pace(struct pace *out, const struct plan *p, struct par *par, struct err *e)
{
	double product;

	if (plan_rate(&product, p, par, e) < 0)
		return -1;
	for (size_t i = 0; i < PACE_COUNT; i++)
		out->at[i] = product;
	if (p->spec == NULL || p->n_missing > 0)
		return 0;
	if (model_pace(&out->at[PACE_BASE], p, SIDE_BASE, product, par, e) < 0 ||
	    model_pace(&out->at[PACE_CANDIDATE], p, SIDE_CANDIDATE, product, par, e) < 0)
		return -1;
	out->at[PACE_ANSWERS] = p->corpus.pace > 0 ? p->corpus.pace : out->at[PACE_CANDIDATE];
	return train_pace(&out->at[PACE_TRAIN], p, product, par, e);
}
