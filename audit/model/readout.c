#include "model/session_state.h"

#include "num/fmath.h"
#include "num/gemm.h"
#include "num/ops.h"

#include <string.h>

/*
 * From the residual stream to next-token probabilities.  Log-probabilities and the best token never hold all
 * logits: the unembedding goes by in blocks of its rows, once for all rows of the feed that are asked for.
 */

/* h (n, d_model) = the rows asked for. */
static void rows_take(struct session *s, const uint32_t *row, size_t n)
{
	size_t d = s->a->d_model;

	BUG_ON(s->n_blocks != s->a->n_layers || n > s->opts.max_rows);
	for (size_t i = 0; i < n; i++) {
		BUG_ON(row[i] >= s->n);
		memcpy(s->h + i * d, s->x + row[i] * d, d * sizeof(*s->h));
	}
}

void session_logits(struct session *s, float *logits, const uint32_t *row, size_t n)
{
	for (size_t i = 0; i < n; i += s->opts.max_rows) {
		size_t m = n - i < s->opts.max_rows ? n - i : s->opts.max_rows;

		rows_take(s, row + i, m);
		model_unembed(logits + i * s->a->n_vocab, s->m, s->par, s->h, m);
	}
}

struct scan {
	struct session *s;
	size_t first, cols;    /* tokens first .. first+cols-1 are in s->scan (n, cols) */
	const int32_t *target; /* (n), or NULL: only the best is asked for */
};

/* One row of a block of logits joins what is known of the row. */
static void scan_unit(void *ud, size_t i, void *scratch)
{
	const struct scan *c = ud;
	struct session *s = c->s;
	float *x = s->scan + i * c->cols, top;

	(void)scratch;
	if (s->a->logit_softcap > 0)
		op_softcap(x, c->cols, (float)s->a->logit_softcap);
	top = op_max(x, c->cols, s->top[i]);
	if (!c->target) {
		/* Only a larger score moves the best: ties keep the smaller id. */
		for (size_t j = 0; top > s->top[i]; j++) {
			if (x[j] == top) {
				s->best[i] = (int32_t)(c->first + j);
				s->top[i] = top;
			}
		}
		return;
	}
	if ((size_t)c->target[i] >= c->first && (size_t)c->target[i] < c->first + c->cols)
		s->hit[i] = (double)x[(size_t)c->target[i] - c->first];
	if (top > s->top[i])
		s->sum[i] *= fm_exp_d((double)s->top[i] - (double)top);
	s->top[i] = top;
	s->sum[i] += op_exp_sum(x, x, c->cols, top);
}

/* The unembedding of h (n, d_model), a block of tokens at a time. */
static void scan_all(struct session *s, const int32_t *target, size_t n)
{
	const struct tensor *all = model_weight(s->m, ROLE_UNEMBED, 0);
	struct scan c = { .s = s, .target = target };

	for (size_t i = 0; i < n; i++) {
		model_norm(s->h + i * s->a->d_model, s->m, s->h + i * s->a->d_model, ROLE_FINAL_NORM, 0);
		s->top[i] = -__builtin_inff();
		s->sum[i] = 0;
		s->hit[i] = 0;
		s->best[i] = 0;
	}
	for (c.first = 0; c.first < all->rows; c.first += SCAN_COLS) {
		struct tensor part = *all;

		c.cols = all->rows - c.first < SCAN_COLS ? all->rows - c.first : SCAN_COLS;
		part.rows = c.cols;
		part.data = (const uint8_t *)all->data + dtype_bytes(all->dtype, c.first * all->cols);
		gemm_weight(s->par, s->scan, s->h, n, &part, NULL);
		par_run(s->par, n, scan_unit, &c);
	}
}

void session_logprobs(struct session *s, double *logp, const uint32_t *row, const int32_t *target, size_t n)
{
	for (size_t i = 0; i < n; i += s->opts.max_rows) {
		size_t m = n - i < s->opts.max_rows ? n - i : s->opts.max_rows;

		for (size_t j = 0; j < m; j++)
			BUG_ON(target[i + j] < 0 || (size_t)target[i + j] >= s->a->n_vocab);
		rows_take(s, row + i, m);
		scan_all(s, target + i, m);
		for (size_t j = 0; j < m; j++)
			logp[i + j] = s->hit[j] - (double)s->top[j] - fm_log_d(s->sum[j]);
	}
}

void session_argmax(struct session *s, int32_t *next, const uint32_t *row, size_t n)
{
	for (size_t i = 0; i < n; i += s->opts.max_rows) {
		size_t m = n - i < s->opts.max_rows ? n - i : s->opts.max_rows;

		rows_take(s, row + i, m);
		scan_all(s, NULL, m);
		memcpy(next + i, s->best, m * sizeof(*next));
	}
}
