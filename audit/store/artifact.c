#include "store/artifact.h"
#include "base/map.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * MANIFEST, text:
 *
 *	files 2
 *	<64 hex digits> <bytes> <name>
 *	...
 *
 * in byte order of the names.  A folder gets its final name by the rename that follows the writing of its
 * MANIFEST, so a folder of that name has one.
 */

static const char manifest[] = "MANIFEST";

#define MANIFEST_MOST (64u << 20) /* bytes; a row a file */

/* cache/3f/3fa9...SUFFIX */
static char *place(struct arena *mem, const char *cache, struct digest key, const char *suffix)
{
	char hex[65];

	digest_hex(hex, key);
	return arena_fmt(mem, "%s/%.2s/%s%s", cache, hex, hex, suffix);
}

static bool has_manifest(struct arena *mem, const char *dir)
{
	return path_is_file(arena_fmt(mem, "%s/%s", dir, manifest));
}

bool artifact_complete(const char *cache, struct digest key)
{
	struct arena mem = ARENA_INIT;
	bool is = has_manifest(&mem, place(&mem, cache, key, ""));

	arena_release(&mem);
	return is;
}

/* What is data: not the MANIFEST, not what a process left half-written. */
static bool is_data(const char *name)
{
	return strcmp(name, manifest) != 0 && !out_is_temporary(name);
}

size_t artifact_partial(const char *cache, struct digest key)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	size_t n = 0, i, count = 0;
	char **name;

	if (dir_list(&name, &n, &mem, place(&mem, cache, key, ".part"), &e) == 0)
		for (i = 0; i < n; i++)
			count += is_data(name[i]);
	arena_release(&mem);
	return count;
}

/* The lock's file goes first: whoever waits for it sees that and takes a new one (base/out.c). */
static void let_go(struct arena *mem, struct artifact *a, const char *cache)
{
	if (a->lock.fd >= 0)
		path_discard(place(mem, cache, a->key, ".lock"));
	lock_release(&a->lock);
}

/* What a process that is no more left half-written, or a MANIFEST that it could not put to use. */
static int sweep_out(struct arena *mem, const char *dir, struct err *e)
{
	size_t n, i;
	char **name;

	if (dir_list(&name, &n, mem, dir, e) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if (!is_data(name[i]) && path_remove(arena_fmt(mem, "%s/%s", dir, name[i]), e) < 0)
			return -1;
	return 0;
}

static int set_dir(struct artifact *a, const char *dir, struct err *e)
{
	if (strlen(dir) >= sizeof(a->dir))
		return err_set(e, ERR_USAGE, "the path of the cache is too long: %s", dir);
	memcpy(a->dir, dir, strlen(dir) + 1);
	return 0;
}

/* Under the lock: another process may have completed it while this one waited. */
static int open_locked(struct arena *mem, struct artifact *a, const char *cache, struct err *e)
{
	const char *part = place(mem, cache, a->key, ".part"), *whole = place(mem, cache, a->key, "");

	if (has_manifest(mem, whole)) {
		a->complete = true;
		let_go(mem, a, cache);
		return set_dir(a, whole, e);
	}
	if (set_dir(a, part, e) < 0 || dir_make(part, e) < 0 || sweep_out(mem, part, e) < 0)
		return -1;
	return 0;
}

int artifact_open(struct artifact *a, const char *cache, struct digest key, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *whole = place(&mem, cache, key, ""), *lock = place(&mem, cache, key, ".lock");
	int status = 0;

	*a = (struct artifact){ .key = key, .lock = { .fd = -1 } };
	if (has_manifest(&mem, whole)) {
		a->complete = true;
		status = set_dir(a, whole, e);
	} else if (dir_make(arena_fmt(&mem, "%.*s", (int)(strrchr(whole, '/') - whole), whole), e) < 0 ||
		   lock_acquire(&a->lock, lock, e) < 0) {
		status = -1;
	} else {
		status = open_locked(&mem, a, cache, e);
	}
	if (status < 0)
		let_go(&mem, a, cache);
	arena_release(&mem);
	return status;
}

int artifact_join(struct artifact *a, const char *cache, struct digest key, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *part = place(&mem, cache, key, ".part");
	int status;

	*a = (struct artifact){ .key = key, .lock = { .fd = -1 } };
	status = path_is_dir(part)
			 ? set_dir(a, part, e)
			 : err_set(e, ERR_INPUT, "there is no %s here; ranks have to see one cache", part);
	arena_release(&mem);
	return status;
}

/* The cache's folder, from cache/3f/3fa9....part */
static const char *cache_of(struct arena *mem, const struct artifact *a)
{
	const char *p = strrchr(a->dir, '/');

	return arena_fmt(mem, "%.*s", (int)(p - a->dir - 3), a->dir);
}

void artifact_close(struct artifact *a)
{
	struct arena mem = ARENA_INIT;

	if (a->lock.fd >= 0)
		let_go(&mem, a, cache_of(&mem, a));
	arena_release(&mem);
}

const char *artifact_path(struct arena *mem, const struct artifact *a, const char *name)
{
	BUG_ON(strchr(name, '/') || !is_data(name));
	return arena_fmt(mem, "%s/%s", a->dir, name);
}

bool artifact_has(const struct artifact *a, const char *name)
{
	struct arena mem = ARENA_INIT;
	bool has = path_is_file(artifact_path(&mem, a, name));

	arena_release(&mem);
	return has;
}

int artifact_out(struct out **o, const struct artifact *a, const char *name, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int status;

	BUG_ON(a->complete);
	status = out_open(o, artifact_path(&mem, a, name), e);
	arena_release(&mem);
	return status;
}

int artifact_json(struct json_out *j, const struct artifact *a, const char *name, struct err *e)
{
	*j = (struct json_out)JSON_TO_OUT(NULL);
	return artifact_out(&j->out, a, name, e);
}

int artifact_drop(const struct artifact *a, const char *name, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int status;

	BUG_ON(a->complete);
	status = path_remove(artifact_path(&mem, a, name), e);
	arena_release(&mem);
	return status;
}

/* ---- the MANIFEST ---- */

static int write_manifest(struct arena *mem, const struct artifact *a, struct err *e)
{
	struct str rows = STR_INIT;
	size_t n, i, count = 0;
	struct out *o = NULL;
	char **name;
	int status;

	status = dir_list(&name, &n, mem, a->dir, e);
	for (i = 0; status == 0 && i < n; i++) {
		struct digest d;
		uint64_t size;
		char hex[65];

		if (!is_data(name[i]))
			continue;
		status = digest_file(&d, &size, arena_fmt(mem, "%s/%s", a->dir, name[i]), e);
		digest_hex(hex, d);
		str_addf(&rows, "%s %" PRIu64 " %s\n", hex, size, name[i]);
		count++;
	}
	if (status == 0)
		status = out_open(&o, arena_fmt(mem, "%s/%s", a->dir, manifest), e);
	if (status == 0) {
		out_fmt(o, "files %zu\n", count);
		out_put(o, str_view(&rows).p, rows.n);
		status = out_commit(o, NULL, e);
	}
	str_release(&rows);
	return status;
}

int artifact_commit(struct artifact *a, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *cache, *whole;
	int status = -1;

	BUG_ON(a->complete);
	cache = cache_of(&mem, a);
	whole = place(&mem, cache, a->key, "");
	if (write_manifest(&mem, a, e) == 0 && dir_rename(a->dir, whole, e) == 0) {
		a->complete = true;
		status = set_dir(a, whole, e);
		let_go(&mem, a, cache);
	}
	arena_release(&mem);
	return status;
}

struct row {
	struct digest digest;
	uint64_t size;
	struct view name;
};

/* The next line of `rest`, without its end; false where there is none or it has no end. */
static bool next_line(struct view *line, struct view *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

	if (!end)
		return false;
	*line = (struct view){ rest->p, (size_t)(end - rest->p) };
	*rest = (struct view){ end + 1, rest->n - line->n - 1 };
	return true;
}

static bool parse_row(struct row *r, struct view line)
{
	const size_t hex = 64;
	const char *blank;

	if (line.n < hex + 4 || !digest_parse(&r->digest, line.p, hex) || line.p[hex] != ' ')
		return false;
	line = (struct view){ line.p + hex + 1, line.n - hex - 1 };
	blank = memchr(line.p, ' ', line.n);
	if (!blank || !view_u64(&r->size, (struct view){ line.p, (size_t)(blank - line.p) }))
		return false;
	r->name = (struct view){ blank + 1, line.n - (size_t)(blank - line.p) - 1 };
	return r->name.n > 0 && !memchr(r->name.p, '/', r->name.n);
}

static int read_manifest(struct row **row, size_t *n, struct arena *mem, const struct artifact *a,
			 struct err *e)
{
	const char *path = arena_fmt(mem, "%s/%s", a->dir, manifest);
	struct view text, line;
	uint64_t want;
	size_t i;

	BUG_ON(!a->complete);
	if (file_read(&text, mem, path, MANIFEST_MOST, e) < 0)
		return -1;
	if (!next_line(&line, &text) || !view_starts(line, "files ") ||
	    !view_u64(&want, (struct view){ line.p + 6, line.n - 6 }) || want > MANIFEST_MOST)
		return err_set(e, ERR_DIFFERS, "%s does not begin with its number of files", path);
	*n = (size_t)want;
	*row = ARENA_ARRAY(mem, *n + 1, struct row);
	for (i = 0; i < *n; i++)
		if (!next_line(&line, &text) || !parse_row(&(*row)[i], line) ||
		    (i > 0 && view_cmp((*row)[i - 1].name, (*row)[i].name) >= 0))
			return err_set(e, ERR_DIFFERS, "%s is damaged at row %zu", path, i + 1);
	if (text.n > 0)
		return err_set(e, ERR_DIFFERS, "%s goes on after its %zu rows", path, *n);
	return 0;
}

static int check_row(struct arena *mem, const struct artifact *a, const struct row *r, struct err *e)
{
	const char *path = arena_fmt(mem, "%s/%.*s", a->dir, (int)r->name.n, r->name.p);
	char hex[65], want[65];
	struct digest d;
	uint64_t size;

	if (!path_is_file(path))
		return err_set(e, ERR_DIFFERS, "%s is missing", path);
	if (path_size(&size, path, e) < 0)
		return -1;
	if (size != r->size)
		return err_set(e, ERR_DIFFERS, "%s has %" PRIu64 " bytes, its MANIFEST says %" PRIu64, path,
			       size, r->size);
	if (digest_file(&d, NULL, path, e) < 0)
		return -1;
	if (digest_eq(d, r->digest))
		return 0;
	digest_hex(hex, d);
	digest_hex(want, r->digest);
	return err_set(e, ERR_DIFFERS, "%s has changed: its digest is %.12s..., its MANIFEST says %.12s...",
		       path, hex, want);
}

int artifact_check(const struct artifact *a, const char *name, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct row *row = NULL;
	size_t n = 0, i;
	int status;

	status = read_manifest(&row, &n, &mem, a, e);
	if (status == 0) {
		for (i = 0; i < n && !view_is(row[i].name, name); i++)
			;
		if (i < n)
			status = check_row(&mem, a, &row[i], e);
		else
			status = err_set(e, ERR_DIFFERS, "%s/%s is not in its MANIFEST", a->dir, name);
	}
	arena_release(&mem);
	return status;
}

int artifact_verify(const struct artifact *a, struct err *e)
{
	struct arena mem = ARENA_INIT;
	size_t n = 0, n_names, i, k = 0;
	struct row *row = NULL;
	char **name;
	int status;

	status = read_manifest(&row, &n, &mem, a, e);
	for (i = 0; status == 0 && i < n; i++)
		status = check_row(&mem, a, &row[i], e);
	if (status == 0)
		status = dir_list(&name, &n_names, &mem, a->dir, e);
	for (i = 0; status == 0 && i < n_names; i++) {
		if (!is_data(name[i]))
			continue;
		/* both lists are in byte order, and each row was found */
		if (k < n && view_is(row[k].name, name[i]))
			k++;
		else
			status = err_set(e, ERR_DIFFERS, "%s/%s is not in its MANIFEST", a->dir, name[i]);
	}
	arena_release(&mem);
	return status;
}

int artifact_bytes(uint64_t *out, const struct artifact *a, struct err *e)
{
	struct arena mem = ARENA_INIT;
	uint64_t size;
	size_t n, i;
	char **name;
	int status;

	*out = 0;
	status = dir_list(&name, &n, &mem, a->dir, e);
	for (i = 0; status == 0 && i < n; i++) {
		status = path_size(&size, arena_fmt(&mem, "%s/%s", a->dir, name[i]), e);
		*out += status == 0 ? size : 0;
	}
	arena_release(&mem);
	return status;
}

/* Moves what is as the MANIFEST lists it from the rejected folder to a .part. */
static int salvage(struct arena *mem, const struct artifact *bad, const char *part, struct err *e)
{
	struct err why = ERR_INIT;
	struct row *row;
	size_t n;

	if (read_manifest(&row, &n, mem, bad, &why) < 0)
		return 0;
	if (dir_make(part, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *name = arena_strdup(mem, row[i].name.p, row[i].name.n);

		if (check_row(mem, bad, &row[i], &why) == 0 &&
		    dir_rename(artifact_path(mem, bad, name), arena_fmt(mem, "%s/%s", part, name), e) < 0)
			return -1;
	}
	return 0;
}

int artifact_reject(const struct artifact *a, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *cache = cache_of(&mem, a);
	const char *part = place(&mem, cache, a->key, ".part");
	struct artifact bad = { .key = a->key, .complete = true };
	struct lock lock = { .fd = -1 };
	int status;

	BUG_ON(!a->complete);
	status = set_dir(&bad, place(&mem, cache, a->key, ".bad"), e);
	if (status == 0)
		status = lock_acquire(&lock, place(&mem, cache, a->key, ".lock"), e);
	if (status == 0)
		status = dir_remove_tree(bad.dir, e);
	if (status == 0 && path_is_dir(a->dir)) {
		status = dir_rename(a->dir, bad.dir, e);
		if (status == 0)
			status = salvage(&mem, &bad, part, e);
	}
	lock_release(&lock);
	arena_release(&mem);
	return status;
}
