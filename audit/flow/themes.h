#ifndef FLOW_THEMES_H
#define FLOW_THEMES_H

#include "flow/latents.h"
#include "study/label.h"

/*
 * The screen without latents: the held-out texts where the two models' predictions part most, and what those have in common.
 *
 * A text is a document, or a prompt with all its answers.  Its difference is the sum of |gap| over its pairs with at least
 * train.enrich_above nats.  Its words are those such pairs predict, each weighted by |gap| and by how rare the word is,
 * log(words of the corpus / its count).  Texts are taken in the order of their difference; each joins the theme whose first text
 * has the most like words (cosine at least 0.3), or begins one.
 *
 * What the dictionary explains of a theme: the share of its difference at pairs where an exclusive latent that stands out
 * fires, and where any latent of the entry of the ranked list fires that covers most of it.
 */

struct theme_text {
	size_t doc; /* the first of the text's documents */
	size_t theme;
	double gap; /* nats */
};

struct theme {
	const char *label;
	size_t texts;
	double gap, exclusive,
		covered; /* nats: all; where exclusive latents that stand out fire; where the entry's do */
	size_t entry;	 /* of the ranked list, from 1; 0: none fires there */
};

struct themes {
	struct theme_text *text; /* the largest difference first */
	size_t n_texts;
	struct theme *theme; /* the largest difference first */
	size_t n_themes;
	double gap; /* of all texts */
};

/* After latents_rank(). In the job's memory. */
void themes_make(struct themes *out, const struct latents *l, const struct words *w);

#endif
