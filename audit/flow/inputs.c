#include "flow/inputs.h"
#include "base/log.h"
#include "base/map.h"
#include "base/out.h"
#include "base/sort.h"
#include "base/str.h"
#include "flow/files.h"
#include "model/safetensors.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define LIST_MOST (64u << 20)	   /* bytes of CACHE/digests */
#define RACY 2000000000		   /* nanoseconds before the list was written that are not trusted */
#define WORTH_TELLING (1ull << 30) /* bytes to hash from which progress is shown */

/* ---- which files ---- */

struct list {
	struct plan *plan;
	struct arena *mem;
	size_t cap, missing_cap;
	bool ahead; /* what is not there is listed */
};

static struct input *add(struct list *l, const char *role, const char *name, const char *path)
{
	struct plan *p = l->plan;

	p->input = mem_grow(p->input, &l->cap, p->n_inputs + 1, sizeof(*p->input));
	p->input[p->n_inputs++] = (struct input){
		.role = role,
		.name = arena_strdup(l->mem, name, strlen(name)),
		.path = arena_strdup(l->mem, path, strlen(path)),
	};
	return &p->input[p->n_inputs - 1];
}

/* Ahead of its time: is the file there? Where it is not, it is listed as missing. */
static bool there(struct list *l, const char *what, const char *path)
{
	struct plan *p = l->plan;

	if (!l->ahead || path_is_file(path))
		return true;
	p->missing = mem_grow(p->missing, &l->missing_cap, p->n_missing + 1, sizeof(*p->missing));
	p->missing[p->n_missing++] = (struct named_file){ what, path };
	return false;
}

/* Nothing of a model's weights is there, neither a file nor the index of its shards. */
static bool no_weights(struct list *l, const char *role, const char *dir)
{
	return l->ahead && !path_is_file(arena_fmt(l->mem, "%s/model.safetensors.index.json", dir)) &&
	       !there(l, arena_fmt(l->mem, "models.%s: its weights", role),
		      arena_fmt(l->mem, "%s/model.safetensors", dir));
}

static int add_weights(struct list *l, const char *role, const char *dir, struct err *e)
{
	struct safetensors *weights = NULL;
	const char *const *name;

	if (no_weights(l, role, dir))
		return 0;
	if (safetensors_open_dir(&weights, dir, e) < 0)
		return -1;
	for (size_t i = 0, n = safetensors_files(&name, weights); i < n; i++)
		add(l, role, name[i], arena_fmt(l->mem, "%s/%s", dir, name[i]));
	safetensors_close(weights);
	return 0;
}

static int by_name(const void *a, const void *b, void *ud)
{
	const struct input *x = a, *y = b;

	(void)ud;
	return strcmp(x->name, y->name);
}

/* Weights by what safetensors reads, the rest by what the tokenizer, the chat template and the config look at. */
static int add_model(struct list *l, const char *role, const char *dir, struct err *e)
{
	static const char *const besides[] = {
		"config.json",		 "generation_config.json",  "tokenizer.json",
		"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"
	};
	size_t first = l->plan->n_inputs, i;

	if (add_weights(l, role, dir, e) < 0)
		return -1;
	there(l, arena_fmt(l->mem, "models.%s: its tokenizer", role),
	      arena_fmt(l->mem, "%s/tokenizer.json", dir));
	for (i = 0; i < sizeof(besides) / sizeof(besides[0]); i++) {
		const char *path = arena_fmt(l->mem, "%s/%s", dir, besides[i]);

		if (path_is_file(path))
			add(l, role, besides[i], path);
	}
	sort_stable(l->plan->input + first, l->plan->n_inputs - first, sizeof(*l->plan->input), by_name,
		    NULL);
	return 0;
}

/* A file as the spec writes it; of several, each by its name. */
static void add_source(struct list *l, size_t i)
{
	const struct spec_source *s = &l->plan->spec->corpus.source[i];
	const char *what = arena_fmt(l->mem, "corpus.sources[%zu]", i),
		   *role = arena_fmt(l->mem, "source %zu", i + 1);

	for (size_t k = 0; k < s->n_files; k++) {
		if (there(l, what, s->file[k]))
			add(l, role, s->n_files == 1 ? s->path : files_name(l->mem, s, k), s->file[k])
				->source = s;
	}
}

static int list_files(struct list *l, const struct plan_opts *o, struct err *e)
{
	static const char *const activations[] = { "activations base", "activations candidate" };
	const struct spec *s = l->plan->spec;
	size_t i;

	if ((s->base.dir && add_model(l, "base", s->base.dir, e) < 0) ||
	    (s->candidate.dir && add_model(l, "candidate", s->candidate.dir, e) < 0))
		return -1;
	for (i = 0; i < 2; i++)
		if (s->activations.file[i] && there(l, activations[i], s->activations.file[i]))
			add(l, activations[i], s->activations.path[i], s->activations.file[i]);
	for (i = 0; i < s->corpus.n_sources; i++)
		add_source(l, i);
	for (i = 0; i < o->n_templates; i++)
		add(l, "template", o->template[i].name, o->template[i].path);
	return 0;
}

/* ---- what is known of them already ---- */

struct known {
	struct digest digest;
	struct file_id id;
};

struct memory {
	struct known *item;
	size_t n, cap;
	int64_t written; /* when; entries of about that time are not trusted */
};

static bool same_file(const struct file_id *a, const struct file_id *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified == b->modified && a->changed == b->changed;
}

static const struct known *recall(const struct memory *m, const struct file_id *id)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (same_file(&m->item[i].id, id) && id->changed < m->written - RACY &&
		    id->modified < m->written - RACY)
			return &m->item[i];
	return NULL;
}

static void remember(struct memory *m, const struct file_id *id, struct digest d)
{
	size_t i;

	/* one entry a file: an older state of it will not come back */
	for (i = 0; i < m->n; i++)
		if (m->item[i].id.device == id->device && m->item[i].id.inode == id->inode)
			break;
	if (i == m->n) {
		m->item = mem_grow(m->item, &m->cap, m->n + 1, sizeof(*m->item));
		m->n++;
	}
	m->item[i] = (struct known){ .digest = d, .id = *id };
}

static bool take_number(int64_t *out, struct view *rest)
{
	size_t n = 0;
	bool ok;

	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\n')
		n++;
	ok = n < rest->n && view_i64(out, (struct view){ rest->p, n });
	if (ok)
		*rest = (struct view){ rest->p + n + 1, rest->n - n - 1 };
	return ok;
}

static bool take_known(struct known *out, struct view *rest)
{
	int64_t v[5];
	size_t i;

	if (rest->n < 65 || !digest_parse(&out->digest, rest->p, 64))
		return false;
	*rest = (struct view){ rest->p + 65, rest->n - 65 };
	for (i = 0; i < 5; i++)
		if (!take_number(&v[i], rest))
			return false;
	out->id = (struct file_id){ (uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2], v[3], v[4] };
	return true;
}

/* The list begins with the digest of the rest of it. One that is damaged is as good as none. */
static void memory_read(struct memory *m, struct arena *mem, const char *path)
{
	struct err e = ERR_INIT;
	struct digest d;
	struct file_id id;
	struct known k;
	struct view v;

	if (file_identify(&id, path, &e) < 0 || file_read(&v, mem, path, LIST_MOST, &e) < 0 || v.n < 65 ||
	    !digest_parse(&d, v.p, 64) || !digest_eq(d, digest_of(v.p + 65, v.n - 65)))
		return;
	m->written = id.modified;
	for (v = (struct view){ v.p + 65, v.n - 65 }; take_known(&k, &v);)
		remember(m, &k.id, k.digest);
}

static int memory_write(const struct memory *m, const char *cache, const char *path, struct err *e)
{
	struct str rows = STR_INIT;
	struct out *o;
	char hex[65];
	int status;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct file_id *id = &m->item[i].id;

		digest_hex(hex, m->item[i].digest);
		str_addf(&rows, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n", hex,
			 id->device, id->inode, id->size, id->modified, id->changed);
	}
	digest_hex(hex, digest_of(str_view(&rows).p, rows.n));
	status = dir_make(cache, e);
	if (status == 0)
		status = out_open(&o, path, e);
	if (status == 0) {
		out_fmt(o, "%s\n", hex);
		out_put(o, str_view(&rows).p, rows.n);
		status = out_commit(o, NULL, e);
	}
	str_release(&rows);
	return status;
}

/* ---- the digests ---- */

/* Files to read, each once however many roles it has. */
struct work {
	struct input **input;
	struct file_id *id;
	struct err *err;
	size_t n;
	uint64_t total;
	_Atomic uint64_t done;
};

static void hash_one(void *ud, size_t unit, void *scratch)
{
	struct work *w = ud;
	struct input *in = w->input[unit];
	struct file_id after;
	uint64_t done;

	(void)scratch;
	if (digest_file(&in->digest, &in->bytes, in->path, &w->err[unit]) < 0 ||
	    file_identify(&after, in->path, &w->err[unit]) < 0)
		return;
	if (!same_file(&after, &w->id[unit]))
		err_set(&w->err[unit], ERR_INPUT, "%s changed while it was read", in->path);
	done = atomic_fetch_add(&w->done, in->bytes) + in->bytes;
	if (w->total >= WORTH_TELLING)
		log_progress("inputs", done >> 20, w->total >> 20, "MiB hashed");
}

static const struct input *same_path(const struct plan *p, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(p->input[k].path, p->input[i].path) == 0)
			return &p->input[k];
	return NULL;
}

/* What is not recalled is put on the list of work. */
static int survey(struct work *w, struct plan *p, const struct memory *m, struct err *e)
{
	const struct known *k;
	struct file_id id;
	size_t i;

	for (i = 0; i < p->n_inputs; i++) {
		if (same_path(p, i))
			continue;
		if (file_identify(&id, p->input[i].path, e) < 0)
			return -1;
		k = recall(m, &id);
		if (k) {
			p->input[i].digest = k->digest;
			p->input[i].bytes = id.size;
			continue;
		}
		w->input[w->n] = &p->input[i];
		w->id[w->n++] = id;
		w->total += id.size;
	}
	return 0;
}

static int hash_files(struct plan *p, struct arena *mem, const struct plan_opts *o, struct memory *m,
		      struct err *e)
{
	const char *path = arena_fmt(mem, "%s/digests", o->cache);
	struct work w = { .n = 0 };
	struct err why;
	size_t i;

	w.input = ARENA_ARRAY(mem, p->n_inputs, struct input *);
	w.id = ARENA_ARRAY(mem, p->n_inputs, struct file_id);
	w.err = ARENA_ARRAY(mem, p->n_inputs, struct err);
	memory_read(m, mem, path);
	if (survey(&w, p, m, e) < 0)
		return -1;
	par_run(o->par, w.n, hash_one, &w);
	for (i = 0; i < w.n; i++) {
		if (w.err[i].code != ERR_NONE) {
			*e = w.err[i];
			return -1;
		}
		remember(m, &w.id[i], w.input[i]->digest);
	}
	for (i = 0; i < p->n_inputs; i++) {
		const struct input *first = same_path(p, i);

		if (first) {
			p->input[i].digest = first->digest;
			p->input[i].bytes = first->bytes;
		}
	}
	/* a list that cannot be kept costs time only */
	if (w.n > 0 && memory_write(m, o->cache, path, &why) < 0)
		log_warn("%s", why.msg);
	return 0;
}

void input_write(struct json_out *j, const struct input *in)
{
	json_open(j, NULL, '{');
	json_puts(j, "role", in->role);
	json_puts(j, "name", in->name);
	json_put_digest(j, "sha256", in->digest);
	json_put_size(j, "bytes", in->bytes);
	json_close(j, '}');
}

int inputs_collect(struct plan *out, struct arena *mem, const struct plan_opts *o, struct err *e)
{
	struct list l = { .plan = out, .mem = mem, .ahead = o->ahead };
	struct memory m = { .n = 0 };
	struct named_file *missing;
	struct input *grown;
	int status;

	out->input = NULL;
	out->n_inputs = 0;
	status = list_files(&l, o, e);
	grown = out->input;
	out->input = ARENA_ARRAY(mem, out->n_inputs, struct input);
	if (out->n_inputs > 0)
		memcpy(out->input, grown, out->n_inputs * sizeof(*grown));
	mem_free(grown);
	missing = out->missing;
	out->missing = ARENA_ARRAY(mem, out->n_missing, struct named_file);
	if (out->n_missing > 0)
		memcpy(out->missing, missing, out->n_missing * sizeof(*missing));
	mem_free(missing);
	if (status == 0)
		status = hash_files(out, mem, o, &m, e);
	mem_free(m.item);
	return status;
}
