#ifndef FLOW_ANSWERS_H
#define FLOW_ANSWERS_H

#include "base/par.h"
#include "flow/reader.h"
#include "flow/rollouts.h"
#include "model/generate.h"
#include "model/model.h"

/*
 * One model answering prompts, as each source says: greedily or by seeded sampling, as a chat or going on from plain text.
 */

struct answerer {
	const struct spec *spec;
	struct model *model;
	struct session *session;
	struct reader reader;
};

int answerer_open(struct answerer *out, struct arena *mem, const struct spec *s, enum side side,
		  struct par *par, struct err *e);
void answerer_close(struct answerer *a);
struct said {
	struct prompt prompt; /* as the model read it */
	struct continuation answer;
};

/* out[0..n) in `mem`. number: of r[0] among all prompts, which sampling draws by. */
int answerer_run(struct said *out, struct arena *mem, const struct answerer *a, const struct rollout *r,
		 size_t n, size_t number, struct err *e);
/* Adds the text of an answer: NFC, special tokens left out. That of a chat is a message of its own; what goes on from plain
 * text is text behind it. */
int answerer_text(struct str *out, const struct answerer *a, const struct rollout *asked,
		  const struct said *said, struct err *e);

/* The session it answers in. */
struct session_opts answerer_session(const struct spec *s);

#endif
