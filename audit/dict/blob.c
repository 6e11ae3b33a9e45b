#include "dict/blob.h"

#include "base/hash.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they stand in memory");

enum { NAME_BYTES = 8, FIXED = NAME_BYTES + 8, DIGEST = 32 };

static void put(struct out *o, struct sha256 *s, const void *p, size_t n)
{
	out_put(o, p, n);
	sha256_add(s, p, n);
}

int blob_write(const char *path, const char name[8], const struct blob_part *part, size_t n, struct err *e)
{
	uint64_t head_bytes = part[0].bytes;
	struct digest d;
	struct sha256 s;
	struct out *o;

	if (out_open(&o, path, e) < 0)
		return -1;
	sha256_init(&s);
	put(o, &s, name, NAME_BYTES);
	put(o, &s, &head_bytes, sizeof(head_bytes));
	for (size_t i = 0; i < n; i++)
		put(o, &s, part[i].p, part[i].bytes);
	d = sha256_end(&s);
	out_put(o, d.byte, sizeof(d.byte));
	return out_commit(o, NULL, e);
}

static int check(struct blob *b, const char name[8], size_t head_bytes, struct err *e)
{
	const uint8_t *p = b->map.p;
	size_t n = b->map.n;
	uint64_t said;
	struct digest d;

	if (n < NAME_BYTES || memcmp(p, name, NAME_BYTES) != 0)
		return err_set(e, ERR_INPUT, "%s: does not start with \"%.8s\"", b->path, name);
	if (n < FIXED + head_bytes + DIGEST)
		return err_set(e, ERR_INPUT, "%s: ends after %zu bytes, the head alone needs %zu", b->path, n,
			       FIXED + head_bytes + DIGEST);
	memcpy(&said, p + NAME_BYTES, sizeof(said));
	if (said != head_bytes)
		return err_set(e, ERR_INPUT, "%s: says its head has %llu bytes, %zu would be right", b->path,
			       (unsigned long long)said, head_bytes);
	d = digest_of(p, n - DIGEST);
	if (memcmp(d.byte, p + n - DIGEST, DIGEST) != 0)
		return err_set(e, ERR_INPUT, "%s: its bytes do not match the digest at its end", b->path);
	b->head = p + FIXED;
	b->at = FIXED + head_bytes;
	b->end = n - DIGEST;
	return 0;
}

int blob_open(struct blob *b, const char *path, const char name[8], size_t head_bytes, struct err *e)
{
	*b = (struct blob){ .path = path };
	if (map_open(&b->map, path, e) < 0)
		return -1;
	if (check(b, name, head_bytes, e) < 0) {
		map_close(&b->map);
		return -1;
	}
	return 0;
}

int blob_expect(const struct blob *b, size_t bytes, struct err *e)
{
	if (b->end - b->at != bytes)
		return err_set(e, ERR_INPUT, "%s: has %zu bytes of numbers, its shape needs %zu", b->path,
			       b->end - b->at, bytes);
	return 0;
}

void blob_take(struct blob *b, void *to, size_t bytes)
{
	BUG_ON(bytes > b->end - b->at);
	if (bytes > 0)
		memcpy(to, b->map.p + b->at, bytes);
	b->at += bytes;
}

void blob_close(struct blob *b)
{
	map_close(&b->map);
}
