#include "flow/spec.h"

/*
 * What a spec may say.  Every field has bounds, a default and a line of help;
 * parsing, canonical form, keys and `help spec` all come from here.  Bounds are
 * where a value stops making sense, not where it stops being wise.
 */

#define AT(type, member) .offset = offsetof(type, member)
/* A member of a section of struct spec, counted from the section's start. */
#define IN(section, member) .offset = offsetof(struct spec, section.member) - offsetof(struct spec, section)
#define WORDS(...)                     \
	.words = (const char *const[]) \
	{                              \
		__VA_ARGS__, NULL      \
	}
#define REQUIRED NULL
#define TEXT_HI 400
#define PATH_HI 4000
#define SEED_HI 9007199254740991.0 /* what every reader of JSON takes exactly */

#define ROW(n, k, where, l, h, d, text)                                                    \
	{                                                                                  \
		.name = n, .kind = k, where, .lo = l, .hi = h, .fallback = d, .help = text \
	}
#define SIZE(n, where, l, h, d, text) ROW(n, FIELD_SIZE, where, l, h, d, text)
#define U64(n, where, l, h, d, text) ROW(n, FIELD_U64, where, l, h, d, text)
#define REAL(n, where, l, h, d, text) ROW(n, FIELD_REAL, where, l, h, d, text)
#define TEXT(n, where, l, h, d, text) ROW(n, FIELD_TEXT, where, l, h, d, text)
#define PATH(n, where, l, h, d, text) ROW(n, FIELD_PATH, where, l, h, d, text)
#define BOOL(n, where, d, text)                                                   \
	{                                                                         \
		.name = n, .kind = FIELD_BOOL, where, .fallback = d, .help = text \
	}
#define WORD(n, where, names, d, text)                                                   \
	{                                                                                \
		.name = n, .kind = FIELD_WORD, where, names, .fallback = d, .help = text \
	}
#define SECTION(n, section, table, d, text)                                                                \
	{                                                                                                  \
		.name = n, .kind = FIELD_STRUCT, .offset = offsetof(struct spec, section), .inner = table, \
		.fallback = d, .help = text                                                                \
	}
/* A list of numbers in a section. */
#define LIST(n, section, list, count, l, h, table, d, text)                                         \
	{                                                                                           \
		.name = n, .kind = FIELD_LIST, IN(section, list), .lo = l, .hi = h, .inner = table, \
		.fallback = d, .help = text,                                                        \
		.n_offset = offsetof(struct spec, section.count) - offsetof(struct spec, section),  \
		.stride = sizeof(*((struct spec *)0)->section.list)                                 \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct field layer_row[] = {
	{ .name = "", .kind = FIELD_INT, .lo = 0, .hi = 1000 },
	END,
};

static const struct field model_fields[] = {
	TEXT("name", AT(struct spec_model, name), 1, 80, "",
	     "what the report calls it; left out: the folder's name"),
	PATH("path", AT(struct spec_model, path), 1, PATH_HI, REQUIRED,
	     "a Hugging Face folder: config.json, model.safetensors (or its shards), tokenizer.json"),
	{ .name = "layer",
	  .kind = FIELD_INT,
	  AT(struct spec_model, layer),
	  .lo = 0,
	  .hi = 1000,
	  WORDS("middle"),
	  .fallback = "middle",
	  .help = "the block, counted from 0, whose output is compared; middle: block n / 2 of n" },
	{ .name = "more_layers",
	  .kind = FIELD_LIST,
	  AT(struct spec_model, more),
	  .n_offset = offsetof(struct spec_model, n_more),
	  .stride = sizeof(int64_t),
	  .lo = 0,
	  .hi = 63,
	  .inner = layer_row,
	  .fallback = "[]",
	  .help = "further blocks, as many of both models: the first of one is compared with the first of the other, and so on, each "
		  "in an audit of its own in the same report" },
	END,
};

static const struct field models_fields[] = {
	{ .name = "base",
	  .kind = FIELD_STRUCT,
	  AT(struct spec, base),
	  .inner = model_fields,
	  .at_offset = offsetof(struct spec_model, at) + 1,
	  .help = "the trusted reference, model A" },
	{ .name = "candidate",
	  .kind = FIELD_STRUCT,
	  AT(struct spec, candidate),
	  .inner = model_fields,
	  .at_offset = offsetof(struct spec_model, at) + 1,
	  .help = "the release under audit, model B" },
	END,
};

static const struct field source_fields[] = {
	WORD("kind", AT(struct spec_source, kind), WORDS("documents", "chats", "rollouts"), REQUIRED,
	     "documents: texts read as they are; chats: messages through each model's chat template; "
	     "rollouts: prompts that both models answer, after which both read both answers"),
	PATH("path", AT(struct spec_source, path), 1, PATH_HI, REQUIRED,
	     "a file; a folder, whose files are read in the order of their names; or a pattern of * and ? for names in a "
	     "folder, as texts/*.jsonl; each read through where gzip or zstd packed it"),
	WORD("format", AT(struct spec_source, form), WORDS("auto", "jsonl", "lines", "file", "separated"),
	     "auto",
	     "jsonl: JSON Lines; lines: a document or prompt a line; file: the file is one document; separated: "
	     "documents with a line `separator` between; auto: jsonl where the name ends in .jsonl, .ndjson or .json (and "
	     ".gz or .zst), else lines"),
	TEXT("separator", AT(struct spec_source, separator), 1, 200, "",
	     "the line between two documents where format is separated"),
	TEXT("field", AT(struct spec_source, field), 1, 80, "",
	     "the JSON member to read; left out: text for documents, prompt for rollouts, messages (or conversations, or "
	     "conversation) for chats"),
	{ .name = "invalid",
	  .kind = FIELD_BOOL,
	  AT(struct spec_source, replace),
	  WORDS("refuse", "replace"),
	  .fallback = "refuse",
	  .help = "bytes that are not UTF-8: refused with their line, or each replaced by U+FFFD" },
	TEXT("licence", AT(struct spec_source, licence), 1, TEXT_HI, "",
	     "printed in the report beside the source"),
	REAL("share", AT(struct spec_source, share), 0, 1, "0",
	     "of the corpus's pairs: documents, drawn by the seed, are left out of the other sources until it is reached; "
	     "shares are given to all sources or none and add up to 1; 0: the source is read whole"),
	SIZE("limit", AT(struct spec_source, limit), 0, 1e12, "0",
	     "documents taken, drawn by the seed; 0: all"),
	SIZE("max_tokens", AT(struct spec_source, max_tokens), 1, 32768, "48",
	     "tokens of a rollout's answer, at most"),
	REAL("temperature", AT(struct spec_source, temperature), 0, 100, "0",
	     "of a rollout's sampling, drawn by the seed; 0: greedy"),
	REAL("top_p", AT(struct spec_source, top_p), 0.001, 1, "1",
	     "sampling draws among the most probable tokens that have this probability together"),
	BOOL("chat", AT(struct spec_source, chat), "true",
	     "rollouts: a prompt is a user's message for the chat template; false: plain text to go on "
	     "from"),
	END,
};

static const struct field corpus_fields[] = {
	{ .name = "sources",
	  .kind = FIELD_LIST,
	  IN(corpus, source),
	  .lo = 1,
	  .hi = SOURCES_MOST,
	  .inner = source_fields,
	  .n_offset = offsetof(struct spec, corpus.n_sources) - offsetof(struct spec, corpus),
	  .stride = sizeof(struct spec_source),
	  .at_offset = offsetof(struct spec_source, at) + 1,
	  .help = "where the text comes from" },
	SIZE("context", IN(corpus, context), 8, 131072, "512",
	     "tokens of a document that are read, in either model; what is longer is cut"),
	REAL("held_out", IN(corpus, held_out), 0.01, 0.9, "0.2",
	     "share of the documents, chosen by hash, kept out of training: every frequency, statistic "
	     "and test is computed on them"),
	WORD("pairing", IN(corpus, pairing), WORDS("offsets", "greedy"), "offsets",
	     "offsets: tokens whose last bytes coincide; greedy: Algorithm 1 of arXiv 2602.11729, for "
	     "comparison"),
	SIZE("pairs", IN(corpus, pairs), 0, 4294967295.0, "0",
	     "pairs the corpus is declared to give: what plan reckons with where the corpus or a tokenizer is not there "
	     "yet; 0: not declared"),
	TEXT("date", IN(corpus, date), 10, 10, "",
	     "YYYY-MM-DD, told to chat templates that ask for today; left out: such a template is "
	     "refused"),
	END,
};

static const struct field harvest_fields[] = {
	BOOL("gap", IN(harvest, gap), "true",
	     "measure how far the two models' predictions differ at every pair; ranks the findings, "
	     "costs the blocks above the layer"),
	{ .name = "dtype",
	  .kind = FIELD_BOOL,
	  IN(harvest, f32),
	  WORDS("bf16", "f32"),
	  .fallback = "bf16",
	  .help = "how activations are stored" },
	{ .name = "store",
	  .kind = FIELD_BOOL,
	  IN(harvest, no_store),
	  WORDS("disk", "none"),
	  .fallback = "disk",
	  .help = "disk: activations are kept in the cache; none: both models read the corpus again for every buffer of "
		  "rows that training takes, to the same bits" },
	REAL("buffer", IN(harvest, buffer), 0.001, 1e5, "1",
	     "GiB of rows held in memory where store is none"),
	SIZE("rows_per_shard", IN(harvest, rows_per_shard), 64, 4194304, "16384",
	     "pairs in one file of the store; what an interruption can lose"),
	END,
};

static const struct field checks_fields[] = {
	REAL("special", AT(struct check_opts, special), 0, 1, "0",
	     "share of the documents with a special token written in their text above which the report warns"),
	REAL("unknown", AT(struct check_opts, unknown), 0, 1, "0.01",
	     "share of the tokens that stand for what the vocabulary does not have above which the report warns"),
	REAL("outlier_norm", AT(struct check_opts, outlier_norm), 1, 1e9, "10",
	     "a position whose norm exceeds this times the median is an outlier"),
	REAL("outlier_share", AT(struct check_opts, outlier_share), 0, 1, "0.001",
	     "share of outliers above which the report warns"),
	END,
};

static const struct field activations_fields[] = {
	PATH("base", IN(activations, path[0]), 1, PATH_HI, "",
	     "safetensors with the base's residual stream, harvested elsewhere; docs/formats.md says its tensors"),
	PATH("candidate", IN(activations, path[1]), 1, PATH_HI, "",
	     "the candidate's, of the same pairs in the same order"),
	END,
};

static const struct field seed_row[] = {
	{ .name = "", .kind = FIELD_U64, .lo = 0, .hi = SEED_HI },
	END,
};

static const struct field dictionary_fields[] = {
	SIZE("latents", IN(dictionary, latents), 8, 4194304, "1024",
	     "size of the dictionary, all partitions together"),
	REAL("exclusive", IN(dictionary, exclusive), 0, 0.49, "0.05",
	     "share of the latents that only the base model has, and as many again that only the "
	     "candidate has; 0: a standard crosscoder"),
	LIST("seeds", dictionary, seed, n_seeds, 1, 16, seed_row, "[1]",
	     "one dictionary is trained a seed; findings come from the first, the others tell how stable "
	     "they are"),
	END,
};

static const struct field train_fields[] = {
	SIZE("steps", AT(struct train_opts, steps), 1, 1e9, "4000", "batches trained on"),
	SIZE("batch", AT(struct train_opts, batch), 8, 1048576, "512", "pairs a batch"),
	REAL("lr", AT(struct train_opts, lr), 1e-9, 1, "1e-3", "Adam's learning rate after the warm-up"),
	SIZE("warmup", AT(struct train_opts, warmup), 0, 1e9, "200",
	     "steps over which the learning rate rises from 0"),
	SIZE("k", AT(struct train_opts, k), 1, 65536, "16",
	     "latents kept a pair, on the average of a batch (BatchTopK)"),
	SIZE("k_start", AT(struct train_opts, k_start), 1, 65536, "64", "k at the first step"),
	SIZE("k_anneal", AT(struct train_opts, k_anneal), 0, 1e9, "800",
	     "steps over which k falls from k_start to k"),
	WORD("score", AT(struct train_opts, score), WORDS("balanced", "paper", "length"), "length",
	     "what BatchTopK compares. length: activation times the root of the sum of squared decoder norms, how much a "
	     "latent adds to both models' rows together; paper: times the sum of decoder norms; balanced: twice that for "
	     "exclusive latents, which have one decoder where shared ones have two"),
	REAL("enrich", AT(struct train_opts, enrich), 0, 0.95, "0.5",
	     "share of a batch drawn from documents in proportion to how far the models' predictions "
	     "differ there; 0: none, as in the paper"),
	REAL("enrich_turns", AT(struct train_opts, enrich_turns), 0, 0.95, "0.2",
	     "share of what enrich draws that is turn boundaries, where an answer is decided, of all prompts alike"),
	REAL("enrich_above", AT(struct train_opts, enrich_above), 0, 1e6, "2",
	     "nats of prediction gap at a pair from which it counts towards its document's share of that"),
	REAL("seeded", AT(struct train_opts, seeded), 0, 1, "0.5",
	     "share of the exclusive latents that start in the direction of a pair where the models' predictions part, "
	     "instead of a random one; 0: none, as in the paper"),
	REAL("promote", AT(struct train_opts, promote), 0, 1, "0.8",
	     "a shared latent with this share of its decoder norms in one model changes places with a dead latent of "
	     "that model alone; 0: none, as in the paper"),
	REAL("demote", AT(struct train_opts, demote), 0, 1, "0.3",
	     "an exclusive latent whose best decoder row in the other model would have this share of the two norms changes "
	     "places with a shared latent; 0: none, as in the paper"),
	REAL("reseed", AT(struct train_opts, reseed), 0, 1, "0.8",
	     "for this share of the steps, dead exclusive latents start anew from what is left unexplained in their model "
	     "and not in the other; 0: none, as in the paper"),
	REAL("fold", AT(struct train_opts, fold), 0, 1, "0.5",
	     "a latent on at 30 % of the pairs or more whose activation is a sum of other latents', so that they say this "
	     "share of its variance, is folded into their decoder rows; 0: none, as in the paper"),
	SIZE("exchange_every", AT(struct train_opts, exchange_every), 1, 1e9, "150",
	     "steps between two such exchanges"),
	REAL("aux_weight", AT(struct train_opts, aux_weight), 0, 10, "0.03",
	     "weight of AuxK, the loss that revives dead latents"),
	SIZE("aux_k", AT(struct train_opts, aux_k), 0, 65536, "0",
	     "dead latents AuxK takes; 0: half the mean of the two widths"),
	SIZE("dead_after", AT(struct train_opts, dead_after), 1, 1e12, "200000",
	     "pairs without activation that make a latent dead"),
	REAL("outlier", AT(struct train_opts, outlier), 1, 1e9, "2",
	     "a pair is left out of the loss when either side's norm exceeds this times the batch's "
	     "median"),
	REAL("threshold_decay", AT(struct train_opts, threshold_decay), 0, 0.999999, "0.999",
	     "decay of the running mean of the smallest kept score, the threshold at inference"),
	SIZE("threshold_from", AT(struct train_opts, threshold_from), 0, 1e9, "1000",
	     "the step from which that mean is kept"),
	REAL("init_norm", AT(struct train_opts, init_norm), 1e-6, 1e3, "0.4",
	     "norm of a decoder row at the start, in each model"),
	REAL("beta1", AT(struct train_opts, beta1), 0, 0.999999, "0.9", "Adam's decay of the first moment"),
	REAL("beta2", AT(struct train_opts, beta2), 0, 0.999999, "0.999",
	     "Adam's decay of the second moment"),
	REAL("adam_eps", AT(struct train_opts, adam_eps), 1e-16, 1, "1e-8", "Adam's epsilon"),
	WORD("state", AT(struct train_opts, state), WORDS("f32", "bf16"), "f32",
	     "Adam's moments: as floats, or rounded to bf16 at random (seeded), which is 12 bytes a parameter "
	     "instead of 16"),
	REAL("grad_clip", AT(struct train_opts, grad_clip), 1e-9, 1e9, "1",
	     "the gradient's norm is cut to this"),
	SIZE("log_every", AT(struct train_opts, log_every), 1, 1e9, "50",
	     "steps between two points of the training curves"),
	SIZE("checkpoint_every", AT(struct train_opts, checkpoint_every), 1, 1e9, "500",
	     "steps between two checkpoints; what an interruption can lose"),
	SIZE("checkpoint_keep", AT(struct train_opts, checkpoint_keep), 1, 1000, "2",
	     "checkpoints kept while training"),
	END,
};

static const struct field study_fields[] = {
	SIZE("contexts", IN(study, contexts), 1, 1000, "8", "top contexts kept a latent"),
	SIZE("context_tokens", IN(study, context_tokens), 0, 512, "16",
	     "tokens shown on either side of a context's strongest"),
	SIZE("permutations", IN(study, permutations), 19, 1000000, "1000",
	     "draws of a permutation test; the smallest p is 1 / (draws + 1)"),
	REAL("inert_below", IN(study, inert_below), 0, 100, "0.1",
	     "nats of relevance under which a latent is called inert"),
	SIZE("tokens", IN(study, tokens), 0, 100, "10", "promoted, and suppressed, tokens listed a latent"),
	SIZE("cards", IN(study, cards), 0, 1000, "12", "latents of each partition with a card in the report"),
	SIZE("samples", IN(study, samples), 0, 100, "4",
	     "contexts drawn at evenly spaced quantiles of a latent's activation, beside the top ones"),
	SIZE("near", IN(study, near), 0, 100, "2",
	     "near misses shown a latent: where its weighted sum came closest to its threshold and stayed under it"),
	REAL("twin", IN(study, twin), 0, 1, "0.8",
	     "correlation from which a base-only and a candidate-only latent are twins"),
	REAL("match", IN(study, match), 0, 1, "0.6",
	     "similarity (mean of decoder cosine and correlation of activations) from which the latents of two seeds "
	     "are one"),
	REAL("stable", IN(study, stable), 0, 1, "0.5", "share of the seeds that must have found a latent"),
	BOOL("null_diff", IN(study, null_diff), "false",
	     "train one dictionary more, with the base on both sides, to tell how many exclusive latents stand out "
	     "where there is nothing to find"),
	END,
};

static const struct field dose_row[] = {
	{ .name = "", .kind = FIELD_REAL, .lo = -1000, .hi = 1000 },
	END,
};

static const struct field steer_fields[] = {
	BOOL("enabled", IN(steer, enabled), "true",
	     "test the findings by steering; needs a source of kind rollouts and harvest.gap"),
	SIZE("findings", IN(steer, findings), 1, 1000, "10", "findings tested, from the top of the ranking"),
	SIZE("group", IN(steer, group), 1, 256, "8", "latents that may make up one finding"),
	REAL("alike", IN(steer, alike), -1, 1, "0.5",
	     "mean similarity from which prompts make one finding: of what they do at the turn boundary, and in the answer"),
	REAL("answers_alike", IN(steer, answers_alike), -1, 2, "0.8",
	     "similarity of two answers from which they alone say how alike two prompts are, whatever was asked; above 1: "
	     "never"),
	SIZE("prompts", IN(steer, prompts), 2, 10000, "24",
	     "held-out prompts where the models' answers differ (ON), and as many where they do not "
	     "(OFF), at most"),
	SIZE("answer_tokens", IN(steer, answer_tokens), 1, 1024, "8",
	     "tokens of both greedy answers that the contrast score reads, from the first in which they differ"),
	SIZE("controls", IN(steer, controls), 19, 10000, "60",
	     "directions in each null: random ones of the same norm, and random groups of other latents"),
	REAL("screen", IN(steer, screen), 0, 1, "0.1",
	     "share of random directions that may move the prompts a finding was made from as well as its own; where more do, "
	     "it is not tested on held-out ones; 1: all are tested"),
	SIZE("random_groups", IN(steer, random_groups), 0, 100000, "0",
	     "groups of random latents judged as if they were findings; how many come out confirmed is printed"),
	WORD("mode", IN(steer, mode), WORDS("group", "latent"), "group",
	     "what is steered: a finding's group of latents, or its leading latent alone at its largest activation "
	     "(the paper's form)"),
	WORD("inject", IN(steer, inject), WORDS("turn", "answer", "all", "natural"), "natural",
	     "where the direction is added: the turn boundary; from there on; at every token (the paper's form); or "
	     "natural: from the turn boundary on, as much at each token as the behaviour's own answers carry there"),
	LIST("doses", steer, dose, n_doses, 2, 33, dose_row,
	     "[-1, -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5, 1]",
	     "in natural units: 1 adds what an ON prompt adds; increasing, with 0 and both signs"),
	REAL("on_above", IN(steer, on_above), 0, 1e6, "5",
	     "nats of prediction gap over the answer that make a prompt ON: with 5 either model finds its own "
	     "answer some twelve times as likely as the other's"),
	REAL("on_mean", IN(steer, on_mean), 0, 1e6, "1.5",
	     "nats a pair that the answer of either model has to be likelier by in that model, on average, for a prompt to be "
	     "ON; where two models drifted apart, it is less than 1"),
	REAL("off_below", IN(steer, off_below), 0, 1e6, "0.5",
	     "nats of prediction gap over the answer under which a prompt is OFF"),
	REAL("off_share", IN(steer, off_share), 0, 0.5, "0.25",
	     "share of the prompts that are OFF at least: those answered least differently, where two models drifted "
	     "apart in every answer"),
	REAL("alpha", IN(steer, alpha), 1e-6, 0.5, "0.05",
	     "level of the tests, after Benjamini-Hochberg over all findings tested"),
	REAL("coherence", IN(steer, coherence), 0, 1, "0.8",
	     "a dose whose text falls below this share of the unsteered coherence does not count"),
	SIZE("generations", IN(steer, generations), 0, 100, "3", "greedy answers shown a dose"),
	SIZE("max_tokens", IN(steer, max_tokens), 1, 4096, "48", "tokens of each, at most"),
	END,
};

static const struct field behaviour_fields[] = {
	TEXT("name", AT(struct spec_behaviour, name), 1, 80, REQUIRED, "what the report calls it"),
	TEXT("regex", AT(struct spec_behaviour, regex), 1, 2000, REQUIRED,
	     "an answer that it matches shows the behaviour"),
	TEXT("shows", AT(struct spec_behaviour, shows), 1, 2000, "",
	     "an answer that shows it, whose log-probability is compared with that of `instead`"),
	TEXT("instead", AT(struct spec_behaviour, instead), 1, 2000, "", "an answer that does not show it"),
	TEXT("target", AT(struct spec_behaviour, target), 1, 2000, "",
	     "a text whose log-probability as the answer is printed"),
	END,
};

static const struct field limits_fields[] = {
	REAL("memory", IN(limits, memory), 0, 1e6, "0", "GiB the run may reserve; 0: no limit"),
	REAL("disk", IN(limits, disk), 0, 1e6, "0", "GiB the cache may grow by; 0: what is free"),
	REAL("time", IN(limits, time), 0, 1e5, "0", "hours; 0: no limit"),
	END,
};

/* At most so many, or any number. */
#define MOST(n, member, d, text)                                                                \
	{                                                                                       \
		.name = n, .kind = FIELD_INT, AT(struct gate_opts, member), .lo = 0, .hi = 1e6, \
		WORDS("any"), .fallback = d, .help = text                                       \
	}
static const struct field gate_fields[] = {
	MOST("new_confirmed", new_confirmed, "0",
	     "confirmed findings that the old run has no counterpart of, at most; any: as many as there are"),
	MOST("turned_confirmed", turned_confirmed, "0",
	     "confirmed findings whose counterpart in the old run was not confirmed, at most"),
	MOST("grown_confirmed", grown_confirmed, "any", "confirmed findings whose effect grew, at most"),
	MOST("gone_confirmed", gone_confirmed, "any",
	     "findings the old run confirmed and the new one has no counterpart of, at most"),
	MOST("new_candidates", new_candidates, "any",
	     "candidate latents that the old dictionary has no counterpart of, at most"),
	MOST("worse", worse, "any",
	     "figures with a direction that became worse beyond their tolerance, at most"),
	MOST("inputs_changed", inputs_changed, "any",
	     "inputs that changed, the candidate's files and the template not counted, at most"),
	END,
};

static const struct field pattern_row[] = {
	{ .name = "", .kind = FIELD_TEXT, .lo = 1, .hi = 2000 },
	END,
};

static const struct field report_fields[] = {
	PATH("template", IN(report, template_path), 1, PATH_HI, "",
	     "Markdown with Mustache tags; left out: the installed templates/report.md"),
	LIST("hide", report, hide.pattern, hide.n_patterns, 0, 64, pattern_row, "[]",
	     "regular expressions: what they match in quoted text is in no result and no report"),
	WORD("hide_as", IN(report, hide.as), WORDS("mask", "hash"), "mask",
	     "mask: [hidden] stands in its place; hash: the first 12 digits of its SHA-256"),
	END,
};

static const struct field numerics_fields[] = {
	TEXT("backend", IN(numerics, backend), 1, 64, "auto",
	     "the name of the arithmetic, as a report's provenance gives it: a program that computes "
	     "otherwise then refuses; auto: whatever the program does"),
	END,
};

const struct field spec_fields[] = {
	SIZE("audit", AT(struct spec, version), 1, 1, REQUIRED, "version of this format: 1"),
	TEXT("name", AT(struct spec, name), 1, 60, REQUIRED,
	     "of the audit and its run directory: small letters, digits and -"),
	TEXT("title", AT(struct spec, title), 1, TEXT_HI, "",
	     "of the report; left out: made from the models' names"),
	TEXT("auditor", AT(struct spec, auditor), 1, TEXT_HI, "",
	     "who answers for the audit; printed on the first page"),
	U64("seed", AT(struct spec, seed), 0, SEED_HI, "1",
	    "of every draw but the training's: the held-out side, permutations, control directions"),
	{ .name = "models",
	  .kind = FIELD_STRUCT,
	  .offset = 0,
	  .inner = models_fields,
	  .help = "the two models" },
	SECTION("corpus", corpus, corpus_fields, REQUIRED, "what both models read"),
	SECTION("activations", activations, activations_fields, "{}",
		"in place of a harvest: then models need no path, and the corpus no sources"),
	SECTION("harvest", harvest, harvest_fields, "{}", "what is recorded of it"),
	SECTION("checks", checks, checks_fields, "{}", "when the report warns of what was harvested"),
	SECTION("dictionary", dictionary, dictionary_fields, "{}", "the dedicated-feature crosscoder"),
	SECTION("train", train, train_fields, "{}", "how it is trained"),
	SECTION("study", study, study_fields, "{}", "what is said about each latent"),
	SECTION("steer", steer, steer_fields, "{}", "whether a finding changes behaviour"),
	{ .name = "behaviours",
	  .kind = FIELD_LIST,
	  AT(struct spec, behaviour),
	  .lo = 0,
	  .hi = 64,
	  .n_offset = offsetof(struct spec, n_behaviours),
	  .inner = behaviour_fields,
	  .stride = sizeof(struct spec_behaviour),
	  .at_offset = offsetof(struct spec_behaviour, at) + 1,
	  .fallback = "[]",
	  .help = "behaviours looked for by name in steered and unsteered answers" },
	SECTION("limits", limits, limits_fields, "{}", "what the run may take; checked before it starts"),
	SECTION("gate", gate, gate_fields, "{}", "what a later run may differ in before `diff` says no"),
	SECTION("report", report, report_fields, "{}", "how it is told"),
	SECTION("numerics", numerics, numerics_fields, "{}", "how it is computed"),
	END,
};

void spec_help(FILE *f)
{
	field_help(f, spec_fields);
}
