#include "flow/decided.h"

#include "flow/prompts.h"

/* The site a row of the study is at; SITE_ALL: neither. Only the first document of a prompt counts, so each does once. */
static enum site site_of(const struct latents *l, const struct prompt_gap *prompt, size_t n, size_t row)
{
	const struct doc *d = corpus_doc(l->studied.corpus, l->studied.doc[row]);
	uint32_t at = l->studied.index[row];
	const struct prompt_gap *p = &prompt[d->prompt];

	if (d->kind != DOC_ROLLOUT || d->prompt >= n || !p->known || p->turn < d->pair_first ||
	    p->turn >= d->pair_first + d->pair_n || at > p->turn)
		return SITE_ALL;
	return at == p->turn ? SITE_TURN : SITE_PROMPT;
}

static size_t answer_pairs(const struct corpus *c, const struct prompt_gap *p)
{
	size_t n = 0;

	for (size_t s = 0; s < SIDE_COUNT; s++) {
		const struct doc *d = corpus_doc(c, p->doc[s]);

		for (size_t i = 0; (s == 0 || p->doc[s] != p->doc[0]) && i < d->pair_n; i++)
			n += (corpus_pair(c, d->pair_first + i)->flags & PAIR_ANSWER) != 0;
	}
	return n;
}

static double rate(const struct corpus *c, const struct prompt_gap *p)
{
	size_t n = answer_pairs(c, p);

	return n > 0 ? p->gap / (double)n : 0;
}

static void prompts_mean(struct decided *out, const struct harvested *h, const struct prompt_gap *prompt,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!prompt[i].known || !h->held_out[prompt[i].doc[SIDE_BASE]])
			continue;
		out->n++;
		out->gap += prompt[i].gap;
		out->rate += rate(h->corpus, &prompt[i]);
	}
	if (out->n > 0) {
		out->gap /= (double)out->n;
		out->rate /= (double)out->n;
	}
}

/* Rows row[0..n) of a site: the activation-weighted mean of an answer's gap a pair. */
static double *strength_make(const struct latents *l, const uint32_t *row, size_t n)
{
	const struct active *a = l->studied.active;
	double *sum = ARENA_ARRAY(l->job->mem, a->n_latents + 1, double),
	       *mass = ARENA_ARRAY(l->job->mem, a->n_latents + 1, double);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = a->row_start[row[i]]; k < a->row_start[row[i] + 1]; k++) {
			sum[a->latent[k]] += (double)a->row_value[k] * l->decided.row_rate[row[i]];
			mass[a->latent[k]] += (double)a->row_value[k];
		}
	}
	for (size_t i = 0; i < a->n_latents; i++)
		sum[i] = mass[i] > 0 ? sum[i] / mass[i] : 0;
	return sum;
}

void decided_measure(struct latents *l, const struct harvested *h, const struct relevance_opts *o)
{
	const struct active *a = l->studied.active;
	struct arena *mem = l->job->mem;
	uint32_t *row = ARENA_ARRAY(mem, a->n_rows + 1, uint32_t),
		 *doc = ARENA_ARRAY(mem, a->n_rows + 1, uint32_t);
	double *gap = ARENA_ARRAY(mem, a->n_rows + 1, double);
	struct relevance_opts between = *o;
	struct prompt_gap *prompt;
	size_t n_prompts = prompts_measure(&prompt, mem, h);

	between.between = true;
	prompts_mean(&l->decided, h, prompt, n_prompts);
	l->decided.row_rate = ARENA_ARRAY(mem, a->n_rows + 1, double);
	l->decided.row_gap = ARENA_ARRAY(mem, a->n_rows + 1, double);
	for (int p = SITE_TURN; p <= SITE_PROMPT; p++) {
		struct active at;
		size_t n = 0;

		for (size_t r = 0; r < a->n_rows; r++) {
			const struct doc *d = corpus_doc(h->corpus, l->studied.doc[r]);

			if (site_of(l, prompt, n_prompts, r) != (enum site)p)
				continue;
			row[n] = (uint32_t)r;
			doc[n] = l->studied.doc[r];
			gap[n++] = prompt[d->prompt].gap - l->decided.gap;
			l->decided.row_gap[r] = prompt[d->prompt].gap;
			l->decided.row_rate[r] = rate(h->corpus, &prompt[d->prompt]) - l->decided.rate;
		}
		l->decided.strength[p] = strength_make(l, row, n);
		active_select(&at, a, row, n);
		l->relevance[p] = ARENA_ARRAY(mem, a->n_latents, struct relevance);
		relevance_measure(l->relevance[p], &at, gap, doc, l->job->par, &between);
		active_release(&at);
	}
}
