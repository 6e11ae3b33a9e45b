#include "base/log.h"
#include "base/out.h"
#include "flow/forecast.h"
#include "flow/plan.h"
#include "flow/stage.h"
#include "model/arch.h"
#include "num/gemm.h"

#include <string.h>

/* Showing a plan, weighing it against what there is, and writing it down. */

static const double gib = 1024.0 * 1024 * 1024;

/* What the steps that are still to do need: the most memory at once, all their disk, all their work. */
struct total {
	uint64_t disk;
	const struct step *largest; /* by memory; NULL: nothing to do */
	double seconds;		    /* 0 where no pace is known */
	uint64_t mapped;
	size_t todo;
	double work;
};

/* Seconds of a step; 0 where no pace is known. */
static double seconds_of(const struct step *s, const struct pace *pace)
{
	return pace != NULL && pace->at[s->needs.pace] > 0 ? s->needs.work / pace->at[s->needs.pace] : 0;
}

static struct total total_of(const struct plan *p, const struct pace *pace)
{
	struct total t = { .disk = 0 };
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];

		if (s->state == STEP_DONE)
			continue;
		t.todo++;
		t.disk += s->needs.disk;
		t.work += s->needs.work;
		t.seconds += seconds_of(s, pace);
		t.mapped = s->needs.mapped > t.mapped ? s->needs.mapped : t.mapped;
		if (!t.largest || s->needs.memory > t.largest->needs.memory)
			t.largest = s;
	}
	return t;
}

static int check_memory(const struct plan *p, const struct total *t, struct err *e)
{
	double need, limit = p->spec ? p->spec->limits.memory : 0, machine = (double)mem_machine() / gib;

	if (!t->largest)
		return 0;
	need = (double)t->largest->needs.memory / gib;
	if (limit > 0 && need > limit)
		return err_set(e, ERR_SIZE, "%s needs %.2f GiB of memory; limits.memory allows %.2f",
			       t->largest->label, need, limit);
	if (need > machine)
		return err_set(e, ERR_SIZE, "%s needs %.2f GiB of memory; this process can have %.2f",
			       t->largest->label, need, machine);
	return 0;
}

static int check_disk(const struct plan *p, const struct total *t, const char *cache, struct err *e)
{
	double need = (double)t->disk / gib, limit = p->spec ? p->spec->limits.disk : 0;
	uint64_t free_bytes;

	if (limit > 0 && need > limit)
		return err_set(e, ERR_SIZE, "the cache would grow by %.2f GiB; limits.disk allows %.2f", need,
			       limit);
	if (path_free_bytes(&free_bytes, cache, e) < 0)
		return -1;
	if (need > (double)free_bytes / gib)
		return err_set(e, ERR_SIZE, "the cache would grow by %.2f GiB; %s has %.2f free", need, cache,
			       (double)free_bytes / gib);
	return 0;
}

int plan_check(const struct plan *p, const char *cache, struct par *par, struct err *e)
{
	double hours = p->spec ? p->spec->limits.time : 0, need;
	struct total t = total_of(p, NULL);
	struct pace pace;

	if (check_memory(p, &t, e) < 0 || check_disk(p, &t, cache, e) < 0)
		return -1;
	if (hours > 0 && t.work > 0) {
		if (plan_pace(&pace, p, par, e) < 0)
			return -1;
		need = total_of(p, &pace).seconds / 3600;
		if (need > hours)
			return err_set(e, ERR_SIZE,
				       "the steps would take about %.1f hours; limits.time allows %.1f", need,
				       hours);
	}
	return 0;
}

/* ---- for people ---- */

static const char *size_text(char *out, size_t n, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1000 && u < 4; u++)
		v /= 1024;
	snprintf(out, n, u > 0 && v < 10 ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return out;
}

static const char *time_text(char *out, size_t n, double seconds)
{
	if (seconds < 1)
		snprintf(out, n, "under 1 s");
	else if (seconds < 120)
		snprintf(out, n, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(out, n, "%.0f min", seconds / 60);
	else
		snprintf(out, n, "%.1f h", seconds / 3600);
	return out;
}

static void print_step(const struct step *s, const struct pace *pace, bool ahead, int width, FILE *f)
{
	char hex[65], state[64], memory[32] = "-", disk[32] = "-", time[32] = "-";

	digest_hex(hex, s->key);
	if (s->state == STEP_DONE)
		snprintf(state, sizeof(state), "done");
	else if (s->state == STEP_PARTIAL)
		snprintf(state, sizeof(state), "partial, %zu file%s", s->n_partial,
			 s->n_partial == 1 ? "" : "s");
	else
		snprintf(state, sizeof(state), "to do");
	if (s->state != STEP_DONE) {
		size_text(memory, sizeof(memory), s->needs.memory);
		size_text(disk, sizeof(disk), s->needs.disk);
		if (s->needs.work > 0 && seconds_of(s, pace) > 0)
			time_text(time, sizeof(time), seconds_of(s, pace));
	}
	if (ahead)
		snprintf(hex, sizeof(hex), "-");
	fprintf(f, "  %-*s %-8.8s  %-18s %10s %10s %10s\n", width, s->label, hex, state, memory, disk, time);
}

/* Of the column of labels. */
static int label_width(const struct plan *p)
{
	size_t width = 16;

	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->step[i].label);

		width = n > width ? n : width;
	}
	return (int)width;
}

static void print_limit(double limit, double there, const char *where, FILE *f)
{
	if (limit > 0)
		fprintf(f, " (the spec allows %.2f GiB, %s %.1f GiB)", limit, where, there);
	else
		fprintf(f, " (%s %.1f GiB)", where, there);
}

static void print_corpus(const struct corpus_forecast *c, FILE *f)
{
	bool counted = c->how == SURVEY_COUNTED || (c->how == SURVEY_SAMPLED && c->error == 0);

	fprintf(f, "  %s%zu documents, %.0f tokens of a model, %.0f pairs",
		c->answers == ANSWERS_LONGEST ? "at most "
		: counted		      ? ""
					      : "about ",
		c->documents, c->tokens, c->pairs);
	if (c->error > 0 && c->answers != ANSWERS_LONGEST)
		fprintf(f, " within %.1f %%", 100 * c->error);
	fprintf(f, "; %s\n", counted ? survey_words(SURVEY_COUNTED) : survey_words(c->how));
	if (c->answers == ANSWERS_TRIED)
		fprintf(f, "  answers as those to %zu of %zu prompts, given just now\n", c->tried,
			c->prompts);
	if (c->answers == ANSWERS_LONGEST)
		fprintf(f,
			"  an upper bound: answers count as long as max_tokens allows, since models this large are not "
			"tried out\n");
}

/* What a store takes, and what training does without one. */
static void print_store(const struct plan *p, FILE *f)
{
	const struct spec *s = p->spec;
	double rows = (double)s->train.batch * (double)s->train.steps;
	char disk[32], memory[32];
	uint64_t bytes = (uint64_t)(p->corpus.pairs * (double)((p->base->d_model + p->candidate->d_model) *
								       (s->harvest.f32 ? 4 : 2) +
							       8));

	fprintf(f,
		"\nstore: %s%s; without one (harvest.store: none) the corpus is read %.0f times by both models for a training, "
		"with up to %s of rows in memory",
		size_text(disk, sizeof(disk), bytes), s->harvest.no_store ? " if there were one" : " on disk",
		forecast_readings(p, rows, true),
		size_text(memory, sizeof(memory), (uint64_t)(s->harvest.buffer * gib)));
}

static void print_missing(const struct plan *p, FILE *f)
{
	if (p->n_missing > 0)
		fprintf(f, "missing, so that nothing can be run yet:\n");
	for (size_t i = 0; i < p->n_missing; i++)
		fprintf(f, "  %s (%s)\n", p->missing[i].name, p->missing[i].path);
}

void plan_print(const struct plan *p, const char *cache, const struct pace *pace, FILE *f)
{
	const struct spec *s = p->spec;
	struct total t = total_of(p, pace);
	struct err e = ERR_INIT;
	uint64_t bytes = 0, there = 0;
	int width = label_width(p);
	char text[32];
	size_t i;

	for (i = 0; i < p->n_inputs; i++)
		bytes += p->input[i].bytes;
	if (s)
		fprintf(f, "%s: %s against %s\n", s->name, s->candidate.name, s->base.name);
	fprintf(f, "  %zu input files, %s\n", p->n_inputs, size_text(text, sizeof(text), bytes));
	if (s)
		print_corpus(&p->corpus, f);
	fprintf(f, "\n");
	fprintf(f, "  %-*s %-8s  %-18s %10s %10s %10s\n", width, "step", "key", "state", "memory", "disk",
		"time");
	for (i = 0; i < p->n; i++)
		print_step(&p->step[i], pace, p->n_missing > 0, width, f);
	fprintf(f, "\n%zu of %zu steps to do", t.todo, p->n);
	if (t.largest) {
		path_free_bytes(&there, cache, &e);
		fprintf(f, "\nmemory: %s at most", size_text(text, sizeof(text), t.largest->needs.memory));
		print_limit(s ? s->limits.memory : 0, (double)mem_machine() / gib, "there are", f);
		if (t.mapped > 0)
			fprintf(f,
				"\n        besides, files of up to %s are looked into, in memory that the system takes back",
				size_text(text, sizeof(text), t.mapped));
		fprintf(f, "\ndisk: %s in %s", size_text(text, sizeof(text), t.disk), cache);
		print_limit(s ? s->limits.disk : 0, (double)there / gib, "there are free", f);
		if (s && p->n_imported == 0)
			print_store(p, f);
		if (t.seconds > 0)
			fprintf(f,
				"\ntime: about %s, an estimate: the operations of the steps at the pace of this "
				"machine, measured just now (%.1f GFLOP/s in products)",
				time_text(text, sizeof(text), t.seconds), pace->at[PACE_PRODUCT] / 1e9);
	}
	fprintf(f, "\n");
	print_missing(p, f);
}

/* ---- for programs ---- */

void plan_write(struct json_out *j, const struct plan *p)
{
	size_t i, k;

	json_put_digest(j, "key", p->key);
	json_puts(j, "backend", gemm_backend());
	json_open(j, "steps", '[');
	for (i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];

		json_open(j, NULL, '{');
		json_puts(j, "label", s->label);
		json_puts(j, "stage", s->stage->name);
		json_put_size(j, "version", s->stage->version);
		json_put_digest(j, "key", s->key);
		json_open(j, "inputs", '[');
		for (k = 0; k < s->n_in; k++)
			json_puts(j, NULL, s->in[k]->label);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

void plan_write_needs(struct json_out *j, const struct plan *p, const struct pace *pace)
{
	static const char *const state[] = { "done", "partial", "todo" };
	static const char *const answers[] = { NULL, "in the cache", "tried", "longest" };
	size_t i;

	plan_write(j, p);
	json_open(j, "corpus", '{');
	json_puts(j, "known", survey_words(p->corpus.how));
	json_put_size(j, "documents", p->corpus.documents);
	json_put_size(j, "prompts", p->corpus.prompts);
	json_put_real(j, "tokens", p->corpus.tokens);
	json_put_real(j, "pairs", p->corpus.pairs);
	json_put_real(j, "error", p->corpus.error);
	json_puts(j, "answers", answers[p->corpus.answers]);
	json_put_size(j, "tried", p->corpus.tried);
	json_close(j, '}');
	json_open(j, "needs", '[');
	for (i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];

		json_open(j, NULL, '{');
		json_puts(j, "label", s->label);
		json_puts(j, "state", state[s->state]);
		json_put_size(j, "memory", s->needs.memory);
		json_put_size(j, "mapped", s->needs.mapped);
		json_put_size(j, "disk", s->needs.disk);
		json_put_real(j, "work", s->needs.work);
		json_put_real(j, "seconds", seconds_of(s, pace));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "missing", '[');
	for (i = 0; i < p->n_missing; i++) {
		json_open(j, NULL, '{');
		json_puts(j, "what", p->missing[i].name);
		json_puts(j, "path", p->missing[i].path);
		json_close(j, '}');
	}
	json_close(j, ']');
}
