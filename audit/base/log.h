#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The talk: notes and progress to stderr, and the only clock of the program.
 * stdout is the product and is never written here.
 */

enum log_mode { LOG_AUTO, LOG_LINES, LOG_JSON, LOG_NEVER };

/* Auto: a line that rewrites itself where stderr is a terminal, plain lines otherwise. */
void log_open(enum log_mode mode);
/* Notes also go to a new file at `path` from now on; NULL: no longer. */
int log_copy(const char *path, struct err *e);
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Progress of a stage: at most some lines a second reach the screen, the last (done == total) always.
 * `detail` is a short text ("812 tokens/s"), or NULL. */
void log_progress(const char *stage, uint64_t done, uint64_t total, const char *detail);

/* The same, with a rate of its own: tokens a second, in the JSON event a member. */
void log_pace(const char *stage, uint64_t done, uint64_t total, double tokens_per_second, const char *detail);

/* Seconds since an arbitrary start. For progress, timings and bench only. */
double log_clock(void);

#endif
