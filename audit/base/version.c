#include "base/version.h"

const char *program_version(void)
{
	return VERSION;
}

const char *program_commit(void)
{
	return COMMIT;
}
