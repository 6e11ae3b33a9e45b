#include "tests/support/checkpoint.h"

#include "base/json.h"
#include "base/out.h"
#include "base/rng.h"
#include "base/str.h"
#include "num/dtype.h"
#include "num/fmath.h"

#include <stdio.h>
#include <string.h>

/* A tensor to be written. */
struct piece {
	const char *name;
	enum dtype dtype;
	size_t rank, shape[4], n;
	double mean, sd;
};

struct builder {
	struct arena mem;
	struct arch arch;
	struct piece *piece;
	size_t n, room;
	const struct checkpoint_opts *opts;
};

static void add(struct builder *b, const char *name, const size_t *shape, size_t rank, double mean, double sd)
{
	static const enum dtype turn[] = { DT_F32, DT_F16, DT_BF16 };
	struct piece *p;

	b->piece = mem_grow(b->piece, &b->room, b->n + 1, sizeof(*b->piece));
	p = &b->piece[b->n];
	*p = (struct piece){ .name = name, .rank = rank, .n = 1, .mean = mean, .sd = sd };
	p->dtype = b->opts->mix ? turn[b->n % 3] : DT_F32;
	for (size_t i = 0; i < rank; i++)
		p->n *= p->shape[i] = shape[i];
	b->n++;
}

static bool is_expert(enum role r)
{
	return r >= ROLE_EXPERT_GATE && r <= ROLE_EXPERT_DOWN_BIAS;
}

/* One tensor of a role: its stored shape and how its values are spread. */
static void add_role(struct builder *b, enum role r, size_t layer, size_t expert)
{
	const struct arch *a = &b->arch;
	const char *name = arch_tensor_name(&b->mem, a, r, a->prefix[0], layer, expert);
	bool packed = is_expert(r) && !strstr(a->name[r], "{e}"), blocks;
	bool swap = a->transposed_weights && (r == ROLE_QKV || r == ROLE_O || r == ROLE_UP || r == ROLE_DOWN);
	bool gain = strstr(name, "norm") || strstr(name, "ln_");
	size_t rows, cols, shape[4], n = 0;
	double sd;

	arch_shape(&rows, &cols, a, r);
	blocks = packed && a->mxfp4 && rows > 1;
	swap |= packed && a->transposed_experts && rows > 1;
	sd = 1.2 / fm_sqrt_d((double)cols);
	if (packed)
		shape[n++] = a->n_experts;
	if (rows > 1 || r == ROLE_ROUTER)
		shape[n++] = swap ? cols : rows;
	shape[n++] = swap ? rows : cols;
	if (gain && !strstr(name, ".bias"))
		add(b, name, shape, n, a->norm == NORM_RMS_PLUS_ONE ? 0 : 1, 0.2);
	else if (!blocks)
		add(b, name, shape, n, 0, r == ROLE_EMBED || r == ROLE_SINKS ? 0.7 : rows > 1 ? sd : 0.15);
	else {
		shape[n - 1] = cols / 32;
		shape[n] = 16;
		add(b, arena_fmt(&b->mem, "%s_blocks", name), shape, n + 1, 0, 0);
		b->piece[b->n - 1].dtype = DT_U8;
		add(b, arena_fmt(&b->mem, "%s_scales", name), shape, n, 0, 0);
		b->piece[b->n - 1].dtype = DT_U8;
	}
}

static void add_all(struct builder *b)
{
	const struct arch *a = &b->arch;

	for (enum role r = 0; r < ROLE_COUNT; r++) {
		bool dense = r >= ROLE_GATE && r <= ROLE_DOWN_BIAS, sparse = r >= ROLE_ROUTER;
		size_t layers, experts;

		if (!a->name[r])
			continue;
		layers = strstr(a->name[r], "{l}") ? a->n_layers : 1;
		experts = strstr(a->name[r], "{e}") ? a->n_experts : 1;
		for (size_t l = 0; l < layers; l++) {
			if (layers > 1 || strstr(a->name[r], "{l}"))
				if ((dense && a->sparse[l]) || (sparse && !a->sparse[l]))
					continue;
			for (size_t x = 0; x < experts; x++)
				add_role(b, r, l, x);
		}
	}
}

static uint16_t half_of(float x)
{
	uint32_t u;
	int32_t e;

	memcpy(&u, &x, 4);
	e = (int32_t)(u >> 23 & 255) - 112;
	if (e <= 0 || e >= 31) /* tiny values become zero: the models have no use for them */
		return (uint16_t)(u >> 16 & 0x8000);
	return (uint16_t)((u >> 16 & 0x8000) | (uint32_t)e << 10 | (u >> 13 & 1023));
}

static void put_values(FILE *f, const struct piece *p, uint64_t seed)
{
	struct rng r = rng_stream(seed, p->name, 0);
	bool scales = p->dtype == DT_U8 && view_ends(view_of(p->name), "_scales");

	for (size_t i = 0; i < p->n; i++) {
		float x = (float)(p->mean + p->sd * rng_normal(r, i));
		uint16_t h;
		uint8_t byte;

		if (p->dtype == DT_F32) {
			fwrite(&x, 1, 4, f);
		} else if (p->dtype == DT_U8) {
			byte = (uint8_t)(scales ? 122 + rng_below(r, i, 5) : rng_below(r, i, 256));
			fwrite(&byte, 1, 1, f);
		} else {
			if (p->dtype == DT_BF16)
				dtype_narrow_bf16(&h, &x, 1);
			else
				h = half_of(x);
			fwrite(&h, 1, 2, f);
		}
	}
}

static int write_shard(const struct builder *b, const char *path, size_t first, size_t n, struct err *e)
{
	struct str header = STR_INIT;
	struct json_out j = JSON_TO_STR(&header);
	size_t at = 0;
	uint8_t length[8];
	FILE *f;

	j.compact = true;
	json_open(&j, NULL, '{');
	for (size_t i = first; i < first + n; i++) {
		const struct piece *p = &b->piece[i];
		size_t bytes = dtype_bytes(p->dtype, p->n);

		json_open(&j, p->name, '{');
		json_puts(&j, "dtype", dtype_name(p->dtype));
		json_open(&j, "shape", '[');
		for (size_t k = 0; k < p->rank; k++)
			json_put_size(&j, NULL, p->shape[k]);
		json_close(&j, ']');
		json_open(&j, "data_offsets", '[');
		json_put_size(&j, NULL, at);
		json_put_size(&j, NULL, at + bytes);
		json_close(&j, ']');
		json_close(&j, '}');
		at += bytes;
	}
	json_close(&j, '}');
	while (header.n % 8)
		str_addc(&header, ' ');
	for (size_t i = 0; i < 8; i++)
		length[i] = (uint8_t)(header.n >> 8 * i);
	f = fopen(path, "wb");
	if (!f)
		return err_sys(e, "write", path);
	fwrite(length, 1, 8, f);
	fwrite(header.p, 1, header.n, f);
	for (size_t i = first; i < first + n; i++)
		put_values(f, &b->piece[i], b->opts->seed);
	str_release(&header);
	return fclose(f) ? err_sys(e, "write", path) : 0;
}

static int write_text(const char *path, struct view text, struct err *e)
{
	/* Not base/out.h: what a test throws away need not be synced. */
	FILE *f = fopen(path, "wb");

	if (!f)
		return err_sys(e, "write", path);
	fwrite(text.p, 1, text.n, f);
	return fclose(f) ? err_sys(e, "write", path) : 0;
}

static int write_shards(struct builder *b, const char *dir, struct err *e)
{
	size_t shards = b->opts->shards, each = (b->n + shards - 1) / shards;
	struct str index = STR_INIT;
	struct json_out j = JSON_TO_STR(&index);
	int ret;

	json_open(&j, NULL, '{');
	json_open(&j, "weight_map", '{');
	for (size_t s = 0; s < shards; s++) {
		const char *file = arena_fmt(&b->mem, "model-%05zu-of-%05zu.safetensors", s + 1, shards);
		size_t first = s * each, n = b->n - first < each ? b->n - first : each;

		if (write_shard(b, arena_fmt(&b->mem, "%s/%s", dir, file), first, n, e) < 0)
			return -1;
		for (size_t i = first; i < first + n; i++)
			json_puts(&j, b->piece[i].name, file);
	}
	json_close(&j, '}');
	json_close(&j, '}');
	ret = write_text(arena_fmt(&b->mem, "%s/model.safetensors.index.json", dir), str_view(&index), e);
	str_release(&index);
	return ret;
}

int checkpoint_write(const char *dir, const char *config, const struct checkpoint_opts *o, struct err *e)
{
	struct builder b = { .opts = o };
	int ret = -1;

	/* Shards of an earlier index do no harm. */
	remove(arena_fmt(&b.mem, "%s/model.safetensors", dir));
	if (dir_make(dir, e) < 0 || arch_parse(&b.arch, &b.mem, view_of(config), "config.json", e) < 0)
		goto out;
	add_all(&b);
	if (write_text(arena_fmt(&b.mem, "%s/config.json", dir), view_of(config), e) < 0)
		goto out;
	ret = o->shards > 1 ? write_shards(&b, dir, e)
			    : write_shard(&b, arena_fmt(&b.mem, "%s/model.safetensors", dir), 0, b.n, e);
out:
	mem_free(b.piece);
	arena_release(&b.mem);
	return ret;
}
