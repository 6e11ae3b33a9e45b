#include "cmd_bench.h"

#include "base/hash.h"
#include "base/out.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/arch.h"
#include "num/dtype.h"

#include <string.h>

/*
 * A model folder of a known shape with random weights: config.json, a tokenizer of single bytes, and the tensors that
 * the config's family binds, streamed into shards as large as the release's.  Values are drawn from a table of normal
 * numbers by counter, so a seed names the folder's bytes.  Gains of norms are one, MXFP4 scales are small.
 */

enum { TABLE = 1 << 16, FILL = 1 << 16, STREAM_PIECE = 1 << 23, HEADER_UNIT = 8, SCALE_AT = 120, BLOCK = 32 };
static const double WEIGHT_SD = 0.02;
static const uint64_t SHARD_BYTES = 4000000000;

#define LLAMA_LIKE                                                                          \
	"\"hidden_act\": \"silu\", \"attention_bias\": false, \"attention_dropout\": 0.0, " \
	"\"initializer_range\": 0.02, \"torch_dtype\": \"bfloat16\", \"use_cache\": true, "

static const struct {
	const char *name, *config;
} shapes[] = {
	{ "llama-77m", "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], " LLAMA_LIKE
		       "\"hidden_size\": 768, \"num_hidden_layers\": 12, \"num_attention_heads\": 12, "
		       "\"num_key_value_heads\": 4, \"intermediate_size\": 2048, \"vocab_size\": 2048, "
		       "\"max_position_embeddings\": 8192, \"rms_norm_eps\": 1e-05, \"rope_theta\": 10000.0, "
		       "\"tie_word_embeddings\": true, \"bos_token_id\": 256, \"eos_token_id\": 257}" },
	{ "qwen3-8b",
	  "{\"model_type\": \"qwen3\", \"architectures\": [\"Qwen3ForCausalLM\"], " LLAMA_LIKE
	  "\"hidden_size\": 4096, \"num_hidden_layers\": 36, \"num_attention_heads\": 32, "
	  "\"num_key_value_heads\": 8, \"head_dim\": 128, \"intermediate_size\": 12288, \"vocab_size\": 151936, "
	  "\"max_position_embeddings\": 40960, \"rms_norm_eps\": 1e-06, \"rope_theta\": 1000000, "
	  "\"rope_scaling\": null, \"tie_word_embeddings\": false, \"use_sliding_window\": false, "
	  "\"sliding_window\": null, \"max_window_layers\": 36, \"bos_token_id\": 256, \"eos_token_id\": 257}" },
	{ "llama-3.1-8b",
	  "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], " LLAMA_LIKE
	  "\"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32, "
	  "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 128256, "
	  "\"max_position_embeddings\": 131072, \"rms_norm_eps\": 1e-05, \"rope_theta\": 500000.0, "
	  "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, "
	  "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192}, "
	  "\"tie_word_embeddings\": false, \"bos_token_id\": 256, \"eos_token_id\": 257}" },
	{ "gpt-oss-20b",
	  "{\"model_type\": \"gpt_oss\", \"architectures\": [\"GptOssForCausalLM\"], \"hidden_act\": \"silu\", "
	  "\"attention_bias\": true, \"hidden_size\": 2880, \"num_hidden_layers\": 24, "
	  "\"num_attention_heads\": 64, \"num_key_value_heads\": 8, \"head_dim\": 64, "
	  "\"intermediate_size\": 2880, \"vocab_size\": 201088, \"num_local_experts\": 32, "
	  "\"num_experts_per_tok\": 4, \"sliding_window\": 128, \"max_position_embeddings\": 131072, "
	  "\"rms_norm_eps\": 1e-05, \"rope_theta\": 150000, \"rope_scaling\": {\"rope_type\": \"yarn\", "
	  "\"factor\": 32.0, \"beta_fast\": 32.0, \"beta_slow\": 1.0, \"truncate\": false, "
	  "\"original_max_position_embeddings\": 4096}, \"swiglu_limit\": 7.0, \"tie_word_embeddings\": false, "
	  "\"quantization_config\": {\"quant_method\": \"mxfp4\"}, \"bos_token_id\": 256, \"eos_token_id\": 257}" },
	{ "tiny", "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], " LLAMA_LIKE
		  "\"hidden_size\": 64, \"num_hidden_layers\": 3, \"num_attention_heads\": 4, "
		  "\"num_key_value_heads\": 2, \"intermediate_size\": 96, \"vocab_size\": 258, "
		  "\"max_position_embeddings\": 4096, \"rms_norm_eps\": 1e-05, \"rope_theta\": 10000.0, "
		  "\"tie_word_embeddings\": true, \"bos_token_id\": 256, \"eos_token_id\": 257}" },
};

const char *const bench_shapes[] = { "llama-77m", "qwen3-8b", "llama-3.1-8b", "gpt-oss-20b", "tiny", NULL };

enum fill { FILL_RANDOM, FILL_ONE, FILL_BYTES, FILL_SCALES };

struct made {
	const char *name;
	size_t rank, shape[4];
	uint64_t bytes;
	enum fill fill;
};

struct making {
	const struct call *call;
	const char *dir;
	struct arch arch;
	struct par *par;
	struct made *list;
	size_t n, cap, n_shards;
	size_t *shard; /* (n) of each tensor */
	uint16_t *table;
	uint8_t *piece; /* STREAM_PIECE bytes */
	uint64_t total;
};

static struct made *made_new(struct making *k, const char *name, enum fill fill)
{
	k->list = mem_grow(k->list, &k->cap, k->n + 1, sizeof(*k->list));
	k->list[k->n] = (struct made){ .name = name, .fill = fill };
	return &k->list[k->n++];
}

static void made_shape(struct made *t, const size_t *shape, size_t rank, size_t value_bytes)
{
	t->rank = rank;
	t->bytes = value_bytes;
	for (size_t i = 0; i < rank; i++)
		t->bytes *= t->shape[i] = shape[i];
}

static bool role_is_gain(enum role role)
{
	return role == ROLE_FINAL_NORM || role == ROLE_ATTN_NORM || role == ROLE_FFN_NORM ||
	       role == ROLE_Q_NORM || role == ROLE_K_NORM;
}

static void list_tensor(struct making *k, enum role role, size_t layer)
{
	const struct arch *a = &k->arch;
	const char *name = arch_tensor_name(k->call->mem, a, role, a->prefix[0], layer, 0);
	bool expert = role >= ROLE_EXPERT_GATE && role <= ROLE_EXPERT_DOWN_BIAS;
	size_t shape[4] = { a->n_experts }, at = expert ? 1 : 0, rows, cols;

	arch_shape(&rows, &cols, a, role);
	if (rows > 1)
		shape[at++] = rows;
	if (expert && a->mxfp4 && rows > 1) {
		shape[at] = cols / BLOCK;
		shape[at + 1] = BLOCK / 2;
		made_shape(made_new(k, arena_fmt(k->call->mem, "%s_blocks", name), FILL_BYTES), shape, at + 2,
			   1);
		made_shape(made_new(k, arena_fmt(k->call->mem, "%s_scales", name), FILL_SCALES), shape,
			   at + 1, 1);
		return;
	}
	shape[at++] = cols;
	made_shape(made_new(k, name, role_is_gain(role) ? FILL_ONE : FILL_RANDOM), shape, at,
		   sizeof(uint16_t));
}

/* All tensors, layer by layer as a release has them, and the shard each goes to. */
static void list_all(struct making *k)
{
	const struct arch *a = &k->arch;
	uint64_t here = 0;

	for (size_t l = 0; l <= a->n_layers; l++)
		for (enum role r = 0; r < ROLE_COUNT; r++) {
			bool by_layer = a->name[r] && strstr(a->name[r], "{l}");

			if (!a->name[r] || (r == ROLE_UNEMBED && a->tied_embedding))
				continue;
			if (by_layer ? l < a->n_layers && arch_layer_has(a, r, l)
				     : l == (r == ROLE_EMBED ? 0 : a->n_layers))
				list_tensor(k, r, l);
		}
	k->shard = ARENA_ARRAY(k->call->mem, k->n, size_t);
	for (size_t i = 0; i < k->n; i++) {
		if (here && here + k->list[i].bytes > SHARD_BYTES) {
			k->n_shards++;
			here = 0;
		}
		here += k->list[i].bytes;
		k->total += k->list[i].bytes;
		k->shard[i] = k->n_shards;
	}
	k->n_shards++;
}

/* ---- values ---- */

struct filling {
	const struct making *k;
	enum fill fill;
	struct rng rng;
	uint64_t first; /* byte of the tensor, a multiple of 8 */
	size_t n;
};

static void fill_unit(void *ud, size_t unit, void *scratch)
{
	const struct filling *f = ud;
	size_t end = (unit + 1) * FILL < f->n ? (unit + 1) * FILL : f->n;

	(void)scratch;
	for (size_t i = unit * FILL; i < end; i += sizeof(uint64_t)) {
		uint64_t bits = f->fill == FILL_ONE ? 0 : rng_u64(f->rng, (f->first + i) / sizeof(bits));
		uint8_t *to = f->k->piece + i;

		for (size_t j = 0; j < sizeof(bits) / sizeof(uint16_t); j++, bits >>= 16, to += 2) {
			uint16_t v = f->fill == FILL_RANDOM ? f->k->table[bits & 0xffff] : (uint16_t)bits;

			if (f->fill == FILL_ONE)
				v = 0x3f80; /* 1 */
			else if (f->fill == FILL_SCALES)
				v = (uint16_t)((v & 0x0101) + SCALE_AT * 0x0101);
			memcpy(to, &v, sizeof(v));
		}
	}
}

/* The table: bf16 normal numbers of the standard deviation of weights. */
static void table_fill(uint16_t *table)
{
	struct rng r = rng_stream(1, "bench.weights", 0);

	for (size_t i = 0; i < TABLE; i++) {
		float v = (float)(WEIGHT_SD * rng_normal(r, i));

		dtype_narrow_bf16(&table[i], &v, 1);
	}
}

static void tensor_put(struct out *o, const struct making *k, size_t i)
{
	struct filling f = { .k = k, .fill = k->list[i].fill, .rng = rng_stream(1, "bench.tensor", i) };

	for (uint64_t left = k->list[i].bytes; left > 0; left -= f.n, f.first += f.n) {
		f.n = left < STREAM_PIECE ? (size_t)left : STREAM_PIECE;
		par_run(k->par, (f.n + FILL - 1) / FILL, fill_unit, &f);
		out_put(o, k->piece, f.n);
	}
}

/* ---- files ---- */

static const char *shard_name(const struct making *k, size_t shard)
{
	if (k->n_shards == 1)
		return "model.safetensors";
	return arena_fmt(k->call->mem, "model-%05zu-of-%05zu.safetensors", shard + 1, k->n_shards);
}

static int shard_write(const struct making *k, size_t shard, struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	struct out *o;
	uint64_t at = 0, n;

	if (out_open(&o, arena_fmt(k->call->mem, "%s/%s", k->dir, shard_name(k, shard)), e) < 0)
		return -1;
	j.compact = true;
	json_open(&j, NULL, '{');
	for (size_t i = 0; i < k->n; i++) {
		const struct made *t = &k->list[i];

		if (k->shard[i] != shard)
			continue;
		json_open(&j, t->name, '{');
		json_puts(&j, "dtype", dtype_name(t->fill < FILL_BYTES ? DT_BF16 : DT_U8));
		json_open(&j, "shape", '[');
		for (size_t r = 0; r < t->rank; r++)
			json_put_size(&j, NULL, t->shape[r]);
		json_close(&j, ']');
		json_open(&j, "data_offsets", '[');
		json_put_size(&j, NULL, at);
		json_put_size(&j, NULL, at += t->bytes);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, '}');
	while (s.n % HEADER_UNIT != 0)
		str_addc(&s, ' ');
	n = s.n;
	out_put(o, &n, sizeof(n));
	out_put(o, s.p, s.n);
	str_release(&s);
	for (size_t i = 0; i < k->n; i++)
		if (k->shard[i] == shard)
			tensor_put(o, k, i);
	return out_commit(o, NULL, e);
}

static int text_write(const struct making *k, const char *name, const struct str *text, struct err *e)
{
	return out_write(arena_fmt(k->call->mem, "%s/%s", k->dir, name), text->p, text->n, e);
}

static int index_write(const struct making *k, struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	int rc;

	if (k->n_shards == 1)
		return 0;
	json_open(&j, NULL, '{');
	json_open(&j, "metadata", '{');
	json_put_size(&j, "total_size", k->total);
	json_close(&j, '}');
	json_open(&j, "weight_map", '{');
	for (size_t i = 0; i < k->n; i++)
		json_puts(&j, k->list[i].name, shard_name(k, k->shard[i]));
	json_close(&j, '}');
	json_close(&j, '}');
	rc = text_write(k, "model.safetensors.index.json", &s, e);
	str_release(&s);
	return rc;
}

/* Bytes as GPT-2 writes them: printable ones as themselves, the others from U+0100 on; ids are the bytes. */
static int tokenizer_write(const struct making *k, struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	uint32_t other = 0x100;
	int rc;

	json_open(&j, NULL, '{');
	json_puts(&j, "version", "1.0");
	json_open(&j, "added_tokens", '[');
	for (size_t i = 0; i < 2; i++) {
		static const char *const off[] = { "single_word", "lstrip", "rstrip", "normalized" };

		json_open(&j, NULL, '{');
		json_put_size(&j, "id", 256 + i);
		json_puts(&j, "content", i ? "<eos>" : "<bos>");
		for (size_t f = 0; f < sizeof(off) / sizeof(*off); f++)
			json_put_bool(&j, off[f], false);
		json_put_bool(&j, "special", true);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "pre_tokenizer", '{');
	json_puts(&j, "type", "ByteLevel");
	json_put_bool(&j, "add_prefix_space", false);
	json_put_bool(&j, "trim_offsets", true);
	json_put_bool(&j, "use_regex", true);
	json_close(&j, '}');
	json_open(&j, "decoder", '{');
	json_puts(&j, "type", "ByteLevel");
	json_close(&j, '}');
	json_open(&j, "model", '{');
	json_puts(&j, "type", "BPE");
	json_open(&j, "vocab", '{');
	for (uint32_t b = 0; b < 256; b++) {
		bool itself = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
		char text[5] = { 0 };

		utf8_encode(text, itself ? b : other++);
		json_put_size(&j, text, b);
	}
	json_close(&j, '}');
	json_open(&j, "merges", '[');
	json_close(&j, ']');
	json_close(&j, '}');
	json_close(&j, '}');
	rc = text_write(k, "tokenizer.json", &s, e);
	str_release(&s);
	return rc;
}

static int folder_write(struct making *k, const char *config, struct err *e)
{
	struct str s = STR_INIT;
	const char *path = arena_fmt(k->call->mem, "%s/config.json", k->dir);
	uint64_t room;
	int rc;

	if (path_is_file(path))
		return err_set(e, ERR_USAGE, "%s holds a model already; a new folder would be right", k->dir);
	if (dir_make(k->dir, e) < 0 || path_free_bytes(&room, k->dir, e) < 0)
		return -1;
	if (room < k->total)
		return err_set(e, ERR_SIZE, "%s: %.1f GB are to be written and %.1f GB are free", k->dir,
			       (double)k->total * 1e-9, (double)room * 1e-9);
	for (size_t i = 0; i < k->n_shards; i++)
		if (shard_write(k, i, e) < 0)
			return -1;
	str_adds(&s, config);
	str_addc(&s, '\n');
	rc = index_write(k, e) < 0 || tokenizer_write(k, e) < 0 ? -1 : text_write(k, "config.json", &s, e);
	str_release(&s);
	return rc;
}

int bench_make(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct making k = { .call = c, .dir = c->operand[1] };
	const char *config = NULL;
	int rc = -1;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(shapes[i].name, bench_shapes[o->shape]) == 0)
			config = shapes[i].config;
	BUG_ON(!config);
	if (arch_parse(&k.arch, c->mem, view_of(config), bench_shapes[o->shape], e) < 0 ||
	    par_new(&k.par, call_threads(c, o->threads), 0, e) < 0)
		return -1;
	list_all(&k);
	k.table = ARENA_ARRAY(c->mem, TABLE, uint16_t);
	k.piece = ARENA_ARRAY(c->mem, STREAM_PIECE, uint8_t);
	table_fill(k.table);
	rc = folder_write(&k, config, e);
	if (rc == 0)
		printf("%s: %zu tensors in %zu files, %.3f GB\n", k.dir, k.n, k.n_shards,
		       (double)k.total * 1e-9);
	mem_free(k.list);
	par_free(k.par);
	return rc;
}
