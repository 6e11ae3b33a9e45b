#include "flow/forecast.h"

#include "flow/harvest.h"
#include "flow/trials.h"

#include <string.h>

enum {
	FEED_ROWS = 1024,
	FEED_SEQS = 64,
	CACHE_BUDGET = 512 << 20, /* bytes of key-value cache that decide how many texts share a feed */
};

void key_model(struct json_out *key, const struct plan *p, const char *role)
{
	json_open(key, role, '[');
	for (size_t i = 0; i < p->n_inputs; i++) {
		char hex[65];

		if (strcmp(p->input[i].role, role) != 0)
			continue;
		digest_hex(hex, p->input[i].digest);
		json_open(key, NULL, '[');
		json_puts(key, NULL, p->input[i].name);
		json_puts(key, NULL, hex);
		json_close(key, ']');
	}
	json_close(key, ']');
}

void key_source(struct json_out *key, const struct plan *p, size_t source)
{
	const struct spec_source *s = &p->spec->corpus.source[source];

	json_open(key, NULL, '{');
	json_put_size(key, "kind", (uint64_t)s->kind);
	if (s->n_files > 1)
		json_open(key, "sha256", '[');
	for (size_t i = 0; i < p->n_inputs; i++) {
		if (p->input[i].source == s)
			json_put_digest(key, s->n_files > 1 ? NULL : "sha256", p->input[i].digest);
	}
	if (s->n_files > 1)
		json_close(key, ']');
	json_puts(key, "field", s->field);
	json_put_size(key, "form", (uint64_t)s->form);
	json_puts(key, "separator", s->separator);
	json_put_bool(key, "replace", s->replace);
	json_put_size(key, "limit", s->limit);
	json_put_size(key, "max_tokens", s->max_tokens);
	json_put_real(key, "temperature", s->temperature);
	json_put_real(key, "top_p", s->top_p);
	json_put_bool(key, "chat", s->chat);
	json_close(key, '}');
}

double forecast_token(const struct arch *a, size_t n_blocks)
{
	double d = (double)a->d_model, heads = (double)a->n_heads * (double)a->d_head,
	       kv = (double)a->n_kv_heads * (double)a->d_head;
	double experts = a->n_experts > 0 ? (double)a->n_experts_used : 1;
	double block = 2 * (d * (heads + 2 * kv) + heads * d +
			    3 * experts * d * (double)(a->n_experts > 0 ? a->d_expert : a->d_ffn));
	double blocks = (double)(n_blocks < a->n_layers ? n_blocks : a->n_layers);

	return blocks * block + (n_blocks > a->n_layers ? 2 * d * (double)a->n_vocab : 0);
}

uint64_t forecast_weights(const struct plan *p, enum side side)
{
	const struct arch *a = side_arch(p, side);
	uint64_t stored = 0;
	double bytes = 0;

	for (size_t i = 0; i < p->n_inputs; i++)
		if (strcmp(p->input[i].role, side_name[side]) == 0 &&
		    view_ends(view_of(p->input[i].name), ".safetensors"))
			stored += p->input[i].bytes;
	for (size_t r = 0; r < ROLE_COUNT && stored == 0; r++)
		bytes += (double)arch_values(a, (enum role)r) *
			 (a->mxfp4 && r >= ROLE_EXPERT_GATE && r <= ROLE_EXPERT_GATE_UP ? 17.0 / 32 : 2);
	return stored > 0 ? stored : (uint64_t)bytes;
}

uint64_t forecast_unembedding(const struct plan *p, enum side side)
{
	const struct arch *a = side_arch(p, side);
	uint64_t stored = forecast_weights(p, side), values = 0, table = (uint64_t)a->n_vocab * a->d_model;

	for (size_t r = 0; r < ROLE_COUNT; r++)
		values += arch_values(a, (enum role)r);
	/* MXFP4 experts pull the average below 2, which no unembedding is stored in. */
	return table * (stored > 2 * values + values / 2 ? sizeof(float) : 2);
}

struct session_opts forecast_session(const struct arch *a, size_t context)
{
	size_t kv = 2 * a->n_layers * a->n_kv_heads * a->d_head * sizeof(float) * context;
	size_t seqs = CACHE_BUDGET / (kv > 0 ? kv : 1);

	seqs = seqs < 1 ? 1 : seqs > FEED_SEQS ? FEED_SEQS : seqs;
	return (struct session_opts){ .max_seqs = seqs,
				      .max_context = context,
				      .max_rows = context > FEED_ROWS ? context : FEED_ROWS };
}

struct dfc_shape forecast_dictionary(const struct plan *p)
{
	size_t latents = p->spec->dictionary.latents;
	size_t exclusive = (size_t)((double)latents * p->spec->dictionary.exclusive + 0.5);

	return (struct dfc_shape){ .d_a = p->base->d_model,
				   .d_b = p->candidate->d_model,
				   .n_a = exclusive,
				   .n_shared = latents - 2 * exclusive,
				   .n_b = exclusive };
}

double forecast_training(const struct plan *p)
{
	struct dfc_shape s = forecast_dictionary(p);
	double encode = 2.0 * ((double)s.d_a * (double)(s.n_a + s.n_shared) +
			       (double)s.d_b * (double)(s.n_shared + s.n_b));

	return 2 * encode * (double)p->spec->train.batch * (double)p->spec->train.steps;
}

double forecast_steering(const struct plan *p)
{
	const struct spec *s = p->spec;
	double held_out = (double)p->corpus.prompts * s->corpus.held_out, most = (double)s->steer.prompts;
	double off = held_out < most ? held_out : most, on = held_out / 10 < most ? held_out / 10 : most;
	double doses = (double)s->steer.n_doses, controls = (double)s->steer.controls;

	/*
	 * At every dose the finding's own direction and random ones; at those of a kind's side, about half, the other null that gates,
	 * two that are shown, and before them a few random directions and groups for each way of weighting; latents alone at two doses.
	 */
	return 2 * (on + off) *
	       (doses * (1 + 1.5 * controls + 0.5 * (2 + NULL_GATES * WAY_COUNT) * FEW_CONTROLS) +
		2 * GROUP_POOL);
}

/* Bytes of a row of both sides as the store has them, and how many of them a buffer holds. */
static double pair_bytes(const struct plan *p)
{
	return (double)((p->base->d_model + p->candidate->d_model) * (p->spec->harvest.f32 ? 4 : 2));
}

static double buffer_rows(const struct plan *p)
{
	double room = p->spec->harvest.buffer * 1024 * 1024 * 1024 / pair_bytes(p);

	return room < p->corpus.pairs ? room : p->corpus.pairs;
}

/* Rows in any order are in documents everywhere, so that a buffer of them is a reading of the whole corpus. */
double forecast_readings(const struct plan *p, double rows, bool scattered)
{
	double room = buffer_rows(p);

	return scattered && room < p->corpus.pairs && rows > room ? rows / room : 1;
}

void forecast_rows(struct needs *out, const struct plan *p, const struct step *step, double rows,
		   bool scattered)
{
	out->memory += FORECAST_BASE + (uint64_t)(p->corpus.pairs * 8);
	out->mapped += (uint64_t)(p->corpus.tokens * 18 + p->corpus.pairs * sizeof(struct pair_record));
	if (!p->spec->harvest.no_store) {
		out->mapped += (uint64_t)(p->corpus.pairs * (pair_bytes(p) + 8));
		return;
	}
	for (size_t side = 0; side < SIDE_COUNT; side++) {
		out->memory += harvester_bytes(p, (enum side)side);
		out->work += forecast_readings(p, rows, scattered) * p->corpus.tokens *
			     forecast_token(side_arch(p, (enum side)side),
					    side_layer(p, (enum side)side, step->depth) + 1);
	}
	out->memory += (uint64_t)(buffer_rows(p) * pair_bytes(p));
}

void forecast_corpus(struct corpus_forecast *out, const struct plan *p)
{
	*out = p->corpus;
}
