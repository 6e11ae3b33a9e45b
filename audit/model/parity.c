#include "model/parity.h"

#include "base/str.h"
#include "model/safetensors.h"
#include "model/session.h"

#include <string.h>

#ifdef TEST_TINY
enum { FEED_ROWS = 7 };
#else
enum { FEED_ROWS = 256 };
#endif

/* One case while it runs. */
struct trial {
	const char *name;
	size_t name_n;
	const struct safetensors *reference;
	const struct arch *arch;
	struct session *session;
	struct arena *mem;
	int32_t *id;		   /* (n) */
	size_t n, rows, done;	   /* rows of a feed; of the feeds before this one */
	float *want;		   /* (rows, width) */
	struct parity_row **resid; /* (n_layers) or NULL each */
	const struct stored **stored;
	struct parity_row *logits;
	const struct stored *stored_logits;
	bool broken; /* a value of ours is not finite */
};

struct resid_tap {
	struct trial *trial;
	size_t layer;
};

static bool finite_d(double x)
{
	return x - x == 0;
}

/* Rows of the reference against ours. */
static void compare(struct trial *t, struct parity_row *r, const struct stored *stored, const float *got,
		    size_t n)
{
	struct tensor tensor = {
		.dtype = stored->dtype, .rows = r->n, .cols = r->width, .data = stored->data
	};

	dtype_widen(t->want, &tensor, t->done * r->width, n * r->width);
	for (size_t i = 0; i < n * r->width; i++) {
		double d = (double)got[i] - (double)t->want[i];

		if (!finite_d(d))
			t->broken = true;
		d = d < 0 ? -d : d;
		if (d > r->worst)
			r->worst = d;
	}
}

static void tap_resid(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	struct resid_tap *tap = ud;

	(void)d_model;
	compare(tap->trial, tap->trial->resid[tap->layer], tap->trial->stored[tap->layer], x, rows->n);
}

/* Largest minus smallest; refuses what is not finite. */
static int range_read(double *out, struct arena *mem, const struct stored *t, struct err *e)
{
	enum { CHUNK = 4096 };
	struct tensor tensor = { .dtype = t->dtype, .rows = 1, .cols = t->n, .data = t->data };
	float *x = ARENA_ARRAY(mem, CHUNK, float), lo = 0, hi = 0;

	for (size_t i = 0; i < t->n; i += CHUNK) {
		size_t n = t->n - i < CHUNK ? t->n - i : CHUNK;

		dtype_widen(x, &tensor, i, n);
		for (size_t j = 0; j < n; j++) {
			if (!finite_d((double)x[j]))
				return err_set(e, ERR_INPUT, "%s holds a value that is not finite", t->name);
			lo = x[j] < lo || i + j == 0 ? x[j] : lo;
			hi = x[j] > hi || i + j == 0 ? x[j] : hi;
		}
	}
	*out = (double)hi - (double)lo;
	return 0;
}

static int row_open(struct parity_row *r, struct trial *t, const struct stored *stored, size_t width,
		    struct err *e)
{
	if (!dtype_is_float(stored->dtype) || stored->rank != 2 || stored->shape[0] != t->n ||
	    stored->shape[1] != width)
		return err_set(e, ERR_INPUT, "%s has to be floats of shape [%zu, %zu]", stored->name, t->n,
			       width);
	*r = (struct parity_row){ .tensor = arena_strdup(t->mem, stored->name, strlen(stored->name)),
				  .n = t->n,
				  .width = width };
	return range_read(&r->range, t->mem, stored, e);
}

/* A token id stored as whole number or as float; -1 where it is neither. */
static int64_t id_of(const struct stored *ids, size_t i)
{
	struct tensor t = { .dtype = ids->dtype, .rows = 1, .cols = ids->n, .data = ids->data };
	float x;

	if (ids->dtype == DT_I32)
		return ((const int32_t *)ids->data)[i];
	if (ids->dtype == DT_I64)
		return ((const int64_t *)ids->data)[i];
	dtype_widen(&x, &t, i, 1);
	return x >= 0 && x < 0x1p24f && (float)(int32_t)x == x ? (int64_t)x : -1;
}

static int ids_read(struct trial *t, const struct stored *ids, struct err *e)
{
	bool known = ids->dtype == DT_I32 || ids->dtype == DT_I64 || dtype_is_float(ids->dtype);

	if (ids->rank != 1 || !ids->n || !known)
		return err_set(e, ERR_INPUT, "%s has to be a list of I32, I64 or F32 with at least one token",
			       ids->name);
	t->n = ids->n;
	t->id = ARENA_ARRAY(t->mem, t->n, int32_t);
	for (size_t i = 0; i < t->n; i++) {
		int64_t id = id_of(ids, i);

		if (id < 0 || (uint64_t)id >= t->arch->n_vocab)
			return err_set(e, ERR_INPUT,
				       "%s: token %zu is no id of the model's vocabulary of %zu", ids->name,
				       i, t->arch->n_vocab);
		t->id[i] = (int32_t)id;
	}
	return 0;
}

/* One tensor of the case: "logits", "resid.L". */
static int part_open(struct parity *out, struct trial *t, const struct stored *stored, struct err *e)
{
	struct view what = view_of(stored->name + t->name_n + 1);
	struct parity_row *r = &out->row[out->n];
	uint64_t layer;

	if (view_is(what, "ids"))
		return 0;
	if (view_is(what, "logits")) {
		t->logits = r;
		t->stored_logits = stored;
		out->n++;
		return row_open(r, t, stored, t->arch->n_vocab, e);
	}
	if (!view_starts(what, "resid.") || !view_u64(&layer, (struct view){ what.p + 6, what.n - 6 }))
		return err_set(e, ERR_INPUT, "%s is neither ids, logits nor resid.LAYER of a case",
			       stored->name);
	if (layer >= t->arch->n_layers)
		return err_set(e, ERR_INPUT, "%s: the model has blocks 0 to %zu", stored->name,
			       t->arch->n_layers - 1);
	t->resid[layer] = r;
	t->stored[layer] = stored;
	out->n++;
	return row_open(r, t, stored, t->arch->d_model, e);
}

static int feed_all(struct trial *t, const struct taps *taps, struct err *e)
{
	uint32_t *seq = ARENA_ARRAY(t->mem, t->rows, uint32_t), *row = ARENA_ARRAY(t->mem, t->rows, uint32_t);
	float *logits = t->logits ? ARENA_ARRAY(t->mem, t->rows * t->arch->n_vocab, float) : NULL;

	for (size_t i = 0; i < t->rows; i++)
		row[i] = (uint32_t)i;
	for (t->done = 0; t->done < t->n; t->done += t->rows) {
		size_t n = t->n - t->done < t->rows ? t->n - t->done : t->rows;

		if (session_feed(t->session, t->id + t->done, seq, n, SIZE_MAX, *taps, e) < 0)
			return -1;
		if (logits) {
			session_logits(t->session, logits, row, n);
			compare(t, t->logits, t->stored_logits, logits, n);
		}
	}
	return t->broken ? err_set(e, ERR_INPUT, "case %.*s: the model gives values that are not finite",
				   (int)t->name_n, t->name)
			 : 0;
}

/* The case whose ids are at `at` in the reference. */
static int trial_run(struct parity *out, struct trial *t, const struct model *m, struct par *p, size_t at,
		     struct err *e)
{
	size_t layers = t->arch->n_layers,
	       wide = t->arch->d_model > t->arch->n_vocab ? t->arch->d_model : t->arch->n_vocab;
	const struct stored *ids = safetensors_nth(t->reference, at);
	struct resid_tap *ud = ARENA_ARRAY(t->mem, layers, struct resid_tap);
	struct tap *tap = ARENA_ARRAY(t->mem, layers, struct tap);
	struct taps taps = { tap, 0 };
	int ret;

	t->name = ids->name;
	t->name_n = strlen(ids->name) - strlen(".ids");
	t->resid = ARENA_ARRAY(t->mem, layers, struct parity_row *);
	t->stored = ARENA_ARRAY(t->mem, layers, const struct stored *);
	if (ids_read(t, ids, e) < 0)
		return -1;
	t->rows = t->n < FEED_ROWS || (t->arch->rope_far && t->n > t->arch->rope_far) ? t->n : FEED_ROWS;
	t->want = arena_alloc(t->mem, t->rows * wide, sizeof(*t->want));
	for (size_t i = 0; i < safetensors_count(t->reference); i++) {
		const struct stored *s = safetensors_nth(t->reference, i);

		if (!strncmp(s->name, t->name, t->name_n + 1) && part_open(out, t, s, e) < 0)
			return -1;
	}
	for (size_t l = 0; l < layers; l++) {
		ud[l] = (struct resid_tap){ t, l };
		if (t->resid[l])
			tap[taps.n++] = (struct tap){ l, tap_resid, &ud[l] };
	}
	if (!taps.n && !t->logits)
		return err_set(e, ERR_INPUT, "case %.*s has neither logits nor resid", (int)t->name_n,
			       t->name);
	if (session_new(&t->session, m, p, &(struct session_opts){ 1, t->n, t->rows }, e) < 0)
		return -1;
	ret = feed_all(t, &taps, e);
	session_free(t->session);
	return ret;
}

static int cases_run(struct parity *out, const struct safetensors *reference, struct arena *mem,
		     const struct model *m, struct par *p, struct err *e)
{
	size_t n = safetensors_count(reference), cases = 0;

	out->row = ARENA_ARRAY(mem, n, struct parity_row);
	for (size_t i = 0; i < n; i++) {
		struct trial t = { .reference = reference, .arch = model_arch(m), .mem = mem };

		if (!view_ends(view_of(safetensors_nth(reference, i)->name), ".ids"))
			continue;
		cases++;
		if (trial_run(out, &t, m, p, i, e) < 0)
			return -1;
	}
	if (!cases)
		return err_set(e, ERR_INPUT, "no tensor named CASE.ids, with the tokens of a case");
	if (out->n + cases != n)
		return err_set(e, ERR_INPUT, "%zu of its tensors belong to no case that has ids",
			       n - out->n - cases);
	return 0;
}

int parity_read(struct parity *out, struct arena *mem, const struct model *m, struct par *p,
		const char *reference, struct err *e)
{
	struct safetensors *s;
	int ret;

	*out = (struct parity){ .n = 0 };
	if (safetensors_open(&s, reference, e) < 0)
		return -1;
	ret = cases_run(out, s, mem, m, p, e);
	safetensors_close(s);
	if (ret < 0)
		return err_wrap(e, "%s: ", reference);
	for (size_t i = 0; i < out->n; i++) {
		struct parity_row *r = &out->row[i];

		r->relative = r->range > 0 ? r->worst / r->range : r->worst;
		if (r->relative > out->worst_relative)
			out->worst_relative = r->relative;
	}
	return 0;
}
