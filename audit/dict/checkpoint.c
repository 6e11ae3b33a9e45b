#include "dict/blob.h"
#include "dict/trainer.h"

#include <string.h>

/*
 * The checkpoint file is that of blob.h, named "DFCCKPT4": the head below, then the parameters (float), Adam's
 * first and second moments (float or bf16, n_params each) and the idle counters (u64, n_latents).
 */

static const char file_name[] = "DFCCKPT4";

/* What a run is; a checkpoint of another is refused. */
struct identity {
	uint64_t d_a, d_b, n_a, n_shared, n_b;
	uint64_t n_rows, batch, warmup, k, k_start, k_anneal, aux_k, dead_after, threshold_from, seed, score,
		reseed_until, fold_until, exchange_every, state;
	double lr, beta1, beta2, adam_eps, grad_clip, aux_weight, outlier, threshold_decay, init_norm, enrich,
		promote, demote, fold;
};

struct ckpt_head {
	struct identity of;
	uint64_t at, averaged;
	struct train_moves moves;
	double threshold;
	float smallest, dict_threshold, scale_a, scale_b;
};
_Static_assert(sizeof(struct ckpt_head) == 33 * 8 + 56 + 16, "no padding in the file");

static const struct {
	const char *name;
	size_t offset;
	bool real;
} field[] = {
#define WHOLE(f)                                        \
	{                                               \
#f, offsetof(struct identity, f), false \
	}
#define REAL(f)                                        \
	{                                              \
#f, offsetof(struct identity, f), true \
	}
	WHOLE(d_a),
	WHOLE(d_b),
	WHOLE(n_a),
	WHOLE(n_shared),
	WHOLE(n_b),
	WHOLE(n_rows),
	WHOLE(batch),
	WHOLE(warmup),
	WHOLE(k),
	WHOLE(k_start),
	WHOLE(k_anneal),
	WHOLE(aux_k),
	WHOLE(dead_after),
	WHOLE(threshold_from),
	WHOLE(seed),
	WHOLE(score),
	WHOLE(reseed_until),
	WHOLE(fold_until),
	WHOLE(exchange_every),
	WHOLE(state),
	REAL(lr),
	REAL(beta1),
	REAL(beta2),
	REAL(adam_eps),
	REAL(grad_clip),
	REAL(aux_weight),
	REAL(outlier),
	REAL(threshold_decay),
	REAL(init_norm),
	REAL(enrich),
	REAL(promote),
	REAL(demote),
	REAL(fold),
#undef WHOLE
#undef REAL
};
_Static_assert(sizeof(field) / sizeof(*field) * 8 == sizeof(struct identity), "every field has a name");

static struct identity identity_of(const struct trainer *t)
{
	const struct dfc_shape *s = &t->dict.shape;
	const struct train_opts *o = &t->opts;

	return (struct identity){
		.d_a = s->d_a,
		.d_b = s->d_b,
		.n_a = s->n_a,
		.n_shared = s->n_shared,
		.n_b = s->n_b,
		.n_rows = t->data.n_rows,
		.batch = o->batch,
		.warmup = o->warmup,
		.k = o->k,
		.k_start = o->k_start,
		.k_anneal = o->k_anneal,
		.aux_k = o->aux_k,
		.dead_after = o->dead_after,
		.threshold_from = o->threshold_from,
		.seed = o->seed,
		.score = o->score,
		.lr = o->lr,
		.beta1 = o->beta1,
		.beta2 = o->beta2,
		.adam_eps = o->adam_eps,
		.grad_clip = o->grad_clip,
		.aux_weight = o->aux_weight,
		.outlier = o->outlier,
		.threshold_decay = o->threshold_decay,
		.init_norm = o->init_norm,
		.enrich = o->enrich,
		.promote = o->promote,
		.demote = o->demote,
		.fold = o->fold,
		.reseed_until = trainer_reseed_until(t),
		.fold_until = trainer_fold_until(t),
		.exchange_every = o->exchange_every,
		.state = o->state,
	};
}

static int compare(const struct identity *have, const struct identity *want, const char *path, struct err *e)
{
	for (size_t i = 0; i < sizeof(field) / sizeof(*field); i++) {
		uint64_t a, b;
		double x, y;

		memcpy(&a, (const char *)have + field[i].offset, sizeof(a));
		memcpy(&b, (const char *)want + field[i].offset, sizeof(b));
		if (a == b)
			continue;
		memcpy(&x, &a, sizeof(x));
		memcpy(&y, &b, sizeof(y));
		if (field[i].real)
			return err_set(e, ERR_INPUT, "%s: a checkpoint with %s %g, this training has %g",
				       path, field[i].name, x, y);
		return err_set(e, ERR_INPUT, "%s: a checkpoint with %s %llu, this training has %llu", path,
			       field[i].name, (unsigned long long)a, (unsigned long long)b);
	}
	return 0;
}

int trainer_save(const struct trainer *t, const char *path, struct err *e)
{
	size_t bytes = t->dict.n_params * sizeof(float);
	struct ckpt_head h = {
		.of = identity_of(t),
		.at = t->at,
		.averaged = t->averaged,
		.moves = t->moves,
		.threshold = t->threshold,
		.smallest = t->smallest,
		.dict_threshold = t->dict.threshold,
		.scale_a = t->dict.scale_a,
		.scale_b = t->dict.scale_b,
	};
	struct blob_part part[] = {
		{ &h, sizeof(h) },
		{ t->dict.memory, bytes },
		{ t->state.memory, adam_state_bytes(t->state.n, t->state.format) },
		{ t->idle, dfc_latents(&t->dict.shape) * sizeof(*t->idle) },
	};

	return blob_write(path, file_name, part, sizeof(part) / sizeof(*part), e);
}

static int check_head(const struct ckpt_head *h, const char *path, struct err *e)
{
	const double value[] = { h->threshold, (double)h->smallest, (double)h->dict_threshold,
				 (double)h->scale_a, (double)h->scale_b };

	for (size_t i = 0; i < sizeof(value) / sizeof(*value); i++)
		if (!__builtin_isfinite(value[i]) || value[i] < 0.0)
			return err_set(e, ERR_INPUT, "%s: holds %g where a number not below 0 would be right",
				       path, value[i]);
	if (h->averaged > 1 || h->scale_a == 0.0f || h->scale_b == 0.0f)
		return err_set(e, ERR_INPUT, "%s: has a head no training writes", path);
	return 0;
}

static bool all_finite(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!__builtin_isfinite(x[i]))
			return false;
	return true;
}

/* The file's numbers are checked where they stand, so that a bad file leaves the trainer as it was. */
static int take(struct trainer *t, struct blob *b, const struct ckpt_head *h, struct err *e)
{
	size_t n = t->dict.n_params, latents = dfc_latents(&t->dict.shape);
	size_t moments = adam_state_bytes(n, t->state.format);
	const float *number = (const float *)(const void *)(b->map.p + b->at);

	if (blob_expect(b, n * sizeof(float) + moments + latents * sizeof(*t->idle), e) < 0)
		return -1;
	if (!all_finite(number, n) || !adam_state_valid(&t->state, number + n))
		return err_set(e, ERR_INPUT,
			       "%s: holds a parameter that is not finite or a second moment below 0",
			       b->path);
	blob_take(b, t->dict.memory, n * sizeof(float));
	blob_take(b, t->state.memory, moments);
	blob_take(b, t->idle, latents * sizeof(*t->idle));
	memset(t->moved, 1, latents * sizeof(*t->moved));
	t->at = (size_t)h->at;
	t->averaged = h->averaged == 1;
	t->moves = h->moves;
	t->threshold = h->threshold;
	t->smallest = h->smallest;
	t->dict.threshold = h->dict_threshold;
	t->dict.scale_a = h->scale_a;
	t->dict.scale_b = h->scale_b;
	encoder_weigh(&t->encoder, t->par);
	return 0;
}

int trainer_load(struct trainer *t, const char *path, struct err *e)
{
	struct identity want = identity_of(t);
	struct ckpt_head h;
	struct blob b;
	int rc = -1;

	if (blob_open(&b, path, file_name, sizeof(h), e) < 0)
		return -1;
	memcpy(&h, b.head, sizeof(h));
	if (compare(&h.of, &want, path, e) == 0 && check_head(&h, path, e) == 0)
		rc = take(t, &b, &h, e);
	blob_close(&b);
	return rc;
}
