#ifndef STUDY_LABEL_H
#define STUDY_LABEL_H

#include "base/mem.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Labels: the words that are distinctive for the places where something happens, by log-odds with a
 * Dirichlet prior taken from the corpus (Monroe, Colaresi & Quinn 2008, "Fightin' Words", eq. 16-22).
 * A word is a run of letters, digits and bytes above ASCII, in lower case (ASCII only), at most 24 bytes.
 */

struct words;

/* Counts the words of all documents, so that labels of one corpus share a prior. */
struct words *words_new(const struct corpus *c);
void words_free(struct words *w);

/* How many words the corpus has. */
size_t words_count(const struct words *w);

/* A place: the word that ends at or holds `byte` of a document, with its neighbours. */
struct place {
	uint32_t doc, byte;
};

/* The number, below words_count(), of the word that ends at or holds `byte`; SIZE_MAX: none. rarity: log of the corpus' words
 * over its count. */
size_t words_at(const struct words *w, struct place p, double *rarity);

/* The distinctive words around the places, most first, in `mem`; "" where there is none. */
const char *words_label(struct arena *mem, const struct words *w, const struct place *place, size_t n);
/* The same for whole texts. */
const char *words_label_texts(struct arena *mem, const struct words *w, const struct view *text, size_t n);

#endif
