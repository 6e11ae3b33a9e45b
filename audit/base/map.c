#define _DEFAULT_SOURCE /* madvise(): posix_madvise() gives no page back */

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256u << 10) /* bytes read at a time */

/* flags: O_NONBLOCK where a pipe without a writer must not be waited for. */
static int open_read(int *fd, struct stat *st, const char *path, int flags, struct err *e)
{
	do
		*fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	while (*fd < 0 && errno == EINTR);
	if (*fd < 0)
		return err_sys(e, "open", path);
	if (fstat(*fd, st) < 0) {
		err_sys(e, "read", path);
		close(*fd);
		return -1;
	}
	if (S_ISDIR(st->st_mode)) {
		close(*fd);
		errno = EISDIR;
		return err_sys(e, "read", path);
	}
	return 0;
}

int map_open(struct map *m, const char *path, struct err *e)
{
	struct stat st;
	int fd, status = 0;
	void *p;

	*m = (struct map){ .p = NULL };
	if (open_read(&fd, &st, path, O_NONBLOCK, e) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		status = err_set(e, ERR_INPUT, "cannot map %s: not a regular file", path);
	} else if (st.st_size == 0) {
		m->p = (const uint8_t *)"";
	} else {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			status = err_sys(e, "map", path);
		else
			*m = (struct map){ .p = p, .n = (size_t)st.st_size };
	}
	close(fd);
	return status;
}

void map_close(struct map *m)
{
	/* The kernel's prototype is older than const. */
	if (m->n > 0)
		munmap((void *)(uintptr_t)m->p, m->n);
	*m = (struct map){ .p = NULL };
}

void map_drop(const struct map *m, size_t first, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), end;

	if (m->n == 0 || first >= m->n)
		return;
	end = n > m->n - first ? m->n : first + n;
	/* Only whole pages inside the range; the last page of the file counts as whole. */
	first = (first + page - 1) / page * page;
	if (end < m->n)
		end = end / page * page;
	if (first < end)
		madvise((void *)((uintptr_t)m->p + first), end - first, MADV_DONTNEED);
}

void map_ahead(const struct map *m, size_t first, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), start = first / page * page;

	if (first >= m->n)
		return;
	n = n > m->n - first ? m->n - first : n;
	madvise((void *)((uintptr_t)m->p + start), first + n - start, MADV_WILLNEED);
}

/* Up to n bytes, fewer only at the end of the file. */
static int read_full(size_t *got, int fd, char *p, size_t n, const char *path, struct err *e)
{
	ssize_t r;

	for (*got = 0; *got < n; *got += (size_t)r) {
		r = read(fd, p + *got, n - *got);
		if (r < 0 && errno == EINTR) {
			r = 0;
			continue;
		}
		if (r < 0)
			return err_sys(e, "read", path);
		if (r == 0)
			break;
	}
	return 0;
}

int file_identify(struct file_id *out, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "read", path);
	*out = (struct file_id){
		.device = (uint64_t)st.st_dev,
		.inode = (uint64_t)st.st_ino,
		.size = (uint64_t)st.st_size,
		.modified = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.changed = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
	};
	return 0;
}

int file_stream(const char *path, file_fn fn, void *ud, struct err *e)
{
	struct stat st;
	int fd, status;
	size_t got;
	char *buf;

	if (open_read(&fd, &st, path, 0, e) < 0)
		return -1;
	buf = mem_alloc(CHUNK, 1);
	do {
		status = read_full(&got, fd, buf, CHUNK, path, e);
		if (status == 0 && got > 0)
			fn(ud, buf, got);
	} while (status == 0 && got == CHUNK);
	mem_free(buf);
	close(fd);
	return status;
}

/* Not all files know their size (/proc, pipes): the size is a hint, the end of the file decides. */
int file_read(struct view *out, struct arena *mem, const char *path, size_t limit, struct err *e)
{
	struct str s = STR_INIT;
	struct stat st;
	size_t got = 0, want;
	char *buf = NULL;
	int fd, status;

	if (open_read(&fd, &st, path, 0, e) < 0)
		return -1;
	want = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0;
	if (want > limit) {
		close(fd);
		return err_set(e, ERR_INPUT, "%s has %zu bytes; at most %zu can be right", path, want, limit);
	}
	/* The bytes of a file of known size go where they stay; only what it has beyond passes through `s`. */
	buf = arena_alloc(mem, want + 1, 1);
	status = read_full(&got, fd, buf, want, path, e);
	if (status == 0 && got == want) {
		char more[4096];
		size_t n;

		do {
			status = read_full(&n, fd, more, sizeof(more), path, e);
			if (status == 0)
				str_add(&s, more, n);
		} while (status == 0 && n == sizeof(more) && s.n <= limit - want);
		if (status == 0 && s.n > limit - want)
			status = err_set(e, ERR_INPUT,
					 "%s has more than %zu bytes, the most that can be right", path,
					 limit);
	}
	if (status == 0 && s.n > 0) {
		struct str whole = STR_INIT;

		str_add(&whole, buf, got);
		str_addv(&whole, str_view(&s));
		buf = arena_strdup(mem, whole.p, whole.n);
		got = whole.n;
		str_release(&whole);
	}
	buf[got] = '\0';
	*out = (struct view){ buf, got };
	str_release(&s);
	close(fd);
	return status;
}

void map_huge(void *p, size_t n)
{
	size_t huge = (size_t)2 << 20, skip = (huge - (uintptr_t)p % huge) % huge;

	if (n < skip + huge)
		return;
	madvise((char *)p + skip, (n - skip) / huge * huge, MADV_HUGEPAGE);
}
