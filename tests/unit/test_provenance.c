#define _XOPEN_SOURCE 700 /* P_tmpdir */

#include "base/out.h"
#include "base/str.h"
#include "flow/provenance.h"
#include "tests/support/scratch.h"

#include <git2.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHEN 1709164800 /* 2024-02-29T00:00:00Z */

struct world {
	char dir[PATH_MAX]; /* of the repository; absolute, and not below the project's own */
	git_repository *git;
};

static const char *in(const struct world *w, const char *path)
{
	static char out[4][PATH_MAX + 100];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(out[turn], sizeof(out[turn]), "%s/%s", w->dir, path);
	return out[turn];
}

/* A folder outside the project's repository, so that "no repository" can be true. */
static int setup(void **state)
{
	static struct world w;
	struct err e = ERR_INIT;

	w = (struct world){ .git = NULL };
	snprintf(w.dir, sizeof(w.dir), P_tmpdir "/dfc-audit-test-%ld", (long)getpid());
	if (dir_remove_tree(w.dir, &e) < 0 || dir_make(w.dir, &e) < 0)
		fail_msg("%s", e.msg);
	git_libgit2_init();
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	git_repository_free(w->git);
	git_libgit2_shutdown();
	return dir_remove_tree(w->dir, &e);
}

static void init(struct world *w)
{
	struct err e = ERR_INIT;

	assert_int_equal(git_repository_init(&w->git, w->dir, 0), 0);
	assert_int_equal(dir_make(in(w, "specs/data"), &e), 0);
	assert_int_equal(dir_make(in(w, "specs-other"), &e), 0);
	assert_int_equal(dir_make(in(w, "templates/fonts"), &e), 0);
	scratch_text(in(w, "specs/a.yaml"), "audit: 1\n");
	scratch_text(in(w, "specs/data/text"), "text\n");
	scratch_text(in(w, "specs-other/x"), "x\n");
	scratch_text(in(w, "templates/report.md"), "# report\n");
	scratch_text(in(w, "templates/fonts/f"), "f\n");
}

/* Adds all files (or with one left out) and commits them. */
static void commit(struct world *w, const char *left_out)
{
	git_signature *who;
	git_index *index;
	git_oid tree_id, id;
	git_tree *tree;

	assert_int_equal(git_repository_index(&index, w->git), 0);
	assert_int_equal(git_index_add_all(index, NULL, 0, NULL, NULL), 0);
	if (left_out)
		assert_int_equal(git_index_remove(index, left_out, 0), 0);
	assert_int_equal(git_index_write(index), 0);
	assert_int_equal(git_index_write_tree(&tree_id, index), 0);
	assert_int_equal(git_tree_lookup(&tree, w->git, &tree_id), 0);
	assert_int_equal(git_signature_new(&who, "Test", "test@example.org", WHEN, 120), 0);
	assert_int_equal(git_commit_create(&id, w->git, "HEAD", who, who, NULL, "first", tree, 0, NULL), 0);
	git_signature_free(who);
	git_tree_free(tree);
	git_index_free(index);
}

static struct provenance collect(struct arena *mem, const char *spec, const char *template)
{
	struct err e = ERR_INIT;
	struct provenance p;

	if (provenance_collect(&p, mem, spec, template, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

/* The dirty paths with commas between. */
static const char *dirty(const struct provenance *p)
{
	static char text[500];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < p->n_dirty; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), i ? ",%s" : "%s", p->dirty[i]);
	return text;
}

/* What git itself says: git hash-object of "audit: 1\n" */
static const char blob[] = "7fc3d946fac8ff733283726e63202fc87b64abbf";

static void outside_any_repository(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct provenance p;

	scratch_text(in(w, "a.yaml"), "audit: 1\n");
	p = collect(&mem, in(w, "a.yaml"), in(w, "a.yaml"));
	assert_false(p.in_repository);
	assert_null(p.commit);
	assert_null(p.spec_path);
	assert_false(p.spec_committed);
	assert_string_equal(p.spec_blob, blob);
	assert_int_equal(p.n_dirty, 0);
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

static void before_the_first_commit(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct provenance p;

	init(w);
	p = collect(&mem, in(w, "specs/a.yaml"), in(w, "templates/report.md"));
	assert_true(p.in_repository);
	assert_null(p.commit);
	assert_null(p.commit_time);
	assert_string_equal(p.spec_path, "specs/a.yaml");
	assert_string_equal(p.spec_blob, blob);
	assert_false(p.spec_committed);
	assert_string_equal(dirty(&p), "specs/a.yaml,templates/report.md");
	arena_release(&mem);
}

static void a_clean_commit(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	char head[GIT_OID_HEXSZ + 1];
	struct provenance p;
	git_oid id;

	init(w);
	commit(w, NULL);
	p = collect(&mem, in(w, "specs/a.yaml"), in(w, "templates/report.md"));
	assert_true(p.in_repository);
	assert_int_equal(git_reference_name_to_id(&id, w->git, "HEAD"), 0);
	assert_string_equal(p.commit, git_oid_tostr(head, sizeof(head), &id));
	assert_string_equal(p.commit_time, "2024-02-29T00:00:00Z");
	assert_int_equal(p.commit_seconds, WHEN);
	assert_string_equal(p.spec_blob, blob);
	assert_true(p.spec_committed);
	assert_int_equal(p.n_dirty, 0);
	/* also from the root, and through a relative path with links and dots */
	assert_int_equal(symlink("specs", in(w, "link")), 0);
	p = collect(&mem, in(w, "link/../link/data/../a.yaml"), NULL);
	assert_string_equal(p.spec_path, "specs/a.yaml");
	assert_true(p.spec_committed);
	assert_int_equal(p.n_dirty, 0);
	arena_release(&mem);
}

static void what_differs_is_listed(void **state)
{
	static const struct {
		const char *write[3], *remove, *want;
	} cases[] = {
		{ { "specs/data/text" }, NULL, "specs/data/text" },
		{ { "specs/a.yaml" }, NULL, "specs/a.yaml" },
		{ { "templates/fonts/f", "specs/data/text" }, NULL, "specs/data/text,templates/fonts/f" },
		{ { NULL }, "specs/data/text", "specs/data/text" },
		{ { "specs-other/x" }, NULL, "" },	       /* tracked, but not theirs */
		{ { "specs/data/new", "unknown" }, NULL, "" }, /* git does not know them */
		{ { "specs/a.yaml", "templates/report.md" },
		  "templates/fonts/f",
		  "specs/a.yaml,templates/fonts/f,templates/report.md" },
	};
	struct world *w = *state;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct provenance p;

		git_repository_free(w->git);
		setup(state);
		init(w);
		commit(w, NULL);
		for (k = 0; k < 3 && cases[i].write[k]; k++)
			scratch_text(in(w, cases[i].write[k]), "other bytes\n");
		if (cases[i].remove)
			assert_int_equal(unlink(in(w, cases[i].remove)), 0);
		p = collect(&mem, in(w, "specs/a.yaml"), in(w, "templates/report.md"));
		if (strcmp(dirty(&p), cases[i].want) != 0)
			fail_msg("case %zu: %s", i, dirty(&p));
		assert_int_equal(p.spec_committed, !strstr(cases[i].want, "a.yaml"));
		arena_release(&mem);
		assert_int_equal(mem_live(), 0);
	}
}

static void a_spec_that_is_not_committed(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct provenance p;

	init(w);
	commit(w, "specs/a.yaml");
	p = collect(&mem, in(w, "specs/a.yaml"), in(w, "templates/report.md"));
	assert_non_null(p.commit);
	assert_false(p.spec_committed);
	assert_string_equal(dirty(&p), "specs/a.yaml");
	arena_release(&mem);
}

static void a_spec_at_the_root(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct provenance p;

	init(w);
	scratch_text(in(w, "root.yaml"), "audit: 1\n");
	commit(w, NULL);
	scratch_text(in(w, "specs-other/x"), "changed\n");
	scratch_text(in(w, "unknown"), "x\n");
	p = collect(&mem, in(w, "root.yaml"), NULL);
	assert_string_equal(p.spec_path, "root.yaml");
	assert_true(p.spec_committed);
	assert_string_equal(dirty(&p), "specs-other/x");
	arena_release(&mem);
}

static void a_linked_worktree(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	git_worktree *tree;
	struct provenance p, linked;

	init(w);
	commit(w, NULL);
	assert_int_equal(git_worktree_add(&tree, w->git, "side", in(w, "side"), NULL), 0);
	git_worktree_free(tree);
	p = collect(&mem, in(w, "specs/a.yaml"), NULL);
	linked = collect(&mem, in(w, "side/specs/a.yaml"), in(w, "side/templates/report.md"));
	assert_string_equal(linked.commit, p.commit);
	assert_string_equal(linked.spec_path, "specs/a.yaml");
	assert_true(linked.spec_committed);
	assert_int_equal(linked.n_dirty, 0);
	arena_release(&mem);
}

/* Line endings, filters, a name: whatever the user's configuration says, the answer is the same. */
static void the_users_configuration_has_no_say(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct provenance p;

	init(w);
	commit(w, NULL);
	scratch_text(in(w, ".gitconfig"), "[core]\n\tautocrlf = true\n\tworktree = /nowhere\n[broken\n");
	assert_int_equal(setenv("HOME", w->dir, 1), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", w->dir, 1), 0);
	assert_int_equal(setenv("GIT_DIR", "/nowhere", 1), 0);
	p = collect(&mem, in(w, "specs/a.yaml"), NULL);
	assert_true(p.spec_committed);
	assert_int_equal(p.n_dirty, 0);
	unsetenv("GIT_DIR");
	arena_release(&mem);
}

static void nothing_is_written(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	char before[65];

	init(w);
	commit(w, NULL);
	scratch_text(in(w, "specs/data/text"), "changed\n");
	snprintf(before, sizeof(before), "%s", scratch_digest(w->dir));
	collect(&mem, in(w, "specs/a.yaml"), in(w, "templates/report.md"));
	assert_string_equal(scratch_digest(w->dir), before);
	arena_release(&mem);
}

static void what_is_broken_is_said(void **state)
{
	struct world *w = *state;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct provenance p;

	init(w);
	commit(w, NULL);
	assert_int_equal(provenance_collect(&p, &mem, in(w, "specs/none.yaml"), NULL, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	scratch_text(in(w, ".git/HEAD"), "nonsense\n");
	assert_int_equal(provenance_collect(&p, &mem, in(w, "specs/a.yaml"), NULL, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	scratch_text(in(w, ".git/HEAD"), "ref: refs/heads/master\n");
	scratch_text(in(w, ".git/config"), "[core\n");
	assert_int_equal(provenance_collect(&p, &mem, in(w, "specs/a.yaml"), NULL, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(outside_any_repository, setup, teardown),
		cmocka_unit_test_setup_teardown(before_the_first_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clean_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(what_differs_is_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spec_that_is_not_committed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spec_at_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(a_linked_worktree, setup, teardown),
		cmocka_unit_test_setup_teardown(the_users_configuration_has_no_say, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_broken_is_said, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
