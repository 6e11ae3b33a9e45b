#include "model/safetensors.h"

#include "base/json.h"
#include "base/map.h"
#include "base/out.h"
#include "base/sort.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>

/*
 * The format: eight bytes of little-endian length, that many bytes of JSON, then the payload.  Nothing in the
 * header is believed before it is checked against the size of the file.
 */

enum {
	LENGTH_BYTES = 8,
	HEADER_LIMIT = 100 << 20, /* the limit of the reference implementation */
	INDEX_LIMIT = 256 << 20,
	LIST_TEXT = 200,
};

struct safetensors {
	struct arena mem;
	struct map *map; /* (n_maps) */
	size_t n_maps;
	const struct stored **sorted; /* (n) by name */
	size_t n;
	const char **file; /* (n_files) relative to the folder, sorted */
	size_t n_files;
};

/* One file while it is read. */
struct part {
	struct safetensors *owner;
	const char *path, *file;
	const uint8_t *payload;
	size_t payload_bytes, n;
	struct stored *tensor; /* (n) in the order of the header */
};

/* For sort_stable(), over pointers to stored. */
static int by_name(const void *a, const void *b, void *ud)
{
	const struct stored *const *x = a, *const *y = b;

	(void)ud;
	return strcmp((*x)->name, (*y)->name);
}

static int by_place(const void *a, const void *b, void *ud)
{
	const struct stored *const *x = a, *const *y = b;
	const uint8_t *p = (*x)->data, *q = (*y)->data;

	if (p != q)
		return p < q ? -1 : 1;
	/* Empty tensors take no place: they go before the one that begins there. */
	return (*x)->n != (*y)->n ? ((*x)->n < (*y)->n ? -1 : 1) : by_name(a, b, ud);
}

static bool dtype_find(enum dtype *out, struct view name)
{
	for (size_t t = 0; t < DT_COUNT; t++) {
		if (t != DT_MXFP4 && view_is(name, dtype_name((enum dtype)t))) {
			*out = (enum dtype)t;
			return true;
		}
	}
	return false;
}

/* A list of the header as it stands there, as far as there is room. */
static const char *list_text(char *out, size_t room, const struct json *list)
{
	size_t n = (size_t)snprintf(out, room, "[");

	for (const struct json *v = list->first; v != NULL && n + 32 < room; v = v->next) {
		const char *comma = v == list->first ? "" : ", ";

		if (v->kind == JSON_INTEGER)
			n += (size_t)snprintf(out + n, room - n, "%s%lld", comma, (long long)v->integer);
		else
			n += (size_t)snprintf(out + n, room - n, "%s%s", comma, json_kind_name(v->kind));
	}
	snprintf(out + n, room - n, "]");
	return out;
}

static int shape_read(struct stored *t, const struct json *shape, struct err *e)
{
	char text[LIST_TEXT];
	size_t n = 1;

	if (shape->n > SAFETENSORS_RANK)
		return err_set(e, ERR_INPUT, "its shape %s has %zu dimensions; at most %d are read",
			       list_text(text, sizeof(text), shape), shape->n, SAFETENSORS_RANK);
	t->rank = shape->n;
	for (size_t i = 0; i < shape->n; i++) {
		const struct json *v = json_at(shape, i);

		if (v->kind != JSON_INTEGER || v->integer < 0)
			return err_set(e, ERR_INPUT,
				       "its shape %s: dimension %zu has to be a whole number, 0 or more",
				       list_text(text, sizeof(text), shape), i + 1);
		t->shape[i] = (size_t)v->integer;
		if (mem_mul(&n, n, t->shape[i], "its shape", e) < 0) {
			*e = (struct err)ERR_INIT;
			return err_set(e, ERR_INPUT, "its shape %s is of more values than any file holds",
				       list_text(text, sizeof(text), shape));
		}
	}
	t->n = n;
	return 0;
}

static int offsets_read(struct stored *t, const struct part *p, const struct json *shape,
			const struct json *v, struct err *e)
{
	const struct json *lo = json_at(v, 0), *hi = json_at(v, 1);
	char text[LIST_TEXT], offsets[LIST_TEXT];
	size_t bytes;

	if (v->n != 2 || lo->kind != JSON_INTEGER || hi->kind != JSON_INTEGER || lo->integer < 0 ||
	    hi->integer < lo->integer)
		return err_set(
			e, ERR_INPUT,
			"its data_offsets %s have to be two whole numbers, the second not below the first",
			list_text(text, sizeof(text), v));
	if ((uint64_t)hi->integer > p->payload_bytes)
		return err_set(
			e, ERR_INPUT,
			"its data ends at byte %lld of a payload of %zu bytes (is the file cut short?)",
			(long long)hi->integer, p->payload_bytes);
	bytes = (size_t)(hi->integer - lo->integer);
	/* n <= bytes, before dtype_bytes() can overflow */
	if (t->n > bytes || dtype_bytes(t->dtype, t->n) != bytes)
		return err_set(e, ERR_INPUT,
			       "its shape %s in %s takes %.0f bytes, and its data_offsets %s have %zu",
			       list_text(text, sizeof(text), shape), dtype_name(t->dtype),
			       (double)t->n * (double)dtype_bytes(t->dtype, 1),
			       list_text(offsets, sizeof(offsets), v), bytes);
	t->data = p->payload + lo->integer;
	return 0;
}

static int entry_read(struct stored *t, const struct part *p, const struct json *v, struct err *e)
{
	const struct json *shape, *offsets;
	struct view dtype;

	t->name = v->key.p;
	t->file = p->file;
	if (memchr(v->key.p, 0, v->key.n))
		return err_set(e, ERR_INPUT, "a tensor's name holds a NUL byte");
	if (v->kind != JSON_OBJECT)
		return err_set(e, ERR_INPUT, "its entry is %s, not an object", json_kind_name(v->kind));
	if (json_str(&dtype, v, "dtype", e) < 0 || json_member(&shape, v, "shape", JSON_ARRAY, e) < 0 ||
	    json_member(&offsets, v, "data_offsets", JSON_ARRAY, e) < 0)
		return -1;
	if (!dtype_find(&t->dtype, dtype))
		return err_set(e, ERR_INPUT, "dtype %.*s is not supported (BF16, F16, F32 are)", (int)dtype.n,
			       dtype.p);
	if (shape_read(t, shape, e) < 0)
		return -1;
	return offsets_read(t, p, shape, offsets, e);
}

/* The tensors tile the payload: no gap, no overlap, nothing left. */
static int tiling_check(const struct part *p, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const struct stored **order = ARENA_ARRAY(&mem, p->n, const struct stored *);
	const uint8_t *at = p->payload;
	int ret = 0;

	for (size_t i = 0; i < p->n; i++)
		order[i] = &p->tensor[i];
	sort_stable(order, p->n, sizeof(const struct stored *), by_place, NULL);
	for (size_t i = 0; i < p->n && !ret; i++) {
		const uint8_t *data = order[i]->data;

		if (data != at)
			ret = err_set(
				e, ERR_INPUT,
				"%s: tensor %s begins at byte %zu of the payload, where %zu is due (%s)",
				p->path, order[i]->name, (size_t)(data - p->payload),
				(size_t)(at - p->payload), data < at ? "an overlap" : "a gap");
		at = data + dtype_bytes(order[i]->dtype, order[i]->n);
	}
	if (!ret && at != p->payload + p->payload_bytes)
		ret = err_set(e, ERR_INPUT, "%s: its tensors end at byte %zu of a payload of %zu bytes",
			      p->path, (size_t)(at - p->payload), p->payload_bytes);
	arena_release(&mem);
	return ret;
}

/* Writers pad the header so that data is aligned, but nothing makes them: what is not is copied. */
static void payload_align(struct part *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct stored *t = &p->tensor[i];
		size_t bytes = dtype_bytes(t->dtype, t->n);

		if (t->n && (uintptr_t)t->data % dtype_bytes(t->dtype, 1))
			t->data = memcpy(arena_alloc(&p->owner->mem, bytes, 1), t->data, bytes);
	}
}

static int header_read(struct part *p, const struct json *root, struct err *e)
{
	struct arena *mem = &p->owner->mem;
	const struct json *v;

	if (root->kind != JSON_OBJECT)
		return err_set(e, ERR_INPUT, "%s: its header is %s, not an object", p->path,
			       json_kind_name(root->kind));
	p->tensor = ARENA_ARRAY(mem, root->n, struct stored);
	for (v = root->first; v; v = v->next) {
		if (view_is(v->key, "__metadata__"))
			continue;
		if (entry_read(&p->tensor[p->n], p, v, e) < 0)
			return err_wrap(e, "%s: tensor %s: ", p->path, v->key.p);
		p->n++;
	}
	if (tiling_check(p, e) < 0)
		return -1;
	payload_align(p);
	return 0;
}

static uint64_t little_endian(const uint8_t *p)
{
	uint64_t v = 0;

	for (size_t i = LENGTH_BYTES; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static const char *kind_hint(const struct map *m)
{
	if (m->n >= 4 && !memcmp(m->p, "GGUF", 4))
		return " (this is a GGUF file; take the model's original release in safetensors form)";
	if (m->n >= 2 && !memcmp(m->p, "PK", 2))
		return " (this looks like a PyTorch file; convert it to safetensors)";
	if (m->n >= 7 && !memcmp(m->p, "version", 7))
		return " (this is a Git LFS pointer; fetch the file itself with git lfs pull)";
	return "";
}

/* The bytes of a file, which outlive the part. */
static int part_read(struct part *p, struct map m, struct err *e)
{
	const struct json *root;
	struct view text;
	uint64_t header = m.n >= LENGTH_BYTES ? little_endian(m.p) : 0;

	if (m.n < LENGTH_BYTES || header > m.n - LENGTH_BYTES || header > HEADER_LIMIT || header < 2)
		return err_set(
			e, ERR_INPUT,
			"%s is not a safetensors file, or cut short: %zu bytes, with a header of %llu%s",
			p->path, m.n, (unsigned long long)header, kind_hint(&m));
	text = (struct view){ (const char *)m.p + LENGTH_BYTES, (size_t)header };
	if (json_read(&root, &p->owner->mem, text, p->path, e) < 0)
		return -1;
	p->payload = m.p + LENGTH_BYTES + header;
	p->payload_bytes = m.n - LENGTH_BYTES - (size_t)header;
	return header_read(p, root, e);
}

/* Maps a file, which the owner keeps. */
static int part_open(struct part *p, struct err *e)
{
	struct safetensors *s = p->owner;

	if (map_open(&s->map[s->n_maps], p->path, e) < 0)
		return -1;
	s->n_maps++;
	return part_read(p, s->map[s->n_maps - 1], e);
}

/* All tensors of all parts by name; a name twice is an error. */
static int parts_join(struct safetensors *s, const struct part *part, size_t n_parts, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < n_parts; i++)
		n += part[i].n;
	s->sorted = ARENA_ARRAY(&s->mem, n, const struct stored *);
	for (size_t i = 0; i < n_parts; i++)
		for (size_t j = 0; j < part[i].n; j++)
			s->sorted[s->n++] = &part[i].tensor[j];
	sort_stable(s->sorted, n, sizeof(const struct stored *), by_name, NULL);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(s->sorted[i - 1]->name, s->sorted[i]->name))
			return err_set(e, ERR_INPUT, "tensor %s is stored twice, in %s and in %s",
				       s->sorted[i]->name, s->sorted[i - 1]->file, s->sorted[i]->file);
	return 0;
}

static struct safetensors *safetensors_new(size_t n_maps, size_t n_files)
{
	struct safetensors *s = mem_alloc(1, sizeof(*s));

	s->mem = (struct arena)ARENA_INIT;
	s->map = ARENA_ARRAY(&s->mem, n_maps, struct map);
	s->file = ARENA_ARRAY(&s->mem, n_files, const char *);
	return s;
}

/* A file, or its bytes where they are there already. */
static int open_single(struct safetensors **out, const char *path, const struct map *bytes, struct err *e)
{
	struct safetensors *s = safetensors_new(1, 1);
	const char *slash = strrchr(path, '/');
	struct part p = { .owner = s };

	p.path = arena_strdup(&s->mem, path, strlen(path));
	p.file = s->file[s->n_files++] = slash ? p.path + (slash + 1 - path) : p.path;
	if ((bytes ? part_read(&p, *bytes, e) : part_open(&p, e)) < 0 || parts_join(s, &p, 1, e) < 0) {
		safetensors_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

int safetensors_open(struct safetensors **out, const char *path, struct err *e)
{
	return open_single(out, path, NULL, e);
}

int safetensors_parse(struct safetensors **out, struct view bytes, const char *name, struct err *e)
{
	struct map m = { (const uint8_t *)bytes.p, bytes.n };

	return open_single(out, name, &m, e);
}

/* The different files of a weight_map, sorted. */
static size_t shard_names(const char **file, struct arena *mem, const struct json *weight_map)
{
	struct stored *t = ARENA_ARRAY(mem, weight_map->n, struct stored);
	const struct stored **order = ARENA_ARRAY(mem, weight_map->n, const struct stored *);
	const struct json *v;
	size_t n = 0, i = 0;

	for (v = weight_map->first; v; v = v->next, i++) {
		t[i].name = v->str.p;
		order[i] = &t[i];
	}
	sort_stable(order, i, sizeof(const struct stored *), by_name, NULL);
	for (size_t j = 0; j < i; j++)
		if (!n || strcmp(file[n - 1], order[j]->name) != 0)
			file[n++] = order[j]->name;
	return n;
}

static int weight_map_read(const struct json **out, struct arena *mem, const char *path, struct err *e)
{
	const struct json *root, *v;

	if (json_read_file(&root, mem, path, INDEX_LIMIT, e) < 0)
		return -1;
	if (json_member(out, root, "weight_map", JSON_OBJECT, e) < 0)
		return err_wrap(e, "%s: ", path);
	for (v = (*out)->first; v; v = v->next) {
		/* A shard is a plain name: an index must not reach outside its folder. */
		if (v->kind != JSON_STRING || !v->str.n || memchr(v->str.p, '/', v->str.n) ||
		    memchr(v->str.p, 0, v->str.n) || v->str.p[0] == '.')
			return err_set(e, ERR_INPUT,
				       "%s: weight_map.%s is not the name of a file in this folder", path,
				       v->key.p);
	}
	if (!(*out)->n)
		return err_set(e, ERR_INPUT, "%s: its weight_map is empty", path);
	return 0;
}

/* What the index says and what the shards hold must be the same. */
static int index_check(const struct safetensors *s, const struct json *weight_map, const char *path,
		       struct err *e)
{
	size_t listed = 0;

	for (const struct json *v = weight_map->first; v; v = v->next, listed++) {
		const struct stored *t = safetensors_find(s, v->key.p);

		if (!t || strcmp(t->file, v->str.p) != 0)
			return err_set(e, ERR_INPUT, "%s places tensor %s in %s, which does not hold it",
				       path, v->key.p, v->str.p);
	}
	if (listed == s->n)
		return 0;
	for (size_t i = 0; i < s->n; i++)
		if (!json_find(weight_map, s->sorted[i]->name))
			return err_set(e, ERR_INPUT, "%s does not list tensor %s, which %s holds", path,
				       s->sorted[i]->name, s->sorted[i]->file);
	return 0;
}

/* The index decides what is read, so it is one of the files. */
static void file_insert(struct safetensors *s, const char *name)
{
	size_t at = s->n_files++;

	for (; at && strcmp(s->file[at - 1], name) > 0; at--)
		s->file[at] = s->file[at - 1];
	s->file[at] = name;
}

static int open_shards(struct safetensors **out, const char *dir, const char *index, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const struct json *weight_map;
	struct safetensors *s = NULL;
	const char **file;
	struct part *part;
	size_t n;
	int ret = -1;

	if (weight_map_read(&weight_map, &mem, index, e) < 0)
		goto out;
	file = ARENA_ARRAY(&mem, weight_map->n, const char *);
	n = shard_names(file, &mem, weight_map);
	s = safetensors_new(n, n + 1);
	part = ARENA_ARRAY(&mem, n, struct part);
	for (size_t i = 0; i < n; i++) {
		part[i].owner = s;
		part[i].path = arena_fmt(&s->mem, "%s/%s", dir, file[i]);
		part[i].file = s->file[s->n_files++] = arena_strdup(&s->mem, file[i], strlen(file[i]));
		if (part_open(&part[i], e) < 0)
			goto out;
	}
	if (parts_join(s, part, n, e) < 0 || index_check(s, weight_map, index, e) < 0)
		goto out;
	file_insert(s, "model.safetensors.index.json");
	*out = s;
	s = NULL;
	ret = 0;
out:
	safetensors_close(s);
	arena_release(&mem);
	return ret;
}

/* A folder without weights in safetensors form: say what is there instead. */
static int nothing_found(const char *dir, struct arena *mem, struct err *e)
{
	const char *instead = "";
	char **name;
	size_t n;

	if (dir_list(&name, &n, mem, dir, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (view_ends(view_of(name[i]), ".gguf"))
			instead =
				" (it holds GGUF files; take the model's original release in safetensors form)";
		else if (view_ends(view_of(name[i]), ".bin") && !*instead)
			instead = " (it holds PyTorch .bin files; convert them to safetensors)";
	}
	return err_set(e, ERR_INPUT, "%s: neither model.safetensors nor model.safetensors.index.json%s", dir,
		       instead);
}

int safetensors_open_dir(struct safetensors **out, const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *single = arena_fmt(&mem, "%s/model.safetensors", dir);
	const char *index = arena_fmt(&mem, "%s/model.safetensors.index.json", dir);
	int ret;

	if (path_is_file(single)) {
		ret = safetensors_open(out, single, e);
	} else if (path_is_file(index)) {
		ret = open_shards(out, dir, index, e);
	} else {
		ret = nothing_found(dir, &mem, e);
	}
	arena_release(&mem);
	return ret;
}

void safetensors_close(struct safetensors *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_maps; i++)
		map_close(&s->map[i]);
	arena_release(&s->mem);
	mem_free(s);
}

const struct stored *safetensors_find_nth(size_t *index, const struct safetensors *s, const char *name)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(s->sorted[mid]->name, name);

		if (!c) {
			if (index)
				*index = mid;
			return s->sorted[mid];
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct stored *safetensors_find(const struct safetensors *s, const char *name)
{
	return safetensors_find_nth(NULL, s, name);
}

size_t safetensors_count(const struct safetensors *s)
{
	return s->n;
}

const struct stored *safetensors_nth(const struct safetensors *s, size_t i)
{
	BUG_ON(i >= s->n);
	return s->sorted[i];
}

size_t safetensors_files(const char *const **name, const struct safetensors *s)
{
	*name = s->file;
	return s->n_files;
}
