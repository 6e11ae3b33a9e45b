#include "study/label.h"

#include "num/fmath.h"
#include "num/reduce.h"

#include <string.h>

enum {
	WORD_BYTES = 24,
	NEIGHBOURS = 3, /* words counted on either side of a place */
	LABEL_WORDS = 4,
};

/* The prior counts as much as this many words. */
static const double prior_words = 500;
/* A word below this z score distinguishes nothing. */
static const double least_z = 1.96;

struct word {
	uint32_t start, n; /* in `text` */
	uint32_t next;	   /* in its bucket, plus one */
	double count;
};

struct words {
	const struct corpus *corpus;
	struct str text;
	struct word *word;
	size_t n, cap, n_buckets;
	uint32_t *bucket;
	double total;
};

static bool word_byte(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '\'';
}

static uint32_t word_hash(struct view v)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < v.n; i++)
		h = (h ^ (unsigned char)v.p[i]) * 16777619u;
	return h;
}

/* The next word at or after `at`, lower case in `lower`; where it ends, or SIZE_MAX. */
static size_t word_next(char lower[WORD_BYTES], size_t *n, size_t *start, struct view text, size_t at)
{
	while (at < text.n && !word_byte((unsigned char)text.p[at]))
		at++;
	if (at == text.n)
		return SIZE_MAX;
	*start = at;
	*n = 0;
	while (at < text.n && word_byte((unsigned char)text.p[at]) && *n < WORD_BYTES) {
		uint32_t cp;
		size_t len = utf8_decode(&cp, text.p + at, text.n - at);

		len = len == 0 ? 1 : len;
		if (*n + len > WORD_BYTES)
			break;
		for (size_t i = 0; i < len; i++) {
			char c = text.p[at + i];

			lower[(*n)++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		}
		at += len;
	}
	return at;
}

/* The number of a word; SIZE_MAX where it is unknown and must not be added. */
static size_t word_find(const struct words *w, struct view v)
{
	for (uint32_t i = w->bucket[word_hash(v) % w->n_buckets]; i > 0; i = w->word[i - 1].next) {
		const struct word *it = &w->word[i - 1];

		if (it->n == v.n && memcmp(w->text.p + it->start, v.p, v.n) == 0)
			return i - 1;
	}
	return SIZE_MAX;
}

static void word_count(struct words *w, struct view v)
{
	size_t at = word_find(w, v);

	if (at == SIZE_MAX) {
		uint32_t *bucket = &w->bucket[word_hash(v) % w->n_buckets];

		w->word = mem_grow(w->word, &w->cap, w->n + 1, sizeof(*w->word));
		w->word[w->n] =
			(struct word){ .start = (uint32_t)w->text.n, .n = (uint32_t)v.n, .next = *bucket };
		str_addv(&w->text, v);
		at = w->n++;
		*bucket = (uint32_t)w->n;
	}
	w->word[at].count++;
	w->total++;
}

struct words *words_new(const struct corpus *c)
{
	struct words *w = mem_alloc(1, sizeof(*w));

	w->corpus = c;
	w->n_buckets = 1 << 16;
	w->bucket = mem_alloc(w->n_buckets, sizeof(*w->bucket));
	for (size_t i = 0; i < corpus_docs(c); i++) {
		struct view text = corpus_text(c, i);
		char lower[WORD_BYTES];
		size_t n, start, at = 0;

		while ((at = word_next(lower, &n, &start, text, at)) != SIZE_MAX)
			word_count(w, (struct view){ lower, n });
	}
	return w;
}

void words_free(struct words *w)
{
	if (w == NULL)
		return;
	str_release(&w->text);
	mem_free(w->word);
	mem_free(w->bucket);
	mem_free(w);
}

size_t words_count(const struct words *w)
{
	return w->n;
}

size_t words_at(const struct words *w, struct place p, double *rarity)
{
	struct view text = corpus_text(w->corpus, p.doc);
	char lower[WORD_BYTES];
	size_t n, start, at = 0, id = SIZE_MAX;

	while (id == SIZE_MAX && (at = word_next(lower, &n, &start, text, at)) != SIZE_MAX) {
		if (start >= p.byte)
			break;
		if (at >= p.byte)
			id = word_find(w, (struct view){ lower, n });
	}
	if (id != SIZE_MAX)
		*rarity = fm_log_d(w->total / w->word[id].count);
	return id;
}

/* What one label counts: how many places each word stands at, once a place. */
struct tally {
	const struct words *w;
	double *seen;
	uint32_t *mark, stamp;
};

static struct tally tally_new(const struct words *w)
{
	return (struct tally){ .w = w,
			       .seen = mem_alloc(w->n + 1, sizeof(double)),
			       .mark = mem_alloc(w->n + 1, sizeof(uint32_t)) };
}

static void tally_word(struct tally *t, size_t id)
{
	if (id == SIZE_MAX || t->mark[id] == t->stamp)
		return;
	t->mark[id] = t->stamp;
	t->seen[id]++;
}

/* The words from NEIGHBOURS before to NEIGHBOURS after the one that ends at or holds `byte`. */
static void tally_place(struct tally *t, struct view text, size_t byte)
{
	size_t near[2 * NEIGHBOURS + 1], n = 0, after = 0, at = 0, start, len;
	char lower[WORD_BYTES];

	t->stamp++;
	while (after <= NEIGHBOURS && (at = word_next(lower, &len, &start, text, at)) != SIZE_MAX) {
		size_t id = word_find(t->w, (struct view){ lower, len });

		if (at < byte && n == NEIGHBOURS)
			memmove(near, near + 1, --n * sizeof(*near));
		after += at >= byte;
		near[n++] = id;
	}
	for (size_t i = 0; i < n; i++)
		tally_word(t, near[i]);
}

static void tally_text(struct tally *t, struct view text)
{
	size_t at = 0, start, len;
	char lower[WORD_BYTES];

	t->stamp++;
	while ((at = word_next(lower, &len, &start, text, at)) != SIZE_MAX)
		tally_word(t, word_find(t->w, (struct view){ lower, len }));
}

static double log_odds_z(const struct words *w, size_t id, double seen, double total)
{
	double prior = w->word[id].count * prior_words / w->total;
	double a = seen + prior, b = w->word[id].count;
	double delta = fm_log_d(a / (total + prior_words - a)) - fm_log_d(b / (w->total - b + 1));

	return delta / fm_sqrt_d(1 / a + 1 / b);
}

static const char *tally_end(struct arena *mem, struct tally *t)
{
	const struct words *w = t->w;
	const double *seen = t->seen;
	double *z = mem_alloc(w->n + 1, sizeof(*z)), total = 0;
	size_t k = w->n < LABEL_WORDS ? w->n : LABEL_WORDS;
	uint32_t top[LABEL_WORDS];
	struct str s = STR_INIT;
	const char *out;

	for (size_t i = 0; i < w->n; i++)
		total += seen[i];
	for (size_t i = 0; i < w->n; i++)
		z[i] = seen[i] > 0 && w->word[i].n > 1 ? log_odds_z(w, i, seen[i], total) : 0;
	reduce_top_k_d(top, k, z, w->n);
	for (size_t i = 0; i < k; i++) {
		if (z[top[i]] < least_z && s.n > 0)
			break;
		if (z[top[i]] <= 0)
			break;
		if (s.n > 0)
			str_addc(&s, ' ');
		str_add(&s, w->text.p + w->word[top[i]].start, w->word[top[i]].n);
	}
	out = arena_strdup(mem, s.n > 0 ? s.p : "", s.n);
	str_release(&s);
	mem_free(z);
	mem_free(t->seen);
	mem_free(t->mark);
	return out;
}

const char *words_label(struct arena *mem, const struct words *w, const struct place *place, size_t n)
{
	struct tally t = tally_new(w);

	for (size_t i = 0; i < n; i++)
		tally_place(&t, corpus_text(w->corpus, place[i].doc), place[i].byte);
	return tally_end(mem, &t);
}

const char *words_label_texts(struct arena *mem, const struct words *w, const struct view *text, size_t n)
{
	struct tally t = tally_new(w);

	for (size_t i = 0; i < n; i++)
		tally_text(&t, text[i]);
	return tally_end(mem, &t);
}
