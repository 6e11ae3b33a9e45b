#include "flow/overlap.h"

#include "base/sort.h"
#include "num/fmath.h"
#include "store/acts.h"
#include "store/corpus.h"

#include <string.h>

enum { FEW_TURNS = 8 };
static const double least = 0.5; /* similarity of latents that are taken to be the same */

/* One run's artifacts. */
struct harvest {
	struct corpus *corpus;
	struct acts *side[SIDE_COUNT];
	uint32_t *row; /* (n) of this harvest: the rows of the overlap */
	uint32_t *wanted;
	size_t n, cap;
};

/* ---- what is in the cache ---- */

/* The key of the index-th step of a stage, from plan.json. */
static bool key_of(struct digest *out, const struct json *plan, const char *stage, size_t index)
{
	const struct json *steps = json_find(plan, "steps");

	for (const struct json *s = steps ? steps->first : NULL; s; s = s->next) {
		const struct json *name = json_find(s, "stage"), *key = json_find(s, "key");

		if (!name || !key || !view_is(name->str, stage))
			continue;
		if (index-- == 0)
			return digest_parse(out, key->str.p, key->str.n);
	}
	return false;
}

/* 1: it is not there. */
static int find(struct artifact *out, const struct json *plan, const char *stage, size_t index,
		const char *cache, struct err *e)
{
	struct digest key;

	if (!key_of(&key, plan, stage, index) || !artifact_complete(cache, key))
		return 1;
	return artifact_open(out, cache, key, e);
}

static int open_one(struct harvest *h, struct dfc *d, struct arena *mem, const struct json *plan,
		    const char *cache, struct err *e)
{
	struct artifact tokens, side[SIDE_COUNT], train;
	int rc = find(&tokens, plan, "tokens", 0, cache, e);

	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++)
		rc = find(&side[s], plan, "acts", s, cache, e);
	if (rc == 0)
		rc = find(&train, plan, "train", 0, cache, e);
	if (rc != 0)
		return rc;
	if (corpus_open(&h->corpus, &tokens, e) < 0 || artifact_check(&train, "dfc.bin", e) < 0 ||
	    dfc_read(d, artifact_path(mem, &train, "dfc.bin"), e) < 0)
		return -1;
	for (size_t s = 0; s < SIDE_COUNT; s++)
		if (acts_open(&h->side[s], &side[s], e) < 0)
			return -1;
	return acts_width(h->side[SIDE_BASE]) == 0 || acts_width(h->side[SIDE_CANDIDATE]) == 0;
}

static void close_one(struct harvest *h)
{
	for (size_t s = 0; s < SIDE_COUNT; s++)
		acts_close(h->side[s]);
	corpus_close(h->corpus);
	mem_free(h->row);
	mem_free(h->wanted);
}

/* ---- which rows ---- */

/* Where a document comes from. What the base wrote is the same in both runs, whether the candidate wrote it too or not. */
struct origin {
	uint32_t file, author;
	uint64_t line, offset;
	size_t doc;
};

static int by_origin(const void *a, const void *b, void *ud)
{
	const struct origin *x = a, *y = b;

	(void)ud;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->author > y->author) - (x->author < y->author);
}

static struct origin *origins(const struct corpus *c)
{
	size_t n = corpus_docs(c);
	struct origin *o = mem_alloc(n + 1, sizeof(*o));

	for (size_t i = 0; i < n; i++) {
		const struct doc *d = corpus_doc(c, i);

		o[i] = (struct origin){ d->file, d->author & AUTHOR_BASE ? AUTHOR_BASE : d->author, d->line,
					d->offset, i };
	}
	sort_stable(o, n, sizeof(*o), by_origin, NULL);
	return o;
}

static void add_row(struct harvest *h, size_t row)
{
	h->row = mem_grow(h->row, &h->cap, h->n + 1, sizeof(*h->row));
	h->row[h->n++] = (uint32_t)row;
}

/* The pairs of two documents that end at the same byte of what both begin with. */
static void add_shared(struct harvest h[2], const size_t doc[2])
{
	struct view a = corpus_text(h[0].corpus, doc[0]), b = corpus_text(h[1].corpus, doc[1]);
	const struct doc *x = corpus_doc(h[0].corpus, doc[0]), *y = corpus_doc(h[1].corpus, doc[1]);
	size_t same = 0, i = 0, k = 0;

	while (same < a.n && same < b.n && a.p[same] == b.p[same])
		same++;
	while (i < x->pair_n && k < y->pair_n && h[0].n < OVERLAP_ROWS) {
		const struct pair_record *p = corpus_pair(h[0].corpus, x->pair_first + i),
					 *q = corpus_pair(h[1].corpus, y->pair_first + k);

		if (p->byte > same || q->byte > same)
			break;
		/* a turn boundary ends at a byte where the prompt may have ended already */
		if (p->byte == q->byte && (p->flags & PAIR_TURN) == (q->flags & PAIR_TURN)) {
			add_row(&h[0], x->pair_first + i++);
			add_row(&h[1], y->pair_first + k++);
		} else if (p->byte < q->byte || (p->byte == q->byte && !(p->flags & PAIR_TURN))) {
			i++;
		} else {
			k++;
		}
	}
}

static void find_rows(struct harvest h[2])
{
	struct origin *a = origins(h[0].corpus), *b = origins(h[1].corpus);
	size_t n = corpus_docs(h[0].corpus), m = corpus_docs(h[1].corpus), i = 0, k = 0;

	while (i < n && k < m) {
		int order = by_origin(&a[i], &b[k], NULL);

		if (order == 0)
			add_shared(h, (size_t[2]){ a[i].doc, b[k].doc });
		i += order <= 0;
		k += order >= 0;
	}
	mem_free(a);
	mem_free(b);
}

/* ---- what fires there ---- */

static int read_rows(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct harvest *h = ud;

	for (size_t i = 0; i < n; i++)
		h->wanted[i] = h->row[row[i]];
	if (acts_read(h->side[SIDE_BASE], xa, h->wanted, n, e) < 0)
		return -1;
	return acts_read(h->side[SIDE_CANDIDATE], xb, h->wanted, n, e);
}

static int encode(struct overlap *out, size_t which, struct harvest *h, struct par *par, struct err *e)
{
	struct train_data data = { .n_rows = h->n, .read = read_rows, .ud = h };

	if (acts_width(h->side[SIDE_BASE]) != out->dfc[which].shape.d_a ||
	    acts_width(h->side[SIDE_CANDIDATE]) != out->dfc[which].shape.d_b)
		return err_set(e, ERR_INPUT, "the activations are of another width than the dictionary");
	h->wanted = mem_alloc(h->n + 1, sizeof(*h->wanted));
	return active_make(&out->active[which], &out->dfc[which], par, &data, e);
}

static int look(struct overlap *out, struct harvest h[2], struct arena *mem, struct par *par, struct err *e)
{
	find_rows(h);
	out->n_rows = h[0].n;
	for (size_t i = 0; i < 2; i++)
		if (encode(out, i, &h[i], par, e) < 0)
			return -1;
	out->turn = ARENA_ARRAY(mem, out->n_rows + 1, bool);
	for (size_t r = 0; r < out->n_rows; r++) {
		out->turn[r] = corpus_pair(h[0].corpus, h[0].row[r])->flags & PAIR_TURN;
		out->n_turns += out->turn[r];
	}
	out->match = ARENA_ARRAY(mem, out->active[0].n_latents + 1, struct match);
	match_latents(out->match, &(struct coded){ &out->dfc[0], &out->active[0] },
		      &(struct coded){ &out->dfc[1], &out->active[1] }, least, par);
	return 0;
}

int overlap_make(struct overlap *out, const char **why, struct arena *mem, const struct json *const plan[2],
		 const char *cache, struct par *par, struct err *e)
{
	struct harvest h[2] = { { .n = 0 }, { .n = 0 } };
	int rc = 0;

	*out = (struct overlap){ .n_rows = 0 };
	*why = NULL;
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		rc = plan[i] ? open_one(&h[i], &out->dfc[i], mem, plan[i], cache, e) : 1;
		if (rc == 1)
			*why = arena_fmt(mem,
					 "the activations and dictionary of the %s run are not in the cache",
					 i ? "new" : "old");
	}
	if (rc == 0)
		rc = look(out, h, mem, par, e);
	close_one(&h[0]);
	close_one(&h[1]);
	return rc;
}

void overlap_release(struct overlap *o)
{
	for (size_t i = 0; i < 2; i++) {
		active_release(&o->active[i]);
		dfc_release(&o->dfc[i]);
	}
	*o = (struct overlap){ .n_rows = 0 };
}

/* ---- groups ---- */

/* (n_rows): the sum over a finding's latents of weight times activation. */
static double *group_sum(const struct active *a, const struct json *finding)
{
	const struct json *list = json_find(finding, "latents");
	double *sum = mem_alloc(a->n_rows + 1, sizeof(*sum));

	for (const struct json *m = list ? list->first : NULL; m; m = m->next) {
		const struct json *id = json_find(m, "latent"), *weight = json_find(m, "weight");

		if (!id || !weight || id->integer < 0 || (uint64_t)id->integer >= a->n_latents)
			continue;
		for (size_t f = a->latent_start[id->integer]; f < a->latent_start[id->integer + 1]; f++)
			sum[a->row[f]] += weight->real * (double)a->value[f];
	}
	return sum;
}

double overlap_groups(const struct overlap *o, const struct json *old, const struct json *new)
{
	double *x = group_sum(&o->active[0], old), *y = group_sum(&o->active[1], new);
	double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, n = 0, scale;

	for (size_t r = 0; r < o->n_rows; r++) {
		if (o->n_turns >= FEW_TURNS && !o->turn[r])
			continue;
		n += 1;
		sx += x[r];
		sy += y[r];
		xx += x[r] * x[r];
		yy += y[r] * y[r];
		xy += x[r] * y[r];
	}
	mem_free(x);
	mem_free(y);
	if (n < 1)
		return 0;
	xx -= sx * sx / n;
	yy -= sy * sy / n;
	scale = xx > 0 && yy > 0 ? fm_sqrt_d(xx) * fm_sqrt_d(yy) : 0;
	return scale > 0 ? (xy - sx * sy / n) / scale : 0;
}
