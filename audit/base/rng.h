#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/*
 * Randomness as a function, not a state: the i-th number of a named stream
 * (Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Nothing advances, so no order of evaluation can change a result.
 */

struct rng {
	uint64_t key;
};

/* One block of the generator itself. */
void rng_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* The stream of (seed, name, index): SHA-256 of the three, its first eight bytes. */
struct rng rng_stream(uint64_t seed, const char *name, uint64_t index);
uint64_t rng_u64(struct rng r, uint64_t i);
double rng_unit(struct rng r, uint64_t i);		  /* [0, 1), 53 bits */
uint64_t rng_below(struct rng r, uint64_t i, uint64_t n); /* [0, n), by 128-bit multiplication; n > 0 */
/* Standard normal: inverse-free, by Box-Muller in double on our own log and sincos arithmetic
 * (integers and IEEE add, mul, div, sqrt only), so that the bits are the same on every CPU. */
double rng_normal(struct rng r, uint64_t i);
/* A permutation of 0..n-1, Fisher-Yates. */
void rng_permutation(struct rng r, uint32_t *perm, size_t n);

#endif
