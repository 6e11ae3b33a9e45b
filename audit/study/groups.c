#include "study/groups.h"

#include "num/fmath.h"
#include "num/ops.h"
#include "num/reduce.h"

#include <string.h>

enum { MOST_ON = 512 }; /* ON prompts clustered, those of the largest gap first */

struct grouping {
	struct grouped *prompt;
	const struct dfc *d;
	bool b; /* the model whose behaviours they are, and its width */
	size_t width;
	size_t n, n_off;
	const struct active *turns, *answers;
	const struct active *other, *own; /* turn boundaries as either stream alone says */
	const double *gap;
	const uint32_t *after;
	struct groups_opts o;
	struct arena *mem;
	double *off;	  /* (n_latents) mean activation at OFF turn boundaries */
	size_t *on, n_on; /* prompts that are ON, made from first, held out after */
	size_t n_made;
	float *turn;   /* (n_on, width) */
	float *answer; /* (n_on, width) */
	bool *says;    /* (n_on) the answer has such latents */
	size_t *of;    /* (n_made) the cluster's first prompt */
};

const char *way_name(enum way way)
{
	static const char *const name[WAY_COUNT] = { "joint", "exclusive", "own", "acting" };

	return name[way];
}

void group_direction(float *out, const struct dfc *d, bool model_b, const struct member *m, size_t n)
{
	size_t width = dfc_width(&d->shape, model_b);
	float scale = model_b ? d->scale_b : d->scale_a;

	memset(out, 0, width * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const float *row = dfc_decoder(d, model_b, m[i].latent);

		if (row != NULL)
			op_axpy(out, (float)m[i].weight / scale, row, width);
	}
}

static void mean_add(double *mean, double weight, const struct active *a, size_t row)
{
	for (size_t k = a->row_start[row]; k < a->row_start[row + 1]; k++)
		mean[a->latent[k]] += weight * (double)a->row_value[k];
}

static bool is_off(const struct grouped *p)
{
	return p->kind == GROUP_OFF && !p->held_out;
}

/* mean (n_latents) += weight times the mean over OFF. */
static void off_add(double *mean, double weight, const struct grouping *g, const struct active *a)
{
	for (size_t i = 0; i < g->n; i++) {
		if (is_off(&g->prompt[i]))
			mean_add(mean, weight / (double)g->n_off, a, g->prompt[i].row);
	}
}

/* What the model's decoder makes of a prompt's turn boundary, less the mean over OFF. */
static void turn_vector(float *out, const struct grouping *g, const struct grouped *p, const float *off)
{
	size_t d = g->width;

	for (size_t k = 0; k < d; k++)
		out[k] = -off[k];
	for (size_t k = g->turns->row_start[p->row]; k < g->turns->row_start[p->row + 1]; k++) {
		const float *row = dfc_decoder(g->d, g->b, g->turns->latent[k]);

		if (row != NULL)
			op_axpy(out, g->turns->row_value[k], row, d);
	}
}

/* The latents of the answer where the model says what the other would not. */
static void answer_vector(float *out, const struct grouping *g, const struct grouped *p)
{
	memset(out, 0, g->width * sizeof(*out));
	for (size_t r = p->answer_first; r < p->answer_first + p->answer_n; r++) {
		double gap = g->gap[r] > 0 ? g->gap[r] : 0;

		for (size_t k = g->answers->row_start[r]; gap > 0 && k < g->answers->row_start[r + 1]; k++) {
			const float *row = dfc_decoder(g->d, g->b, g->answers->latent[k]);

			if (row != NULL)
				op_axpy(out, (float)gap * g->answers->row_value[k], row, g->width);
		}
	}
}

static void vectors_make(struct grouping *g)
{
	size_t d = g->width;
	float *off = ARENA_ARRAY(g->mem, d, float);

	for (size_t k = 0; k < g->turns->n_latents; k++) {
		const float *row = g->off[k] > 0 ? dfc_decoder(g->d, g->b, k) : NULL;

		if (row != NULL)
			op_axpy(off, (float)g->off[k], row, d);
	}
	g->turn = ARENA_ARRAY(g->mem, g->n_on * d, float);
	g->answer = ARENA_ARRAY(g->mem, g->n_on * d, float);
	g->says = ARENA_ARRAY(g->mem, g->n_on + 1, bool);
	for (size_t i = 0; i < g->n_on; i++) {
		turn_vector(g->turn + i * d, g, &g->prompt[g->on[i]], off);
		answer_vector(g->answer + i * d, g, &g->prompt[g->on[i]]);
		g->says[i] = op_norm2_d(g->answer + i * d, d) > 0;
	}
}

/* Where an answer has nothing to compare, the turn boundaries alone say it. */
static double alike(const struct grouping *g, size_t i, size_t k)
{
	size_t d = g->width;
	double turn = op_cosine_d(g->turn + i * d, g->turn + k * d, d), answer;

	if (!g->says[i] || !g->says[k])
		return turn;
	answer = op_cosine_d(g->answer + i * d, g->answer + k * d, d);
	return answer >= g->o.answers_alike ? answer : (turn + answer) / 2;
}

/* Average linkage: the two clusters most alike are joined until none are alike enough. Ties: the smaller numbers. */
static void cluster(struct grouping *g)
{
	size_t n = g->n_made;
	double *sim = ARENA_ARRAY(g->mem, n * n + 1, double);
	size_t *size = ARENA_ARRAY(g->mem, n + 1, size_t);

	g->of = ARENA_ARRAY(g->mem, n + 1, size_t);
	for (size_t i = 0; i < n; i++) {
		g->of[i] = i;
		size[i] = 1;
		for (size_t k = 0; k < n; k++)
			sim[i * n + k] = alike(g, i, k);
	}
	for (;;) {
		double best = g->o.alike;
		size_t a = n, b = n;

		for (size_t i = 0; i < n; i++) {
			for (size_t k = i + 1; k < n && size[i] > 0; k++) {
				if (size[k] > 0 && sim[i * n + k] > best) {
					best = sim[i * n + k];
					a = i;
					b = k;
				}
			}
		}
		if (a == n)
			return;
		for (size_t k = 0; k < n; k++) {
			double joined =
				(sim[a * n + k] * (double)size[a] + sim[b * n + k] * (double)size[b]) /
				(double)(size[a] + size[b]);

			sim[a * n + k] = sim[k * n + a] = joined;
			if (g->of[k] == b)
				g->of[k] = a;
		}
		size[a] += size[b];
		size[b] = 0;
	}
}

/* ON prompts, of the largest gap first: those that make clusters, then those held out. */
static void on_list(struct grouping *g, size_t n)
{
	double *key = ARENA_ARRAY(g->mem, n + 1, double);
	uint32_t *order = ARENA_ARRAY(g->mem, n + 1, uint32_t);

	g->on = ARENA_ARRAY(g->mem, n + 1, size_t);
	for (size_t i = 0; i < n; i++)
		key[i] = -g->prompt[i].gap;
	reduce_order(order, key, n);
	for (int held = 0; held < 2; held++) {
		for (size_t i = 0; i < n; i++) {
			const struct grouped *p = &g->prompt[order[i]];

			if (p->kind == GROUP_ON && p->held_out == (held == 1) &&
			    (held == 1 || g->n_on < MOST_ON))
				g->on[g->n_on++] = order[i];
		}
		if (held == 0)
			g->n_made = g->n_on;
	}
}

static double largest(const struct grouping *g, uint32_t latent)
{
	const struct active *set[] = { g->turns, g->answers };
	float most = 0;

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = set[i]->latent_start[latent]; k < set[i]->latent_start[latent + 1]; k++)
			most = set[i]->value[k] > most ? set[i]->value[k] : most;
	}
	return (double)most;
}

/* What a row's reconstruction has along the direction. along (n_latents): of a unit of each latent. */
static double row_along(const struct active *a, size_t row, const double *along)
{
	double sum = 0;

	for (size_t k = a->row_start[row]; k < a->row_start[row + 1]; k++)
		sum += (double)a->row_value[k] * along[a->latent[k]];
	return sum;
}

struct share_sums {
	double sum[GROUP_SHARES];
	size_t n[GROUP_SHARES];
};

static void shares_add(struct share_sums *s, const struct grouping *g, const struct grouped *p,
		       const double *along)
{
	s->sum[0] += row_along(g->turns, p->row, along);
	s->n[0]++;
	for (size_t r = p->answer_first; r < p->answer_first + p->answer_n; r++) {
		size_t k = g->after[r];

		if (k == 0 || k >= GROUP_SHARES)
			continue;
		s->sum[k] += row_along(g->answers, r, along);
		s->n[k]++;
	}
}

/* Where no answer has a pair at a token, that token has the share of the one before it. */
static void shares_make(struct aim *out, const struct grouping *g, size_t leader)
{
	struct share_sums on = { .n = { 0 } }, off = { .n = { 0 } };
	double *along = ARENA_ARRAY(g->mem, g->turns->n_latents, double), first = 0;

	for (size_t k = 0; k < g->turns->n_latents; k++) {
		const float *row = dfc_decoder(g->d, g->b, k);

		along[k] = row != NULL ? op_dot_d(row, out->direction, g->width) : 0;
	}
	for (size_t i = 0; i < g->n_made; i++) {
		if (g->of[i] == leader)
			shares_add(&on, g, &g->prompt[g->on[i]], along);
	}
	for (size_t i = 0; i < g->n; i++) {
		if (is_off(&g->prompt[i]))
			shares_add(&off, g, &g->prompt[i], along);
	}
	out->share = ARENA_ARRAY(g->mem, GROUP_SHARES, float);
	for (size_t k = 0; k < GROUP_SHARES; k++) {
		double mean = on.n[k] > 0 ? on.sum[k] / (double)on.n[k] : 0;

		mean -= off.n[k] > 0 ? off.sum[k] / (double)off.n[k] : 0;
		first = k == 0 ? mean : first;
		if (k > 0 && on.n[k] == 0)
			out->share[k] = out->share[k - 1];
		else if (k > 0 && first > 0 && mean > 0)
			out->share[k] = mean < first ? (float)(mean / first) : 1;
	}
	out->share[0] = 1;
}

/* diff (n_latents) += weight times the mean over the cluster, of n_on prompts, less that over OFF. */
static void difference_add(double *diff, double weight, const struct grouping *g, const struct active *a,
			   size_t leader, size_t n_on)
{
	for (size_t i = 0; i < g->n_made; i++) {
		if (g->of[i] == leader)
			mean_add(diff, weight / (double)n_on, a, g->prompt[g->on[i]].row);
	}
	off_add(diff, -weight, g, a);
}

static const double ROUNDING = 1e-9;

/* The latents that make most of the direction, `most` at most. weight (n_latents). */
static struct member *leading(size_t *n_out, const struct grouping *g, const double *weight, size_t most)
{
	size_t n = g->turns->n_latents;
	struct member *out;
	double *key = ARENA_ARRAY(g->mem, n, double);
	uint32_t *top = ARENA_ARRAY(g->mem, most + 1, uint32_t);

	most = most < n ? most : n;
	for (size_t k = 0; k < n; k++) {
		const float *row = dfc_decoder(g->d, g->b, k);

		if (row != NULL)
			key[k] = (weight[k] < 0 ? -weight[k] : weight[k]) *
				 fm_sqrt_d(op_norm2_d(row, g->width));
	}
	reduce_top_k_d(top, most, key, n);
	out = ARENA_ARRAY(g->mem, most + 1, struct member);
	*n_out = 0;
	/* A difference of equal means may be the rounding of either. */
	for (size_t i = 0; i < most && key[top[i]] > ROUNDING * key[top[0]]; i++)
		out[(*n_out)++] = (struct member){ top[i], weight[top[i]] };
	if (g->o.single && *n_out > 0) {
		double most_on = largest(g, out[0].latent);

		*n_out = 1;
		out[0].weight = out[0].weight < 0 ? -most_on : most_on;
	}
	return out;
}

static struct aim aim_of(const struct grouping *g, size_t leader, struct member *m, size_t n)
{
	struct aim aim = { .member = m, .n = n };

	aim.direction = ARENA_ARRAY(g->mem, g->width, float);
	group_direction(aim.direction, g->d, g->b, m, n);
	aim.norm = fm_sqrt_d(op_norm2_d(aim.direction, g->width));
	shares_make(&aim, g, leader);
	return aim;
}

struct aim group_aim(const struct group *g, const struct member *m, size_t n)
{
	struct member *own = ARENA_ARRAY(g->grouping->mem, n + 1, struct member);

	memcpy(own, m, n * sizeof(*m));
	return aim_of(g->grouping, g->leader, own, n);
}

static void aims_make(struct group *out, const struct grouping *g, size_t leader)
{
	size_t n = g->turns->n_latents;
	double *weight[WAY_ACTING];

	for (size_t w = 0; w < WAY_ACTING; w++)
		weight[w] = ARENA_ARRAY(g->mem, n, double);
	difference_add(weight[WAY_JOINT], 1, g, g->turns, leader, out->n_on);
	difference_add(weight[WAY_OWN], 0.5, g, g->own, leader, out->n_on);
	difference_add(weight[WAY_OWN], -0.5, g, g->other, leader, out->n_on);
	for (size_t k = 0; k < n; k++) {
		double joint = weight[WAY_JOINT][k];

		if (dfc_is_exclusive(&g->d->shape, g->b, k))
			weight[WAY_OWN][k] = weight[WAY_EXCLUSIVE][k] = joint > 0 ? joint : 0;
		else if (weight[WAY_OWN][k] < 0)
			weight[WAY_OWN][k] = 0;
	}
	for (size_t w = 0; w < WAY_ACTING; w++) {
		size_t n_members;
		struct member *m = leading(&n_members, g, weight[w], g->o.most_members);

		out->way[w] = aim_of(g, leader, m, n_members);
	}
	out->pool = leading(&out->n_pool, g, weight[WAY_JOINT], GROUP_POOL);
	out->grouping = g;
	out->leader = leader;
	out->aim = &out->way[WAY_JOINT];
}

static void group_facts(struct group *out, const struct grouping *g, size_t leader)
{
	double best = -2;

	*out = (struct group){ .n_on = 0 };
	for (size_t i = 0; i < g->n_made; i++) {
		double sum = 0;

		if (g->of[i] != leader)
			continue;
		for (size_t k = 0; k < g->n_made; k++)
			sum += g->of[k] == leader ? alike(g, i, k) : 0;
		if (sum > best) {
			best = sum;
			out->typical = g->on[i];
		}
		out->n_on++;
		out->gap += g->prompt[g->on[i]].gap;
	}
	out->gap /= (double)out->n_on;
}

/* A held-out prompt joins the cluster it is most alike, where it is alike enough. */
static size_t nearest(const struct grouping *g, size_t i, const size_t *leader, size_t n_groups)
{
	double best = g->o.alike;
	size_t at = 0;

	for (size_t k = 0; k < n_groups; k++) {
		double sum = 0;
		size_t n = 0;

		for (size_t m = 0; m < g->n_made; m++) {
			if (g->of[m] == leader[k]) {
				sum += alike(g, i, m);
				n++;
			}
		}
		if (sum / (double)n > best) {
			best = sum / (double)n;
			at = k + 1;
		}
	}
	return at;
}

/* The leaders of clusters large enough, in the order of their summed gap. */
static size_t leaders_make(size_t *leader, const struct grouping *g)
{
	size_t n = g->n_made, found = 0;
	double *key = ARENA_ARRAY(g->mem, n + 1, double);
	size_t *size = ARENA_ARRAY(g->mem, n + 1, size_t);
	uint32_t *order = ARENA_ARRAY(g->mem, n + 1, uint32_t);

	for (size_t i = 0; i < n; i++) {
		key[g->of[i]] -= g->prompt[g->on[i]].gap;
		size[g->of[i]]++;
	}
	reduce_order(order, key, n);
	for (size_t i = 0; i < n && found < g->o.most_groups; i++) {
		if (size[order[i]] >= g->o.least_prompts)
			leader[found++] = order[i];
	}
	return found;
}

/* The prompt's place among those that are ON; g->n_on where it is not. */
static size_t place_on(const struct grouping *g, size_t prompt)
{
	size_t i = 0;

	while (i < g->n_on && g->on[i] != prompt)
		i++;
	return i;
}

double group_cohesion(const struct group *of, const size_t *prompt, size_t n)
{
	const struct grouping *g = of->grouping;
	const float **said = mem_alloc(n + 1, sizeof(*said));
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = place_on(g, prompt[i]);

		if (at < g->n_on && g->says[at])
			said[i] = g->answer + at * g->width;
		for (size_t k = 0; k < i && said[i] != NULL; k++)
			sum += said[k] != NULL ? op_cosine_d(said[i], said[k], g->width) : 0;
	}
	mem_free(said);
	return n > 1 ? 2 * sum / ((double)n * (double)(n - 1)) : 1;
}

size_t groups_make(struct group **out, struct arena *mem, struct grouped *prompt, size_t n,
		   const struct dfc *d, const struct group_rows *rows, const struct groups_opts *o)
{
	struct grouping *g = ARENA_ARRAY(mem, 1, struct grouping);
	size_t *leader, n_groups;

	*g = (struct grouping){ .prompt = prompt,
				.n = n,
				.d = d,
				.b = rows->b,
				.width = dfc_width(&d->shape, rows->b),
				.turns = rows->turns,
				.answers = rows->answers,
				.other = rows->other,
				.own = rows->own,
				.gap = rows->gap,
				.after = rows->after,
				.o = *o,
				.mem = mem };
	on_list(g, n);
	for (size_t i = 0; i < n; i++)
		g->n_off += is_off(&prompt[i]);
	g->off = ARENA_ARRAY(mem, g->turns->n_latents, double);
	off_add(g->off, 1, g, g->turns);
	vectors_make(g);
	leader = ARENA_ARRAY(mem, g->n_made + 1, size_t);
	cluster(g);
	n_groups = leaders_make(leader, g);
	*out = ARENA_ARRAY(mem, n_groups + 1, struct group);
	for (size_t i = 0; i < n_groups; i++) {
		group_facts(&(*out)[i], g, leader[i]);
		aims_make(&(*out)[i], g, leader[i]);
	}
	for (size_t i = 0; i < g->n_on; i++) {
		size_t at = 0;

		if (i >= g->n_made)
			at = nearest(g, i, leader, n_groups);
		for (size_t k = 0; i < g->n_made && k < n_groups; k++)
			at = g->of[i] == leader[k] ? k + 1 : at;
		prompt[g->on[i]].cluster = at;
		if (i >= g->n_made && at > 0)
			(*out)[at - 1].n_held_out++;
	}
	return n_groups;
}
