#include "base/out.h"
#include "base/log.h"
#include "base/sort.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifdef TEST_TINY
#define BUFFER 16u
#else
#define BUFFER (64u << 10)
#endif
#define DEEPEST 64 /* folders below a folder that is removed */
#define CRASHED 97 /* exit status of a process ended by out_crash_at() */

/* ---- the seam: every call that changes the disk passes one of these ---- */

static _Atomic size_t fail_in, crash_in;

static bool counted_down(_Atomic size_t *in)
{
	size_t n = atomic_load(in);

	while (n > 0)
		if (atomic_compare_exchange_weak(in, &n, n - 1))
			return n == 1;
	return false;
}

/* True where the call is to fail; does not come back where the process is to end before it. */
static bool fault(void)
{
	if (counted_down(&crash_in))
		_exit(CRASHED);
	if (!counted_down(&fail_in))
		return false;
	errno = ENOSPC;
	return true;
}

void out_fail_at(size_t n)
{
	atomic_store(&fail_in, n);
}

void out_crash_at(size_t n)
{
	atomic_store(&crash_in, n);
}

bool out_fault_pending(void)
{
	return atomic_load(&fail_in) > 0 || atomic_load(&crash_in) > 0;
}

static int sys_open(const char *path, int flags)
{
	int fd;

	if (fault())
		return -1;
	do
		fd = open(path, flags | O_CLOEXEC, 0666);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* All of it.  A fault here strikes half-way, as a full disk does. */
static int sys_write(int fd, const char *p, size_t n)
{
	bool crash = counted_down(&crash_in), full = counted_down(&fail_in);
	ssize_t w;

	if (crash || full)
		n /= 2;
	while (n > 0) {
		w = write(fd, p, n);
		if (w < 0 && errno != EINTR)
			return -1;
		p += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	if (crash)
		_exit(CRASHED);
	errno = ENOSPC;
	return full ? -1 : 0;
}

static int sys_sync(int fd)
{
	return fault() ? -1 : fsync(fd);
}

static int sys_rename(const char *from, const char *to)
{
	return fault() ? -1 : rename(from, to);
}

static int sys_mkdir(const char *path)
{
	return fault() ? -1 : mkdir(path, 0777);
}

static int sys_unlink(const char *path)
{
	return fault() ? -1 : unlink(path);
}

static int sys_rmdir(const char *path)
{
	return fault() ? -1 : rmdir(path);
}

/* The folder part of a path, "." where there is none, "/" at the root. */
static void parent_of(struct str *out, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	str_clear(out);
	str_add(out, n ? path : ".", n ? n : 1);
}

/* A name is on the disk only when its folder is. */
static int sync_parent(const char *path, struct err *e)
{
	struct str dir = STR_INIT;
	int fd, status = 0;

	parent_of(&dir, path);
	fd = sys_open(dir.p, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		status = err_sys(e, "sync", dir.p);
	/* some file systems have nothing to sync for a folder and say EINVAL */
	else if (sys_sync(fd) < 0 && errno != EINVAL)
		status = err_sys(e, "sync", dir.p);
	if (fd >= 0)
		close(fd);
	str_release(&dir);
	return status;
}

/* ---- files ---- */

struct out {
	int fd;
	struct str path, part; /* the name, and the name beside */
	char *buf;
	size_t n;
	uint64_t size;
	struct sha256 hash;
	struct err err; /* the first failure */
};

/* ".NAME.PID.tmp" in the same folder, since a rename must not cross file systems. */
static void name_beside(struct str *out, const char *path)
{
	const char *name = path_name(path);

	str_add(out, path, (size_t)(name - path));
	str_addf(out, ".%s.%ld.tmp", name, (long)getpid());
}

/* The process id in such a name; 0 where it is none. */
static uint64_t maker_of(const char *name)
{
	struct view v = view_of(name);
	uint64_t pid;
	size_t i;

	if (!view_starts(v, ".") || !view_ends(v, ".tmp"))
		return 0;
	for (i = v.n - 4; i > 1 && name[i - 1] >= '0' && name[i - 1] <= '9'; i--)
		;
	if (i < 2 || name[i - 1] != '.' || !view_u64(&pid, (struct view){ name + i, v.n - 4 - i }))
		return 0;
	return pid;
}

bool out_is_temporary(const char *name)
{
	return maker_of(name) > 0;
}

static void out_free(struct out *o)
{
	if (o->hash.ctx)
		sha256_end(&o->hash);
	str_release(&o->path);
	str_release(&o->part);
	mem_free(o->buf);
	mem_free(o);
}

int out_open(struct out **out, const char *path, struct err *e)
{
	struct out *o = mem_alloc(1, sizeof(*o));

	*out = NULL;
	str_adds(&o->path, path);
	name_beside(&o->part, path);
	o->fd = sys_open(o->part.p, O_WRONLY | O_CREAT | O_TRUNC);
	if (o->fd < 0) {
		err_sys(e, "write", path);
		out_free(o);
		return -1;
	}
	o->buf = mem_alloc(BUFFER, 1);
	sha256_init(&o->hash);
	*out = o;
	return 0;
}

static void flush(struct out *o)
{
	if (o->err.code == ERR_NONE && o->n > 0 && sys_write(o->fd, o->buf, o->n) < 0)
		err_sys(&o->err, "write", o->path.p);
	o->n = 0;
}

/* ---- how much may be written ---- */

static _Atomic uint64_t allowed; /* 0: no limit */
static _Atomic int64_t written;	 /* by files committed since it was set, less those removed */

void out_allow(uint64_t bytes)
{
	atomic_store(&written, 0);
	atomic_store(&allowed, bytes);
}

static bool allowance_passed(const struct out *o)
{
	uint64_t most = atomic_load(&allowed);
	int64_t so_far = atomic_load(&written);

	return most > 0 && (so_far > 0 ? (uint64_t)so_far : 0) + o->size > most;
}

void out_put(struct out *o, const void *p, size_t n)
{
	const char *from = p;
	size_t some;

	if (o->err.code != ERR_NONE)
		return;
	sha256_add(&o->hash, p, n);
	o->size += n;
	if (allowance_passed(o)) {
		err_set(&o->err, ERR_SIZE, "%s: the %.3f GiB that may be written are used up", o->path.p,
			(double)atomic_load(&allowed) / (1024.0 * 1024 * 1024));
		return;
	}
	while (n > 0) {
		some = n < BUFFER - o->n ? n : BUFFER - o->n;
		memcpy(o->buf + o->n, from, some);
		o->n += some;
		from += some;
		n -= some;
		if (o->n == BUFFER)
			flush(o);
	}
}

void out_fmt(struct out *o, const char *fmt, ...)
{
	char few[256], *text = few;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(few, sizeof(few), fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	if ((size_t)n >= sizeof(few)) {
		text = mem_alloc((size_t)n + 1, 1);
		va_start(ap, fmt);
		vsnprintf(text, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	out_put(o, text, (size_t)n);
	if (text != few)
		mem_free(text);
}

uint64_t out_size(const struct out *o)
{
	return o->size;
}

static void end_file(struct out *o)
{
	if (o->fd >= 0 && (close(o->fd) < 0 || fault()) && o->err.code == ERR_NONE)
		err_sys(&o->err, "write", o->path.p);
	o->fd = -1;
}

int out_commit(struct out *o, struct digest *digest, struct err *e)
{
	struct digest d;
	int status = 0;

	flush(o);
	if (o->err.code == ERR_NONE && sys_sync(o->fd) < 0)
		err_sys(&o->err, "write", o->path.p);
	end_file(o);
	if (o->err.code == ERR_NONE && sys_rename(o->part.p, o->path.p) < 0)
		err_sys(&o->err, "write", o->path.p);
	if (o->err.code != ERR_NONE) {
		*e = o->err;
		status = -1;
		unlink(o->part.p);
	} else {
		atomic_fetch_add(&written, (int64_t)o->size);
		status = sync_parent(o->path.p, e);
	}
	d = sha256_end(&o->hash);
	if (digest)
		*digest = d;
	out_free(o);
	return status;
}

void out_abort(struct out *o)
{
	if (!o)
		return;
	close(o->fd);
	unlink(o->part.p);
	out_free(o);
}

/* ---- directories ---- */

static int make_one(const char *path, struct err *e)
{
	if (sys_mkdir(path) == 0)
		return sync_parent(path, e);
	if (errno != EEXIST)
		return err_sys(e, "make the folder", path);
	if (path_is_dir(path))
		return 0;
	errno = ENOTDIR;
	return err_sys(e, "make the folder", path);
}

int dir_make(const char *path, struct err *e)
{
	struct str part = STR_INIT;
	size_t i, n = strlen(path);
	int status = 0;

	for (i = 1; i <= n && status == 0; i++) {
		if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
			continue;
		str_clear(&part);
		str_add(&part, path, i);
		if (!path_is_dir(part.p))
			status = make_one(part.p, e);
	}
	str_release(&part);
	return status;
}

int dir_rename(const char *from, const char *to, struct err *e)
{
	if (sys_rename(from, to) < 0)
		return err_sys(e, "rename to", to);
	return sync_parent(to, e);
}

static int by_bytes(const void *a, const void *b, void *ud)
{
	char *const *x = a, *const *y = b;

	(void)ud;
	return strcmp(*x, *y);
}

/* `follow`: a link to a folder counts as a folder. */
static int list(char ***name, size_t *n, struct arena *mem, const char *path, bool follow, struct err *e)
{
	size_t cap = 0;
	char **item = NULL;
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int status = 0;

	*n = 0;
	dir = opendir(path);
	if (!dir)
		return err_sys(e, "list", path);
	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0) {
		bool is_dir;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		is_dir = fstatat(dirfd(dir), d->d_name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 &&
			 S_ISDIR(st.st_mode);
		item = mem_grow(item, &cap, *n + 1, sizeof(*item));
		item[(*n)++] = arena_fmt(mem, is_dir ? "%s/" : "%s", d->d_name);
	}
	if (errno != 0)
		status = err_sys(e, "list", path);
	closedir(dir);
	if (*n > 0)
		sort_stable(item, *n, sizeof(*item), by_bytes, NULL);
	*name = ARENA_ARRAY(mem, *n + 1, char *);
	if (*n > 0)
		memcpy(*name, item, *n * sizeof(*item));
	mem_free(item);
	return status;
}

int dir_list(char ***name, size_t *n, struct arena *mem, const char *path, struct err *e)
{
	return list(name, n, mem, path, true, e);
}

int path_remove(const char *path, struct err *e)
{
	struct stat st;
	bool counts = atomic_load(&allowed) > 0 && lstat(path, &st) == 0 && S_ISREG(st.st_mode);

	if (sys_unlink(path) == 0) {
		if (counts)
			atomic_fetch_sub(&written, (int64_t)st.st_size);
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	if ((errno == EISDIR || errno == EPERM) && sys_rmdir(path) == 0)
		return 0;
	return err_sys(e, "remove", path);
}

void path_discard(const char *path)
{
	if (counted_down(&crash_in))
		_exit(CRASHED);
	unlink(path);
}

static int remove_tree(const char *path, unsigned depth, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int status = 0;
	char **name;
	size_t n, i;

	if (depth > DEEPEST)
		return err_set(e, ERR_IO, "cannot remove %s: more than %d folders deep", path, DEEPEST);
	if (list(&name, &n, &mem, path, false, e) < 0)
		status = -1;
	for (i = 0; i < n && status == 0; i++) {
		size_t len = strlen(name[i]);
		bool is_dir = name[i][len - 1] == '/';
		const char *below = arena_fmt(&mem, "%s/%.*s", path, (int)(len - is_dir), name[i]);

		status = is_dir ? remove_tree(below, depth + 1, e) : path_remove(below, e);
	}
	arena_release(&mem);
	if (status == 0 && sys_rmdir(path) < 0)
		status = err_sys(e, "remove", path);
	return status;
}

int dir_remove_tree(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove", path);
	return S_ISDIR(st.st_mode) ? remove_tree(path, 0, e) : path_remove(path, e);
}

bool path_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool path_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int path_size(uint64_t *out, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "read", path);
	*out = (uint64_t)st.st_size;
	return 0;
}

int path_free_bytes(uint64_t *out, const char *path, struct err *e)
{
	struct str at = STR_INIT, up = STR_INIT;
	struct statvfs fs;
	int status = 0;

	str_adds(&at, path);
	while (statvfs(at.p, &fs) < 0) {
		parent_of(&up, at.p);
		if (errno != ENOENT || !strcmp(up.p, at.p)) {
			status = err_sys(e, "read", path);
			break;
		}
		str_clear(&at);
		str_addv(&at, str_view(&up));
	}
	if (status == 0)
		*out = (uint64_t)fs.f_bavail * fs.f_frsize;
	str_release(&at);
	str_release(&up);
	return status;
}

int out_sweep(const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int status = 0;
	char **name;
	size_t n, i;

	if (list(&name, &n, &mem, dir, false, e) < 0)
		status = -1;
	for (i = 0; i < n && status == 0; i++) {
		uint64_t pid = maker_of(name[i]);

		if (pid > 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			status = path_remove(arena_fmt(&mem, "%s/%s", dir, name[i]), e);
	}
	arena_release(&mem);
	return status;
}

/* ---- locks ---- */

/*
 * The holder may remove the file before it lets go.  So whoever got a lock looks whether the name still leads to
 * the file it locked, and begins anew where it does not.
 */
int lock_acquire(struct lock *l, const char *path, struct err *e)
{
	struct stat mine, named;
	bool said = false;

	for (;;) {
		l->fd = sys_open(path, O_RDWR | O_CREAT);
		if (l->fd < 0)
			return err_sys(e, "lock", path);
		while (flock(l->fd, LOCK_EX | (said ? 0 : LOCK_NB)) < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EWOULDBLOCK || said) {
				err_sys(e, "lock", path);
				lock_release(l);
				return -1;
			}
			log_note("waiting for another process that holds %s", path);
			said = true;
		}
		if (fstat(l->fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
		    mine.st_dev == named.st_dev)
			return 0;
		lock_release(l);
	}
}

void lock_release(struct lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
