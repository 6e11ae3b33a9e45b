#include "dict/train.h"

#include "dict/exchange.h"
#include "dict/span.h"
#include "dict/trainer.h"

#include <string.h>

enum { ADAM_UNIT = 16 };

struct train_opts train_defaults(void)
{
	return (struct train_opts){
		.beta1 = 0.9,
		.beta2 = 0.999,
		.adam_eps = 1e-8,
		.grad_clip = 1.0,
		.aux_weight = 0.03,
		.outlier = 2.0,
		.threshold_decay = 0.999,
		.init_norm = 0.4,
		.score = SCORE_BALANCED,
	};
}

/* ---- making one ---- */

static size_t largest_k(const struct train_opts *o)
{
	return o->k > o->k_start && o->k_anneal > 0 ? o->k : o->k_anneal > 0 ? o->k_start : o->k;
}

static void carve(struct trainer *t, struct carve *room, const struct dfc_shape *s,
		  const struct train_opts *o)
{
	size_t n = dfc_latents(s), kept, aux_k = o->aux_k ? o->aux_k : (s->d_a + s->d_b) / 4;

	if (__builtin_mul_overflow(o->batch, size_min(largest_k(o), n), &kept))
		kept = SIZE_MAX;
	t->idle = carve_take(room, n, sizeof(*t->idle));
	t->moved = carve_take(room, n, sizeof(*t->moved));
	t->grad.norm2 = carve_take(room, n, sizeof(*t->grad.norm2));
	batch_carve(&t->batch, room, s, o->batch);
	encoder_carve(&t->encoder, room, s, o->batch);
	t->kept.start = carve_take(room, o->batch + 1, sizeof(*t->kept.start));
	t->kept.latent = carve_take(room, kept, sizeof(*t->kept.latent));
	t->kept.value = carve_take(room, kept, sizeof(*t->kept.value));
	by_latent_carve(&t->by_latent, room, n, kept);
	t->ea = carve_take(room, o->batch, s->d_a * sizeof(*t->ea));
	t->eb = carve_take(room, o->batch, s->d_b * sizeof(*t->eb));
	moments_carve(&t->residual, room, s, o->batch);
	if (o->demote > 0.0 || o->reseed > 0.0 || o->fold > 0.0)
		look_carve(&t->look, room, s);
	if (o->fold > 0.0)
		fold_carve(&t->fold, room, n, o->batch * (LOOK_BATCHES / 2),
			   kept > SIZE_MAX / LOOK_BATCHES ? SIZE_MAX : kept * (LOOK_BATCHES / 2));
	aux_carve(&t->aux, room, s, o->batch, o->aux_weight > 0.0 && o->dead_after > 0 ? aux_k : 0);
}

size_t trainer_bytes(const struct dfc_shape *s, const struct train_opts *o)
{
	struct carve room = CARVE_COUNT;
	struct trainer t;
	struct err e = ERR_INIT;
	size_t n_params, each;

	if (dfc_check_shape(s, &n_params, &e) < 0)
		return SIZE_MAX;
	carve(&t, &room, s, o);
	/* parameters, gradients and moments */
	each = 2 * sizeof(float) + adam_state_bytes(1, o->state);
	return room.bytes > SIZE_MAX - n_params * each ? SIZE_MAX : room.bytes + n_params * each;
}

/* Values that must lie in [least, most]. */
struct bound {
	const char *name;
	double value, least, most;
};

static int check_opts(const struct train_opts *o, const struct train_data *data, struct err *e)
{
	const double any = 1e300;
	const struct bound bound[] = {
		{ "batch", (double)o->batch, 1, 1 << 18 },
		{ "k", (double)o->k, 1, INT32_MAX },
		{ "k_start", (double)o->k_start, o->k_anneal > 0, INT32_MAX },
		{ "rows", (double)data->n_rows, 1, UINT32_MAX },
		{ "lr", o->lr, 0, any },
		{ "beta1", o->beta1, 0, 1.0 - 1e-12 },
		{ "beta2", o->beta2, 0, 1.0 - 1e-12 },
		{ "adam_eps", o->adam_eps, 1e-30, any },
		{ "grad_clip", o->grad_clip, 0, any },
		{ "aux_weight", o->aux_weight, 0, any },
		{ "outlier", o->outlier, 0, 1e30 },
		{ "threshold_decay", o->threshold_decay, 0, 1 },
		{ "init_norm", o->init_norm, 1e-6, 1e6 },
		{ "enrich", o->enrich, 0, 1 },
		{ "promote", o->promote, 0, 1 },
		{ "demote", o->demote, 0, 1 },
		{ "reseed", o->reseed, 0, 1 },
		{ "fold", o->fold, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(bound) / sizeof(*bound); i++)
		if (!(bound[i].value >= bound[i].least && bound[i].value <= bound[i].most))
			return err_set(e, ERR_USAGE, "%s %g: must be between %g and %g", bound[i].name,
				       bound[i].value, bound[i].least, bound[i].most);
	return 0;
}

static int reserve(struct trainer *t, const struct dfc_shape *s, struct err *e)
{
	struct carve room = CARVE_COUNT;

	if (t->opts.batch * size_min(largest_k(&t->opts), dfc_latents(s)) > UINT32_MAX)
		return err_set(e, ERR_SIZE, "batch %zu with %zu latents a row: more than 4 billion in all",
			       t->opts.batch, size_min(largest_k(&t->opts), dfc_latents(s)));
	if (dfc_new(&t->dict, s, e) < 0 ||
	    adam_state_new(&t->state, t->dict.n_params, t->opts.state, e) < 0 ||
	    dfc_new(&t->grad.of, s, e) < 0)
		return -1;
	carve(t, &room, s, &t->opts);
	if (carve_reserve(&room, &t->block, "training workspace", e) < 0)
		return -1;
	carve(t, &room, s, &t->opts);
	t->encoder.dict = &t->dict;
	return 0;
}

int trainer_new(struct trainer **out, const struct dfc_shape *s, const struct train_opts *o,
		const struct train_data *data, struct par *p, struct err *e)
{
	struct trainer *t;

	*out = NULL;
	if (check_opts(o, data, e) < 0)
		return -1;
	t = mem_alloc(1, sizeof(*t));
	t->opts = *o;
	t->data = *data;
	t->par = p;
	t->slack = 0.85;
	if (reserve(t, s, e) < 0 || sampler_new(&t->sampler, data, e) < 0 || trainer_init(t, e) < 0) {
		trainer_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void trainer_free(struct trainer *t)
{
	if (!t)
		return;
	dfc_release(&t->dict);
	adam_state_release(&t->state);
	dfc_release(&t->grad.of);
	sampler_release(&t->sampler);
	mem_free(t->block);
	mem_free(t);
}

size_t trainer_at(const struct trainer *t)
{
	return t->at;
}

struct train_moves trainer_moves(const struct trainer *t)
{
	return t->moves;
}

const struct dfc *trainer_dict(const struct trainer *t)
{
	return &t->dict;
}

/* ---- its latents ---- */

static float *rows_of(float *of_a, float *of_b, const struct dfc_shape *s, size_t i, bool model_b)
{
	return model_b ? of_b + (i - s->n_a) * s->d_b : of_a + i * s->d_a;
}

float *trainer_encoder_row(const struct trainer *t, size_t i, bool model_b)
{
	return rows_of(t->dict.enc_a, t->dict.enc_b, &t->dict.shape, i, model_b);
}

float *trainer_decoder_row(const struct trainer *t, size_t i, bool model_b)
{
	return rows_of(t->dict.dec_a, t->dict.dec_b, &t->dict.shape, i, model_b);
}

void trainer_forget_moments(struct trainer *t, const float *p, size_t n)
{
	adam_state_clear(&t->state, (size_t)(p - t->dict.memory), n);
}

void trainer_silence(struct trainer *t, float *p, size_t n)
{
	memset(p, 0, n * sizeof(*p));
	trainer_forget_moments(t, p, n);
}

/* ---- a step ---- */

/* Linear from k_start to k. */
static size_t k_at(const struct train_opts *o, size_t step)
{
	double from = (double)o->k_start, to = (double)o->k;

	if (step >= o->k_anneal)
		return o->k;
	return (size_t)(from + (to - from) * (double)step / (double)o->k_anneal + 0.5);
}

static double lr_at(const struct train_opts *o, size_t step)
{
	return step + 1 < o->warmup ? o->lr * (double)(step + 1) / (double)o->warmup : o->lr;
}

/* How near to the last step's smallest kept score the bound of the next may be. Too low a bound takes time
 * to sort out what passes, too high a one a second encode; neither changes what is kept. */
static void tune_slack(struct trainer *t, const struct cut *cut, size_t want)
{
	const double most = 0.97, least = 0.5;
	double share = (double)cut->found / (double)want;

	t->slack += share > 1.3 ? 0.02 : share < 1.15 ? -0.03 : 0.0;
	t->slack = t->slack > most ? most : t->slack < least ? least : t->slack;
}

/* Keeps the k * n best of the batch.  What the last step's smallest kept score promises is tried first. */
static void choose(struct trainer *t, size_t want)
{
	struct encoder *c = &t->encoder;
	struct batch *b = &t->batch;
	struct cut cut;

	encoder_run(c, t->par, b->xa, b->xb, b->n, t->smallest * (float)t->slack);
	cut = encoder_cut(c, t->par, want);
	tune_slack(t, &cut, want);
	if (cut.found < want && c->bound > 0.0f) {
		encoder_run(c, t->par, b->xa, b->xb, b->n, 0.0f);
		cut = encoder_cut(c, t->par, want);
	}
	encoder_take(c, t->par, &cut, &t->kept);
	t->smallest = encoder_smallest(c, &cut, &t->kept);
	by_latent_make(&t->by_latent, t->par, &t->kept);
}

void trainer_reconstruct(struct trainer *t)
{
	struct residual r = { t->ea, t->eb, t->batch.xa, t->batch.xb, true };

	choose(t, size_min(k_at(&t->opts, t->at), dfc_latents(&t->dict.shape)) * t->batch.n);
	decode_residual(&t->dict, t->par, &r, &t->kept, &t->by_latent, &t->residual);
}

/* Counts idle rows; the dead are listed for the auxiliary loss. */
static void note_dead(struct trainer *t)
{
	const size_t *start = t->by_latent.start;
	size_t n = dfc_latents(&t->dict.shape);

	t->aux.n_dead = 0;
	for (size_t i = 0; i < n; i++) {
		t->idle[i] = start[i + 1] > start[i] ? 0 : t->idle[i] + t->batch.n;
		if (trainer_is_dead(t, i))
			t->aux.dead[t->aux.n_dead++] = (uint32_t)i;
	}
}

/* Parameters that belong to one latent take its step together; their decoder norms are then new. */
struct update {
	struct trainer *t;
	struct adam adam;
};

static void update_part(const struct update *u, float *p, const float *g, size_t n)
{
	struct trainer *t = u->t;

	adam_state_step(&t->state, &u->adam, p, (size_t)(p - t->dict.memory), g, n);
}

static void update_latent(const struct update *u, size_t i)
{
	struct trainer *t = u->t;
	struct dfc *d = &t->dict, *g = &t->grad.of;
	bool on = grad_touches(&t->grad, i);
	size_t a = i * d->shape.d_a, b = (i - d->shape.n_a) * d->shape.d_b;

	if (!on && !t->moved[i])
		return;
	t->moved[i] = 1;
	update_part(u, d->bias_enc + i, on ? g->bias_enc + i : NULL, 1);
	if (dfc_decoder_a(d, i)) {
		update_part(u, d->enc_a + a, on ? g->enc_a + a : NULL, d->shape.d_a);
		update_part(u, d->dec_a + a, on ? g->dec_a + a : NULL, d->shape.d_a);
	}
	if (dfc_decoder_b(d, i)) {
		update_part(u, d->enc_b + b, on ? g->enc_b + b : NULL, d->shape.d_b);
		update_part(u, d->dec_b + b, on ? g->dec_b + b : NULL, d->shape.d_b);
	}
	t->encoder.weight[i] = dfc_score_weight(d, i);
}

static void update_unit(void *ud, size_t unit, void *scratch)
{
	const struct update *u = ud;
	struct span s = span_of(unit, ADAM_UNIT, dfc_latents(&u->t->dict.shape));

	(void)scratch;
	for (size_t i = s.first; i < s.end; i++)
		update_latent(u, i);
}

static void update(struct trainer *t)
{
	const struct train_opts *o = &t->opts;
	struct adam_opts a = { lr_at(o, t->at), o->beta1, o->beta2, o->adam_eps };
	double clip = o->grad_clip > 0.0 ? o->grad_clip / (t->grad.norm + 1e-6) : 1.0;
	struct update u = { t, adam_at(&a, t->at + 1, clip < 1.0 ? clip : 1.0, o->seed) };

	par_run(t->par, span_count(dfc_latents(&t->dict.shape), ADAM_UNIT), update_unit, &u);
	update_part(&u, t->dict.bias_a, t->grad.of.bias_a, t->dict.shape.d_a);
	update_part(&u, t->dict.bias_b, t->grad.of.bias_b, t->dict.shape.d_b);
}

static void note_threshold(struct trainer *t)
{
	double s = (double)t->smallest, decay = t->opts.threshold_decay;

	if (t->at >= t->opts.threshold_from) {
		t->threshold = t->averaged ? decay * t->threshold + (1.0 - decay) * s : s;
		t->averaged = true;
	}
	t->dict.threshold = t->averaged ? (float)t->threshold : t->smallest;
}

static double fve(double residual, double about)
{
	return about > 0.0 ? 1.0 - residual / about : 0.0;
}

static void count_partitions(const struct trainer *t, struct train_stats *s)
{
	const struct dfc_shape *shape = &t->dict.shape;
	size_t n = dfc_latents(shape), size;

	for (size_t i = 0; i < n; i++) {
		enum partition p = dfc_partition(shape, i);

		s->l0[p] += (double)(t->by_latent.start[i + 1] - t->by_latent.start[i]);
		s->dead[p] += trainer_is_dead(t, i);
	}
	for (int p = 0; p < PARTITIONS; p++) {
		size = dfc_partition_size(shape, (enum partition)p);
		s->l0[p] /= (double)t->batch.n;
		s->dead[p] = size > 0 ? s->dead[p] / (double)size : 0.0;
	}
}

/* The loss and everything it is made of; the dead are listed. */
static void run_forward(struct trainer *t, struct train_stats *s)
{
	const struct moments *x = &t->batch.moments, *e = &t->residual;
	double n = (double)t->batch.n;

	s->k = (double)k_at(&t->opts, t->at);
	s->n_kept_rows = t->batch.n;
	trainer_reconstruct(t);
	note_dead(t);
	aux_run(&t->aux, &t->encoder, t->par, t->ea, t->eb, e);
	s->loss_a = e->sum_a / n;
	s->loss_b = e->sum_b / n;
	s->loss_aux = t->aux.loss;
	s->loss = s->loss_a + s->loss_b + t->opts.aux_weight * s->loss_aux;
	s->fve_a = fve(e->sum_a, x->about_a);
	s->fve_b = fve(e->sum_b, x->about_b);
}

static void run_backward(struct trainer *t)
{
	struct lesson main = { t->ea, t->eb, &t->by_latent, 2.0 / (double)t->batch.n };
	struct lesson aux = { t->aux.ra, t->aux.rb, &t->aux.by_latent, t->opts.aux_weight * t->aux.coef };

	grad_run(&t->grad, &t->dict, t->par, t->batch.xa, t->batch.xb, &main, t->aux.coef > 0.0 ? &aux : NULL,
		 t->residual.column);
}

/* The rows of the step after this one; this one's are read, so their numbers are no longer needed. */
static void tell_ahead(struct trainer *t)
{
	if (!t->data.ahead || t->at + 1 >= t->opts.steps)
		return;
	sampler_batch(&t->sampler, t->batch.row, &t->opts, t->at + 1);
	t->data.ahead(t->data.ud, t->batch.row, t->opts.batch);
}

int trainer_read(struct trainer *t, size_t step, struct err *e)
{
	sampler_batch(&t->sampler, t->batch.row, &t->opts, step);
	if (batch_read(&t->batch, &t->dict.shape, t->par, &t->data, t->opts.batch, e) < 0)
		return err_wrap(e, "step %zu: ", step + 1);
	batch_prepare(&t->batch, &t->dict, t->par, t->opts.outlier);
	if (t->batch.n == 0)
		return err_set(e, ERR_INPUT, "step %zu: every row of the batch is an outlier", step + 1);
	return 0;
}

int trainer_step(struct trainer *t, struct train_stats *stats, struct err *e)
{
	struct train_stats s = { .step = t->at + 1, .lr = lr_at(&t->opts, t->at) };

	if (trainer_read(t, t->at, e) < 0)
		return -1;
	tell_ahead(t);
	run_forward(t, &s);
	if (!__builtin_isfinite(s.loss))
		return err_set(e, ERR_DIFFERS,
			       "step %zu: the loss is %g (base %g, candidate %g, auxiliary %g)", t->at + 1,
			       s.loss, s.loss_a, s.loss_b, s.loss_aux);
	run_backward(t);
	if (t->grad.bad != SIZE_MAX || !__builtin_isfinite(t->grad.norm))
		return err_set(e, ERR_DIFFERS,
			       "step %zu: the gradient is not finite (first in latent %zd; loss %g)",
			       t->at + 1, (ssize_t)t->grad.bad, s.loss);
	update(t);
	note_threshold(t);
	count_partitions(t, &s);
	s.grad_norm = t->grad.norm;
	s.threshold = (double)t->dict.threshold;
	t->at++;
	*stats = s;
	return trainer_exchange(t, e);
}
