#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "report/scene.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * From a run to its documents.  A run directory's results.json and provenance.json, and a template, become
 * report.md, the further Markdown files it links, the figures/NAME.svg they show, and report.pdf, which is that
 * Markdown set on paper.  Each file is whole or absent, and is a function of the three inputs and the fonts alone.
 */

struct render_opts {
	const char *
		template_path; /* templates/report.md; its folder has the partials and the further documents */
	const char *fonts;     /* folder of the faces */
	const char *name;      /* "report": NAME.md, NAME.pdf */
	const char *data;      /* a file of the folder that is all there is to tell; NULL: a run's two */
	const struct json *tree; /* the same, read already; NULL: from the folder */
};

int report_render(const char *run_dir, const struct render_opts *o, struct err *e);
/* The template alone, filled: as Markdown, and as lines for a terminal. */
int report_text(struct str *out, const char *run_dir, const struct render_opts *o, struct err *e);
int report_lines(struct str *out, const char *run_dir, const struct render_opts *o, bool colour,
		 struct err *e);

/* The painters.  They copy what was laid out. */
struct paper;
int scene_svg(const struct scene *s, const char *path, struct err *e);
int paper_pdf(const struct paper *p, const char *path, struct err *e);

#endif
