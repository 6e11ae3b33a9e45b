#include "base/sort.h"
#include "base/mem.h"
#include "tests/support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
	uint16_t key;
	uint32_t came;
};

static int by_key(const void *a, const void *b, void *ud)
{
	const struct item *x = a, *y = b;

	*(size_t *)ud += 1;
	return (x->key > y->key) - (x->key < y->key);
}

static const char *sorted_and_stable(struct rng r, void *ud)
{
	size_t n = rng_below(r, 0, 300), calls = 0, i, limit = 0, p;
	uint64_t keys = 1 + rng_below(r, 1, 40);
	const char *wrong = NULL;
	struct item *v = mem_alloc(n + 1, sizeof(*v));

	(void)ud;
	for (i = 0; i < n; i++)
		v[i] = (struct item){ (uint16_t)rng_below(r, 2 + i, keys), (uint32_t)i };
	sort_stable(v, n, sizeof(*v), by_key, &calls);
	for (i = 1; i < n; i++)
		if (v[i - 1].key > v[i].key || (v[i - 1].key == v[i].key && v[i - 1].came >= v[i].came))
			wrong = "out of order";
	for (p = 1; p < n; p *= 2)
		limit += n;
	if (calls > limit)
		wrong = "more comparisons than n log n";
	mem_free(v);
	return wrong;
}

static void sorting(void **state)
{
	(void)state;
	prop_for("sort", 2000, sorted_and_stable, NULL);
}

/* Against looking at one after the other, with equal numbers and a stride. */
static const char *last_of_many(struct rng r, void *ud)
{
	struct {
		uint64_t first, other;
	} v[40];
	size_t n = 1 + rng_below(r, 0, 40), want = 0;
	uint64_t at = 0, x;

	(void)ud;
	for (size_t i = 0; i < n; i++) {
		at += rng_below(r, 1 + i, 3);
		v[i].first = at;
		v[i].other = 0;
	}
	x = rng_below(r, 100, at + 3);
	for (size_t i = 0; i < n; i++)
		want = v[i].first <= x ? i : want;
	return sort_last(&v->first, n, sizeof(v[0]), x) == want ? NULL : "another element";
}

static void the_last_at_most(void **state)
{
	(void)state;
	prop_for("last", 500, last_of_many, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sorting), cmocka_unit_test(the_last_at_most) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
