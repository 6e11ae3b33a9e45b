#ifndef CMD_MODEL_H
#define CMD_MODEL_H

#include "cmd.h"

/* What `show model` prints of a model folder; its weights may be missing. */
int show_model(const struct call *c, const char *dir, bool json, struct err *e);

#endif
