#include "model/pcre.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static void *pcre_alloc(PCRE2_SIZE n, void *ud)
{
	(void)ud;
	return mem_alloc(n, 1);
}

static void pcre_free(void *p, void *ud)
{
	(void)ud;
	mem_free(p);
}

void *pcre_memory(void)
{
	return pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
}
