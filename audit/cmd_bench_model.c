#include "cmd_bench.h"

#include "base/par.h"
#include "base/rng.h"
#include "num/gemm.h"

#include <string.h>

int bench_open(struct bench_model *b, const struct call *c, const struct bench_opts *o,
	       const struct session_opts *plan, struct err *e)
{
	if (gemm_setup(NULL, e) < 0 || par_new(&b->par, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0 ||
	    model_open(&b->model, c->operand[1], e) < 0)
		return -1;
	if (o->layer >= 0 && (size_t)o->layer >= model_arch(b->model)->n_layers)
		return err_set(e, ERR_USAGE, "--layer: %lld is none of the model's 0 to %zu",
			       (long long)o->layer, model_arch(b->model)->n_layers - 1);
	return session_new(&b->session, b->model, b->par, plan, e);
}

void bench_close(struct bench_model *b)
{
	session_free(b->session);
	model_close(b->model);
	par_free(b->par);
}

int32_t *bench_ids(const struct call *c, const struct model *m, const char *stream, size_t n)
{
	struct rng r = rng_stream(1, stream, 0);
	int32_t *id = ARENA_ARRAY(c->mem, n, int32_t);

	for (size_t i = 0; i < n; i++)
		id[i] = (int32_t)rng_below(r, i, model_arch(m)->n_vocab);
	return id;
}

int bench_prompt(const struct bench_model *b, const int32_t *id, size_t n, size_t blocks, struct taps taps,
		 struct err *e)
{
	static const uint32_t seq[512]; /* all of sequence 0 */
	size_t rows = session_plan(b->session).max_rows, most = sizeof(seq) / sizeof(*seq);

	rows = rows < most ? rows : most;
	session_rewind(b->session, 0, 0);
	for (size_t i = 0; i < n; i += rows)
		if (session_feed(b->session, id + i, seq, n - i < rows ? n - i : rows, blocks, taps, e) < 0)
			return -1;
	return 0;
}

static bool role_is_expert_matrix(enum role r)
{
	return r >= ROLE_EXPERT_GATE && r <= ROLE_EXPERT_GATE_UP;
}

static bool role_is_matrix(enum role r)
{
	return r == ROLE_Q || r == ROLE_K || r == ROLE_V || r == ROLE_QKV || r == ROLE_O ||
	       r == ROLE_ROUTER || (r >= ROLE_GATE && r <= ROLE_DOWN) || role_is_expert_matrix(r);
}

/* Values of a layer's matrix that a token meets. */
static double values_met(const struct arch *a, enum role r, size_t layer)
{
	size_t rows, cols;

	if (!role_is_matrix(r) || !a->name[r] || !arch_layer_has(a, r, layer))
		return 0;
	arch_shape(&rows, &cols, a, r);
	return (double)rows * (double)cols * (role_is_expert_matrix(r) ? (double)a->n_experts_used : 1.0);
}

double bench_layer_flop(const struct arch *a, size_t layer)
{
	double n = 0;

	for (enum role r = 0; r < ROLE_COUNT; r++)
		n += values_met(a, r, layer);
	return 2 * n;
}

double bench_attention_flop(const struct arch *a, size_t from, size_t to, size_t blocks)
{
	double seen = 0;

	for (size_t l = 0; l < blocks; l++)
		for (size_t i = from; i < to; i++)
			seen += (double)(a->window[l] && i + 1 > a->window[l] ? a->window[l] : i + 1);
	return 4 * seen * (double)(a->n_heads * a->d_head);
}

static double value_bytes(const struct tensor *t)
{
	enum { BLOCK = 32 };

	return (double)(dtype_bytes(t->dtype, BLOCK) + (t->dtype == DT_MXFP4)) / BLOCK;
}

double bench_token_bytes(const struct model *m)
{
	const struct arch *a = model_arch(m);
	const struct tensor *t = model_weight(m, ROLE_UNEMBED, 0);
	double n = (double)t->rows * (double)t->cols * value_bytes(t);

	for (size_t l = 0; l < a->n_layers; l++)
		for (enum role r = 0; r < ROLE_COUNT; r++) {
			double met = values_met(a, r, l);

			t = met <= 0		       ? NULL
			    : role_is_expert_matrix(r) ? model_expert(m, r, l, 0)
						       : model_weight(m, r, l);
			n += t ? met * value_bytes(t) : 0;
		}
	return n;
}

struct interval bench_quartiles(const double *x, size_t n)
{
	return (struct interval){ stats_median(x, n), stats_quantile(x, n, 0.25),
				  stats_quantile(x, n, 0.75) };
}

void bench_put(struct json_out *j, const char *key, struct interval v)
{
	json_open(j, key, '{');
	json_put_real(j, "median", v.mean);
	json_put_real(j, "lower_quartile", v.lo);
	json_put_real(j, "upper_quartile", v.hi);
	json_close(j, '}');
}
