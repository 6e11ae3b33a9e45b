#ifndef BASE_JSON_PARSE_H
#define BASE_JSON_PARSE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Between base/json.c and jansson, whose header claims the same names as base/json.h: the parsed text as events,
 * in the order of the text.  The text must not nest deeper than the caller's limit.
 */

struct json_event {
	char what;	 /* n f t i r s: a scalar; { [ and } ]: a container begins and ends */
	struct view key; /* p is NULL outside objects */
	struct view str;
	int64_t integer;
	double real;
};

struct json_trouble {
	size_t at;	  /* bytes read when it was noticed */
	bool memory, cut; /* the heap is gone; the text ends too early */
	char text[160];
};

typedef void (*json_event_fn)(void *ud, const struct json_event *ev);

/* 0, or -1 with `why`; no event is sent for a text that is not valid to its end. */
int json_parse(struct view text, json_event_fn fn, void *ud, struct json_trouble *why);

#endif
