#include "flow/spec.h"

#include "base/map.h"
#include "base/out.h"
#include "base/str.h"
#include "flow/files.h"
#include "model/matcher.h"

#include <stdarg.h>
#include <string.h>

/* What a table cannot say: paths that must exist, fields that must fit each other. */

struct checker {
	struct spec *spec;
	const struct yaml *root;
	struct arena *mem;
	struct problems *problems;
	bool ahead; /* what is not there yet is no problem */
};

/* The value a dotted path names, or the nearest thing above it that the spec has. */
static const struct yaml *nearest(const struct yaml *root, const char *path)
{
	const struct yaml *at = root;

	while (*path) {
		size_t n = strcspn(path, ".");
		const struct yaml *m = at->kind == YAML_MAP ? at->first : NULL;

		while (m && !view_eq(m->key, (struct view){ path, n }))
			m = m->next;
		if (!m)
			break;
		at = m;
		path += n + (path[n] == '.');
	}
	return at;
}

static struct pos place(const struct yaml *y)
{
	return y->kind == YAML_SCALAR || y->key.n == 0 ? y->at : y->key_at;
}

/* Is what stands there already among the problems? Then what follows from it is not. */
static bool faulty(const struct checker *c, struct pos at)
{
	for (size_t i = 0; i < c->problems->n; i++)
		if (c->problems->item[i].line == at.line && c->problems->item[i].col == at.col)
			return true;
	return false;
}

/* The same of a field's nearest value. A map stands for what it leaves out, which has the default and no fault. */
static bool nearest_faulty(const struct checker *c, const struct yaml *y)
{
	return y->kind != YAML_MAP && faulty(c, place(y));
}

static void PRINTF_LIKE(3, 4) problem_at(struct checker *c, struct pos at, const char *fmt, ...)
{
	char msg[sizeof(((struct err *)0)->msg)];
	struct err e = ERR_INIT;
	va_list args;

	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	err_at(&e, ERR_SPEC, at, "%s", msg);
	problems_add(c->problems, &e);
}

/* Requires `ok` of two fields; says nothing where one of them is wrong by itself. */
static void require(struct checker *c, bool ok, const char *path, const char *other, const char *msg)
{
	const struct yaml *at = nearest(c->root, path);

	if (!ok && !nearest_faulty(c, at) && !nearest_faulty(c, nearest(c->root, other)))
		problem_at(c, place(at), "%s: %s", path, msg);
}

/* ---- paths ---- */

static const char *folder_of(struct arena *mem, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strdup(mem, path, (size_t)(slash - path));
}

/* The last part of a path, trailing slashes aside: what a model is called when nobody named it. */
static const char *last_part(struct arena *mem, const char *path)
{
	size_t n = strlen(path), first;

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (first = n; first > 0 && path[first - 1] != '/'; first--)
		;
	return arena_strdup(mem, path + first, n - first);
}

static void check_model(struct checker *c, struct spec_model *m, const char *which)
{
	const struct yaml *y = nearest(c->root, arena_fmt(c->mem, "models.%s.path", which));
	static const char *const needed[] = { "config.json", "tokenizer.json" };

	if (!m->path) {
		m->name = m->name ? m->name : which;
		return;
	}
	m->dir = files_resolve(c->mem, c->spec->dir, m->path);
	if (!m->name)
		m->name = last_part(c->mem, m->path);
	if (path_is_file(m->dir)) {
		problem_at(c, y->at, "models.%s.path: %s is a file; a Hugging Face model folder is needed%s",
			   which, m->path, view_ends(view_of(m->path), ".gguf") ? " (GGUF is not read)" : "");
		return;
	}
	if (!path_is_dir(m->dir)) {
		problem_at(c, y->at, "models.%s.path: there is no folder %s", which, m->dir);
		return;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(c->ahead && i > 0) && !path_is_file(arena_fmt(c->mem, "%s/%s", m->dir, needed[i])))
			problem_at(c, y->at,
				   "models.%s.path: %s has no %s; a Hugging Face model folder is needed",
				   which, m->dir, needed[i]);
}

/* Compared in pairs; activations from elsewhere are of one block. */
static void check_layers(struct checker *c)
{
	const struct spec *s = c->spec;
	const struct spec_model *more = s->base.n_more >= s->candidate.n_more ? &s->base : &s->candidate;
	const struct yaml *y = nearest(c->root, more == &s->base ? "models.base.more_layers"
								 : "models.candidate.more_layers");

	if (s->base.n_more != s->candidate.n_more)
		problem_at(
			c, y->at,
			"more_layers: %zu of the base and %zu of the candidate; each is compared with one of the "
			"other model, so as many are needed of both",
			s->base.n_more, s->candidate.n_more);
	else if (more->n_more > 0 && s->activations.path[0])
		problem_at(
			c, y->at,
			"more_layers: activations are those of one block; an audit of others needs the models");
}

static const struct yaml *element(const struct yaml *list, size_t i)
{
	const struct yaml *y = list->first;

	while (y && i-- > 0)
		y = y->next;
	return y ? y : list;
}

static void check_file(struct checker *c, const char *file, const struct yaml *y, const char *name)
{
	struct err none = ERR_INIT;
	struct file_id id;

	if (path_is_dir(file))
		problem_at(c, y->at, "%s: %s is a folder; a file is needed", name, file);
	else if (!path_is_file(file) && file_identify(&id, file, &none) == 0)
		problem_at(c, y->at, "%s: %s is a device or a pipe; a file is needed", name, file);
	else if (!c->ahead && !path_is_file(file))
		problem_at(c, y->at, "%s: there is no file %s", name, file);
}

static void check_resolved(struct checker *c, const char **file, const char *path, const struct yaml *y,
			   const char *name)
{
	*file = files_resolve(c->mem, c->spec->dir, path);
	check_file(c, *file, y, name);
}

static const char *const form_word[] = { "auto", "jsonl", "lines", "file", "separated" };

static enum source_form form_of(struct view path)
{
	static const char *const packed[] = { ".gz", ".zst" }, *const jsonl[] = { ".jsonl", ".ndjson",
										  ".json" };

	for (size_t i = 0; i < 2; i++) {
		if (view_ends(path, packed[i])) {
			path.n -= strlen(packed[i]);
			break;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		if (view_ends(path, jsonl[i]))
			return FORM_JSONL;
	}
	return FORM_LINES;
}

/* What it names, each of it a file. Where a document's form is not said, it is the same for all. */
static void check_source_files(struct checker *c, size_t i)
{
	const struct yaml *y = nearest(element(nearest(c->root, "corpus.sources"), i), "path");
	const char *name = arena_fmt(c->mem, "corpus.sources[%zu].path", i);
	struct spec_source *s = &c->spec->corpus.source[i];
	struct err why = ERR_INIT;

	if (!s->path)
		return;
	if (files_find(s, c->mem, c->spec->dir, &why) < 0) {
		problem_at(c, y->at, "%s: %s", name, why.msg);
		return;
	}
	for (size_t k = 0; k < s->n_files; k++) {
		check_file(c, s->file[k], y, name);
		if (s->form != FORM_AUTO || form_of(view_of(s->file[k])) == form_of(view_of(s->file[0])))
			continue;
		problem_at(
			c, y->at,
			"corpus.sources[%zu].format: %s and %s would be read in two ways; say jsonl, lines, file or "
			"separated",
			i, files_name(c->mem, s, 0), files_name(c->mem, s, k));
		break;
	}
	if (s->form == FORM_AUTO)
		s->form = s->n_files > 0 ? form_of(view_of(s->file[0])) : FORM_LINES;
}

static void check_source(struct checker *c, size_t i)
{
	static const char *const members[] = { "text", "messages", "prompt" };
	const struct yaml *y = element(nearest(c->root, "corpus.sources"), i);
	struct spec_source *s = &c->spec->corpus.source[i];

	if (!s->field)
		s->field = members[s->kind];
	check_source_files(c, i);
	if (s->path && s->kind == SOURCE_CHATS && s->form != FORM_JSONL)
		problem_at(c, nearest(y, "path")->at,
			   "corpus.sources[%zu].path: chats are read from JSON Lines; %s should "
			   "end in .jsonl, or format be jsonl",
			   i, s->path);
	else if (s->form == FORM_SEPARATED && !s->separator)
		problem_at(
			c, nearest(y, "format")->at,
			"corpus.sources[%zu].format: documents are separated by what line? say it in separator",
			i);
	else if (s->form != FORM_SEPARATED && s->separator)
		problem_at(c, nearest(y, "separator")->at,
			   "corpus.sources[%zu].separator: only where format is separated, and it is %s", i,
			   form_word[s->form]);
}

static const double shares_slack = 1e-6;

/* All sources have a share, or none; and shares add up to the whole. */
static void check_shares(struct checker *c)
{
	const struct spec *s = c->spec;
	const struct yaml *list = nearest(c->root, "corpus.sources");
	size_t asked = 0;
	double sum = 0;

	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		asked += s->corpus.source[i].share > 0;
		sum += s->corpus.source[i].share;
	}
	if (asked == 0)
		return;
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		if (s->corpus.source[i].share == 0)
			problem_at(c, element(list, i)->at,
				   "corpus.sources[%zu].share: other sources have one; all have, or none", i);
	}
	if (asked == s->corpus.n_sources && (sum < 1 - shares_slack || sum > 1 + shares_slack))
		problem_at(c, list->at, "corpus.sources: the shares add up to %g; they are of a whole, 1",
			   sum);
}

/* ---- texts with a form ---- */

static void check_name(struct checker *c)
{
	const char *name = c->spec->name;
	const struct yaml *y = nearest(c->root, "name");

	if (!name)
		return;
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' || name[0] == '-')
		problem_at(c, y->at,
			   "name: %s holds more than small letters, digits and - (and begins with no -)",
			   name);
}

static bool is_date(const char *s)
{
	static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint64_t y, m, d;

	return strlen(s) == 10 && s[4] == '-' && s[7] == '-' && view_u64(&y, (struct view){ s, 4 }) &&
	       view_u64(&m, (struct view){ s + 5, 2 }) && view_u64(&d, (struct view){ s + 8, 2 }) && m >= 1 &&
	       m <= 12 && d >= 1 && d <= days[m - 1] &&
	       (m != 2 || d < 29 || (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)));
}

/* ---- fields that must fit each other ---- */

static void check_dictionary(struct checker *c)
{
	const struct spec *s = c->spec;
	const struct train_opts *t = &s->train;
	struct arena *mem = c->mem;

	require(c, t->k <= s->dictionary.latents, "train.k", "dictionary.latents",
		arena_fmt(mem, "%zu is above dictionary.latents, %zu", t->k, s->dictionary.latents));
	require(c, t->k_start <= s->dictionary.latents, "train.k_start", "dictionary.latents",
		arena_fmt(mem, "%zu is above dictionary.latents, %zu", t->k_start, s->dictionary.latents));
	require(c, t->k_start >= t->k, "train.k_start", "train.k",
		arena_fmt(mem, "%zu is below train.k, %zu; k falls, or stays", t->k_start, t->k));
	require(c, t->k_anneal <= t->steps, "train.k_anneal", "train.steps",
		arena_fmt(mem, "%zu is above train.steps, %zu; k would never come down", t->k_anneal,
			  t->steps));
	require(c, t->warmup <= t->steps, "train.warmup", "train.steps",
		arena_fmt(mem, "%zu is above train.steps, %zu", t->warmup, t->steps));
	require(c, t->threshold_from < t->steps, "train.threshold_from", "train.steps",
		arena_fmt(mem, "%zu is not below train.steps, %zu; there would be no threshold",
			  t->threshold_from, t->steps));
	require(c, t->enrich == 0 || s->harvest.gap, "train.enrich", "harvest.gap",
		"it draws by the prediction gap, which harvest.gap: false does not measure; write enrich: 0");
	for (size_t i = 0; i < s->dictionary.n_seeds; i++)
		for (size_t j = 0; j < i; j++)
			if (s->dictionary.seed[i] == s->dictionary.seed[j])
				problem_at(c, element(nearest(c->root, "dictionary.seeds"), i)->at,
					   "dictionary.seeds[%zu]: %llu stands at [%zu] already", i,
					   (unsigned long long)s->dictionary.seed[i], j);
}

static void check_doses(struct checker *c)
{
	const struct spec *s = c->spec;
	const struct yaml *y = nearest(c->root, "steer.doses");
	bool less = false, none = false, more = false;

	for (size_t i = 0; i < s->steer.n_doses; i++)
		if (faulty(c, element(y, i)->at))
			return;
	for (size_t i = 0; i < s->steer.n_doses; i++) {
		less |= s->steer.dose[i] < 0;
		none |= s->steer.dose[i] == 0;
		more |= s->steer.dose[i] > 0;
		if (i > 0 && s->steer.dose[i] <= s->steer.dose[i - 1]) {
			problem_at(c, element(y, i)->at,
				   "steer.doses[%zu]: doses increase, and this one does not", i);
			return;
		}
	}
	if (!(less && none && more) && !faulty(c, y->at))
		problem_at(c, y->at, "steer.doses: no %s among them",
			   !none  ? "0, the unsteered model,"
			   : less ? "positive dose"
				  : "negative dose");
}

/* With activations there need be no models and no text: that they are missing is no problem then. */
static void forgive(struct problems *p, const char *path)
{
	size_t kept = 0, n = strlen(path);

	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->item[i].msg, path, n) != 0 ||
		    strncmp(p->item[i].msg + n, ": missing;", 10) != 0)
			p->item[kept++] = p->item[i];
	p->n = kept;
}

static void check_activations(struct checker *c)
{
	static const char *const path[] = { "activations.base", "activations.candidate" };
	static const char *const needless[] = { "models.base.path", "models.candidate.path",
						"corpus.sources" };
	struct spec *s = c->spec;

	if (!s->activations.path[0] && !s->activations.path[1])
		return;
	for (size_t i = 0; i < 3; i++)
		forgive(c->problems, needless[i]);
	for (size_t i = 0; i < 2; i++) {
		const struct yaml *y = nearest(c->root, path[i]);

		if (s->activations.path[i])
			check_resolved(c, &s->activations.file[i], s->activations.path[i], y, path[i]);
		else
			problem_at(c, place(y), "%s: missing; both sides are imported, or none", path[i]);
	}
	require(c, s->corpus.n_sources == 0, "corpus.sources", "activations",
		"activations come with a corpus of their own; leave one of the two out");
	require(c, !s->steer.enabled, "steer.enabled", "activations",
		"steering runs the models on prompts, which activations from elsewhere do not have; write "
		"steer: {enabled: false}");
	require(c, !s->harvest.no_store, "harvest.store", "activations",
		"rows can be made anew by the models only; activations from elsewhere are stored");
}

static void check_behaviours(struct checker *c)
{
	const struct yaml *list = nearest(c->root, "behaviours");

	for (size_t i = 0; i < c->spec->n_behaviours; i++) {
		const struct spec_behaviour *b = &c->spec->behaviour[i];
		struct matcher *m;
		struct err why = ERR_INIT;

		if (b->regex == NULL)
			continue;
		if (matcher_open(&m, b->regex, &why) < 0)
			problem_at(c, element(list, i)->at, "behaviours[%zu].regex: %s", i, why.msg);
		else
			matcher_close(m);
		if ((b->shows == NULL) != (b->instead == NULL))
			problem_at(c, element(list, i)->at,
				   "behaviours[%zu]: shows and instead are compared; one of them is missing",
				   i);
	}
}

static void check_hidden(struct checker *c)
{
	const struct yaml *list = nearest(c->root, "report.hide");

	for (size_t i = 0; i < c->spec->report.hide.n_patterns; i++) {
		struct err why = ERR_INIT;
		struct matcher *m;

		if (matcher_open(&m, c->spec->report.hide.pattern[i], &why) < 0)
			problem_at(c, element(list, i)->at, "report.hide[%zu]: %s", i, why.msg);
		else
			matcher_close(m);
	}
}

static void check_steer(struct checker *c)
{
	const struct spec *s = c->spec;
	bool rollouts = false;

	for (size_t i = 0; i < s->corpus.n_sources; i++)
		rollouts |= s->corpus.source[i].kind == SOURCE_ROLLOUTS;
	require(c, s->steer.off_below <= s->steer.on_above, "steer.off_below", "steer.on_above",
		"above steer.on_above: a prompt would be ON and OFF at once");
	check_doses(c);
	check_behaviours(c);
	if (!s->steer.enabled || s->activations.path[0])
		return;
	require(c, s->harvest.gap, "steer.enabled", "harvest.gap",
		"it finds its prompts by the prediction gap, which harvest.gap: false does not measure");
	if (s->corpus.n_sources > 0)
		require(c, rollouts, "steer.enabled", "corpus.sources",
			"steering needs prompts that both models answered; add a source of kind rollouts, or "
			"write steer: {enabled: false}");
}

static int parse(struct spec *out, struct arena *mem, struct view text, const char *path, bool ahead,
		 struct problems *p)
{
	struct checker c = { .spec = out, .mem = mem, .problems = p, .ahead = ahead };
	struct err e = ERR_INIT;

	memset(out, 0, sizeof(*out));
	out->path = path;
	out->dir = folder_of(mem, path);
	out->text = text;
	out->digest = digest_of(text.p, text.n);
	if (yaml_read(&c.root, mem, text, path, &e) < 0) {
		problems_add(p, &e);
		return -1;
	}
	field_read(out, spec_fields, c.root, mem, p);
	check_name(&c);
	check_activations(&c);
	check_model(&c, &out->base, "base");
	check_model(&c, &out->candidate, "candidate");
	check_layers(&c);
	for (size_t i = 0; i < out->corpus.n_sources; i++)
		check_source(&c, i);
	if (out->corpus.date && !is_date(out->corpus.date))
		problem_at(&c, nearest(c.root, "corpus.date")->at,
			   "corpus.date: %s is no date; write YYYY-MM-DD", out->corpus.date);
	if (out->report.template_path)
		check_resolved(&c, &out->report.template_file, out->report.template_path,
			       nearest(c.root, "report.template"), "report.template");
	check_shares(&c);
	check_hidden(&c);
	check_dictionary(&c);
	check_steer(&c);
	problems_sort(p);
	return p->n ? -1 : 0;
}

int spec_parse(struct spec *out, struct arena *mem, struct view text, const char *path, struct problems *p)
{
	return parse(out, mem, text, path, false, p);
}

static int read_file(struct spec *out, struct arena *mem, const char *path, bool ahead, struct problems *p)
{
	struct err e = ERR_INIT;
	struct view text;

	memset(out, 0, sizeof(*out));
	if (file_read(&text, mem, path, YAML_BYTES, &e) < 0) {
		problems_add(p, &e);
		return -1;
	}
	return parse(out, mem, text, path, ahead, p);
}

int spec_read(struct spec *out, struct arena *mem, const char *path, struct problems *p)
{
	return read_file(out, mem, path, false, p);
}

int spec_read_ahead(struct spec *out, struct arena *mem, const char *path, struct problems *p)
{
	return read_file(out, mem, path, true, p);
}

int spec_layer(size_t *out, const struct spec_model *m, int64_t layer, size_t n_layers, struct err *e)
{
	if (layer >= 0 && (uint64_t)layer >= n_layers)
		return err_at(e, ERR_SPEC, m->at, "layer %lld: %s has %zu blocks, 0 to %zu", (long long)layer,
			      m->path, n_layers, n_layers - 1);
	*out = layer >= 0 ? (size_t)layer : (n_layers - 1) / 2;
	return 0;
}
