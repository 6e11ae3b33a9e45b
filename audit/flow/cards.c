#include "flow/cards.h"
#include "flow/null_diff.h"
#include "flow/themes.h"

#include "num/fmath.h"
#include "num/ops.h"
#include "num/stats.h"
#include "study/label.h"
#include "study/lens.h"

enum {
	SCREEN_TEXTS = 20,
	SCREEN_THEMES = 12,
	SCREEN_BYTES = 160, /* of a text's beginning */
	BUNDLE_SHOWN = 12,  /* latents of a bundle listed */
	LABEL_PLACES = 10,  /* strongest firings a label is made from: weak ones are of other texts */
};

struct cards {
	struct latents *l;
	struct json_out j;
	struct words *words;
	struct model *model[SIDE_COUNT];
	struct tokenizer *tokenizer[SIDE_COUNT];
	float *logits;
};

static enum side side_of(enum partition p)
{
	return p == PARTITION_A ? SIDE_BASE : SIDE_CANDIDATE;
}

static const char *latent_label(struct cards *c, size_t latent)
{
	const struct studied *s = &c->l->studied;
	struct place place[LABEL_PLACES];
	uint32_t row[LABEL_PLACES];
	size_t n = contexts_top(row, LABEL_PLACES, s, latent);

	for (size_t i = 0; i < n; i++)
		place[i] = (struct place){ s->doc[row[i]], corpus_pair(s->corpus, s->index[row[i]])->byte };
	return words_label(c->l->job->mem, c->words, place, n);
}

static void put_norm(struct json_out *j, const char *key, const float *row, size_t d)
{
	if (row == NULL)
		json_put_null(j, key);
	else
		json_put_real(j, key, fm_sqrt_d(op_norm2_d(row, d)));
}

static void put_tokens(struct cards *c, const char *key, const struct lens_token *t, size_t n, enum side side)
{
	json_open(&c->j, key, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&c->j, NULL, '{');
		json_put_str(&c->j, "token", tokenizer_piece(c->tokenizer[side], (int32_t)t[i].id));
		json_put_real(&c->j, "score", (double)t[i].logit);
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
}

static void put_lens(struct cards *c, size_t latent, enum side side, const char *up_key, const char *down_key)
{
	const struct dfc *d = c->l->dfc;
	const float *row = side == SIDE_BASE ? dfc_decoder_a(d, latent) : dfc_decoder_b(d, latent);
	size_t k = c->l->job->spec->study.tokens, n_vocab;
	struct lens_token *up, *down;

	if (row == NULL) {
		json_put_null(&c->j, up_key);
		json_put_null(&c->j, down_key);
		return;
	}
	if (c->model[side] == NULL) { /* activations from elsewhere, and no model to read them with */
		put_tokens(c, up_key, NULL, 0, side);
		put_tokens(c, down_key, NULL, 0, side);
		return;
	}
	n_vocab = model_arch(c->model[side])->n_vocab;
	k = k < n_vocab ? k : n_vocab;
	up = ARENA_ARRAY(c->l->job->mem, k + 1, struct lens_token);
	down = ARENA_ARRAY(c->l->job->mem, k + 1, struct lens_token);
	lens_tokens(up, down, k, c->logits, c->model[side], c->l->job->par, row);
	put_tokens(c, up_key, up, k, side);
	put_tokens(c, down_key, down, k, side);
}

static void put_context(struct cards *c, size_t latent, uint32_t row, enum side side, const double *share)
{
	static const char *const kind[] = { "document", "chat", "rollout" };
	const struct studied *s = &c->l->studied;
	const struct doc *d = corpus_doc(s->corpus, s->doc[row]);

	json_open(&c->j, NULL, '{');
	json_put_size(&c->j, "source", d->file);
	json_put_size(&c->j, "line", d->line);
	json_put_size(&c->j, "byte", d->offset);
	json_puts(&c->j, "kind", kind[d->kind]);
	if (share != NULL)
		json_put_real(&c->j, "share_of_threshold", *share);
	context_write(&c->j, s, latent, row, side, c->tokenizer[side], c->l->job->spec->study.context_tokens);
	json_close(&c->j, '}');
}

/* The strongest; at evenly spaced quantiles of its activation; and near misses. */
static void put_contexts(struct cards *c, size_t latent, enum side side)
{
	const struct spec *spec = c->l->job->spec;
	const struct studied *s = &c->l->studied;
	uint32_t *row = ARENA_ARRAY(c->l->job->mem, spec->study.contexts + spec->study.samples, uint32_t);
	size_t n = contexts_top(row, spec->study.contexts, s, latent);
	const struct miss *miss = NULL;

	json_open(&c->j, "contexts", '[');
	for (size_t i = 0; i < n; i++)
		put_context(c, latent, row[i], side, NULL);
	json_close(&c->j, ']');
	n = contexts_quantiles(row, spec->study.samples, s, latent,
			       rng_stream(spec->seed, "contexts", latent));
	json_open(&c->j, "samples", '[');
	for (size_t i = 0; i < n; i++)
		put_context(c, latent, row[i], side, NULL);
	json_close(&c->j, ']');
	n = 0;
	for (size_t i = 0; i < c->l->n_shown; i++) {
		if (c->l->shown[i] == latent)
			n = near_end(&miss, c->l->near, i);
	}
	json_open(&c->j, "near", '[');
	for (size_t i = 0; i < n; i++)
		put_context(c, latent, miss[i].row, side, &miss[i].share);
	json_close(&c->j, ']');
}

static void put_twin(struct json_out *j, const struct latents *l, size_t latent)
{
	const struct twin *t = &l->twin[latent];

	if (dfc_partition(&l->dfc->shape, latent) == PARTITION_SHARED || t->correlation <= 0) {
		json_put_null(j, "twin");
		json_put_null(j, "twin_correlation");
		return;
	}
	json_put_size(j, "twin", t->latent);
	json_put_real(j, "twin_correlation", t->correlation);
}

/* Where one seed was trained, nothing is known of others. */
static void put_recurrence(struct json_out *j, const struct latents *l, size_t latent)
{
	size_t found = latent_found(l, latent);

	if (l->n_seeds == 1) {
		json_put_null(j, "stability");
		json_put_null(j, "seeds_found");
		return;
	}
	json_put_real(j, "stability", (double)found / (double)l->n_seeds);
	json_puts(j, "seeds_found", arena_fmt(l->job->mem, "%zu of %zu", found, l->n_seeds));
}

/* Of exclusive latents that stand out, where there is a null diff. */
static void put_fdr(struct json_out *j, const struct latents *l, size_t latent)
{
	static const char *const key[NULL_KINDS] = { "fdr", "fdr_text" };

	for (int k = 0; k < NULL_KINDS; k++) {
		if (l->null != NULL && dfc_partition(&l->dfc->shape, latent) != PARTITION_SHARED)
			json_put_real(j, key[k], l->null->fdr[k][latent]);
		else
			json_put_null(j, key[k]);
	}
}

static void put_place(struct json_out *j, const char *name, const struct relevance *r)
{
	static const char *const part[] = { "", "_lo", "_hi", "_p" };
	const double value[] = { r->gap, r->lo, r->hi, r->p };
	char key[48];

	for (size_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "%s%s", name, part[i]);
		if (r->fires > 0)
			json_put_real(j, key, value[i]);
		else
			json_put_null(j, key);
	}
}

static void put_facts(struct cards *c, size_t latent)
{
	const struct latents *l = c->l;
	const struct relevance *r = &l->relevance[SITE_ALL][latent];
	struct json_out *j = &c->j;

	json_put_size(j, "rank", l->rank[latent] + 1);
	json_put_size(j, "latent", latent);
	json_puts(j, "partition", partition_name(dfc_partition(&l->dfc->shape, latent)));
	json_puts(j, "status", status_name(l->status[latent]));
	json_puts(j, "label", latent_label(c, latent));
	json_put_real(j, "relevance", r->gap);
	json_put_real(j, "frequency", (double)r->fires / (double)l->studied.active->n_rows);
	json_put_real(j, "max_activation", r->max);
	put_twin(j, l, latent);
	put_recurrence(j, l, latent);
	put_fdr(j, l, latent);
}

/* How exclusive an exclusive latent is: latent scaling, and the probe from the other model. */
static void put_exclusivity(struct json_out *j, const struct latents *l, size_t latent)
{
	const struct scaling *s = &l->scaling[latent];

	if (s->known) {
		json_put_real(j, "scaling_error", s->nu_error);
		json_put_real(j, "scaling_recon", s->nu_recon);
	} else {
		json_put_null(j, "scaling_error");
		json_put_null(j, "scaling_recon");
	}
	if (l->auroc[latent] >= 0)
		json_put_real(j, "probe_auroc", l->auroc[latent]);
	else
		json_put_null(j, "probe_auroc");
}

static void put_matches(struct json_out *j, const struct latents *l, size_t latent)
{
	json_open(j, "matches", '[');
	for (size_t i = 0; i + 1 < l->n_seeds; i++) {
		const struct match *m = &l->match[i][latent];

		if (m->latent == MATCH_NONE)
			continue;
		json_open(j, NULL, '{');
		json_put_size(j, "seed", l->job->spec->dictionary.seed[i + 1]);
		json_put_size(j, "latent", m->latent);
		json_put_real(j, "cosine", m->cosine);
		json_put_real(j, "correlation", m->correlation);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_card(struct cards *c, size_t latent)
{
	const struct latents *l = c->l;
	const struct relevance *r = &l->relevance[SITE_ALL][latent];
	enum side side = side_of(dfc_partition(&l->dfc->shape, latent));
	struct json_out *j = &c->j;

	json_open(j, NULL, '{');
	put_facts(c, latent);
	json_put_real(j, "relevance_lo", r->lo);
	json_put_real(j, "relevance_hi", r->hi);
	json_put_real(j, "relevance_p", r->p);
	put_place(j, "boundary_relevance", &l->relevance[SITE_TURN][latent]);
	put_place(j, "prompt_relevance", &l->relevance[SITE_PROMPT][latent]);
	put_matches(j, l, latent);
	put_exclusivity(j, l, latent);
	json_put_size(j, "fires", r->fires);
	json_put_size(j, "documents", r->documents);
	json_put_real(j, "mean_activation", r->mean);
	put_norm(j, "norm_base", dfc_decoder_a(l->dfc, latent), l->dfc->shape.d_a);
	put_norm(j, "norm_candidate", dfc_decoder_b(l->dfc, latent), l->dfc->shape.d_b);
	put_lens(c, latent, side, "promoted", "suppressed");
	put_lens(c, latent, side == SIDE_BASE ? SIDE_CANDIDATE : SIDE_BASE, "promoted_other",
		 "suppressed_other");
	put_contexts(c, latent, side);
	json_close(j, '}');
}

static void put_partitions(struct cards *c)
{
	const struct latents *l = c->l;

	json_open(&c->j, "partitions", '[');
	for (int p = PARTITION_A; p <= PARTITION_B; p++) {
		size_t count[STATUS_COUNT] = { 0 }, total = 0;

		for (size_t i = 0; i < l->studied.active->n_latents; i++) {
			if (dfc_partition(&l->dfc->shape, i) != (enum partition)p)
				continue;
			total++;
			count[l->status[i]]++;
		}
		json_open(&c->j, NULL, '{');
		json_puts(&c->j, "partition", partition_name((enum partition)p));
		json_put_size(&c->j, "latents", total);
		for (int s = 0; s < STATUS_COUNT; s++)
			json_put_size(&c->j, status_name((enum status)s), count[s]);
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
}

static void put_column(struct cards *c, const char *key, enum partition p)
{
	const struct latents *l = c->l;

	json_open(&c->j, key, '[');
	for (size_t i = 0; i < l->n_shown; i++) {
		if (dfc_partition(&l->dfc->shape, l->shown[i]) == p)
			put_card(c, l->shown[i]);
	}
	json_close(&c->j, ']');
}

static void put_exclusive(struct cards *c)
{
	const struct latents *l = c->l;

	json_open(&c->j, "exclusive", '[');
	for (size_t i = 0; i < l->studied.active->n_latents; i++) {
		uint32_t latent = l->order[i];

		if (dfc_partition(&l->dfc->shape, latent) == PARTITION_SHARED)
			continue;
		json_open(&c->j, NULL, '{');
		put_facts(c, latent);
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
}

static void put_models(struct cards *c)
{
	json_open(&c->j, "models", '{');
	for (size_t i = 0; i < SIDE_COUNT; i++) {
		json_open(&c->j, side_name[i], '{');
		if (c->model[i] == NULL) {
			json_put_null(&c->j, "parameters");
			json_put_null(&c->j, "dtype");
			json_close(&c->j, '}');
			continue;
		}
		json_put_size(&c->j, "parameters", model_parameters(c->model[i]));
		json_puts(&c->j, "dtype", dtype_name(model_weight(c->model[i], ROLE_EMBED, 0)->dtype));
		json_close(&c->j, '}');
	}
	json_close(&c->j, '}');
}

/* Bundles in the order of their first latents: the one list over all partitions. */
static void put_bundles(struct cards *c)
{
	const struct latents *l = c->l;
	size_t n = l->studied.active->n_latents;
	double *relevance = ARENA_ARRAY(l->job->mem, n + 1, double);

	for (size_t i = 0; i < n; i++)
		relevance[i] = l->relevance[SITE_ALL][i].gap;
	json_open(&c->j, "ranked", '[');
	for (size_t i = 0; i < l->n_bundles; i++) {
		const struct bundle *b = &l->bundle[i];
		size_t first = b->latent[0];

		json_open(&c->j, NULL, '{');
		json_put_size(&c->j, "rank", i + 1);
		json_puts(&c->j, "kind", bundle_kind_name(bundle_kind(b, &l->dfc->shape, relevance)));
		json_puts(&c->j, "label", latent_label(c, first));
		json_put_real(&c->j, "score",
			      l->strength[first] * (double)latent_found(l, first) / (double)l->n_seeds);
		json_put_size(&c->j, "size", b->n);
		json_open(&c->j, "members", '[');
		for (size_t k = 0; k < b->n && k < BUNDLE_SHOWN; k++) {
			json_open(&c->j, NULL, '{');
			put_facts(c, b->latent[k]);
			json_close(&c->j, '}');
		}
		json_close(&c->j, ']');
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
}

static void put_null(struct cards *c)
{
	const struct null_diff *n = c->l->null;

	if (n == NULL) {
		json_put_null(&c->j, "null");
		return;
	}
	json_open(&c->j, "null", '{');
	json_put_size(&c->j, "seed", n->seed);
	json_put_size(&c->j, "latents", n->n);
	json_put_size(&c->j, "stand_out", n->stand_out[NULL_OWN]);
	json_put_real(&c->j, "largest", n->largest[NULL_OWN]);
	json_put_size(&c->j, "stand_out_text", n->stand_out[NULL_TEXT]);
	json_put_real(&c->j, "largest_text", n->largest[NULL_TEXT]);
	json_put_real(&c->j, "least_fdr", n->least_fdr[NULL_OWN]);
	json_put_real(&c->j, "least_fdr_text", n->least_fdr[NULL_TEXT]);
	json_put_size(&c->j, "twins", n->twins);
	json_put_real(&c->j, "median_twin", n->median_twin);
	json_put_real(&c->j, "median_twin_real", n->real_twin);
	json_close(&c->j, '}');
}

/* The screen without latents. */
static void put_screen(struct cards *c)
{
	static const char *const kind[] = { "document", "chat", "rollout" };
	struct themes t;

	themes_make(&t, c->l, c->words);
	json_open(&c->j, "screen", '{');
	json_put_size(&c->j, "texts", t.n_texts);
	json_put_real(&c->j, "gap", t.gap);
	json_open(&c->j, "documents", '[');
	for (size_t i = 0; i < t.n_texts && i < SCREEN_TEXTS; i++) {
		const struct doc *d = corpus_doc(c->l->studied.corpus, t.text[i].doc);
		struct view text = corpus_text(c->l->studied.corpus, t.text[i].doc);

		json_open(&c->j, NULL, '{');
		json_put_size(&c->j, "source", d->file);
		json_put_size(&c->j, "line", d->line);
		json_put_size(&c->j, "byte", d->offset);
		json_puts(&c->j, "kind", kind[d->kind]);
		text.n = text.n > SCREEN_BYTES ? SCREEN_BYTES : text.n;
		text.n = utf8_valid(text.p, text.n);
		json_put_str(&c->j, "text", text);
		json_put_real(&c->j, "gap", t.text[i].gap);
		if (t.text[i].theme > 0)
			json_put_size(&c->j, "theme", t.text[i].theme);
		else
			json_put_null(&c->j, "theme");
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
	json_open(&c->j, "themes", '[');
	for (size_t i = 0; i < t.n_themes && i < SCREEN_THEMES; i++) {
		const struct theme *m = &t.theme[i];

		json_open(&c->j, NULL, '{');
		json_put_size(&c->j, "theme", i + 1);
		json_puts(&c->j, "label", m->label);
		json_put_size(&c->j, "texts", m->texts);
		json_put_real(&c->j, "gap", m->gap);
		json_put_real(&c->j, "share", m->gap / t.gap);
		json_put_real(&c->j, "explained_exclusive", m->exclusive / m->gap);
		json_put_real(&c->j, "explained", m->covered / m->gap);
		if (m->entry > 0)
			json_put_size(&c->j, "ranked", m->entry);
		else
			json_put_null(&c->j, "ranked");
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
	json_close(&c->j, '}');
}

/* How many of the seeds found the latents that fire, a partition at a time. */
static void put_stability(struct cards *c)
{
	const struct latents *l = c->l;
	double *found = ARENA_ARRAY(l->job->mem, l->studied.active->n_latents + 1, double);

	if (l->n_seeds == 1) {
		json_put_null(&c->j, "stability");
		return;
	}
	json_open(&c->j, "stability", '{');
	json_put_size(&c->j, "seeds", l->n_seeds);
	json_puts(&c->j, "matching", "one to one within a partition, greedily, the most similar first");
	json_open(&c->j, "partitions", '[');
	for (int p = PARTITION_A; p <= PARTITION_B; p++) {
		size_t n = 0, all = 0;

		for (size_t i = 0; i < l->studied.active->n_latents; i++) {
			if (dfc_partition(&l->dfc->shape, i) != (enum partition)p ||
			    l->status[i] == STATUS_DEAD)
				continue;
			found[n++] = (double)latent_found(l, i);
			all += latent_found(l, i) == l->n_seeds;
		}
		json_open(&c->j, NULL, '{');
		json_puts(&c->j, "partition", partition_name((enum partition)p));
		json_put_size(&c->j, "latents", n);
		json_put_size(&c->j, "found_by_all", all);
		if (n > 0)
			json_put_real(&c->j, "median_found", stats_median(found, n));
		else
			json_put_null(&c->j, "median_found");
		json_close(&c->j, '}');
	}
	json_close(&c->j, ']');
	json_close(&c->j, '}');
}

/* Of every latent, by its number: what a finding says of its members. */
static void put_relevances(struct cards *c)
{
	json_open(&c->j, "relevance", '[');
	for (size_t i = 0; i < c->l->studied.active->n_latents; i++)
		json_put_real(&c->j, NULL, c->l->relevance[SITE_ALL][i].gap);
	json_close(&c->j, ']');
}

static int cards_open(struct cards *c, struct err *e)
{
	const struct spec *s = c->l->job->spec;
	const struct spec_model *m[SIDE_COUNT] = { &s->base, &s->candidate };
	size_t n_vocab = 0;

	for (size_t i = 0; i < SIDE_COUNT; i++) {
		if (m[i]->dir == NULL)
			continue;
		if (model_open(&c->model[i], m[i]->dir, e) < 0 ||
		    tokenizer_open(&c->tokenizer[i], m[i]->dir, e) < 0)
			return -1;
		if (model_arch(c->model[i])->n_vocab > n_vocab)
			n_vocab = model_arch(c->model[i])->n_vocab;
	}
	c->logits = mem_alloc(n_vocab + 1, sizeof(*c->logits));
	c->words = words_new(c->l->studied.corpus);
	return 0;
}

int cards_write(struct latents *l, struct err *e)
{
	struct cards c = { .l = l };
	struct out *o = NULL;
	int rc = -1;

	if (cards_open(&c, e) < 0 || artifact_out(&o, l->job->out, "latents.json", e) < 0)
		goto out;
	c.j.out = o;
	json_open(&c.j, NULL, '{');
	put_models(&c);
	json_puts(&c.j, "formula", latents_formula);
	put_partitions(&c);
	json_open(&c.j, "columns", '{');
	put_column(&c, "base_only", PARTITION_A);
	put_column(&c, "shared", PARTITION_SHARED);
	put_column(&c, "candidate_only", PARTITION_B);
	json_close(&c.j, '}');
	put_exclusive(&c);
	put_bundles(&c);
	put_stability(&c);
	put_null(&c);
	put_screen(&c);
	put_relevances(&c);
	json_close(&c.j, '}');
	rc = out_commit(o, NULL, e);
out:
	words_free(c.words);
	mem_free(c.logits);
	for (size_t i = 0; i < SIDE_COUNT; i++) {
		tokenizer_close(c.tokenizer[i]);
		model_close(c.model[i]);
	}
	return rc;
}
