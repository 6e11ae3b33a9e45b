#include "base/map.h"
#include "base/out.h"
#include "store/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Any bytes as shards of activations: two bytes say where the first one ends, a third whether the digests in the headers
 * are made right, since no fuzzer finds those.  What opens has the rows it promises, each of which can be read.
 */

enum { HEADER = 128, DIGEST_AT = 48, MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void put_shard(const struct artifact *a, size_t shard, const uint8_t *p, size_t n, bool right)
{
	struct arena mem = ARENA_INIT;
	char name[32];
	FILE *f;

	snprintf(name, sizeof(name), "shard-%05zu", shard);
	f = fopen(artifact_path(&mem, a, name), "wb");
	if (!f)
		abort();
	if (right && n >= HEADER) {
		struct digest d = digest_of(p + HEADER, n - HEADER);

		fwrite(p, 1, DIGEST_AT, f);
		fwrite(&d, 1, sizeof(d), f);
		fwrite(p + DIGEST_AT + sizeof(d), 1, n - DIGEST_AT - sizeof(d), f);
	} else {
		fwrite(p, 1, n, f);
	}
	fclose(f);
	arena_release(&mem);
}

static void read_all(struct acts *r, bool right)
{
	size_t rows = acts_rows(r), d = acts_width(r), step = rows / MOST + 1;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const float *logp;
	float *x = ARENA_ARRAY(&mem, d + 1, float);

	for (size_t i = 0; i < rows && d > 0; i += step) {
		uint32_t row = (uint32_t)i;

		acts_ahead(r, &row, 1);
		if (acts_read(r, x, &row, 1, &e) < 0 && (right || e.code != ERR_INPUT))
			abort();
	}
	if (acts_logp(&logp, &mem, r, &e) < 0 && (right || e.code != ERR_INPUT))
		abort();
	arena_release(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct artifact a = { .complete = true };
	struct err e = ERR_INIT;
	struct acts *r;
	size_t first;
	bool right;

	if (n < 3)
		return 0;
	snprintf(a.dir, sizeof(a.dir), "build/scratch/fuzz-acts-%ld", (long)getpid());
	if (dir_make(a.dir, &e) < 0)
		abort();
	first = p[0] + 256u * p[1];
	right = p[2] & 1;
	p += 3;
	n -= 3;
	first = first < n ? first : n;
	put_shard(&a, 0, p, first, right);
	if (first < n)
		put_shard(&a, 1, p + first, n - first, right);
	if (acts_open(&r, &a, &e) < 0) {
		if (e.code != ERR_INPUT || !e.msg[0])
			abort();
	} else {
		read_all(r, right);
		acts_close(r);
	}
	if (dir_remove_tree(a.dir, &e) < 0)
		abort();
	return 0;
}
