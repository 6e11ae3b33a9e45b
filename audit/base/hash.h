#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4), through libcrypto. */

struct digest {
	uint8_t byte[32];
};

struct sha256 {
	void *ctx;
};

/* init allocates the context and end frees it: every init needs its end. */
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
struct digest sha256_end(struct sha256 *s);

struct digest digest_of(const void *p, size_t n);
bool digest_eq(struct digest a, struct digest b);
void digest_hex(char hex[65], struct digest d);
bool digest_parse(struct digest *out, const char *hex, size_t n);
/* The digest of a file's bytes and its size (size may be NULL). */
int digest_file(struct digest *out, uint64_t *size, const char *path, struct err *e);

#endif
