#ifndef FLOW_IMPORTED_H
#define FLOW_IMPORTED_H

#include "flow/stage.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Activations that were harvested elsewhere (`activations` of a spec; docs/formats.md, "Activations from elsewhere"): a
 * safetensors file a side, row i of both being one pair.  What a file says is checked before any of it is used: tensors
 * that are not known, shapes and dtypes that do not fit, numbers out of order, values that are not finite.
 */

struct imported;

int imported_open(struct imported **out, const char *path, struct err *e);
void imported_close(struct imported *m);
size_t imported_rows(const struct imported *m);
size_t imported_width(const struct imported *m);
/* Rows first .. first+n-1: rows (n, width), logp (n; 0 where the file has none). ERR_INPUT names a value that is not finite. */
int imported_read(const struct imported *m, float *rows, float *logp, size_t first, size_t n, struct err *e);
/* The corpus of both files, into the job's artifact: the same files as of one that was tokenised here. */
int imported_corpus(struct job *job, struct err *e);

#endif
