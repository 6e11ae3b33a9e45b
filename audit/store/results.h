#ifndef STORE_RESULTS_H
#define STORE_RESULTS_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/metrics.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * results.json, read and compared.  golden, reproduce and diff all ask the same question of two of them: which values
 * differ, and is the difference one that another arithmetic may make (store/metrics.h)?  compare(a, a) is empty, and
 * compare(a, b) mirrors compare(b, a).
 */

enum { RESULTS_BYTES = 512 << 20 };

/* One value that is not the same; the whole value where its kind differs or one side has none. */
struct difference {
	const char *path;	      /* "findings[F1].slope_on", "training[0].threshold" */
	const struct json *old, *new; /* NULL: there is none */
	const struct metric *metric;  /* of two numbers that have a row */
	bool within;		      /* another backend may differ by as much */
};

struct differences {
	struct difference *item; /* in the order of the old text, then what only the new one has */
	size_t n, cap;
	size_t beyond; /* those that are not within */
};

/* An object of format 1; ERR_INPUT otherwise. */
int results_read(const struct json **out, struct arena *mem, const char *path, struct err *e);
void results_compare(struct differences *out, struct arena *mem, const struct json *old,
		     const struct json *new);
void differences_release(struct differences *d);
/* "training[0].threshold: 2.76, was 2.77" */
void difference_print(struct str *out, const struct difference *d);
/* What an element of an array is called: its id or name, else its number. */
void element_name(struct str *out, const struct json *element, size_t i);
/* The step whose work a path of results.json is: "train", "steer", ... */
const char *results_stage(const char *path);

#endif
