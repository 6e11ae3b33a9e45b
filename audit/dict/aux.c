#include "dict/aux.h"

#include "dict/span.h"
#include "num/gemm.h"

#include <string.h>

enum { ROW_UNIT = 64, BUCKETS = 2048 };

void aux_carve(struct aux *x, struct carve *room, const struct dfc_shape *s, size_t max_rows, size_t k)
{
	size_t n = dfc_latents(s), cap;

	x->k = size_min(k, n);
	if (__builtin_mul_overflow(max_rows, x->k, &cap))
		cap = SIZE_MAX;
	x->dead = carve_take(room, n, sizeof(*x->dead));
	x->enc_a = carve_take(room, AUX_BLOCK, s->d_a * sizeof(*x->enc_a));
	x->enc_b = carve_take(room, AUX_BLOCK, s->d_b * sizeof(*x->enc_b));
	x->weight = carve_take(room, n, sizeof(*x->weight));
	x->bias = carve_take(room, n, sizeof(*x->bias));
	x->on.start = carve_take(room, max_rows + 1, sizeof(*x->on.start));
	x->on.latent = carve_take(room, cap, sizeof(*x->on.latent));
	x->on.value = carve_take(room, cap, sizeof(*x->on.value));
	by_latent_carve(&x->by_latent, room, n, cap);
	x->ra = carve_take(room, max_rows, s->d_a * sizeof(*x->ra));
	x->rb = carve_take(room, max_rows, s->d_b * sizeof(*x->rb));
	moments_carve(&x->moments, room, s, max_rows);
}

/* ---- what the dead would say ---- */

/* Dead latents first .. end-1 of the list, gathered: those of model A are [first, end_a), of B [first_b,
 * end). */
struct block {
	struct aux *x;
	const struct encoder *c;
	float *h; /* (n, n_dead) */
	size_t first, end, end_a, first_b;
};

static void gather_unit(void *ud, size_t unit, void *scratch)
{
	const struct block *b = ud;
	const struct dfc *d = b->c->dict;
	size_t i = b->first + unit, latent = b->x->dead[i], d_a = d->shape.d_a, d_b = d->shape.d_b;

	(void)scratch;
	if (i < b->end_a)
		memcpy(b->x->enc_a + unit * d_a, d->enc_a + latent * d_a, d_a * sizeof(float));
	if (i >= b->first_b)
		memcpy(b->x->enc_b + unit * d_b, d->enc_b + (latent - d->shape.n_a) * d_b,
		       d_b * sizeof(float));
	b->x->weight[i] = b->c->weight[latent];
	b->x->bias[i] = d->bias_enc[latent];
}

static void values_unit(void *ud, size_t unit, void *scratch)
{
	const struct block *b = ud;
	const struct dfc_shape *s = &b->c->dict->shape;
	struct span u = span_of(unit, ENCODE_ROWS, b->c->n);
	size_t ld = b->x->n_dead, rows = u.end - u.first;
	float *h = b->h + u.first * ld;

	(void)scratch;
	for (size_t r = 0; r < rows; r++)
		memcpy(h + r * ld + b->first, b->x->bias + b->first, (b->end - b->first) * sizeof(*h));
	if (b->end_a > b->first)
		gemm_tile_nt(h + b->first, ld, b->c->xa + u.first * s->d_a, s->d_a, b->x->enc_a, s->d_a, rows,
			     b->end_a - b->first, s->d_a, 1.0f);
	if (b->end > b->first_b)
		gemm_tile_nt(h + b->first_b, ld, b->c->xb + u.first * s->d_b, s->d_b,
			     b->x->enc_b + (b->first_b - b->first) * s->d_b, s->d_b, rows,
			     b->end - b->first_b, s->d_b, 1.0f);
}

static void encode_dead(struct aux *x, const struct encoder *c, struct par *p)
{
	const struct dfc_shape *s = &c->dict->shape;
	size_t end_a = 0, first_b = 0;

	while (end_a < x->n_dead && x->dead[end_a] < dfc_rows_a(s))
		end_a++;
	while (first_b < x->n_dead && x->dead[first_b] < s->n_a)
		first_b++;
	for (size_t i = 0; i < x->n_dead; i += AUX_BLOCK) {
		struct block b = { x, c, c->room, i, size_min(i + AUX_BLOCK, x->n_dead), 0, 0 };

		b.end_a = end_a < b.end ? end_a : b.end;
		b.first_b = first_b > b.first ? first_b : b.first;
		par_run(p, b.end - b.first, gather_unit, &b);
		par_run(p, span_count(c->n, ENCODE_ROWS), values_unit, &b);
	}
}

/* ---- the k best of each row ---- */

struct choice {
	struct aux *x;
	struct encoder *c;
};

/* The bits of a dead latent's score; 0 where it is not above 0. */
static uint32_t score_bits(const struct aux *x, const float *h, size_t i)
{
	float score = h[i] > 0.0f ? h[i] * x->weight[i] : 0.0f;
	uint32_t bits;

	if (!(score > 0.0f))
		return 0;
	memcpy(&bits, &score, sizeof(bits));
	return bits;
}

/* How many are above 0 and the bits of the k-th of them; 1 where there are no more than k. Three
 * histograms. */
static uint32_t kth_score(const struct aux *x, const float *h, size_t *positive, uint32_t *count)
{
	static const unsigned shift_of[] = { 21, 10, 0 }, bits_of[] = { 11, 11, 10 };
	uint32_t prefix = 0, score, b;
	size_t left = x->k;

	for (size_t level = 0; level < 3; level++) {
		memset(count, 0, BUCKETS * sizeof(*count));
		*positive = 0;
		for (size_t i = 0; i < x->n_dead; i++) {
			score = score_bits(x, h, i);
			*positive += score > 0;
			if (score > 0 &&
			    (level == 0 || score >> (shift_of[level] + bits_of[level]) == prefix))
				count[(score >> shift_of[level]) & ((1u << bits_of[level]) - 1)]++;
		}
		if (*positive <= x->k)
			return 1;
		for (b = (1u << bits_of[level]) - 1; count[b] < left; b--)
			left -= count[b];
		prefix = prefix << bits_of[level] | b;
	}
	return prefix;
}

/* c->above: the cut of each row; c->ties: how many latents it keeps. */
static void choose_unit(void *ud, size_t unit, void *scratch)
{
	const struct choice *j = ud;
	struct span u = span_of(unit, ROW_UNIT, j->c->n);
	size_t positive;

	for (size_t r = u.first; r < u.end; r++) {
		j->c->above[r] = kth_score(j->x, j->c->room + r * j->x->n_dead, &positive, scratch);
		j->c->ties[r] = (uint32_t)size_min(positive, j->x->k);
	}
}

/* Those above the cut, and of those at it the first that still find room. */
static void keep_unit(void *ud, size_t unit, void *scratch)
{
	const struct choice *j = ud;
	struct aux *x = j->x;
	struct span u = span_of(unit, ROW_UNIT, j->c->n);

	(void)scratch;
	for (size_t r = u.first; r < u.end; r++) {
		const float *h = j->c->room + r * x->n_dead;
		size_t at = x->on.start[r], above = 0;
		uint32_t cut = j->c->above[r], score;
		size_t ties;

		for (size_t i = 0; i < x->n_dead; i++)
			above += score_bits(x, h, i) > cut;
		ties = j->c->ties[r] - above;
		for (size_t i = 0; i < x->n_dead; i++) {
			score = score_bits(x, h, i);
			if (score < cut || (score == cut && ties == 0))
				continue;
			ties -= score == cut;
			x->on.latent[at] = x->dead[i];
			x->on.value[at++] = h[i];
		}
		BUG_ON(at != x->on.start[r + 1]);
	}
}

static void choose(struct aux *x, struct encoder *c, struct par *p)
{
	struct choice j = { x, c };

	par_run(p, span_count(c->n, ROW_UNIT), choose_unit, &j);
	x->on.n = c->n;
	x->on.n_latents = dfc_latents(&c->dict->shape);
	x->on.start[0] = 0;
	for (size_t r = 0; r < c->n; r++)
		x->on.start[r + 1] = x->on.start[r] + c->ties[r];
	par_run(p, span_count(c->n, ROW_UNIT), keep_unit, &j);
}

void aux_run(struct aux *x, struct encoder *c, struct par *p, const float *ea, const float *eb,
	     const struct moments *about)
{
	struct residual r = { x->ra, x->rb, ea, eb, false };
	double variance = about->about_a + about->about_b;

	x->loss = x->coef = 0.0;
	if (x->n_dead == 0 || x->k == 0 || !(variance > 0.0))
		return;
	encode_dead(x, c, p);
	choose(x, c, p);
	by_latent_make(&x->by_latent, p, &x->on);
	decode_residual(c->dict, p, &r, &x->on, &x->by_latent, &x->moments);
	x->loss = (x->moments.sum_a + x->moments.sum_b) / variance;
	if (x->loss != x->loss) {
		x->loss = 0.0;
		return;
	}
	x->coef = 2.0 / variance;
}
