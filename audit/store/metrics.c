#include "store/metrics.h"

#include <string.h>

/*
 * Tolerances are for another BLAS kernel family, where float sums are folded in another order: counts of what
 * crossed a threshold may then move by a few, losses by parts in a thousand, tests by a draw or two.
 */
#define EXACT METRIC_NEITHER, 0, 0
#define COUNT(p, l)                              \
	{                                        \
		p, l, "", METRIC_COUNT, 0, EXACT \
	}
#define NUMBER(p, l)                          \
	{                                     \
		p, l, "", METRIC_ID, 0, EXACT \
	}

static const struct metric rows[] = {
	NUMBER("format", "format"),
	NUMBER("audit.seed", "seed"),
	COUNT("verdict.confirmed", "findings confirmed"),
	COUNT("verdict.elsewhere", "findings confirmed at further blocks"),
	COUNT("verdict.tested", "findings tested"),
	COUNT("verdict.candidates", "latents of status candidate"),
	{ "verdict.detectable", "smallest detectable effect", "nats", METRIC_FIXED, 2, METRIC_DOWN, 0.05,
	  0.05 },
	COUNT("verdict.kinds.*", "findings confirmed"),
	{ "verdict.fdr_text_least", "false-discovery rate, text alone", "", METRIC_P, 0, METRIC_NEITHER, 0.05,
	  0 },
	{ "verdict.fdr_text_most", "false-discovery rate, text alone", "", METRIC_P, 0, METRIC_NEITHER, 0.05,
	  0 },
	NUMBER("layers[].base", "block of the base"),
	NUMBER("layers[].candidate", "block of the candidate"),
	COUNT("layers[].tested", "findings tested"),
	COUNT("layers[].confirmed", "findings confirmed"),
	{ "layers[].findings[].slope_on", "slope, prompts where it acts", "nats per dose", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "layers[].findings[].slope_off", "slope, other prompts", "nats per dose", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "layers[].findings[].q", "q", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "layers[].findings[].doses[].dose", "dose", "", METRIC_PLAIN, 0, EXACT },
	NUMBER("models.base.layer", "layer"),
	NUMBER("models.candidate.layer", "layer"),
	COUNT("models.base.*", "count"),
	COUNT("models.candidate.*", "count"),
	{ "inputs[].bytes", "size", "", METRIC_BYTES, 0, EXACT },
	{ "spec.*", "value", "", METRIC_PLAIN, 0, EXACT },

	{ "corpus.paired_base", "content tokens paired", "", METRIC_SHARE, 1, METRIC_UP, 0, 0 },
	{ "corpus.paired_candidate", "content tokens paired", "", METRIC_SHARE, 1, METRIC_UP, 0, 0 },
	{ "corpus.longest_gap", "longest stretch without a pair", "tokens", METRIC_COUNT, 0, METRIC_DOWN, 0,
	  0 },
	{ "corpus.sources[].share", "share of the pairs", "", METRIC_SHARE, 1, METRIC_NEITHER, 0, 0 },
	{ "corpus.sources[].share_asked", "share asked for", "", METRIC_SHARE, 1, EXACT },
	COUNT("corpus.*", "count"),
	{ "checks[].share", "share", "", METRIC_SHARE, 2, METRIC_DOWN, 0, 0 },
	{ "checks[].limit", "share above which a warning is given", "", METRIC_SHARE, 2, EXACT },
	{ "checks[].count", "found", "", METRIC_COUNT, 0, METRIC_DOWN, 3, 0.01 },
	COUNT("checks[].*", "count"),

	{ "harvest.bytes", "store", "", METRIC_BYTES, 0, EXACT },
	{ "harvest.median_norm_base", "median norm", "", METRIC_FIXED, 2, METRIC_NEITHER, 0, 1e-4 },
	{ "harvest.median_norm_candidate", "median norm", "", METRIC_FIXED, 2, METRIC_NEITHER, 0, 1e-4 },
	{ "harvest.mean_abs_gap", "mean absolute prediction gap", "nats", METRIC_FIXED, 3, METRIC_NEITHER,
	  1e-4, 1e-3 },
	{ "harvest.gap_histogram[].lo", "size of the prediction gap, from", "nats", METRIC_PLAIN, 0, EXACT },
	{ "harvest.gap_histogram[].hi", "size of the prediction gap, to", "nats", METRIC_PLAIN, 0, EXACT },
	{ "harvest.gap_histogram[].rows", "pairs", "", METRIC_COUNT, 0, METRIC_NEITHER, 3, 0.01 },
	{ "harvest.large_gap_rows", "pairs with a large gap", "", METRIC_COUNT, 0, METRIC_NEITHER, 3, 0.01 },
	{ "harvest.outliers.*", "positions", "", METRIC_COUNT, 0, METRIC_NEITHER, 3, 0.01 },
	COUNT("harvest.rows", "pairs"),
	COUNT("harvest.held_out_documents", "documents held out"),
	COUNT("harvest.held_out_rows", "pairs held out"),
	COUNT("harvest.held_out_by_source[]", "documents held out"),

	NUMBER("training[].seed", "seed"),
	COUNT("training[].latents", "latents"),
	COUNT("training[].base_only", "base-only latents"),
	COUNT("training[].shared", "shared latents"),
	COUNT("training[].candidate_only", "candidate-only latents"),
	COUNT("training[].k", "active latents a pair"),
	COUNT("training[].steps", "steps"),
	COUNT("training[].rows", "pairs"),
	COUNT("training[].moves.promoted", "shared latents made exclusive"),
	COUNT("training[].moves.demoted", "exclusive latents made shared"),
	COUNT("training[].moves.reseeded", "dead latents started anew"),
	COUNT("training[].moves.folded", "latents folded into others"),
	{ "training[].scale_base", "scale", "", METRIC_FIXED, 4, METRIC_NEITHER, 0, 1e-4 },
	{ "training[].scale_candidate", "scale", "", METRIC_FIXED, 4, METRIC_NEITHER, 0, 1e-4 },
	{ "training[].threshold", "threshold", "", METRIC_FIXED, 4, METRIC_NEITHER, 0, 0.02 },
	COUNT("training[].curve[].step", "step"),
	{ "training[].curve[].loss", "loss", "", METRIC_FIXED, 3, METRIC_DOWN, 0, 0.02 },
	{ "training[].curve[].fve_base", "variance explained", "", METRIC_FIXED, 4, METRIC_UP, 0.005, 0 },
	{ "training[].curve[].fve_candidate", "variance explained", "", METRIC_FIXED, 4, METRIC_UP, 0.005,
	  0 },
	{ "training[].curve[].*", "value", "", METRIC_FIXED, 3, METRIC_NEITHER, 0, 0.05 },
	{ "training[].held_out.fve", "variance explained", "", METRIC_FIXED, 4, METRIC_UP, 0.005, 0 },
	{ "training[].held_out.fve_base", "variance explained", "", METRIC_FIXED, 4, METRIC_UP, 0.005, 0 },
	{ "training[].held_out.fve_candidate", "variance explained", "", METRIC_FIXED, 4, METRIC_UP, 0.005,
	  0 },
	{ "training[].held_out.fve_shared_only", "variance explained without the exclusive latents", "",
	  METRIC_FIXED, 4, METRIC_NEITHER, 0.005, 0 },
	{ "training[].held_out.fve_shared_only_base", "variance explained without the exclusive latents", "",
	  METRIC_FIXED, 4, METRIC_NEITHER, 0.005, 0 },
	{ "training[].held_out.fve_shared_only_candidate", "variance explained without the exclusive latents",
	  "", METRIC_FIXED, 4, METRIC_NEITHER, 0.005, 0 },
	{ "training[].held_out.l0", "active latents a pair", "", METRIC_FIXED, 2, METRIC_NEITHER, 0.1, 0.02 },
	{ "training[].held_out.l0_base_only", "active base-only latents a pair", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "training[].held_out.l0_shared", "active shared latents a pair", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "training[].held_out.l0_candidate_only", "active candidate-only latents a pair", "", METRIC_FIXED,
	  2, METRIC_NEITHER, 0.1, 0.05 },
	{ "training[].held_out.dead_base_only", "dead base-only latents", "", METRIC_SHARE, 1, METRIC_DOWN,
	  0.05, 0 },
	{ "training[].held_out.dead_shared", "dead shared latents", "", METRIC_SHARE, 1, METRIC_DOWN, 0.05,
	  0 },
	{ "training[].held_out.dead_candidate_only", "dead candidate-only latents", "", METRIC_SHARE, 1,
	  METRIC_DOWN, 0.05, 0 },
	COUNT("training[].held_out.rows", "pairs held out"),

	COUNT("latents.partitions[].*", "latents"),
	/* a card stands in one of three columns; the compact list below has the same figures */
	NUMBER("latents.columns.*[].rank", "rank"),
	NUMBER("latents.columns.*[].latent", "latent"),
	{ "latents.columns.*[].relevance", "relevance", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	{ "latents.columns.*[].relevance_lo", "relevance, low end", "nats", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.1, 0.1 },
	{ "latents.columns.*[].relevance_hi", "relevance, high end", "nats", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.1, 0.1 },
	{ "latents.columns.*[].relevance_p", "p of relevance", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "latents.columns.*[].boundary_relevance", "relevance at turn boundaries", "nats", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.05, 0.05 },
	{ "latents.columns.*[].boundary_relevance_p", "p at turn boundaries", "", METRIC_P, 0, METRIC_NEITHER,
	  0.02, 0 },
	{ "latents.columns.*[].boundary_relevance_lo", "relevance at turn boundaries, low end", "nats",
	  METRIC_SIGNED, 2, METRIC_NEITHER, 0.1, 0.1 },
	{ "latents.columns.*[].boundary_relevance_hi", "relevance at turn boundaries, high end", "nats",
	  METRIC_SIGNED, 2, METRIC_NEITHER, 0.1, 0.1 },
	{ "latents.columns.*[].prompt_relevance", "relevance on prompts", "nats", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.05, 0.05 },
	{ "latents.columns.*[].prompt_relevance_p", "p on prompts", "", METRIC_P, 0, METRIC_NEITHER, 0.02,
	  0 },
	{ "latents.columns.*[].prompt_relevance_lo", "relevance on prompts, low end", "nats", METRIC_SIGNED,
	  2, METRIC_NEITHER, 0.1, 0.1 },
	{ "latents.columns.*[].prompt_relevance_hi", "relevance on prompts, high end", "nats", METRIC_SIGNED,
	  2, METRIC_NEITHER, 0.1, 0.1 },
	NUMBER("latents.columns.*[].twin", "twin"),
	{ "latents.columns.*[].twin_correlation", "correlation with the twin", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.03, 0 },
	{ "latents.columns.*[].scaling_error", "latent scaling, error", "", METRIC_FIXED, 2, METRIC_NEITHER,
	  0.05, 0.05 },
	{ "latents.columns.*[].scaling_recon", "latent scaling, reconstruction", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.05, 0.05 },
	{ "latents.columns.*[].probe_auroc", "AUROC of a probe from the other model", "", METRIC_FIXED, 3,
	  METRIC_NEITHER, 0.02, 0 },
	{ "latents.columns.*[].promoted_other[].score", "logit", "", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	{ "latents.columns.*[].suppressed_other[].score", "logit", "", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	{ "latents.columns.*[].samples[].gap", "prediction gap", "nats", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.01, 0.01 },
	{ "latents.columns.*[].samples[].activation", "activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].samples[].tokens[].activation", "activation", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0, 0.05 },
	NUMBER("latents.columns.*[].near[].byte", "byte of the source"),
	{ "latents.columns.*[].near[].gap", "prediction gap", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.01,
	  0.01 },
	{ "latents.columns.*[].near[].share_of_threshold", "share of the threshold", "", METRIC_SHARE, 0,
	  METRIC_NEITHER, 0.02, 0 },
	{ "latents.columns.*[].near[].activation", "activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].near[].tokens[].activation", "activation", "", METRIC_FIXED, 2, METRIC_NEITHER,
	  0, 0.05 },
	{ "latents.columns.*[].fdr", "false-discovery rate", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "latents.columns.*[].fdr_text", "false-discovery rate, text alone", "", METRIC_P, 0, METRIC_NEITHER,
	  0.05, 0 },
	NUMBER("latents.columns.*[].matches[].seed", "seed"),
	NUMBER("latents.columns.*[].matches[].latent", "latent"),
	{ "latents.columns.*[].matches[].*", "likeness of the match", "", METRIC_FIXED, 2, METRIC_NEITHER,
	  0.03, 0 },
	{ "latents.columns.*[].stability", "stability", "", METRIC_FIXED, 2, METRIC_UP, 0.05, 0 },
	{ "latents.columns.*[].frequency", "frequency", "", METRIC_SHARE, 2, METRIC_NEITHER, 0.001, 0.05 },
	{ "latents.columns.*[].fires", "pairs it fires on", "", METRIC_COUNT, 0, METRIC_NEITHER, 3, 0.05 },
	{ "latents.columns.*[].documents", "documents it fires in", "", METRIC_COUNT, 0, METRIC_NEITHER, 3,
	  0.05 },
	{ "latents.columns.*[].max_activation", "largest activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].mean_activation", "mean activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].norm_base", "decoder norm, base", "", METRIC_FIXED, 3, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].norm_candidate", "decoder norm, candidate", "", METRIC_FIXED, 3,
	  METRIC_NEITHER, 0, 0.05 },
	{ "latents.columns.*[].promoted[].score", "logit", "", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05, 0.05 },
	{ "latents.columns.*[].suppressed[].score", "logit", "", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	NUMBER("latents.columns.*[].contexts[].byte", "byte of the source"),
	NUMBER("latents.columns.*[].samples[].byte", "byte of the source"),
	NUMBER("screen.documents[].byte", "byte of the source"),
	{ "latents.columns.*[].contexts[].gap", "prediction gap", "nats", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.01, 0.01 },
	{ "latents.columns.*[].contexts[].activation", "activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },
	{ "latents.columns.*[].contexts[].tokens[].activation", "activation", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0, 0.05 },
	NUMBER("latents.exclusive[].rank", "rank"),
	NUMBER("latents.exclusive[].latent", "latent"),
	{ "latents.exclusive[].relevance", "relevance", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	{ "latents.exclusive[].frequency", "frequency", "", METRIC_SHARE, 2, METRIC_NEITHER, 0.001, 0.05 },
	{ "latents.exclusive[].max_activation", "largest activation", "", METRIC_FIXED, 2, METRIC_NEITHER, 0,
	  0.05 },

	NUMBER("latents.exclusive[].twin", "twin"),
	{ "latents.exclusive[].twin_correlation", "correlation with the twin", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.03, 0 },
	{ "latents.exclusive[].fdr", "false-discovery rate", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "latents.exclusive[].fdr_text", "false-discovery rate, text alone", "", METRIC_P, 0, METRIC_NEITHER,
	  0.05, 0 },
	{ "latents.exclusive[].stability", "stability", "", METRIC_FIXED, 2, METRIC_UP, 0.05, 0 },
	NUMBER("latents.ranked[].rank", "rank"),
	{ "latents.ranked[].score", "score", "nats per pair", METRIC_FIXED, 2, METRIC_NEITHER, 0.05, 0.05 },
	COUNT("latents.ranked[].size", "latents"),
	NUMBER("latents.ranked[].members[].rank", "rank"),
	NUMBER("latents.ranked[].members[].latent", "latent"),
	NUMBER("latents.ranked[].members[].twin", "twin"),
	{ "latents.ranked[].members[].frequency", "frequency", "", METRIC_SHARE, 2, METRIC_NEITHER, 0.001,
	  0.05 },
	{ "latents.ranked[].members[].*", "relevance", "nats", METRIC_FIXED, 2, METRIC_NEITHER, 0.05, 0.05 },
	NUMBER("latents.null.seed", "seed"),
	{ "latents.null.largest", "largest relevance of the null", "nats", METRIC_FIXED, 2, METRIC_NEITHER,
	  0.05, 0.05 },
	{ "latents.null.least_fdr", "least false-discovery rate", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "latents.null.least_fdr_text", "least false-discovery rate, text alone", "", METRIC_P, 0,
	  METRIC_NEITHER, 0.02, 0 },
	{ "latents.null.largest_text", "largest relevance of the null, text alone", "nats", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.05, 0.05 },
	{ "latents.null.median_twin", "median twin correlation of the null", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.03, 0 },
	{ "latents.null.median_twin_real", "median twin correlation", "", METRIC_FIXED, 2, METRIC_NEITHER,
	  0.03, 0 },
	COUNT("latents.null.*", "latents"),
	COUNT("latents.stability.seeds", "seeds"),
	COUNT("latents.stability.partitions[].*", "latents"),

	NUMBER("findings[].latents[].latent", "latent"),
	{ "findings[].latents[].weight", "weight", "", METRIC_SIGNED, 2, METRIC_NEITHER, 0, 0.05 },
	{ "findings[].latents[].relevance", "relevance", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	NUMBER("findings[].expressed[].latent", "latent"),
	{ "findings[].expressed[].relevance", "relevance", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.05,
	  0.05 },
	{ "findings[].share_exclusive", "share of exclusive latents", "", METRIC_SHARE, 0, METRIC_NEITHER,
	  0.05, 0 },
	{ "findings[].prompt_gap", "mean gap of the answers", "nats", METRIC_SIGNED, 1, METRIC_NEITHER, 0.1,
	  0.02 },
	COUNT("findings[].made_from", "prompts the direction was made from"),
	{ "findings[].screen_on", "slope, prompts it was made from", "nats per dose", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].screen_off", "slope, other prompts not held out", "nats per dose", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].screen_p", "p on the prompts it was made from", "", METRIC_P, 0, METRIC_NEITHER, 0.02,
	  0 },
	{ "findings[].in_other.norm", "norm of the direction in the other model", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0, 0.05 },
	{ "findings[].in_other.slope_on", "slope in the other model, prompts where it acts", "nats per dose",
	  METRIC_SIGNED, 2, METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].in_other.slope_off", "slope in the other model, other prompts", "nats per dose",
	  METRIC_SIGNED, 2, METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].in_other.z_on", "effect in the other model, prompts where it acts",
	  "sd of random directions", METRIC_SIGNED, 1, METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].in_other.z_off", "effect in the other model, other prompts", "sd of random directions",
	  METRIC_SIGNED, 1, METRIC_NEITHER, 0.3, 0.1 },
	COUNT("findings[].on_prompts", "prompts where it acts"),
	COUNT("findings[].off_prompts", "prompts where it does not"),
	{ "findings[].cosine_difference_of_means", "cosine with the difference of means", "", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.03, 0 },
	{ "findings[].norm", "norm of the direction", "", METRIC_FIXED, 2, METRIC_NEITHER, 0, 0.05 },
	{ "findings[].slope_on", "slope, prompts where it acts", "nats per dose", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].slope_off", "slope, other prompts", "nats per dose", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.1, 0.05 },
	{ "findings[].z_on", "effect, prompts where it acts", "sd of random directions", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].z_off", "effect, other prompts", "sd of random directions", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].z_group_on", "effect, prompts where it acts", "sd of random groups", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].z_group_off", "effect, other prompts", "sd of random groups", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].null_sd_on", "standard deviation of random directions", "nats per dose", METRIC_FIXED,
	  2, METRIC_NEITHER, 0.1, 0.1 },
	{ "findings[].null_sd_off", "standard deviation of random directions", "nats per dose", METRIC_FIXED,
	  2, METRIC_NEITHER, 0.1, 0.1 },
	{ "findings[].p", "p", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "findings[].q", "q", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "findings[].unsteered_on", "contrast score without steering", "nats", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.1, 0.02 },
	{ "findings[].unsteered_off", "contrast score without steering", "nats", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.1, 0.02 },
	{ "findings[].z_exclusive_*", "effect", "sd of random groups of exclusive latents", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].z_shared_*", "effect", "sd of random groups of shared latents", METRIC_SIGNED, 1,
	  METRIC_NEITHER, 0.3, 0.1 },
	{ "findings[].p_*", "p", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "findings[].q_*", "q", "", METRIC_P, 0, METRIC_NEITHER, 0.02, 0 },
	{ "findings[].slope_*", "interval of the slope", "nats per dose", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.1, 0.05 },
	{ "findings[].ablated_*", "change of the score without the group's part", "nats", METRIC_SIGNED, 2,
	  METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].least_*", "smallest slope that would be found", "nats per dose", METRIC_FIXED, 2,
	  METRIC_NEITHER, 0.1, 0.1 },
	COUNT("random_groups.tested", "groups of random latents tested"),
	COUNT("random_groups.confirmed", "groups of random latents confirmed"),
	COUNT("findings[].behaviours[].prompts", "prompts of the finding"),
	COUNT("findings[].doses[].behaviours[].on", "answers that show it, prompts where it acts"),
	COUNT("findings[].doses[].behaviours[].on_of", "answers, prompts where it acts"),
	COUNT("findings[].doses[].behaviours[].off", "answers that show it, other prompts"),
	COUNT("findings[].doses[].behaviours[].off_of", "answers, other prompts"),
	{ "findings[].doses[].behaviours[].*", "log-probability", "nats", METRIC_SIGNED, 2, METRIC_NEITHER,
	  0.1, 0.05 },
	{ "findings[].doses[].read_back_on", "activation read back", "", METRIC_FIXED, 3, METRIC_NEITHER,
	  0.05, 0.1 },
	{ "findings[].doses[].read_back_off", "activation read back", "", METRIC_FIXED, 3, METRIC_NEITHER,
	  0.05, 0.1 },
	{ "findings[].doses[].dose", "dose", "", METRIC_PLAIN, 0, EXACT },
	{ "findings[].doses[].coherence", "coherence", "", METRIC_SHARE, 0, METRIC_UP, 0.05, 0 },
	{ "findings[].doses[].divergence", "divergence", "nats", METRIC_FIXED, 3, METRIC_NEITHER, 0.01, 0.1 },
	{ "findings[].doses[].*", "contrast score", "nats", METRIC_SIGNED, 2, METRIC_NEITHER, 0.1, 0.05 },
	{ "findings[].examples[].gap", "gap of the answer", "nats", METRIC_SIGNED, 1, METRIC_NEITHER, 0.1,
	  0.02 },
	{ "findings[].examples[].gap_mean", "gap a pair of the answer that the other model gives least",
	  "nats", METRIC_SIGNED, 1, METRIC_NEITHER, 0.1, 0.02 },
	{ "findings[].generations[].doses[].dose", "dose", "", METRIC_PLAIN, 0, EXACT },
	{ "findings[].behaviours[].hits_base", "prompts that show it, base", "", METRIC_COUNT, 0,
	  METRIC_NEITHER, 1, 0 },
	{ "findings[].behaviours[].hits_candidate", "prompts that show it, candidate", "", METRIC_COUNT, 0,
	  METRIC_NEITHER, 1, 0 },
	{ "findings[].behaviours[].hits_by_dose[]", "prompts that show it", "", METRIC_COUNT, 0,
	  METRIC_NEITHER, 1, 0 },

	COUNT("screen.texts", "texts"),
	{ "screen.gap", "difference of all texts", "nats", METRIC_FIXED, 0, METRIC_NEITHER, 1, 0.02 },
	{ "screen.documents[].gap", "difference", "nats", METRIC_FIXED, 1, METRIC_NEITHER, 0.1, 0.02 },
	NUMBER("screen.documents[].theme", "theme"),
	NUMBER("screen.themes[].theme", "theme"),
	COUNT("screen.themes[].texts", "texts"),
	{ "screen.themes[].gap", "difference", "nats", METRIC_FIXED, 0, METRIC_NEITHER, 1, 0.02 },
	{ "screen.themes[].share", "share of the difference", "", METRIC_SHARE, 0, METRIC_NEITHER, 0.02, 0 },
	{ "screen.themes[].explained_exclusive", "share at exclusive latents", "", METRIC_SHARE, 0, METRIC_UP,
	  0.05, 0 },
	{ "screen.themes[].explained", "share at the ranked entry", "", METRIC_SHARE, 0, METRIC_UP, 0.05, 0 },
	NUMBER("screen.themes[].ranked", "ranked entry"),
	{ "screen.prompts[].gap", "gap of the answer", "nats", METRIC_SIGNED, 1, METRIC_NEITHER, 0.1, 0.02 },
	{ "screen.prompts[].gap_mean", "gap a pair of the answer that the other model gives least", "nats",
	  METRIC_SIGNED, 1, METRIC_NEITHER, 0.1, 0.02 },
	COUNT("screen.groups[].prompts", "prompts"),
	{ "screen.groups[].*", "gap of the answer", "nats", METRIC_SIGNED, 1, METRIC_NEITHER, 0.1, 0.02 },

	/* of a comparison (diff.json) */
	COUNT("findings_count.*", "findings"),
	COUNT("latents_count.*", "latents"),
	COUNT("features.rows", "pairs"),
	NUMBER("features.list[].old", "latent"),
	NUMBER("features.list[].new", "latent"),
	{ "features.list[].relevance_old.*", "relevance", "nats", METRIC_SIGNED, 2, EXACT },
	{ "features.list[].relevance_new.*", "relevance", "nats", METRIC_SIGNED, 2, EXACT },
	{ "changes[].effect_old.*", "effect", "nats per dose", METRIC_SIGNED, 2, EXACT },
	{ "changes[].effect_new.*", "effect", "nats per dose", METRIC_SIGNED, 2, EXACT },
	{ "changes[].similarity", "similarity", "", METRIC_FIXED, 2, EXACT },
	COUNT("gate.limits[].value", "found"),

	NUMBER("provenance.format", "format"),
	COUNT("provenance.subjects.*.files", "files"),
	{ "provenance.subjects.*.bytes", "size", "", METRIC_BYTES, 0, EXACT },
	{ "provenance.inputs[].bytes", "size", "", METRIC_BYTES, 0, EXACT },
};

const struct metric *metrics_all(size_t *n)
{
	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

/* A pattern's ".*" at its end takes the whole rest; a "*" elsewhere takes one member name. */
static bool row_matches(const char *pattern, struct view path)
{
	size_t i = 0;

	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			if (!pattern[1])
				return i < path.n;
			while (i < path.n && path.p[i] != '.' && path.p[i] != '[')
				i++;
		} else if (i < path.n && path.p[i] == *pattern) {
			i++;
		} else {
			return false;
		}
	}
	return i == path.n;
}

const struct metric *metric_find(struct view path)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (row_matches(rows[i].path, path))
			return &rows[i];
	return NULL;
}

/* "-57000.25" with commas put into its whole part */
static void print_grouped(struct str *out, const char *number)
{
	size_t sign = number[0] == '-' || number[0] == '+', whole = strcspn(number + sign, ".");

	str_add(out, number, sign);
	for (size_t i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0)
			str_addc(out, ',');
		str_addc(out, number[sign + i]);
	}
	str_adds(out, number + sign + whole);
}

static void print_fixed(struct str *out, double v, unsigned digits, bool sign)
{
	struct str s = STR_INIT;

	str_addf(&s, sign ? "%+.*f" : "%.*f", (int)digits, v);
	/* "-0.00" says less than "0.00" */
	if ((s.p[0] == '-' || s.p[0] == '+') && strspn(s.p + 1, "0.") == s.n - 1)
		print_grouped(out, s.p + 1);
	else
		print_grouped(out, s.p);
	str_release(&s);
}

static void print_bytes(struct str *out, double v)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t u = 0;

	while (v >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		v /= 1024;
		u++;
	}
	str_addf(out, "%.*f %s", u && v < 100 ? 1 : 0, v, unit[u]);
}

/* A share that is not zero is not shown as zero, nor one short of all as all. */
static void print_share(struct str *out, double v, unsigned digits)
{
	double step = 0.5, percent = v * 100;

	for (unsigned d = 0; d < digits; d++)
		step /= 10;
	if (percent > 0 && percent < step)
		str_addf(out, "%.2g %%", percent);
	else if (percent < 100 && percent >= 100 - step)
		str_addf(out, "%.*f %%", (int)digits + 2, percent);
	else
		str_addf(out, "%.*f %%", (int)digits, percent);
}

void metric_print_real(struct str *out, const struct metric *m, double v)
{
	char shortest[32];

	switch (m->format) {
	case METRIC_ID:
	case METRIC_PLAIN:
		real_shortest(shortest, v);
		str_adds(out, shortest);
		break;
	case METRIC_COUNT: print_fixed(out, v, 0, false); break;
	case METRIC_FIXED:
	case METRIC_SIGNED: print_fixed(out, v, m->digits, m->format == METRIC_SIGNED); break;
	case METRIC_SHARE: print_share(out, v, m->digits); break;
	case METRIC_P: str_addf(out, "%.2g", v); break;
	case METRIC_BYTES: print_bytes(out, v); break;
	}
}

void metric_print(struct str *out, const struct metric *m, const struct json *v)
{
	struct str digits = STR_INIT;

	/* whole numbers beyond 2^53 keep all their digits */
	if (v->kind == JSON_INTEGER && (m->format == METRIC_ID || m->format == METRIC_PLAIN)) {
		str_addf(out, "%lld", (long long)v->integer);
	} else if (v->kind == JSON_INTEGER && m->format == METRIC_COUNT) {
		str_addf(&digits, "%lld", (long long)v->integer);
		print_grouped(out, digits.p);
	} else {
		metric_print_real(out, m, v->real);
	}
	str_release(&digits);
}

bool metric_same(const struct metric *m, double a, double b)
{
	double difference = a < b ? b - a : a - b, size_a = a < 0 ? -a : a, size_b = b < 0 ? -b : b;

	return difference <= m->absolute + m->relative * (size_a < size_b ? size_b : size_a);
}
