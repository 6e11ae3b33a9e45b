#include "study/contexts.h"

#include "num/reduce.h"

/* Does an earlier choice come from this row's document, or answer the same prompt? */
static bool seen(const struct studied *s, const uint32_t *row, size_t n, size_t candidate)
{
	const struct doc *d = corpus_doc(s->corpus, s->doc[candidate]);

	for (size_t i = 0; i < n; i++) {
		const struct doc *o = corpus_doc(s->corpus, s->doc[row[i]]);

		if (o == d || (d->kind == DOC_ROLLOUT && o->kind == DOC_ROLLOUT && o->prompt == d->prompt))
			return true;
	}
	return false;
}

size_t contexts_top(uint32_t *row, size_t most, const struct studied *s, size_t latent)
{
	const struct active *a = s->active;
	size_t first = a->latent_start[latent], fires = a->latent_start[latent + 1] - first;
	uint32_t *order = mem_alloc(fires + 1, sizeof(*order));
	size_t n = 0;

	reduce_top_k(order, fires, a->value + first, fires);
	for (size_t i = 0; i < fires && n < most; i++) {
		uint32_t r = a->row[first + order[i]];

		if (!seen(s, row, n, r))
			row[n++] = r;
	}
	mem_free(order);
	return n;
}

size_t contexts_quantiles(uint32_t *row, size_t most, const struct studied *s, size_t latent, struct rng r)
{
	const struct active *a = s->active;
	size_t first = a->latent_start[latent], fires = a->latent_start[latent + 1] - first, n = 0;
	uint32_t *order = mem_alloc(fires + 1, sizeof(*order));

	reduce_top_k(order, fires, a->value + first, fires);
	for (size_t i = 0; i < most; i++) {
		size_t from = fires * i / most, to = fires * (i + 1) / most;
		uint32_t at;

		if (from == to)
			continue;
		at = a->row[first + order[from + rng_below(r, i, to - from)]];
		if (!seen(s, row, n, at))
			row[n++] = at;
	}
	mem_free(order);
	return n;
}

/* Tokens that hold parts of one character are shown as one; `shown` is what was gathered and not yet written. */
struct strip {
	struct json_out *j;
	struct str shown;
	double activation;
	bool paired;
};

static void strip_flush(struct strip *t)
{
	if (t->shown.n == 0)
		return;
	json_open(t->j, NULL, '{');
	json_put_str(t->j, "text", str_view(&t->shown));
	if (t->paired)
		json_put_real(t->j, "activation", t->activation);
	else
		json_put_null(t->j, "activation");
	json_close(t->j, '}');
	str_clear(&t->shown);
	t->paired = false;
	t->activation = 0;
}

static void strip_add(struct strip *t, struct view piece, bool paired, double activation)
{
	str_addv(&t->shown, piece);
	t->paired |= paired;
	if (paired && activation > t->activation)
		t->activation = activation;
	if (utf8_valid(t->shown.p, t->shown.n) == t->shown.n || t->shown.n >= 8)
		strip_flush(t);
}

/* The study's row of a document's pair, or SIZE_MAX: rows of a document stand together. */
static size_t study_row(const struct studied *s, size_t row, uint64_t harvest_row)
{
	size_t at = row + (size_t)(harvest_row - s->index[row]);

	return at < s->active->n_rows && s->index[at] == harvest_row ? at : SIZE_MAX;
}

/* What a token of a document reads as; without a tokenizer the bytes of the text that it ends. */
static struct view piece(const struct studied *s, size_t doc, struct doc_tokens tokens, size_t i,
			 const struct tokenizer *t)
{
	size_t from = i > 0 ? tokens.end[i - 1] : 0;

	if (t != NULL)
		return tokenizer_piece(t, tokens.id[i]);
	return (struct view){ corpus_text(s->corpus, doc).p + from, tokens.end[i] - from };
}

static void tokens_write(struct json_out *j, const struct studied *s, size_t latent, size_t row,
			 enum side side, const struct tokenizer *t, size_t from, size_t to)
{
	size_t doc = s->doc[row];
	const struct doc *d = corpus_doc(s->corpus, doc);
	struct doc_tokens tokens = corpus_side(s->corpus, doc, side);
	struct strip strip = { .j = j, .shown = STR_INIT };
	size_t pair = 0;

	json_open(j, "tokens", '[');
	for (size_t i = from; i < to; i++) {
		double value = 0;
		bool paired;

		while (pair < d->pair_n && corpus_pair(s->corpus, d->pair_first + pair)->token[side] < i)
			pair++;
		paired = pair < d->pair_n && corpus_pair(s->corpus, d->pair_first + pair)->token[side] == i;
		if (paired) {
			size_t r = study_row(s, row, d->pair_first + pair);

			value = r == SIZE_MAX ? 0 : (double)active_at(s->active, r, (uint32_t)latent);
		}
		strip_add(&strip, piece(s, doc, tokens, i, t), paired, value);
	}
	strip_flush(&strip);
	str_release(&strip.shown);
	json_close(j, ']');
}

static void text_write(struct json_out *j, const char *key, const struct studied *s, size_t doc,
		       struct doc_tokens tokens, const struct tokenizer *t, size_t from, size_t to)
{
	struct str text = STR_INIT;

	for (size_t i = from; i < to; i++)
		str_addv(&text, piece(s, doc, tokens, i, t));
	json_put_str(j, key, str_view(&text));
	str_release(&text);
}

void context_write(struct json_out *j, const struct studied *s, size_t latent, size_t row, enum side side,
		   const struct tokenizer *t, size_t around)
{
	struct doc_tokens tokens = corpus_side(s->corpus, s->doc[row], side);
	const struct pair_record *pair = corpus_pair(s->corpus, s->index[row]);
	size_t at = pair->token[side];
	size_t from = at > around ? at - around : 0,
	       to = at + around + 1 < tokens.n ? at + around + 1 : tokens.n;

	json_put_real(j, "activation", (double)active_at(s->active, row, (uint32_t)latent));
	json_put_real(j, "gap", s->gap[row]);
	json_put_bool(j, "turn_boundary", (pair->flags & PAIR_TURN) != 0);
	text_write(j, "before", s, s->doc[row], tokens, t, from, at);
	text_write(j, "at", s, s->doc[row], tokens, t, at, at + 1);
	text_write(j, "after", s, s->doc[row], tokens, t, at + 1, to);
	tokens_write(j, s, latent, row, side, t, from, to);
}
