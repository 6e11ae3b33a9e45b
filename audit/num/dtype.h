#ifndef NUM_DTYPE_H
#define NUM_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Stored number formats and their exact widening to float.  All little-endian.
 * MXFP4 is the OCP Microscaling format as GPT-OSS ships it: blocks of 32 values of
 * e2m1, low nibble first, and one e8m0 scale byte a block (127 = 1).
 */

enum dtype {
	DT_F32,
	DT_F16,
	DT_BF16,
	DT_F64,
	DT_U8,
	DT_I8,
	DT_I16,
	DT_I32,
	DT_I64,
	DT_BOOL,
	DT_MXFP4,
	DT_COUNT
};

/* A stored matrix, borrowed: row-major (rows, cols). For DT_MXFP4 `data` holds the blocks
 * (rows, cols/32, 16) and `scale` the bytes (rows, cols/32). A vector has rows = 1. */
struct tensor {
	enum dtype dtype;
	size_t rows, cols;
	const void *data;
	const uint8_t *scale;
};

size_t dtype_bytes(enum dtype t, size_t n); /* of n values, scales not counted */
const char *dtype_name(enum dtype t);	    /* as safetensors writes it: "BF16" */
bool dtype_is_float(enum dtype t);	    /* one that dtype_widen takes */

/* Values first .. first+n-1 in row-major order to float, exactly. MXFP4: `first` and `n` multiples of 32. */
void dtype_widen(float *out, const struct tensor *t, size_t first, size_t n);
/* Round to nearest even. */
void dtype_narrow_bf16(uint16_t *out, const float *in, size_t n);
void dtype_widen_bf16(float *out, const uint16_t *in, size_t n);

#endif
