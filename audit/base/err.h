#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdio.h>

/*
 * Errors.  A function that can fail returns 0 or -1 and takes a struct err as
 * its last parameter, on which it reports.  The struct lives on the caller's
 * stack and owns no memory, so that reporting an error cannot itself fail.
 *
 * Three kinds of trouble, three answers:
 *   the world is wrong (file, spec, disk)   -> err_set() and return -1
 *   small memory is gone                    -> the process exits (base/mem.h)
 *   this program is wrong                   -> BUG_ON(): message and abort()
 *
 * Messages are one line, lower case, without a full stop: what is wrong, the
 * offending value, what would be right.
 */

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Each code is an exit status class; see err_status(). */
enum err_code {
	ERR_NONE,
	ERR_USAGE,   /* the command line */
	ERR_SPEC,    /* a spec or template; carries a position */
	ERR_INPUT,   /* a model, corpus or artifact is missing or malformed */
	ERR_IO,	     /* the system said no; the message ends with strerror() */
	ERR_SIZE,    /* a planned buffer does not fit the memory limit */
	ERR_DIFFERS, /* a check ran and the answer is no */
};

/* A place in a text file; lines and columns count from 1, line 0 is nowhere. */
struct pos {
	const char *file;
	unsigned line, col;
};

struct err {
	enum err_code code;
	unsigned line, col;
	char file[256];
	char msg[512];
};

#define ERR_INIT                 \
	{                        \
		.code = ERR_NONE \
	}

/* All four return -1, so that "return err_set(...)" reads well.  They truncate
 * what is too long and keep the message one line: control characters and invalid UTF-8 become '?'. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_at(struct err *e, enum err_code code, struct pos at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "cannot VERB PATH: strerror(errno)", ERR_IO; ENOENT and EISDIR while reading are ERR_INPUT. */
int err_sys(struct err *e, const char *verb, const char *path);
/* Prefix what the caller knows and the callee did not: "layer 3: ". */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

void err_print(const struct err *e, FILE *f); /* "file:line:col: message\n", or "dfc-audit: message\n" */
int err_status(enum err_code code);	      /* exit status: 0, 2, 2, 3, 4, 5, 1 in the order above */

_Noreturn void bug_at(const char *file, int line, const char *what);
#define BUG_ON(cond) ((cond) ? bug_at(__FILE__, __LINE__, #cond) : (void)0)

#endif
