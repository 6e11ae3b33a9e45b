#include "flow/themes.h"

#include "num/fmath.h"
#include "num/reduce.h"

#include <string.h>

enum { MOST_THEMES = 64, LABEL_PLACES = 40 };

static const double alike = 0.3;

/* A pair that predicts otherwise, and the text it is in. */
struct parting {
	uint32_t row, text;
	double gap;
};

struct screen {
	const struct latents *l;
	const struct words *w;
	struct arena *mem;
	struct parting *at;
	size_t n, n_numbers;
	uint32_t *theme; /* (n_numbers) of each text, from 1 */
	uint32_t *of;	 /* (n) partings by text, in order */
	uint32_t *first; /* (n_numbers + 1) those of text t are of[first[t]] .. of[first[t + 1] - 1] */
};

/* What one text says: the numbers of its words, increasing. */
struct said {
	uint32_t *id;
	size_t n;
};

static void partings_find(struct screen *s)
{
	const struct studied *st = &s->l->studied;
	size_t n_docs = corpus_docs(st->corpus);

	s->at = ARENA_ARRAY(s->mem, st->active->n_rows + 1, struct parting);
	s->n_numbers = n_docs;
	for (size_t r = 0; r < st->active->n_rows; r++) {
		const struct doc *d = corpus_doc(st->corpus, st->doc[r]);
		double gap = st->gap[r] < 0 ? -st->gap[r] : st->gap[r];
		uint32_t text = d->kind == DOC_ROLLOUT ? (uint32_t)n_docs + d->prompt : st->doc[r];

		if (gap < s->l->job->spec->train.enrich_above || gap <= 0)
			continue;
		s->at[s->n++] = (struct parting){ (uint32_t)r, text, gap };
		s->n_numbers = text >= s->n_numbers ? text + 1 : s->n_numbers;
	}
}

/* Where the bytes end that a pair predicts: at the next pair of its document. */
static struct place predicted(const struct screen *s, const struct parting *p)
{
	const struct studied *st = &s->l->studied;
	const struct doc *d = corpus_doc(st->corpus, st->doc[p->row]);
	uint64_t row = st->index[p->row], last = d->pair_first + d->pair_n - 1;

	return (struct place){ st->doc[p->row], corpus_pair(st->corpus, row < last ? row + 1 : row)->byte };
}

static void by_text(struct screen *s)
{
	uint32_t *at = ARENA_ARRAY(s->mem, s->n_numbers + 1, uint32_t);

	s->of = ARENA_ARRAY(s->mem, s->n + 1, uint32_t);
	s->first = ARENA_ARRAY(s->mem, s->n_numbers + 2, uint32_t);
	for (size_t i = 0; i < s->n; i++)
		s->first[s->at[i].text + 1]++;
	for (size_t t = 0; t < s->n_numbers; t++)
		s->first[t + 1] += s->first[t];
	for (size_t i = 0; i < s->n; i++) {
		uint32_t text = s->at[i].text;

		s->of[s->first[text] + at[text]++] = (uint32_t)i;
	}
}

static void said_add(struct said *said, uint32_t id)
{
	size_t at = said->n++;

	for (; at > 0 && said->id[at - 1] > id; at--)
		said->id[at] = said->id[at - 1];
	said->id[at] = id;
}

/* The words of one text, length 1, into v, which is zero before; false where it has none. */
static bool words_of(double *v, struct said *said, const struct screen *s, uint32_t text)
{
	double square = 0;

	said->n = 0;
	for (size_t i = s->first[text]; i < s->first[text + 1]; i++) {
		const struct parting *p = &s->at[s->of[i]];
		double rarity;
		size_t id = words_at(s->w, predicted(s, p), &rarity);

		if (id == SIZE_MAX || p->gap * rarity <= 0)
			continue;
		if (v[id] == 0)
			said_add(said, (uint32_t)id);
		v[id] += p->gap * rarity;
	}
	for (size_t i = 0; i < said->n; i++)
		square += v[said->id[i]] * v[said->id[i]];
	for (size_t i = 0; i < said->n; i++)
		v[said->id[i]] /= fm_sqrt_d(square);
	return said->n > 0;
}

static void texts_order(struct themes *out, const struct screen *s)
{
	double *gap = ARENA_ARRAY(s->mem, s->n_numbers + 1, double), *key;
	size_t *doc = ARENA_ARRAY(s->mem, s->n_numbers + 1, size_t);
	uint32_t *number = ARENA_ARRAY(s->mem, s->n_numbers + 1, uint32_t), *order;

	for (size_t i = s->n; i-- > 0;) {
		gap[s->at[i].text] += s->at[i].gap;
		doc[s->at[i].text] = s->l->studied.doc[s->at[i].row];
	}
	key = ARENA_ARRAY(s->mem, s->n_numbers + 1, double);
	for (uint32_t i = 0; i < s->n_numbers; i++) {
		if (gap[i] <= 0)
			continue;
		key[out->n_texts] = -gap[i];
		number[out->n_texts++] = i;
		out->gap += gap[i];
	}
	order = ARENA_ARRAY(s->mem, out->n_texts + 1, uint32_t);
	reduce_order(order, key, out->n_texts);
	out->text = ARENA_ARRAY(s->mem, out->n_texts + 1, struct theme_text);
	for (size_t i = 0; i < out->n_texts; i++)
		out->text[i] = (struct theme_text){ .doc = doc[number[order[i]]],
						    .theme = number[order[i]],
						    .gap = gap[number[order[i]]] };
}

/* Texts come with their number in `theme`, and leave with their theme, from 1; 0: none, the themes are full or it has no words. */
static void cluster(struct themes *out, struct screen *s)
{
	size_t n = words_count(s->w);
	double **first = ARENA_ARRAY(s->mem, MOST_THEMES, double *), *v = mem_alloc(n + 1, sizeof(*v));
	struct said said = { .id = ARENA_ARRAY(s->mem, s->n + 1, uint32_t) };

	s->theme = ARENA_ARRAY(s->mem, s->n_numbers + 1, uint32_t);
	out->theme = ARENA_ARRAY(s->mem, MOST_THEMES, struct theme);
	for (size_t i = 0; i < out->n_texts; i++) {
		struct theme_text *t = &out->text[i];
		uint32_t number = (uint32_t)t->theme;
		size_t at = out->n_themes;
		double best = alike;

		for (size_t c = 0; c < said.n; c++) /* the text before */
			v[said.id[c]] = 0;
		t->theme = 0;
		if (!words_of(v, &said, s, number))
			continue;
		for (size_t k = 0; k < out->n_themes; k++) {
			double cosine = 0;

			for (size_t c = 0; c < said.n; c++)
				cosine += first[k][said.id[c]] * v[said.id[c]];
			if (cosine >= best && (cosine > best || at == out->n_themes)) {
				best = cosine;
				at = k;
			}
		}
		if (at == MOST_THEMES)
			continue;
		if (at == out->n_themes) {
			first[at] = mem_alloc(n + 1, sizeof(*v));
			memcpy(first[at], v, n * sizeof(*v));
			out->n_themes++;
		}
		t->theme = at + 1;
		s->theme[number] = (uint32_t)at + 1;
		out->theme[at].texts++;
		out->theme[at].gap += t->gap;
	}
	for (size_t k = 0; k < out->n_themes; k++)
		mem_free(first[k]);
	mem_free(v);
}

/* entry_of (n_latents): the entry of the ranked list a latent is in, from 1. */
static uint32_t *entries(const struct latents *l)
{
	uint32_t *of = ARENA_ARRAY(l->job->mem, l->studied.active->n_latents + 1, uint32_t);

	for (size_t i = 0; i < l->n_bundles; i++) {
		for (size_t k = 0; k < l->bundle[i].n; k++)
			of[l->bundle[i].latent[k]] = (uint32_t)i + 1;
	}
	return of;
}

static void explain(struct theme *t, size_t number, const struct screen *s, const uint32_t *entry_of)
{
	const struct latents *l = s->l;
	const struct active *a = l->studied.active;
	double *covered = ARENA_ARRAY(s->mem, l->n_bundles + 1, double);
	size_t *stamp = ARENA_ARRAY(s->mem, l->n_bundles + 1, size_t);

	for (size_t i = 0; i < s->n; i++) {
		const struct parting *p = &s->at[i];
		bool exclusive = false;

		if (s->theme[p->text] != number)
			continue;
		for (size_t k = a->row_start[p->row]; k < a->row_start[p->row + 1]; k++) {
			uint32_t latent = a->latent[k], e = entry_of[latent];

			exclusive |=
				l->acts[latent] && dfc_partition(&l->dfc->shape, latent) != PARTITION_SHARED;
			if (e > 0 && stamp[e] != i + 1)
				covered[e] += p->gap;
			stamp[e] = i + 1;
		}
		t->exclusive += exclusive ? p->gap : 0;
	}
	for (size_t e = 1; e <= l->n_bundles; e++) {
		if (covered[e] > t->covered) {
			t->covered = covered[e];
			t->entry = e;
		}
	}
}

/* The words at the theme's largest differences. */
static const char *theme_label(const struct screen *s, size_t number)
{
	struct place place[LABEL_PLACES];
	double *key = ARENA_ARRAY(s->mem, s->n + 1, double);
	uint32_t *order = ARENA_ARRAY(s->mem, s->n + 1, uint32_t);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		key[i] = s->theme[s->at[i].text] == number ? -s->at[i].gap : 0;
	reduce_order(order, key, s->n);
	for (size_t i = 0; i < s->n && n < LABEL_PLACES && key[order[i]] < 0; i++)
		place[n++] = predicted(s, &s->at[order[i]]);
	return words_label(s->mem, s->w, place, n);
}

void themes_make(struct themes *out, const struct latents *l, const struct words *w)
{
	struct screen s = { .l = l, .w = w, .mem = l->job->mem };
	const uint32_t *entry_of = entries(l);
	double *key;
	uint32_t *order, *to;
	struct theme *sorted;

	*out = (struct themes){ .n_texts = 0 };
	partings_find(&s);
	by_text(&s);
	texts_order(out, &s);
	cluster(out, &s);
	for (size_t k = 0; k < out->n_themes; k++) {
		explain(&out->theme[k], k + 1, &s, entry_of);
		out->theme[k].label = theme_label(&s, k + 1);
	}
	key = ARENA_ARRAY(s.mem, out->n_themes + 1, double);
	order = ARENA_ARRAY(s.mem, out->n_themes + 1, uint32_t);
	to = ARENA_ARRAY(s.mem, out->n_themes + 1, uint32_t);
	sorted = ARENA_ARRAY(s.mem, out->n_themes + 1, struct theme);
	for (size_t k = 0; k < out->n_themes; k++)
		key[k] = -out->theme[k].gap;
	reduce_order(order, key, out->n_themes);
	for (uint32_t k = 0; k < out->n_themes; k++) {
		sorted[k] = out->theme[order[k]];
		to[order[k] + 1] = k + 1;
	}
	out->theme = sorted;
	for (size_t i = 0; i < out->n_texts; i++)
		out->text[i].theme = to[out->text[i].theme];
}
