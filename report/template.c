#include "report/template.h"

#include "base/map.h"
#include "base/sort.h"
#include "report/escape.h"
#include "report/mustache.h"
#include "store/metrics.h"

#include <string.h>

enum {
	PARTIAL_DEPTH = 32,
	FRAMES = PARTIAL_DEPTH * MUSTACHE_DEPTH + 1,
	TEMPLATE_BYTES = 1 << 20,
	OUTPUT_BYTES = 64 << 20,
	STEPS = 50 << 20, /* tags, so that partials that double at each level end in an error */
};

/* A value that names are looked up in, and the path by which it was reached. */
struct frame {
	const struct json *v;
	struct view path;
};

struct filler {
	struct arena mem;
	struct str *out;
	const struct template_opts *opts;
	struct escape escape;
	struct frame *frame; /* the innermost last */
	size_t n_frames, steps;
	unsigned partials;
	struct view folder; /* with its '/', or empty */
};

/* Where a name leads. */
struct place {
	const struct json *v; /* NULL: nowhere */
	struct view path;
	bool label, unit; /* it asked for a word of the number's row */
};

static int fail(const struct mustache *m, const struct tag *t, struct err *e, const char *what)
{
	return err_at(e, ERR_SPEC, mustache_pos(m, t->at), "'%.*s' %s", (int)t->text.n, t->text.p, what);
}

static const struct json *member(const struct json *obj, struct view name)
{
	if (!obj || obj->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *v = obj->first; v; v = v->next)
		if (view_eq(v->key, name))
			return v;
	return NULL;
}

/* A member of an object; of an array, the element of that number ("findings.0"). */
static const struct json *part_of(const struct json *v, struct view name)
{
	uint64_t i;

	if (v && v->kind == JSON_ARRAY && view_u64(&i, name))
		return json_at(v, i);
	return member(v, name);
}

static bool is_number(const struct json *v)
{
	return v && (v->kind == JSON_INTEGER || v->kind == JSON_REAL);
}

static struct view cut(struct view *rest)
{
	const char *dot = memchr(rest->p, '.', rest->n);
	struct view first = { rest->p, dot ? (size_t)(dot - rest->p) : rest->n };

	rest->p += dot ? first.n + 1 : first.n;
	rest->n -= dot ? first.n + 1 : first.n;
	return first;
}

/* The path of a part of what `path` leads to; elements are all one. */
static struct view extend(struct filler *f, struct view path, const struct json *of, struct view part)
{
	if (of && of->kind == JSON_ARRAY)
		return view_of(arena_fmt(&f->mem, "%.*s[]", (int)path.n, path.p));
	if (!path.n)
		return part;
	return view_of(arena_fmt(&f->mem, "%.*s.%.*s", (int)path.n, path.p, (int)part.n, part.p));
}

/* The first part of a dotted name is looked for from the innermost frame outwards, the others only within. */
static struct place find(struct filler *f, struct view name)
{
	struct view rest = name, first;
	struct frame *frame = &f->frame[f->n_frames - 1];
	struct place p = { .v = frame->v, .path = frame->path };

	if (view_is(name, "."))
		return p;
	first = cut(&rest);
	p.v = NULL;
	for (size_t i = f->n_frames; i-- > 0 && !p.v;) {
		p.v = member(f->frame[i].v, first);
		frame = &f->frame[i];
	}
	p.path = extend(f, frame->path, frame->v, first);
	while (p.v && rest.n) {
		struct view part = cut(&rest);
		const struct json *v = part_of(p.v, part);

		if (!v && !rest.n && is_number(p.v) && f->opts->strict) {
			p.label = view_is(part, "label");
			p.unit = view_is(part, "unit");
			if (p.label || p.unit)
				return p;
		}
		p.path = extend(f, p.path, p.v, part);
		p.v = v;
	}
	return p;
}

/* The member name of any frame that looks most like `name`; nothing where none does. */
static struct view nearest(const struct filler *f, struct view name)
{
	struct view best = { "", 0 };
	size_t least = 3;

	for (size_t i = f->n_frames; i-- > 0;) {
		const struct json *obj = f->frame[i].v;

		if (!obj || obj->kind != JSON_OBJECT)
			continue;
		for (const struct json *v = obj->first; v; v = v->next) {
			size_t far = str_distance(v->key, name);

			if (far < least) {
				least = far;
				best = v->key;
			}
		}
	}
	return best;
}

static int fail_unknown(const struct filler *f, const struct mustache *m, const struct tag *t, struct err *e)
{
	struct view rest = t->text, first = cut(&rest), near = nearest(f, first);

	if (near.n && !view_eq(near, first))
		return err_at(e, ERR_SPEC, mustache_pos(m, t->at),
			      "'%.*s' is not in the results; is it %.*s?", (int)t->text.n, t->text.p,
			      (int)near.n, near.p);
	return fail(m, t, e, "is not in the results");
}

static int print_number(struct str *out, const struct filler *f, const struct mustache *m,
			const struct tag *t, struct place p, struct err *e)
{
	const struct metric *row = f->opts->strict ? metric_find(p.path) : NULL;

	if (f->opts->strict && !row)
		return err_at(e, ERR_SPEC, mustache_pos(m, t->at),
			      "the number '%.*s' has no row in the table of metrics", (int)p.path.n,
			      p.path.p);
	if (p.label)
		str_adds(out, row->label);
	else if (p.unit)
		str_adds(out, row->unit);
	else if (row)
		metric_print(out, row, p.v);
	else if (p.v->kind == JSON_INTEGER)
		str_addf(out, "%lld", (long long)p.v->integer);
	else
		metric_print_real(out, &(struct metric){ .format = METRIC_PLAIN }, p.v->real);
	return 0;
}

/* The text of a value, before any escaping. */
static int print_value(struct str *out, struct filler *f, const struct mustache *m, const struct tag *t,
		       struct err *e)
{
	struct place p = find(f, t->text);
	bool strict = f->opts->strict;

	if (!p.v)
		return strict ? fail_unknown(f, m, t, e) : 0;
	switch (p.v->kind) {
	case JSON_NULL: str_adds(out, strict ? "\u2013" : ""); return 0;
	case JSON_FALSE: str_adds(out, strict ? "no" : "false"); return 0;
	case JSON_TRUE: str_adds(out, strict ? "yes" : "true"); return 0;
	case JSON_INTEGER:
	case JSON_REAL: return print_number(out, f, m, t, p, e);
	case JSON_STRING: str_addv(out, p.v->str); return 0;
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	return err_at(e, ERR_SPEC, mustache_pos(m, t->at),
		      "'%.*s' is %s and cannot be printed; {{#%.*s}} opens it", (int)t->text.n, t->text.p,
		      json_kind_name(p.v->kind), (int)t->text.n, t->text.p);
}

/* A value right between two backticks is a code span: then *skip is the byte of the next literal to leave out. */
static int fill_value(struct filler *f, const struct mustache *m, size_t i, size_t *skip, struct err *e)
{
	const struct tag *t = &m->tag[i], *next = i + 1 < m->n ? t + 1 : NULL;
	struct str s = STR_INIT;
	int rc = print_value(&s, f, m, t, e);
	bool ticks = f->out->n && f->out->p[f->out->n - 1] == '`' && next && next->kind == TAG_TEXT &&
		     next->text.n && next->text.p[0] == '`' && !escape_in_block(&f->escape, f->out);

	if (rc == 0 && t->kind == TAG_RAW) {
		escape_none(&f->escape, f->out, str_view(&s));
	} else if (rc == 0 && ticks) {
		f->out->n--;
		escape_code(&f->escape, f->out, str_view(&s));
		*skip = 1;
	} else if (rc == 0) {
		escape_value(&f->escape, f->out, str_view(&s));
	}
	str_release(&s);
	return rc;
}

static int fill_tags(struct filler *f, const struct mustache *m, size_t from, size_t to, struct err *e);

static int fill_within(struct filler *f, const struct mustache *m, size_t i, struct frame frame,
		       struct err *e)
{
	int rc;

	BUG_ON(f->n_frames == FRAMES);
	f->frame[f->n_frames++] = frame;
	rc = fill_tags(f, m, i + 1, m->tag[i].end, e);
	f->n_frames--;
	return rc;
}

static int fill_section(struct filler *f, const struct mustache *m, size_t i, struct err *e)
{
	const struct tag *t = &m->tag[i];
	struct place p = find(f, t->text);
	bool truth = p.v && p.v->kind != JSON_NULL && p.v->kind != JSON_FALSE &&
		     !(p.v->kind == JSON_ARRAY && !p.v->n) && !(p.v->kind == JSON_STRING && !p.v->str.n);
	struct view each;

	if (t->kind == TAG_INVERTED)
		return truth ? 0 : fill_tags(f, m, i + 1, t->end, e);
	if (!truth)
		return 0;
	if (p.v->kind != JSON_ARRAY)
		return fill_within(f, m, i, (struct frame){ p.v, p.path }, e);
	each = view_of(arena_fmt(&f->mem, "%.*s[]", (int)p.path.n, p.path.p));
	for (const struct json *v = p.v->first; v; v = v->next)
		if (fill_within(f, m, i, (struct frame){ v, each }, e) < 0)
			return -1;
	return 0;
}

static int fill_partial(struct filler *f, const struct mustache *m, const struct tag *t, struct err *e)
{
	const char *path =
		arena_fmt(&f->mem, "%.*s%.*s.md", (int)f->folder.n, f->folder.p, (int)t->text.n, t->text.p);
	struct mustache part;
	struct view text;
	int rc;

	if (!view_is_name(t->text))
		return fail(m, t, e, "is no name of a partial: letters, digits, '-' and '_'");
	if (!path_is_file(path))
		return f->opts->strict
			       ? fail(m, t, e, "is not beside the template as a file with the ending .md")
			       : 0;
	if (f->partials == PARTIAL_DEPTH)
		return fail(m, t, e, "is included more than 32 levels deep");
	if (file_read(&text, &f->mem, path, TEMPLATE_BYTES, e) < 0 ||
	    mustache_parse_indented(&part, &f->mem, text, t->indent, path, e) < 0)
		return -1;
	f->partials++;
	rc = fill_tags(f, &part, 0, part.n, e);
	f->partials--;
	return rc;
}

static int fill_tag(struct filler *f, const struct mustache *m, size_t i, size_t *skip, struct err *e)
{
	const struct tag *t = &m->tag[i];
	size_t skipped = *skip;

	*skip = 0;
	if (++f->steps > STEPS || f->out->n > OUTPUT_BYTES)
		return fail(
			m, t, e,
			"comes when the document is beyond any measure; do partials include one another?");
	switch (t->kind) {
	case TAG_TEXT:
		escape_none(&f->escape, f->out, (struct view){ t->text.p + skipped, t->text.n - skipped });
		return 0;
	case TAG_VALUE:
	case TAG_RAW: return fill_value(f, m, i, skip, e);
	case TAG_SECTION:
	case TAG_INVERTED: return fill_section(f, m, i, e);
	case TAG_PARTIAL: return fill_partial(f, m, t, e);
	case TAG_CLOSE: return 0;
	}
	return 0;
}

/* Bounded: sections nest MUSTACHE_DEPTH deep in a file, files PARTIAL_DEPTH deep in one another. */
static int fill_tags(struct filler *f, const struct mustache *m, size_t from, size_t to, struct err *e)
{
	size_t skip = 0;

	for (size_t i = from; i < to; i++) {
		const struct tag *t = &m->tag[i];

		if (fill_tag(f, m, i, &skip, e) < 0)
			return -1;
		if (t->kind == TAG_SECTION || t->kind == TAG_INVERTED)
			i = t->end;
	}
	return 0;
}

/* With its '/', or empty. */
static struct view folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return (struct view){ file, slash ? (size_t)(slash - file) + 1 : 0 };
}

int template_fill_text(struct str *out, struct view text, const char *file, const struct json *data,
		       const struct template_opts *o, struct err *e)
{
	struct filler f = {
		.mem = ARENA_INIT, .out = out, .opts = o, .escape = { .fonts = o->fonts }, .n_frames = 1
	};
	struct mustache m;
	int rc;

	f.escape.seen = out->n;
	f.folder = folder_of(file);
	f.frame = ARENA_ARRAY(&f.mem, FRAMES, struct frame);
	f.frame[0] = (struct frame){ data, { "", 0 } };
	rc = mustache_parse(&m, &f.mem, text, file, e);
	if (rc == 0)
		rc = fill_tags(&f, &m, 0, m.n, e);
	arena_release(&f.mem);
	return rc;
}

int template_fill(struct str *out, const char *path, const struct json *data, const struct template_opts *o,
		  struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct view text;
	int rc = file_read(&text, &mem, path, TEMPLATE_BYTES, e);

	if (rc == 0)
		rc = template_fill_text(out, text, path, data, o, e);
	arena_release(&mem);
	return rc;
}

/* ---- what a template is made of ---- */

struct files {
	struct arena *mem;
	const char **path;
	size_t n, cap;
	struct view folder, own;
};

/* NAME.md beside the template; what cannot be a name, is not there or is listed already is none. */
static void files_add(struct files *f, struct view name)
{
	const char *path =
		arena_fmt(f->mem, "%.*s%.*s.md", (int)f->folder.n, f->folder.p, (int)name.n, name.p);

	if (!view_is_name(name) || !path_is_file(path))
		return;
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->path[i], path) == 0)
			return;
	f->path = mem_grow(f->path, &f->cap, f->n + 1, sizeof(*f->path));
	f->path[f->n++] = path;
}

/* "](NAME.md)" */
static void files_add_links(struct files *f, struct view text)
{
	const size_t mark = sizeof("](") - 1, ending = sizeof(".md") - 1;

	for (size_t i = 0; i + mark <= text.n; i++) {
		struct view target = { text.p + i + mark, 0 };

		if (text.p[i] != ']' || text.p[i + 1] != '(')
			continue;
		while (i + mark + target.n < text.n && target.p[target.n] != ')')
			target.n++;
		if (i + mark + target.n < text.n && view_ends(target, ".md") && !view_eq(target, f->own))
			files_add(f, (struct view){ target.p, target.n - ending });
	}
}

static int files_follow(struct files *f, const char *path, struct err *e)
{
	struct mustache m;
	struct view text;

	if (file_read(&text, f->mem, path, TEMPLATE_BYTES, e) < 0 ||
	    mustache_parse(&m, f->mem, text, path, e) < 0)
		return -1;
	for (size_t i = 0; i < m.n; i++) {
		if (m.tag[i].kind == TAG_PARTIAL)
			files_add(f, m.tag[i].text);
		else if (m.tag[i].kind == TAG_TEXT)
			files_add_links(f, m.tag[i].text);
	}
	return 0;
}

static int by_path(const void *a, const void *b, void *ud)
{
	(void)ud;
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int template_files(const char ***out, size_t *n, struct arena *mem, const char *path, const char *own,
		   struct err *e)
{
	struct files f = { .mem = mem, .folder = folder_of(path), .own = view_of(own) };
	int rc = 0;

	f.path = mem_grow(NULL, &f.cap, 1, sizeof(*f.path));
	f.path[f.n++] = arena_strdup(mem, path, strlen(path));
	for (size_t i = 0; i < f.n && rc == 0; i++)
		rc = files_follow(&f, f.path[i], e);
	sort_stable(f.path + 1, f.n - 1, sizeof(*f.path), by_path, NULL);
	*n = f.n;
	*out = ARENA_ARRAY(mem, f.n, const char *);
	memcpy(*out, f.path, f.n * sizeof(*f.path));
	mem_free(f.path);
	return rc;
}
