#include "flow/raws.h"

#include "base/map.h"

const char *raws_name(const struct spec_source *s, size_t file)
{
	return s->n_files == 1 ? s->path : s->file[file];
}

int raws_err(struct err *e, const struct spec_source *s, size_t file, uint64_t line)
{
	snprintf(e->file, sizeof(e->file), "%s", raws_name(s, file));
	e->line = (unsigned)line;
	if (e->col == 0)
		e->col = 1;
	return -1;
}

/* Lines up to the end or to a separator, as one. */
static int gather(struct raw *out, struct raws *r, struct err *e)
{
	bool first = true;
	struct line l;
	int rc;

	str_clear(&r->whole);
	while ((rc = linefile_next(&l, r->lines, e)) > 0) {
		if (r->src->form == FORM_SEPARATED && view_is(l.text, r->src->separator)) {
			if (!first && r->whole.n > 0)
				break;
			first = true;
			continue;
		}
		if (first && l.text.n == 0)
			continue;
		if (first)
			*out = (struct raw){ .file = r->file, .line = l.number, .offset = l.offset };
		else
			str_addc(&r->whole, '\n');
		first = false;
		if (r->whole.n + l.text.n > DOCUMENT_MOST) {
			err_set(e, ERR_INPUT,
				"the document that begins here is longer than %d MiB, the most that is read of one",
				DOCUMENT_MOST >> 20);
			return raws_err(e, r->src, r->file, out->line);
		}
		str_addv(&r->whole, l.text);
	}
	while (r->whole.n > 0 && r->whole.p[r->whole.n - 1] == '\n')
		r->whole.n--;
	out->text = str_view(&r->whole);
	return rc < 0 ? -1 : r->whole.n > 0;
}

/* Of the file that is open. */
static int next(struct raw *out, struct raws *r, struct err *e)
{
	struct line l;
	int rc;

	if (r->src->form == FORM_FILE || r->src->form == FORM_SEPARATED)
		return gather(out, r, e);
	do
		rc = linefile_next(&l, r->lines, e);
	while (rc > 0 && l.text.n == 0);
	if (rc > 0)
		*out = (struct raw){ l.text, r->file, l.number, l.offset };
	return rc;
}

int raws_next(struct raw *out, struct raws *r, struct err *e)
{
	int rc = 0;

	while (rc == 0 && r->file < r->src->n_files) {
		if (r->lines == NULL && linefile_open(&r->lines, r->src->file[r->file], e) < 0)
			return -1;
		rc = next(out, r, e);
		if (rc == 0) {
			linefile_close(r->lines);
			r->lines = NULL;
			r->file++;
		}
	}
	return rc;
}

double raws_share(const struct raws *r)
{
	double whole = 0, read = 0;

	for (size_t i = 0; i < r->src->n_files; i++) {
		struct err e = ERR_INIT;
		struct file_id id = { .size = 0 };

		if (file_identify(&id, r->src->file[i], &e) == 0)
			whole += (double)id.size;
		if (i < r->file)
			read += (double)id.size;
	}
	if (r->lines != NULL)
		read += (double)linefile_used(r->lines);
	return whole > 0 ? read / whole : 1;
}

void raws_close(struct raws *r)
{
	linefile_close(r->lines);
	r->lines = NULL;
	str_release(&r->whole);
}
