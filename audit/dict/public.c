#include "dict/public.h"

#include "base/json.h"
#include "base/out.h"
#include "base/str.h"
#include "dict/span.h"
#include "num/dtype.h"

#include <string.h>

enum { COLUMNS = 16, MOST_TENSORS = 16, ALIGNMENT = 8, CROSSCODER_NORMALIZATION = 1 };

struct writer {
	const struct dfc *d;
	struct out *out;
	float *block; /* (COLUMNS, latents) */
};

/* A tensor of the file: its head, and what puts its bytes. */
struct piece {
	const char *name;
	enum dtype dtype;
	bool candidate; /* which model's, where one model's only */
	bool both;	/* `put` is called for either model */
	size_t rank, shape[3];
	void (*put)(struct writer *w, bool candidate);
	const void *value; /* of each element, where there is no `put` */
};

/* (d, latents): the encoder rows, turned, COLUMNS of them at a time. */
static void put_encoder(struct writer *w, bool candidate)
{
	const struct dfc *d = w->d;
	const struct dfc_shape *s = &d->shape;
	size_t latents = dfc_latents(s), width = candidate ? s->d_b : s->d_a;
	size_t first = candidate ? s->n_a : 0, rows = candidate ? dfc_rows_b(s) : dfc_rows_a(s);
	const float *enc = candidate ? d->enc_b : d->enc_a;

	for (size_t c = 0; c < width; c += COLUMNS) {
		size_t n = size_min(COLUMNS, width - c);

		memset(w->block, 0, n * latents * sizeof(*w->block));
		for (size_t i = 0; i < rows; i++)
			for (size_t k = 0; k < n; k++)
				w->block[k * latents + first + i] = enc[i * width + c + k];
		out_put(w->out, w->block, n * latents * sizeof(*w->block));
	}
}

static void put_zeros(struct writer *w, size_t n)
{
	static const float zero[256];

	for (; n > 0; n -= size_min(n, 256))
		out_put(w->out, zero, size_min(n, 256) * sizeof(*zero));
}

/* (latents, d) */
static void put_decoder(struct writer *w, bool candidate)
{
	const struct dfc *d = w->d;
	const struct dfc_shape *s = &d->shape;

	if (candidate) {
		put_zeros(w, s->n_a * s->d_b);
		out_put(w->out, d->dec_b, dfc_rows_b(s) * s->d_b * sizeof(float));
	} else {
		out_put(w->out, d->dec_a, dfc_rows_a(s) * s->d_a * sizeof(float));
		put_zeros(w, s->n_b * s->d_a);
	}
}

static void put_bias(struct writer *w, bool candidate)
{
	const struct dfc_shape *s = &w->d->shape;

	out_put(w->out, candidate ? w->d->bias_b : w->d->bias_a,
		(candidate ? s->d_b : s->d_a) * sizeof(float));
}

static void put_encoder_bias(struct writer *w, bool candidate)
{
	(void)candidate;
	out_put(w->out, w->d->bias_enc, dfc_latents(&w->d->shape) * sizeof(float));
}

struct values {
	int32_t k, normalization;
	float threshold, one, none;
};

static size_t list(struct piece *p, const struct dfc_shape *s, const struct values *v)
{
	size_t n = dfc_latents(s), d = s->d_a;
	const struct piece common[] = {
		{ "encoder.bias", DT_F32, false, false, 1, { n }, put_encoder_bias, NULL },
		{ "k", DT_I32, false, false, 0, { 0 }, NULL, &v->k },
		{ "threshold", DT_F32, false, false, 0, { 0 }, NULL, &v->threshold },
	};
	const struct piece same[] = {
		{ "encoder.weight", DT_F32, false, true, 3, { 2, d, n }, put_encoder, NULL },
		{ "decoder.weight", DT_F32, false, true, 3, { 2, n, d }, put_decoder, NULL },
		{ "decoder.bias", DT_F32, false, true, 2, { 2, d }, put_bias, NULL },
		{ "code_normalization_id", DT_I32, false, false, 0, { 0 }, NULL, &v->normalization },
		/* no value: dictionary_learning then leaves activations as they are */
		{ "activation_mean", DT_F32, false, false, 2, { 2, d }, NULL, &v->none },
		{ "activation_std", DT_F32, false, false, 2, { 2, d }, NULL, &v->none },
		{ "activation_global_scale", DT_F32, false, false, 1, { 2 }, NULL, &v->one },
		{ "target_rms", DT_F32, false, false, 0, { 0 }, NULL, &v->one },
	};
	const struct piece apart[] = {
		{ "encoder.weight.0", DT_F32, false, false, 2, { s->d_a, n }, put_encoder, NULL },
		{ "encoder.weight.1", DT_F32, true, false, 2, { s->d_b, n }, put_encoder, NULL },
		{ "decoder.weight.0", DT_F32, false, false, 2, { n, s->d_a }, put_decoder, NULL },
		{ "decoder.weight.1", DT_F32, true, false, 2, { n, s->d_b }, put_decoder, NULL },
		{ "decoder.bias.0", DT_F32, false, false, 1, { s->d_a }, put_bias, NULL },
		{ "decoder.bias.1", DT_F32, true, false, 1, { s->d_b }, put_bias, NULL },
	};
	bool one_width = s->d_a == s->d_b;
	size_t m = one_width ? sizeof(same) / sizeof(*same) : sizeof(apart) / sizeof(*apart);

	memcpy(p, common, sizeof(common));
	memcpy(p + sizeof(common) / sizeof(*common), one_width ? same : apart, m * sizeof(*p));
	return sizeof(common) / sizeof(*common) + m;
}

static size_t elements(const struct piece *p)
{
	size_t n = 1;

	for (size_t k = 0; k < p->rank; k++)
		n *= p->shape[k];
	return n;
}

/* The head of the file: its length, and the JSON padded with blanks so that tensors are aligned. */
static void put_head(struct out *out, const struct piece *p, size_t n)
{
	struct str text = STR_INIT;
	struct json_out j = { .str = &text, .compact = true };
	uint64_t at = 0, bytes;

	json_open(&j, NULL, '{');
	for (size_t i = 0; i < n; i++) {
		json_open(&j, p[i].name, '{');
		json_puts(&j, "dtype", dtype_name(p[i].dtype));
		json_open(&j, "shape", '[');
		for (size_t k = 0; k < p[i].rank; k++)
			json_put_size(&j, NULL, p[i].shape[k]);
		json_close(&j, ']');
		json_open(&j, "data_offsets", '[');
		json_put_size(&j, NULL, at);
		json_put_size(&j, NULL, at += dtype_bytes(p[i].dtype, elements(&p[i])));
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, '}');
	while (text.n % ALIGNMENT)
		str_addc(&text, ' ');
	bytes = text.n;
	out_put(out, &bytes, sizeof(bytes));
	out_put(out, text.p, text.n);
	str_release(&text);
}

static int write_tensors(const struct dfc *d, const struct public_info *info, const char *path, struct err *e)
{
	const struct values v = { (int32_t)info->k, CROSSCODER_NORMALIZATION, d->threshold, 1.0f,
				  __builtin_nanf("") };
	struct piece piece[MOST_TENSORS];
	size_t n = list(piece, &d->shape, &v);
	struct writer w = { .d = d };

	if (out_open(&w.out, path, e) < 0)
		return -1;
	w.block = mem_alloc(COLUMNS * dfc_latents(&d->shape), sizeof(*w.block));
	put_head(w.out, piece, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = elements(&piece[i]); !piece[i].put && k > 0; k--)
			out_put(w.out, piece[i].value, dtype_bytes(piece[i].dtype, 1));
		if (piece[i].put)
			piece[i].put(&w, piece[i].candidate);
		if (piece[i].both)
			piece[i].put(&w, true);
	}
	mem_free(w.block);
	return out_commit(w.out, NULL, e);
}

static void put_range(struct json_out *j, const char *key, size_t first, size_t n)
{
	json_open(j, key, '[');
	json_put_size(j, NULL, first);
	json_put_size(j, NULL, first + n);
	json_close(j, ']');
}

static void put_model(struct json_out *j, const char *name, size_t layer, float scale, size_t width)
{
	json_open(j, NULL, '{');
	json_puts(j, "name", name);
	json_put_size(j, "layer", layer);
	json_put_size(j, "width", width);
	json_put_real(j, "scale", (double)scale);
	json_close(j, '}');
}

static int write_config(const struct dfc *d, const struct public_info *info, const char *path, struct err *e)
{
	const struct dfc_shape *s = &d->shape;
	struct json_out j = { .depth = 0 };

	if (out_open(&j.out, path, e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	if (s->d_a == s->d_b)
		json_put_size(&j, "activation_dim", s->d_a);
	json_put_size(&j, "dict_size", dfc_latents(s));
	json_put_size(&j, "num_layers", 2);
	json_put_size(&j, "k", info->k);
	json_puts(&j, "code_normalization", "CROSSCODER");
	json_open(&j, "dedicated_features", '{');
	put_range(&j, "base_only", 0, s->n_a);
	put_range(&j, "shared", s->n_a, s->n_shared);
	put_range(&j, "candidate_only", s->n_a + s->n_shared, s->n_b);
	json_puts(&j, "score", score_name(d->score));
	json_put_real(&j, "threshold", (double)d->threshold);
	json_put_real(&j, "exclusive_score_factor", d->score == SCORE_BALANCED ? 2.0 : 1.0);
	json_put_size(&j, "seed", info->seed);
	json_open(&j, "models", '[');
	put_model(&j, info->base, info->layer_base, d->scale_a, s->d_a);
	put_model(&j, info->candidate, info->layer_candidate, d->scale_b, s->d_b);
	json_close(&j, ']');
	json_close(&j, '}');
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}

int public_write(const struct dfc *d, const struct public_info *info, const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int rc = -1;

	if (dir_make(dir, e) == 0 &&
	    write_tensors(d, info, arena_fmt(&mem, "%s/model.safetensors", dir), e) == 0 &&
	    write_config(d, info, arena_fmt(&mem, "%s/config.json", dir), e) == 0)
		rc = 0;
	arena_release(&mem);
	return rc;
}
