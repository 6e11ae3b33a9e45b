#include "flow/latents.h"

#include "num/reduce.h"

enum {
	/* a latent seen in fewer held-out documents is no candidate: one text proves nothing */
	LEAST_DOCUMENTS = 2,
	MOST_BUNDLES = 256,
};

/* Least cosine of what two latents of one bundle carry. */
static const double carried_alike = 0.5;

const char *const latents_formula =
	"the largest |relevance| (nats a pair) over all positions, turn boundaries and prompts, times stability; those that "
	"chance does not give first";

const char *status_name(enum status s)
{
	static const char *const name[STATUS_COUNT] = { "dead", "twin", "unstable", "inert", "candidate" };

	return name[s];
}

size_t latent_found(const struct latents *l, size_t latent)
{
	size_t n = 1;

	for (size_t i = 0; i + 1 < l->n_seeds; i++)
		n += l->match[i][latent].latent != MATCH_NONE;
	return n;
}

static double magnitude(double v)
{
	return v < 0 ? -v : v;
}

/* |relevance| at a place in nats a pair: where an answer is decided, its gap over its pairs. */
static double strength_at(const struct latents *l, size_t latent, enum site p)
{
	return magnitude(p == SITE_ALL ? l->relevance[p][latent].gap : l->decided.strength[p][latent]);
}

bool relevance_acts(const struct relevance *r, double size, const struct spec *s)
{
	return size >= s->study.inert_below && r->p <= s->steer.alpha && r->documents >= LEAST_DOCUMENTS;
}

/* Where answers are decided the gap is less the mean over prompts: a latent of prompts that both models answer alike lies as far
 * below it as the mean is large, and is about no difference. */
static bool differs_at(const struct latents *l, size_t latent, enum site p)
{
	return p == SITE_ALL ||
	       magnitude(l->decided.strength[p][latent] + l->decided.rate) >= l->job->spec->study.inert_below;
}

static bool acts_at(const struct latents *l, size_t latent, enum site p)
{
	return differs_at(l, latent, p) &&
	       relevance_acts(&l->relevance[p][latent], strength_at(l, latent, p), l->job->spec);
}

static void measure(struct latents *l, size_t latent)
{
	l->strength[latent] = strength_at(l, latent, SITE_ALL);
	for (int p = SITE_ALL; p < SITE_COUNT; p++) {
		double v = strength_at(l, latent, (enum site)p);

		if (!acts_at(l, latent, (enum site)p))
			continue;
		if (!l->acts[latent] || v > l->strength[latent])
			l->strength[latent] = v;
		l->acts[latent] = true;
	}
}

static enum status status_of(const struct latents *l, size_t latent)
{
	const struct spec *s = l->job->spec;

	if (l->relevance[SITE_ALL][latent].fires == 0)
		return STATUS_DEAD;
	if (l->twin[latent].correlation >= s->study.twin)
		return STATUS_TWIN;
	if (l->n_seeds > 1 && (double)latent_found(l, latent) < s->study.stable * (double)l->n_seeds)
		return STATUS_UNSTABLE;
	return l->acts[latent] ? STATUS_CANDIDATE : STATUS_INERT;
}

/* A prompt with all its answers is one place, any other document another. */
static void bundles_find(struct latents *l)
{
	const struct studied *s = &l->studied;
	struct arena *mem = l->job->mem;
	size_t n_docs = corpus_docs(s->corpus), n = 0, rows = s->active->n_rows;
	double *weight = ARENA_ARRAY(mem, rows + 1, double);
	uint32_t *place = ARENA_ARRAY(mem, rows + 1, uint32_t), *acting;
	struct carried c = { .active = s->active, .weight = weight, .place = place, .n_places = n_docs };

	for (size_t r = 0; r < rows; r++) {
		const struct doc *d = corpus_doc(s->corpus, s->doc[r]);

		/* D(p) is below 0 where both models give the other's answer more: nothing to carry */
		weight[r] = magnitude(s->gap[r]) + (l->decided.row_gap[r] > 0 ? l->decided.row_gap[r] : 0);
		place[r] = d->kind == DOC_ROLLOUT ? (uint32_t)n_docs + d->prompt : s->doc[r];
		c.n_places = place[r] >= c.n_places ? place[r] + 1 : c.n_places;
	}
	acting = ARENA_ARRAY(mem, s->active->n_latents + 1, uint32_t);
	for (size_t i = 0; i < s->active->n_latents; i++) {
		if (l->acts[l->order[i]])
			acting[n++] = l->order[i];
	}
	l->n_bundles = bundles_make(&l->bundle, mem, &c, acting, n, carried_alike, MOST_BUNDLES);
}

static void shown_choose(struct latents *l)
{
	size_t n = l->studied.active->n_latents, most = l->job->spec->study.cards;

	l->shown = ARENA_ARRAY(l->job->mem, PARTITIONS * most + 1, uint32_t);
	for (int p = PARTITION_A; p <= PARTITION_B; p++) {
		size_t first = l->n_shown;

		for (size_t i = 0; i < n && l->n_shown - first < most; i++) {
			uint32_t latent = l->order[i];

			if (dfc_partition(&l->dfc->shape, latent) == (enum partition)p &&
			    l->status[latent] != STATUS_DEAD)
				l->shown[l->n_shown++] = latent;
		}
	}
}

void latents_rank(struct latents *l)
{
	struct arena *mem = l->job->mem;
	size_t n = l->studied.active->n_latents;
	double *key = ARENA_ARRAY(mem, n + 1, double), most = 0;

	l->acts = ARENA_ARRAY(mem, n, bool);
	l->strength = ARENA_ARRAY(mem, n, double);
	l->status = ARENA_ARRAY(mem, n, enum status);
	l->order = ARENA_ARRAY(mem, n, uint32_t);
	l->rank = ARENA_ARRAY(mem, n, uint32_t);
	for (size_t i = 0; i < n; i++) {
		measure(l, i);
		l->status[i] = status_of(l, i);
		key[i] = l->strength[i] * (double)latent_found(l, i) / (double)l->n_seeds;
		most = key[i] > most ? key[i] : most;
	}
	for (size_t i = 0; i < n; i++)
		key[i] = -(key[i] + (l->acts[i] ? most + 1 : 0));
	reduce_order(l->order, key, n);
	for (size_t i = 0; i < n; i++)
		l->rank[l->order[i]] = (uint32_t)i;
	shown_choose(l);
	bundles_find(l);
}
