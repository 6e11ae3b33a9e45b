#ifndef DICT_PUBLIC_H
#define DICT_PUBLIC_H

#include "base/err.h"
#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A dictionary for others: model.safetensors and config.json in a folder, with the tensors of BatchTopKCrossCoder in
 * the public dictionary_learning (https://github.com/saprmarks/dictionary_learning and its crosscoder forks) where both
 * models are of one width d; docs/formats.md has the list.
 *
 *	encoder.weight (2, d, latents)   encoder.bias (latents)
 *	decoder.weight (2, latents, d)   decoder.bias (2, d)
 *
 * Rows that do not exist here are zeros there.  Where widths differ no one tensor can hold both: the weights are then
 * encoder.weight.0 (d_a, latents), encoder.weight.1 (d_b, latents) and so on, for readers that know this.
 */

struct public_info {
	const char *base, *candidate; /* names of the models */
	size_t layer_base, layer_candidate, k;
	uint64_t seed;
};

/* Makes the folder; either file is whole or absent. */
int public_write(const struct dfc *d, const struct public_info *info, const char *dir, struct err *e);

#endif
