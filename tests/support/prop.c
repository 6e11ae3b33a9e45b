#include "tests/support/prop.h"

#include "base/str.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void prop_for(const char *name, size_t n, prop_fn check, void *ud)
{
	const char *only = getenv("PROP_SEED"), *wrong;
	uint64_t first = 0, i;

	if (only && !view_u64(&first, view_of(only)))
		fail_msg("PROP_SEED=%s is no number", only);
	for (i = first; i < first + (only ? 1 : n); i++) {
		wrong = check(rng_stream(i, name, 0), ud);
		if (wrong)
			fail_msg("%s: PROP_SEED=%" PRIu64 ": %s", name, i, wrong);
	}
}
