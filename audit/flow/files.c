#include "flow/files.h"

#include "base/out.h"
#include "base/str.h"

#include <string.h>

const char *files_resolve(struct arena *mem, const char *dir, const char *path)
{
	if (path[0] == '/' || strcmp(dir, ".") == 0)
		return path;
	return arena_fmt(mem, "%s%s%s", dir, strcmp(dir, "/") == 0 ? "" : "/", path);
}

/* ? is any character of one byte, * any number of them. */
static bool matches(const char *pattern, const char *name)
{
	const char *star = NULL, *tried = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			tried = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) { /* the last star takes one more */
			pattern = star + 1;
			name = ++tried;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool is_pattern(const char *path)
{
	return strpbrk(path_name(path), "*?") != NULL;
}

/* The files of a folder, "" for this one, whose names the pattern matches; dir_list() has a slash behind a folder's. */
static int folder_read(struct spec_source *s, struct arena *mem, const char *folder, const char *pattern,
		       struct err *e)
{
	char **name;
	size_t n;

	if (dir_list(&name, &n, mem, *folder != '\0' ? folder : ".", e) < 0)
		return -1;
	s->file = ARENA_ARRAY(mem, n + 1, const char *);
	for (size_t i = 0; i < n; i++) {
		if (name[i][0] != '.' && !view_ends(view_of(name[i]), "/") && matches(pattern, name[i]))
			s->file[s->n_files++] = files_resolve(mem, *folder != '\0' ? folder : ".", name[i]);
	}
	if (s->n_files == 0)
		return err_set(e, ERR_SPEC,
			       s->is_folder ? "there is no file in the folder %s" : "no file matches %s",
			       s->path);
	if (s->n_files > FILES_MOST)
		return err_set(e, ERR_SPEC, "%s names %zu files; %d are the most of a source", s->path,
			       s->n_files, FILES_MOST);
	return 0;
}

int files_find(struct spec_source *s, struct arena *mem, const char *dir, struct err *e)
{
	const char *path, *last;
	size_t n = strlen(s->path);

	while (n > 1 && s->path[n - 1] == '/')
		n--;
	s->path = arena_strdup(mem, s->path, n);
	path = files_resolve(mem, dir, s->path);
	last = path_name(path);
	s->n_files = 0;
	s->is_folder = path_is_dir(path);
	if (s->is_folder)
		return folder_read(s, mem, path, "*", e);
	if (!is_pattern(path) || path_is_file(path)) {
		s->file = ARENA_NEW(mem, const char *);
		s->file[s->n_files++] = path;
		return 0;
	}
	path = arena_strdup(mem, path, last == path ? 0 : (size_t)(last - path) - 1);
	if (*path != '\0' && !path_is_dir(path))
		return err_set(e, ERR_SPEC, "no file matches %s: there is no folder %s", s->path, path);
	return folder_read(s, mem, path, last, e);
}

size_t files_source(const struct spec *s, size_t file)
{
	size_t i = 0;

	while (i < s->corpus.n_sources && file >= s->corpus.source[i].n_files)
		file -= s->corpus.source[i++].n_files;
	return i;
}

size_t files_first(const struct spec *s, size_t source)
{
	size_t n = 0;

	for (size_t i = 0; i < source; i++)
		n += s->corpus.source[i].n_files;
	return n;
}

const char *files_name(struct arena *mem, const struct spec_source *s, size_t i)
{
	const char *path = s->file[i], *last = path_name(path), *first = last;

	if (!s->is_folder && (!is_pattern(s->path) || strchr(s->path, '/') == NULL))
		return last;
	for (first -= first > path; first > path && first[-1] != '/'; first--)
		;
	return arena_strdup(mem, first, strlen(first));
}
