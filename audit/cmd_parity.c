#include "cmd.h"
#include "base/par.h"
#include "base/str.h"
#include "model/parity.h"
#include "num/gemm.h"

#include <string.h>

struct parity_opts {
	const char *reference;
	double tolerance;
	size_t threads;
	bool json;
};

static const struct field parity_fields[] = {
	{ .name = "reference",
	  .kind = FIELD_PATH,
	  .offset = offsetof(struct parity_opts, reference),
	  .lo = 1,
	  .hi = 4000,
	  .fallback = "",
	  .help = "the stored values; left out: reference.safetensors in the model's folder" },
	{ .name = "tolerance",
	  .kind = FIELD_REAL,
	  .offset = offsetof(struct parity_opts, tolerance),
	  .lo = 0,
	  .hi = 1,
	  .fallback = "0",
	  .help = "a relative error above this is exit status 1; 0: none is" },
	OPT_THREADS(struct parity_opts),
	OPT_JSON(struct parity_opts),
	{ .name = NULL },
};

static void write_parity(const struct parity *r, const char *dir, const char *reference)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	json_open(&j, NULL, '{');
	json_puts(&j, "model", dir);
	json_puts(&j, "reference", reference);
	json_put_real(&j, "worst_relative", r->worst_relative);
	json_open(&j, "tensors", '[');
	for (size_t i = 0; i < r->n; i++) {
		json_open(&j, NULL, '{');
		json_puts(&j, "tensor", r->row[i].tensor);
		json_put_size(&j, "rows", r->row[i].n);
		json_put_size(&j, "width", r->row[i].width);
		json_put_real(&j, "worst", r->row[i].worst);
		json_put_real(&j, "range", r->row[i].range);
		json_put_real(&j, "relative", r->row[i].relative);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	print_json(&text);
}

static void print_parity(const struct parity *r)
{
	int wide = (int)strlen("tensor");

	for (size_t i = 0; i < r->n; i++)
		if ((int)strlen(r->row[i].tensor) > wide)
			wide = (int)strlen(r->row[i].tensor);
	printf("%-*s  %6s  %7s  %13s  %11s  %14s\n", wide, "tensor", "rows", "width", "largest error",
	       "of a range", "relative error");
	for (size_t i = 0; i < r->n; i++)
		printf("%-*s  %6zu  %7zu  %13.3g  %11.5g  %14.3g\n", wide, r->row[i].tensor, r->row[i].n,
		       r->row[i].width, r->row[i].worst, r->row[i].range, r->row[i].relative);
	printf("worst relative error  %.3g\n", r->worst_relative);
}

static int check_parity(const struct parity *r, double tolerance, struct err *e)
{
	if (!(tolerance > 0))
		return 0;
	for (size_t i = 0; i < r->n; i++)
		if (!(r->row[i].relative <= tolerance))
			return err_set(e, ERR_DIFFERS,
				       "%s differs by %.3g of its range; the tolerance is %.3g",
				       r->row[i].tensor, r->row[i].relative, tolerance);
	return 0;
}

static int run_parity(const struct call *c, struct err *e)
{
	const struct parity_opts *o = c->opts;
	const char *dir = c->operand[0];
	const char *reference =
		o->reference ? o->reference : arena_fmt(c->mem, "%s/reference.safetensors", dir);
	struct model *m = NULL;
	struct par *p = NULL;
	struct parity r;
	int rc = -1;

	if (gemm_setup(NULL, e) < 0 || par_new(&p, call_threads(c, o->threads), GEMM_SCRATCH, e) < 0)
		goto out;
	if (model_open(&m, dir, e) < 0 || parity_read(&r, c->mem, m, p, reference, e) < 0)
		goto out;
	if (o->json)
		write_parity(&r, dir, reference);
	else
		print_parity(&r);
	rc = check_parity(&r, o->tolerance, e);
out:
	model_close(m);
	par_free(p);
	return rc;
}

const struct cmd cmd_parity = {
	.name = "parity",
	.operands = "MODEL",
	.summary = "compare the forward pass with another implementation's",
	.about =
		"Runs the tokens of a reference file through a model folder and prints, for the logits and for "
		"each residual stream stored there, the largest error, and that error as a share of the "
		"reference's range (its largest value minus its smallest). Single precision alone gives about "
		"1e-6; 2e-5 is good.\n"
		"A reference is a safetensors file of cases: of a case X, X.ids are the tokens (from position "
		"0), X.logits (tokens x vocabulary) and X.resid.L (tokens x width) the logits and the residual "
		"stream after block L, counted from 0.",
	.min = 1,
	.max = 1,
	.opts = parity_fields,
	.opts_bytes = sizeof(struct parity_opts),
	.run = run_parity,
};
