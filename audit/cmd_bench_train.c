#include "cmd_bench.h"

#include "base/log.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/str.h"
#include "dict/train.h"
#include "num/gemm.h"
#include "num/stats.h"

#include <string.h>

/*
 * Steps of training and, after each, the products of the dense encode alone: in tiles that stay in the
 * cache, so that they show their best.  Both see the same machine at the same time.
 */

enum { BATCHES = 4, WARM_UP = 3, TILE_ROWS = 256, TILE_COLS = 512, DEFAULT_K = 64, FILL_VALUES = 4096 };

struct run {
	const struct call *call;
	const struct bench_opts *o;
	struct dfc_shape shape;
	struct train_opts train;
	struct par *par;
	struct trainer *trainer;
	float *a, *b;	       /* (BATCHES * batch, d) random rows */
	double *step, *encode; /* (steps) seconds */
	double peak;	       /* bytes of memory, before the products were timed */
};

static int read_rows(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	const struct run *r = ud;
	size_t d_a = r->shape.d_a, d_b = r->shape.d_b;

	(void)e;
	for (size_t i = 0; i < n; i++) {
		memcpy(xa + i * d_a, r->a + row[i] * d_a, d_a * sizeof(*xa));
		memcpy(xb + i * d_b, r->b + row[i] * d_b, d_b * sizeof(*xb));
	}
	return 0;
}

struct filling {
	float *x;
	size_t n;
	struct rng r;
};

static void fill_unit(void *ud, size_t unit, void *scratch)
{
	const struct filling *f = ud;

	(void)scratch;
	for (size_t i = unit * FILL_VALUES; i < (unit + 1) * FILL_VALUES && i < f->n; i++)
		f->x[i] = (float)rng_normal(f->r, i);
}

static int random_rows(float **x, size_t n, size_t d, const char *name, struct par *p, struct err *e)
{
	struct filling f = { .n = n * d, .r = rng_stream(1, name, 0) };
	void *block;

	if (mem_reserve(&block, n * d, sizeof(float), "random rows", e) < 0)
		return -1;
	f.x = *x = block;
	par_run(p, (f.n + FILL_VALUES - 1) / FILL_VALUES, fill_unit, &f);
	return 0;
}

/* ---- the products alone ---- */

struct products {
	const struct run *r;
	const struct dfc *d;
	size_t row_tiles, tiles_a, tiles_b;
};

static void product(float *c, const float *x, const float *w, size_t rows, size_t row, size_t cols,
		    size_t col, size_t d)
{
	size_t m = rows - row < TILE_ROWS ? rows - row : TILE_ROWS,
	       n = cols - col < TILE_COLS ? cols - col : TILE_COLS;

	gemm_tile_nt(c, n, x + row * d, d, w + col * d, d, m, n, d, 0.0f);
}

static void product_unit(void *ud, size_t unit, void *scratch)
{
	const struct products *p = ud;
	const struct dfc *d = p->d;
	const struct dfc_shape *s = &d->shape;
	size_t row = unit % p->row_tiles * TILE_ROWS, tile = unit / p->row_tiles, batch = p->r->o->batch;

	if (tile < p->tiles_a)
		product(scratch, p->r->a, d->enc_a, batch, row, dfc_rows_a(s), tile * TILE_COLS, s->d_a);
	else
		product(scratch, p->r->b, d->enc_b, batch, row, dfc_rows_b(s),
			(tile - p->tiles_a) * TILE_COLS, s->d_b);
}

static double time_products(const struct run *r)
{
	const struct dfc *d = trainer_dict(r->trainer);
	struct products p = { .r = r, .d = d };
	double start = log_clock();

	p.row_tiles = (r->o->batch + TILE_ROWS - 1) / TILE_ROWS;
	p.tiles_a = (dfc_rows_a(&d->shape) + TILE_COLS - 1) / TILE_COLS;
	p.tiles_b = (dfc_rows_b(&d->shape) + TILE_COLS - 1) / TILE_COLS;
	par_run(r->par, p.row_tiles * (p.tiles_a + p.tiles_b), product_unit, &p);
	return log_clock() - start;
}

/* ---- measuring ---- */

static int measure(struct run *r, struct err *e)
{
	struct train_stats stats;
	double start;

	for (size_t i = 0; i < WARM_UP + r->o->steps; i++) {
		start = log_clock();
		if (trainer_step(r->trainer, &stats, e) < 0)
			return -1;
		if (i < WARM_UP)
			continue;
		r->step[i - WARM_UP] = log_clock() - start;
		r->encode[i - WARM_UP] = time_products(r);
		log_progress("bench train", i + 1 - WARM_UP, r->o->steps, NULL);
	}
	r->peak = (double)mem_peak_rss();
	return 0;
}

/* Pairs a second: median and quartiles of the steps. */
static struct interval rate(const struct run *r, const double *seconds)
{
	double n = (double)r->o->batch;

	return (struct interval){ n / stats_median(seconds, r->o->steps),
				  n / stats_quantile(seconds, r->o->steps, 0.75),
				  n / stats_quantile(seconds, r->o->steps, 0.25) };
}

static double flop_of_encode(const struct dfc_shape *s)
{
	return 2.0 * ((double)dfc_rows_a(s) * (double)s->d_a + (double)dfc_rows_b(s) * (double)s->d_b);
}

static void put_rate(struct json_out *j, const char *key, struct interval v)
{
	json_open(j, key, '{');
	json_put_real(j, "median", v.mean);
	json_put_real(j, "lower_quartile", v.lo);
	json_put_real(j, "upper_quartile", v.hi);
	json_close(j, '}');
}

static void write_json(const struct run *r, struct interval step, struct interval encode)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	const struct dfc_shape *s = &r->shape;

	json_open(&j, NULL, '{');
	json_put_size(&j, "da", s->d_a);
	json_put_size(&j, "db", s->d_b);
	json_put_size(&j, "base_only", s->n_a);
	json_put_size(&j, "shared", s->n_shared);
	json_put_size(&j, "candidate_only", s->n_b);
	json_put_size(&j, "k", r->train.k);
	json_put_size(&j, "batch", r->o->batch);
	json_put_size(&j, "threads", par_threads(r->par));
	json_puts(&j, "backend", gemm_backend());
	json_put_real(&j, "pairs_per_second", step.mean);
	put_rate(&j, "training", step);
	put_rate(&j, "encode", encode);
	json_put_real(&j, "share_of_encode", step.mean / encode.mean);
	json_put_real(&j, "encode_gflops", encode.mean * flop_of_encode(s) * 1e-9);
	json_put_real(&j, "training_gflops", step.mean * flop_of_encode(s) * 1e-9);
	json_put_size(&j, "parameters", trainer_dict(r->trainer)->n_params);
	json_put_size(&j, "planned_bytes", trainer_bytes(s, &r->train));
	json_put_real(&j, "peak_rss_bytes", r->peak);
	json_close(&j, '}');
	print_json(&text);
}

/* Of a parameter, its gradient and its moments. */
static size_t parameter_bytes(const struct run *r)
{
	return 2 * sizeof(float) + adam_state_bytes(1, r->train.state);
}

static void print_markdown(const struct run *r, struct interval step, struct interval encode)
{
	const struct dfc_shape *s = &r->shape;
	double flop = flop_of_encode(s), params = (double)trainer_dict(r->trainer)->n_params;

	printf("Training %zu + %zu wide, %zu + %zu + %zu latents, k %zu, batch %zu, %u threads, %s.\n\n",
	       s->d_a, s->d_b, s->n_a, s->n_shared, s->n_b, r->train.k, r->o->batch, par_threads(r->par),
	       gemm_backend());
	printf("| pairs a second | median | lower quartile | upper quartile | GFLOP/s of the encode |\n");
	printf("|---|--:|--:|--:|--:|\n");
	printf("| a step of training | %.0f | %.0f | %.0f | %.1f |\n", step.mean, step.lo, step.hi,
	       step.mean * flop * 1e-9);
	printf("| its dense encode alone | %.0f | %.0f | %.0f | %.1f |\n\n", encode.mean, encode.lo,
	       encode.hi, encode.mean * flop * 1e-9);
	printf("Training reaches %.0f %% of the encode's rate. Peak memory %.1f MiB with the random pairs; "
	       "planned for "
	       "training %.1f MiB, parameters times %zu bytes are %.1f MiB.\n",
	       100.0 * step.mean / encode.mean, r->peak / 1048576.0,
	       (double)trainer_bytes(s, &r->train) / 1048576.0, parameter_bytes(r),
	       params * (double)parameter_bytes(r) / 1048576.0);
}

static int prepare(struct run *r, struct err *e)
{
	const struct bench_opts *o = r->o;
	size_t own = (size_t)((double)o->width * o->exclusive + 0.5), rows = BATCHES * o->batch;
	struct train_data data = { .n_rows = rows, .read = read_rows, .ud = r };

	r->shape = (struct dfc_shape){ o->da, o->db, own, o->width - 2 * own, own };
	r->train = train_defaults();
	r->train.steps = WARM_UP + o->steps;
	r->train.batch = o->batch;
	r->train.warmup = 1;
	r->train.k = o->k ? o->k : DEFAULT_K;
	r->train.lr = 1e-4;
	r->train.dead_after = 10000000;
	r->train.threshold_from = 1000;
	r->train.state = (enum adam_format)o->state;
	r->train.seed = 1;
	if (gemm_setup(NULL, e) < 0 ||
	    par_new(&r->par, call_threads(r->call, o->threads), GEMM_SCRATCH, e) < 0 ||
	    random_rows(&r->a, rows, o->da, "bench.a", r->par, e) < 0 ||
	    random_rows(&r->b, rows, o->db, "bench.b", r->par, e) < 0)
		return -1;
	r->step = ARENA_ARRAY(r->call->mem, o->steps, double);
	r->encode = ARENA_ARRAY(r->call->mem, o->steps, double);
	return trainer_new(&r->trainer, &r->shape, &r->train, &data, r->par, e);
}

int bench_train(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct run r = { .call = c, .o = o };
	int rc = prepare(&r, e);

	if (rc == 0)
		rc = measure(&r, e);
	if (rc == 0)
		(o->json ? write_json : print_markdown)(&r, rate(&r, r.step), rate(&r, r.encode));
	trainer_free(r.trainer);
	mem_free(r.a);
	mem_free(r.b);
	par_free(r.par);
	return rc;
}
