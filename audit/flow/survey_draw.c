#include "flow/survey_parts.h"

#include "flow/files.h"

#include "base/sort.h"

#include <string.h>

/*
 * Which units of a source a survey looks at.  The source is gone through twice, without looking inside: once to count, once
 * to take what was chosen; so no more is in memory than the sample.
 */

enum {
	LOOKED_AT =
		512 << 20, /* bytes of text gone through, at most; beyond, the rest is taken to be like it */
	UNITS_LEAST = 32,
	UNITS_MOST = 8192,
	EXACT = 512,   /* bytes up to which a length has a bin of its own */
	STEPS_BITS = 8 /* bins to a doubling beyond, as a power of two */
};

static size_t bin_of(size_t bytes)
{
	size_t e = 0;

	if (bytes < EXACT)
		return bytes;
	for (size_t v = bytes / EXACT; v > 1; v /= 2)
		e++;
	e = EXACT + (e << STEPS_BITS) + (bytes >> (e + 1)) % (1u << STEPS_BITS);
	return e < LENGTH_BINS ? e : LENGTH_BINS - 1;
}

void lengths_add(struct lengths *l, size_t bytes)
{
	size_t bin = bin_of(bytes);

	l->count[bin]++;
	l->bytes[bin] += (double)bytes;
}

double lengths_sum(const struct lengths *l, double most)
{
	double sum = 0;

	for (size_t i = 0; i < LENGTH_BINS; i++)
		sum += l->bytes[i] > most * l->count[i] ? most * l->count[i] : l->bytes[i];
	return sum;
}

/* ---- counting ---- */

struct counted {
	size_t n;	     /* units gone through */
	double bytes, share; /* their bytes; the part of the files that they are */
};

static int count(struct counted *out, struct lengths *l, const struct spec_source *src, struct err *e)
{
	struct raws r = RAWS_OF(src);
	struct raw raw;
	int rc;

	*out = (struct counted){ .share = 1 };
	while ((rc = raws_next(&raw, &r, e)) > 0) {
		out->n++;
		out->bytes += (double)raw.text.n;
		lengths_add(l, raw.text.n);
		if (out->bytes > LOOKED_AT) {
			out->share = raws_share(&r);
			rc = 0;
			break;
		}
	}
	raws_close(&r);
	if (rc == 0 && out->n == 0)
		rc = err_set(e, ERR_INPUT, "%s: there is no document in it", src->path);
	return rc;
}

/* ---- choosing ---- */

struct choice {
	size_t unit, place; /* in the source; in the order they are looked at */
};

static int by_unit(const void *a, const void *b, void *ud)
{
	const struct choice *x = a, *y = b;

	(void)ud;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static size_t common(size_t a, size_t b)
{
	while (b > 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A step of about n / golden ratio, without a divisor in common with n, comes to each once; no pattern of the source is hit
 * at the same place again and again. */
static size_t step_of(size_t n)
{
	size_t step = (size_t)((double)n * 0.6180339887498949);

	for (step = step > 0 ? step : 1; common(step, n) != 1; step++)
		;
	return step;
}

size_t *drawn_order(struct arena *mem, size_t n, size_t k)
{
	size_t *order = ARENA_ARRAY(mem, k + 1, size_t), step = step_of(n), at = n / 2;

	BUG_ON(k > n);
	for (size_t i = 0; i < k; i++, at = (at + step) % n)
		order[i] = at;
	return order;
}

/* The same in the order of the source. */
static struct choice *choose(struct arena *mem, size_t n, size_t k)
{
	struct choice *c = ARENA_ARRAY(mem, k, struct choice);
	const size_t *order = drawn_order(mem, n, k);

	for (size_t i = 0; i < k; i++)
		c[i] = (struct choice){ order[i], i };
	sort_stable(c, k, sizeof(*c), by_unit, NULL);
	return c;
}

/* ---- taking ---- */

/* keep: what the source's limit leaves, as source_draw() has it. */
static int take(struct drawn *out, struct arena *mem, const struct spec *s, size_t source,
		const struct choice *c, const uint8_t *keep, struct err *e)
{
	struct raws r = RAWS_OF(&s->corpus.source[source]);
	size_t unit = 0, found = 0;
	struct raw raw;
	int rc = 0;

	memset(&out->lengths, 0, keep != NULL ? sizeof(out->lengths) : 0);
	for (size_t i = 0; (found < out->n || keep != NULL) && (rc = raws_next(&raw, &r, e)) > 0; i++) {
		if (keep != NULL && !keep[i])
			continue;
		if (keep != NULL)
			lengths_add(&out->lengths, raw.text.n);
		if (found < out->n && c[found].unit == unit++) {
			size_t place = c[found++].place;

			out->bytes[place] = raw.text.n;
			rc = source_item(&out->item[place], mem, s, source, &raw, e);
			if (rc < 0)
				break;
		}
	}
	raws_close(&r);
	return rc < 0 ? -1 : 0;
}

int drawn_make(struct drawn **out, struct arena *mem, const struct spec *s, size_t source, size_t bytes,
	       struct err *e)
{
	const struct spec_source *src = &s->corpus.source[source];
	struct drawn *d = ARENA_NEW(mem, struct drawn);
	struct choice *c;
	uint8_t *keep = NULL;
	struct counted all;
	size_t n;
	double k;
	int rc;

	if (count(&all, &d->lengths, src, e) < 0)
		return -1;
	n = all.n;
	d->whole = (double)n / all.share;
	if (src->limit > 0 && d->whole > (double)src->limit) {
		d->whole = (double)src->limit;
		if (all.share == 1)
			keep = source_draw(n, s, source);
		n = keep != NULL || src->limit < n ? src->limit : n;
	}
	d->scale = keep != NULL ? 1 : d->whole / (double)all.n;
	k = (double)bytes / (all.bytes / (double)all.n);
	k = k < UNITS_LEAST ? UNITS_LEAST : k > UNITS_MOST ? UNITS_MOST : k;
	d->n = k < (double)n ? (size_t)k : n;
	d->item = ARENA_ARRAY(mem, d->n, struct item);
	d->bytes = ARENA_ARRAY(mem, d->n, size_t);
	c = choose(mem, n, d->n);
	rc = take(d, mem, s, source, c, keep, e);
	mem_free(keep);
	*out = d;
	return rc;
}

/* ---- what it says of the whole ---- */

/* Bytes of a document that a context reads, by those that no side had to cut; 0 where all were cut, and so are alike. */
static double bytes_read(const struct unit *unit, size_t n, size_t context)
{
	double bytes = 0, tokens = 0;

	for (size_t i = 0; i < n; i++) {
		if (unit[i].cut)
			continue;
		bytes += unit[i].bytes;
		tokens += unit[i].tokens[0] < unit[i].tokens[1] ? unit[i].tokens[1] : unit[i].tokens[0];
	}
	return tokens > 0 ? (double)context * bytes / tokens : 0;
}

static double length_read(const struct unit *u, double most)
{
	return most == 0 ? 1 : u->bytes < most ? u->bytes : most;
}

/* A ratio estimate: of what a unit comes to, by its length as far as it is read, or by the unit. */
void part_estimate(struct part *out, const struct drawn *d, const struct unit *unit, size_t n, size_t context,
		   bool by_length)
{
	double most = by_length ? bytes_read(unit, n, context) : 0, seen = 0, ratio, scale, square = 0;
	struct unit sum = { .bytes = 0 };

	for (size_t i = 0; i < n; i++) {
		seen += length_read(&unit[i], most);
		sum.documents += unit[i].documents;
		sum.pairs += unit[i].pairs;
		for (size_t s = 0; s < SIDE_COUNT; s++)
			sum.tokens[s] += unit[i].tokens[s];
	}
	if ((double)n == d->whole)
		scale = 1;
	else
		scale = (most > 0 ? lengths_sum(&d->lengths, most) * d->scale : d->whole) / seen;
	ratio = sum.pairs / seen;
	for (size_t i = 0; i < n; i++) {
		double off = unit[i].pairs - ratio * length_read(&unit[i], most);

		square += off * off;
	}
	*out = (struct part){ .documents = sum.documents * d->whole / (double)n, .pairs = sum.pairs * scale };
	for (size_t s = 0; s < SIDE_COUNT; s++)
		out->tokens[s] = sum.tokens[s] * scale;
	if ((double)n < d->whole)
		out->variance = d->whole * (d->whole - (double)n) * square /
				((double)n * (double)(n > 1 ? n - 1 : 1));
}
