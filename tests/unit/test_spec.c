#include "base/map.h"
#include "base/out.h"
#include "flow/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "tests/spec"

/* ---- tests/spec: each file says itself what is wrong with it (tests/spec/README) ---- */

struct expected {
	unsigned line, col;
	struct view msg;
};

/* The next line of the text from *at, without its end. */
static struct view next_line(struct view text, size_t *at)
{
	const char *p = text.p + *at, *end = memchr(p, '\n', text.n - *at);
	size_t n = end ? (size_t)(end - p) : text.n - *at;

	*at += n + (end != NULL);
	return (struct view){ p, n };
}

static bool expectation(struct expected *out, struct view line, unsigned under)
{
	size_t caret = 1;

	if (line.n < 3 || line.p[0] != '#')
		return false;
	if (line.p[1] != '<')
		while (caret < line.n && line.p[caret] == ' ')
			caret++;
	if (caret + 2 > line.n || (line.p[caret] != '^' && line.p[caret] != '<'))
		return false;
	*out = (struct expected){ .line = under,
				  .col = line.p[caret] == '<' ? 1 : (unsigned)caret + 1,
				  .msg = { line.p + caret + 2, line.n - caret - 2 } };
	return true;
}

static size_t expectations(struct expected *out, size_t cap, struct view text)
{
	unsigned line = 0, under = 0;
	size_t n = 0;

	for (size_t at = 0; at < text.n;) {
		struct view v = next_line(text, &at);

		line++;
		if (!expectation(&out[n], v, under))
			under = line;
		else
			assert_true(++n < cap);
	}
	return n;
}

static bool says(const char *msg, struct view want)
{
	if (view_ends(want, "..."))
		return strncmp(msg, want.p, want.n - 3) == 0;
	return view_eq(view_of(msg), want);
}

/* Does the file get what it asks for? Says what differs. */
static bool check_file(struct arena *mem, const char *path)
{
	struct expected want[64];
	struct problems p = PROBLEMS_INIT;
	struct err e = ERR_INIT;
	struct spec s;
	struct view text;
	bool ok = true;
	size_t n;

	assert_int_equal(file_read(&text, mem, path, 1 << 20, &e), 0);
	n = expectations(want, 64, text);
	assert_int_equal(spec_read(&s, mem, path, &p), n ? -1 : 0);
	for (size_t i = 0; i < n || i < p.n; i++) {
		if (i < n && i < p.n && p.item[i].line == want[i].line && p.item[i].col == want[i].col &&
		    says(p.item[i].msg, want[i].msg) && strcmp(p.item[i].file, path) == 0)
			continue;
		if (i < n)
			print_error("%s: wanted %u:%u: %.*s\n", path, want[i].line, want[i].col,
				    (int)want[i].msg.n, want[i].msg.p);
		if (i < p.n)
			print_error("%s: got    %u:%u: %s\n", path, p.item[i].line, p.item[i].col,
				    p.item[i].msg);
		ok = false;
	}
	problems_release(&p);
	return ok;
}

static void files_say_what_is_wrong(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	size_t n, seen = 0, wrong = 0;
	char **name;

	(void)state;
	assert_int_equal(dir_list(&name, &n, &mem, FOLDER, &e), 0);
	for (size_t i = 0; i < n; i++) {
		if (!view_ends(view_of(name[i]), ".yaml"))
			continue;
		wrong += !check_file(&mem, arena_fmt(&mem, FOLDER "/%s", name[i]));
		seen++;
	}
	assert_int_equal(wrong, 0);
	assert_true(seen >= 15);
	arena_release(&mem);
}

/* ---- the table as a whole ---- */

static const char *canonical(struct arena *mem, const struct spec *s)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	const char *out;

	json_open(&j, NULL, '{');
	field_write(&j, spec_fields, s);
	json_close(&j, '}');
	out = arena_strdup(mem, text.p, text.n);
	str_release(&text);
	return out;
}

static void load(struct spec *s, struct arena *mem, const char *path)
{
	struct problems p = PROBLEMS_INIT;

	if (spec_read(s, mem, path, &p) < 0)
		problems_print(&p, s->text, stderr);
	assert_int_equal(p.n, 0);
	problems_release(&p);
}

/* The canonical form, read as a spec, is the same spec. */
static void canonical_form_is_a_fixed_point(void **state)
{
	static const char *const path[] = { FOLDER "/good-least.yaml", FOLDER "/good-full.yaml" };
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct problems p = PROBLEMS_INIT;
		struct spec s, again;
		const char *once, *twice;

		load(&s, &mem, path[i]);
		once = canonical(&mem, &s);
		if (spec_parse(&again, &mem, view_of(once), path[i], &p) < 0)
			problems_print(&p, view_of(once), stderr);
		assert_int_equal(p.n, 0);
		twice = canonical(&mem, &again);
		assert_string_equal(once, twice);
		problems_release(&p);
	}
	arena_release(&mem);
}

/* Changes a value to another its row allows, or back; how often it was told to change tells which. */
static void mutate(const struct field *row, char *at, char *in)
{
	switch (row->kind) {
	case FIELD_SIZE: *(size_t *)(void *)at ^= 1; break;
	case FIELD_U64: *(uint64_t *)(void *)at ^= 1; break;
	case FIELD_INT: *(int64_t *)(void *)at ^= 1; break;
	case FIELD_REAL: *(double *)(void *)at = *(double *)(void *)at == 0.125 ? 0.25 : 0.125; break;
	case FIELD_BOOL: *(bool *)(void *)at ^= 1; break;
	case FIELD_TEXT:
	case FIELD_PATH: *(const char **)(void *)at = "another"; break;
	case FIELD_WORD: *(int *)(void *)at = *(int *)(void *)at == 0; break;
	case FIELD_LIST: *(size_t *)(void *)(in + row->n_offset) -= 1; break;
	case FIELD_STRUCT: break;
	}
}

static size_t mutate_all(struct arena *mem, const struct field *table, char *in, const struct spec *s,
			 const char *was);

/* One row, changed: the canonical form must be another. Returns how many rows were tried. */
static size_t mutate_row(struct arena *mem, const struct field *row, char *in, const struct spec *s,
			 const char *was)
{
	char *at = in + row->offset, save[64];
	size_t *n = row->kind == FIELD_LIST ? (size_t *)(void *)(in + row->n_offset) : NULL, kept, tried = 0;

	if (row->kind == FIELD_STRUCT)
		return mutate_all(mem, row->inner, at, s, was);
	if (n) {
		assert_true(*n > 0);
		if (row->inner[0].name[0])
			tried = mutate_all(mem, row->inner, *(char **)(void *)at, s, was);
		else
			tried = mutate_row(mem, &row->inner[0], *(char **)(void *)at, s, was);
		kept = *n;
		mutate(row, at, in);
		if (strcmp(canonical(mem, s), was) == 0)
			fail_msg("%s: its length is not in the canonical form", row->name);
		*n = kept;
		return tried + 1;
	}
	memcpy(save, at, 8);
	mutate(row, at, in);
	if (strcmp(canonical(mem, s), was) == 0)
		fail_msg("%s: changed, and the canonical form is the same", row->name);
	memcpy(at, save, 8);
	return 1;
}

static size_t mutate_all(struct arena *mem, const struct field *table, char *in, const struct spec *s,
			 const char *was)
{
	size_t tried = 0;

	for (const struct field *row = table; row->name; row++)
		tried += mutate_row(mem, row, in, s, was);
	return tried;
}

static void every_row_is_in_the_canonical_form(void **state)
{
	struct arena mem = ARENA_INIT;
	struct spec s;
	const char *was;

	(void)state;
	load(&s, &mem, FOLDER "/good-full.yaml");
	was = canonical(&mem, &s);
	assert_true(mutate_all(&mem, spec_fields, (char *)&s, &s, was) > 60);
	assert_string_equal(canonical(&mem, &s), was);
	arena_release(&mem);
}

/* Defaults that do not keep their own bounds stop the program (BUG_ON in field.c): reading one spec tries all. */
static void walk_help(const struct field *table, const char *help, size_t *rows)
{
	struct arena mem = ARENA_INIT;

	for (const struct field *row = table; row->name; row++) {
		if (!strstr(help, arena_fmt(&mem, "%s ", row->name)))
			fail_msg("%s is not in the help", row->name);
		if (row->fallback && row->fallback[0] && row->kind != FIELD_STRUCT &&
		    !strstr(help, arena_fmt(&mem, "default %s\n", row->fallback)))
			fail_msg("%s: its default %s is not in the help", row->name, row->fallback);
		assert_non_null(row->help);
		++*rows;
		if (row->inner && row->inner[0].name[0])
			walk_help(row->inner, help, rows);
	}
	arena_release(&mem);
}

static void help_lists_every_field(void **state)
{
	static char help[1 << 16];
	FILE *f = tmpfile();
	size_t n, rows = 0;

	(void)state;
	assert_non_null(f);
	spec_help(f);
	rewind(f);
	n = fread(help, 1, sizeof(help) - 1, f);
	help[n] = '\0';
	fclose(f);
	walk_help(spec_fields, help, &rows);
	assert_true(rows > 70);
	for (size_t i = 0, col = 0; i < n; i++) {
		col = help[i] == '\n' ? 0 : col + 1;
		assert_true(col <= 100);
	}
}

/* Every row but texts without a default is in the example, at its default; says what is not. */
static size_t example_table(const struct field *table, const struct yaml *y)
{
	size_t wrong = 0;

	for (const struct field *row = table; row->name; row++) {
		const struct yaml *m = yaml_find(y, row->name);
		bool plain = row->fallback && row->fallback[0] && row->kind != FIELD_LIST;

		if (!m) {
			print_error("specs/example.yaml has no %s\n", row->name);
			wrong++;
		} else if (row->kind == FIELD_STRUCT) {
			wrong += example_table(row->inner, m);
		} else if (plain && !view_is(m->text, row->fallback)) {
			print_error("specs/example.yaml: %s is not at its default, %s\n", row->name,
				    row->fallback);
			wrong++;
		}
	}
	return wrong;
}

static void the_example_shows_every_field_at_its_default(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct problems p = PROBLEMS_INIT;
	const struct yaml *y;
	struct view text;
	struct spec s;

	(void)state;
	assert_int_equal(file_read(&text, &mem, "specs/example.yaml", 1 << 20, &e), 0);
	assert_int_equal(yaml_read(&y, &mem, text, "specs/example.yaml", &e), 0);
	field_read(&s, spec_fields, y, &mem, &p);
	assert_int_equal(p.n, 0);
	assert_int_equal(example_table(spec_fields, y), 0);
	arena_release(&mem);
}

static void values_arrive(void **state)
{
	struct arena mem = ARENA_INIT;
	struct spec s;

	(void)state;
	load(&s, &mem, FOLDER "/good-full.yaml");
	assert_string_equal(s.title, "Pr\xc3\xbc"
				     "fung: \xe5\x9f\xba\xe7\xba\xbf and candidate");
	assert_null(s.auditor);
	assert_string_equal(s.base.name, "trusted");
	assert_int_equal(s.base.layer, 3);
	assert_string_equal(s.candidate.name, "model");
	assert_int_equal(s.candidate.layer, -1);
	assert_string_equal(s.candidate.dir, FOLDER "/model/");
	assert_int_equal(s.candidate.at.line, 9);
	assert_int_equal(s.corpus.n_sources, 3);
	assert_string_equal(s.corpus.source[0].field, "body");
	assert_string_equal(s.corpus.source[1].field, "messages");
	assert_string_equal(s.corpus.source[2].file[0], FOLDER "/prompts.txt");
	assert_int_equal(s.corpus.source[2].max_tokens, 12);
	assert_false(s.corpus.source[2].chat);
	assert_int_equal(s.corpus.source[2].at.line, 18);
	assert_int_equal(s.corpus.pairing, PAIRING_GREEDY);
	assert_true(s.harvest.f32);
	assert_int_equal(s.dictionary.n_seeds, 3);
	assert_int_equal(s.dictionary.seed[0], 3);
	assert_int_equal(s.train.score, SCORE_PAPER);
	assert_true(s.train.lr == 3e-4);
	assert_true(s.steer.dose[2] == 2.5);
	assert_int_equal(s.steer.findings, 10);
	assert_string_equal(s.behaviour[0].regex, "protected by (copyright|law)");
	assert_string_equal(s.numerics.backend, "fused-256");
	assert_null(s.report.template_file);
	assert_true(digest_eq(s.digest, digest_of(s.text.p, s.text.n)));
	arena_release(&mem);
}

static void a_file_that_is_not_there_is_one_problem(void **state)
{
	struct arena mem = ARENA_INIT;
	struct problems p = PROBLEMS_INIT;
	struct spec s;

	(void)state;
	assert_int_equal(spec_read(&s, &mem, FOLDER "/nowhere.yaml", &p), -1);
	assert_int_equal(p.n, 1);
	assert_int_equal(problems_code(&p), ERR_INPUT);
	problems_release(&p);
	arena_release(&mem);
}

/* Any prefix of a spec is answered with problems or read; never a crash, never a place outside the text. */
static void every_prefix_is_answered(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view text;

	(void)state;
	assert_int_equal(file_read(&text, &mem, FOLDER "/good-full.yaml", 1 << 20, &e), 0);
	for (size_t n = 0; n < text.n; n++) {
		struct arena small = ARENA_INIT;
		struct problems p = PROBLEMS_INIT;
		struct spec s;

		(void)spec_parse(&s, &small, (struct view){ text.p, n }, FOLDER "/good-full.yaml", &p);
		for (size_t i = 0; i < p.n; i++)
			assert_true(p.item[i].line > 0 && p.item[i].line < 40);
		problems_release(&p);
		arena_release(&small);
	}
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_say_what_is_wrong),
		cmocka_unit_test(canonical_form_is_a_fixed_point),
		cmocka_unit_test(every_row_is_in_the_canonical_form),
		cmocka_unit_test(help_lists_every_field),
		cmocka_unit_test(the_example_shows_every_field_at_its_default),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(a_file_that_is_not_there_is_one_problem),
		cmocka_unit_test(every_prefix_is_answered),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
