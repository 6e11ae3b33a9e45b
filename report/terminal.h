#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include "base/str.h"
#include "report/markdown.h"

#include <stdbool.h>

/*
 * A document as lines of text: paragraphs wrapped, tables in columns.  Only what fits a terminal; the words are those of
 * the Markdown, and `colour` adds weight to headings and nothing that is not also said in words.
 */

enum { TERMINAL_WIDTH = 100, TERMINAL_CELL = 48 };

void terminal_put(struct str *out, const struct node *root, bool colour);

#endif
