#include "tests/support/naive_dfc.h"

#include "base/mem.h"

static size_t latents_of(const struct dfc_shape *s)
{
	return s->n_a + s->n_shared + s->n_b;
}

size_t naive_params(const struct dfc_shape *s)
{
	return 2 * (s->n_a + s->n_shared) * s->d_a + 2 * (s->n_shared + s->n_b) * s->d_b + latents_of(s) +
	       s->d_a + s->d_b;
}

size_t naive_row(const struct dfc_shape *s, size_t latent, bool decoder, bool model_b)
{
	size_t all_a = (s->n_a + s->n_shared) * s->d_a, all_b = (s->n_shared + s->n_b) * s->d_b;

	if (model_b)
		return latent < s->n_a ? SIZE_MAX
				       : all_a + (decoder ? all_b + all_a : 0) + (latent - s->n_a) * s->d_b;
	return latent >= s->n_a + s->n_shared ? SIZE_MAX : (decoder ? all_a + all_b : 0) + latent * s->d_a;
}

static size_t bias_enc_of(const struct dfc_shape *s)
{
	return 2 * (s->n_a + s->n_shared) * s->d_a + 2 * (s->n_shared + s->n_b) * s->d_b;
}

static size_t bias_dec_of(const struct dfc_shape *s, bool model_b)
{
	return bias_enc_of(s) + latents_of(s) + (model_b ? s->d_a : 0);
}

struct naive_step naive_step_new(const struct naive_batch *b)
{
	size_t n = b->n, k = latents_of(&b->shape);

	return (struct naive_step){
		.kept = mem_alloc(n * k, sizeof(bool)),
		.aux_kept = mem_alloc(n * k, sizeof(bool)),
		.f = mem_alloc(n * k, sizeof(double)),
		.scores = mem_alloc(n * k, sizeof(double)),
		.ea = mem_alloc(n * b->shape.d_a, sizeof(double)),
		.eb = mem_alloc(n * b->shape.d_b, sizeof(double)),
		.given_a = mem_alloc(n * b->shape.d_a, sizeof(double)),
		.given_b = mem_alloc(n * b->shape.d_b, sizeof(double)),
		.grad = mem_alloc(naive_params(&b->shape), sizeof(double)),
	};
}

void naive_step_free(struct naive_step *s)
{
	void *const all[] = { s->kept, s->aux_kept, s->f,	s->scores, s->ea,
			      s->eb,   s->given_a,  s->given_b, s->grad };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		mem_free(all[i]);
}

double naive_score_weight(enum score score, double norm_a, double norm_b, bool exclusive)
{
	if (score == SCORE_LENGTH)
		return __builtin_sqrt(norm_a * norm_a + norm_b * norm_b);
	return (norm_a + norm_b) * (score == SCORE_BALANCED && exclusive ? 2.0 : 1.0);
}

static double score_weight(const struct naive_batch *b, const double *param, size_t latent)
{
	double norm[2] = { 0.0, 0.0 };

	for (int m = 0; m < 2; m++) {
		size_t row = naive_row(&b->shape, latent, true, m), d = m ? b->shape.d_b : b->shape.d_a;

		for (size_t c = 0; c < d && row != SIZE_MAX; c++)
			norm[m] += param[row + c] * param[row + c];
	}
	return naive_score_weight(b->score, __builtin_sqrt(norm[0]), __builtin_sqrt(norm[1]),
				  latent < b->shape.n_a || latent >= b->shape.n_a + b->shape.n_shared);
}

static double activation(const struct naive_batch *b, const double *param, size_t r, size_t latent)
{
	double h = param[bias_enc_of(&b->shape) + latent];

	for (int m = 0; m < 2; m++) {
		size_t row = naive_row(&b->shape, latent, false, m), d = m ? b->shape.d_b : b->shape.d_a;
		const double *x = (m ? b->xb : b->xa) + r * d;

		for (size_t c = 0; row != SIZE_MAX && c < d; c++)
			h += param[row + c] * x[c];
	}
	return h > 0.0 ? h : 0.0;
}

static void run_encoder(double *f, double *scores, const struct naive_batch *b, const double *param)
{
	size_t k = latents_of(&b->shape);

	for (size_t r = 0; r < b->n; r++)
		for (size_t i = 0; i < k; i++) {
			f[r * k + i] = activation(b, param, r, i);
			if (scores)
				scores[r * k + i] = f[r * k + i] * score_weight(b, param, i);
		}
}

/* Marks the `want` largest of x[0..n) above 0 that are allowed: each time the largest left, the first among
 * equals. */
static double mark_largest(bool *mark, const double *x, const bool *allowed, size_t n, size_t want)
{
	double least = 0.0;

	for (size_t i = 0; i < n; i++)
		mark[i] = false;
	for (; want > 0; want--) {
		size_t best = n;

		for (size_t i = 0; i < n; i++)
			if (!mark[i] && x[i] > 0.0 && (!allowed || allowed[i]) &&
			    (best == n || x[i] > x[best]))
				best = i;
		if (best == n)
			break;
		mark[best] = true;
		least = x[best];
	}
	return least;
}

/* e = target - bias - sum over marked latents of f d */
static void residual(double *e, const struct naive_batch *b, const double *param, const double *f,
		     const bool *mark, const double *target, bool model_b, bool bias)
{
	size_t k = latents_of(&b->shape), d = model_b ? b->shape.d_b : b->shape.d_a;

	for (size_t r = 0; r < b->n; r++)
		for (size_t c = 0; c < d; c++) {
			double sum = bias ? param[bias_dec_of(&b->shape, model_b) + c] : 0.0;

			for (size_t i = 0; i < k; i++) {
				size_t row = naive_row(&b->shape, i, true, model_b);

				if (mark[r * k + i] && row != SIZE_MAX)
					sum += f[r * k + i] * param[row + c];
			}
			e[r * d + c] = target[r * d + c] - sum;
		}
}

static double sum_squares(const double *x, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sum;
}

static double variance_of(const double *x, size_t n, size_t d)
{
	double sum = 0.0, mean;

	for (size_t c = 0; c < d; c++) {
		mean = 0.0;
		for (size_t r = 0; r < n; r++)
			mean += x[r * d + c] / (double)n;
		for (size_t r = 0; r < n; r++)
			sum += (x[r * d + c] - mean) * (x[r * d + c] - mean);
	}
	return sum / (double)n;
}

/* d(loss)/d(param) of coef/2 * sum ||e||^2 with e = target - sum f d, f = relu(..), over the marked. */
static void add_gradient(struct naive_step *s, const struct naive_batch *b, const double *param,
			 const bool *mark, const double *ea, const double *eb, double coef)
{
	size_t k = latents_of(&b->shape);

	for (size_t r = 0; r < b->n; r++)
		for (size_t i = 0; i < k; i++) {
			double by_f = 0.0;

			if (!mark[r * k + i])
				continue;
			for (int m = 0; m < 2; m++) {
				size_t d = m ? b->shape.d_b : b->shape.d_a,
				       dec = naive_row(&b->shape, i, true, m);
				const double *e = (m ? eb : ea) + r * d;

				for (size_t c = 0; dec != SIZE_MAX && c < d; c++) {
					by_f -= coef * e[c] * param[dec + c];
					s->grad[dec + c] -= coef * e[c] * s->f[r * k + i];
				}
			}
			if (s->f[r * k + i] <= 0.0)
				continue;
			s->grad[bias_enc_of(&b->shape) + i] += by_f;
			for (int m = 0; m < 2; m++) {
				size_t d = m ? b->shape.d_b : b->shape.d_a,
				       enc = naive_row(&b->shape, i, false, m);
				const double *x = (m ? b->xb : b->xa) + r * d;

				for (size_t c = 0; enc != SIZE_MAX && c < d; c++)
					s->grad[enc + c] += by_f * x[c];
			}
		}
}

static void choose_aux(struct naive_step *s, const struct naive_batch *b)
{
	size_t k = latents_of(&b->shape);

	for (size_t r = 0; r < b->n; r++)
		mark_largest(s->aux_kept + r * k, s->scores + r * k, b->dead, k, b->dead ? b->aux_k : 0);
}

static void run_aux(struct naive_step *s, const struct naive_batch *b, const double *param)
{
	size_t n_a = b->n * b->shape.d_a, n_b = b->n * b->shape.d_b;
	double *ra = mem_alloc(n_a, sizeof(double)), *rb = mem_alloc(n_b, sizeof(double));

	choose_aux(s, b);
	s->variance =
		variance_of(s->given_a, b->n, b->shape.d_a) + variance_of(s->given_b, b->n, b->shape.d_b);
	residual(ra, b, param, s->f, s->aux_kept, s->given_a, false, false);
	residual(rb, b, param, s->f, s->aux_kept, s->given_b, true, false);
	s->loss_aux = (sum_squares(ra, n_a) + sum_squares(rb, n_b)) / (double)b->n / s->variance;
	add_gradient(s, b, param, s->aux_kept, ra, rb, 2.0 * b->aux_weight / (double)b->n / s->variance);
	mem_free(ra);
	mem_free(rb);
}

void naive_step_run(struct naive_step *s, const struct naive_batch *b, const double *param)
{
	size_t k = latents_of(&b->shape), n_a = b->n * b->shape.d_a, n_b = b->n * b->shape.d_b;
	bool any = false;

	run_encoder(s->f, s->scores, b, param);
	s->smallest = mark_largest(s->kept, s->scores, NULL, b->n * k, b->want);
	residual(s->ea, b, param, s->f, s->kept, b->xa, false, true);
	residual(s->eb, b, param, s->f, s->kept, b->xb, true, true);
	s->loss_a = sum_squares(s->ea, n_a) / (double)b->n;
	s->loss_b = sum_squares(s->eb, n_b) / (double)b->n;
	for (size_t i = 0; i < naive_params(&b->shape); i++)
		s->grad[i] = 0.0;
	add_gradient(s, b, param, s->kept, s->ea, s->eb, 2.0 / (double)b->n);
	for (size_t i = 0; i < n_a; i++)
		s->grad[bias_dec_of(&b->shape, false) + i % b->shape.d_a] -= 2.0 / (double)b->n * s->ea[i];
	for (size_t i = 0; i < n_b; i++)
		s->grad[bias_dec_of(&b->shape, true) + i % b->shape.d_b] -= 2.0 / (double)b->n * s->eb[i];
	for (size_t i = 0; i < n_a; i++)
		s->given_a[i] = s->ea[i];
	for (size_t i = 0; i < n_b; i++)
		s->given_b[i] = s->eb[i];
	for (size_t i = 0; i < k && b->dead; i++)
		any |= b->dead[i];
	s->loss_aux = 0.0;
	if (any)
		run_aux(s, b, param);
	s->loss = s->loss_a + s->loss_b + b->aux_weight * s->loss_aux;
}

double naive_loss(const struct naive_step *s, const struct naive_batch *b, const double *param)
{
	size_t k = latents_of(&b->shape), n_a = b->n * b->shape.d_a, n_b = b->n * b->shape.d_b;
	double *f = mem_alloc(b->n * k, sizeof(double)), loss;
	double *ea = mem_alloc(n_a, sizeof(double)), *eb = mem_alloc(n_b, sizeof(double));

	run_encoder(f, NULL, b, param);
	residual(ea, b, param, f, s->kept, b->xa, false, true);
	residual(eb, b, param, f, s->kept, b->xb, true, true);
	loss = (sum_squares(ea, n_a) + sum_squares(eb, n_b)) / (double)b->n;
	if (s->loss_aux > 0.0) {
		residual(ea, b, param, f, s->aux_kept, s->given_a, false, false);
		residual(eb, b, param, f, s->aux_kept, s->given_b, true, false);
		loss += b->aux_weight * (sum_squares(ea, n_a) + sum_squares(eb, n_b)) / (double)b->n /
			s->variance;
	}
	mem_free(f);
	mem_free(ea);
	mem_free(eb);
	return loss;
}

void naive_adam(double *p, double *m, double *v, const double *g, size_t n, double lr, double beta1,
		double beta2, double eps, size_t t)
{
	double c1 = 1.0, c2 = 1.0;

	for (size_t i = 0; i < t; i++) {
		c1 *= beta1;
		c2 *= beta2;
	}
	for (size_t i = 0; i < n; i++) {
		m[i] = beta1 * m[i] + (1.0 - beta1) * g[i];
		v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] * g[i];
		p[i] -= lr * (m[i] / (1.0 - c1)) / (__builtin_sqrt(v[i] / (1.0 - c2)) + eps);
	}
}
