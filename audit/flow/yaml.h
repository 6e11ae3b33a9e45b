#ifndef FLOW_YAML_H
#define FLOW_YAML_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * YAML to a tree with positions; the one door to libyaml.  One document; anchors, aliases, tags and
 * duplicate keys are refused with their place. Depth at most 32, size at most 1 MiB.
 */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	struct pos at;
	struct pos key_at;
	struct view key;           /* when a member of a map */
	struct view text;          /* YAML_SCALAR */
	bool quoted;               /* a quoted scalar is always text */
	const struct yaml *first, *next;
	size_t n;
};

int yaml_read(const struct yaml **out, struct arena *mem, struct view text, const char *file, struct err *e);
const struct yaml *yaml_find(const struct yaml *map, const char *key);

#endif
