#ifndef FLOW_RESULTS_REPORT_H
#define FLOW_RESULTS_REPORT_H

#include "flow/stage.h"

/*
 * The members of results.json that the stages know, from the last one's point of view: verdict, models, corpus, harvest,
 * training, latents, findings, screen.  docs/formats.md says what each holds.
 */
int results_report(struct json_out *j, const struct job *job, struct err *e);

#endif
