#include "study/near.h"

#include "num/gemm.h"

#include <string.h>

/* The text that is being read: a document, or a prompt with all its answers. */
struct closest {
	bool fired;
	struct miss miss;
};

struct near_misses {
	const struct dfc *d;
	const struct studied *s;
	const uint32_t *latent;
	size_t n, most;
	struct par *par;
	double *weight; /* (n) score = activation x weight */
	float *enc[2];	/* (n, d) encoder rows; zero where the latent has none */
	float *h[2];	/* (rows of a batch, n) */
	size_t cap, text;
	struct closest *closest; /* (n) in this text */
	struct miss *miss;	 /* (n, most) */
	size_t *n_misses;	 /* (n) */
};

struct near_misses *near_new(const struct dfc *d, const struct studied *s, const uint32_t *latent, size_t n,
			     size_t most, struct par *p)
{
	struct near_misses *m = mem_alloc(1, sizeof(*m));
	const struct dfc_shape *shape = &d->shape;

	*m = (struct near_misses){
		.d = d, .s = s, .latent = latent, .n = n, .most = most, .par = p, .text = SIZE_MAX
	};
	m->enc[0] = mem_alloc(n * shape->d_a + 1, sizeof(float));
	m->enc[1] = mem_alloc(n * shape->d_b + 1, sizeof(float));
	m->closest = mem_alloc(n + 1, sizeof(*m->closest));
	m->miss = mem_alloc(n * most + 1, sizeof(*m->miss));
	m->n_misses = mem_alloc(n + 1, sizeof(*m->n_misses));
	m->weight = mem_alloc(n + 1, sizeof(*m->weight));
	for (size_t i = 0; i < n; i++) {
		m->weight[i] = (double)dfc_score_weight(d, latent[i]);
		if (dfc_partition(shape, latent[i]) != PARTITION_B)
			memcpy(m->enc[0] + i * shape->d_a, d->enc_a + latent[i] * shape->d_a,
			       shape->d_a * sizeof(float));
		if (dfc_partition(shape, latent[i]) != PARTITION_A)
			memcpy(m->enc[1] + i * shape->d_b, d->enc_b + (latent[i] - shape->n_a) * shape->d_b,
			       shape->d_b * sizeof(float));
	}
	return m;
}

void near_free(struct near_misses *s)
{
	if (s == NULL)
		return;
	for (size_t m = 0; m < 2; m++) {
		mem_free(s->enc[m]);
		mem_free(s->h[m]);
	}
	mem_free(s->weight);
	mem_free(s->closest);
	mem_free(s->miss);
	mem_free(s->n_misses);
	mem_free(s);
}

/* What the text that ends had, among the `most` closest of each latent. */
static void text_end(struct near_misses *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct miss *list = s->miss + i * s->most, it = s->closest[i].miss;
		size_t at = s->n_misses[i];

		while (at > 0 && list[at - 1].share < it.share)
			at--;
		if (s->closest[i].fired || !(it.share > 0) || at == s->most)
			continue;
		if (s->n_misses[i] < s->most)
			s->n_misses[i]++;
		for (size_t k = s->n_misses[i] - 1; k > at; k--)
			list[k] = list[k - 1];
		list[at] = it;
	}
	memset(s->closest, 0, s->n * sizeof(*s->closest));
}

static void row_add(struct near_misses *s, size_t row, const float *ha, const float *hb)
{
	const struct doc *doc = corpus_doc(s->s->corpus, s->s->doc[row]);
	size_t text = doc->kind == DOC_ROLLOUT ? corpus_docs(s->s->corpus) + doc->prompt : s->s->doc[row];

	if (text != s->text)
		text_end(s);
	s->text = text;
	for (size_t i = 0; i < s->n; i++) {
		struct closest *c = &s->closest[i];
		double h = (double)ha[i] * (double)s->d->scale_a + (double)hb[i] * (double)s->d->scale_b +
			   (double)s->d->bias_enc[s->latent[i]];
		double share = h * s->weight[i] / (double)s->d->threshold;

		c->fired |= active_at(s->s->active, row, s->latent[i]) > 0;
		if (share > c->miss.share)
			c->miss = (struct miss){ (uint32_t)row, share };
	}
}

void near_add(struct near_misses *s, const float *xa, const float *xb, size_t first, size_t n)
{
	const size_t d[2] = { s->d->shape.d_a, s->d->shape.d_b };
	const float *x[2] = { xa, xb };

	for (size_t m = 0; m < 2; m++) {
		if (n > s->cap) {
			mem_free(s->h[m]);
			s->h[m] = mem_alloc(n * s->n + 1, sizeof(float));
		}
		if (s->n > 0)
			gemm_nt(s->par, s->h[m], s->n, x[m], d[m], s->enc[m], d[m], n, s->n, d[m], 0);
	}
	s->cap = n > s->cap ? n : s->cap;
	for (size_t r = 0; r < n; r++)
		row_add(s, first + r, s->h[0] + r * s->n, s->h[1] + r * s->n);
}

size_t near_end(const struct miss **out, struct near_misses *s, size_t i)
{
	text_end(s);
	*out = s->miss + i * s->most;
	return s->n_misses[i];
}
