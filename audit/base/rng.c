#include "base/rng.h"
#include "base/err.h"
#include "base/hash.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

/* Salmon et al. 2011, section 3.3 and table 2: two multiplications a round, the key bumped by Weyl constants. */
void rng_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
	uint32_t c[4] = { counter[0], counter[1], counter[2], counter[3] }, k[2] = { key[0], key[1] };
	int round;

	for (round = 0; round < 10; round++) {
		uint64_t a = (uint64_t)0xd2511f53u * c[0], b = (uint64_t)0xcd9e8d57u * c[2];

		c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k[0];
		c[1] = (uint32_t)b;
		c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k[1];
		c[3] = (uint32_t)a;
		k[0] += 0x9e3779b9u;
		k[1] += 0xbb67ae85u;
	}
	memcpy(out, c, sizeof(c));
}

/* Both halves of the i-th block: two numbers that belong to one draw. */
static void block(uint64_t v[2], struct rng r, uint64_t i)
{
	const uint32_t counter[4] = { (uint32_t)i, (uint32_t)(i >> 32), 0, 0 };
	const uint32_t key[2] = { (uint32_t)r.key, (uint32_t)(r.key >> 32) };
	uint32_t w[4];

	rng_philox(w, counter, key);
	v[0] = w[0] | (uint64_t)w[1] << 32;
	v[1] = w[2] | (uint64_t)w[3] << 32;
}

static void put_u64(uint8_t out[8], uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

/* The digest is over seed, index (8 bytes each, little-endian), name. */
struct rng rng_stream(uint64_t seed, const char *name, uint64_t index)
{
	struct rng r = { .key = 0 };
	struct sha256 s;
	struct digest d;
	uint8_t word[8];
	int i;

	sha256_init(&s);
	put_u64(word, seed);
	sha256_add(&s, word, sizeof(word));
	put_u64(word, index);
	sha256_add(&s, word, sizeof(word));
	sha256_add(&s, name, strlen(name));
	d = sha256_end(&s);
	for (i = 0; i < 8; i++)
		r.key |= (uint64_t)d.byte[i] << 8 * i;
	return r;
}

uint64_t rng_u64(struct rng r, uint64_t i)
{
	uint64_t v[2];

	block(v, r, i);
	return v[0];
}

static double unit_of(uint64_t v)
{
	return (double)(v >> 11) * 0x1p-53;
}

double rng_unit(struct rng r, uint64_t i)
{
	return unit_of(rng_u64(r, i));
}

uint64_t rng_below(struct rng r, uint64_t i, uint64_t n)
{
	BUG_ON(n == 0);
	return (uint64_t)((u128)rng_u64(r, i) * n >> 64);
}

/* ln x, 0 < x <= 1: 2 atanh((m-1)/(m+1)) for the mantissa in [sqrt(1/2), sqrt(2)), plus e ln 2. */
static double log_of(double x)
{
	const double ln2 = 0x1.62e42fefa39efp-1;
	double s, ss, sum = 0;
	uint64_t bits;
	int e, k;

	memcpy(&bits, &x, sizeof(bits));
	e = (int)(bits >> 52) - 1022; /* x is at least 2^-53: a normal number */
	bits = (bits & 0xfffffffffffffu) | (uint64_t)1022 << 52;
	memcpy(&x, &bits, sizeof(x));
	if (x < 0x1.6a09e667f3bcdp-1) {
		x *= 2;
		e--;
	}
	s = (x - 1) / (x + 1);
	ss = s * s; /* at most 0.0295: twelve terms reach 2^-60 */
	for (k = 23; k >= 1; k -= 2)
		sum = sum * ss + 1.0 / k;
	return 2 * s * sum + e * ln2;
}

/* cos 2 pi v, 0 <= v < 1: reduced exactly to an eighth of a turn, then the Taylor series. */
static double cos_turns(double v)
{
	const double two_pi = 0x1.921fb54442d18p+2;
	int q = (int)(4 * v + 0.5), k;
	double a = two_pi * (v - q * 0.25), aa = a * a, c = 1, s = 1;

	for (k = 18; k >= 2; k -= 2) {
		c = 1 - c * aa / (k * (k - 1));
		s = 1 - s * aa / (k * (k + 1));
	}
	s *= a;
	switch (q & 3) {
	case 0: return c;
	case 1: return -s;
	case 2: return -c;
	default: return s;
	}
}

double rng_normal(struct rng r, uint64_t i)
{
	uint64_t v[2];

	block(v, r, i);
	/* (0, 1] for the logarithm */
	return __builtin_sqrt(-2 * log_of(unit_of(v[0]) + 0x1p-53)) * cos_turns(unit_of(v[1]));
}

void rng_permutation(struct rng r, uint32_t *perm, size_t n)
{
	size_t i, j;
	uint32_t t;

	BUG_ON(n > UINT32_MAX);
	for (i = 0; i < n; i++)
		perm[i] = (uint32_t)i;
	for (i = n; i > 1; i--) {
		j = (size_t)rng_below(r, i, i);
		t = perm[i - 1];
		perm[i - 1] = perm[j];
		perm[j] = t;
	}
}
