#include "base/log.h"
#include "base/out.h"
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
	double work;
	size_t todo;
};

static struct total total_of(const struct plan *p)
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
		if (!t.largest || s->needs.memory > t.largest->needs.memory)
			t.largest = s;
	}
	return t;
}

/* Products of the shape of a feed-forward layer, since that is where most of the work is. */
int plan_rate(double *out, const struct plan *p, struct par *par, struct err *e)
{
	const size_t m = 256, n = 1024;
	const double enough = 0.25; /* seconds */
	size_t k = p->base ? p->base->d_model : 512, rounds = 0, i;
	double began, spent;
	float *a = NULL, *b = NULL, *c = NULL;
	void *memory;

	if (mem_reserve(&memory, m * k + n * k + m * n, sizeof(float), "a trial of the matrix product", e) <
	    0)
		return -1;
	a = memory;
	b = a + m * k;
	c = b + n * k;
	for (i = 0; i < m * k + n * k; i++)
		a[i] = (float)(i % 7) - 3;
	gemm_nt(par, c, n, a, k, b, k, m, n, k, 0); /* once for nothing: wakes threads and caches */
	began = log_clock();
	do {
		gemm_nt(par, c, n, a, k, b, k, m, n, k, 0);
		rounds++;
		spent = log_clock() - began;
	} while (spent < enough);
	*out = 2.0 * (double)m * (double)n * (double)k * (double)rounds / spent;
	mem_free(memory);
	return 0;
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
		return err_set(e, ERR_SIZE, "%s needs %.2f GiB of memory; this machine has %.2f",
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
	double hours = p->spec ? p->spec->limits.time : 0, rate, need;
	struct total t = total_of(p);

	if (check_memory(p, &t, e) < 0 || check_disk(p, &t, cache, e) < 0)
		return -1;
	if (hours > 0 && t.work > 0) {
		if (plan_rate(&rate, p, par, e) < 0)
			return -1;
		need = t.work / rate / 3600;
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

static void print_step(const struct step *s, double rate, FILE *f)
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
		if (rate > 0 && s->needs.work > 0)
			time_text(time, sizeof(time), s->needs.work / rate);
	}
	fprintf(f, "  %-16s %.8s  %-18s %10s %10s %10s\n", s->label, hex, state, memory, disk, time);
}

static void print_limit(double limit, double there, const char *where, FILE *f)
{
	if (limit > 0)
		fprintf(f, " (the spec allows %.2f GiB, %s %.1f GiB)", limit, where, there);
	else
		fprintf(f, " (%s %.1f GiB)", where, there);
}

void plan_print(const struct plan *p, const char *cache, double rate, FILE *f)
{
	const struct spec *s = p->spec;
	struct total t = total_of(p);
	struct err e = ERR_INIT;
	uint64_t bytes = 0, there = 0;
	char text[32];
	size_t i;

	for (i = 0; i < p->n_inputs; i++)
		bytes += p->input[i].bytes;
	if (s)
		fprintf(f, "%s: %s against %s\n", s->name, s->candidate.name, s->base.name);
	fprintf(f, "  %zu input files, %s\n\n", p->n_inputs, size_text(text, sizeof(text), bytes));
	fprintf(f, "  %-16s %-8s  %-18s %10s %10s %10s\n", "step", "key", "state", "memory", "disk", "time");
	for (i = 0; i < p->n; i++)
		print_step(&p->step[i], rate, f);
	fprintf(f, "\n%zu of %zu steps to do", t.todo, p->n);
	if (t.largest) {
		path_free_bytes(&there, cache, &e);
		fprintf(f, "\nmemory: %s at most", size_text(text, sizeof(text), t.largest->needs.memory));
		print_limit(s ? s->limits.memory : 0, (double)mem_machine() / gib, "this machine has", f);
		fprintf(f, "\ndisk: %s in %s", size_text(text, sizeof(text), t.disk), cache);
		print_limit(s ? s->limits.disk : 0, (double)there / gib, "there are free", f);
		if (rate > 0)
			fprintf(f,
				"\ntime: about %s, an estimate: the operations of the steps at %.1f GFLOP/s, "
				"measured just now",
				time_text(text, sizeof(text), t.work / rate), rate / 1e9);
	}
	fprintf(f, "\n");
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
		json_put_size(j, "memory", s->needs.memory);
		json_put_size(j, "disk", s->needs.disk);
		json_put_size(j, "work", (uint64_t)s->needs.work);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void plan_write_needs(struct json_out *j, const struct plan *p, double rate)
{
	static const char *const state[] = { "done", "partial", "todo" };
	size_t i;

	plan_write(j, p);
	json_open(j, "needs", '[');
	for (i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];

		json_open(j, NULL, '{');
		json_puts(j, "label", s->label);
		json_puts(j, "state", state[s->state]);
		json_put_real(j, "seconds", rate > 0 ? s->needs.work / rate : 0);
		json_close(j, '}');
	}
	json_close(j, ']');
}
