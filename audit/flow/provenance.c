#define _XOPEN_SOURCE 700 /* realpath() */

#include "flow/provenance.h"
#include "base/map.h"
#include "base/sort.h"
#include "base/str.h"

#include <git2.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_MOST (64u << 20) /* bytes of a spec or template */

/* All that is open while a repository is looked at. */
struct repo {
	git_repository *git;
	git_commit *commit;
	git_tree *tree;
	char root[PATH_MAX]; /* of the work tree, real, without a slash at the end */
};

static int git_failed(struct err *e, const char *what, const char *path)
{
	const git_error *why = git_error_last();

	return err_set(e, ERR_INPUT, "cannot %s %s: %s", what, path,
		       why && why->message ? why->message : "unknown");
}

/*
 * Nothing outside the repository has a say: not the user's or the system's configuration, and not who owns the
 * folder (a report made in a container is as good).
 */
static int library_init(struct err *e)
{
	static const int levels[] = { GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
				      GIT_CONFIG_LEVEL_PROGRAMDATA };
	size_t i;

	if (git_libgit2_init() < 0)
		return git_failed(e, "start", "libgit2");
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "") < 0)
			return git_failed(e, "set up", "libgit2");
	if (git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) < 0)
		return git_failed(e, "set up", "libgit2");
	return 0;
}

static int real_path(char out[PATH_MAX], const char *path, struct err *e)
{
	return realpath(path, out) ? 0 : err_sys(e, "read", path);
}

/* `path`, real, relative to the work tree; NULL where it lies outside. */
static const char *inside(const struct repo *r, const char *path)
{
	size_t n = strlen(r->root);

	if (strncmp(path, r->root, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + 1;
}

/* Opens the repository around `file`, a real path. 1: there is none, or it has no work tree. */
static int repo_open(struct repo *r, struct arena *mem, const char *file, struct err *e)
{
	const char *dir = arena_strdup(mem, file, (size_t)(strrchr(file, '/') - file));
	int status = git_repository_open_ext(&r->git, *dir ? dir : "/", 0, NULL);
	size_t n;

	if (status == GIT_ENOTFOUND)
		return 1;
	if (status < 0)
		return git_failed(e, "open the git repository around", file);
	if (git_repository_is_bare(r->git))
		return 1;
	if (real_path(r->root, git_repository_workdir(r->git), e) < 0)
		return -1;
	for (n = strlen(r->root); n > 0 && r->root[n - 1] == '/'; n--)
		r->root[n - 1] = '\0';
	return inside(r, file) ? 0 : 1;
}

/* 0 with tree NULL where there is no commit yet. */
static int repo_head(struct repo *r, struct err *e)
{
	git_reference *head = NULL;
	int status = git_repository_head(&head, r->git);

	if (status == GIT_EUNBORNBRANCH || status == GIT_ENOTFOUND)
		return 0;
	if (status == 0)
		status = git_reference_peel((git_object **)&r->commit, head, GIT_OBJECT_COMMIT);
	if (status == 0)
		status = git_commit_tree(&r->tree, r->commit);
	git_reference_free(head);
	return status < 0 ? git_failed(e, "read the commit that is checked out in", r->root) : 0;
}

static void repo_close(struct repo *r)
{
	git_tree_free(r->tree);
	git_commit_free(r->commit);
	git_repository_free(r->git);
}

/* Days since 1970-01-01 to a date of the Gregorian calendar: years begin in March, eras of 400 years repeat. */
const char *provenance_time(struct arena *mem, int64_t seconds)
{
	int64_t day = seconds / 86400 - (seconds % 86400 < 0), rest = seconds - day * 86400;
	int64_t era, day_of_era, year_of_era, day_of_year, month;
	long long year;

	day += 719468; /* from 0000-03-01 */
	era = (day >= 0 ? day : day - 146096) / 146097;
	day_of_era = day - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	year = year_of_era + era * 400 + (month >= 10);
	return arena_fmt(mem, "%04lld-%02d-%02dT%02d:%02d:%02dZ", year,
			 (int)(month < 10 ? month + 3 : month - 9),
			 (int)(day_of_year - (153 * month + 2) / 5 + 1), (int)(rest / 3600),
			 (int)(rest / 60 % 60), (int)(rest % 60));
}

static const char *hex_of(struct arena *mem, const git_oid *id)
{
	char hex[GIT_OID_HEXSZ + 1];

	return arena_strdup(mem, git_oid_tostr(hex, sizeof(hex), id), GIT_OID_HEXSZ);
}

/* The blob that the bytes of a file would be, and whether the commit has that blob under that path. */
static int compare_file(git_oid *blob, bool *committed, const struct repo *r, const char *path, struct err *e)
{
	struct arena mem = ARENA_INIT;
	git_tree_entry *entry = NULL;
	struct view text;
	int status = -1;

	*committed = false;
	if (file_read(&text, &mem, path, SPEC_MOST, e) < 0)
		goto out;
	if (git_odb_hash(blob, text.p, text.n, GIT_OBJECT_BLOB) < 0) {
		git_failed(e, "hash", path);
		goto out;
	}
	status = 0;
	if (r->tree && git_tree_entry_bypath(&entry, r->tree, inside(r, path)) == 0)
		*committed = git_oid_equal(git_tree_entry_id(entry), blob);
	git_tree_entry_free(entry);
out:
	arena_release(&mem);
	return status;
}

/* ---- what differs from the commit ---- */

struct dirty {
	struct arena *mem;
	const char **path;
	size_t n, cap;
};

static void dirty_add(struct dirty *d, const char *path)
{
	d->path = mem_grow(d->path, &d->cap, d->n + 1, sizeof(*d->path));
	d->path[d->n++] = arena_strdup(d->mem, path, strlen(path));
}

/* The tracked files in a folder (relative, "" for all) that are not as in the commit. */
static int dirty_folder(struct dirty *d, const struct repo *r, const char *folder, struct err *e)
{
	git_diff_options opts;
	char *spec = arena_strdup(d->mem, folder, strlen(folder));
	git_diff *diff = NULL;
	size_t i, n = strlen(folder);

	git_diff_options_init(&opts, GIT_DIFF_OPTIONS_VERSION);
	opts.flags =
		GIT_DIFF_IGNORE_SUBMODULES | GIT_DIFF_DISABLE_PATHSPEC_MATCH | GIT_DIFF_SKIP_BINARY_CHECK;
	opts.pathspec = (git_strarray){ .strings = &spec, .count = n > 0 };
	if (git_diff_tree_to_workdir_with_index(&diff, r->git, r->tree, &opts) < 0)
		return git_failed(e, "compare the files with the commit in", r->root);
	for (i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git_diff_get_delta(diff, i);
		const char *path = delta->old_file.path ? delta->old_file.path : delta->new_file.path;

		if (n == 0 || (strncmp(path, folder, n) == 0 && path[n] == '/'))
			dirty_add(d, path);
	}
	git_diff_free(diff);
	return 0;
}

/* The folder around a file that lies in the work tree, relative to it. */
static int dirty_around(struct dirty *d, const struct repo *r, const char *file, struct err *e)
{
	const char *rel = inside(r, file), *slash = strrchr(rel, '/');

	if (!r->tree)
		return 0;
	return dirty_folder(d, r, arena_strdup(d->mem, rel, slash ? (size_t)(slash - rel) : 0), e);
}

static int by_bytes(const void *a, const void *b, void *ud)
{
	const char *const *x = a, *const *y = b;

	(void)ud;
	return strcmp(*x, *y);
}

/* Sorted, each once. */
static void dirty_finish(struct dirty *d, struct provenance *out)
{
	size_t i;

	if (d->n > 0)
		sort_stable(d->path, d->n, sizeof(*d->path), by_bytes, NULL);
	out->dirty = ARENA_ARRAY(d->mem, d->n, const char *);
	for (i = 0; i < d->n; i++)
		if (i == 0 || strcmp(d->path[i], d->path[i - 1]) != 0)
			out->dirty[out->n_dirty++] = d->path[i];
	mem_free(d->path);
}

static int look(struct provenance *out, struct arena *mem, const struct repo *r, const char *spec,
		const char *template, struct err *e)
{
	struct dirty d = { .mem = mem };
	bool committed;
	git_oid blob;
	int status;

	out->in_repository = true;
	out->spec_path = arena_strdup(mem, inside(r, spec), strlen(inside(r, spec)));
	if (r->commit) {
		out->commit = hex_of(mem, git_commit_id(r->commit));
		out->commit_seconds = git_commit_time(r->commit);
		out->commit_time = out->date = provenance_time(mem, out->commit_seconds);
	}
	status = compare_file(&blob, &out->spec_committed, r, spec, e);
	if (status == 0) {
		out->spec_blob = hex_of(mem, &blob);
		if (!out->spec_committed)
			dirty_add(&d, out->spec_path);
		status = dirty_around(&d, r, spec, e);
	}
	if (status == 0 && template && inside(r, template)) {
		status = compare_file(&blob, &committed, r, template, e);
		if (status == 0 && !committed)
			dirty_add(&d, inside(r, template));
		if (status == 0)
			status = dirty_around(&d, r, template, e);
	}
	dirty_finish(&d, out);
	return status;
}

/* The blob's id does not need a repository. */
static int look_outside(struct provenance *out, struct arena *mem, const char *spec, struct err *e)
{
	const struct repo none = { .git = NULL };
	git_oid blob;

	if (compare_file(&blob, &out->spec_committed, &none, spec, e) < 0)
		return -1;
	out->spec_blob = hex_of(mem, &blob);
	return 0;
}

int provenance_collect(struct provenance *out, struct arena *mem, const char *spec_path,
		       const char *template_path, struct err *e)
{
	char spec[PATH_MAX], template[PATH_MAX];
	struct repo r = { .git = NULL };
	int status;

	*out = (struct provenance){ .in_repository = false };
	if (real_path(spec, spec_path, e) < 0 || (template_path && real_path(template, template_path, e) < 0))
		return -1;
	status = library_init(e);
	if (status == 0)
		status = repo_open(&r, mem, spec, e);
	if (status == 0 && repo_head(&r, e) < 0)
		status = -1;
	if (status == 0)
		status = look(out, mem, &r, spec, template_path ? template : NULL, e);
	else if (status == 1)
		status = look_outside(out, mem, spec, e);
	repo_close(&r);
	git_libgit2_shutdown();
	return status;
}

/* ---- as it was ---- */

/* The commit named by 40 hex digits, and its tree, into the repository. */
static int repo_commit(struct repo *r, const char *commit, struct err *e)
{
	git_oid id;

	if (git_oid_fromstr(&id, commit) < 0)
		return err_set(e, ERR_INPUT, "'%s' is no commit; 40 hex digits are", commit);
	if (git_commit_lookup(&r->commit, r->git, &id) < 0 || git_commit_tree(&r->tree, r->commit) < 0)
		return err_set(e, ERR_INPUT,
			       "the repository %s has no commit %s; fetch it, or name another by --repo",
			       r->root, commit);
	return 0;
}

static int blob_read(struct view *text, const char **hex, struct arena *mem, const struct repo *r,
		     const char *path, struct err *e)
{
	git_tree_entry *entry = NULL;
	git_blob *blob = NULL;
	int status = -1;

	if (git_tree_entry_bypath(&entry, r->tree, path) == 0 &&
	    git_blob_lookup(&blob, r->git, git_tree_entry_id(entry)) == 0 &&
	    git_blob_rawsize(blob) <= SPEC_MOST) {
		text->n = (size_t)git_blob_rawsize(blob);
		text->p = arena_strdup(mem, git_blob_rawcontent(blob), text->n);
		*hex = hex_of(mem, git_tree_entry_id(entry));
		status = 0;
	} else {
		err_set(e, ERR_INPUT, "commit %s has no file %s", hex_of(mem, git_commit_id(r->commit)),
			path);
	}
	git_blob_free(blob);
	git_tree_entry_free(entry);
	return status;
}

int provenance_recall(struct provenance *out, struct view *text, const char **root, struct arena *mem,
		      const char *dir, const char *commit, const char *spec_path, struct err *e)
{
	struct repo r = { .git = NULL };
	char real[PATH_MAX];
	int status;

	*out = (struct provenance){ .in_repository = true, .spec_committed = true };
	if (real_path(real, dir, e) < 0)
		return -1;
	status = library_init(e);
	/* a name within the folder, for repo_open() looks around a file */
	if (status == 0)
		status = repo_open(&r, mem, arena_fmt(mem, "%s/.", real), e);
	if (status == 1)
		status = err_set(e, ERR_INPUT, "%s lies in no git repository; name one by --repo", dir);
	if (status == 0)
		status = repo_commit(&r, commit, e);
	if (status == 0)
		status = blob_read(text, &out->spec_blob, mem, &r, spec_path, e);
	if (status == 0) {
		*root = arena_strdup(mem, r.root, strlen(r.root));
		out->commit = hex_of(mem, git_commit_id(r.commit));
		out->commit_seconds = git_commit_time(r.commit);
		out->commit_time = out->date = provenance_time(mem, out->commit_seconds);
		out->spec_path = arena_strdup(mem, spec_path, strlen(spec_path));
	}
	repo_close(&r);
	git_libgit2_shutdown();
	return status;
}
