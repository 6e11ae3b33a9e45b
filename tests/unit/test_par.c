#include "base/par.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNITS 1000

struct round {
	uint32_t done[UNITS];
	_Atomic size_t last; /* the unit handed out last */
	_Atomic bool out_of_order;
	size_t scratch;
};

static void unit(void *ud, size_t i, void *scratch)
{
	struct round *r = ud;

	r->done[i]++;
	if (r->scratch > 0) {
		if ((uintptr_t)scratch % 64 != 0)
			r->out_of_order = true;
		memset(scratch, (int)i, r->scratch);
	}
}

static void ordered(void *ud, size_t i, void *scratch)
{
	struct round *r = ud;

	(void)scratch;
	if (i != atomic_fetch_add(&r->last, 1))
		r->out_of_order = true;
}

static void every_unit_is_done_once(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7, 16 };
	static const size_t units[] = { 0, 1, 2, 5, 64, UNITS };
	size_t t, u, k, i;

	(void)state;
	for (t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
		struct err e = ERR_INIT;
		struct par *p;

		assert_int_equal(par_new(&p, threads[t], 1000, &e), 0);
		assert_int_equal(par_threads(p), threads[t]);
		assert_int_equal(par_scratch(p), 1000);
		for (k = 0; k < 40; k++) {
			for (u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
				struct round r = { .scratch = 1000 };

				par_run(p, units[u], unit, &r);
				assert_false(r.out_of_order);
				for (i = 0; i < UNITS; i++)
					if (r.done[i] != (i < units[u]))
						fail_msg("%u threads, %zu units: unit %zu", threads[t],
							 units[u], i);
			}
		}
		par_free(p);
	}
	assert_int_equal(mem_live(), 0);
	assert_int_equal(mem_reserved(), 0);
}

static void one_thread_goes_in_order(void **state)
{
	struct err e = ERR_INIT;
	struct round r = { .scratch = 0 };
	struct par *p;

	(void)state;
	assert_int_equal(par_new(&p, 1, 0, &e), 0);
	par_run(p, UNITS, ordered, &r);
	assert_false(r.out_of_order);
	par_free(p);
	par_free(NULL);
}

static void impossible_numbers_are_refused(void **state)
{
	struct err e = ERR_INIT;
	struct par *p;

	(void)state;
	assert_int_equal(par_new(&p, 0, 0, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_int_equal(par_new(&p, 5000, 0, &e), -1);
	assert_int_equal(par_new(&p, 2, SIZE_MAX / 2, &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_null(p);
	assert_int_equal(par_new(&p, 2, SIZE_MAX, &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_unit_is_done_once),
		cmocka_unit_test(one_thread_goes_in_order),
		cmocka_unit_test(impossible_numbers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
