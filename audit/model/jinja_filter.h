#ifndef MODEL_JINJA_FILTER_H
#define MODEL_JINJA_FILTER_H

#include "model/jinja_machine.h"

/* Filters over sequences, for the table in jinja_filter.c. */

enum { PICK_SELECT, PICK_REJECT, PICK_SELECT_ATTR, PICK_REJECT_ATTR };

int seq_map(struct machine *m, struct value *out, const struct call *c);
int seq_pick(struct machine *m, struct value *out, const struct call *c);
int seq_sort(struct machine *m, struct value *out, const struct call *c);
int seq_dictsort(struct machine *m, struct value *out, const struct call *c);
int seq_unique(struct machine *m, struct value *out, const struct call *c);
int seq_extreme(struct machine *m, struct value *out, const struct call *c); /* which: 0 min, 1 max */
int seq_sum(struct machine *m, struct value *out, const struct call *c);
int seq_join(struct machine *m, struct value *out, const struct call *c);
int seq_reverse(struct machine *m, struct value *out, const struct call *c);
int seq_batch(struct machine *m, struct value *out, const struct call *c);
int seq_slice(struct machine *m, struct value *out, const struct call *c);

#endif
