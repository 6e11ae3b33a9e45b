#include "flow/findings.h"

#include "model/matcher.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "num/reduce.h"
#include "study/label.h"

enum { EXAMPLES = 5, SCREEN_PROMPTS = 20 };

bool finding_has(const struct found *f, const struct finding *it, size_t prompt)
{
	return f->own[it->side].grouped[prompt].cluster == it->number + 1;
}

/* A latent's part in what the model says: activation times gap times decoder norm, summed over the answers. */
void expressed_find(uint32_t top[EXPRESSED], const struct found *f, const struct finding *it)
{
	const struct own_side *own = &f->own[it->side];
	const struct active *a = &own->answers;
	bool b = it->side == SIDE_CANDIDATE;
	double *sum = mem_alloc(a->n_latents + 1, sizeof(*sum));

	for (size_t i = 0; i < f->n_prompts; i++) {
		const struct grouped *g = &own->grouped[i];

		if (!finding_has(f, it, i))
			continue;
		for (size_t r = g->answer_first; r < g->answer_first + g->answer_n; r++) {
			for (size_t k = a->row_start[r]; k < a->row_start[r + 1]; k++) {
				const float *row = dfc_decoder(f->dfc, b, a->latent[k]);

				if (row != NULL)
					sum[a->latent[k]] +=
						own->answer_gap[r] * (double)a->row_value[k] *
						fm_sqrt_d(op_norm2_d(row, dfc_width(&f->dfc->shape, b)));
			}
		}
	}
	reduce_top_k_d(top, EXPRESSED, sum, a->n_latents);
	mem_free(sum);
}

static double share_exclusive(const struct found *f, const struct finding *it)
{
	const struct aim *aim = it->group->aim;
	bool b = it->side == SIDE_CANDIDATE;
	double all = 0, exclusive = 0;

	for (size_t i = 0; i < aim->n; i++) {
		const struct member *m = &aim->member[i];
		double part = m->weight * m->weight *
			      op_norm2_d(dfc_decoder(f->dfc, b, m->latent), dfc_width(&f->dfc->shape, b));

		all += part;
		if (dfc_is_exclusive(&f->dfc->shape, b, m->latent))
			exclusive += part;
	}
	return all > 0 ? exclusive / all : 0;
}

/* What only its model has decides it, or is what is said. Else both models have the concept. */
static const char *kind_of(const struct found *f, const struct finding *it, const uint32_t top[EXPRESSED])
{
	bool b = it->side == SIDE_CANDIDATE, exclusive = share_exclusive(f, it) >= 0.5;

	for (size_t i = 0; i < EXPRESSED; i++)
		exclusive |= dfc_is_exclusive(&f->dfc->shape, b, top[i]);
	return !exclusive ? "shared concept, different use" : b ? "candidate-only" : "base-only";
}

/* The words where a latent fires: at the turn boundaries, or in the answers. */
static const char *latent_words(struct arena *mem, const struct found *f, const struct words *w,
				const struct active *a, const uint32_t *rows, uint32_t latent)
{
	size_t n = a->latent_start[latent + 1] - a->latent_start[latent];
	struct place *place = ARENA_ARRAY(mem, n + 1, struct place);

	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows[a->row[a->latent_start[latent] + i]];

		place[i] = (struct place){ (uint32_t)corpus_doc_of(f->corpus, row),
					   corpus_pair(f->corpus, row)->byte };
	}
	return words_label(mem, w, place, n);
}

static void put_latent(struct json_out *j, const struct found *f, uint32_t latent, const char *label)
{
	json_put_size(j, "latent", latent);
	json_puts(j, "partition", partition_name(dfc_partition(&f->dfc->shape, latent)));
	json_puts(j, "label", label);
}

static void put_latents(struct json_out *j, const struct found *f, const struct finding *it,
			const uint32_t top[EXPRESSED], const struct words *w, struct arena *mem)
{
	const struct own_side *own = &f->own[it->side];
	const struct group *g = it->group;

	json_open(j, "latents", '[');
	for (size_t i = 0; i < g->aim->n; i++) {
		json_open(j, NULL, '{');
		put_latent(j, f, g->aim->member[i].latent,
			   latent_words(mem, f, w, f->turns, f->turn_rows, g->aim->member[i].latent));
		json_put_real(j, "weight", g->aim->member[i].weight);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "expressed", '[');
	for (size_t i = 0; i < EXPRESSED; i++) {
		json_open(j, NULL, '{');
		put_latent(j, f, top[i],
			   latent_words(mem, f, w, &own->answers, own->answer_rows.index, top[i]));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_interval(struct json_out *j, const char *key, struct interval v)
{
	char name[32];

	json_put_real(j, key, v.mean);
	snprintf(name, sizeof(name), "%s_lo", key);
	json_put_real(j, name, v.lo);
	snprintf(name, sizeof(name), "%s_hi", key);
	json_put_real(j, name, v.hi);
}

static void put_read_back(struct json_out *j, const struct finding *f, const struct point *p)
{
	static const char *const name[CONTRAST_COUNT] = { "read_back_on", "read_back_off" };

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		if (f->n_said > 0)
			json_put_real(j, name[k], p->read_back[k]);
		else
			json_put_null(j, name[k]);
	}
}

static void put_likely(struct json_out *j, const char *key, bool known, double v)
{
	if (known)
		json_put_real(j, key, v);
	else
		json_put_null(j, key);
}

static void put_behaviours(struct json_out *j, const struct point *p, const struct spec *spec)
{
	json_open(j, "behaviours", '[');
	for (size_t b = 0; b < spec->n_behaviours; b++) {
		const struct spec_behaviour *it = &spec->behaviour[b];
		const struct shown_behaviour *s = &p->behaviour[b];

		json_open(j, NULL, '{');
		json_puts(j, "name", it->name);
		json_put_size(j, "on", s->hits[CONTRAST_ON]);
		json_put_size(j, "on_of", s->n[CONTRAST_ON]);
		json_put_size(j, "off", s->hits[CONTRAST_OFF]);
		json_put_size(j, "off_of", s->n[CONTRAST_OFF]);
		put_likely(j, "odds_on", it->shows != NULL && it->instead != NULL, s->odds[CONTRAST_ON]);
		put_likely(j, "odds_off", it->shows != NULL && it->instead != NULL, s->odds[CONTRAST_OFF]);
		put_likely(j, "target_on", it->target != NULL, s->target[CONTRAST_ON]);
		put_likely(j, "target_off", it->target != NULL, s->target[CONTRAST_OFF]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_doses(struct json_out *j, const struct finding *f, const struct spec *spec)
{
	json_open(j, "doses", '[');
	for (size_t z = 0; f->tested && z < spec->steer.n_doses; z++) {
		const struct point *p = &f->point[z];

		json_open(j, NULL, '{');
		json_put_real(j, "dose", p->dose);
		put_interval(j, "on", p->score[CONTRAST_ON]);
		put_interval(j, "off", p->score[CONTRAST_OFF]);
		json_put_real(j, "null_on_lo", p->null_lo[CONTRAST_ON]);
		json_put_real(j, "null_on_hi", p->null_hi[CONTRAST_ON]);
		json_put_real(j, "null_off_lo", p->null_lo[CONTRAST_OFF]);
		json_put_real(j, "null_off_hi", p->null_hi[CONTRAST_OFF]);
		json_put_real(j, "coherence", p->coherence);
		json_put_real(j, "divergence", p->divergence);
		put_read_back(j, f, p);
		put_behaviours(j, p, spec);
		json_put_bool(j, "counts", p->coherence >= spec->steer.coherence);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_example(struct json_out *j, const struct found *f, size_t prompt)
{
	const struct rollout *r = &f->rollout[prompt];

	json_put_str(j, "prompt", r->prompt.text);
	json_put_str(j, "base_answer", r->answer[SIDE_BASE].text);
	json_put_str(j, "candidate_answer", r->answer[SIDE_CANDIDATE].text);
	json_put_real(j, "gap", f->prompt[prompt].gap);
	json_put_real(j, "gap_mean", f->prompt[prompt].mean);
}

static void put_examples(struct json_out *j, const struct found *f, const struct finding *it)
{
	size_t shown = 0;

	json_open(j, "examples", '[');
	for (size_t i = 0; i < f->n_prompts && shown < EXAMPLES; i++) {
		if (!finding_has(f, it, i))
			continue;
		json_open(j, NULL, '{');
		put_example(j, f, i);
		json_close(j, '}');
		shown++;
	}
	json_close(j, ']');
}

static void put_generations(struct json_out *j, const struct found *f, const struct finding *it,
			    const struct spec *spec)
{
	size_t shown[CONTRAST_COUNT] = { 0 };

	json_open(j, "generations", '[');
	for (size_t i = 0; i + spec->steer.n_doses <= it->n_generated; i += spec->steer.n_doses) {
		if (shown[it->generated[i].kind]++ >= spec->steer.generations)
			continue;
		json_open(j, NULL, '{');
		json_puts(j, "kind", it->generated[i].kind == CONTRAST_ON ? "on" : "off");
		json_put_str(j, "prompt", f->rollout[it->generated[i].prompt].prompt.text);
		json_open(j, "doses", '[');
		for (size_t z = 0; z < spec->steer.n_doses; z++) {
			json_open(j, NULL, '{');
			json_put_real(j, "dose", spec->steer.dose[z]);
			json_put_str(j, "text", it->generated[i + z].text);
			json_put_bool(j, "coherent", it->point[z].coherence >= spec->steer.coherence);
			json_close(j, '}');
		}
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static const char *finding_title(struct arena *mem, const struct found *f, const struct words *w,
				 const struct finding *it)
{
	struct view *text = ARENA_ARRAY(mem, f->n_prompts + 1, struct view);
	size_t n = 0;

	for (size_t i = 0; i < f->n_prompts; i++) {
		if (finding_has(f, it, i))
			text[n++] = f->rollout[i].answer[it->side].text;
	}
	return words_label_texts(mem, w, text, n);
}

static void put_effects(struct json_out *j, const struct finding *f, struct arena *mem)
{
	static const char *const side[CONTRAST_COUNT] = { "on", "off" };
	static const char *const z[NULL_COUNT] = { "z", "z_group", "z_exclusive", "z_shared" };

	json_put_bool(j, "tested", f->tested);
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		const struct effect *a = &f->effect[k];

		put_interval(j, arena_fmt(mem, "slope_%s", side[k]), a->slope);
		put_interval(j, arena_fmt(mem, "ablated_%s", side[k]), a->ablated);
		for (size_t w = 0; w < NULL_COUNT; w++) {
			const char *name = arena_fmt(mem, "%s_%s", z[w], side[k]);

			if (w < NULL_GATES || f->null[w].sd[k] > 0)
				json_put_real(j, name, a->z[w]);
			else
				json_put_null(j, name);
		}
		json_put_real(j, arena_fmt(mem, "null_sd_%s", side[k]), f->null[NULL_DIRECTIONS].sd[k]);
		json_put_real(j, arena_fmt(mem, "p_null_%s", side[k]), a->p_null);
		json_put_real(j, arena_fmt(mem, "p_trend_%s", side[k]), a->p_trend);
		json_put_real(j, arena_fmt(mem, "p_%s", side[k]), a->p);
		json_put_real(j, arena_fmt(mem, "q_%s", side[k]), a->q);
		json_put_real(j, arena_fmt(mem, "least_%s", side[k]), a->least);
		json_put_real(j, arena_fmt(mem, "unsteered_%s", side[k]), a->unsteered);
	}
	json_put_real(j, "p", f->p);
	json_put_real(j, "q", f->q);
}

/* How many of the finding's prompts either model answers so. */
static int put_declared(struct json_out *j, const struct found *f, const struct finding *it,
			const struct spec *spec, struct err *e)
{
	json_open(j, "behaviours", '[');
	for (size_t b = 0; b < spec->n_behaviours; b++) {
		struct matcher *m;
		size_t hits[SIDE_COUNT] = { 0 }, n = 0;

		if (matcher_open(&m, spec->behaviour[b].regex, e) < 0)
			return -1;
		for (size_t i = 0; i < f->n_prompts; i++) {
			if (!finding_has(f, it, i))
				continue;
			n++;
			for (size_t side = 0; side < SIDE_COUNT; side++)
				hits[side] += matcher_hits(m, f->rollout[i].answer[side].text);
		}
		matcher_close(m);
		json_open(j, NULL, '{');
		json_puts(j, "name", spec->behaviour[b].name);
		json_put_size(j, "prompts", n);
		json_put_size(j, "hits_base", hits[SIDE_BASE]);
		json_put_size(j, "hits_candidate", hits[SIDE_CANDIDATE]);
		json_close(j, '}');
	}
	json_close(j, ']');
	return 0;
}

/* On the prompts it was made from (flow/steering.h). */
static void put_aimed(struct json_out *j, const struct aimed *a)
{
	static const char *const name[] = { "screen_on", "screen_off", "screen_p" };
	double value[] = { a->slope[CONTRAST_ON], a->slope[CONTRAST_OFF], a->p };

	json_puts(j, "weights", way_name(a->way));
	for (size_t i = 0; i < 3; i++) {
		if (a->known)
			json_put_real(j, name[i], value[i]);
		else
			json_put_null(j, name[i]);
	}
}

/* In the other model, where the direction has latents that it shares. */
static void put_in_other(struct json_out *j, const struct in_other *b)
{
	if (!b->applies) {
		json_put_null(j, "in_other");
		return;
	}
	json_open(j, "in_other", '{');
	json_put_real(j, "norm", b->norm);
	json_put_real(j, "slope_on", b->tried.slope[CONTRAST_ON]);
	json_put_real(j, "slope_off", b->tried.slope[CONTRAST_OFF]);
	json_put_real(j, "z_on", b->tried.z[CONTRAST_ON]);
	json_put_real(j, "z_off", b->tried.z[CONTRAST_OFF]);
	json_close(j, '}');
}

static int put_finding(struct json_out *j, const struct found *f, size_t number, size_t place,
		       const struct words *w, struct job *job, struct err *e)
{
	const struct finding *it = &f->finding[number];
	uint32_t top[EXPRESSED];

	expressed_find(top, f, it);
	json_open(j, NULL, '{');
	json_puts(j, "id", arena_fmt(job->mem, "F%zu", place + 1));
	json_puts(j, "kind", kind_of(f, it, top));
	json_put_bool(j, "is_lost", it->side == SIDE_BASE);
	json_puts(j, "title", finding_title(job->mem, f, w, it));
	json_put_bool(j, "is_confirmed", it->confirmed);
	json_puts(j, "verdict", it->verdict);
	put_latents(j, f, it, top, w, job->mem);
	json_put_real(j, "share_exclusive", share_exclusive(f, it));
	json_put_real(j, "prompt_gap", it->group->gap);
	json_put_size(j, "made_from", it->group->n_on);
	put_aimed(j, &it->aimed);
	json_put_size(j, "on_prompts", it->n_contested[CONTRAST_ON]);
	json_put_size(j, "off_prompts", it->n_contested[CONTRAST_OFF]);
	json_put_real(j, "cosine_difference_of_means", it->cosine_means);
	json_put_real(j, "norm", it->group->aim->norm);
	put_effects(j, it, job->mem);
	put_in_other(j, &it->in_other);
	put_doses(j, it, job->spec);
	put_examples(j, f, it);
	put_generations(j, f, it, job->spec);
	if (put_declared(j, f, it, job->spec, e) < 0)
		return -1;
	json_close(j, '}');
	return 0;
}

/* Confirmed first, then by the gap of their prompts. */
static uint32_t *findings_order(struct arena *mem, const struct found *f)
{
	double *key = ARENA_ARRAY(mem, f->n + 1, double), most = 0;
	uint32_t *order = ARENA_ARRAY(mem, f->n + 1, uint32_t);

	for (size_t i = 0; i < f->n; i++)
		most = f->finding[i].group->gap > most ? f->finding[i].group->gap : most;
	for (size_t i = 0; i < f->n; i++)
		key[i] = -f->finding[i].group->gap - (f->finding[i].confirmed ? most + 1 : 0);
	reduce_order(order, key, f->n);
	return order;
}

/* The prompts the models answer most differently, latents aside. */
static void put_screen(struct json_out *j, const struct found *f, const uint32_t *order, struct arena *mem)
{
	double *key = ARENA_ARRAY(mem, f->n_prompts + 1, double);
	uint32_t *by_gap = ARENA_ARRAY(mem, f->n_prompts + 1, uint32_t);

	for (size_t i = 0; i < f->n_prompts; i++)
		key[i] = f->prompt[i].known ? -f->prompt[i].gap : 0;
	reduce_order(by_gap, key, f->n_prompts);
	json_open(j, "screen", '{');
	json_open(j, "prompts", '[');
	for (size_t i = 0; i < f->n_prompts && i < SCREEN_PROMPTS && f->prompt[by_gap[i]].known; i++) {
		size_t k = 0;

		json_open(j, NULL, '{');
		put_example(j, f, by_gap[i]);
		while (k < f->n && !finding_has(f, &f->finding[order[k]], by_gap[i]))
			k++;
		if (k < f->n)
			json_puts(j, "finding", arena_fmt(mem, "F%zu", k + 1));
		else
			json_put_null(j, "finding");
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

int findings_write(const struct found *f, struct job *job, struct err *e)
{
	struct words *w = words_new(f->corpus);
	uint32_t *order = findings_order(job->mem, f);
	struct json_out j;
	int rc = -1;

	if (artifact_json(&j, job->out, "findings.json", e) < 0)
		goto out;
	json_open(&j, NULL, '{');
	json_open(&j, "findings", '[');
	for (size_t i = 0; i < f->n; i++)
		if (put_finding(&j, f, order[i], i, w, job, e) < 0) {
			out_abort(j.out);
			goto out;
		}
	json_close(&j, ']');
	put_screen(&j, f, order, job->mem);
	json_open(&j, "random_groups", '{');
	json_put_size(&j, "tested", f->zero.n);
	json_put_size(&j, "confirmed", f->zero.confirmed);
	json_close(&j, '}');
	json_close(&j, '}');
	rc = out_commit(j.out, NULL, e);
out:
	words_free(w);
	return rc;
}
