#include "cmd_model.h"
#include "base/out.h"
#include "base/str.h"
#include "model/arch.h"
#include "model/model.h"
#include "model/safetensors.h"

/* What there is to say of a model folder. */
struct facts {
	const struct arch *arch;
	size_t layer;		  /* that would be harvested */
	size_t parameters, bytes; /* 0 without weights */
	size_t values[DT_COUNT];  /* stored in each format */
	const char *const *file;
	size_t n_files;
};

static bool has_weights(const char *dir, struct arena *mem)
{
	return path_is_file(arena_fmt(mem, "%s/model.safetensors", dir)) ||
	       path_is_file(arena_fmt(mem, "%s/model.safetensors.index.json", dir));
}

static int count_formats(struct facts *f, const char *dir, struct err *e)
{
	struct safetensors *s;

	if (safetensors_open_dir(&s, dir, e) < 0)
		return -1;
	for (size_t i = 0; i < safetensors_count(s); i++)
		f->values[safetensors_nth(s, i)->dtype] += safetensors_nth(s, i)->n;
	safetensors_close(s);
	return 0;
}

static void put_formats(struct json_out *j, const struct facts *f)
{
	json_open(j, "dtypes", '{');
	for (enum dtype t = 0; t < DT_COUNT; t++)
		if (f->values[t])
			json_put_size(j, dtype_name(t), f->values[t]);
	json_close(j, '}');
}

static void write_facts(const struct facts *f, const char *dir)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	const struct arch *a = f->arch;

	json_open(&j, NULL, '{');
	json_puts(&j, "path", dir);
	json_puts(&j, "family", a->family);
	json_put_size(&j, "n_layers", a->n_layers);
	json_put_size(&j, "d_model", a->d_model);
	json_put_size(&j, "n_heads", a->n_heads);
	json_put_size(&j, "n_kv_heads", a->n_kv_heads);
	json_put_size(&j, "d_head", a->d_head);
	json_put_size(&j, "d_ffn", a->d_ffn);
	json_put_size(&j, "n_experts", a->n_experts);
	json_put_size(&j, "n_experts_used", a->n_experts_used);
	json_put_size(&j, "n_vocab", a->n_vocab);
	json_put_size(&j, "n_context", a->n_context);
	json_put_bool(&j, "weights", f->bytes > 0);
	json_put_size(&j, "parameters", f->parameters);
	json_put_size(&j, "bytes", f->bytes);
	put_formats(&j, f);
	json_open(&j, "files", '[');
	for (size_t i = 0; i < f->n_files; i++)
		json_puts(&j, NULL, f->file[i]);
	json_close(&j, ']');
	json_open(&j, "harvest", '{');
	json_put_size(&j, "layer", f->layer);
	json_put_size(&j, "width", a->d_model);
	json_close(&j, '}');
	json_close(&j, '}');
	print_json(&text);
}

static void print_weights(const struct facts *f)
{
	const char *between = "";

	if (f->bytes == 0) {
		puts("weights     none in this folder: no model.safetensors, no model.safetensors.index.json");
		return;
	}
	printf("parameters  %zu\nweights     %zu bytes:", f->parameters, f->bytes);
	for (enum dtype t = 0; t < DT_COUNT; t++) {
		if (f->values[t]) {
			printf("%s %zu values %s", between, f->values[t], dtype_name(t));
			between = ",";
		}
	}
	fputs("\nfiles      ", stdout);
	for (size_t i = 0; i < f->n_files; i++)
		printf(" %s", f->file[i]);
	putchar('\n');
}

static void print_facts(const struct facts *f)
{
	const struct arch *a = f->arch;

	printf("family      %s\nblocks      %zu of width %zu: %zu heads of %zu, %zu for keys and values\n",
	       a->family, a->n_layers, a->d_model, a->n_heads, a->d_head, a->n_kv_heads);
	if (a->n_experts)
		printf("experts     %zu of width %zu, %zu used a token\n", a->n_experts, a->d_expert,
		       a->n_experts_used);
	else
		printf("mlp         %zu wide\n", a->d_ffn);
	printf("vocabulary  %zu\ncontext     %zu tokens\n", a->n_vocab, a->n_context);
	print_weights(f);
	printf("harvest     the output of block %zu (counted from 0) unless a spec says otherwise: %zu values, %zu bytes "
	       "in bf16, a token\n",
	       f->layer, a->d_model, 2 * a->d_model);
}

int show_model(const struct call *c, const char *dir, bool json, struct err *e)
{
	const struct spec_model middle = { .path = dir, .layer = -1 };
	struct facts f = { .arch = NULL };
	struct model *m = NULL;
	struct arch arch;
	int rc = -1;

	if (!path_is_dir(dir))
		return err_set(e, ERR_INPUT, "there is no folder %s", dir);
	if (arch_read(&arch, c->mem, arena_fmt(c->mem, "%s/config.json", dir), e) < 0)
		return -1;
	f.arch = &arch;
	if (has_weights(dir, c->mem)) {
		if (model_open(&m, dir, e) < 0 || count_formats(&f, dir, e) < 0)
			goto out;
		f.parameters = model_parameters(m);
		f.bytes = model_bytes(m);
		f.n_files = model_files(&f.file, m);
	}
	if (spec_layer(&f.layer, &middle, arch.n_layers, e) < 0)
		goto out;
	if (json)
		write_facts(&f, dir);
	else
		print_facts(&f);
	rc = 0;
out:
	model_close(m);
	return rc;
}
