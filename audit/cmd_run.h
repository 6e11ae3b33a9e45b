#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd.h"
#include "base/par.h"
#include "flow/plan.h"
#include "flow/provenance.h"

/*
 * What the commands that make or look at runs share.
 */

/* The template: what was asked for, else the spec's (which may be NULL), else the one that came with the program. */
const char *call_template(const struct call *c, const struct spec *s, const char *asked);
/* The files it is made of; s and asked as above. */
int call_template_files(const struct named_file **out, size_t *n, const struct call *c, const struct spec *s,
			const char *asked, struct err *e);
/* An audit, to its sealed run directory, which is `dir` in the call's memory. */
struct audit_opts {
	const char *cache;	   /* NULL: the host's */
	const char *out;	   /* NULL: runs/NAME-KEY */
	const char *template_path; /* as for call_template() */
	bool allow_dirty;
	struct comm *
		comm; /* ranks that take part; of others than rank 0 `dir` is NULL; NULL: this process alone */
	const struct provenance *prov; /* NULL: where the spec stands now */
	const struct plan *plan;       /* NULL: made here, for the same cache and template */
};
int call_audit(const char **dir, const struct call *c, const struct spec *s, const struct audit_opts *o,
	       struct par *par, struct err *e);
/* Appends a text to the summary of a CI job where there is one; what cannot be written is a warning. */
void call_summarise(const struct call *c, struct view text);
/* The audits of further blocks in a run directory: layers/NAME, in c->mem. */
int call_layers(char ***dir, size_t *n, const struct call *c, const char *run_dir, struct err *e);
/* The documents of a run directory and of those, and their MANIFESTs. */
int call_render(const struct call *c, const char *dir, const char *template_path, struct err *e);

#endif
