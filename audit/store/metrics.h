#ifndef STORE_METRICS_H
#define STORE_METRICS_H

#include "base/json.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The table of every number a report may show.  A row is named by its path in results.json (or, below
 * "provenance.", in provenance.json); "[]" stands for any element of an array and a last ".*" for everything
 * below.  A number without a row cannot be shown, so each one has a label, a unit, a format, a direction and
 * tolerances, said once: documents print by it, charts label by it, comparisons judge by it.
 */

enum metric_format {
	METRIC_ID,     /* a name that happens to be a number: no separators */
	METRIC_COUNT,  /* 57,000 */
	METRIC_FIXED,  /* digits after the point */
	METRIC_SIGNED, /* the same with its sign, also where positive */
	METRIC_SHARE,  /* 0..1, shown as a percentage */
	METRIC_P,      /* a probability: two significant digits, never "0" */
	METRIC_BYTES,  /* 1.9 MiB */
	METRIC_PLAIN,  /* the shortest form that reads back */
};

/* Which way is better: up, down, or neither (a number that only describes). */
enum metric_better { METRIC_NEITHER, METRIC_UP, METRIC_DOWN };

struct metric {
	const char *path;
	const char *label;
	const char *unit; /* "" where there is none */
	enum metric_format format;
	unsigned digits;
	enum metric_better better;
	double absolute,
		relative; /* on another backend: |a - b| <= absolute + relative * max(|a|, |b|); 0, 0: exact */
};

/* All rows, in a fixed order. */
const struct metric *metrics_all(size_t *n);
/* The row of a path such as "findings[].slope_on"; NULL where there is none. */
const struct metric *metric_find(struct view path);
/* A JSON number as the row says, without the unit except % and bytes (they belong to the figure). */
void metric_print(struct str *out, const struct metric *m, const struct json *v);
void metric_print_real(struct str *out, const struct metric *m, double v);
/* Are two values the same as far as another backend can tell? */
bool metric_same(const struct metric *m, double a, double b);

#endif
