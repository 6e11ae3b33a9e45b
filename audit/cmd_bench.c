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

static const struct field bench_fields[] = {
	SIZE_ROW(da, 1, 65536, "512", "train: width of model A"),
	SIZE_ROW(db, 1, 65536, "512", "train: width of model B"),
	SIZE_ROW(width, 1, 1e7, "8192", "train: latents"),
	REAL_ROW(exclusive, 0, 0.5, "0.05", "share of the latents that is each model's own"),
	SIZE_ROW(k, 0, 1e6, "0", "latents kept a row; 0: 64 for train, as many as are active for toy"),
	SIZE_ROW(batch, 1, 262144, "2048", "pairs a step"),
	SIZE_ROW(steps, 1, 1e6, "15", "train: steps timed, after three that are not"),
	TEXT_ROW(sizes, "819,2048,4096", "toy: latents of the dictionaries tried"),
	TEXT_ROW(
		modes, "standard,paper,balanced,promoted",
		"toy: crosscoders tried: standard, with exclusive latents under either score, or promoted (paper score, "
		"train.promote 0.8)"),
	SIZE_ROW(concepts, 4, 65536, "2048", "toy: concepts; 2.5 % of them are each model's own"),
	SIZE_ROW(rows, 1000, 1e8, "1000000", "toy: distinct pairs"),
	SIZE_ROW(seeds, 1, 1000, "3", "toy: worlds and trainings of each kind"),
	REAL_ROW(pairs, 1000, 1e12, "1e7", "toy: pairs of a training"),
	SIZE_ROW(d, 8, 65536, "256", "toy: width of both models"),
	REAL_ROW(active, 0.1, 10000, "20", "toy: concepts on a row, about"),
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
	OPT_THREADS(struct bench_opts),
	OPT_JSON(struct bench_opts),
	{ .name = NULL },
};

static const struct {
	const char *what;
	int (*run)(const struct call *c, const struct bench_opts *o, struct err *e);
} benches[] = {
	{ "train", bench_train },
	{ "toy", bench_toy },
};

static const char *const what[] = { "train", "toy", NULL };

static int run_bench(const struct call *c, struct err *e)
{
	const char *near = word_near(what, view_of(c->operand[0]));

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		if (strcmp(benches[i].what, c->operand[0]) == 0)
			return benches[i].run(c, c->opts, e);
	return err_set(e, ERR_USAGE, "bench %s: %s%s%s", c->operand[0],
		       near ? "is it " : "it measures train and toy; dfc-audit help bench", near ? near : "",
		       near ? "?" : "");
}

const struct cmd cmd_bench = {
	.name = "bench",
	.operands = "train | toy",
	.summary = "measure speed, and what training finds in a world that is known",
	.about = "bench train times steps of training on random pairs, and between them the dense part of a "
		 "step alone (the encoder's products, by the same kernels on the same threads), and prints "
		 "pairs a second of both with their quartiles, the share of the one in the other, and "
		 "memory.\n"
		 "bench toy makes worlds of known concepts (arXiv 2602.11729, section 2.3), trains "
		 "crosscoders on them and prints which share of the concepts they recover and what their "
		 "exclusive latents really are.  Seeds come outermost and small dictionaries first, so that "
		 "with --out a stopped run leaves whole rows, and the same command goes on.\n"
		 "Both print Markdown, or JSON with --json.",
	.min = 1,
	.max = 1,
	.first = what,
	.opts = bench_fields,
	.opts_bytes = sizeof(struct bench_opts),
	.run = run_bench,
};
