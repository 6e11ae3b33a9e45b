#include "model/arch_config.h"
#include "num/fmath.h"

#include <string.h>

/*
 * The angles of the rotary embedding, per position, as config.json asks for them.  Everything is computed in
 * double: at position 131,072 a frequency rounded to float is off by up to a hundredth of a radian.
 *
 * Su et al. 2021 (2104.09864); "linear": Chen et al. 2023 (2306.15595); "yarn": Peng et al. 2023 (2309.00071)
 * eq. 17-23; "longrope": Ding et al. 2024 (2402.13753); "llama3": the smoothed interpolation of Llama 3.1.
 * "rope_parameters" is how transformers 5 writes what was "rope_scaling" and "rope_theta".
 */

#define TWO_PI 6.283185307179586

/* One kind of rotation while it is read. */
struct turning {
	const struct config *c;
	const struct json *params; /* an object, or NULL */
	double base, factor;
	double *freq; /* (d/2) */
	size_t d;
	double on_cos_sin;
	size_t limit; /* positions for which it is right; 0: all */
	size_t n_context;
	double *far; /* (d/2) for texts longer than far_from, or NULL */
	size_t far_from;
};

static int number(double *out, const struct turning *t, const char *field, double fallback, struct err *e)
{
	return config_real(out, t->c, json_find(t->params, field), fallback, e);
}

/* A field that has to be positive; without a fallback (0) it has to be there. */
static int positive(double *out, const struct turning *t, const char *field, double fallback, struct err *e)
{
	if (number(out, t, field, fallback, e) < 0)
		return -1;
	if (json_is_null(json_find(t->params, field)) && !(fallback > 0))
		return config_bad(t->c, t->params, arena_fmt(t->c->mem, "has no %s", field), e);
	if (!(*out > 0))
		return config_unsupported(t->c, json_find(t->params, field), "it must be positive", e);
	return 0;
}

/* The length the model was first trained for. */
static int original_read(double *out, const struct turning *t, struct err *e)
{
	const struct json *v = json_find(t->params, "original_max_position_embeddings");
	size_t n;

	if (json_is_null(v))
		v = config_find(t->c, "original_max_position_embeddings");
	if (config_size(&n, t->c, v, t->n_context, e) < 0)
		return -1;
	*out = (double)n;
	return 0;
}

static int turn_linear(struct turning *t, struct err *e)
{
	if (positive(&t->factor, t, "factor", 0, e) < 0)
		return -1;
	for (size_t i = 0; i < t->d / 2; i++)
		t->freq[i] /= t->factor;
	return 0;
}

/* The base grows with the length of the text beyond n_context; up to there nothing changes. */
static int turn_dynamic(struct turning *t, struct err *e)
{
	if (positive(&t->factor, t, "factor", 0, e) < 0)
		return -1;
	t->limit = t->n_context;
	return 0;
}

/* Long waves are divided by the factor, short ones kept, those between blended. */
static int turn_llama3(struct turning *t, struct err *e)
{
	double low, high, original;

	if (positive(&t->factor, t, "factor", 0, e) < 0 || positive(&low, t, "low_freq_factor", 0, e) < 0 ||
	    positive(&high, t, "high_freq_factor", 0, e) < 0 || original_read(&original, t, e) < 0)
		return -1;
	if (!(high > low))
		return config_unsupported(t->c, json_find(t->params, "high_freq_factor"),
					  "it must exceed low_freq_factor", e);
	for (size_t i = 0; i < t->d / 2; i++) {
		double turns = original * t->freq[i] / TWO_PI; /* in the original length */
		double keep = (turns - low) / (high - low);

		keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
		t->freq[i] = keep * t->freq[i] + (1 - keep) * t->freq[i] / t->factor;
	}
	return 0;
}

static double whole(double x, bool up)
{
	double w = (double)(int64_t)x;

	return up ? (w < x ? w + 1 : w) : (w > x ? w - 1 : w);
}

/* Which pair turns this many times in the original length. */
static double yarn_pair(const struct turning *t, double turns, double original)
{
	return (double)t->d * fm_log_d(original / (turns * TWO_PI)) / (2 * fm_log_d(t->base));
}

static double yarn_scale(double factor, double weight)
{
	return factor > 1 ? 0.1 * weight * fm_log_d(factor) + 1 : 1;
}

/* The factor on cos and sin: given, by the two weights of DeepSeek, or the paper's 0.1 ln(factor) + 1. */
static int yarn_factor(struct turning *t, struct err *e)
{
	double given, weight, weight_all;

	if (number(&given, t, "attention_factor", 0, e) < 0 || number(&weight, t, "mscale", 0, e) < 0 ||
	    number(&weight_all, t, "mscale_all_dim", 0, e) < 0)
		return -1;
	if (!json_is_null(json_find(t->params, "attention_factor")))
		t->on_cos_sin = given;
	else if (weight != 0 && weight_all != 0)
		t->on_cos_sin = yarn_scale(t->factor, weight) / yarn_scale(t->factor, weight_all);
	else
		t->on_cos_sin = yarn_scale(t->factor, 1);
	return 0;
}

static int turn_yarn(struct turning *t, struct err *e)
{
	double original, fast, slow, low, high;
	bool truncate;

	if (original_read(&original, t, e) < 0 || number(&fast, t, "beta_fast", 32, e) < 0 ||
	    number(&slow, t, "beta_slow", 1, e) < 0 ||
	    positive(&t->factor, t, "factor", (double)t->n_context / original, e) < 0 ||
	    config_bool(&truncate, t->c, json_find(t->params, "truncate"), true, e) < 0 ||
	    yarn_factor(t, e) < 0)
		return -1;
	fast = fast != 0 ? fast : 32;
	slow = slow != 0 ? slow : 1;
	if (!(fast > 0) || !(slow > 0))
		return config_bad(t->c, t->params, "beta_fast and beta_slow must be positive", e);
	low = yarn_pair(t, fast, original);
	high = yarn_pair(t, slow, original);
	if (truncate) {
		low = whole(low, false);
		high = whole(high, true);
	}
	low = low > 0 ? low : 0;
	high = high < (double)t->d - 1 ? high : (double)t->d - 1;
	if (low == high)
		high += 0.001; /* as the reference implementation keeps the ramp from dividing by zero */
	for (size_t i = 0; i < t->d / 2; i++) {
		double ramp = ((double)i - low) / (high - low);

		ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
		t->freq[i] = t->freq[i] * (1 - ramp) + t->freq[i] / t->factor * ramp;
	}
	return 0;
}

/* freq divided by the numbers of a list. */
static int divide(double *out, const struct turning *t, const char *field, struct err *e)
{
	const struct json *list, *v;

	if (json_member(&list, t->params, field, JSON_ARRAY, e) < 0)
		return err_wrap(e, "%s: ", t->c->path);
	if (list->n != t->d / 2)
		return config_bad(
			t->c, list,
			arena_fmt(t->c->mem, "has %zu numbers, where %zu are due", list->n, t->d / 2), e);
	v = list->first;
	for (size_t i = 0; i < t->d / 2; i++, v = v->next) {
		if ((v->kind != JSON_REAL && v->kind != JSON_INTEGER) || !(v->real > 0))
			return config_bad(t->c, list, "holds what is not a positive number", e);
		out[i] = t->freq[i] / v->real;
	}
	return 0;
}

/* Up to the original length the short factors rule; a longer text turns by the long ones from its first token on. */
static int turn_longrope(struct turning *t, struct err *e)
{
	double original, given;

	t->far = ARENA_ARRAY(t->c->mem, t->d / 2, double);
	if (divide(t->far, t, "long_factor", e) < 0 || divide(t->freq, t, "short_factor", e) < 0 ||
	    original_read(&original, t, e) < 0 ||
	    positive(&t->factor, t, "factor", (double)t->n_context / original, e) < 0 ||
	    number(&given, t, "attention_factor", 0, e) < 0)
		return -1;
	if (!json_is_null(json_find(t->params, "attention_factor")))
		t->on_cos_sin = given;
	else if (t->factor > 1 && original > 1)
		t->on_cos_sin = fm_sqrt_d(1 + fm_log_d(t->factor) / fm_log_d(original));
	t->far_from = (size_t)original;
	return 0;
}

static int turn_default(struct turning *t, struct err *e)
{
	(void)t;
	(void)e;
	return 0;
}

static const struct json *type_field(const struct turning *t)
{
	const struct json *v = json_find(t->params, "rope_type");

	return json_is_null(v) ? json_find(t->params, "type") : v;
}

static int type_find(int (**out)(struct turning *, struct err *), const struct turning *t, struct err *e)
{
	static const struct {
		const char *name;
		int (*turn)(struct turning *, struct err *);
	} known[] = {
		{ "default", turn_default }, { "linear", turn_linear }, { "dynamic", turn_dynamic },
		{ "llama3", turn_llama3 },   { "yarn", turn_yarn },	{ "longrope", turn_longrope },
		{ "su", turn_longrope },
	};
	const struct json *v = type_field(t);

	*out = turn_default;
	if (json_is_null(v))
		return 0;
	if (v->kind != JSON_STRING)
		return config_bad(t->c, v, "is not a string", e);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_is(v->str, known[i].name)) {
			*out = known[i].turn;
			if (*out == turn_yarn && t->c->family->yarn_is_longrope)
				*out = turn_longrope;
			return 0;
		}
	}
	return config_unsupported(t->c, v, "default, linear, dynamic, llama3, yarn and longrope are", e);
}

/* One kind of rotation, into out->rope_freq[kind]. */
static int kind_read(struct arch *out, size_t kind, const struct config *c, const struct json *params,
		     double base, struct err *e)
{
	struct turning t = {
		.c = c, .params = params, .d = out->d_rotary, .on_cos_sin = 1, .n_context = out->n_context
	};
	int (*turn)(struct turning *, struct err *);

	if (number(&t.base, &t, "rope_theta", base, e) < 0)
		return -1;
	if (!(t.base > 1))
		return err_set(e, ERR_INPUT,
			       "%s: the base of the rotary embedding (%s) is %g; it must exceed 1", c->path,
			       c->family->key[KEY_ROPE_BASE][0], t.base);
	t.freq = ARENA_ARRAY(c->mem, t.d / 2, double);
	for (size_t i = 0; i < t.d / 2; i++)
		t.freq[i] = 1 / fm_pow_d(t.base, (double)(2 * i) / (double)t.d);
	if (type_find(&turn, &t, e) < 0 || turn(&t, e) < 0)
		return -1;
	out->rope_freq[kind] = t.freq;
	out->rope_factor[kind] = t.on_cos_sin;
	if (t.far && c->family->rope_base_local > 0)
		return config_unsupported(c, type_field(&t), "not with a second rotation for sliding layers",
					  e);
	if (t.far) {
		out->rope_freq[1] = t.far;
		out->rope_factor[1] = t.on_cos_sin;
		out->rope_far = t.far_from;
	}
	if (t.limit && (!out->context_limit || t.limit < out->context_limit))
		out->context_limit = t.limit;
	return 0;
}

static int params_find(const struct json **out, const struct config *c, struct err *e)
{
	const struct json *v = config_find(c, "rope_parameters");

	if (json_is_null(v))
		v = config_find(c, "rope_scaling");
	*out = NULL;
	if (json_is_null(v))
		return c->family->rope
			       ? json_read(out, c->mem, view_of(c->family->rope), "the default rope", e)
			       : 0;
	if (v->kind != JSON_OBJECT)
		return config_bad(c, v, arena_fmt(c->mem, "is %s, not an object", json_kind_name(v->kind)),
				  e);
	*out = v;
	return 0;
}

/* How much of a head turns. */
static int rotary_read(struct arch *out, const struct config *c, const struct json *params, struct err *e)
{
	const struct json *v = json_find(params, "partial_rotary_factor");
	double part;

	if (json_is_null(v))
		v = config_key(c, KEY_ROTARY);
	if (config_real(&part, c, v, c->family->rotary, e) < 0)
		return -1;
	if (!c->family->partial_rotary && part != 1)
		return config_unsupported(c, v, "this family turns whole heads", e);
	if (!(part > 0 && part <= 1))
		return config_unsupported(c, v, "a part from 0 to 1 is", e);
	out->d_rotary = (size_t)((double)out->d_head * part);
	if (!out->d_rotary || out->d_rotary % 2)
		return err_set(e, ERR_INPUT,
			       "%s: %zu of the %zu values of a head would turn; they turn in pairs", c->path,
			       out->d_rotary, out->d_head);
	return 0;
}

int config_rope(struct arch *out, const struct config *c, struct err *e)
{
	const struct json *params, *local;
	double base, base_local;

	if (out->position != POSITION_ROPE)
		return 0;
	if (params_find(&params, c, e) < 0)
		return -1;
	/* One set for each type of layer, as transformers 5 writes them. */
	local = json_find(params, "sliding_attention");
	if (json_find(params, "full_attention"))
		params = json_find(params, "full_attention");
	if ((params && params->kind != JSON_OBJECT) || (local && local->kind != JSON_OBJECT))
		return config_bad(c, local ? local : params, "is not an object", e);
	if (local && !(c->family->rope_base_local > 0))
		return config_bad(c, local, "this family has one rotation for all layers", e);
	if (rotary_read(out, c, params, e) < 0 ||
	    config_real(&base, c, config_key(c, KEY_ROPE_BASE), c->family->rope_base, e) < 0 ||
	    config_real(&base_local, c, config_find(c, "rope_local_base_freq"), c->family->rope_base_local,
			e) < 0)
		return -1;
	if (kind_read(out, 0, c, params, base, e) < 0)
		return -1;
	return c->family->rope_base_local > 0 ? kind_read(out, 1, c, local, base_local, e) : 0;
}
