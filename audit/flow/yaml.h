#ifndef FLOW_YAML_H
#define FLOW_YAML_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * YAML to a tree with positions; the one door to libyaml.  One document; anchors, aliases, tags and
 * keys that are not plain texts are refused with their place.  A key given twice stays twice in the tree:
 * who knows the field says so, beside everything else that is wrong (flow/field.c).
 * Depth at most YAML_DEPTH, size at most YAML_BYTES. Columns count characters.
 */

enum { YAML_DEPTH = 32, YAML_BYTES = 1 << 20 };

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	struct pos at;
	struct pos key_at;
	struct view key;  /* when a member of a map */
	struct view text; /* YAML_SCALAR */
	bool quoted;	  /* a quoted scalar is always text */
	const struct yaml *first, *next;
	size_t n;
};

/* An empty text is an empty map. `file` names the source in positions and must outlive the tree. */
int yaml_read(const struct yaml **out, struct arena *mem, struct view text, const char *file, struct err *e);
/* The first member of that name; NULL where there is none, or `map` is NULL or no map. */
const struct yaml *yaml_find(const struct yaml *map, const char *key);
/* `key:` with nothing behind it. */
bool yaml_is_blank(const struct yaml *y);
const char *yaml_kind_name(enum yaml_kind k); /* "a list" */

#endif
