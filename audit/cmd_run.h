#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd.h"

/*
 * What the commands that make or look at runs share.
 */

/* The template: what was asked for, else the spec's (which may be NULL), else the one that came with the program. */
const char *call_template(const struct call *c, const struct spec *s, const char *asked);
/* The documents of a run directory, and its MANIFEST. */
int call_render(const struct call *c, const char *dir, const char *template_path, struct err *e);
int call_backend(const struct call *c, const struct spec *s, struct err *e);

#endif
