#include "num/dtype.h"

#include "base/err.h"
#include "num/lanes16.h"

#include <string.h>

static const struct {
	const char *name;
	size_t bytes;
	bool is_float;
} dtypes[DT_COUNT] = {
	[DT_F32] = { "F32", 4, true },	  [DT_F16] = { "F16", 2, true },     [DT_BF16] = { "BF16", 2, true },
	[DT_F64] = { "F64", 8, true },	  [DT_U8] = { "U8", 1, false },	     [DT_I8] = { "I8", 1, false },
	[DT_I16] = { "I16", 2, false },	  [DT_I32] = { "I32", 4, false },    [DT_I64] = { "I64", 8, false },
	[DT_BOOL] = { "BOOL", 1, false }, [DT_MXFP4] = { "MXFP4", 0, true },
};

enum { MX_BLOCK = 32, MX_BYTES = 16 };

size_t dtype_bytes(enum dtype t, size_t n)
{
	return t == DT_MXFP4 ? n / 2 + n % 2 : n * dtypes[t].bytes;
}

const char *dtype_name(enum dtype t)
{
	return dtypes[t].name;
}

bool dtype_is_float(enum dtype t)
{
	return dtypes[t].is_float;
}

/* The stored bytes may lie at any address. */
CLONES static void widen_bf16(float *out, const uint8_t *in, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		u16x16 h;
		u32x16 w;

		memcpy(&h, in + 2 * i, sizeof(h));
		w = __builtin_convertvector(h, u32x16) << 16;
		memcpy(out + i, &w, sizeof(w));
	}
	for (; i < n; i++) {
		uint32_t w = (uint32_t)in[2 * i] << 16 | (uint32_t)in[2 * i + 1] << 24;

		memcpy(out + i, &w, sizeof(w));
	}
}

void dtype_widen_bf16(float *out, const uint16_t *in, size_t n)
{
	widen_bf16(out, (const uint8_t *)in, n);
}

/* Exponent and fraction moved up and scaled by 2^112, an exact product for denormals too; then 2^16 and
 * above were infinities and NaNs. */
LANES_INLINE void widen_f16_lanes(f32x16 *out, const u16x16 *in)
{
	u32x16 h = __builtin_convertvector(*in, u32x16);
	i32x16 sign = (i32x16)((h & 0x8000u) << 16);
	f32x16 f = (f32x16)((h & 0x7fffu) << 13) * 0x1p112f;
	i32x16 big = f >= 0x1p16f;

	f = (f32x16)((i32x16)f | (big & 0x7f800000) | sign);
	*out = f;
}

CLONES static void widen_f16(float *out, const uint8_t *in, size_t n)
{
	size_t i = 0;
	u16x16 h;
	f32x16 v;

	for (; i + LANES <= n; i += LANES) {
		memcpy(&h, in + 2 * i, sizeof(h));
		widen_f16_lanes(&v, &h);
		lanes_store(out + i, &v);
	}
	if (i < n) {
		uint16_t tail[LANES] = { 0 };

		memcpy(tail, in + 2 * i, (n - i) * sizeof(*tail));
		memcpy(&h, tail, sizeof(h));
		widen_f16_lanes(&v, &h);
		lanes_store_part(out + i, &v, n - i);
	}
}

/* 2^(s - 127); 255 is NaN. */
static float mx_scale(uint8_t s)
{
	uint32_t u = s == 255 ? 0x7fc00000 : s == 0 ? 0x00400000 : (uint32_t)s << 23;
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static void widen_mxfp4(float *out, const uint8_t *data, const uint8_t *scale, size_t n_blocks)
{
	static const float e2m1[16] = {
		0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,	 6.0f,
		-0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f,
	};

	for (size_t b = 0; b < n_blocks; b++) {
		float s = mx_scale(scale[b]);

		for (size_t i = 0; i < MX_BYTES; i++) {
			uint8_t byte = data[b * MX_BYTES + i];

			out[b * MX_BLOCK + 2 * i] = e2m1[byte & 15] * s;
			out[b * MX_BLOCK + 2 * i + 1] = e2m1[byte >> 4] * s;
		}
	}
}

void dtype_widen(float *out, const struct tensor *t, size_t first, size_t n)
{
	const uint8_t *p = t->data;

	switch (t->dtype) {
	case DT_F32: memcpy(out, p + 4 * first, 4 * n); return;
	case DT_BF16: widen_bf16(out, p + 2 * first, n); return;
	case DT_F16: widen_f16(out, p + 2 * first, n); return;
	case DT_F64:
		for (size_t i = 0; i < n; i++) {
			double d;

			memcpy(&d, p + 8 * (first + i), sizeof(d));
			out[i] = (float)d;
		}
		return;
	case DT_MXFP4:
		BUG_ON(first % MX_BLOCK != 0 || n % MX_BLOCK != 0);
		widen_mxfp4(out, p + first / 2, t->scale + first / MX_BLOCK, n / MX_BLOCK);
		return;
	default: BUG_ON(!dtype_is_float(t->dtype));
	}
}

LANES_INLINE void narrow_lanes(u16x16 *out, const u32x16 *in)
{
	u32x16 u = *in, even = u + 0x7fffu + (u >> 16 & 1u);
	u32x16 nan = (u32x16)((u & 0x7fffffffu) > 0x7f800000u);

	/* a NaN must not round to infinity */
	u = (nan & (u | 0x00400000u)) | (~nan & even);
	*out = __builtin_convertvector(u >> 16, u16x16);
}

CLONES void dtype_narrow_bf16(uint16_t *out, const float *in, size_t n)
{
	size_t i = 0;
	u32x16 w;
	u16x16 h;

	for (; i + LANES <= n; i += LANES) {
		memcpy(&w, in + i, sizeof(w));
		narrow_lanes(&h, &w);
		memcpy(out + i, &h, sizeof(h));
	}
	if (i < n) {
		float tail[LANES] = { 0 };

		memcpy(tail, in + i, (n - i) * sizeof(*in));
		memcpy(&w, tail, sizeof(w));
		narrow_lanes(&h, &w);
		memcpy(out + i, &h, (n - i) * sizeof(*out));
	}
}
