#include "base/hash.h"
#include "base/map.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

void sha256_init(struct sha256 *s)
{
	/* What a system's openssl.cnf says must not change what a digest is. Cheap when done before. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	s->ctx = EVP_MD_CTX_new();
	BUG_ON(!s->ctx);
	BUG_ON(EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1);
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	BUG_ON(EVP_DigestUpdate(s->ctx, p, n) != 1);
}

struct digest sha256_end(struct sha256 *s)
{
	struct digest d;

	BUG_ON(EVP_DigestFinal_ex(s->ctx, d.byte, NULL) != 1);
	EVP_MD_CTX_free(s->ctx);
	s->ctx = NULL;
	return d;
}

struct digest digest_of(const void *p, size_t n)
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, p, n);
	return sha256_end(&s);
}

bool digest_eq(struct digest a, struct digest b)
{
	return memcmp(a.byte, b.byte, sizeof(a.byte)) == 0;
}

void digest_hex(char hex[65], struct digest d)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < sizeof(d.byte); i++) {
		hex[2 * i] = digit[d.byte[i] >> 4];
		hex[2 * i + 1] = digit[d.byte[i] & 15];
	}
	hex[64] = '\0';
}

/* -1 where it is no digit; small letters only, so that a digest has one spelling. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_parse(struct digest *out, const char *hex, size_t n)
{
	struct digest d;
	size_t i;

	if (n != 2 * sizeof(d.byte))
		return false;
	for (i = 0; i < sizeof(d.byte); i++) {
		int hi = digit_of(hex[2 * i]), lo = digit_of(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		d.byte[i] = (uint8_t)(hi << 4 | lo);
	}
	*out = d;
	return true;
}

struct counted {
	struct sha256 hash;
	uint64_t n;
};

static void take(void *ud, const void *p, size_t n)
{
	struct counted *c = ud;

	sha256_add(&c->hash, p, n);
	c->n += n;
}

int digest_file(struct digest *out, uint64_t *size, const char *path, struct err *e)
{
	struct counted c = { .n = 0 };
	int status;

	sha256_init(&c.hash);
	status = file_stream(path, take, &c, e);
	*out = sha256_end(&c.hash);
	if (size)
		*size = c.n;
	return status;
}
