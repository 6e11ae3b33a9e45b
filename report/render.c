#include "report/render.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/out.h"
#include "report/figure.h"
#include "report/markdown.h"
#include "report/paper.h"
#include "report/template.h"
#include "report/terminal.h"

#include <string.h>

enum {
	DATA_BYTES = 512 << 20,
	DOCUMENTS = 16,	  /* the report and those it links */
	READABLE = 60000, /* characters of a Markdown file that GitHub shows well */
};

struct document {
	struct view name; /* "report.md" */
	struct view text;
	struct node *root;
};

struct picture {
	struct view target; /* "figures/gap.svg" */
	struct scene *scene;
};

struct renderer {
	struct arena mem;
	const struct render_opts *opts;
	const char *dir;
	struct fonts *fonts;
	const struct json *results, *data; /* data: results and, as a member, the provenance */
	struct document document[DOCUMENTS];
	size_t n_documents;
	struct picture *picture;
	size_t n_pictures, cap_pictures;
	const char **file; /* what the template is made of */
	size_t n_files;
};

static const char *within(struct renderer *r, const char *dir, struct view name)
{
	return arena_fmt(&r->mem, "%s/%.*s", dir, (int)name.n, name.p);
}

/* The results' members, and the provenance as one more. */
static const struct json *join(struct arena *mem, const struct json *results, const struct json *provenance)
{
	struct json *root = ARENA_NEW(mem, struct json),
		    *member = ARENA_ARRAY(mem, results->n + 1, struct json);
	size_t n = 0;

	*root = *results;
	for (const struct json *v = results->first; v; v = v->next, n++) {
		member[n] = *v;
		member[n].next = &member[n + 1];
	}
	member[n] = *provenance;
	member[n].key = VIEW("provenance");
	member[n].next = NULL;
	root->first = member;
	root->n = n + 1;
	return root;
}

static int read_data(struct renderer *r, struct err *e)
{
	const struct json *provenance;

	if (r->opts->tree) {
		r->results = r->data = r->opts->tree;
		return 0;
	}
	if (r->opts->data) {
		if (json_read_file(&r->results, &r->mem, within(r, r->dir, view_of(r->opts->data)),
				   DATA_BYTES, e) < 0)
			return -1;
		r->data = r->results;
		return 0;
	}
	if (json_read_file(&r->results, &r->mem, within(r, r->dir, VIEW("results.json")), DATA_BYTES, e) <
		    0 ||
	    json_read_file(&provenance, &r->mem, within(r, r->dir, VIEW("provenance.json")), DATA_BYTES, e) <
		    0)
		return -1;
	if (r->results->kind != JSON_OBJECT || provenance->kind != JSON_OBJECT)
		return err_set(e, ERR_INPUT, "%s/%s.json is %s; an object is wanted", r->dir,
			       r->results->kind == JSON_OBJECT ? "provenance" : "results",
			       json_kind_name(r->results->kind == JSON_OBJECT ? provenance->kind
									      : r->results->kind));
	r->data = join(&r->mem, r->results, provenance);
	return 0;
}

static int add_document(struct renderer *r, struct view name, const char *path, struct err *e)
{
	const struct template_opts opts = { .strict = true, .fonts = r->fonts };
	struct document *d = &r->document[r->n_documents];
	struct str text = STR_INIT;
	int rc = template_fill(&text, path, r->data, &opts, e);

	if (rc == 0) {
		d->name = name;
		d->text = (struct view){ arena_strdup(&r->mem, text.n ? text.p : "", text.n), text.n };
		rc = markdown_read(&d->root, &r->mem, d->text, path, e);
		r->n_documents++;
	}
	str_release(&text);
	return rc;
}

/* A document that is linked and has a template is made too. */
static int follow_link(struct renderer *r, struct view target, struct err *e)
{
	if (!view_ends(target, ".md") || !view_is_name((struct view){ target.p, target.n - 3 }))
		return 0;
	for (size_t i = 0; i < r->n_documents; i++)
		if (view_eq(r->document[i].name, target))
			return 0;
	if (r->n_documents == DOCUMENTS)
		return err_set(e, ERR_SPEC, "more than %d documents linked from one another", (int)DOCUMENTS);
	for (size_t i = 1; i < r->n_files; i++)
		if (view_is(target, path_name(r->file[i])))
			return add_document(r, target, r->file[i], e);
	return 0;
}

static struct picture *find_picture(struct renderer *r, struct view target)
{
	for (size_t i = 0; i < r->n_pictures; i++)
		if (view_eq(r->picture[i].target, target))
			return &r->picture[i];
	return NULL;
}

static int add_picture(struct renderer *r, struct view target, struct err *e)
{
	const size_t folder = sizeof("figures/") - 1, ending = sizeof(".svg") - 1;
	struct view name = { target.p + folder, target.n > folder + ending ? target.n - folder - ending : 0 };
	struct picture p = { .target = target };

	if (find_picture(r, target))
		return 0;
	if (!view_starts(target, "figures/") || !view_ends(target, ".svg") || !view_is_name(name))
		return err_set(e, ERR_SPEC, "the image '%.*s' is none of the figures/NAME.svg", (int)target.n,
			       target.p);
	p.scene = ARENA_NEW(&r->mem, struct scene);
	if (figure_make(p.scene, &r->mem, r->fonts, r->results, name, e) < 0)
		return -1;
	r->picture = mem_grow(r->picture, &r->cap_pictures, r->n_pictures + 1, sizeof(*r->picture));
	r->picture[r->n_pictures++] = p;
	return 0;
}

/* Everything the documents lead to; documents that come on the way are looked at too. */
static int gather(struct renderer *r, struct err *e)
{
	for (size_t i = 0; i < r->n_documents; i++) {
		const struct node *root = r->document[i].root;

		for (const struct node *n = root; n; n = markdown_next(root, n)) {
			if ((n->kind == NODE_LINK && follow_link(r, n->target, e) < 0) ||
			    (n->kind == NODE_IMAGE && add_picture(r, n->target, e) < 0))
				return err_wrap(e, "%.*s: ", (int)r->document[i].name.n,
						r->document[i].name.p);
		}
	}
	return 0;
}

static int write_text(struct renderer *r, const struct document *d, struct err *e)
{
	size_t characters = 0;

	for (size_t i = 0; i < d->text.n; i++)
		characters += ((unsigned char)d->text.p[i] & 0xC0) != 0x80;
	if (characters >= READABLE)
		log_warn("%.*s has %zu characters; GitHub shows up to %d well", (int)d->name.n, d->name.p,
			 characters, (int)READABLE);
	return out_write(within(r, r->dir, d->name), d->text.p, d->text.n, e);
}

static const struct scene *picture_of(void *ud, struct view target)
{
	const struct picture *p = find_picture(ud, target);

	return p ? p->scene : NULL;
}

static int describe(struct paper_info *info, struct renderer *r, struct err *e)
{
	const struct json *provenance = json_find(r->data, "provenance"),
			  *spec = json_find(provenance, "spec");
	const struct json *commit = json_find(spec, "commit_short");
	const char *data = r->opts->data ? r->opts->data : "results.json";
	const struct json *version = json_find(json_find(provenance, "program"), "version");
	struct digest d;
	char hex[65];

	if (digest_file(&d, NULL, within(r, r->dir, view_of(data)), e) < 0)
		return -1;
	digest_hex(hex, d);
	info->title = info->head_left =
		json_text(&r->mem, json_find(r->data, "audit"), "title", "dfc-audit report");
	info->author = version && version->kind == JSON_STRING
			       ? arena_fmt(&r->mem, "dfc-audit %.*s", (int)version->str.n, version->str.p)
			       : "dfc-audit";
	info->subject = arena_fmt(&r->mem, "%s sha256:%s", data, hex);
	info->keywords = "model audit, model diffing, crosscoder";
	info->date = json_text(&r->mem, provenance, "date", NULL);
	info->head_warns = !json_is_true(spec, "committed") || json_is_true(spec, "is_dirty");
	if (!json_is_true(spec, "committed"))
		info->head_right = "UNCOMMITTED SPEC";
	else if (commit && commit->kind == JSON_STRING)
		info->head_right = arena_fmt(
			&r->mem, info->head_warns ? "DIRTY TREE, spec commit %.*s" : "spec commit %.*s",
			(int)commit->str.n, commit->str.p);
	else
		info->head_right = "";
	return 0;
}

static int write_pdf(struct renderer *r, struct err *e)
{
	struct flow flow = { .mem = &r->mem, .fonts = r->fonts, .picture = picture_of, .ud = r };
	struct paper_info info = { 0 };
	struct paper paper;

	if (describe(&info, r, e) < 0)
		return -1;
	for (size_t i = 0; i < r->n_documents; i++)
		flow_add(&flow, r->document[i].root, r->document[i].name, PAPER_X, PAPER_WIDTH);
	if (paper_make(&paper, &r->mem, &flow, &info, e) < 0)
		return -1;
	return paper_pdf(&paper, arena_fmt(&r->mem, "%s/%s.pdf", r->dir, r->opts->name), e);
}

static int write_all(struct renderer *r, struct err *e)
{
	const char *figures = within(r, r->dir, VIEW("figures"));

	/* another template may have had other figures */
	if (dir_remove_tree(figures, e) < 0 || (r->n_pictures && dir_make(figures, e) < 0))
		return -1;
	for (size_t i = 0; i < r->n_pictures; i++)
		if (scene_svg(r->picture[i].scene, within(r, r->dir, r->picture[i].target), e) < 0)
			return -1;
	for (size_t i = 0; i < r->n_documents; i++)
		if (write_text(r, &r->document[i], e) < 0)
			return -1;
	return write_pdf(r, e);
}

int report_render(const char *run_dir, const struct render_opts *o, struct err *e)
{
	struct renderer r = { .mem = ARENA_INIT, .opts = o, .dir = run_dir };
	int rc = -1;

	if (read_data(&r, e) < 0 || fonts_open(&r.fonts, o->fonts, e) < 0 ||
	    template_files(&r.file, &r.n_files, &r.mem, o->template_path, arena_fmt(&r.mem, "%s.md", o->name),
			   e) < 0)
		goto out;
	if (add_document(&r, view_of(arena_fmt(&r.mem, "%s.md", o->name)), o->template_path, e) < 0)
		goto out;
	if (gather(&r, e) < 0)
		goto out;
	rc = write_all(&r, e);
out:
	fonts_close(r.fonts);
	mem_free(r.picture);
	arena_release(&r.mem);
	return rc;
}

int report_text(struct str *out, const char *run_dir, const struct render_opts *o, struct err *e)
{
	struct renderer r = { .mem = ARENA_INIT, .opts = o, .dir = run_dir };
	struct template_opts opts = { .strict = true };
	int rc = -1;

	if (read_data(&r, e) == 0 && fonts_open(&r.fonts, o->fonts, e) == 0) {
		opts.fonts = r.fonts;
		rc = template_fill(out, o->template_path, r.data, &opts, e);
	}
	fonts_close(r.fonts);
	arena_release(&r.mem);
	return rc;
}

int report_lines(struct str *out, const char *run_dir, const struct render_opts *o, bool colour,
		 struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct str text = STR_INIT;
	struct node *root;
	int rc = report_text(&text, run_dir, o, e);

	if (rc == 0)
		rc = markdown_read(&root, &mem, str_view(&text), o->template_path, e);
	if (rc == 0)
		terminal_put(out, root, colour);
	str_release(&text);
	arena_release(&mem);
	return rc;
}
