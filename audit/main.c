#include "cmd.h"
#include "flow/options.h"
#include "flow/provenance.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * From the command line to a command and back to an exit status.  The only place that looks at the environment,
 * at signals and at the machine.
 */

#define LAST_SECOND 253402300799 /* 9999-12-31T23:59:59Z */

/* Files are whole or absent at any instant, so there is nothing to tidy. */
static void on_signal(int number)
{
	_exit(128 + number);
}

static void catch_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = on_signal };

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct sigaction was;

		/* nohup and shells that run us in the background have their reasons */
		if (sigaction(ends[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			sigaction(ends[i], &act, NULL);
	}
	act.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &act, NULL); /* who reads us is gone: so are we */
}

/* A file opened later must not come to stand where a standard stream is missing. */
static int check_streams(struct err *e)
{
	bool out = fcntl(STDOUT_FILENO, F_GETFD) >= 0;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 && !freopen("/dev/null", "r", stdin))
		return err_sys(e, "open", "/dev/null");
	if (!out && !freopen("/dev/null", "w", stdout))
		return err_sys(e, "open", "/dev/null");
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 && !freopen("/dev/null", "w", stderr))
		return err_sys(e, "open", "/dev/null");
	return out ? 0 : err_set(e, ERR_IO, "standard output is closed; there is nowhere to print to");
}

static bool is_template_folder(const char *dir, struct arena *mem)
{
	return access(arena_fmt(mem, "%s/report.md", dir), R_OK) == 0;
}

/* Beside the program where it was built or installed; else where make was told it would be. */
static const char *find_templates(struct arena *mem)
{
	static const char *const from[] = { "../share/dfc-audit/templates", "../../templates" };
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = '\0';
		*strrchr(exe, '/') = '\0';
		for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
			const char *dir = arena_fmt(mem, "%s/%s", exe, from[i]);

			if (is_template_folder(dir, mem))
				return dir;
		}
	}
	return DFC_DATADIR "/templates";
}

/* An empty variable is as good as none. */
static const char *variable(const char *name)
{
	const char *v = getenv(name);

	return v && v[0] ? v : NULL;
}

/* https://reproducible-builds.org/specs/source-date-epoch: seconds since 1970, in digits. */
static int read_date(const char **out, struct arena *mem, struct err *e)
{
	const char *text = variable("SOURCE_DATE_EPOCH");
	uint64_t seconds;

	*out = NULL;
	if (!text)
		return 0;
	if (!view_u64(&seconds, view_of(text)) || seconds > LAST_SECOND)
		return err_set(e, ERR_USAGE,
			       "SOURCE_DATE_EPOCH is '%s'; seconds since 1970 are wanted, up to %lld", text,
			       (long long)LAST_SECOND);
	*out = provenance_time(mem, (int64_t)seconds);
	return 0;
}

static int look_around(struct host *h, struct arena *mem, struct err *e)
{
	const char *cache = variable("DFC_AUDIT_CACHE"), *ci = variable("CI");
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	*h = (struct host){
		.cache = cache ? cache : "cache",
		.templates = find_templates(mem),
		.processors = n > 0 ? (size_t)n : 1,
		.summary = variable("GITHUB_STEP_SUMMARY"),
		.ci = ci && strcmp(ci, "false") != 0,
	};
	return read_date(&h->date, mem, e);
}

static int dispatch(struct arena *mem, struct comm *comm, int argc, char *const *argv, struct err *e)
{
	static const char *const names[] = { "-h", "--help", "--version" };
	const char *name = argc > 1 ? argv[1] : "";
	struct call call = { .mem = mem };
	const struct cmd *cmd;
	struct options options;
	struct host host;
	const char *near;
	void *opts;

	if (argc < 2)
		return err_set(e, ERR_USAGE, "a command is missing; dfc-audit help lists them");
	if (strcmp(name, names[0]) == 0 || strcmp(name, names[1]) == 0)
		name = "help";
	else if (strcmp(name, names[2]) == 0)
		name = "version";
	cmd = cmd_find(name);
	if (!cmd) {
		near = cmd_near(mem, name);
		return err_set(e, ERR_USAGE, "there is no command %s; %s%s%s", name,
			       near ? "is it " : "dfc-audit help lists them", near ? near : "",
			       near ? "?" : "");
	}
	if (comm_rank(comm) > 0 && !cmd->ranks)
		return 0;
	if (look_around(&host, mem, e) < 0)
		return -1;
	host.comm = comm;
	opts = arena_alloc(mem, 1, cmd->opts_bytes + 1);
	if (options_read(&options, opts, cmd->opts, argv + 2, (size_t)argc - 2, mem, e) < 0)
		return -1;
	if (options.help) {
		options.operand[0] = cmd->name;
		options.n = 1;
		cmd = &cmd_help;
	}
	if (options.n < cmd->min || options.n > cmd->max)
		return cmd_usage(cmd, e);
	call = (struct call){ mem, &host, options.operand, options.n, opts };
	return cmd->run(&call, e);
}

int main(int argc, char **argv)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct comm *comm = NULL;
	bool leads, written;
	int rc;

	catch_signals();
	rc = check_streams(&e);
	if (rc == 0)
		rc = comm_open(&comm, &argc, &argv, &e);
	leads = comm_rank(comm) == 0;
	if (rc == 0)
		rc = dispatch(&mem, comm, argc, argv, &e);
	/* what was printed stands before what is said of it, also where both go to one file */
	written = fflush(stdout) == 0 && !ferror(stdout);
	if (rc == 0 && !written)
		rc = err_set(&e, ERR_IO, "cannot write all of standard output: %s",
			     strerror(errno ? errno : EIO));
	if (rc < 0 && e.msg[0] && leads)
		err_print(&e, stderr);
	comm_close(comm, &e);
	arena_release(&mem);
	/* a library's thread that asks again and again for memory it may not have would be waited for */
	if (mem_is_limited())
		_exit(rc < 0 ? err_status(e.code) : 0);
	return rc < 0 ? err_status(e.code) : 0;
}
