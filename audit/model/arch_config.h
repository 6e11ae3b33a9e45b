#ifndef MODEL_ARCH_CONFIG_H
#define MODEL_ARCH_CONFIG_H

#include "base/json.h"
#include "model/arch_families.h"

/*
 * A config.json while it becomes a struct arch.  Errors carry the place in the file, the field, what stands there
 * and what would be right.
 */

struct config {
	const char *path;
	const struct json *root, *text; /* text: where the decoder's fields are; the root in most families */
	const struct family *family;
	struct arena *mem;
};

/* NULL where the field is absent; a null is a JSON_NULL. */
const struct json *config_find(const struct config *c, const char *field);
/* By the first of the family's spellings that is there; NULL if none. */
const struct json *config_key(const struct config *c, enum key key);
/* Values; absent and null give the fallback. `name` is for the message. */
int config_size(size_t *out, const struct config *c, const struct json *v, size_t fallback, struct err *e);
int config_real(double *out, const struct config *c, const struct json *v, double fallback, struct err *e);
int config_bool(bool *out, const struct config *c, const struct json *v, bool fallback, struct err *e);
/* "FIELD: what", with the place; v is not NULL. */
int config_bad(const struct config *c, const struct json *v, const char *what, struct err *e);
/* The same, quoting the value where it is short. */
int config_unsupported(const struct config *c, const struct json *v, const char *right, struct err *e);

/* Parts of arch_read(). */
int config_layers(struct arch *out, const struct config *c, struct err *e);
int config_rope(struct arch *out, const struct config *c, struct err *e);

#endif
