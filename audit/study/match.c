#include "study/match.h"

#include "num/ops.h"
#include "num/reduce.h"
#include "study/cofire.h"

enum { KEPT = 8 }; /* most similar latents a latent may be matched with */

struct pairing {
	uint32_t of, in;
	double similarity;
	struct match match;
};

struct task {
	const struct coded *of, *in;
	struct spread spread_of, spread_in;
	double least;
	struct pairing *pair; /* (latents, KEPT) */
	size_t *n;	      /* (latents) */
};

/* The mean over the models that both latents have rows of one width in; they are of one partition. false: no such model,
 * as for a candidate-only latent of two candidates of other widths. */
static bool cosine(double *out, const struct dfc *d, size_t i, const struct dfc *e, size_t k)
{
	double sum = 0;
	size_t n = 0;

	if (dfc_decoder_a(d, i) != NULL && d->shape.d_a == e->shape.d_a) {
		sum += op_cosine_d(dfc_decoder_a(d, i), dfc_decoder_a(e, k), d->shape.d_a);
		n++;
	}
	if (dfc_decoder_b(d, i) != NULL && d->shape.d_b == e->shape.d_b) {
		sum += op_cosine_d(dfc_decoder_b(d, i), dfc_decoder_b(e, k), d->shape.d_b);
		n++;
	}
	*out = n > 0 ? sum / (double)n : 0;
	return n > 0;
}

/* Puts a pair among the KEPT most similar of its latent; of equals the earlier stays ahead. */
static void keep(struct pairing *list, size_t *n, const struct pairing *p)
{
	size_t at = *n;

	while (at > 0 && list[at - 1].similarity < p->similarity)
		at--;
	if (at == KEPT)
		return;
	*n = *n < KEPT ? *n + 1 : KEPT;
	for (size_t i = *n - 1; i > at; i--)
		list[i] = list[i - 1];
	list[at] = *p;
}

static void candidates(void *ud, size_t i, void *scratch)
{
	struct task *t = ud;
	const struct active *a = t->of->active, *b = t->in->active;
	enum partition part = dfc_partition(&t->of->dfc->shape, i);
	double *product = mem_alloc(b->n_latents + 1, sizeof(*product));

	(void)scratch;
	cofire(product, a, i, b);
	for (size_t k = 0; k < b->n_latents; k++) {
		double r = product[k] > 0 ? spread_correlation(&t->spread_of, i, &t->spread_in, k, product[k],
							       a->n_rows)
					  : 0;
		struct pairing p = { .of = (uint32_t)i, .in = (uint32_t)k };

		/* a cosine is at most 1 */
		if ((r + 1) / 2 < t->least || dfc_partition(&t->in->dfc->shape, k) != part)
			continue;
		p.match = (struct match){ (uint32_t)k, 0, r };
		p.similarity =
			cosine(&p.match.cosine, t->of->dfc, i, t->in->dfc, k) ? (p.match.cosine + r) / 2 : r;
		if (p.similarity >= t->least)
			keep(t->pair + i * KEPT, &t->n[i], &p);
	}
	mem_free(product);
}

static void choose(struct match *out, const struct task *t)
{
	size_t n = t->of->active->n_latents, found = 0;
	double *key = mem_alloc(n * KEPT + 1, sizeof(*key));
	uint32_t *order = mem_alloc(n * KEPT + 1, sizeof(*order)),
		 *which = mem_alloc(n * KEPT + 1, sizeof(*which));
	bool *taken = mem_alloc(t->in->active->n_latents + 1, sizeof(*taken));

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct match){ .latent = MATCH_NONE };
		for (size_t k = 0; k < t->n[i]; k++) {
			which[found] = (uint32_t)(i * KEPT + k);
			key[found++] = -t->pair[i * KEPT + k].similarity;
		}
	}
	reduce_order(order, key, found);
	for (size_t i = 0; i < found; i++) {
		const struct pairing *p = &t->pair[which[order[i]]];

		if (out[p->of].latent != MATCH_NONE || taken[p->in])
			continue;
		out[p->of] = p->match;
		taken[p->in] = true;
	}
	mem_free(taken);
	mem_free(which);
	mem_free(order);
	mem_free(key);
}

void match_latents(struct match *out, const struct coded *of, const struct coded *in, double least,
		   struct par *p)
{
	size_t n = of->active->n_latents;
	struct task t = { .of = of, .in = in, .least = least };

	BUG_ON(of->active->n_rows != in->active->n_rows);
	spread_make(&t.spread_of, of->active);
	spread_make(&t.spread_in, in->active);
	t.pair = mem_alloc(n * KEPT + 1, sizeof(*t.pair));
	t.n = mem_alloc(n + 1, sizeof(*t.n));
	par_run(p, n, candidates, &t);
	choose(out, &t);
	mem_free(t.pair);
	mem_free(t.n);
	spread_release(&t.spread_of);
	spread_release(&t.spread_in);
}
