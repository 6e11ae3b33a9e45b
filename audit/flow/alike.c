#include "flow/alike.h"

#include "base/sort.h"
#include "num/fmath.h"

#include <string.h>

/* What two findings must have in common to be taken for one: half of what two equal ones have. */
static const double least_words = 0.5, least_firing = 0.5;

/* ---- words ---- */

struct word {
	struct view text;
	int count; /* answers of the candidate less answers of the base */
};

struct words {
	struct word *word;
	size_t n, cap;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static void count_word(struct words *w, struct view text, int by)
{
	for (size_t i = 0; i < w->n; i++)
		if (view_eq(w->word[i].text, text)) {
			w->word[i].count += by;
			return;
		}
	w->word = mem_grow(w->word, &w->cap, w->n + 1, sizeof(*w->word));
	w->word[w->n++] = (struct word){ text, by };
}

static void count_text(struct words *w, const struct json *text, int by)
{
	struct view v = text && text->kind == JSON_STRING ? text->str : (struct view){ "", 0 };
	size_t start = 0;

	for (size_t i = 0; i <= v.n; i++) {
		if (i < v.n && is_letter(v.p[i]))
			continue;
		if (i > start)
			count_word(w, (struct view){ v.p + start, i - start }, by);
		start = i + 1;
	}
}

/* Words that the candidate uses more than the base do not cancel. */
static struct words words_of(const struct json *finding)
{
	const struct json *examples = json_find(finding, "examples");
	struct words w = { .n = 0 };

	count_text(&w, json_find(finding, "title"), 1);
	for (const struct json *x = examples ? examples->first : NULL; x; x = x->next) {
		count_text(&w, json_find(x, "candidate_answer"), 1);
		count_text(&w, json_find(x, "base_answer"), -1);
	}
	return w;
}

static double square(const struct words *w)
{
	double sum = 0;

	for (size_t i = 0; i < w->n; i++)
		sum += w->word[i].count > 0 ? (double)w->word[i].count * w->word[i].count : 0;
	return sum;
}

double alike_words(const struct json *a, const struct json *b)
{
	struct words x = words_of(a), y = words_of(b);
	double product = 0, scale = fm_sqrt_d(square(&x)) * fm_sqrt_d(square(&y));

	for (size_t i = 0; i < x.n; i++)
		for (size_t k = 0; k < y.n; k++)
			if (x.word[i].count > 0 && y.word[k].count > 0 &&
			    view_eq(x.word[i].text, y.word[k].text))
				product += (double)x.word[i].count * y.word[k].count;
	mem_free(x.word);
	mem_free(y.word);
	return scale > 0 ? product / scale : 0;
}

/* ---- pairs ---- */

struct pair {
	size_t old, new;
	double similarity;
};

static int most_alike(const void *a, const void *b, void *ud)
{
	const struct pair *x = a, *y = b;

	(void)ud;
	return (x->similarity < y->similarity) - (x->similarity > y->similarity);
}

static size_t count_of(const struct json *array)
{
	return array && array->kind == JSON_ARRAY ? array->n : 0;
}

/* All pairs that are alike enough, the most alike first. */
static size_t pairs_make(struct pair **out, struct arena *mem, const struct json *old, const struct json *new,
			 const struct overlap *o)
{
	size_t n = 0, i = 0, k;

	*out = ARENA_ARRAY(mem, count_of(old) * count_of(new) + 1, struct pair);
	for (const struct json *a = count_of(old) ? old->first : NULL; a; a = a->next, i++) {
		k = 0;
		for (const struct json *b = count_of(new) ? new->first : NULL; b; b = b->next, k++) {
			struct pair p = { i, k, o ? overlap_groups(o, a, b) : alike_words(a, b) };

			if (p.similarity >= (o ? least_firing : least_words))
				(*out)[n++] = p;
		}
	}
	sort_stable(*out, n, sizeof(**out), most_alike, NULL);
	return n;
}

size_t alike_make(struct couple **out, struct arena *mem, const struct json *old, const struct json *new,
		  const struct overlap *o)
{
	size_t n_old = count_of(old), n_new = count_of(new), n, i;
	bool *taken = ARENA_ARRAY(mem, n_old + 1, bool);
	struct couple *c = ARENA_ARRAY(mem, n_old + n_new + 1, struct couple);
	struct pair *pair;

	for (i = 0; i < n_new; i++)
		c[i].new = json_at(new, i);
	n = pairs_make(&pair, mem, old, new, o);
	for (i = 0; i < n; i++) {
		if (taken[pair[i].old] || c[pair[i].new].old)
			continue;
		taken[pair[i].old] = true;
		c[pair[i].new].old = json_at(old, pair[i].old);
		c[pair[i].new].similarity = pair[i].similarity;
	}
	n = n_new;
	for (i = 0; i < n_old; i++)
		if (!taken[i])
			c[n++].old = json_at(old, i);
	*out = c;
	return n;
}
