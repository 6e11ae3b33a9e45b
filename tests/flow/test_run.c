#include "base/log.h"
#include "base/map.h"
#include "base/out.h"
#include "flow/run.h"
#include "flow/stage.h"
#include "num/gemm.h"
#include "tests/support/fault.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Runs of small stages: "first" writes numbers in files of their own and goes on from those that are there; "twice"
 * doubles them, for each of two steps; "sum" adds up what both made, and reports it.
 */

#define FILES 2

static int kill_at = -1; /* the process ends when that many files were begun; -1: never */
static int files_begun;
static const char *fails; /* the label of a step that fails */
static bool asks;	  /* the first step asks whether it may go on, once a file was begun */

static int write_number(struct job *job, const char *name, uint64_t v, struct err *e)
{
	struct out *o;

	if (artifact_out(&o, job->out, name, e) < 0)
		return -1;
	out_fmt(o, "%llu\n", (unsigned long long)v);
	if (files_begun++ == kill_at)
		raise(SIGKILL);
	return out_commit(o, NULL, e);
}

static int read_number(uint64_t *out, const struct job *job, const struct artifact *a, const char *name,
		       struct err *e)
{
	struct view v;

	if (artifact_check(a, name, e) < 0 ||
	    file_read(&v, job->mem, artifact_path(job->mem, a, name), 30, e) < 0)
		return -1;
	if (v.n == 0 || !view_u64(out, (struct view){ v.p, v.n - 1 }))
		return err_set(e, ERR_INPUT, "%s holds no number", name);
	return 0;
}

static const char *number_name(struct arena *mem, size_t i)
{
	return arena_fmt(mem, "number-%zu", i);
}

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	json_put_size(key, "seed", p->spec->seed);
	json_put_size(key, "index", step->index);
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	(void)p;
	(void)step;
	*out = (struct needs){ .memory = 1000, .disk = 1000 };
}

static int first_run(struct job *job, struct err *e)
{
	size_t i;

	if (fails && strcmp(fails, job->step->label) == 0)
		return err_set(e, ERR_INPUT, "no");
	for (i = 0; i < FILES; i++) {
		const char *name = number_name(job->mem, i);

		log_progress(job->step->label, i, FILES, NULL);
		if (asks && files_begun > 0 && job_may_go_on(job, e) < 0)
			return -1;
		if (!artifact_has(job->out, name) && write_number(job, name, job->spec->seed + i, e) < 0)
			return -1;
	}
	return 0;
}

static int twice_run(struct job *job, struct err *e)
{
	uint64_t sum = 0, v;
	size_t i;

	for (i = 0; i < FILES; i++) {
		if (read_number(&v, job, &job->in[0], number_name(job->mem, i), e) < 0)
			return -1;
		sum += 2 * v;
	}
	return write_number(job, "doubled", sum + job->step->index, e);
}

static int sum_run(struct job *job, struct err *e)
{
	uint64_t sum = 0, v;
	size_t i;

	for (i = 0; i < job->step->n_in; i++) {
		if (read_number(&v, job, &job->in[i], "doubled", e) < 0)
			return -1;
		sum += v;
	}
	return write_number(job, "sum", sum, e);
}

static int sum_report(struct json_out *j, const struct job *job, struct err *e)
{
	uint64_t sum;

	if (read_number(&sum, job, job->out, "sum", e) < 0)
		return -1;
	json_put_size(j, "sum", sum);
	return 0;
}

static const struct stage first = { .name = "first",
				    .version = 1,
				    .numeric = false,
				    .describe = describe,
				    .forecast = forecast,
				    .run = first_run,
				    .report = NULL };
static const struct stage twice = { .name = "twice",
				    .version = 1,
				    .numeric = true,
				    .describe = describe,
				    .forecast = forecast,
				    .run = twice_run,
				    .report = NULL };
static const struct stage sum = { .name = "sum",
				  .version = 1,
				  .numeric = true,
				  .describe = describe,
				  .forecast = forecast,
				  .run = sum_run,
				  .report = sum_report };

/* ---- a plan of them ---- */

struct world {
	struct arena mem;
	struct par *par;
	char cache[300], dir[300], whole[65];
	struct spec spec;
	struct plan plan;
	struct provenance prov;
};

static int setup(void **state)
{
	static struct world w;
	const char *root = scratch_new("run");
	struct err e = ERR_INIT;

	w = (struct world){ .prov = { .in_repository = true, .spec_committed = true, .spec_blob = "b10b" } };
	w.prov.commit = "0123456789012345678901234567890123456789";
	w.prov.commit_time = "2024-02-29T00:00:00Z";
	w.prov.spec_path = "specs/x.yaml";
	snprintf(w.cache, sizeof(w.cache), "%s/cache", root);
	snprintf(w.dir, sizeof(w.dir), "%s/runs/x", root);
	w.spec = (struct spec){ .name = "x", .path = "specs/x.yaml", .text = VIEW("audit: 1\n"), .seed = 40 };
	w.spec.numerics.backend = "auto";
	if (par_new(&w.par, 1, GEMM_SCRATCH, &e) < 0)
		fail_msg("%s", e.msg);
	kill_at = -1;
	files_begun = 0;
	fails = NULL;
	log_open(LOG_NEVER);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_release(&w->mem);
	par_free(w->par);
	return 0;
}

static void plan(struct world *w, struct arena *mem)
{
	static const struct {
		const struct stage *stage;
		size_t index;
		const char *label;
		size_t in[2], n_in;
	} rows[] = {
		{ &first, 0, "first", { 0 }, 0 },
		{ &twice, 0, "twice a", { 0 }, 1 },
		{ &twice, 1, "twice b", { 0 }, 1 },
		{ &sum, 0, "sum", { 1, 2 }, 2 },
	};
	size_t n = sizeof(rows) / sizeof(rows[0]), i, k;

	w->plan = (struct plan){ .spec = &w->spec, .n = n };
	w->plan.step = ARENA_ARRAY(mem, n, struct step);
	for (i = 0; i < n; i++) {
		struct step *s = &w->plan.step[i];

		*s = (struct step){ .stage = rows[i].stage, .index = rows[i].index, .label = rows[i].label };
		s->in = ARENA_ARRAY(mem, 2, const struct step *);
		for (k = 0; k < rows[i].n_in; k++)
			s->in[s->n_in++] = &w->plan.step[rows[i].in[k]];
	}
	plan_resolve(&w->plan, w->cache);
}

static int run(void *ud, struct err *e)
{
	struct run_opts o = { .allow_dirty = false };
	struct arena mem = ARENA_INIT;
	struct world *w = ud;
	const char *dir;
	int status;

	o.cache = w->cache;
	o.out = w->dir;
	plan(w, &mem);
	status = run_plan(&dir, &mem, &w->plan, &w->prov, w->par, &o, e);
	if (status == 0) {
		assert_string_equal(dir, w->dir);
		status = run_seal(dir, e);
	}
	arena_release(&mem);
	return status;
}

static void run_ok(struct world *w)
{
	struct err e = ERR_INIT;

	if (run(w, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Of what is sealed: the MANIFEST names all of it. */
static const char *sealed(struct world *w)
{
	static char hex[65];
	struct err e = ERR_INIT;
	struct digest d;

	if (run_verify(w->dir, &e) < 0 ||
	    digest_file(&d, NULL, arena_fmt(&w->mem, "%s/MANIFEST", w->dir), &e) < 0)
		fail_msg("%s", e.msg);
	digest_hex(hex, d);
	return hex;
}

static const char *text_of(struct world *w, const char *name)
{
	struct err e = ERR_INIT;
	struct view v;

	if (file_read(&v, &w->mem, arena_fmt(&w->mem, "%s/%s", w->dir, name), 1u << 20, &e) < 0)
		fail_msg("%s", e.msg);
	return v.p;
}

static void clear(struct world *w)
{
	struct err e = ERR_INIT;

	assert_int_equal(dir_remove_tree(w->cache, &e), 0);
	assert_int_equal(dir_remove_tree(w->dir, &e), 0);
	files_begun = 0;
}

/* ---- the tests ---- */

static void a_run_leaves_its_documents(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	const struct json *j;
	struct err e = ERR_INIT;
	char **name;
	size_t n;

	run_ok(w);
	assert_int_equal(dir_list(&name, &n, &mem, w->dir, &e), 0);
	assert_int_equal(n, 7);
	assert_string_equal(text_of(w, "spec.yaml"), "audit: 1\n");
	assert_int_equal(json_read(&j, &mem, view_of(text_of(w, "results.json")), "results.json", &e), 0);
	assert_int_equal(json_find(j, "sum")->integer, 2 * (2 * (40 + 41)) + 1);
	assert_true(view_is(json_find(json_find(j, "audit"), "spec_file")->str, "x.yaml"));
	assert_non_null(json_find(json_find(j, "spec"), "dictionary"));
	assert_true(json_find(j, "hyperparameters")->n > 20);
	assert_int_equal(json_read(&j, &mem, view_of(text_of(w, "provenance.json")), "provenance.json", &e),
			 0);
	assert_true(view_is(json_find(json_find(j, "spec"), "commit_short")->str, "012345678901"));
	assert_int_equal(json_find(json_find(j, "spec"), "is_dirty")->kind, JSON_FALSE);
	assert_int_equal(json_read(&j, &mem, view_of(text_of(w, "plan.json")), "plan.json", &e), 0);
	assert_int_equal(json_find(j, "steps")->n, 4);
	assert_int_equal(json_read(&j, &mem, view_of(text_of(w, "timings.json")), "timings.json", &e), 0);
	assert_non_null(strstr(text_of(w, "log.txt"), "sum: done in "));
	assert_null(strstr(text_of(w, "MANIFEST"), "log.txt"));
	assert_null(strstr(text_of(w, "MANIFEST"), "timings.json"));
	arena_release(&mem);
}

static void again_gives_the_same_bytes(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	char whole[65];
	int begun;

	run_ok(w);
	snprintf(whole, sizeof(whole), "%s", sealed(w));
	begun = files_begun;
	run_ok(w);
	assert_string_equal(sealed(w), whole);
	assert_int_equal(files_begun, begun);
	assert_non_null(strstr(text_of(w, "log.txt"), "sum: in the cache"));
	/* what an earlier run with another template left is not sealed in */
	assert_int_equal(dir_make(arena_fmt(&w->mem, "%s/figures", w->dir), &e), 0);
	scratch_text(arena_fmt(&w->mem, "%s/figures/old.svg", w->dir), "<svg/>");
	scratch_text(arena_fmt(&w->mem, "%s/report.md", w->dir), "old");
	run_ok(w);
	assert_string_equal(sealed(w), whole);
	clear(w);
	run_ok(w);
	assert_string_equal(sealed(w), whole);
}

static void whole_or_resumable(void *ud, bool failed)
{
	struct world *w = ud;

	/* a MANIFEST promises that all is there */
	if (failed && !path_is_file(arena_fmt(&w->mem, "%s/MANIFEST", w->dir)))
		return;
	if (!w->whole[0])
		snprintf(w->whole, sizeof(w->whole), "%s", sealed(w));
	assert_string_equal(sealed(w), w->whole);
	if (!failed)
		clear(w);
}

static void a_crash_anywhere_can_be_gone_on_from(void **state)
{
	/* out and artifact are swept whole in tests of their own; 11 has nothing in common with how a run is built */
	sweep_every(11);
	assert_true(sweep_crash(run, whole_or_resumable, *state) > 80);
	sweep_every(1);
}

static void resumed(void *ud, bool failed)
{
	whole_or_resumable(ud, failed);
	if (failed) {
		run_ok(ud);
		whole_or_resumable(ud, false);
	}
}

static void calls_that_fail_can_be_gone_on_from(void **state)
{
	sweep_every(7);
	assert_true(sweep_io(run, resumed, *state) > 60);
	sweep_every(1);
}

static void kill_9_in_the_middle_of_any_file(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	int k, status, total;
	char whole[65];
	pid_t pid;

	run_ok(w);
	snprintf(whole, sizeof(whole), "%s", sealed(w));
	total = files_begun;
	for (k = 0; k < total; k++) {
		clear(w);
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			if (!freopen("/dev/null", "w", stderr))
				_exit(1);
			kill_at = k;
			run(w, &e);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_false(path_is_file(arena_fmt(&w->mem, "%s/MANIFEST", w->dir)));
		files_begun = 0;
		run_ok(w);
		/* what was whole was not made again */
		assert_int_equal(files_begun, total - k);
		assert_string_equal(sealed(w), whole);
	}
}

/* Changes a byte of an artifact's file; forgets the artifact `forget`, so that the damaged one is read again. */
static void damage(struct world *w, size_t step, const char *file, size_t forget)
{
	struct err e = ERR_INIT;
	char hex[65];

	digest_hex(hex, w->plan.step[step].key);
	scratch_text(arena_fmt(&w->mem, "%s/%.2s/%s/%s", w->cache, hex, hex, file), "77\n");
	digest_hex(hex, w->plan.step[forget].key);
	if (forget != step)
		assert_int_equal(dir_remove_tree(arena_fmt(&w->mem, "%s/%.2s/%s", w->cache, hex, hex), &e),
				 0);
}

static void a_damaged_artifact_is_made_anew(void **state)
{
	static const struct {
		size_t step;
		const char *file;
		size_t forget;
		const char *warns;
	} cases
		[] = {
			{ 0, "number-1", 2, "first: " }, { 2, "doubled", 3, "twice b: " },
			{ 3, "sum", 3, "sum: " },	 { 0, "MANIFEST", 1, "first: " },
			{ 1, "number-1", 1, NULL }, /* not damage, but a file too many: nobody reads it */
		};
	struct world *w = *state;
	char whole[65];
	size_t i;

	run_ok(w);
	snprintf(whole, sizeof(whole), "%s", sealed(w));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		const char *log;

		clear(w);
		run_ok(w);
		plan(w, &mem);
		damage(w, cases[i].step, cases[i].file, cases[i].forget);
		arena_release(&mem);
		run_ok(w);
		if (strcmp(sealed(w), whole) != 0)
			fail_msg("case %zu: other bytes", i);
		log = text_of(w, "log.txt");
		if (cases[i].warns && (!strstr(log, arena_fmt(&w->mem, "warning: %s", cases[i].warns)) ||
				       !strstr(log, "is set aside and made anew")))
			fail_msg("case %zu: %s", i, log);
		if (!cases[i].warns && strstr(log, "warning"))
			fail_msg("case %zu: %s", i, log);
	}
}

static void a_step_that_fails_is_named(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	fails = "first";
	assert_int_equal(run(w, &e), -1);
	assert_string_equal(e.msg, "first: no");
	assert_int_equal(e.code, ERR_INPUT);
	fails = NULL;
	run_ok(w);
}

static void what_is_not_committed_is_refused(void **state)
{
	static const char *const dirty[] = { "specs/a", "specs/b" };
	const struct {
		bool in_repository, committed;
		size_t n_dirty;
		const char *want;
	} cases[] = {
		{ false, false, 0, "specs/x.yaml is in no git repository" },
		{ true, false, 0,
		  "specs/x.yaml is not committed as it is now; commit it, or let --allow-dirty" },
		{ true, true, 1, "specs/a differs from the commit; commit it, or let --allow-dirty" },
		{ true, true, 2,
		  "specs/a and 1 more differ from the commit; commit them, or let --allow-dirty" },
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_opts o = { .cache = w->cache, .out = w->dir, .allow_dirty = true };
		struct err e = ERR_INIT;
		const char *dir;

		w->prov.in_repository = cases[i].in_repository;
		w->prov.spec_committed = cases[i].committed;
		w->prov.dirty = (const char **)(uintptr_t)dirty;
		w->prov.n_dirty = cases[i].n_dirty;
		assert_int_equal(run(w, &e), -1);
		if (e.code != ERR_SPEC || strncmp(e.msg, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("case %zu: %s", i, e.msg);
		assert_false(path_is_dir(w->dir));
		plan(w, &w->mem);
		assert_int_equal(run_plan(&dir, &w->mem, &w->plan, &w->prov, w->par, &o, &e), 0);
		assert_non_null(strstr(text_of(w, "provenance.json"),
				       cases[i].n_dirty > 0 ? "\"is_dirty\": true" : "\"is_dirty\": false"));
		clear(w);
	}
}

static void a_folder_of_the_users_is_left_alone(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	assert_int_equal(dir_make(w->dir, &e), 0);
	run_ok(w);
	clear(w);
	assert_int_equal(dir_make(w->dir, &e), 0);
	scratch_text(arena_fmt(&w->mem, "%s/report.md", w->dir), "mine");
	assert_int_equal(run(w, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_non_null(strstr(e.msg, "holds report.md, but no run"));
	assert_string_equal(text_of(w, "report.md"), "mine");
}

/* Memory before anything begins; time between two units, and the same run goes on from there, to the same bytes. */
static void limits_are_kept(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	char want[65];

	w->spec.limits.memory = 1e-7;
	assert_true(run(w, &e) < 0 && e.code == ERR_SIZE && !path_is_dir(w->dir));
	w->spec.limits.memory = 0, w->spec.limits.time = 1e-12;
	run_ok(w);
	snprintf(want, sizeof(want), "%s", sealed(w));
	clear(w);
	asks = true;
	assert_true(run(w, &e) < 0 && e.code == ERR_SIZE && files_begun == 1);
	assert_non_null(strstr(e.msg, "limits.time, 1e-12 hours, is up"));
	asks = false;
	run_ok(w);
	assert_string_equal(sealed(w), want);
}

static void the_manifest_is_what_sha256sum_reads(void **state)
{
	struct world *w = *state;

	run_ok(w);
	assert_int_equal(
		system(arena_fmt(&w->mem, "cd %s && sha256sum --quiet --strict -c MANIFEST", w->dir)), 0);
}

static void the_name_of_a_run_comes_from_its_plan(void **state)
{
	struct world *w = *state;
	struct run_opts o = { .cache = w->cache };
	struct err e = ERR_INIT;
	char hex[65], here[300];
	const char *dir;

	/* the name is relative: look at it from a folder of this test's own */
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(scratch_new("runname")), 0);
	o.cache = "cache";
	snprintf(w->cache, sizeof(w->cache), "cache");
	plan(w, &w->mem);
	assert_int_equal(run_plan(&dir, &w->mem, &w->plan, &w->prov, w->par, &o, &e), 0);
	digest_hex(hex, w->plan.key);
	assert_string_equal(dir, arena_fmt(&w->mem, "runs/x-%.12s", hex));
	assert_true(path_is_file(arena_fmt(&w->mem, "%s/results.json", dir)));
	assert_int_equal(chdir(here), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_run_leaves_its_documents),		 T(again_gives_the_same_bytes),
		T(a_crash_anywhere_can_be_gone_on_from), T(calls_that_fail_can_be_gone_on_from),
		T(kill_9_in_the_middle_of_any_file),	 T(a_damaged_artifact_is_made_anew),
		T(a_step_that_fails_is_named),		 T(what_is_not_committed_is_refused),
		T(a_folder_of_the_users_is_left_alone),	 T(limits_are_kept),
		T(the_manifest_is_what_sha256sum_reads), T(the_name_of_a_run_comes_from_its_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
