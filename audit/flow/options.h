#ifndef FLOW_OPTIONS_H
#define FLOW_OPTIONS_H

#include "flow/field.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A command line read by a table of fields: --name VALUE, --name=VALUE, --name alone where the row is a bool;
 * -n for a row named by one letter. Options and operands may stand in any order; what follows -- is operands.
 */

struct options {
	const char **operand;
	size_t n;
	bool help; /* --help or -h was there: nothing after it was looked at */
};

/* Fills `into` with the defaults of the table and what arg[0..n) says. `table` may be NULL: no options. */
int options_read(struct options *out, void *into, const struct field *table, char *const *arg, size_t n,
		 struct arena *mem, struct err *e);

#endif
