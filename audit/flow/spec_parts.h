#ifndef FLOW_SPEC_PARTS_H
#define FLOW_SPEC_PARTS_H

#include "flow/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What there may be several of in a spec: models, sources, behaviours. */

enum source_kind { SOURCE_DOCUMENTS, SOURCE_CHATS, SOURCE_ROLLOUTS };
enum source_form { FORM_AUTO, FORM_JSONL, FORM_LINES, FORM_FILE, FORM_SEPARATED };
enum { SOURCES_MOST = 64 };
enum pairing { PAIRING_OFFSETS, PAIRING_GREEDY };

struct spec_model {
	const char *name; /* as the report calls it; default: the folder's name */
	const char *path; /* as written */
	const char *dir;  /* resolved against the spec's folder */
	int64_t layer;	  /* block whose output is harvested, from 0; -1: the middle block */
	int64_t *more;	  /* (n_more) further ones, each an audit of its own; as many of both models */
	size_t n_more;
	struct pos at;
};

struct spec_source {
	enum source_kind kind;
	const char *path;  /* as written */
	const char **file; /* (n_files) what it names, resolved (flow/files.h) */
	size_t n_files;
	bool is_folder;
	const char *field;     /* JSON member with the text, or the messages */
	const char *licence;   /* printed in the report */
	double share;	       /* of the pairs; 0: nothing is asked */
	enum source_form form; /* what a document is in the file; never FORM_AUTO once read */
	const char *separator; /* the line between two documents */
	bool replace;	       /* invalid UTF-8 becomes U+FFFD; else it is refused */
	size_t limit;	       /* documents taken; 0: all */
	size_t max_tokens;     /* of a rollout's answer */
	double temperature;    /* of its sampling; 0: greedy */
	double top_p;	       /* the most probable tokens that have this much together are drawn from */
	bool chat;	       /* rollouts: prompts go through the chat template; else plain text */
	struct pos at;
};

struct spec_behaviour {
	const char *name, *regex;
	const char *shows, *instead; /* answers of which the first shows it; NULL: not asked */
	const char *target;	     /* a text whose probability is printed; NULL likewise */
	struct pos at;
};

#endif
