#include "flow/steer_groups.h"

#include "num/reduce.h"

enum { LEAST_MADE = 2 }; /* prompts of a cluster that make it */

static const double LOST_BY = 0.3; /* of mean cosines of answers: see is_lost() */

enum side side_other(enum side side)
{
	return side == SIDE_BASE ? SIDE_CANDIDATE : SIDE_BASE;
}

/* The gap up to which a prompt is OFF: where answers drift apart on every prompt, that of the share that differs least. */
static double off_bound(const struct steer_groups *s)
{
	const struct spec *spec = s->job->spec;
	double *gap = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, double), bound = spec->steer.off_below;
	uint32_t *order = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, uint32_t);
	size_t n = 0, share;

	for (size_t i = 0; i < s->n_prompts; i++) {
		if (s->prompt[i].known)
			gap[n++] = s->prompt[i].gap;
	}
	reduce_order(order, gap, n);
	share = (size_t)(spec->steer.off_share * (double)n);
	if (share > 0 && gap[order[share - 1]] > bound)
		bound = gap[order[share - 1]];
	return bound;
}

static bool is_on(const struct prompt_gap *p, const struct spec *spec)
{
	return p->gap >= spec->steer.on_above && p->mean >= spec->steer.on_mean;
}

/* The rows of turn boundaries of all prompts, and what is the same of them whoever answers. */
static void turns_make(struct steer_groups *s, struct grouped *of)
{
	uint32_t *turn = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, uint32_t);
	double off = off_bound(s);
	size_t n = 0;

	for (size_t i = 0; i < s->n_prompts; i++) {
		const struct prompt_gap *p = &s->prompt[i];

		if (!p->known)
			continue;
		of[i] = (struct grouped){ .held_out = s->h->held_out[p->doc[SIDE_BASE]],
					  .gap = p->gap,
					  .row = n };
		of[i].kind = p->gap <= off ? GROUP_OFF : is_on(p, s->job->spec) ? GROUP_ON : 0;
		turn[n++] = (uint32_t)p->turn;
	}
	s->turn_rows = (struct subset){ .h = s->h, .index = turn, .n = n };
}

/* The rows of one model's answers to all prompts. */
static void answers_make(struct steer_groups *s, enum side side, const struct grouped *of)
{
	struct own_side *own = &s->own[side];
	uint32_t *answer = ARENA_ARRAY(s->job->mem, s->h->n_rows + 1, uint32_t);
	size_t n = 0;

	own->grouped = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, struct grouped);
	own->answer_gap = ARENA_ARRAY(s->job->mem, s->h->n_rows + 1, double);
	own->answer_after = ARENA_ARRAY(s->job->mem, s->h->n_rows + 1, uint32_t);
	for (size_t i = 0; i < s->n_prompts; i++) {
		struct grouped *g = &own->grouped[i];
		const struct doc *d;
		uint32_t boundary = 0;

		*g = of[i];
		g->answer_first = n;
		if (!s->prompt[i].known)
			continue;
		d = corpus_doc(s->h->corpus, s->prompt[i].doc[side]);
		for (size_t k = 0; k < d->pair_n; k++) {
			size_t row = d->pair_first + k;
			const struct pair_record *pair = corpus_pair(s->h->corpus, row);
			double gap = harvested_gap(s->h, row);

			if (pair->flags & PAIR_TURN)
				boundary = pair->token[side];
			if (!(pair->flags & PAIR_ANSWER))
				continue;
			answer[n] = (uint32_t)row;
			own->answer_after[n] = pair->token[side] - boundary;
			own->answer_gap[n++] = side == SIDE_CANDIDATE ? gap : -gap;
		}
		g->answer_n = n - g->answer_first;
	}
	own->answer_rows = (struct subset){ .h = s->h, .index = answer, .n = n };
}

/* Groups of prompts by what one model does on them. */
static int side_group(struct steer_groups *s, enum side side, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct own_side *own = &s->own[side];
	struct train_data answers = subset_data(&own->answer_rows, NULL, NULL);
	struct groups_opts o = { .most_groups = spec->steer.findings,
				 .most_members = spec->steer.group,
				 .least_prompts = LEAST_MADE,
				 .alike = spec->steer.alike,
				 .answers_alike = spec->steer.answers_alike,
				 .single = spec->steer.mode == 1 };

	if (active_make(&own->answers, s->dfc, s->job->par, &answers, e) < 0)
		return -1;
	own->n_groups = groups_make(&own->group, s->job->mem, own->grouped, s->n_prompts, s->dfc,
				    &(struct group_rows){ .b = side == SIDE_CANDIDATE,
							  .turns = &s->turns,
							  .answers = &own->answers,
							  .other = &s->alone[side_other(side)],
							  .own = &s->alone[side],
							  .gap = own->answer_gap,
							  .after = own->answer_after },
				    &o);
	return 0;
}

/* The prompts that made a group. */
static size_t made_of(size_t *prompt, const struct steer_groups *s, enum side side, size_t number)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_prompts; i++) {
		const struct grouped *g = &s->own[side].grouped[i];

		if (g->cluster == number + 1 && !g->held_out)
			prompt[n++] = i;
	}
	return n;
}

/* Of the candidate's groups that have one of these prompts, the prompts that made the largest. */
static size_t largest_with(const struct steer_groups *s, const size_t *prompt, size_t n)
{
	const struct own_side *own = &s->own[SIDE_CANDIDATE];
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t cluster = own->grouped[prompt[i]].cluster;

		if (cluster > 0 && own->group[cluster - 1].n_on > most)
			most = own->group[cluster - 1].n_on;
	}
	return most;
}

/*
 * A group of the base is a behaviour that the candidate has lost where its answers are much more alike than the candidate's to
 * the same prompts, and no group of the candidate's there is as large: the base did one thing, and the candidate does what each
 * prompt asks for. Where both have an answer of their own, or the candidate alone has, it is the candidate's behaviour.
 */
static bool is_lost(const struct steer_groups *s, const size_t *prompt, size_t n, size_t number)
{
	const struct own_side *candidate = &s->own[SIDE_CANDIDATE];
	double base = group_cohesion(&s->own[SIDE_BASE].group[number], prompt, n);

	return largest_with(s, prompt, n) < n &&
	       (candidate->n_groups == 0 || base > group_cohesion(&candidate->group[0], prompt, n) + LOST_BY);
}

static void finding_add(struct steer_groups *s, enum side side, size_t number)
{
	s->finding[s->n_findings++] =
		(struct finding){ .side = side, .number = number, .group = &s->own[side].group[number] };
}

/* The candidate's groups, but those that a behaviour lost accounts for, and the behaviours lost. */
static void findings_make(struct steer_groups *s)
{
	const struct own_side *own = s->own;
	size_t *prompt = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, size_t), n;
	bool *lost = ARENA_ARRAY(s->job->mem, own[SIDE_BASE].n_groups + 1, bool),
	     *taken = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, bool);

	for (size_t k = 0; k < own[SIDE_BASE].n_groups; k++) {
		n = made_of(prompt, s, SIDE_BASE, k);
		lost[k] = is_lost(s, prompt, n, k);
		for (size_t i = 0; i < n && lost[k]; i++)
			taken[prompt[i]] = true;
	}
	s->finding = ARENA_ARRAY(s->job->mem, own[SIDE_BASE].n_groups + own[SIDE_CANDIDATE].n_groups + 1,
				 struct finding);
	for (size_t k = 0; k < own[SIDE_CANDIDATE].n_groups; k++) {
		size_t of = 0;

		n = made_of(prompt, s, SIDE_CANDIDATE, k);
		for (size_t i = 0; i < n; i++)
			of += taken[prompt[i]];
		if (2 * of < n)
			finding_add(s, SIDE_CANDIDATE, k);
	}
	for (size_t k = 0; k < own[SIDE_BASE].n_groups; k++) {
		if (lost[k] && s->n_findings < s->job->spec->steer.findings)
			finding_add(s, SIDE_BASE, k);
	}
}

int steer_groups_find(struct steer_groups *s, struct err *e)
{
	struct grouped *of = ARENA_ARRAY(s->job->mem, s->n_prompts + 1, struct grouped);
	struct train_data turns;

	turns_make(s, of);
	turns = subset_data(&s->turn_rows, NULL, NULL);
	if (active_make(&s->turns, s->dfc, s->job->par, &turns, e) < 0)
		return -1;
	for (size_t k = 0; k < SIDE_COUNT; k++) {
		if (active_make_alone(&s->alone[k], s->dfc, s->job->par, &turns, k == SIDE_CANDIDATE, e) < 0)
			return -1;
	}
	for (size_t k = 0; k < SIDE_COUNT; k++) {
		answers_make(s, (enum side)k, of);
		if (side_group(s, (enum side)k, e) < 0)
			return -1;
	}
	findings_make(s);
	return 0;
}

void steer_groups_release(struct steer_groups *s)
{
	active_release(&s->turns);
	subset_release(&s->turn_rows);
	for (size_t k = 0; k < SIDE_COUNT; k++) {
		active_release(&s->alone[k]);
		active_release(&s->own[k].answers);
		subset_release(&s->own[k].answer_rows);
	}
}
