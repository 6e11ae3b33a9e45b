#include "cmd_bench.h"

#include <string.h>

#define SIZE_ROW(n, least, most, start, text)                                                          \
	{                                                                                              \
		.name = #n, .kind = FIELD_SIZE, .offset = offsetof(struct bench_opts, n), .lo = least, \
		.hi = most, .fallback = start, .help = text                                            \
	}
#define REAL_ROW(n, least, most, start, text)                                                          \
	{                                                                                              \
		.name = #n, .kind = FIELD_REAL, .offset = offsetof(struct bench_opts, n), .lo = least, \
		.hi = most, .fallback = start, .help = text                                            \
	}
#define TEXT_ROW(n, start, text)                                                                   \
	{                                                                                          \
		.name = #n, .kind = FIELD_TEXT, .offset = offsetof(struct bench_opts, n), .lo = 1, \
		.hi = 1000, .fallback = start, .help = text                                        \
	}

static const char *const state_words[] = { "f32", "bf16", NULL };
static const char *const layer_words[] = { "all", NULL };

static const struct field bench_fields[] = {
	SIZE_ROW(da, 1, 65536, "512", "train: width of model A"),
	SIZE_ROW(db, 1, 65536, "512", "train: width of model B"),
	SIZE_ROW(width, 1, 1e7, "8192", "train: latents"),
	REAL_ROW(exclusive, 0, 0.5, "0.05", "share of the latents that is each model's own"),
	SIZE_ROW(k, 0, 1e6, "0", "latents kept a row; 0: 64 for train, as many as are active for toy"),
	{ .name = "state",
	  .kind = FIELD_WORD,
	  .offset = offsetof(struct bench_opts, state),
	  .words = state_words,
	  .fallback = "f32",
	  .help = "train: Adam's moments, as train.state of a spec" },
	SIZE_ROW(batch, 1, 262144, "2048", "pairs a step"),
	SIZE_ROW(steps, 1, 1e6, "15", "train, forward, decode: steps timed, after some that are not"),
	TEXT_ROW(sizes, "819,2048,4096", "toy: latents of the dictionaries tried"),
	TEXT_ROW(
		modes, "standard,paper,balanced,exchanged",
		"toy: crosscoders tried: standard; with exclusive latents under the score paper or balanced; exchanged, as a "
		"spec has it that says nothing (score length, promote, demote, reseed, fold); unfolded, the same without fold; "
		"exchanged-paper, the same under the paper's score"),
	SIZE_ROW(concepts, 4, 65536, "2048", "toy: concepts; 2.5 % of them are each model's own"),
	SIZE_ROW(rows, 1000, 1e8, "1000000", "toy: distinct pairs"),
	SIZE_ROW(seeds, 1, 1000, "3", "toy: worlds and trainings of each kind"),
	REAL_ROW(pairs, 1000, 1e12, "1e7", "toy: pairs of a training"),
	SIZE_ROW(d, 8, 65536, "256", "toy: width of both models"),
	REAL_ROW(active, 0.1, 10000, "5", "toy: concepts on a row, about"),
	REAL_ROW(lr, 0, 1, "0.001", "toy: learning rate"),
	{ .name = "out",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct bench_opts, out),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "toy: a file of what is finished, written after each training; what it holds is not done again" },
	{ .name = "table",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct bench_opts, table),
	  .fallback = "false",
	  .help = "toy: train nothing, print what --out holds" },
	SIZE_ROW(tokens, 1, 1e6, "512", "forward: tokens of the text"),
	SIZE_ROW(sequences, 1, 65536, "64", "decode: sequences that advance together"),
	SIZE_ROW(context, 1, 1e6, "128", "decode: tokens that each sequence has before the first step"),
	{ .name = "layer",
	  .kind = FIELD_INT,
	  .offset = offsetof(struct bench_opts, layer),
	  .lo = 0,
	  .hi = 10000,
	  .fallback = "all",
	  .words = layer_words,
	  .help = "forward: also a harvest that stops after this block, counted from 0" },
	{ .name = "shape",
	  .kind = FIELD_WORD,
	  .offset = offsetof(struct bench_opts, shape),
	  .words = bench_shapes,
	  .fallback = "llama-77m",
	  .help = "make-model: whose tensors" },
	SIZE_ROW(
		null, 0, 100000, "0",
		"recall: groups of random latents judged as if they were findings, instead of the spec's steer.random_groups"),
	OPT_CACHE(struct bench_opts),
	OPT_THREADS(struct bench_opts),
	OPT_JSON(struct bench_opts),
	{ .name = NULL },
};

static const struct {
	const char *what, *operand;
	int (*run)(const struct call *c, const struct bench_opts *o, struct err *e);
} benches[] = {
	{ "train", NULL, bench_train },	       { "toy", NULL, bench_toy },
	{ "recall", "SPEC...", bench_recall }, { "forward", "MODEL", bench_forward },
	{ "decode", "MODEL", bench_decode },   { "make-model", "DIR", bench_make },
};

static const char *const what[] = { "train", "toy", "recall", "forward", "decode", "make-model", NULL };

static int run_bench(const struct call *c, struct err *e)
{
	const char *near = word_near(what, view_of(c->operand[0]));

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
		if (strcmp(benches[i].what, c->operand[0]) != 0)
			continue;
		if (c->n != (benches[i].operand ? 2 : 1) &&
		    !(c->n > 2 && strcmp(benches[i].what, "recall") == 0))
			return err_set(e, ERR_USAGE, "bench %s takes %s; %zu operands were given",
				       benches[i].what,
				       benches[i].operand ? benches[i].operand : "nothing more", c->n - 1);
		return benches[i].run(c, c->opts, e);
	}
	return err_set(e, ERR_USAGE, "bench %s: %s%s%s", c->operand[0],
		       near ? "is it "
			    : "it measures train, toy, recall, forward and decode; dfc-audit help bench",
		       near ? near : "", near ? "?" : "");
}

const struct cmd cmd_bench = {
	.name = "bench",
	.operands = "train | toy | recall SPEC... | forward MODEL | decode MODEL | make-model DIR",
	.summary = "measure speed, and what is found where the answer is known",
	.about =
		"bench train times steps of training on random pairs, and between them the dense part of a "
		"step alone (the encoder's products, by the same kernels on the same threads), and prints "
		"pairs a second of both with their quartiles, the share of the one in the other, and "
		"memory.\n"
		"bench toy makes worlds of known concepts (arXiv 2602.11729, section 2.3), trains "
		"crosscoders on them and prints which share of the concepts they recover and what their "
		"exclusive latents really are.  Seeds come outermost and small dictionaries first, so that "
		"with --out a stopped run leaves whole rows, and the same command goes on.\n"
		"bench recall carries out the audits of specs whose models come with a planted.json (name and regex of "
		"what was planted) and prints for each planted behaviour which finding it is, its verdict, and how "
		"many findings about something else were confirmed.\n"
		"bench forward times a text of random tokens through all blocks and to its next token, with "
		"--layer also through the first blocks alone, and in between OpenBLAS's sgemm on the shapes of "
		"a layer: in tiles on our threads and with its own. It prints tokens a second, GFLOP/s, the "
		"share of the better sgemm, memory, and a digest of the residual stream and the logits, "
		"which no number of threads changes.\n"
		"bench decode times greedy steps of many sequences together and of one alone, as a share of "
		"the prefill of the same run and of what a stream copy says memory allows.\n"
		"bench make-model writes a model folder of a known shape with random bf16 weights and a "
		"tokenizer of bytes.\n"
		"They print Markdown, or JSON with --json.",
	.min = 1,
	.max = 1000,
	.first = what,
	.opts = bench_fields,
	.opts_bytes = sizeof(struct bench_opts),
	.run = run_bench,
};
