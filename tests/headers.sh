#!/bin/sh
# Every header compiles alone, strictly.
cd "$(dirname "$0")/.." || exit 2
status=0
for h in audit/*.h audit/*/*.h report/*.h tests/support/*.h; do
	[ -e "$h" ] || continue
	${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Iaudit -I. -Wall -Wextra -Wpedantic -Wconversion \
		-Wno-sign-conversion -Wshadow -Wstrict-prototypes -Werror -fsyntax-only -x c "$h" || status=1
done
exit $status
