/* A fuzz target's corpus, file by file, without a fuzzer: what was once found stays found on any compiler. */

#include "base/map.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int main(int argc, char **argv)
{
	int i, passed = 0, failed = 0;

	for (i = 1; i < argc; i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct view text;

		if (file_read(&text, &mem, argv[i], SIZE_MAX, &e) < 0) {
			err_print(&e, stderr);
			failed++;
		} else {
			/* named before it is tried, in case it does not come back */
			fprintf(stderr, "%s\n", argv[i]);
			LLVMFuzzerTestOneInput((const uint8_t *)text.p, text.n);
			passed++;
		}
		arena_release(&mem);
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
