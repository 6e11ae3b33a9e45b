#include "dict/encode.h"

#include "dict/span.h"
#include "num/gemm.h"

#include <string.h>

/*
 * The choice is a radix select on the bits of the scores: positive floats order as unsigned numbers.  Three
 * passes over what passed the bound (11, 11 and 10 bits), each a histogram a row tile, added up in order.
 */

enum { BUCKETS = 2048, LEVELS = 3, WEIGH_UNIT = 64 };

void encoder_carve(struct encoder *c, struct carve *room, const struct dfc_shape *s, size_t max_rows)
{
	size_t n = dfc_latents(s), row_tiles = span_count(max_rows, ENCODE_ROWS), values;

	if (__builtin_mul_overflow(max_rows, n, &values))
		values = SIZE_MAX;
	c->max_rows = max_rows;
	c->weight = carve_take(room, n, sizeof(*c->weight));
	c->room = carve_take(room, values, sizeof(*c->room));
	c->tile = carve_take(room, row_tiles * span_count(n, ENCODE_COLS), sizeof(*c->tile));
	c->histogram = carve_take(room, row_tiles * BUCKETS, sizeof(*c->histogram));
	c->above = carve_take(room, max_rows, sizeof(*c->above));
	c->ties = carve_take(room, max_rows, sizeof(*c->ties));
}

static void weigh_unit(void *ud, size_t unit, void *scratch)
{
	struct encoder *c = ud;
	struct span u = span_of(unit, WEIGH_UNIT, dfc_latents(&c->dict->shape));

	(void)scratch;
	for (size_t i = u.first; i < u.end; i++)
		c->weight[i] = dfc_score_weight(c->dict, i);
}

void encoder_weigh(struct encoder *c, struct par *p)
{
	par_run(p, span_count(dfc_latents(&c->dict->shape), WEIGH_UNIT), weigh_unit, c);
}

/* One tile: rows [row, row + rows), latents [col, col + cols), its values and where they are kept. */
struct place {
	size_t row, rows, col, cols;
	float *room;
	struct tile *tile;
};

static struct place place_of(const struct encoder *c, size_t row_tile, size_t col_tile)
{
	size_t latents = dfc_latents(&c->dict->shape);
	struct place at = { .row = row_tile * ENCODE_ROWS, .col = col_tile * ENCODE_COLS };

	at.rows = size_min(ENCODE_ROWS, c->n - at.row);
	at.cols = size_min(ENCODE_COLS, latents - at.col);
	at.room = c->room + at.row * latents + at.rows * at.col;
	at.tile = &c->tile[row_tile * c->col_tiles + col_tile];
	return at;
}

/* h (rows, cols) = bias + xa . enc_a + xb . enc_b; each side has some of the columns only. */
static void tile_values(const struct encoder *c, const struct place *at, float *h)
{
	const struct dfc *d = c->dict;
	const struct dfc_shape *s = &d->shape;
	size_t end = at->col + at->cols, end_a = size_min(end, dfc_rows_a(s));
	size_t first_b = at->col > s->n_a ? at->col : s->n_a;

	for (size_t r = 0; r < at->rows; r++)
		memcpy(h + r * at->cols, d->bias_enc + at->col, at->cols * sizeof(*h));
	if (end_a > at->col)
		gemm_tile_nt(h, at->cols, c->xa + at->row * s->d_a, s->d_a, d->enc_a + at->col * s->d_a,
			     s->d_a, at->rows, end_a - at->col, s->d_a, 1.0f);
	if (end > first_b)
		gemm_tile_nt(h + (first_b - at->col), at->cols, c->xb + at->row * s->d_b, s->d_b,
			     d->enc_b + (first_b - s->n_a) * s->d_b, s->d_b, at->rows, end - first_b, s->d_b,
			     1.0f);
}

static void run_unit(void *ud, size_t unit, void *scratch)
{
	struct encoder *c = ud;
	struct place at = place_of(c, unit % c->row_tiles, unit / c->row_tiles);
	size_t limit = at.rows * at.cols / 2, n = 0, got;
	struct hit *hit = (struct hit *)(void *)at.room;
	float *h = scratch;

	tile_values(c, &at, h);
	*at.tile = (struct tile){ .dense = false };
	for (size_t r = 0; r < at.rows; r++) {
		got = sparse_hits(hit + n, limit - n, (uint32_t)(r * ENCODE_COLS), h + r * at.cols,
				  c->weight + at.col, c->bound, at.cols);
		if (got > limit - n) {
			memcpy(at.room, h, at.rows * at.cols * sizeof(*h));
			at.tile->dense = true;
			return;
		}
		n += got;
	}
	at.tile->hits = (uint32_t)n;
}

void encoder_run(struct encoder *c, struct par *p, const float *xa, const float *xb, size_t n, float bound)
{
	BUG_ON(n > c->max_rows || !(bound >= 0.0f));
	BUG_ON(par_scratch(p) < ENCODE_ROWS * ENCODE_COLS * sizeof(float));
	c->n = n;
	c->row_tiles = span_count(n, ENCODE_ROWS);
	c->col_tiles = span_count(dfc_latents(&c->dict->shape), ENCODE_COLS);
	c->bound = bound;
	c->xa = xa;
	c->xb = xb;
	par_run(p, c->row_tiles * c->col_tiles, run_unit, c);
}

/* Goes over what a tile kept, row by row, columns increasing. */
struct cursor {
	const struct hit *hit; /* of a list */
	const float *f;	       /* of a dense tile, (rows, cols) */
	const float *w;	       /* (cols) */
	size_t at, n, cols;
	float bound;
};

/* One latent on a row of the tile. */
struct found {
	size_t row, col; /* within the tile */
	float f;
	uint32_t bits; /* of the score, positive */
};

static struct cursor cursor_of(const struct encoder *c, const struct place *at)
{
	struct cursor k = { .w = c->weight + at->col, .cols = at->cols, .bound = c->bound };

	if (at->tile->dense) {
		k.f = at->room;
		k.n = at->rows * at->cols;
	} else {
		k.hit = (const struct hit *)(const void *)at->room;
		k.n = at->tile->hits;
	}
	return k;
}

static inline bool cursor_next(struct cursor *k, struct found *out)
{
	float score;

	for (; k->at < k->n; k->at++) {
		if (k->hit) {
			out->row = k->hit[k->at].at / ENCODE_COLS;
			out->col = k->hit[k->at].at % ENCODE_COLS;
			out->f = k->hit[k->at].f;
		} else {
			out->row = k->at / k->cols;
			out->col = k->at % k->cols;
			out->f = k->f[k->at];
		}
		score = out->f * k->w[out->col];
		if (!(score > k->bound))
			continue;
		memcpy(&out->bits, &score, sizeof(score));
		k->at++;
		return true;
	}
	return false;
}

/* ---- the cut ---- */

struct select_pass {
	struct encoder *c;
	int level;
	uint32_t prefix; /* the bits above this level's, as found by the levels before */
};

static const struct {
	unsigned shift, bits;
} level_of[LEVELS] = { { 21, 11 }, { 10, 11 }, { 0, 10 } };

static void histogram_unit(void *ud, size_t unit, void *scratch)
{
	const struct select_pass *pass = ud;
	struct encoder *c = pass->c;
	uint32_t *count = c->histogram + unit * BUCKETS;
	unsigned shift = level_of[pass->level].shift, bits = level_of[pass->level].bits;
	struct found f;

	(void)scratch;
	memset(count, 0, BUCKETS * sizeof(*count));
	for (size_t t = 0; t < c->col_tiles; t++) {
		struct place at = place_of(c, unit, t);
		struct cursor k = cursor_of(c, &at);

		while (cursor_next(&k, &f))
			if (pass->level == 0 || f.bits >> (shift + bits) == pass->prefix)
				count[(f.bits >> shift) & ((1u << bits) - 1)]++;
	}
}

/* Adds the row tiles' histograms into the first; the sum of all buckets. */
static size_t histogram_fold(struct encoder *c)
{
	size_t total = 0;

	for (size_t b = 0; b < BUCKETS; b++) {
		for (size_t t = 1; t < c->row_tiles; t++)
			c->histogram[b] += c->histogram[t * BUCKETS + b];
		total += c->histogram[b];
	}
	return total;
}

struct cut encoder_cut(struct encoder *c, struct par *p, size_t want)
{
	struct select_pass pass = { .c = c };
	struct cut k = { .bits = 1, .kept = want };
	size_t left = want, total;
	uint32_t b;

	for (pass.level = 0; pass.level < LEVELS; pass.level++) {
		par_run(p, c->row_tiles, histogram_unit, &pass);
		total = histogram_fold(c);
		if (pass.level == 0) {
			k.found = total;
			if (total <= want || want == 0) {
				k.kept = want == 0 ? 0 : total;
				return k;
			}
		}
		for (b = (1u << level_of[pass.level].bits) - 1; c->histogram[b] < left; b--)
			left -= c->histogram[b];
		pass.prefix = pass.prefix << level_of[pass.level].bits | b;
	}
	k.bits = pass.prefix;
	return k;
}

/* ---- taking what is kept ---- */

struct take {
	struct encoder *c;
	uint32_t bits;
	struct codes *out;
};

static void count_unit(void *ud, size_t unit, void *scratch)
{
	const struct take *t = ud;
	struct encoder *c = t->c;
	size_t row = unit * ENCODE_ROWS, rows = size_min(ENCODE_ROWS, c->n - row);
	struct found f;

	(void)scratch;
	memset(c->above + row, 0, rows * sizeof(*c->above));
	memset(c->ties + row, 0, rows * sizeof(*c->ties));
	for (size_t i = 0; i < c->col_tiles; i++) {
		struct place at = place_of(c, unit, i);
		struct cursor k = cursor_of(c, &at);

		while (cursor_next(&k, &f)) {
			c->above[row + f.row] += f.bits > t->bits;
			c->ties[row + f.row] += f.bits == t->bits;
		}
	}
}

/* From counts to starts; ties go to the first rows that have them. c->above becomes the place to write at. */
static void lay_out(struct encoder *c, const struct cut *k, struct codes *out)
{
	size_t above = 0, left;

	for (size_t r = 0; r < c->n; r++)
		above += c->above[r];
	BUG_ON(above > k->kept);
	left = k->kept - above;
	out->n = c->n;
	out->n_latents = dfc_latents(&c->dict->shape);
	out->start[0] = 0;
	for (size_t r = 0; r < c->n; r++) {
		c->ties[r] = (uint32_t)size_min(c->ties[r], left);
		left -= c->ties[r];
		out->start[r + 1] = out->start[r] + c->above[r] + c->ties[r];
		c->above[r] = 0;
	}
	BUG_ON(out->start[c->n] != k->kept);
}

static void take_unit(void *ud, size_t unit, void *scratch)
{
	const struct take *t = ud;
	struct encoder *c = t->c;
	struct found f;
	size_t row, to;

	(void)scratch;
	for (size_t i = 0; i < c->col_tiles; i++) {
		struct place at = place_of(c, unit, i);
		struct cursor k = cursor_of(c, &at);

		while (cursor_next(&k, &f)) {
			row = at.row + f.row;
			if (f.bits < t->bits || (f.bits == t->bits && c->ties[row] == 0))
				continue;
			c->ties[row] -= f.bits == t->bits;
			to = t->out->start[row] + c->above[row]++;
			t->out->latent[to] = (uint32_t)(at.col + f.col);
			t->out->value[to] = f.f;
		}
	}
}

void encoder_take(struct encoder *c, struct par *p, const struct cut *k, struct codes *out)
{
	struct take t = { .c = c, .bits = k->bits, .out = out };

	if (k->kept == 0) {
		out->n = c->n;
		out->n_latents = dfc_latents(&c->dict->shape);
		memset(out->start, 0, (c->n + 1) * sizeof(*out->start));
		return;
	}
	par_run(p, c->row_tiles, count_unit, &t);
	lay_out(c, k, out);
	par_run(p, c->row_tiles, take_unit, &t);
}

float encoder_smallest(const struct encoder *c, const struct cut *k, const struct codes *taken)
{
	float least = 0.0f, score;

	if (k->found > k->kept) {
		memcpy(&least, &k->bits, sizeof(least));
		return least;
	}
	for (size_t i = 0; i < k->kept; i++) {
		score = taken->value[i] * c->weight[taken->latent[i]];
		if (i == 0 || score < least)
			least = score;
	}
	return least;
}
