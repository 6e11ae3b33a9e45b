#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writing a file.  A file is written beside its name and renamed into place
 * by out_commit(): a reader sees the old bytes or the new bytes, never part.
 *
 *	struct out *o;
 *	if (out_open(&o, path, e) < 0)
 *		return -1;
 *	out_fmt(o, "%zu rows\n", n);
 *	return out_commit(o, &digest, e);
 *
 * Between the two, writes report nothing.  The first failure sticks, later
 * writes do nothing, and out_commit() returns it.  The name beside carries the
 * process id, so two processes writing one file never share a temporary.
 */

struct out;

int out_open(struct out **o, const char *path, struct err *e);
void out_put(struct out *o, const void *p, size_t n);
void out_fmt(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
uint64_t out_size(const struct out *o);
/* Ends `o` whatever it returns.  `digest` (may be NULL) is of all bytes put. Syncs file and folder. */
int out_commit(struct out *o, struct digest *digest, struct err *e);
void out_abort(struct out *o);
/* A whole file of n bytes. */
int out_write(const char *path, const void *p, size_t n, struct err *e);
/* From now on no more than `bytes` are written, those of files removed since given back; 0: as many as the disk takes. What
 * would be more fails as a full disk does, with ERR_SIZE. */
void out_allow(uint64_t bytes);
/* Is this the name (without folder) of a file under way, perhaps of a process that is no more? */
bool out_is_temporary(const char *name);
/* Removes what processes that are no more left under way in a folder. */
int out_sweep(const char *dir, struct err *e);

/* Directories, through the same seam. */
int dir_make(const char *path, struct err *e); /* and its parents; there already is fine */
int dir_rename(const char *from, const char *to, struct err *e);
/* Names in byte order, without "." and ".."; directories end in '/'. */
int dir_list(char ***name, size_t *n, struct arena *mem, const char *path, struct err *e);
/* A file or an empty directory; not there is fine. */
int path_remove(const char *path, struct err *e);
/* The same where it is of no matter whether it goes: a lock's file. */
void path_discard(const char *path);
/* A directory and all below it; not there is fine. Never follows links. */
int dir_remove_tree(const char *path, struct err *e);
bool path_is_file(const char *path);
bool path_is_dir(const char *path);
int path_size(uint64_t *out, const char *path, struct err *e);
/* Free bytes of the file system that holds `path` (or its nearest existing parent). */
int path_free_bytes(uint64_t *out, const char *path, struct err *e);
/* An advisory lock on a file made beside what it guards, held until lock_release() or the process
 * ends; waits for another holder. */
struct lock {
	int fd;
};
int lock_acquire(struct lock *l, const char *path, struct err *e);
void lock_release(struct lock *l);

/* Tests: the n-th system call from now fails (ENOSPC), or the process ends there by _exit(). */
void out_fail_at(size_t n);
void out_crash_at(size_t n);
bool out_fault_pending(void); /* armed, and not met yet */

#endif
