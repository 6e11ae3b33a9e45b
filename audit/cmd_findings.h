#ifndef CMD_FINDINGS_H
#define CMD_FINDINGS_H

#include "cmd.h"

/* What `show findings` prints, from a run's results.json and nothing else. */
int show_findings(const struct call *c, const char *run, bool json, struct err *e);

#endif
