#ifndef CMD_STORE_H
#define CMD_STORE_H

#include "cmd.h"

/* A store of activations in the cache: every byte checked, and what it holds. */
int show_store(const struct call *c, const char *dir, bool json, struct err *e);

#endif
