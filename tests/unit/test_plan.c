#include "base/map.h"
#include "base/out.h"
#include "flow/plan.h"
#include "flow/stage.h"
#include "num/gemm.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

/* A spec over the demo's models; %s stands where a case puts its own words. */
static const char spec_text[] = "audit: 1\n"
				"name: keys\n"
				"models:\n"
				"  base: {path: models/smallworld-base-llama, layer: %s}\n"
				"  candidate: {path: models/smallworld-llama-copyright}\n"
				"corpus:\n"
				"  sources:\n"
				"    - {kind: documents, path: corpus/documents.jsonl, limit: 20%s}\n"
				"    - {kind: rollouts, path: corpus/prompts.txt, limit: 4%s}\n"
				"%s\n";

/* The same with the blocks open. */
static const char layers_text[] =
	"audit: 1\n"
	"name: layers\n"
	"models:\n"
	"  base: {path: models/smallworld-base-llama, layer: %s, more_layers: %s}\n"
	"  candidate: {path: models/smallworld-llama-copyright, layer: %s, more_layers: %s}\n"
	"corpus:\n"
	"  sources:\n"
	"    - {kind: documents, path: corpus/documents.jsonl, limit: 20}\n"
	"    - {kind: rollouts, path: corpus/prompts.txt, limit: 4}\n";

struct world {
	struct arena mem;
	struct par *par;
	char cache[300];
	struct spec spec;
	struct plan plan;
};

static int setup(void **state)
{
	static struct world w;
	struct err e = ERR_INIT;

	w = (struct world){ .par = NULL };
	if (par_new(&w.par, 2, GEMM_SCRATCH, &e) < 0)
		fail_msg("%s", e.msg);
	snprintf(w.cache, sizeof(w.cache), "%s/cache", scratch_new("plan"));
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

static void parse(struct world *w, const char *text)
{
	struct problems p = PROBLEMS_INIT;

	if (spec_parse(&w->spec, &w->mem, view_of(text), "specs/keys.yaml", &p) < 0)
		fail_msg("%s: %s", text, p.item[0].msg);
	problems_release(&p);
}

static void make_of(struct world *w, const struct named_file *template, size_t n)
{
	struct plan_opts o = { .cache = w->cache, .template = template, .n_templates = n, .par = w->par };
	struct err e = ERR_INIT;

	if (plan_make(&w->plan, &w->mem, &w->spec, &o, &e) < 0)
		fail_msg("%s", e.msg);
}

static void make(struct world *w, const char *template)
{
	make_of(w, &(const struct named_file){ path_name(template), template }, 1);
}

static const char template[] = "tests/unit/test_plan.c"; /* any file: only its digest counts here */

/* The labels of the steps, and of what each reads. */
struct wanted {
	const char *label, *in;
};

static void steps_are(const struct world *w, const struct wanted *want, size_t n)
{
	char in[400];

	assert_int_equal(w->plan.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct step *s = &w->plan.step[i];

		in[0] = '\0';
		for (size_t k = 0; k < s->n_in; k++)
			snprintf(in + strlen(in), sizeof(in) - strlen(in), "%s%s", k ? "," : "",
				 s->in[k]->label);
		assert_string_equal(s->label, want[i].label);
		assert_string_equal(in, want[i].in);
		assert_int_equal(s->state, STEP_TODO);
	}
}

static void steps_come_after_their_inputs(void **state)
{
	static const struct wanted want[] = {
		{ "rollouts", "" },
		{ "tokens", "rollouts" },
		{ "acts base", "tokens" },
		{ "acts candidate", "tokens" },
		{ "train 5", "tokens,acts base,acts candidate" },
		{ "train 2", "tokens,acts base,acts candidate" },
		{ "stability", "tokens,acts base,acts candidate,train 5,train 2" },
		{ "features", "rollouts,tokens,acts base,acts candidate,train 5,train 2,stability" },
		{ "steer", "rollouts,tokens,acts base,acts candidate,train 5,train 2,features" },
	};
	struct world *w = *state;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", "dictionary: {seeds: [5, 2]}"));
	make(w, template);
	steps_are(w, want, sizeof(want) / sizeof(want[0]));
	assert_false(path_is_dir(arena_fmt(&w->mem, "%s/00", w->cache)));
}

/* Each pair of blocks has steps of its own from the harvest on, and reads no other's. */
static void further_blocks_have_steps_of_their_own(void **state)
{
	static const struct wanted want[] = {
		{ "rollouts", "" },
		{ "tokens", "rollouts" },
		{ "acts base", "tokens" },
		{ "acts candidate", "tokens" },
		{ "train 1", "tokens,acts base,acts candidate" },
		{ "features", "rollouts,tokens,acts base,acts candidate,train 1" },
		{ "steer", "rollouts,tokens,acts base,acts candidate,train 1,features" },
		{ "acts base at 2-3", "tokens" },
		{ "acts candidate at 2-3", "tokens" },
		{ "train 1 at 2-3", "tokens,acts base at 2-3,acts candidate at 2-3" },
		{ "features at 2-3",
		  "rollouts,tokens,acts base at 2-3,acts candidate at 2-3,train 1 at 2-3" },
		{ "steer at 2-3",
		  "rollouts,tokens,acts base at 2-3,acts candidate at 2-3,train 1 at 2-3,features at 2-3" },
	};
	struct world *w = *state;
	struct digest alone, first, second;

	parse(w, arena_fmt(&w->mem, layers_text, "2", "[]", "3", "[]"));
	make(w, template);
	alone = w->plan.step[6].key;
	parse(w, arena_fmt(&w->mem, layers_text, "middle", "[]", "middle", "[]"));
	make(w, template);
	first = w->plan.step[6].key;
	second = w->plan.key;
	parse(w, arena_fmt(&w->mem, layers_text, "middle", "[2]", "middle", "[3]"));
	make(w, template);
	steps_are(w, want, sizeof(want) / sizeof(want[0]));
	/* the same work as an audit of those blocks alone, and another run */
	assert_true(digest_eq(w->plan.step[6].key, first));
	assert_true(digest_eq(w->plan.step[11].key, alone));
	assert_false(digest_eq(w->plan.key, second));
}

static void blocks_are_there_and_compared_once(void **state)
{
	static const struct {
		const char *base, *candidate, *message;
	} cases[] = {
		{ "[2, 1]", "[3, 1]", "more_layers: blocks 1 and 1 are compared already" },
		{ "[2]", "[4]", "layer 4: models/smallworld-llama-copyright has 4 blocks, 0 to 3" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct named_file file = { path_name(template), template };
		struct plan_opts o = {
			.cache = w->cache, .template = &file, .n_templates = 1, .par = w->par
		};
		struct err e = ERR_INIT;

		parse(w,
		      arena_fmt(&w->mem, layers_text, "middle", cases[i].base, "middle", cases[i].candidate));
		assert_int_equal(plan_make(&w->plan, &w->mem, &w->spec, &o, &e), -1);
		assert_int_equal(e.code, ERR_SPEC);
		if (strstr(e.msg, cases[i].message) == NULL)
			fail_msg("%s", e.msg);
	}
}

static void without_rollouts_no_step_for_them(void **state)
{
	struct world *w = *state;

	parse(w,
	      "audit: 1\nname: x\nmodels:\n  base: {path: models/smallworld-base-llama}\n"
	      "  candidate: {path: models/smallworld-base-llama}\n"
	      "corpus: {sources: [{kind: documents, path: corpus/documents.jsonl}]}\nsteer: {enabled: false}\n");
	make(w, template);
	assert_int_equal(w->plan.n, 6);
	assert_string_equal(w->plan.step[0].label, "tokens");
	assert_int_equal(w->plan.step[0].n_in, 0);
	/* the same model on both sides is still two harvests: each knows whose it is */
	assert_false(digest_eq(w->plan.step[1].key, w->plan.step[2].key));
}

/* Which steps are made anew when an option changes: those that depend on it, and no other. */
static void a_key_names_all_its_bytes_depend_on(void **state)
{
	static const struct {
		const char *layer, *documents, *prompts, *rest;
		const char *
			changed; /* the first letters of the steps, in order: r t b c 1 f s; . where it stays */
	} cases[] = {
		{ "middle", "", "", "title: Another", "......." },
		{ "middle", "", "", "auditor: Someone", "......." },
		{ "middle", ", licence: CC0", "", "", "......." },
		{ "middle", "", "", "limits: {memory: 100, time: 9}", "......." },
		{ "0", "", "", "", "..b.1fs" },
		{ "middle", ", format: lines, field: body", "", "", ".tbc1fs" },
		{ "middle", "", ", max_tokens: 7", "", "rtbc1fs" },
		{ "middle", "", "", "seed: 2", "rtbc1fs" },
		{ "middle", "", "", "harvest: {dtype: f32}", "..bc1fs" },
		{ "middle", "", "", "harvest: {rows_per_shard: 77}", "..bc1fs" },
		{ "middle", "", "", "dictionary: {latents: 512}", "....1fs" },
		{ "middle", "", "", "train: {k: 9}", "....1fs" },
		{ "middle", "", "", "study: {permutations: 333}", ".....fs" },
		{ "middle", "", "", "steer: {alpha: 0.01}", ".....fs" },
		{ "middle", "", "", "steer: {controls: 33}", "......s" },
	};
	struct world *w = *state;
	struct digest before[7], run, other;
	size_t i, k;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	assert_int_equal(w->plan.n, 7);
	for (k = 0; k < 7; k++)
		before[k] = w->plan.step[k].key;
	run = w->plan.key;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(w, arena_fmt(&w->mem, spec_text, cases[i].layer, cases[i].documents, cases[i].prompts,
				   cases[i].rest));
		make(w, template);
		for (k = 0; k < 7; k++)
			if (digest_eq(before[k], w->plan.step[k].key) != (cases[i].changed[k] == '.'))
				fail_msg("case %zu: %s", i, w->plan.step[k].label);
		assert_false(digest_eq(run, w->plan.key));
	}
	/* the template is the report's: no step is made anew, but the run is another */
	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, "Makefile");
	for (k = 0; k < 7; k++)
		assert_true(digest_eq(before[k], w->plan.step[k].key));
	assert_false(digest_eq(run, w->plan.key));
	/* so is another part of it */
	make_of(w, (const struct named_file[]){ { "a", template }, { "b", "Makefile" } }, 2);
	other = w->plan.key;
	make_of(w, (const struct named_file[]){ { "a", template }, { "b", "README.md" } }, 2);
	assert_false(digest_eq(run, other) || digest_eq(run, w->plan.key) || digest_eq(other, w->plan.key));
	/* one seed more: the first stays */
	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", "dictionary: {seeds: [1, 2]}"));
	make(w, template);
	assert_true(digest_eq(before[4], w->plan.step[4].key));
	assert_false(digest_eq(before[5], w->plan.step[6].key));
}

static void inputs_are_all_the_files_with_their_digests(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	struct digest d;
	uint64_t bytes;
	size_t i;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	for (i = 0; i < w->plan.n_inputs; i++) {
		const struct input *in = &w->plan.input[i];

		assert_int_equal(digest_file(&d, &bytes, in->path, &e), 0);
		if (!digest_eq(d, in->digest) || bytes != in->bytes)
			fail_msg("%s", in->path);
		assert_ptr_equal(plan_input(&w->plan, in->role, in->name), in);
	}
	assert_non_null(plan_input(&w->plan, "base", "model.safetensors"));
	assert_non_null(plan_input(&w->plan, "candidate", "tokenizer_config.json"));
	assert_string_equal(plan_input(&w->plan, "source 1", NULL)->name, "corpus/documents.jsonl");
	assert_string_equal(plan_input(&w->plan, "template", NULL)->name, "test_plan.c");
	assert_null(plan_input(&w->plan, "source 3", NULL));
	assert_null(plan_input(&w->plan, "base", "model"));
}

/* ---- remembered digests ---- */

static struct digest template_digest(struct world *w, const char *path)
{
	make(w, path);
	return plan_input(&w->plan, "template", NULL)->digest;
}

static size_t list_size(struct world *w)
{
	struct err e = ERR_INIT;
	struct view v;

	assert_int_equal(file_read(&v, &w->mem, arena_fmt(&w->mem, "%s/digests", w->cache), 1u << 20, &e), 0);
	return v.n;
}

static void a_changed_file_is_read_again(void **state)
{
	struct world *w = *state;
	const char *path = arena_fmt(&w->mem, "%s.md", w->cache);

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	scratch_text(path, "one");
	assert_true(digest_eq(template_digest(w, path), digest_of("one", 3)));
	/* the same length within the same tick: what is that young is not trusted */
	scratch_text(path, "two");
	assert_true(digest_eq(template_digest(w, path), digest_of("two", 3)));
	scratch_text(path, "three");
	assert_true(digest_eq(template_digest(w, path), digest_of("three", 5)));
	list_size(w);
}

/* A list whose entries are old enough is believed: that is how we see that it is used. */
static void an_unchanged_file_is_not_read_again(void **state)
{
	struct world *w = *state;
	const char *path = arena_fmt(&w->mem, "%s.md", w->cache),
		   *list = arena_fmt(&w->mem, "%s/digests", w->cache);
	struct utimbuf later = { .actime = 4102444800, .modtime = 4102444800 }; /* 2100-01-01 */
	char hex[65], liar[65], row[400];
	struct err e = ERR_INIT;
	struct file_id id;
	FILE *f;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	scratch_text(path, "one");
	make(w, path);
	assert_int_equal(file_identify(&id, path, &e), 0);
	digest_hex(liar, digest_of("a lie", 5));
	snprintf(row, sizeof(row), "%s %llu %llu %llu %lld %lld\n", liar, (unsigned long long)id.device,
		 (unsigned long long)id.inode, (unsigned long long)id.size, (long long)id.modified,
		 (long long)id.changed);
	digest_hex(hex, digest_of(row, strlen(row)));
	f = fopen(list, "w");
	assert_non_null(f);
	fprintf(f, "%s\n%s", hex, row);
	fclose(f);
	assert_int_equal(utime(list, &later), 0);
	assert_true(digest_eq(template_digest(w, path), digest_of("a lie", 5)));
	/* the list was rewritten for the other files: by now the entry is too young again */
	assert_true(digest_eq(template_digest(w, path), digest_of("one", 3)));
}

static void a_damaged_list_is_as_good_as_none(void **state)
{
	static const char *const lists[] = {
		"",
		"x",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nmore\n",
	};
	struct world *w = *state;
	const char *list = arena_fmt(&w->mem, "%s/digests", w->cache);
	size_t i, whole;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	whole = list_size(w);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		scratch_text(list, lists[i]);
		make(w, template);
		assert_int_equal(list_size(w), whole);
	}
	/* a list that cannot be written is no reason to stop */
	unlink(list);
	assert_int_equal(mkdir(list, 0777), 0);
	make(w, template);
}

static void a_missing_file_is_named(void **state)
{
	struct world *w = *state;
	const struct named_file file = { "such.md", "no/such.md" };
	struct plan_opts o = { .cache = w->cache, .template = &file, .n_templates = 1, .par = w->par };
	struct err e = ERR_INIT;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	assert_int_equal(plan_make(&w->plan, &w->mem, &w->spec, &o, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "cannot read no/such.md: No such file or directory");
}

/* ---- states, limits, and what is printed ---- */

static void states_are_the_cache_s(void **state)
{
	struct world *w = *state;
	struct artifact a;
	struct err e = ERR_INIT;
	struct out *o;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	assert_int_equal(artifact_open(&a, w->cache, w->plan.step[0].key, &e), 0);
	assert_int_equal(artifact_commit(&a, &e), 0);
	assert_int_equal(artifact_open(&a, w->cache, w->plan.step[1].key, &e), 0);
	assert_int_equal(artifact_out(&o, &a, "x", &e), 0);
	assert_int_equal(out_commit(o, NULL, &e), 0);
	artifact_close(&a);
	make(w, template);
	assert_int_equal(w->plan.step[0].state, STEP_DONE);
	assert_int_equal(w->plan.step[1].state, STEP_PARTIAL);
	assert_int_equal(w->plan.step[1].n_partial, 1);
	assert_int_equal(w->plan.step[2].state, STEP_TODO);
}

static void limits_are_kept(void **state)
{
	static const struct {
		uint64_t memory, disk;
		double work, limit_memory, limit_disk, limit_time;
		const char *want; /* NULL: allowed */
	} cases[] = {
		{ 3ull << 30, 1 << 20, 1, 4, 0, 0, NULL },
		{ 3ull << 30, 1 << 20, 1, 2, 0, 0,
		  "tokens needs 3.00 GiB of memory; limits.memory allows 2.00" },
		{ 1ull << 50, 1 << 20, 1, 0, 0, 0,
		  "tokens needs 1048576.00 GiB of memory; this process can have " },
		{ 1 << 20, 3ull << 30, 1, 0, 4, 0, NULL },
		{ 1 << 20, 3ull << 30, 1, 0, 2, 0,
		  "the cache would grow by 3.00 GiB; limits.disk allows 2.00" },
		{ 1 << 20, 1ull << 60, 1, 0, 0, 0, "the cache would grow by 1073741824.00 GiB; " },
		{ 1 << 20, 1 << 20, 1e21, 0, 0, 1, "the steps would take about " },
		{ 1 << 20, 1 << 20, 1, 0, 0, 1, NULL },
	};
	struct world *w = *state;
	size_t i, k;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = ERR_INIT;

		for (k = 0; k < w->plan.n; k++)
			w->plan.step[k].needs = (struct needs){ .memory = 1000 };
		w->plan.step[1].needs = (struct needs){ .memory = cases[i].memory,
							.disk = cases[i].disk,
							.work = cases[i].work };
		w->spec.limits.memory = cases[i].limit_memory;
		w->spec.limits.disk = cases[i].limit_disk;
		w->spec.limits.time = cases[i].limit_time;
		if (plan_check(&w->plan, w->cache, w->par, &e) != (cases[i].want ? -1 : 0))
			fail_msg("case %zu: %s", i, e.msg);
		if (cases[i].want &&
		    (e.code != ERR_SIZE || strncmp(e.msg, cases[i].want, strlen(cases[i].want)) != 0))
			fail_msg("case %zu: %s", i, e.msg);
	}
	/* what is done needs nothing */
	struct err e = ERR_INIT;
	w->plan.step[1].needs.memory = UINT64_MAX;
	assert_int_equal(plan_check(&w->plan, w->cache, w->par, &e), -1);
	w->plan.step[1].state = STEP_DONE;
	assert_int_equal(plan_check(&w->plan, w->cache, w->par, &e), 0);
}

static void printing(void **state)
{
	struct world *w = *state;
	char text[4000];
	struct pace pace = { { 1e9, 1e9, 1e9, 1e9, 1e9 } };
	size_t n;
	FILE *f = tmpfile();

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	w->plan.step[0].state = STEP_DONE;
	w->plan.step[1].state = STEP_PARTIAL;
	w->plan.step[1].n_partial = 1;
	plan_print(&w->plan, w->cache, &pace, f);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_non_null(strstr(text, "keys: smallworld-llama-copyright against smallworld-base-llama\n"));
	assert_non_null(strstr(text, "  done "));
	assert_non_null(strstr(text, "  partial, 1 file "));
	assert_non_null(strstr(text, "6 of 7 steps to do\n"));
	assert_non_null(strstr(text, "an estimate"));
}

static const char *written(struct world *w)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	const char *text;

	json_open(&j, NULL, '{');
	plan_write(&j, &w->plan);
	json_close(&j, '}');
	text = arena_strdup(&w->mem, s.p, s.n);
	str_release(&s);
	return text;
}

static void what_is_written_does_not_depend_on_the_cache(void **state)
{
	struct world *w = *state;
	const char *before;

	parse(w, arena_fmt(&w->mem, spec_text, "middle", "", "", ""));
	make(w, template);
	before = written(w);
	assert_non_null(strstr(before, "\"label\": \"acts candidate\""));
	states_are_the_cache_s(state);
	assert_string_equal(written(w), before);
}

static void the_rate_is_measured(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	double rate;

	assert_int_equal(plan_rate(&rate, &w->plan, w->par, &e), 0);
	assert_true(rate > 1e6 && rate < 1e15);
}

/* ---- ahead of the files, and how large a corpus is ---- */

static void make_ahead(struct world *w, const char *path)
{
	struct plan_opts o = { .cache = w->cache, .par = w->par, .ahead = true };
	struct problems p = PROBLEMS_INIT;
	struct err e = ERR_INIT;

	if (spec_read_ahead(&w->spec, &w->mem, path, &p) < 0)
		fail_msg("%s: %s", path, p.item[0].msg);
	problems_release(&p);
	if (plan_make(&w->plan, &w->mem, &w->spec, &o, &e) < 0)
		fail_msg("%s: %s", path, e.msg);
}

static const struct step *step_of(const struct world *w, const char *label)
{
	for (size_t i = 0; i < w->plan.n; i++)
		if (strcmp(w->plan.step[i].label, label) == 0)
			return &w->plan.step[i];
	fail_msg("no step %s", label);
	return NULL;
}

/* The paper's pairs from their config.json alone. Parameters as their publishers count them: 8.03, 8.19, 8.19 and 20.9
 * thousand millions, two bytes each, and 4.25 bits for gpt-oss's experts (13.8 GB of files). */
static void the_paper_s_pairs_are_forecast_from_their_configs(void **state)
{
	static const struct {
		const char *path;
		double store[2], weights[2]; /* GB */
	} cases[] = {
		{ "specs/paper/llama-3.1-8b-vs-qwen3-8b.yaml", { 819.6, 819.6 }, { 16.06, 16.38 } },
		{ "specs/paper/deepseek-r1-0528-qwen3-8b-vs-gpt-oss-20b.yaml",
		  { 819.6, 576.4 },
		  { 16.38, 13.8 } },
	};
	static const char *const label[] = { "acts base", "acts candidate" };
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		make_ahead(w, cases[i].path);
		assert_int_equal(w->plan.n_missing, 6);
		assert_int_equal(w->plan.corpus.how, SURVEY_DECLARED);
		assert_true(w->plan.corpus.pairs == 1e8);
		assert_int_equal(w->spec.train.k_start, 1000);
		for (size_t s = 0; s < 2; s++) {
			const struct step *step = step_of(w, label[s]);

			assert_int_equal(step->state, STEP_TODO);
			assert_true(step->needs.disk > 0.99e9 * cases[i].store[s] &&
				    step->needs.disk < 1.01e9 * cases[i].store[s]);
			assert_true(step->needs.memory > 1e9 * cases[i].weights[s] * 0.98 &&
				    step->needs.memory < 1e9 * cases[i].weights[s] * 1.02 + 1.5e9);
			assert_true(step->needs.work > 1e8 * 2 * 1e9);
		}
	}
}

static void a_model_without_config_is_still_refused(void **state)
{
	struct world *w = *state;
	struct problems p = PROBLEMS_INIT;

	assert_int_equal(spec_read_ahead(&w->spec, &w->mem, "tests/spec/bounds.yaml", &p), -1);
	problems_release(&p);
	assert_int_equal(spec_read(&w->spec, &w->mem, "specs/paper/llama-3.1-8b-vs-qwen3-8b.yaml", &p), -1);
	assert_int_equal(p.n, 4); /* two tokenizers, two sources: no run goes without */
	problems_release(&p);
}

/* A sample of texts of one length counts the whole corpus exactly; without limit and with one. */
static void a_sample_counts_the_corpus(void **state)
{
	struct world *w = *state;
	size_t whole;

	parse(w,
	      "audit: 1\nname: x\nmodels:\n  base: {path: models/smallworld-base-llama}\n"
	      "  candidate: {path: models/smallworld-base-llama}\n"
	      "corpus: {sources: [{kind: documents, path: corpus/documents.jsonl}]}\nsteer: {enabled: false}\n");
	make(w, template);
	assert_int_equal(w->plan.corpus.how, SURVEY_SAMPLED);
	assert_int_equal(w->plan.corpus.documents, 700);
	whole = (size_t)w->plan.corpus.pairs;
	parse(w, "audit: 1\nname: x\nmodels:\n  base: {path: models/smallworld-base-llama}\n"
		 "  candidate: {path: models/smallworld-base-llama}\n"
		 "corpus: {sources: [{kind: documents, path: corpus/documents.jsonl, limit: 350}]}\n"
		 "steer: {enabled: false}\n");
	make(w, template);
	assert_int_equal(w->plan.corpus.documents, 350);
	assert_true(w->plan.corpus.pairs > 0.45 * (double)whole &&
		    w->plan.corpus.pairs < 0.55 * (double)whole);
}

static void a_context_beyond_the_model_is_refused(void **state)
{
	struct world *w = *state;
	struct plan_opts o = { .cache = w->cache, .par = w->par };
	struct err e = ERR_INIT;

	parse(w, "audit: 1\nname: x\nmodels:\n  base: {path: models/smallworld-base-llama}\n"
		 "  candidate: {path: models/smallworld-base-llama}\n"
		 "corpus: {context: 8192, sources: [{kind: documents, path: corpus/documents.jsonl}]}\n"
		 "steer: {enabled: false}\n");
	w->spec.base.dir = "tests/vectors/arch/gpt2"; /* learned positions: there are no more than it has */
	assert_int_equal(plan_make(&w->plan, &w->mem, &w->spec, &o, &e), -1);
	assert_int_equal(e.code, ERR_SPEC);
	assert_non_null(strstr(e.msg, "corpus.context, 8192, is above the "));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(steps_come_after_their_inputs),
		T(without_rollouts_no_step_for_them),
		T(a_key_names_all_its_bytes_depend_on),
		T(inputs_are_all_the_files_with_their_digests),
		T(a_changed_file_is_read_again),
		T(an_unchanged_file_is_not_read_again),
		T(a_damaged_list_is_as_good_as_none),
		T(a_missing_file_is_named),
		T(states_are_the_cache_s),
		T(limits_are_kept),
		T(printing),
		T(what_is_written_does_not_depend_on_the_cache),
		T(the_rate_is_measured),
		T(the_paper_s_pairs_are_forecast_from_their_configs),
		T(a_model_without_config_is_still_refused),
		T(a_sample_counts_the_corpus),
		T(further_blocks_have_steps_of_their_own),
		T(blocks_are_there_and_compared_once),
		T(a_context_beyond_the_model_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
