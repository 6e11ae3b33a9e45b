#include "flow/rollouts.h"

#include "base/json.h"
#include "base/map.h"

#include <string.h>

enum { WAVE_LIMIT = 64 << 20 }; /* bytes of one wave's file */

const char *rollouts_file(struct arena *mem, enum side side, size_t wave)
{
	return arena_fmt(mem, "%s-%05zu.jsonl", side_name[side], wave);
}

int rollouts_prompts(struct rollout **out, size_t *n, struct arena *mem, const struct spec *s, struct err *e)
{
	struct rollout *all = NULL;
	size_t total = 0;

	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		const struct spec_source *src = &s->corpus.source[i];
		struct rollout *grown;
		struct item *item;
		size_t n_items;

		if (src->kind != SOURCE_ROLLOUTS)
			continue;
		if (source_read(&item, &n_items, mem, s, i, e) < 0)
			return -1;
		grown = ARENA_ARRAY(mem, total + n_items, struct rollout);
		if (total > 0)
			memcpy(grown, all, total * sizeof(*all));
		for (size_t k = 0; k < n_items; k++)
			grown[total + k] = (struct rollout){ .prompt = item[k], .chat = src->chat };
		all = grown;
		total += n_items;
	}
	*out = all;
	*n = total;
	return 0;
}

static int answer_read(struct answer *out, struct arena *mem, const struct json *root, struct err *e)
{
	const struct json *ids;
	size_t i = 0;

	if (json_member(&ids, root, "ids", JSON_ARRAY, e) < 0 || json_str(&out->text, root, "text", e) < 0)
		return -1;
	out->id = ARENA_ARRAY(mem, ids->n + 1, int32_t);
	out->n = ids->n;
	for (const struct json *it = ids->first; it != NULL; it = it->next) {
		if (it->kind != JSON_INTEGER || it->integer < 0 || it->integer > INT32_MAX)
			return err_at(e, ERR_INPUT, json_pos(it), "ids: %s is not a token id",
				      json_kind_name(it->kind));
		out->id[i++] = (int32_t)it->integer;
	}
	return 0;
}

static int wave_read(struct rollout *r, size_t n, size_t first, enum side side, struct arena *mem,
		     const struct artifact *a, struct err *e)
{
	const char *name = rollouts_file(mem, side, first / ROLLOUT_WAVE);
	struct view text;
	size_t at = 0;

	if (artifact_check(a, name, e) < 0 ||
	    file_read(&text, mem, artifact_path(mem, a, name), WAVE_LIMIT, e) < 0)
		return -1;
	for (size_t i = first; i < n && i < first + ROLLOUT_WAVE; i++) {
		const char *end = at < text.n ? memchr(text.p + at, '\n', text.n - at) : NULL;
		const struct json *root;

		if (end == NULL)
			return err_set(e, ERR_INPUT, "%s: ends before prompt %zu", name, i);
		if (json_read(&root, mem, (struct view){ text.p + at, (size_t)(end - text.p) - at }, name,
			      e) < 0 ||
		    answer_read(&r[i].answer[side], mem, root, e) < 0)
			return err_wrap(e, "prompt %zu: ", i);
		at = (size_t)(end - text.p) + 1;
	}
	return 0;
}

int rollouts_read(struct rollout **out, size_t *n, struct arena *mem, const struct spec *s,
		  const struct artifact *a, struct err *e)
{
	if (rollouts_prompts(out, n, mem, s, e) < 0)
		return -1;
	for (size_t first = 0; first < *n; first += ROLLOUT_WAVE) {
		for (size_t side = 0; side < SIDE_COUNT; side++) {
			if (wave_read(*out, *n, first, (enum side)side, mem, a, e) < 0)
				return -1;
		}
	}
	return 0;
}
