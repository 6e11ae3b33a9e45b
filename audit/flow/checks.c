#include "flow/checks.h"

#include "base/sort.h"
#include "flow/reader.h"
#include "model/tokenizer.h"

#include <string.h>

enum { NAMED = 5, NAMED_MOST = 256 };

/* ---- counted while the corpus is read ---- */

static struct check_token *token_of(struct check_tally *t, int32_t id)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->token[i].id == id)
			return &t->token[i];
	}
	t->token = mem_grow(t->token, &t->cap, t->n + 1, sizeof(*t->token));
	t->token[t->n] = (struct check_token){ .id = id };
	return &t->token[t->n++];
}

void check_tally_add(struct check_tally *t, const struct reading *r)
{
	t->doubled_bos += r->doubled_bos;
	t->special += r->n_special > 0;
	t->unknown += r->unknown;
	for (size_t i = 0; i < r->n_special; i++) {
		size_t k = 0;

		while (r->special[k] != r->special[i])
			k++;
		token_of(t, r->special[i])->documents += k == i;
	}
}

void check_tally_release(struct check_tally *t)
{
	mem_free(t->token);
	*t = (struct check_tally){ .token = NULL };
}

static int by_documents(const void *a, const void *b, void *ud)
{
	const struct check_token *x = a, *y = b;

	(void)ud;
	if (x->documents != y->documents)
		return x->documents < y->documents ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static void put_token(struct json_out *j, struct view text, uint64_t count)
{
	json_open(j, NULL, '{');
	json_put_str(j, "token", text);
	json_put_size(j, "count", count);
	json_close(j, '}');
}

void check_tally_write(struct json_out *j, const struct check_tally tally[SIDE_COUNT],
		       struct tokenizer *const tokenizer[SIDE_COUNT])
{
	json_open(j, "checks", '{');
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		const struct check_tally *t = &tally[s];

		sort_stable(t->token, t->n, sizeof(*t->token), by_documents, NULL);
		json_open(j, side_name[s], '{');
		json_put_size(j, "doubled_bos", t->doubled_bos);
		json_put_size(j, "special", t->special);
		json_put_size(j, "unknown", t->unknown);
		json_put_size(j, "vocabulary", t->vocabulary);
		json_put_size(j, "embedding", t->embedding);
		json_open(j, "tokens", '[');
		for (size_t i = 0; i < t->n && i < NAMED; i++)
			put_token(j, tokenizer_piece(tokenizer[s], t->token[i].id), t->token[i].documents);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, '}');
}

/* ---- counted when the rows are read ---- */

struct named {
	struct view text;
	uint64_t count;
};

static int by_count(const void *a, const void *b, void *ud)
{
	const struct named *x = a, *y = b;

	(void)ud;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return view_cmp(x->text, y->text);
}

/* The bytes of a row's token; what is no token of the text is told by its place. */
static struct view row_text(const struct corpus *c, enum side side, uint32_t row)
{
	size_t doc = corpus_doc_of(c, row);
	const struct pair_record *p = corpus_pair(c, row);
	struct doc_tokens t = corpus_side(c, doc, side);
	uint32_t at = p->token[side], from = at > 0 ? t.end[at - 1] : 0;

	if ((p->flags & PAIR_TURN) != 0 || t.end[at] <= from)
		return VIEW("(turn boundary)");
	return (struct view){ corpus_text(c, doc).p + from, t.end[at] - from };
}

void check_outliers_write(struct json_out *j, const char *key, const struct corpus *c, enum side side,
			  const double *norm, const uint32_t *row, size_t n, double limit)
{
	struct named named[NAMED_MOST];
	size_t n_named = 0;
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct view text;
		size_t k = 0;

		if (norm[i] <= limit)
			continue;
		count++;
		text = row_text(c, side, row[i]);
		while (k < n_named && !view_eq(named[k].text, text))
			k++;
		if (k == n_named && n_named < NAMED_MOST)
			named[n_named++] = (struct named){ .text = text };
		if (k < n_named)
			named[k].count++;
	}
	sort_stable(named, n_named, sizeof(*named), by_count, NULL);
	json_open(j, key, '{');
	json_put_size(j, "count", count);
	json_put_size(j, "of", n);
	json_open(j, "tokens", '[');
	for (size_t i = 0; i < n_named && i < NAMED; i++)
		put_token(j, named[i].text, named[i].count);
	json_close(j, ']');
	json_close(j, '}');
}

/* ---- told ---- */

struct check {
	const char *name, *model, *unit;
	uint64_t count, of;
	double limit; /* share above which it is raised */
	const struct json *tokens;
};

static uint64_t number(const struct json *obj, const char *key)
{
	const struct json *v = json_find(obj, key);

	return v != NULL && v->kind == JSON_INTEGER && v->integer > 0 ? (uint64_t)v->integer : 0;
}

static void put_check(struct json_out *j, const struct check *c)
{
	double share = c->of > 0 ? (double)c->count / (double)c->of : 0;

	json_open(j, NULL, '{');
	json_puts(j, "name", c->name);
	json_puts(j, "model", c->model);
	json_put_bool(j, "is_raised", share > c->limit);
	json_put_size(j, "count", c->count);
	json_put_size(j, "of", c->of);
	json_puts(j, "unit", c->unit);
	json_put_real(j, "share", share);
	json_put_real(j, "limit", c->limit);
	json_open(j, "tokens", '[');
	for (const struct json *t = c->tokens != NULL ? c->tokens->first : NULL; t != NULL; t = t->next)
		json_put(j, NULL, t);
	json_close(j, ']');
	json_close(j, '}');
}

/* What reading the corpus told of a side. */
static void put_reading(struct json_out *j, const struct check_opts *o, const struct json *corpus,
			const struct json *side, const char *model, const char *tokens)
{
	uint64_t documents = number(corpus, "documents"), words = number(side, "vocabulary"),
		 rows = number(side, "embedding");
	const struct check check[] = {
		{ "BOS doubled, the second left out", model, "documents", number(side, "doubled_bos"),
		  documents, 0, NULL },
		{ "special tokens written in the text", model, "documents", number(side, "special"),
		  documents, o->special, json_find(side, "tokens") },
		{ "tokens the vocabulary does not have", model, "tokens", number(side, "unknown"),
		  number(corpus, tokens), o->unknown, NULL },
		{ "vocabulary larger than the embedding", model, "rows of the embedding",
		  words > rows ? words - rows : 0, rows, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(check) / sizeof(check[0]); i++)
		put_check(j, &check[i]);
}

void checks_write(struct json_out *j, const struct check_opts *o, const struct json *corpus,
		  const struct json *harvest)
{
	static const char *const tokens[] = { "tokens_base", "tokens_candidate" };
	const struct json *read = json_find(corpus, "checks"), *sources = json_find(corpus, "sources"),
			  *outliers = json_find(harvest, "outliers");
	struct check replaced = { .name = "bytes that are not UTF-8, replaced",
				  .model = "both",
				  .unit = "documents",
				  .of = number(corpus, "documents") };

	json_open(j, "checks", '[');
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		const struct json *side = json_find(outliers, side_name[s]);
		const struct check norms = { "norms far above the median", side_name[s],
					     "positions looked at",	   number(side, "count"),
					     number(side, "of"),	   o->outlier_share,
					     json_find(side, "tokens") };

		if (!json_is_null(read))
			put_reading(j, o, corpus, json_find(read, side_name[s]), side_name[s], tokens[s]);
		put_check(j, &norms);
	}
	for (const struct json *i = sources != NULL ? sources->first : NULL; i != NULL; i = i->next)
		replaced.count += number(i, "documents_replaced");
	if (!json_is_null(read))
		put_check(j, &replaced);
	json_close(j, ']');
}
