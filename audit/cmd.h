#ifndef CMD_H
#define CMD_H

#include "base/comm.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "flow/field.h"
#include "flow/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The commands.  Each is a row: what it is called, what it takes, what it does.  Options are described by the same
 * fields a spec is, so that parsing, defaults, bounds, help, man page and completions are written once.  To add a
 * command: a file cmd_NAME.c with its row, and the row's name below and in cmd.c.
 *
 * The product goes to stdout and the talk to stderr.  The exit status is err_status().
 */

/* What main.c knows of the surroundings; nobody else looks. */
struct host {
	const char *cache;     /* $DFC_AUDIT_CACHE, or "cache" */
	const char *templates; /* the folder of the templates that came with this program */
	size_t processors;     /* online */
	const char *date;      /* what SOURCE_DATE_EPOCH says, ISO 8601; NULL: nothing */
	const char *summary;   /* $GITHUB_STEP_SUMMARY, a file that a summary is appended to; NULL: none */
	bool ci;	       /* $CI is set: nobody is there to answer for a change */
	struct comm *comm;     /* the ranks (base/comm.h) */
};

/* One command line, read. */
struct call {
	struct arena *mem; /* lives as long as the command */
	const struct host *host;
	const char *const *operand;
	size_t n;
	const void *opts; /* the struct that cmd.opts describes */
};

struct cmd {
	const char *name;
	const char *operands;	  /* "SPEC", "RUN [FILE]"; "" for none */
	const char *summary;	  /* a line: "carry an audit out" */
	const char *about;	  /* paragraphs parted by \n, for --help and the man page */
	size_t min, max;	  /* operands */
	const char *const *first; /* what the first operand may be, NULL-ended; NULL: anything */
	const struct field *opts; /* NULL: none but --help */
	size_t opts_bytes;
	bool ranks; /* all ranks run it; else rank 0 alone */
	/* An error without a message was told already. */
	int (*run)(const struct call *c, struct err *e);
};

extern const struct cmd *const commands[]; /* NULL-ended, in the order of the help */
extern const struct cmd cmd_run, cmd_plan, cmd_render, cmd_verify, cmd_align, cmd_parity, cmd_show, cmd_bench,
	cmd_tokenize, cmd_export, cmd_diff, cmd_golden, cmd_reproduce, cmd_help, cmd_version;

const struct cmd *cmd_find(const char *name); /* or NULL */
const char *cmd_near(struct arena *mem, const char *wrong);
int cmd_usage(const struct cmd *c, struct err *e); /* ERR_USAGE: how it is called */

/* Rows that several commands have, for a struct with a member of that name. */
#define OPT_THREADS(type)                                                                                            \
	{                                                                                                            \
		.name = "threads", .kind = FIELD_SIZE, .offset = offsetof(type, threads), .lo = 0,                   \
		.hi = 1024, .fallback = "0",                                                                         \
		.help = "threads to compute with, 0: as many as there are processors; changes the time, never a bit" \
	}
#define OPT_JSON(type)                                                                                   \
	{                                                                                                \
		.name = "json", .kind = FIELD_BOOL, .offset = offsetof(type, json), .fallback = "false", \
		.help = "print JSON for programs"                                                        \
	}
#define OPT_CACHE(type)                                                                                    \
	{                                                                                                  \
		.name = "cache", .kind = FIELD_PATH, .offset = offsetof(type, cache), .lo = 1, .hi = 4000, \
		.fallback = "",                                                                            \
		.help = "folder of what was computed already; left out: $DFC_AUDIT_CACHE, else cache"      \
	}

unsigned call_threads(const struct call *c, size_t asked);
/* Reads a spec; what is wrong with it goes to stderr, all of it. */
int call_spec(struct spec *out, const struct call *c, const char *path, struct err *e);
/* The same where not all that it names has to be there (spec_read_ahead()). */
int call_spec_ahead(struct spec *out, const struct call *c, const char *path, struct err *e);
/* Is this a run's directory, come as far as to have `file`? */
int call_run(const struct call *c, const char *dir, const char *file, struct err *e);
/* Prints what a json_out put into the string, and ends the string. */
void print_json(struct str *s);

#endif
