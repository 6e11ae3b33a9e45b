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
	size_t parameters;	  /* without weights: by config.json */
	size_t bytes;		  /* 0 without weights */
	size_t window, n_windows; /* the widest, and how many blocks have one */
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
	json_put_size(&j, "context_limit", a->context_limit);
	json_put_size(&j, "d_rotary", a->d_rotary);
	json_put_real(&j, "rope_factor", a->d_rotary ? a->rope_factor[0] : 1);
	json_put_size(&j, "window", f->window);
	json_put_size(&j, "n_windows", f->n_windows);
	json_put_bool(&j, "tied_head", a->tied_embedding);
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
		printf("parameters  %zu by config.json\n", f->parameters);
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

/* How a position enters, and how far a block sees. */
static void print_reach(const struct facts *f)
{
	const struct arch *a = f->arch;

	if (a->position == POSITION_LEARNED) {
		fputs("positions   learned", stdout);
	} else {
		printf("positions   rotary, %zu of the %zu values of a head", a->d_rotary, a->d_head);
		if (a->rope_factor[0] != 1)
			printf(", cos and sin times %.6g", a->rope_factor[0]);
	}
	if (a->rope_far)
		printf("; texts of more than %zu tokens by other angles", a->rope_far);
	if (a->context_limit)
		printf("; none beyond %zu", a->context_limit);
	printf("\nattention   ");
	if (f->n_windows)
		printf("a window of %zu tokens in %zu of the blocks\n", f->window, f->n_windows);
	else
		puts("every block sees the whole text");
	printf("head        %s\n", a->tied_embedding ? "tied to the embedding" : "weights of its own");
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
	print_reach(f);
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
	for (size_t l = 0; l < arch.n_layers; l++) {
		f.n_windows += arch.window[l] > 0;
		f.window = arch.window[l] > f.window ? arch.window[l] : f.window;
	}
	for (size_t r = 0; r < ROLE_COUNT; r++)
		f.parameters += arch_values(&arch, (enum role)r);
	if (has_weights(dir, c->mem)) {
		if (model_open(&m, dir, e) < 0 || count_formats(&f, dir, e) < 0)
			goto out;
		f.parameters = model_parameters(m);
		f.bytes = model_bytes(m);
		f.n_files = model_files(&f.file, m);
	}
	if (spec_layer(&f.layer, &middle, middle.layer, arch.n_layers, e) < 0)
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
