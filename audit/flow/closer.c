#include "flow/closer.h"

#include "study/probe.h"

enum { BATCH = 2048 };

struct look {
	struct latents *l;
	struct subset *test;
	struct train_data data;
	float *xa, *xb; /* (BATCH, d) */
	uint32_t *row;
	struct scaling_sums *scaling;
	struct probe *probe;
	uint32_t *exclusive; /* with a card */
	size_t n_exclusive;
};

typedef void (*look_fn)(struct look *k, size_t first, size_t n);

static void first_round(struct look *k, size_t first, size_t n)
{
	if (k->scaling != NULL)
		scaling_add(k->scaling, k->xa, k->xb, first, n);
	probe_fit(k->probe, k->xa, k->xb, first, n);
	near_add(k->l->near, k->xa, k->xb, first, n);
}

static void second_round(struct look *k, size_t first, size_t n)
{
	probe_score(k->probe, k->xa, k->xb, first, n);
}

static int rows_read(struct look *k, look_fn fn, struct err *e)
{
	for (size_t first = 0; first < k->data.n_rows; first += BATCH) {
		size_t n = k->data.n_rows - first < BATCH ? k->data.n_rows - first : BATCH;

		for (size_t i = 0; i < n; i++)
			k->row[i] = (uint32_t)(first + i);
		if (k->data.read(k->data.ud, k->xa, k->xb, k->row, n, e) < 0)
			return -1;
		fn(k, first, n);
	}
	return 0;
}

/* Every other document; all answers to a prompt are on one side. */
static uint8_t *halves(const struct latents *l)
{
	const struct studied *s = &l->studied;
	uint8_t *half = ARENA_ARRAY(l->job->mem, s->active->n_rows + 1, uint8_t);

	for (size_t r = 0; r < s->active->n_rows; r++) {
		const struct doc *d = corpus_doc(s->corpus, s->doc[r]);

		half[r] = (d->kind == DOC_ROLLOUT ? d->prompt : s->doc[r]) % 2;
	}
	return half;
}

static void look_new(struct look *k)
{
	struct latents *l = k->l;
	const struct dfc_shape *s = &l->dfc->shape;

	k->xa = mem_alloc(BATCH * s->d_a, sizeof(float));
	k->xb = mem_alloc(BATCH * s->d_b, sizeof(float));
	k->row = mem_alloc(BATCH, sizeof(uint32_t));
	k->exclusive = ARENA_ARRAY(l->job->mem, l->n_shown + 1, uint32_t);
	for (size_t i = 0; i < l->n_shown; i++) {
		if (dfc_partition(s, l->shown[i]) != PARTITION_SHARED)
			k->exclusive[k->n_exclusive++] = l->shown[i];
	}
	k->scaling = scaling_new(l->dfc, l->studied.active, l->job->par);
	k->probe = probe_new(l->dfc, l->studied.active, k->exclusive, k->n_exclusive, halves(l), l->job->par);
	l->near = near_new(l->dfc, &l->studied, l->shown, l->n_shown, l->job->spec->study.near, l->job->par);
}

static void look_end(struct look *k)
{
	struct latents *l = k->l;
	size_t n = l->studied.active->n_latents;
	double *auroc = ARENA_ARRAY(l->job->mem, k->n_exclusive + 1, double);

	l->auroc = ARENA_ARRAY(l->job->mem, n + 1, double);
	for (size_t i = 0; i < n; i++)
		l->auroc[i] = -1;
	probe_end(auroc, k->probe);
	for (size_t i = 0; i < k->n_exclusive; i++)
		l->auroc[k->exclusive[i]] = auroc[i];
	l->scaling = ARENA_ARRAY(l->job->mem, n + 1, struct scaling);
	if (k->scaling != NULL)
		scaling_end(l->scaling, k->scaling);
}

int closer_look(struct latents *l, struct subset *test, struct err *e)
{
	struct look k = { .l = l, .test = test, .data = subset_data(test, NULL, NULL) };
	int rc = -1;

	look_new(&k);
	if (rows_read(&k, first_round, e) < 0)
		goto out;
	probe_solve(k.probe);
	if (rows_read(&k, second_round, e) < 0)
		goto out;
	look_end(&k);
	rc = 0;
out:
	scaling_free(k.scaling);
	probe_free(k.probe);
	mem_free(k.xa);
	mem_free(k.xb);
	mem_free(k.row);
	return rc;
}

void closer_release(struct latents *l)
{
	near_free(l->near);
	l->near = NULL;
}
