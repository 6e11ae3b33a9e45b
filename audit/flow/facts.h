#ifndef FLOW_FACTS_H
#define FLOW_FACTS_H

#include "flow/harvested.h"
#include "flow/stage.h"

/*
 * What a reader wants to know of a harvest before believing what was made of it: how large, how the rows
 * divide, how long the vectors are and how often the two models go on differently.  harvest.json.
 */
int facts_write(const struct harvested *h, const struct job *job, struct err *e);

#endif
