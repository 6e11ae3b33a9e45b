#include "flow/alike.h"
#include "flow/comparison_parts.h"
#include "store/metrics.h"

#include "base/sort.h"

#include <string.h>

/* What findings and latents came to between two runs. */

enum { LISTED = 10 }; /* latents a kind of change that are listed; all are counted */
static const double normal_95 = 1.96;

const char *change_name(enum change c)
{
	static const char *const name[] = { "new", "gone", "grown", "shrunk", "unchanged" };

	return name[c];
}

static double size_of(double v)
{
	return v < 0 ? -v : v;
}

/* ---- findings ---- */

struct interval {
	bool known;
	double at, lo, hi;
};

static struct interval effect_of(const struct json *finding)
{
	const struct json *slope = json_find(finding, "slope_on"), *sd = json_find(finding, "null_sd_on");

	if (json_is_null(slope) || json_is_null(sd))
		return (struct interval){ .known = false };
	return (struct interval){ true, slope->real, slope->real - normal_95 * sd->real,
				  slope->real + normal_95 * sd->real };
}

static enum change moved(const struct interval *old, const struct interval *new)
{
	bool apart = old->known && new->known && (new->lo > old->hi || new->hi < old->lo);

	if (!apart)
		return CHANGE_NONE;
	return size_of(new->at) > size_of(old->at) ? CHANGE_GROWN : CHANGE_SHRUNK;
}

static void put_interval(struct json_out *j, const char *key, const struct interval *v)
{
	if (!v->known) {
		json_put_null(j, key);
		return;
	}
	json_open(j, key, '{');
	json_put_real(j, "at", v->at);
	json_put_real(j, "lo", v->lo);
	json_put_real(j, "hi", v->hi);
	json_close(j, '}');
}

static void put_couple(struct parts *t, const struct couple *c, enum change change)
{
	const struct json *shown = c->new ? c->new : c->old;
	const struct interval old = effect_of(c->old), new = effect_of(c->new);

	json_open(t->j, NULL, '{');
	json_puts(t->j, "change", change_name(change));
	json_put(t->j, "title", json_find(shown, "title"));
	json_put(t->j, "kind", json_find(shown, "kind"));
	json_put(t->j, "old", json_find(c->old, "id"));
	json_put(t->j, "new", json_find(c->new, "id"));
	json_put(t->j, "verdict_old", json_find(c->old, "verdict"));
	json_put(t->j, "verdict_new", json_find(c->new, "verdict"));
	json_put_bool(t->j, "confirmed_old", json_is_true(c->old, "is_confirmed"));
	json_put_bool(t->j, "confirmed_new", json_is_true(c->new, "is_confirmed"));
	if (c->old && c->new)
		json_put_real(t->j, "similarity", c->similarity);
	else
		json_put_null(t->j, "similarity");
	put_interval(t->j, "effect_old", &old);
	put_interval(t->j, "effect_new", &new);
	json_close(t->j, '}');
}

static void count_couple(struct parts *t, const struct couple *c, enum change change)
{
	bool was = json_is_true(c->old, "is_confirmed"), is = json_is_true(c->new, "is_confirmed");

	t->findings[change]++;
	t->count.new_confirmed += is && !c->old;
	t->count.turned_confirmed += is && c->old && !was;
	t->count.grown_confirmed += is && change == CHANGE_GROWN;
	t->count.gone_confirmed += was && !c->new;
	t->count.other_verdict += c->old && c->new &&was != is;
}

void changes_put_findings(struct parts *t)
{
	struct couple *c;
	size_t n = alike_make(&c, t->mem, json_find(t->old->results, "findings"),
			      json_find(t->new->results, "findings"), t->overlap);

	json_puts(t->j, "matched_by",
		  t->overlap ? "how their groups fire at the turn boundaries of the text both runs read"
			     : "the distinctive words of titles and answers");
	json_open(t->j, "changes", '[');
	for (size_t i = 0; i < n; i++) {
		const struct interval old = effect_of(c[i].old), new = effect_of(c[i].new);
		enum change change = !c[i].old ? CHANGE_NEW : !c[i].new ? CHANGE_GONE : moved(&old, &new);

		put_couple(t, &c[i], change);
		count_couple(t, &c[i], change);
	}
	json_close(t->j, ']');
}

/* ---- latents ---- */

/* One run's latents that results.json tells of, by number. */
struct listed {
	const struct json **card; /* (n); NULL: it is not told of */
	size_t n;
};

static void list_cards(struct listed *l, const struct json *array)
{
	for (const struct json *c = array && array->kind == JSON_ARRAY ? array->first : NULL; c;
	     c = c->next) {
		const struct json *id = json_find(c, "latent");

		if (id && id->kind == JSON_INTEGER && id->integer >= 0 && (uint64_t)id->integer < l->n &&
		    !l->card[id->integer])
			l->card[id->integer] = c;
	}
}

static struct listed listed_of(struct arena *mem, const struct json *results, size_t n)
{
	static const char *const columns[] = { "candidate_only", "shared", "base_only" };
	const struct json *latents = json_find(results, "latents");
	struct listed l = { .card = ARENA_ARRAY(mem, n + 1, const struct json *), .n = n };

	/* cards first: they have intervals */
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		list_cards(&l, json_find(json_find(latents, "columns"), columns[i]));
	list_cards(&l, json_find(latents, "exclusive"));
	return l;
}

static bool is_candidate(const struct json *card)
{
	const struct json *status = json_find(card, "status");

	return status && (view_is(status->str, "candidate") || view_is(status->str, "confirmed"));
}

static struct interval relevance_of(const struct json *card)
{
	const struct json *at = json_find(card, "relevance"), *lo = json_find(card, "relevance_lo"),
			  *hi = json_find(card, "relevance_hi");
	const struct metric *m = metric_find(VIEW("latents.exclusive[].relevance"));
	double width;

	if (json_is_null(at))
		return (struct interval){ .known = false };
	if (!json_is_null(lo) && !json_is_null(hi))
		return (struct interval){ true, at->real, lo->real, hi->real };
	/* without an interval of its own: what another arithmetic may move it by, both ways */
	width = (m->absolute + m->relative * size_of(at->real)) / 2;
	return (struct interval){ true, at->real, at->real - width, at->real + width };
}

struct fate {
	enum change change;
	const struct json *old, *new;
	struct interval before, after;
	double size; /* of the larger relevance */
};

static int by_size(const void *a, const void *b, void *ud)
{
	const struct fate *x = a, *y = b;

	(void)ud;
	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	return (x->size < y->size) - (x->size > y->size);
}

static struct fate fate_of(const struct json *old, const struct json *new, bool matched)
{
	struct fate f = { .old = old, .new = new, .before = relevance_of(old), .after = relevance_of(new) };

	f.change = matched ? moved(&f.before, &f.after) : new ? CHANGE_NEW : CHANGE_GONE;
	f.size = size_of(f.after.at) > size_of(f.before.at) ? size_of(f.after.at) : size_of(f.before.at);
	return f;
}

/* What became of every latent that is a candidate in one of the runs. */
static size_t fates_make(struct fate **out, const struct parts *t)
{
	const struct overlap *o = t->overlap;
	size_t n_old = o->active[0].n_latents, n_new = o->active[1].n_latents, n = 0;
	struct listed old = listed_of(t->mem, t->old->results, n_old),
		      new = listed_of(t->mem, t->new->results, n_new);
	struct fate *f = ARENA_ARRAY(t->mem, n_old + n_new + 1, struct fate);
	bool *taken = ARENA_ARRAY(t->mem, n_new + 1, bool);

	for (size_t i = 0; i < n_old; i++) {
		uint32_t k = o->match[i].latent;
		const struct json *to = k != MATCH_NONE ? new.card[k] : NULL;

		if (k != MATCH_NONE)
			taken[k] = true;
		if (is_candidate(old.card[i]) || is_candidate(to))
			f[n++] = fate_of(old.card[i], to, k != MATCH_NONE);
	}
	for (size_t k = 0; k < n_new; k++)
		if (!taken[k] && is_candidate(new.card[k]))
			f[n++] = fate_of(NULL, new.card[k], false);
	sort_stable(f, n, sizeof(*f), by_size, NULL);
	*out = f;
	return n;
}

static void put_fate(struct parts *t, const struct fate *f)
{
	const struct json *shown = f->new ? f->new : f->old;

	json_open(t->j, NULL, '{');
	json_puts(t->j, "change", change_name(f->change));
	json_put(t->j, "partition", json_find(shown, "partition"));
	json_put(t->j, "label", json_find(shown, "label"));
	json_put(t->j, "old", json_find(f->old, "latent"));
	json_put(t->j, "new", json_find(f->new, "latent"));
	put_interval(t->j, "relevance_old", &f->before);
	put_interval(t->j, "relevance_new", &f->after);
	json_close(t->j, '}');
}

void changes_put_latents(struct parts *t)
{
	size_t n = 0, listed[CHANGE_COUNT] = { 0 };
	struct fate *f = NULL;

	json_open(t->j, "features", '{');
	json_put_bool(t->j, "compared", t->overlap != NULL);
	json_puts(t->j, "why", t->overlap ? NULL : t->why);
	if (t->overlap) {
		json_put_size(t->j, "rows", t->overlap->n_rows);
		n = fates_make(&f, t);
	} else {
		json_put_null(t->j, "rows");
	}
	json_open(t->j, "list", '[');
	for (size_t i = 0; i < n; i++) {
		t->latents[f[i].change]++;
		if (f[i].change != CHANGE_NONE && listed[f[i].change]++ < LISTED)
			put_fate(t, &f[i]);
	}
	json_close(t->j, ']');
	json_close(t->j, '}');
}
