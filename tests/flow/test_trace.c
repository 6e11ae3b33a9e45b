#include "base/map.h"
#include "dict/dfc.h"
#include "flow/harvested.h"
#include "flow/run.h"
#include "flow/stage.h"
#include "num/gemm.h"
#include "report/render.h"
#include "study/active.h"
#include "tests/support/naive_model.h"
#include "tests/support/naive_study.h"
#include "tests/support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * From the store to the printed page: golden/small is run, and what its report says of a latent, of all exclusive latents and of
 * the dictionary is computed again from the activations on disk by loops of our own (tests/support/naive_study.h).  Engine code
 * reads the files and nothing else.
 */

enum { FILE_LIMIT = 64 << 20 };

static const char spec_path[] = "golden/small/spec.yaml", template_path[] = "templates/report.md";

struct trace {
	struct arena mem;
	struct par *par;
	struct spec spec;
	struct plan plan;
	const char *dir;
	const struct json *results;
	struct harvested h;
	struct dfc dfc;
	struct naive_rows rows;
	double *code;  /* (rows.n, latents) */
	uint8_t *half; /* (rows.n) of the probe */
};

static void ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", e->msg);
}

static void audit(struct trace *t)
{
	struct problems p = PROBLEMS_INIT;
	struct provenance prov;
	struct err e = ERR_INIT;
	const char *root = arena_fmt(&t->mem, "%s", scratch_new("trace"));
	struct plan_opts how = { .cache = arena_fmt(&t->mem, "%s/cache", root), .par = t->par };
	struct run_opts opts = { .cache = how.cache,
				 .out = arena_fmt(&t->mem, "%s/run", root),
				 .allow_dirty = true };
	struct render_opts render = { .template_path = template_path,
				      .fonts = "templates/fonts",
				      .name = "report" };

	assert_int_equal(spec_read(&t->spec, &t->mem, spec_path, &p), 0);
	ok(provenance_collect(&prov, &t->mem, spec_path, template_path, &e), &e);
	ok(plan_make(&t->plan, &t->mem, &t->spec, &how, &e), &e);
	ok(run_plan(&t->dir, &t->mem, &t->plan, &prov, t->par, &opts, &e), &e);
	ok(report_render(t->dir, &render, &e), &e);
	ok(json_read_file(&t->results, &t->mem, arena_fmt(&t->mem, "%s/results.json", t->dir), FILE_LIMIT,
			  &e),
	   &e);
}

/* The complete artifacts that the features step read. */
static struct job features_job(struct trace *t, const char *cache)
{
	struct job job = { .plan = &t->plan, .spec = &t->spec, .mem = &t->mem, .par = t->par };
	struct artifact *in;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < t->plan.n; i++) {
		if (t->plan.step[i].stage == &stage_features)
			job.step = &t->plan.step[i];
	}
	assert_non_null(job.step);
	in = ARENA_ARRAY(&t->mem, job.step->n_in, struct artifact);
	for (size_t i = 0; i < job.step->n_in; i++) {
		ok(artifact_open(&in[i], cache, job.step->in[i]->key, &e), &e);
		assert_true(in[i].complete);
	}
	job.in = in;
	return job;
}

static void store_read(struct trace *t)
{
	struct job job = features_job(t, arena_fmt(&t->mem, "%s/../cache", t->dir));
	const struct artifact *train = job_input(&job, &stage_train, 0);
	struct err e = ERR_INIT;
	uint32_t *index;
	float *xa, *xb;
	double *gap;
	size_t n = 0;

	ok(harvested_open(&t->h, &job, &e), &e);
	ok(dfc_read(&t->dfc, artifact_path(&t->mem, train, "dfc.bin"), &e), &e);
	index = ARENA_ARRAY(&t->mem, t->h.n_rows, uint32_t);
	gap = ARENA_ARRAY(&t->mem, t->h.n_rows, double);
	t->half = ARENA_ARRAY(&t->mem, t->h.n_rows, uint8_t);
	for (size_t i = 0; i < corpus_docs(t->h.corpus); i++) {
		const struct doc *d = corpus_doc(t->h.corpus, i);

		for (size_t k = 0; t->h.held_out[i] && k < d->pair_n; k++, n++) {
			index[n] = (uint32_t)(d->pair_first + k);
			t->half[n] = (d->kind == DOC_ROLLOUT ? d->prompt : i) % 2;
			gap[n] = (double)t->h.logp[SIDE_CANDIDATE][index[n]] -
				 (double)t->h.logp[SIDE_BASE][index[n]];
		}
	}
	xa = ARENA_ARRAY(&t->mem, n * t->dfc.shape.d_a, float);
	xb = ARENA_ARRAY(&t->mem, n * t->dfc.shape.d_b, float);
	ok(acts_read(t->h.side[SIDE_BASE], xa, index, n, &e), &e);
	ok(acts_read(t->h.side[SIDE_CANDIDATE], xb, index, n, &e), &e);
	t->rows = (struct naive_rows){ &t->dfc, xa, xb, gap, n };
	t->code = naive_codes(&t->rows);
}

static int trace_open(void **state)
{
	struct trace *t = mem_alloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	ok(par_new(&t->par, 2, GEMM_SCRATCH, &e), &e);
	audit(t);
	store_read(t);
	*state = t;
	return 0;
}

static int trace_close(void **state)
{
	struct trace *t = *state;

	mem_free(t->code);
	dfc_release(&t->dfc);
	harvested_close(&t->h);
	par_free(t->par);
	arena_release(&t->mem);
	mem_free(t);
	return 0;
}

static const struct json *at(const struct json *obj, const char *path)
{
	char key[64];

	while (*path != '\0') {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		obj = json_find(obj, key);
		if (obj == NULL)
			fail_msg("results.json has no %s", path);
		path += path[n] == '.' ? n + 1 : n;
	}
	return obj;
}

/* `got` is `want` but for float arithmetic, and for `edge` rows of `n` whose place rounding decides. */
static void close_to(const char *what, double got, double want, size_t edge, size_t n)
{
	double slack = 1e-4 * fabs(want) + 1e-6 + (n > 0 ? 2.0 * (double)edge / (double)n * fabs(want) : 0);

	if (!(fabs(got - want) <= slack))
		fail_msg("%s: results.json says %.9g, the store %.9g (%zu rows on the edge)", what, got, want,
			 edge);
}

static void latent_is(const struct trace *t, const struct json *v)
{
	size_t latent = (size_t)at(v, "latent")->integer;
	struct naive_latent want = naive_latent_study(&t->rows, latent);

	if (fabs(at(v, "frequency")->real * (double)t->rows.n - (double)want.fires) >
	    (double)want.edge + 1e-6)
		fail_msg("latent %zu fires on %.9g of %zu rows, not %zu", latent, at(v, "frequency")->real,
			 t->rows.n, want.fires);
	close_to("max_activation", at(v, "max_activation")->real, want.max, want.edge, want.fires);
	close_to("relevance", at(v, "relevance")->real, want.relevance, want.edge, want.fires);
	if (json_find(v, "fires") != NULL) {
		assert_true(fabs((double)at(v, "fires")->integer - (double)want.fires) <= (double)want.edge);
		close_to("mean_activation", at(v, "mean_activation")->real, want.mean, want.edge, want.fires);
	}
}

static void latents_are_the_store_s(void **state)
{
	const struct trace *t = *state;
	size_t n = 0;

	for (const struct json *v = at(t->results, "latents.columns.candidate_only")->first; v != NULL;
	     v = v->next, n++)
		latent_is(t, v);
	assert_true(n > 0);
	for (const struct json *v = at(t->results, "latents.exclusive")->first; v != NULL; v = v->next, n++)
		latent_is(t, v);
	assert_true(n > 2 * t->dfc.shape.n_a);
}

/* ---- cards ---- */

static size_t latents(const struct trace *t)
{
	return t->dfc.shape.n_a + t->dfc.shape.n_shared + t->dfc.shape.n_b;
}

static void norm_is(const struct json *got, const float *row, size_t d)
{
	if (row == NULL)
		assert_int_equal(got->kind, JSON_NULL);
	else
		close_to("norm", got->real, naive_norm(row, d), 0, 0);
}

/* The other side's latent that fires most like it. */
static void twin_is(const struct trace *t, const struct json *v, size_t latent)
{
	const struct dfc_shape *s = &t->dfc.shape;
	size_t first = latent < s->n_a ? s->n_a + s->n_shared : 0, n = latent < s->n_a ? s->n_b : s->n_a;
	double most = -1;

	for (size_t k = first; k < first + n; k++)
		most = fmax(most, naive_correlation(&t->rows, t->code, latent, k));
	close_to("twin_correlation", at(v, "twin_correlation")->real, most, 0, 0);
	if (most > 0) /* else there is none, and the number says nothing */
		close_to("its twin",
			 naive_correlation(&t->rows, t->code, latent, (size_t)at(v, "twin")->integer), most,
			 0, 0);
}

/* The first context is the latent's largest row; samples are rows of each stretch of the ordered activations, falling. */
static void contexts_are(const struct trace *t, const struct json *v, size_t latent)
{
	double last = at(json_at(at(v, "contexts"), 0), "activation")->real, most = 0, gap = 0;

	for (size_t i = 0; i < t->rows.n; i++) {
		double f = t->code[i * latents(t) + latent];

		gap = f > most ? t->rows.gap[i] : gap;
		most = fmax(most, f);
	}
	close_to("the first context's activation", last, most, 0, 0);
	close_to("the first context's gap", at(json_at(at(v, "contexts"), 0), "gap")->real, gap, 0, 0);
	for (const struct json *c = at(v, "samples")->first; c != NULL; c = c->next) {
		double f = at(c, "activation")->real, near = 1e300;

		for (size_t i = 0; i < t->rows.n; i++)
			near = fmin(near, fabs(t->code[i * latents(t) + latent] - f));
		assert_true(f > 0 && f <= last + 1e-6 && near < 1e-4 * f);
		last = f;
	}
}

static void exclusivity_is(const struct trace *t, const struct json *v, size_t latent)
{
	double error, recon, auroc = naive_auroc(&t->rows, t->code, latent, t->half);

	naive_scaling(&error, &recon, &t->rows, t->code, latent);
	close_to("scaling_error", at(v, "scaling_error")->real, error, 0, 0);
	close_to("scaling_recon", at(v, "scaling_recon")->real, recon, 0, 0);
	if (at(v, "probe_auroc")->kind == JSON_REAL)
		close_to("probe_auroc", at(v, "probe_auroc")->real, auroc, 0, 0);
}

/* The tokens' scores are the largest, or the least, there are; each is the score of its own token. */
static void tokens_are(struct trace *t, const struct json *list, const struct model *m, const double *logit,
		       double sign)
{
	size_t n_vocab = model_arch(m)->n_vocab, rank = 0;

	for (const struct json *x = list->first; x != NULL; x = x->next, rank++) {
		double want = at(x, "score")->real;
		size_t above = 0;

		for (size_t i = 0; i < n_vocab; i++)
			above += sign * logit[i] > sign * want + 1e-3 * fabs(want);
		assert_true(above <= rank);
		for (above = 0; above < n_vocab && fabs(logit[above] - want) > 1e-4 * fabs(want) + 1e-5;)
			above++;
		assert_true(above < n_vocab);
	}
	assert_int_equal(rank, t->spec.study.tokens);
}

static void cards_are_the_store_s(void **state)
{
	static const char *const column[] = { "latents.columns.base_only", "latents.columns.shared",
					      "latents.columns.candidate_only" };
	struct trace *t = *state;
	struct model *m[SIDE_COUNT];
	struct err e = ERR_INIT;
	size_t n = 0;

	ok(model_open(&m[SIDE_BASE], t->spec.base.dir, &e), &e);
	ok(model_open(&m[SIDE_CANDIDATE], t->spec.candidate.dir, &e), &e);
	for (size_t p = 0; p < 3; p++) {
		for (const struct json *v = at(t->results, column[p])->first; v != NULL; v = v->next, n++) {
			size_t latent = (size_t)at(v, "latent")->integer;
			const float *a = dfc_decoder_a(&t->dfc, latent), *b = dfc_decoder_b(&t->dfc, latent);
			size_t own = b == NULL ? SIDE_BASE : p == 1 ? SIDE_BASE : SIDE_CANDIDATE;
			const double *logit;

			latent_is(t, v);
			norm_is(at(v, "norm_base"), a, t->dfc.shape.d_a);
			norm_is(at(v, "norm_candidate"), b, t->dfc.shape.d_b);
			contexts_are(t, v, latent);
			if (p != 1) {
				twin_is(t, v, latent);
				exclusivity_is(t, v, latent);
				logit = naive_lens(&t->mem, m[own], own == SIDE_BASE ? a : b);
				tokens_are(t, at(v, "promoted"), m[own], logit, 1);
				tokens_are(t, at(v, "suppressed"), m[own], logit, -1);
			}
		}
	}
	assert_true(n > 3);
	model_close(m[SIDE_BASE]);
	model_close(m[SIDE_CANDIDATE]);
}

/* ---- findings ---- */

/* D(p) and M(p) of the prompt with this text, by the gaps of the rows from its turn boundary on. */
static void gaps_are(const struct trace *t, const struct json *prompt_of)
{
	struct view prompt = at(prompt_of, "prompt")->str;
	struct corpus *c = t->h.corpus;
	const struct json *finding =
		json_find(prompt_of, "finding"); /* an example has none: it is one of its finding */
	double gap = 0, mean = 0, last = 0;
	size_t n = 0;

	for (size_t i = 0; i < corpus_docs(c); i++) {
		const struct doc *d = corpus_doc(c, i);
		struct view text = corpus_text(c, i);
		double sum = 0, pairs = 0;
		bool inside = false;

		if (d->kind != DOC_ROLLOUT || text.n < prompt.n + 2 || text.p[prompt.n + 1] != '\n' ||
		    memcmp(text.p + 1, prompt.p, prompt.n) != 0)
			continue;
		n++;
		for (size_t k = d->pair_first; k < d->pair_first + d->pair_n; k++) {
			inside |= (corpus_pair(c, k)->flags & PAIR_TURN) != 0;
			sum += inside ? (double)t->h.logp[SIDE_CANDIDATE][k] - (double)t->h.logp[SIDE_BASE][k]
				      : 0;
			pairs += inside;
		}
		sum *= d->author == AUTHOR_BASE ? -1 : 1;
		gap += sum;
		last = sum / pairs;
		mean = fmax(mean, last);
	}
	assert_true(n > 0);
	close_to("gap", at(prompt_of, "gap")->real, n == 1 ? fabs(gap) : gap, 0, 0);
	close_to("gap_mean", at(prompt_of, "gap_mean")->real, n == 1 ? fabs(last) : mean, 0, 0);
	/* As the spec has it by default. */
	assert_true((finding != NULL && finding->kind == JSON_NULL) || (gap >= 5 && mean >= 1.5));
}

/* Its direction: weights times decoder rows over the candidate's scale. */
static void direction_is(const struct trace *t, const struct json *finding)
{
	size_t d = t->dfc.shape.d_b;
	double *v = mem_alloc(d, sizeof(*v)), square = 0, all = 0, own = 0;

	for (const struct json *x = at(finding, "latents")->first; x != NULL; x = x->next) {
		size_t latent = (size_t)at(x, "latent")->integer;
		const float *row = dfc_decoder_b(&t->dfc, latent);
		double part = pow(at(x, "weight")->real * naive_norm(row, d), 2);

		all += part;
		own += latent >= t->dfc.shape.n_a + t->dfc.shape.n_shared ? part : 0;
		for (size_t c = 0; c < d; c++)
			v[c] += at(x, "weight")->real * (double)row[c] / (double)t->dfc.scale_b;
	}
	for (size_t c = 0; c < d; c++)
		square += v[c] * v[c];
	close_to("norm", at(finding, "norm")->real, sqrt(square), 0, 0);
	close_to("share_exclusive", at(finding, "share_exclusive")->real, own / all, 0, 0);
	mem_free(v);
}

/* The same of the base's decoder rows; no object where the base has none of its latents, or nothing was tested. */
static void base_direction_is(const struct trace *t, const struct json *finding)
{
	const struct json *in_other = at(finding, "in_other");
	size_t d = t->dfc.shape.d_a, shared = 0;
	double *v = mem_alloc(d, sizeof(*v)), square = 0;

	for (const struct json *x = at(finding, "latents")->first; x != NULL; x = x->next) {
		size_t latent = (size_t)at(x, "latent")->integer;
		const float *row = dfc_decoder_a(&t->dfc, latent);

		shared += row != NULL;
		for (size_t c = 0; row != NULL && c < d; c++)
			v[c] += at(x, "weight")->real * (double)row[c] / (double)t->dfc.scale_a;
	}
	for (size_t c = 0; c < d; c++)
		square += v[c] * v[c];
	assert_int_equal(in_other->kind == JSON_OBJECT,
			 shared > 0 && at(finding, "tested")->kind == JSON_TRUE);
	if (in_other->kind == JSON_OBJECT)
		close_to("norm in the base", at(in_other, "norm")->real, sqrt(square), 0, 0);
	mem_free(v);
}

/* The slope of the least squares through the doses of a kind's side that count, and the score at dose 0. */
static void effect_is(const struct json *finding, const char *kind)
{
	bool below = strcmp(kind, "on") == 0;
	char slope[16], unsteered[16];
	double n = 0, x = 0, y = 0, xx = 0, xy = 0, zero = NAN;

	snprintf(slope, sizeof(slope), "slope_%s", kind);
	snprintf(unsteered, sizeof(unsteered), "unsteered_%s", kind);
	for (const struct json *p = at(finding, "doses")->first; p != NULL; p = p->next) {
		const struct json *dose = at(p, "dose");
		double z = dose->kind == JSON_INTEGER ? (double)dose->integer : dose->real,
		       s = at(p, kind)->real;

		zero = z == 0 ? s : zero;
		if (z < (below ? -1 : 0) || z > (below ? 0 : 1) || at(p, "counts")->kind != JSON_TRUE)
			continue;
		n++;
		x += z;
		y += s;
		xx += z * z;
		xy += z * s;
	}
	close_to(slope, at(finding, slope)->real, (n * xy - x * y) / (n * xx - x * x), 0, 0);
	close_to(unsteered, at(finding, unsteered)->real, zero, 0, 0);
}

static void findings_are_the_store_s(void **state)
{
	struct trace *t = *state;
	double p[16], q;
	size_t n = 0, i = 0;

	for (const struct json *f = at(t->results, "findings")->first; f != NULL; f = f->next) {
		direction_is(t, f);
		base_direction_is(t, f);
		for (const struct json *x = at(f, "examples")->first; x != NULL; x = x->next)
			gaps_are(t, x);
		if (at(f, "tested")->kind != JSON_TRUE)
			continue;
		effect_is(f, "on");
		effect_is(f, "off");
		assert_true(n < sizeof(p) / sizeof(p[0]));
		p[n++] = at(f, "p")->real;
	}
	assert_true(n > 0);
	/* Benjamini-Hochberg over those tested. */
	for (const struct json *f = at(t->results, "findings")->first; f != NULL; f = f->next) {
		if (at(f, "tested")->kind != JSON_TRUE)
			continue;
		q = 1;
		for (size_t k = 0; k < n; k++) {
			double rank = 0;

			for (size_t m = 0; m < n; m++)
				rank += p[m] <= p[k];
			q = p[k] >= p[i] ? fmin(q, p[k] * (double)n / rank) : q;
		}
		close_to("q", at(f, "q")->real, q, 0, 0);
		i++;
	}
	for (const struct json *x = at(t->results, "screen.prompts")->first; x != NULL; x = x->next)
		gaps_are(t, x);
}

/* ---- what trains, and what either stream says ---- */

static void turn_boundaries_get_their_share(void **state)
{
	struct trace *t = *state;
	struct subset s;
	double *plain, *with, whole = 0, more = 0, each = 0;
	size_t turns = 0;

	subset_make(&s, &t->mem, &t->h, false);
	plain = subset_weights(&t->mem, &s, 0, 0);
	with = subset_weights(&t->mem, &s, 0, 0.2);
	assert_true(plain != NULL && with != NULL);
	for (size_t i = 0; i < s.n; i++) {
		bool turn = (corpus_pair(t->h.corpus, s.index[i])->flags & PAIR_TURN) != 0;

		whole += with[i];
		more += with[i] - plain[i];
		turns += turn;
		if (!turn)
			assert_true(with[i] == plain[i]);
		else if (turns == 1)
			each = with[i] - plain[i];
		else
			assert_true(fabs(with[i] - plain[i] - each) < 1e-9 * each);
	}
	assert_true(turns > 1);
	close_to("share of the turn boundaries", more, 0.2 * whole, 0, 0);
	assert_null(subset_weights(&t->mem, &s, 1e9, 0.2));
	subset_release(&s);
}

/* The stream of one model in the place of both, by a dense encoder in double. */
static void a_stream_alone_is_read(void **state)
{
	struct trace *t = *state;
	const struct dfc_shape *shape = &t->dfc.shape;
	size_t n = t->rows.n < 300 ? t->rows.n : 300, latents = dfc_latents(shape);
	float *x[SIDE_COUNT] = { ARENA_ARRAY(&t->mem, n * shape->d_a, float),
				 ARENA_ARRAY(&t->mem, n * shape->d_b, float) };
	struct naive_rows rows = { &t->dfc, x[SIDE_BASE], x[SIDE_CANDIDATE], t->rows.gap, n };
	struct subset s;
	struct err e = ERR_INIT;

	subset_make(&s, &t->mem, &t->h, true);
	s.n = n;
	for (size_t side = 0; side < SIDE_COUNT; side++) {
		struct train_data data = subset_data(&s, NULL, NULL);
		size_t on = 0, differ = 0;
		struct active a;
		double *want;

		for (size_t i = 0; i < n * shape->d_a; i++)
			x[SIDE_BASE][i] = side == SIDE_BASE ? 2 * t->rows.xa[i] : 0;
		for (size_t i = 0; i < n * shape->d_b; i++)
			x[SIDE_CANDIDATE][i] = side == SIDE_CANDIDATE ? 2 * t->rows.xb[i] : 0;
		want = naive_codes(&rows);
		ok(active_make_alone(&a, &t->dfc, t->par, &data, side == SIDE_CANDIDATE, &e), &e);
		for (size_t i = 0; i < n * latents; i++) {
			double got = (double)active_at(&a, i / latents, (uint32_t)(i % latents));

			on += got > 0;
			/* At the threshold rounding decides. */
			if ((got > 0) != (want[i] > 0))
				differ++;
			else
				assert_true(fabs(got - want[i]) <= 1e-4 * (1 + want[i]));
		}
		assert_true(on > n && differ * 1000 < on);
		active_release(&a);
		mem_free(want);
	}
	subset_release(&s);
}

static void the_fit_is_the_store_s(void **state)
{
	const struct trace *t = *state;
	struct naive_fit want = naive_fit_study(&t->rows);
	const struct json *got = at(json_at(at(t->results, "training"), 0), "held_out");
	static const char *const l0[] = { "l0_base_only", "l0_shared", "l0_candidate_only" };

	assert_int_equal(at(t->results, "harvest.held_out_rows")->integer, t->rows.n);
	assert_int_equal(at(got, "rows")->integer, want.rows);
	for (size_t p = 0; p < 3; p++) {
		double slack = ((double)want.edge + 1e-6) / (double)want.rows;

		if (fabs(at(got, l0[p])->real - want.l0[p]) > slack)
			fail_msg("%s: %.9g, from the store %.9g", l0[p], at(got, l0[p])->real, want.l0[p]);
	}
	close_to("fve", at(got, "fve")->real, want.fve, want.edge, 100 * want.rows);
	close_to("fve_base", at(got, "fve_base")->real, want.fve_a, want.edge, 100 * want.rows);
	close_to("fve_candidate", at(got, "fve_candidate")->real, want.fve_b, want.edge, 100 * want.rows);
	close_to("fve_shared_only", at(got, "fve_shared_only")->real, want.fve_shared, want.edge,
		 100 * want.rows);
}

/* A printed number, up to its interval in brackets: U+2212 for minus, a per cent sign, commas between thousands. `step`: of its last digit. */
static double printed(const char *cell, double *step)
{
	double sign = 1, scale = 1;
	char digits[64];
	size_t n = 0, after = 0;
	bool point = false;

	for (const char *p = cell; *p != '\0' && *p != '|' && *p != '('; p++) {
		if (strncmp(p, "\xe2\x88\x92", 3) == 0 || *p == '-')
			sign = -1;
		else if (*p == '%')
			scale = 0.01;
		else if ((*p == '.' || (*p >= '0' && *p <= '9')) && n + 1 < sizeof(digits)) {
			after += point && *p != '.';
			point |= *p == '.';
			digits[n++] = *p;
		}
	}
	digits[n] = '\0';
	*step = scale * pow(10, -(double)after);
	return sign * scale * strtod(digits, NULL);
}

static const char *cell_of(const char *row, size_t column)
{
	for (size_t i = 0; row != NULL && i <= column; i++)
		row = row[0] == '\0' ? NULL : strchr(row + (i > 0), '|');
	return row != NULL ? row + 1 : NULL;
}

static bool is_cell(const char *cell, const char *text)
{
	cell += strspn(cell, " ");
	return strncmp(cell, text, strlen(text)) == 0 && strspn(cell + strlen(text), " ") > 0;
}

/* The number in the column headed so, in the first row below that has `id` in its column `id_column` (NULL: the first row). */
static void printed_is(const char *text, const char *id_column, size_t id, const char *column, double want)
{
	const char *head = text, *row, *cell;
	size_t at_id = SIZE_MAX, at_column = SIZE_MAX;
	double step, got;
	char word[32];

	for (; head != NULL && at_column == SIZE_MAX; head = strchr(head + 1, '\n')) {
		const char *line = head + (*head == '\n');

		for (size_t i = 0; line[0] == '|' && (cell = cell_of(line, i)) != NULL; i++) {
			if (memchr(line, '\n', (size_t)(cell - line)) != NULL)
				break;
			at_column = is_cell(cell, column) ? i : at_column;
			at_id = id_column != NULL && is_cell(cell, id_column) ? i : at_id;
		}
		if (at_column != SIZE_MAX)
			break;
	}
	if (head == NULL)
		fail_msg("no table has a column %s", column);
	snprintf(word, sizeof(word), "%zu", id);
	row = strchr(strchr(head + 1, '\n') + 1, '\n');
	while (row != NULL && row[1] == '|' && id_column != NULL && !is_cell(cell_of(row + 1, at_id), word))
		row = strchr(row + 1, '\n');
	assert_true(row != NULL && row[1] == '|');
	got = printed(cell_of(row + 1, at_column), &step);
	if (fabs(got - want) > step / 2 + 1e-9)
		fail_msg("latent %zu, %s: the page says %g, results.json %.9g", id, column, got, want);
}

static const char *page(struct trace *t, const char *name)
{
	struct err e = ERR_INIT;
	struct view v;

	ok(file_read(&v, &t->mem, arena_fmt(&t->mem, "%s/%s", t->dir, name), FILE_LIMIT, &e), &e);
	return arena_strdup(&t->mem, v.p, v.n);
}

static void the_page_says_what_the_results_say(void **state)
{
	struct trace *t = *state;
	const char *report = page(t, "report.md"), *list = page(t, "latents.md");
	const struct json *card = at(t->results, "latents.columns.candidate_only")->first, *v;
	size_t latent = (size_t)at(card, "latent")->integer;
	const char *section = strstr(report, arena_fmt(&t->mem, "### Latent %zu:", latent));

	assert_non_null(section);
	printed_is(section, NULL, latent, "relevance (95 %)", at(card, "relevance")->real);
	printed_is(section, NULL, latent, "fires on", at(card, "frequency")->real);
	printed_is(section, NULL, latent, "largest", at(card, "max_activation")->real);
	printed_is(section, NULL, latent, "mean", at(card, "mean_activation")->real);
	for (v = at(t->results, "latents.exclusive")->first; v != NULL; v = v->next) {
		size_t id = (size_t)at(v, "latent")->integer;

		printed_is(list, "latent", id, "rank", at(v, "rank")->real);
		printed_is(list, "latent", id, "relevance", at(v, "relevance")->real);
		printed_is(list, "latent", id, "fires on", at(v, "frequency")->real);
	}
	v = json_at(at(t->results, "training"), 0);
	section = strstr(report, "## Training");
	assert_non_null(section);
	printed_is(section, NULL, 0, "variance explained", at(v, "held_out.fve")->real);
	printed_is(section, NULL, 0, "without exclusives", at(v, "held_out.fve_shared_only")->real);
	printed_is(section, NULL, 0, "active per pair", at(v, "held_out.l0")->real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latents_are_the_store_s),
		cmocka_unit_test(cards_are_the_store_s),
		cmocka_unit_test(findings_are_the_store_s),
		cmocka_unit_test(turn_boundaries_get_their_share),
		cmocka_unit_test(a_stream_alone_is_read),
		cmocka_unit_test(the_fit_is_the_store_s),
		cmocka_unit_test(the_page_says_what_the_results_say),
	};

	return cmocka_run_group_tests_name("trace", tests, trace_open, trace_close);
}
