#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/err.h"
#include "base/par.h"
#include "model/arch.h"
#include "num/dtype.h"

#include <stddef.h>

/*
 * A model folder opened for use: config.json understood, weights memory-mapped, every tensor bound to
 * its role and its shape checked.  After model_open() the forward pass trusts and is simple.
 */

struct model;

int model_open(struct model **out, const char *dir, struct err *e);
void model_close(struct model *m);
const struct arch *model_arch(const struct model *m);
/* NULL where the model has none. Layers count from 0; roles without a layer take 0. Fused tensors that hold their
 * parts one after the other (Phi-3's qkv_proj, gate_up_proj) are given as the parts; a tied unembedding is the
 * embedding. */
const struct tensor *model_weight(const struct model *m, enum role role, size_t layer);
const struct tensor *model_expert(const struct model *m, enum role role, size_t layer, size_t expert);
/* Gains, biases and sinks, widened once; NULL where the model has none. */
const float *model_vector(const struct model *m, enum role role, size_t layer);
const float *model_expert_vector(const struct model *m, enum role role, size_t layer, size_t expert);
/* y (n, out) = x (n, in) * weight + its bias where there is one; the dense matrices of a layer. */
void model_product(float *y, const struct model *m, struct par *p, const float *x, size_t n, enum role role,
		   size_t layer);
void model_expert_product(float *y, const struct model *m, struct par *p, const float *x, size_t n,
			  enum role role, size_t layer, size_t expert);
/* The family's norm of one row (d_model), with the gain and bias of this role (ROLE_ATTN_NORM ...). y may be x. */
void model_norm(float *y, const struct model *m, const float *x, enum role gain, size_t layer);
size_t model_bytes(const struct model *m); /* of weights, as stored */
size_t model_parameters(const struct model *m);
/* Files whose bytes define the model, relative to the folder, sorted: config, weights (shards and index). */
size_t model_files(const char *const **name, const struct model *m);
/* Row `id` of the unembedding is (d_model); logits of arbitrary final-norm inputs: y (n, n_vocab) = unembed(norm(x)),
 * with the family's soft cap. x (n, d_model) is overwritten by its norm. */
void model_unembed(float *y, const struct model *m, struct par *p, float *x, size_t n);
/* The final norm's gain as the unembedding sees it, (d_model), for the logit lens; 1 + w where the family says so. */
void model_final_gain(float *gain, const struct model *m);

#endif
