#include "base/hash.h"
#include "base/map.h"
#include "base/out.h"
#include "base/str.h"
#include "flow/run.h"

#include <string.h>

/* MANIFEST is what sha256sum -c reads: 64 hex digits, two blanks, the name; in byte order of the names. */

#define MANIFEST_MOST (64u << 20) /* bytes */
#define DEEPEST 8		  /* folders in a run directory */

/* The files that are about one run on one machine. */
static bool is_sealed(const char *name)
{
	return strcmp(name, "MANIFEST") != 0 && strcmp(name, "log.txt") != 0 &&
	       strcmp(name, "timings.json") != 0 && !out_is_temporary(path_name(name));
}

/* The files of a run, in byte order, relative to it. */
struct files {
	struct arena *mem;
	const char **name;
	size_t n, cap;
};

static int collect(struct files *f, const char *dir, const char *below, unsigned depth, struct err *e)
{
	const char *at = arena_fmt(f->mem, "%s/%s", dir, below);
	char **name;
	size_t n, i;

	if (depth > DEEPEST)
		return err_set(e, ERR_INPUT, "%s is more than %d folders deep", at, DEEPEST);
	if (dir_list(&name, &n, f->mem, at, e) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		const char *rel = arena_fmt(f->mem, "%s%s", below, name[i]);

		if (strchr(rel, '\n') || strchr(rel, '\\'))
			return err_set(e, ERR_INPUT, "%s/%s: no name for a file of a run", dir, rel);
		/* "a/" sorts where its files do: '/' is part of their names */
		if (rel[strlen(rel) - 1] == '/') {
			if (collect(f, dir, rel, depth + 1, e) < 0)
				return -1;
		} else if (is_sealed(rel)) {
			f->name = mem_grow(f->name, &f->cap, f->n + 1, sizeof(*f->name));
			f->name[f->n++] = rel;
		}
	}
	return 0;
}

int run_seal(const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct files f = { .mem = &mem };
	struct out *o = NULL;
	struct digest d;
	char hex[65];
	int status;
	size_t i;

	status = out_sweep(dir, e);
	if (status == 0)
		status = collect(&f, dir, "", 0, e);
	if (status == 0)
		status = out_open(&o, arena_fmt(&mem, "%s/MANIFEST", dir), e);
	for (i = 0; status == 0 && i < f.n; i++) {
		status = digest_file(&d, NULL, arena_fmt(&mem, "%s/%s", dir, f.name[i]), e);
		digest_hex(hex, d);
		out_fmt(o, "%s  %s\n", hex, f.name[i]);
	}
	if (status == 0)
		status = out_commit(o, NULL, e);
	else
		out_abort(o);
	mem_free(f.name);
	arena_release(&mem);
	return status;
}

/* One line: the file it names must be there and have that digest. `name`, in mem. */
static int check_line(const char **name, struct arena *mem, const char *dir, struct view line, size_t number,
		      struct err *e)
{
	const struct pos at = { arena_fmt(mem, "%s/MANIFEST", dir), (unsigned)number, 1 };
	struct digest want, d;
	const char *path;

	if (line.n < 67 || !digest_parse(&want, line.p, 64) || line.p[64] != ' ' || line.p[65] != ' ' ||
	    memchr(line.p, '\0', line.n))
		return err_at(e, ERR_DIFFERS, at,
			      "is damaged here; it should say 64 hex digits, two blanks, a name");
	*name = arena_strdup(mem, line.p + 66, line.n - 66);
	if ((*name)[0] == '/' || strstr(*name, ".."))
		return err_at(e, ERR_DIFFERS, at, "%s leads out of the run's directory", *name);
	path = arena_fmt(mem, "%s/%s", dir, *name);
	if (!path_is_file(path))
		return err_set(e, ERR_DIFFERS, "%s is missing", path);
	if (digest_file(&d, NULL, path, e) < 0)
		return -1;
	if (!digest_eq(d, want))
		return err_set(e, ERR_DIFFERS, "%s has changed since it was sealed", path);
	return 0;
}

static int check_lines(struct files *listed, const char *dir, struct view text, struct err *e)
{
	size_t number = 1;
	const char *end;

	for (; text.n > 0; number++) {
		struct view line = text;

		end = memchr(text.p, '\n', text.n);
		line.n = end ? (size_t)(end - text.p) : 0; /* a line without its end is a damaged one */
		listed->name = mem_grow(listed->name, &listed->cap, listed->n + 1, sizeof(*listed->name));
		if (check_line(&listed->name[listed->n], listed->mem, dir, line, number, e) < 0)
			return -1;
		listed->n++;
		text = (struct view){ text.p + line.n + 1, text.n - line.n - 1 };
	}
	return 0;
}

int run_verify(const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct files there = { .mem = &mem }, listed = { .mem = &mem };
	struct view text;
	int status;
	size_t i, k;

	status = file_read(&text, &mem, arena_fmt(&mem, "%s/MANIFEST", dir), MANIFEST_MOST, e);
	if (status == 0)
		status = check_lines(&listed, dir, text, e);
	if (status == 0)
		status = collect(&there, dir, "", 0, e);
	for (i = 0; status == 0 && i < there.n; i++) {
		for (k = 0; k < listed.n && strcmp(listed.name[k], there.name[i]) != 0; k++)
			;
		if (k == listed.n)
			status = err_set(e, ERR_DIFFERS, "%s/%s is not in the MANIFEST", dir, there.name[i]);
	}
	mem_free(listed.name);
	mem_free(there.name);
	arena_release(&mem);
	return status;
}
