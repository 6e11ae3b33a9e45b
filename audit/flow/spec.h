#ifndef FLOW_SPEC_H
#define FLOW_SPEC_H

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "dict/train.h"
#include "flow/checks.h"
#include "flow/gate.h"
#include "flow/hide.h"
#include "flow/spec_parts.h"

#include <stddef.h>
#include <stdint.h>

/* An audit as asked for.  The spec owns nothing but the questions: each module's options live in that module's header,
 * and spec_table.c says what they are called in YAML, with bounds, default and help. */

struct spec {
	const char *path; /* of the spec file, as given */
	const char *dir;  /* its folder */
	struct view text; /* its bytes */
	size_t version;	  /* audit: 1 */
	const char *name, *title, *auditor;
	uint64_t seed;
	struct spec_model base, candidate;
	struct {
		struct spec_source *source;
		size_t n_sources;
		size_t context;	 /* tokens a document is cut to, per model */
		double held_out; /* share of documents, by hash */
		enum pairing pairing;
		const char *date; /* for chat templates that ask for it: YYYY-MM-DD */
		size_t pairs; /* declared: what plan reckons with where it cannot look; 0: nothing declared */
	} corpus;
	struct {
		const char *path[2], *file[2]; /* as written; resolved. NULL: harvested here */
	} activations;
	struct {
		bool gap;      /* measure the prediction gap: costs the blocks above the layer */
		bool f32;      /* dtype: f32 rather than bf16 */
		bool no_store; /* store: none: the models make rows whenever they are read */
		double buffer; /* GiB of rows kept then */
		size_t rows_per_shard;
	} harvest;
	struct {
		size_t latents;
		double exclusive; /* share that is base-only; as many are candidate-only */
		uint64_t *seed;
		size_t n_seeds;
	} dictionary;
	struct check_opts checks;
	struct train_opts train; /* k, score, ...; seed comes from dictionary.seeds */
	struct {
		size_t contexts;       /* top contexts kept a latent */
		size_t context_tokens; /* shown on either side */
		size_t permutations;
		double inert_below; /* |relevance| in nats under which a latent is inert */
		size_t tokens;	    /* promoted and suppressed tokens listed */
		size_t cards;	    /* latents with a card */
		size_t samples;	    /* contexts at quantiles of the activation */
		size_t near;	    /* near misses */
		double twin;	/* correlation from which a base-only and a candidate-only latent are twins */
		double match;	/* similarity from which two seeds' latents are one (study/match.h) */
		double stable;	/* share of the seeds that must have found a latent */
		bool null_diff; /* a dictionary more, of the base against itself */
	} study;
	struct {
		bool enabled;
		size_t findings;      /* groups tested */
		size_t group;	      /* latents in a group, at most */
		double alike;	      /* least mean similarity of the prompts of one group */
		double answers_alike; /* of two answers, from which they alone say how alike the prompts are */
		size_t prompts;	      /* held-out ON, and OFF, prompts, at most */
		size_t answer_tokens; /* of both greedy answers that the contrast score reads */
		size_t controls;      /* random directions */
		double screen; /* share of random directions that may do as well on the prompts that made a finding */
		size_t random_groups; /* tested as if they were findings: the known-zero check */
		int inject;	      /* enum inject */
		int mode;	      /* 0: groups; 1: the leading latent of each alone, as the paper does */
		double *dose;
		size_t n_doses;
		double on_above;  /* |gap of the answers| in nats that makes a prompt ON */
		double on_mean;	  /* and that of one of them in nats a pair (flow/prompts.h) */
		double off_below; /* ... under which it is OFF */
		double off_share; /* of the prompts that are OFF at least: those answered least differently */
		double alpha;	  /* level of the tests */
		double coherence; /* a dose below this share of baseline coherence does not count */
		size_t generations; /* greedy examples shown a dose */
		size_t max_tokens;  /* of each */
	} steer;
	struct spec_behaviour *behaviour;
	size_t n_behaviours;
	struct {
		double memory, disk, time; /* GiB, GiB, hours */
	} limits;
	struct gate_opts gate;
	struct {
		const char *template_path, *template_file; /* as written; resolved. NULL: the installed one */
		struct hide_opts hide;
	} report;
	struct {
		const char *backend; /* a gemm_backend() asked for; "auto": whatever this program does */
	} numerics;
	struct digest digest; /* of the bytes as written */
};

/* Everything wrong with it is in `p`, sorted; 0 where there is nothing, else -1. Paths are checked to exist.
 * `out->text` is set whenever the file could be read. */
int spec_read(struct spec *out, struct arena *mem, const char *path, struct problems *p);
/* The same for a text that is not in a file; paths are resolved against the folder of `path`. */
int spec_parse(struct spec *out, struct arena *mem, struct view text, const char *path, struct problems *p);
/* The same, but what is named and not there is no problem, except a model's config.json: a plan lists it. */
int spec_read_ahead(struct spec *out, struct arena *mem, const char *path, struct problems *p);
/* The block to harvest of a model with n_layers of them: the one asked for, or the middle one, (n - 1) / 2.
 * ERR_SPEC where the model has no such block. */
int spec_layer(size_t *out, const struct spec_model *m, int64_t layer, size_t n_layers, struct err *e);
void spec_help(FILE *f);
/* A section's table: field_find(spec_fields, "train")->inner. */
extern const struct field spec_fields[];

#endif
