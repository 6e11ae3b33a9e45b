#include "tests/support/fault.h"

#include "base/mem.h"
#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 100000 /* faults; a body that meets more is not one for a sweep */

static size_t stride = 1;

void sweep_every(size_t n)
{
	stride = n;
}

static void look(after_fn after, void *ud, bool failed)
{
	if (after)
		after(ud, failed);
}

size_t sweep_io(sweep_fn body, after_fn after, void *ud)
{
	size_t n;

	for (n = 1; n < MOST; n += stride) {
		size_t live = mem_live();
		struct err e = ERR_INIT;
		bool met;
		int status;

		out_fail_at(n);
		status = body(ud, &e);
		met = !out_fault_pending();
		out_fail_at(0);
		if (mem_live() != live)
			fail_msg("fault %zu: %zu blocks of memory leaked", n, mem_live() - live);
		if (!met) {
			if (status < 0)
				fail_msg("without a fault: %s", e.msg);
			look(after, ud, false);
			return n - 1;
		}
		if (status == 0 || e.code != ERR_IO)
			fail_msg("fault %zu was met with status %d, code %d, \"%s\"", n, status, (int)e.code,
				 e.msg);
		look(after, ud, true);
	}
	fail_msg("no end of faults");
	return 0;
}

/* Runs body in a child with the n-th fault armed; its exit status. What it says is not of interest. */
static int in_child(sweep_fn body, void *ud, void (*arm)(size_t), size_t n)
{
	struct err e = ERR_INIT;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		arm(n);
		status = body(ud, &e);
		_exit(status == 0 ? 0 : err_status(e.code));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

size_t sweep_memory(sweep_fn body, after_fn after, void *ud)
{
	size_t n;
	int status;

	for (n = 1; n < MOST; n += stride) {
		status = in_child(body, ud, mem_fail_at, n);
		if (status != 0 && status != 5)
			fail_msg("allocation %zu failed: exit status %d", n, status);
		look(after, ud, status != 0);
		if (status == 0)
			return n - 1;
	}
	fail_msg("no end of allocations");
	return 0;
}

size_t sweep_crash(sweep_fn body, after_fn after, void *ud)
{
	const int crashed = 97; /* base/out.c */
	size_t n;
	int status;

	for (n = 1; n < MOST; n += stride) {
		struct err e = ERR_INIT;

		status = in_child(body, ud, out_crash_at, n);
		if (status != 0 && status != crashed)
			fail_msg("crash %zu: exit status %d", n, status);
		look(after, ud, status != 0);
		if (body(ud, &e) < 0)
			fail_msg("after crash %zu: %s", n, e.msg);
		look(after, ud, false);
		if (status == 0)
			return n - 1;
	}
	fail_msg("no end of system calls");
	return 0;
}
