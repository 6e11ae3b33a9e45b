#include "flow/run.h"
#include "base/log.h"
#include "base/out.h"
#include "base/str.h"
#include "base/version.h"
#include "flow/inputs.h"
#include "flow/resolved.h"
#include "flow/source.h"
#include "flow/stage.h"
#include "num/gemm.h"

#include <string.h>

struct run {
	const struct plan *plan;
	const struct provenance *prov;
	struct par *par;
	struct comm *comm;
	const char *cache, *dir;
	struct artifact *artifact; /* (plan->n) */
	double *seconds;	   /* (plan->n) spent on each here */
	double deadline;	   /* of limits.time, by log_clock(); 0: none */
};

/* ---- the directory ---- */

/* May the spec be taken as it stands? */
static int check_provenance(const struct plan *p, const struct provenance *prov, struct err *e)
{
	static const char hint[] = "let --allow-dirty run it nonetheless and say so on the first page";

	if (!prov->in_repository)
		return err_set(e, ERR_SPEC,
			       "%s is in no git repository, so the report could not say which version of it "
			       "was run; commit it to one, or %s",
			       p->spec->path, hint);
	if (!prov->spec_committed)
		return err_set(e, ERR_SPEC, "%s is not committed as it is now; commit it, or %s",
			       p->spec->path, hint);
	if (prov->n_dirty == 1)
		return err_set(e, ERR_SPEC, "%s differs from the commit; commit it, or %s", prov->dirty[0],
			       hint);
	if (prov->n_dirty > 1)
		return err_set(e, ERR_SPEC, "%s and %zu more differ from the commit; commit them, or %s",
			       prov->dirty[0], prov->n_dirty - 1, hint);
	return 0;
}

/* A folder of the user's must not be taken for a run and cleared. */
static int check_dir(const char *dir, struct arena *mem, struct err *e)
{
	char **name;
	size_t n, i;

	if (dir_list(&name, &n, mem, dir, e) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if (strcmp(name[i], "spec.yaml") != 0 && strcmp(name[i], "log.txt") != 0 &&
		    !out_is_temporary(name[i]))
			break;
	if (i < n && !path_is_file(arena_fmt(mem, "%s/spec.yaml", dir)))
		return err_set(e, ERR_USAGE, "%s holds %s, but no run; name an empty or a new folder", dir,
			       name[i]);
	return 0;
}

static int copy_spec(const struct run *r, struct arena *mem, struct err *e)
{
	struct view text = r->plan->spec->text;

	return out_write(arena_fmt(mem, "%s/spec.yaml", r->dir), text.p, text.n, e);
}

/* What an earlier run left is removed in an order that never leaves a MANIFEST over files that are not there. */
static int prepare_dir(const struct run *r, struct arena *mem, struct err *e)
{
	static const char *const old[] = { "MANIFEST", "report.md", "report.pdf", "results.json" };
	size_t i;

	if (dir_make(r->dir, e) < 0 || check_dir(r->dir, mem, e) < 0)
		return -1;
	for (i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		if (path_remove(arena_fmt(mem, "%s/%s", r->dir, old[i]), e) < 0)
			return -1;
	if (dir_remove_tree(arena_fmt(mem, "%s/figures", r->dir), e) < 0 ||
	    dir_remove_tree(arena_fmt(mem, "%s/attestations", r->dir), e) < 0 ||
	    dir_remove_tree(arena_fmt(mem, "%s/layers", r->dir), e) < 0 || out_sweep(r->dir, e) < 0)
		return -1;
	return copy_spec(r, mem, e);
}

/* ---- the steps ---- */

static struct job job_of(const struct run *r, size_t i, struct arena *mem)
{
	const struct step *s = &r->plan->step[i];
	struct artifact *in = ARENA_ARRAY(mem, s->n_in + 1, struct artifact);
	size_t k;

	for (k = 0; k < s->n_in; k++)
		in[k] = r->artifact[s->in[k] - r->plan->step];
	return (struct job){
		.plan = r->plan,
		.spec = r->plan->spec,
		.step = s,
		.in = in,
		.out = &r->artifact[i],
		.mem = mem,
		.par = r->par,
		.deadline = r->deadline,
		.rank = comm_rank(r->comm),
		.n_ranks = comm_size(r->comm),
	};
}

/* The stage, with the other ranks where it is shared among them. */
static int stage_run(struct run *r, size_t i, struct err *e)
{
	const struct stage *stage = r->plan->step[i].stage;
	bool shared = stage->shared && comm_size(r->comm) > 1;
	struct arena mem = ARENA_INIT;
	struct job job = job_of(r, i, &mem);
	int status;

	if (shared)
		comm_tell(r->comm, i);
	status = stage->run(&job, e);
	arena_release(&mem);
	return shared ? comm_agree(r->comm, status, e) : status;
}

static int step_run(struct run *r, size_t i, struct err *e)
{
	const struct step *s = &r->plan->step[i];
	struct artifact *a = &r->artifact[i];
	double began = log_clock();
	int status;

	if (a->complete)
		return 0;
	if (artifact_open(a, r->cache, s->key, e) < 0)
		return -1;
	if (a->complete) {
		log_note("%s: in the cache", s->label);
		return 0;
	}
	status = stage_run(r, i, e);
	if (status == 0)
		status = artifact_commit(a, e);
	artifact_close(a);
	r->seconds[i] += log_clock() - began;
	if (status == 0)
		log_note("%s: done in %.1f s", s->label, r->seconds[i]);
	else
		err_wrap(e, "%s: ", s->label);
	return status;
}

/*
 * What a step or the report read may be damaged: the first artifact that it is, or plan->n.  `i` may be plan->n,
 * for the report, which reads all.
 */
static size_t find_damaged(const struct run *r, size_t i)
{
	const struct step *s = &r->plan->step[i];
	size_t k, j;

	for (k = 0; k < (i < r->plan->n ? s->n_in : i); k++) {
		struct err why = ERR_INIT;

		j = i < r->plan->n ? (size_t)(s->in[k] - r->plan->step) : k;
		if (artifact_verify(&r->artifact[j], &why) < 0 &&
		    (why.code == ERR_DIFFERS || why.code == ERR_INPUT)) {
			log_warn("%s: %s; what is damaged is set aside and made anew", r->plan->step[j].label,
				 why.msg);
			return j;
		}
	}
	return r->plan->n;
}

/* ---- the documents ---- */

static void put_inputs(struct json_out *j, const struct plan *p)
{
	json_open(j, "inputs", '[');
	for (size_t i = 0; i < p->n_inputs; i++)
		input_write(j, &p->input[i]);
	json_close(j, ']');
}

/* The same for a report: the files of a source as one, its digest that of their digests in order. */
static void put_inputs_short(struct json_out *j, const struct plan *p)
{
	struct arena mem = ARENA_INIT;
	size_t i = 0, k;

	json_open(j, "inputs", '[');
	while (i < p->n_inputs) {
		struct input sum = p->input[i];
		const struct spec_source *src = sum.source;
		struct sha256 whole;

		if (src == NULL || src->n_files == 1) {
			input_write(j, &sum);
			i++;
			continue;
		}
		sha256_init(&whole);
		sum.bytes = 0;
		for (k = i; k < p->n_inputs && p->input[k].source == src; k++) {
			sha256_add(&whole, p->input[k].digest.byte, sizeof(p->input[k].digest.byte));
			sum.bytes += p->input[k].bytes;
		}
		sum.digest = sha256_end(&whole);
		sum.name = arena_fmt(&mem, "%s (%zu files)", source_name(src), k - i);
		input_write(j, &sum);
		i = k;
	}
	json_close(j, ']');
	arena_release(&mem);
}

/* A model as one digest: the SHA-256 of the SHA-256s (32 bytes each) of its files that are read, in the order of their
 * names, which is what OpenSSF model-signing v1.0 gives as the digest of a subject of these files. */
static void put_subject(struct json_out *j, const struct plan *p, const char *role, const char *name)
{
	struct sha256 whole;
	uint64_t bytes = 0;
	size_t files = 0;

	sha256_init(&whole);
	for (size_t i = 0; i < p->n_inputs; i++) {
		const struct input *in = &p->input[i];

		if (strcmp(in->role, role) != 0)
			continue;
		sha256_add(&whole, in->digest.byte, sizeof(in->digest.byte));
		bytes += in->bytes;
		files++;
	}
	json_open(j, role, '{');
	json_puts(j, "name", name);
	json_put_digest(j, "sha256", sha256_end(&whole));
	json_put_size(j, "files", files);
	json_put_size(j, "bytes", bytes);
	json_close(j, '}');
}

static void put_audit(struct json_out *j, const struct plan *p, size_t depth)
{
	const struct spec *s = p->spec;
	struct arena mem = ARENA_INIT;
	const char *title =
		s->title != NULL ? s->title
				 : arena_fmt(&mem, "Audit of %s against %s", s->candidate.name, s->base.name);

	if (depth > 0)
		title = arena_fmt(&mem, "%s, blocks %s", title, p->depth[depth].name);
	json_open(j, "audit", '{');
	json_puts(j, "name", s->name);
	json_puts(j, "title", title);
	json_puts(j, "auditor", s->auditor);
	json_put_size(j, "seed", s->seed);
	json_puts(j, "spec_file", path_name(s->path));
	json_close(j, '}');
	arena_release(&mem);
}

/* The jobs of the same stage at further depths, for the first one's to tell of. */
static void add_further(struct job *job, const struct run *r, size_t i, struct arena *mem)
{
	const struct step *first = &r->plan->step[i];
	struct job *further = ARENA_ARRAY(mem, r->plan->n_depths, struct job);
	size_t n = 0;

	for (size_t k = i + 1; k < r->plan->n && first->depth == 0; k++)
		if (r->plan->step[k].stage == first->stage && r->plan->step[k].index == first->index)
			further[n++] = job_of(r, k, mem);
	job->further = further;
	job->n_further = n;
}

/* The members of the steps of one depth, in the order of the plan. */
static int put_reports(struct json_out *j, const struct run *r, size_t depth, struct err *e)
{
	size_t i;

	for (i = 0; i < r->plan->n; i++) {
		const struct step *s = &r->plan->step[i];
		struct arena mem = ARENA_INIT;
		int status = 0;

		if (s->stage->report && s->depth == depth) {
			struct job job = job_of(r, i, &mem);

			add_further(&job, r, i, &mem);
			status = s->stage->report(j, &job, e);
			if (status < 0)
				err_wrap(e, "%s: ", s->label);
		}
		arena_release(&mem);
		if (status < 0)
			return -1;
	}
	return 0;
}

static int write_results_at(struct run *r, size_t depth, const char *dir, struct err *e)
{
	struct json_out j = { .compact = false };
	struct arena mem = ARENA_INIT;
	struct out *o = NULL;
	int status;

	status = out_open(&o, arena_fmt(&mem, "%s/results.json", dir), e);
	arena_release(&mem);
	if (status < 0)
		return -1;
	j.out = o;
	json_open(&j, NULL, '{');
	json_put_size(&j, "format", 1);
	put_audit(&j, r->plan, depth);
	put_inputs_short(&j, r->plan);
	if (resolved_write(&j, r->plan->spec, e) < 0 || put_reports(&j, r, depth, e) < 0) {
		out_abort(o);
		return -1;
	}
	json_close(&j, '}');
	return out_commit(o, NULL, e);
}

/* Where the spec names what the findings are about: annotations of a pull request point there. */
static void put_lines(struct json_out *j, const struct spec *s)
{
	json_open(j, "lines", '{');
	json_put_size(j, "base", s->base.at.line);
	json_put_size(j, "candidate", s->candidate.at.line);
	json_close(j, '}');
}

static void put_provenance(struct json_out *j, const struct plan *p, const struct provenance *prov)
{
	size_t i;

	json_put_size(j, "format", 1);
	json_open(j, "program", '{');
	json_puts(j, "version", program_version());
	json_puts(j, "commit", prov->timeless ? NULL : program_commit());
	json_close(j, '}');
	json_puts(j, "backend", gemm_backend());
	json_puts(j, "date", prov->date);
	json_open(j, "spec", '{');
	json_puts(j, "path", prov->spec_path ? prov->spec_path : path_name(p->spec->path));
	json_puts(j, "commit", prov->commit);
	if (prov->commit)
		json_put_str(j, "commit_short", (struct view){ prov->commit, 12 });
	else
		json_put_null(j, "commit_short");
	json_puts(j, "commit_time", prov->commit_time);
	json_puts(j, "blob", prov->spec_blob);
	json_put_digest(j, "sha256", p->spec->digest);
	json_put_bool(j, "in_repository", prov->in_repository);
	json_put_bool(j, "committed", prov->spec_committed);
	json_put_bool(j, "is_dirty", prov->n_dirty > 0);
	json_open(j, "dirty", '[');
	for (i = 0; i < prov->n_dirty; i++)
		json_puts(j, NULL, prov->dirty[i]);
	json_close(j, ']');
	put_lines(j, p->spec);
	json_close(j, '}');
	json_open(j, "subjects", '{');
	put_subject(j, p, "base", p->spec->base.name);
	put_subject(j, p, "candidate", p->spec->candidate.name);
	json_close(j, '}');
	put_inputs(j, p);
	json_put_digest(j, "plan_key", p->key);
}

static void put_timings(struct json_out *j, const struct run *r)
{
	size_t i;

	json_open(j, "steps", '[');
	for (i = 0; i < r->plan->n; i++) {
		json_open(j, NULL, '{');
		json_puts(j, "label", r->plan->step[i].label);
		json_put_real(j, "seconds", r->seconds[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_put_size(j, "threads", par_threads(r->par));
	json_put_size(j, "peak_rss", mem_peak_rss());
	json_put_size(j, "peak_reserved", mem_reserved_peak());
}

/* plan.json, provenance.json, timings.json: an object each. */
static int write_document(const struct run *r, const char *dir, const char *name, struct err *e)
{
	struct json_out j = { .compact = false };
	struct arena mem = ARENA_INIT;
	struct out *o;
	int status;

	status = out_open(&o, arena_fmt(&mem, "%s/%s", dir, name), e);
	arena_release(&mem);
	if (status < 0)
		return -1;
	j.out = o;
	json_open(&j, NULL, '{');
	if (strcmp(name, "plan.json") == 0)
		plan_write(&j, r->plan);
	else if (strcmp(name, "provenance.json") == 0)
		put_provenance(&j, r->plan, r->prov);
	else
		put_timings(&j, r);
	json_close(&j, '}');
	return out_commit(o, NULL, e);
}

/* Those of the further depths first: where the run's own are, all are. */
static int write_results(struct run *r, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int status = 0;

	for (size_t i = r->plan->n_depths; i-- > 1 && status == 0;) {
		const char *dir = arena_fmt(&mem, "%s/layers/%s", r->dir, r->plan->depth[i].name);

		status = dir_make(dir, e);
		if (status == 0)
			status = write_document(r, dir, "provenance.json", e);
		if (status == 0)
			status = write_results_at(r, i, dir, e);
	}
	arena_release(&mem);
	return status < 0 ? -1 : write_results_at(r, 0, r->dir, e);
}

/* All steps, then results.json; back to a step whose artifact turned out to be damaged. */
static int carry_out(struct run *r, struct err *e)
{
	size_t n = r->plan->n, i = 0, again = 0, bad;

	while (i <= n) {
		if ((i < n ? step_run(r, i, e) : write_results(r, e)) == 0) {
			i++;
			continue;
		}
		bad = n;
		if ((e->code == ERR_DIFFERS || e->code == ERR_INPUT) && again++ < n)
			bad = find_damaged(r, i);
		if (bad == n || artifact_reject(&r->artifact[bad], e) < 0)
			return -1;
		r->artifact[bad].complete = false;
		i = bad;
	}
	return 0;
}

/* Another rank's part of a step whose artifact rank 0 has opened. */
static int part_run(struct run *r, size_t i, struct err *e)
{
	const struct step *s = &r->plan->step[i];
	struct arena mem = ARENA_INIT;
	struct job job;
	int status;

	for (size_t k = 0; k < s->n_in; k++)
		if (!artifact_complete(r->cache, s->in[k]->key))
			return err_set(e, ERR_INPUT,
				       "%s: what it needs is not in %s; ranks have to see one cache",
				       s->label, r->cache);
		else if (artifact_open(&r->artifact[s->in[k] - r->plan->step], r->cache, s->in[k]->key, e) <
			 0)
			return -1;
	if (artifact_join(&r->artifact[i], r->cache, s->key, e) < 0)
		return -1;
	job = job_of(r, i, &mem);
	status = s->stage->run(&job, e);
	arena_release(&mem);
	return status;
}

static void limits_set(struct run *r, const struct spec *s)
{
	size_t memory = (size_t)(s->limits.memory * 1024 * 1024 * 1024);

	if (s->limits.time > 0)
		r->deadline = log_clock() + s->limits.time * 3600;
	mem_limit(memory);
	mem_cap(memory);
	out_allow((uint64_t)(s->limits.disk * 1024 * 1024 * 1024));
}

static void limits_lift(void)
{
	mem_limit(0);
	mem_cap(0);
	out_allow(0);
}

void run_follow(struct arena *mem, const struct plan *p, struct par *par, const struct run_opts *o)
{
	struct run r = { .plan = p, .par = par, .comm = o->comm, .cache = o->cache };
	size_t i;

	r.artifact = ARENA_ARRAY(mem, p->n, struct artifact);
	limits_set(&r, p->spec);
	while (comm_told(o->comm, &i)) {
		struct err e = ERR_INIT;

		comm_agree(o->comm, part_run(&r, i, &e), &e);
	}
	limits_lift();
}

int run_plan(const char **dir, struct arena *mem, const struct plan *p, const struct provenance *prov,
	     struct par *par, const struct run_opts *o, struct err *e)
{
	struct run r = {
		.plan = p, .prov = prov, .par = par, .comm = o->comm, .cache = o->cache, .dir = o->out
	};
	struct err ignored;
	char hex[65];
	int status;

	digest_hex(hex, p->key);
	if (!r.dir)
		r.dir = arena_fmt(mem, "runs/%s-%.12s", p->spec->name, hex);
	r.artifact = ARENA_ARRAY(mem, p->n, struct artifact);
	r.seconds = ARENA_ARRAY(mem, p->n, double);
	if ((!o->allow_dirty && check_provenance(p, prov, e) < 0) || plan_check(p, o->cache, par, e) < 0 ||
	    prepare_dir(&r, mem, e) < 0 || log_copy(arena_fmt(mem, "%s/log.txt", r.dir), e) < 0)
		return -1;
	limits_set(&r, p->spec);
	status = write_document(&r, r.dir, "plan.json", e);
	if (status == 0)
		status = write_document(&r, r.dir, "provenance.json", e);
	if (status == 0)
		status = carry_out(&r, e);
	if (status == 0)
		status = write_document(&r, r.dir, "timings.json", e);
	limits_lift();
	log_copy(NULL, &ignored);
	*dir = r.dir;
	return status;
}
