#include "dict/dfc.h"

#include "base/str.h"
#include "dict/blob.h"
#include "num/ops.h"

#include <string.h>

static const char file_name[] = "DFCDICT1";

/* The head of the file. */
struct dfc_head {
	uint64_t d_a, d_b, n_a, n_shared, n_b;
	uint32_t score; /* 0 balanced, 1 paper, 2 length */
	float threshold, scale_a, scale_b, outlier;
	uint32_t zero;
};
_Static_assert(sizeof(struct dfc_head) == 64, "no padding in the file");

size_t dfc_latents(const struct dfc_shape *s)
{
	return s->n_a + s->n_shared + s->n_b;
}

size_t dfc_rows_a(const struct dfc_shape *s)
{
	return s->n_a + s->n_shared;
}

size_t dfc_rows_b(const struct dfc_shape *s)
{
	return s->n_shared + s->n_b;
}

enum partition dfc_partition(const struct dfc_shape *s, size_t latent)
{
	if (latent < s->n_a)
		return PARTITION_A;
	return latent < dfc_rows_a(s) ? PARTITION_SHARED : PARTITION_B;
}

size_t dfc_partition_size(const struct dfc_shape *s, enum partition p)
{
	return p == PARTITION_A ? s->n_a : p == PARTITION_SHARED ? s->n_shared : s->n_b;
}

const char *partition_name(enum partition p)
{
	static const char *const name[] = { "base-only", "shared", "candidate-only" };

	return name[p];
}

const char *score_name(enum score s)
{
	static const char *const name[] = { "balanced", "paper", "length" };

	return name[s];
}

const float *dfc_decoder_a(const struct dfc *d, size_t latent)
{
	return latent < dfc_rows_a(&d->shape) ? d->dec_a + latent * d->shape.d_a : NULL;
}

const float *dfc_decoder_b(const struct dfc *d, size_t latent)
{
	return latent >= d->shape.n_a ? d->dec_b + (latent - d->shape.n_a) * d->shape.d_b : NULL;
}

const float *dfc_decoder(const struct dfc *d, bool b, size_t latent)
{
	return b ? dfc_decoder_b(d, latent) : dfc_decoder_a(d, latent);
}

size_t dfc_width(const struct dfc_shape *s, bool b)
{
	return b ? s->d_b : s->d_a;
}

bool dfc_is_exclusive(const struct dfc_shape *s, bool b, size_t latent)
{
	return dfc_partition(s, latent) == (b ? PARTITION_B : PARTITION_A);
}

float dfc_score_weight(const struct dfc *d, size_t latent)
{
	const float *a = dfc_decoder_a(d, latent), *b = dfc_decoder_b(d, latent);
	double a2 = a ? op_norm2_d(a, d->shape.d_a) : 0.0, b2 = b ? op_norm2_d(b, d->shape.d_b) : 0.0, sum;

	if (d->score == SCORE_LENGTH)
		return (float)__builtin_sqrt(a2 + b2);
	sum = __builtin_sqrt(a2) + __builtin_sqrt(b2);
	if (d->score == SCORE_BALANCED && dfc_partition(&d->shape, latent) != PARTITION_SHARED)
		sum *= 2.0;
	return (float)sum;
}

double dfc_typical_norm(const struct dfc_shape *s)
{
	return __builtin_sqrt((double)(s->d_a + s->d_b) / 2.0);
}

/* n += a * b */
static bool count(size_t *n, size_t a, size_t b)
{
	size_t product;

	return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(*n, product, n);
}

int dfc_check_shape(const struct dfc_shape *s, size_t *n_params, struct err *e)
{
	size_t rows_a, rows_b, latents, n = 0, bytes;

	if (s->d_a == 0 || s->d_b == 0)
		return err_set(e, ERR_USAGE, "widths %zu and %zu: both must be at least 1", s->d_a, s->d_b);
	if (__builtin_add_overflow(s->n_a, s->n_shared, &rows_a) ||
	    __builtin_add_overflow(s->n_shared, s->n_b, &rows_b) ||
	    __builtin_add_overflow(rows_a, s->n_b, &latents) || latents == 0 || latents > INT32_MAX)
		return err_set(e, ERR_USAGE, "%zu + %zu + %zu latents: their sum must be 1 to %d", s->n_a,
			       s->n_shared, s->n_b, INT32_MAX);
	if (!count(&n, rows_a, s->d_a) || !count(&n, rows_b, s->d_b) || !count(&n, n, 1) ||
	    !count(&n, latents, 1) || !count(&n, s->d_a, 1) || !count(&n, s->d_b, 1) ||
	    __builtin_mul_overflow(n, 64, &bytes))
		return err_set(e, ERR_SIZE,
			       "a dictionary of widths %zu and %zu with %zu latents is more than any memory",
			       s->d_a, s->d_b, latents);
	*n_params = n;
	return 0;
}

int dfc_new(struct dfc *d, const struct dfc_shape *s, struct err *e)
{
	size_t a = dfc_rows_a(s) * s->d_a, b = dfc_rows_b(s) * s->d_b;
	void *p;

	*d = (struct dfc){ .shape = *s, .scale_a = 1.0f, .scale_b = 1.0f };
	if (dfc_check_shape(s, &d->n_params, e) < 0)
		return -1;
	if (mem_reserve(&p, d->n_params, sizeof(float), "dictionary", e) < 0)
		return -1;
	d->memory = p;
	d->enc_a = d->memory;
	d->enc_b = d->enc_a + a;
	d->dec_a = d->enc_b + b;
	d->dec_b = d->dec_a + a;
	d->bias_enc = d->dec_b + b;
	d->bias_a = d->bias_enc + dfc_latents(s);
	d->bias_b = d->bias_a + s->d_a;
	BUG_ON(d->bias_b + s->d_b != d->memory + d->n_params);
	return 0;
}

void dfc_release(struct dfc *d)
{
	mem_free(d->memory);
	d->memory = NULL;
}

int dfc_write(const struct dfc *d, const char *path, struct err *e)
{
	const struct dfc_shape *s = &d->shape;
	struct dfc_head h = {
		.d_a = s->d_a,
		.d_b = s->d_b,
		.n_a = s->n_a,
		.n_shared = s->n_shared,
		.n_b = s->n_b,
		.score = d->score,
		.threshold = d->threshold,
		.scale_a = d->scale_a,
		.scale_b = d->scale_b,
		.outlier = d->outlier,
	};
	struct blob_part part[] = { { &h, sizeof(h) }, { d->memory, d->n_params * sizeof(float) } };

	return blob_write(path, file_name, part, 2, e);
}

static int check_head(const struct dfc_head *h, const char *path, struct err *e)
{
	if (h->score > SCORE_LENGTH || h->zero != 0)
		return err_set(e, ERR_INPUT, "%s: score %u, reserved %u: 0 or 1, and 0, would be right", path,
			       h->score, h->zero);
	if (!__builtin_isfinite(h->scale_a) || !__builtin_isfinite(h->scale_b) || h->scale_a <= 0.0f ||
	    h->scale_b <= 0.0f)
		return err_set(e, ERR_INPUT, "%s: scales %g and %g: both must be finite and above 0", path,
			       (double)h->scale_a, (double)h->scale_b);
	if (!__builtin_isfinite(h->threshold) || h->threshold < 0.0f)
		return err_set(e, ERR_INPUT, "%s: threshold %g: must be finite and not below 0", path,
			       (double)h->threshold);
	if (!__builtin_isfinite(h->outlier) || h->outlier < 0.0f)
		return err_set(e, ERR_INPUT, "%s: outlier %g: must be finite and not below 0", path,
			       (double)h->outlier);
	return 0;
}

static int read_body(struct dfc *d, struct blob *b, struct err *e)
{
	blob_take(b, d->memory, d->n_params * sizeof(float));
	for (size_t i = 0; i < d->n_params; i++)
		if (!__builtin_isfinite(d->memory[i]))
			return err_set(e, ERR_INPUT, "%s: parameter %zu is not finite", b->path, i);
	return 0;
}

static int read_open(struct dfc *d, struct blob *b, struct err *e)
{
	struct dfc_shape s;
	struct dfc_head h;
	size_t n_params;

	memcpy(&h, b->head, sizeof(h));
	if (check_head(&h, b->path, e) < 0)
		return -1;
	s = (struct dfc_shape){ h.d_a, h.d_b, h.n_a, h.n_shared, h.n_b };
	if (dfc_check_shape(&s, &n_params, e) < 0) {
		e->code = ERR_INPUT;
		return err_wrap(e, "%s: ", b->path);
	}
	if (blob_expect(b, n_params * sizeof(float), e) < 0 || dfc_new(d, &s, e) < 0)
		return -1;
	d->score = (enum score)h.score;
	d->threshold = h.threshold;
	d->scale_a = h.scale_a;
	d->scale_b = h.scale_b;
	d->outlier = h.outlier;
	if (read_body(d, b, e) < 0) {
		dfc_release(d);
		return -1;
	}
	return 0;
}

int dfc_read(struct dfc *d, const char *path, struct err *e)
{
	struct blob b;
	int rc;

	*d = (struct dfc){ .memory = NULL };
	if (blob_open(&b, path, file_name, sizeof(struct dfc_head), e) < 0)
		return -1;
	rc = read_open(d, &b, e);
	blob_close(&b);
	return rc;
}

void codes_release(struct codes *c)
{
	mem_free(c->start);
	mem_free(c->latent);
	mem_free(c->value);
	*c = (struct codes)CODES_INIT;
}
