#include "model/arch_config.h"

/*
 * What differs from layer to layer: the attention window, the rope kind that goes with it, and whether the
 * feed-forward part is a mixture of experts.
 */

/* The window of the layers that have one; 0 where none does. */
static int window_read(uint32_t *out, const struct config *c, struct err *e)
{
	const struct json *v = config_find(c, "sliding_window");
	bool asked = c->family->windows == WINDOWS_ALL_IF_USED || c->family->windows == WINDOWS_UPPER_IF_USED;
	bool use;
	size_t w;

	*out = 0;
	if (config_bool(&use, c, asked ? config_find(c, "use_sliding_window") : NULL, !asked, e) < 0)
		return -1;
	/* null says none; absent says the default. */
	if (config_size(&w, c, v, v ? 0 : c->family->window, e) < 0)
		return -1;
	if (use && c->family->windows != WINDOWS_NONE)
		*out = (uint32_t)w;
	return 0;
}

/* By "layer_types": 1 where the layer slides. */
static int types_read(uint8_t *slides, const struct arch *a, const struct config *c, const struct json *types,
		      uint32_t window, struct err *e)
{
	const struct json *v = types->first;

	if (types->kind != JSON_ARRAY || types->n != a->n_layers)
		return config_bad(c, types,
				  arena_fmt(c->mem, "is not a list of %zu, one for each layer", a->n_layers),
				  e);
	for (size_t l = 0; l < a->n_layers; l++, v = v->next) {
		if (v->kind != JSON_STRING)
			return config_bad(c, types, "holds what is not a string", e);
		if (!view_is(v->str, "full_attention") && !view_is(v->str, "sliding_attention"))
			return config_bad(
				c, types,
				arena_fmt(
					c->mem,
					"layer %zu has \"%.*s\"; full_attention and sliding_attention are supported",
					l, (int)(v->str.n < 60 ? v->str.n : 60), v->str.p),
				e);
		slides[l] = view_is(v->str, "sliding_attention");
		if (slides[l] && !window)
			return config_bad(c, types,
					  arena_fmt(c->mem,
						    "layer %zu slides, but the configuration gives no window",
						    l),
					  e);
	}
	return 0;
}

/* By the family's rule, where there are no layer_types. */
static int rule_read(uint8_t *slides, const struct arch *a, const struct config *c, struct err *e)
{
	const struct json *pattern = config_find(c, "sliding_window_pattern");
	size_t from = 0, period = c->family->period;

	if (c->family->windows == WINDOWS_UPPER_IF_USED) {
		const struct json *v = config_find(c, "max_window_layers");

		/* 0 is a layer like any other here. */
		if (v && v->kind == JSON_INTEGER && v->integer == 0)
			from = 0;
		else if (config_size(&from, c, v, c->family->window_from, e) < 0)
			return -1;
	}
	if (c->family->windows == WINDOWS_PERIODIC) {
		if (!pattern)
			pattern = config_find(c, "_sliding_window_pattern");
		if (config_size(&period, c, pattern, period, e) < 0)
			return -1;
	}
	for (size_t l = 0; l < a->n_layers; l++)
		slides[l] = l >= from && (!period || (l + 1) % period);
	return 0;
}

static int windows_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct json *types = config_find(c, "layer_types");
	uint8_t *slides = ARENA_ARRAY(c->mem, a->n_layers, uint8_t);
	uint32_t *window = ARENA_ARRAY(c->mem, a->n_layers, uint32_t);
	uint32_t w;

	if (window_read(&w, c, e) < 0)
		return -1;
	if (json_is_null(types) ? rule_read(slides, a, c, e) < 0 : types_read(slides, a, c, types, w, e) < 0)
		return -1;
	for (size_t l = 0; l < a->n_layers; l++)
		window[l] = slides[l] ? w : 0;
	a->window = window;
	/* The layers that slide turn by the local base, whether or not they have a window. */
	a->rope_kind = c->family->rope_base_local > 0 ? slides : ARENA_ARRAY(c->mem, a->n_layers, uint8_t);
	return 0;
}

static int sparse_read(struct arch *a, const struct config *c, struct err *e)
{
	const struct json *dense = config_find(c, "mlp_only_layers"),
			  *step = config_find(c, "decoder_sparse_step");
	uint8_t *sparse = ARENA_ARRAY(c->mem, a->n_layers, uint8_t);
	size_t every = 1;

	a->sparse = sparse;
	if (a->experts == EXPERTS_NONE)
		return 0;
	/* Only a family that has both kinds of tensors can have both kinds of layers. */
	if (a->name[ROLE_UP] && config_size(&every, c, step, 1, e) < 0)
		return -1;
	for (size_t l = 0; l < a->n_layers; l++)
		sparse[l] = (l + 1) % every == 0;
	if (!a->name[ROLE_UP] || json_is_null(dense))
		return 0;
	if (dense->kind != JSON_ARRAY)
		return config_bad(c, dense, "is not a list of layers", e);
	for (const struct json *v = dense->first; v; v = v->next) {
		if (v->kind != JSON_INTEGER || v->integer < 0 || (uint64_t)v->integer >= a->n_layers)
			return config_bad(c, dense, "holds what is not a layer", e);
		sparse[v->integer] = 0;
	}
	return 0;
}

int config_layers(struct arch *out, const struct config *c, struct err *e)
{
	return windows_read(out, c, e) < 0 ? -1 : sparse_read(out, c, e);
}
