#include "cmd_bench.h"

#include "base/log.h"
#include "base/par.h"
#include "base/str.h"
#include "num/blas.h"
#include "num/gemm.h"

#include <string.h>

/*
 * A text through the blocks, and between its passes the machine's own sgemm on a layer's shapes, so that both see the
 * same machine at the same time.  The harvest goes first: the memory printed with it is what a harvest takes.
 */

enum { FEED_ROWS = 512 };

struct run {
	const struct bench_opts *o;
	struct bench_model b;
	const struct arch *a;
	struct sgemm *sgemm;
	int32_t *id;
	double *full, *harvest, *tiled, *own; /* (steps) tokens/s twice, FLOP/s twice */
	double *share, *ratio;		/* (steps) of the better sgemm; harvest to its share of the blocks */
	double full_flop, peak, mapped; /* peak: bytes, before the yardstick was made */
	struct sha256 hash;
	struct digest digest;
};

static void digest_tap(void *ud, float *x, size_t d, const struct rows *rows)
{
	struct run *r = ud;

	sha256_add(&r->hash, x, rows->n * d * sizeof(*x));
}

static size_t last_row(const struct run *r)
{
	return (r->o->tokens - 1) % FEED_ROWS;
}

/* The residual stream after the last block run, and the logits after the last token where all were. */
static int take_digest(struct run *r, const struct call *c, struct err *e)
{
	size_t blocks = r->a->n_layers;
	struct tap tap = { blocks - 1, digest_tap, r };
	float *logits = ARENA_ARRAY(c->mem, r->a->n_vocab, float);
	uint32_t row = (uint32_t)last_row(r);
	int rc;

	sha256_init(&r->hash);
	rc = bench_prompt(&r->b, r->id, r->o->tokens, blocks, (struct taps){ &tap, 1 }, e);
	if (rc == 0) {
		session_logits(r->b.session, logits, &row, 1);
		sha256_add(&r->hash, logits, r->a->n_vocab * sizeof(*logits));
	}
	r->digest = sha256_end(&r->hash);
	return rc;
}

static int time_pass(double *rate, struct run *r, size_t blocks, struct err *e)
{
	double start = log_clock();
	uint32_t row = (uint32_t)last_row(r);
	int32_t next;

	if (bench_prompt(&r->b, r->id, r->o->tokens, blocks, (struct taps){ NULL, 0 }, e) < 0)
		return -1;
	if (blocks == r->a->n_layers)
		session_argmax(r->b.session, &next, &row, 1);
	*rate = (double)r->o->tokens / (log_clock() - start);
	return 0;
}

static int measure(struct run *r, struct err *e)
{
	size_t layers = r->a->n_layers, blocks = (size_t)(r->o->layer + 1);
	double cold;

	if (time_pass(&cold, r, blocks ? blocks : layers, e) < 0)
		return -1;
	r->peak = (double)mem_peak_rss();
	if (sgemm_new(&r->sgemm, r->a, r->o->tokens < FEED_ROWS ? r->o->tokens : FEED_ROWS, r->b.par, e) <
		    0 ||
	    time_pass(&cold, r, layers, e) < 0)
		return -1;
	sgemm_tiled(r->sgemm);
	sgemm_own(r->sgemm);
	for (size_t i = 0; i < r->o->steps; i++) {
		double rate, best;

		if (time_pass(&r->full[i], r, layers, e) < 0)
			return -1;
		r->tiled[i] = sgemm_tiled(r->sgemm);
		if (blocks && time_pass(&r->harvest[i], r, blocks, e) < 0)
			return -1;
		r->own[i] = sgemm_own(r->sgemm);
		rate = r->full[i] * r->full_flop;
		best = r->tiled[i] > r->own[i] ? r->tiled[i] : r->own[i];
		r->share[i] = rate / best;
		r->ratio[i] = blocks ? r->full[i] / r->harvest[i] / ((double)blocks / (double)layers) : 0;
		log_progress("bench forward", i + 1, r->o->steps, NULL);
	}
	return 0;
}

static void write_json(const struct run *r, const char *dir)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	size_t n = r->o->steps;
	struct interval full = bench_quartiles(r->full, n);
	char hex[65];

	digest_hex(hex, r->digest);
	json_open(&j, NULL, '{');
	json_puts(&j, "model", dir);
	json_puts(&j, "family", r->a->family);
	json_put_size(&j, "parameters", model_parameters(r->b.model));
	json_put_size(&j, "tokens", r->o->tokens);
	json_put_size(&j, "rows_of_a_feed", FEED_ROWS);
	json_put_size(&j, "threads", par_threads(r->b.par));
	json_put_size(&j, "steps", n);
	json_puts(&j, "backend", gemm_backend());
	json_puts(&j, "kernels", gemm_machine());
	json_puts(&j, "blas", blas_name());
	bench_put(&j, "tokens_per_second", full);
	json_put_real(&j, "flop_per_token", r->full_flop);
	json_put_real(&j, "gflops", full.mean * r->full_flop * 1e-9);
	bench_put(&j, "sgemm_tiled_flops", bench_quartiles(r->tiled, n));
	bench_put(&j, "sgemm_own_threads_flops", bench_quartiles(r->own, n));
	bench_put(&j, "share_of_sgemm", bench_quartiles(r->share, n));
	if (r->o->layer >= 0) {
		json_put_size(&j, "layer", (uint64_t)r->o->layer);
		bench_put(&j, "harvest_tokens_per_second", bench_quartiles(r->harvest, n));
		bench_put(&j, "harvest_to_its_share_of_blocks", bench_quartiles(r->ratio, n));
	}
	json_put_real(&j, "peak_rss_bytes", r->peak);
	json_put_real(&j, "weight_bytes", r->mapped);
	json_puts(&j, "digest", hex);
	json_close(&j, '}');
	print_json(&text);
}

static void print_row(const char *what, struct interval v, double scale, double gflop)
{
	printf("| %s | %.1f | %.1f | %.1f | ", what, v.mean * scale, v.lo * scale, v.hi * scale);
	if (gflop > 0)
		printf("%.1f |\n", v.mean * gflop * 1e-9);
	else
		printf("%.1f |\n", v.mean * 1e-9);
}

static void print_markdown(const struct run *r, const char *dir)
{
	size_t n = r->o->steps;
	struct interval share = bench_quartiles(r->share, n), ratio = bench_quartiles(r->ratio, n);
	char hex[65];

	digest_hex(hex, r->digest);
	printf("%s: %s, %.1f M parameters; %zu tokens in rows of at most %d, %u threads, %zu steps, %s (%s).\n\n",
	       dir, r->a->family, (double)model_parameters(r->b.model) * 1e-6, r->o->tokens, FEED_ROWS,
	       par_threads(r->b.par), n, gemm_backend(), gemm_machine());
	printf("| tokens a second | median | lower quartile | upper quartile | GFLOP/s |\n|---|--:|--:|--:|--:|\n");
	print_row("forward, all blocks and the next token", bench_quartiles(r->full, n), 1, r->full_flop);
	if (r->o->layer >= 0) {
		size_t blocks = (size_t)r->o->layer + 1;
		double flop = bench_attention_flop(r->a, 0, r->o->tokens, blocks) / (double)r->o->tokens;

		for (size_t l = 0; l < blocks; l++)
			flop += bench_layer_flop(r->a, l);
		print_row("harvest", bench_quartiles(r->harvest, n), 1, flop);
	}
	print_row("sgemm, a layer's products in tiles on our threads", bench_quartiles(r->tiled, n),
		  1 / r->full_flop, 0);
	print_row("sgemm, the same with its own threads", bench_quartiles(r->own, n), 1 / r->full_flop, 0);
	printf("\nForward reaches %.1f %% (%.1f to %.1f) of the better sgemm's rate. %s.\n", 100 * share.mean,
	       100 * share.lo, 100 * share.hi, blas_name());
	if (r->o->layer >= 0)
		printf("A harvest after block %lld costs %.3f (%.3f to %.3f) of its %lld of %zu blocks' share of a "
		       "forward.\n",
		       (long long)r->o->layer, ratio.mean, ratio.lo, ratio.hi, (long long)r->o->layer + 1,
		       r->a->n_layers);
	printf("Peak memory %.0f MiB%s; weights %.0f MiB as stored.\n", r->peak / 1048576,
	       r->o->layer >= 0 ? " after a first harvest" : " after a first forward", r->mapped / 1048576);
	printf("Digest of the residual stream after the last block and the last token's logits: %.16s\n",
	       hex);
}

static void prepare(struct run *r, const struct call *c)
{
	size_t n = r->o->steps;

	r->a = model_arch(r->b.model);
	r->id = bench_ids(c, r->b.model, "bench.forward", r->o->tokens);
	r->full = ARENA_ARRAY(c->mem, n, double);
	r->harvest = ARENA_ARRAY(c->mem, n, double);
	r->tiled = ARENA_ARRAY(c->mem, n, double);
	r->own = ARENA_ARRAY(c->mem, n, double);
	r->share = ARENA_ARRAY(c->mem, n, double);
	r->ratio = ARENA_ARRAY(c->mem, n, double);
	r->mapped = (double)model_bytes(r->b.model);
	r->full_flop = (bench_attention_flop(r->a, 0, r->o->tokens, r->a->n_layers) +
			2.0 * (double)r->a->n_vocab * (double)r->a->d_model) /
		       (double)r->o->tokens;
	for (size_t l = 0; l < r->a->n_layers; l++)
		r->full_flop += bench_layer_flop(r->a, l);
}

int bench_forward(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct run r = { .o = o };
	struct session_opts plan = { 1, o->tokens, o->tokens < FEED_ROWS ? o->tokens : FEED_ROWS };
	int rc = bench_open(&r.b, c, o, &plan, e);

	if (rc == 0) {
		prepare(&r, c);
		rc = measure(&r, e);
	}
	if (rc == 0)
		rc = take_digest(&r, c, e);
	if (rc == 0)
		(o->json ? write_json : print_markdown)(&r, c->operand[1]);
	sgemm_free(r.sgemm);
	bench_close(&r.b);
	return rc;
}
