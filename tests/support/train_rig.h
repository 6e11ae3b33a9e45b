#ifndef SUPPORT_TRAIN_RIG_H
#define SUPPORT_TRAIN_RIG_H

#include "dict/train.h"

/* A small training: rows made of a few concepts each, seen by two models; some rows are far too long. */

enum { ROWS = 700, WIDTH_A = 24, WIDTH_B = 40, CONCEPTS = 60 };

extern const struct dfc_shape train_rig_shape;

struct source {
	float a[ROWS * WIDTH_A], b[ROWS * WIDTH_B];
	double weight[ROWS];
};

void source_fill(struct source *s);
struct train_data source_data(struct source *s);
struct train_opts train_rig_opts(void);

struct train_rig {
	struct source source;
	struct train_data data;
	struct train_opts opts;
	struct par *par;
	struct trainer *t;
	struct train_stats stats;
};

/* Fail the test where the code under test does. */
void train_rig_new(struct train_rig *g, const struct dfc_shape *s, const struct train_opts *o,
		   unsigned threads);
void train_rig_free(struct train_rig *g);
void train_rig_run(struct train_rig *g, size_t steps);

#endif
