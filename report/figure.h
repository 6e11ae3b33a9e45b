#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include "base/err.h"
#include "base/json.h"
#include "report/scene.h"

/*
 * The figures of an audit, made from results.json alone.  A template asks for one by the name of its file:
 *
 *	training-SEED   loss, variance explained, active and dead latents over the steps of one training
 *	gap             how far apart the two models' predictions are, over all pairs
 *	columns         base-only | shared | candidate-only: the first cards of each
 *	relevance       the relevance of every exclusive latent, in rank order
 *	contexts-LATENT where a latent of the cards fires, token by token
 *	dose-FINDING    contrast score against dose, with the bands of the controls
 */

enum { FIGURE_WIDTH = 482 }; /* points: the column of text on paper */

/* `name` without folder and ending.  No such figure: ERR_SPEC, naming those there are. */
int figure_make(struct scene *out, struct arena *mem, const struct fonts *f, const struct json *results,
		struct view name, struct err *e);

/* Its kinds. `id`: what stands behind the dash. */
int figure_training(struct scene *s, const struct json *results, struct view id, struct err *e);
int figure_gap(struct scene *s, const struct json *results, struct view id, struct err *e);
int figure_columns(struct scene *s, const struct json *results, struct view id, struct err *e);
int figure_relevance(struct scene *s, const struct json *results, struct view id, struct err *e);
int figure_contexts(struct scene *s, const struct json *results, struct view id, struct err *e);
int figure_dose(struct scene *s, const struct json *results, struct view id, struct err *e);

/* What they share: a member that is a number (false where it is null, absent or none); its words by the table of
 * metrics; a string, empty where there is none. */
bool figure_real(double *out, const struct json *obj, const char *key);
const char *figure_number(struct arena *mem, const struct json *obj, const char *key, const char *path,
			  bool unit);
struct view figure_text(const struct json *obj, const char *key);

#endif
