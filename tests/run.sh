#!/bin/sh
# run.sh BUILD SUITE...: runs cmocka binaries (paths) and the suites named below, quiet unless something fails.
# Every suite ends with "N passed, N failed"; so does this, with the sums. A suite that ran nothing has failed.
cd "$(dirname "$0")/.." || exit 2
build=$1
shift
mkdir -p "$build"
log=$build/test.$$.log # two of these may run side by side
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# one line from a binary's report; where it did not come to one, it counts as one failure more
count() { # STATUS
	awk -v status="$1" '
		/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
		/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
		/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 }
		END { if ((status != 0 && f == 0) || p + f == 0) f++; print p + 0, f + 0 }' "$log"
}

suite() { # NAME COMMAND...
	name=$1
	shift
	"$@" >"$log" 2>&1
	set -- $(count $?)
	passed=$((passed + $1)) failed=$((failed + $2))
	if [ "$2" -gt 0 ]; then
		sed 's/^/    /' "$log"
		echo "FAIL $name: $1 passed, $2 failed"
	else
		echo "  ok $name: $1"
	fi
}

rules() {
	bad=0
	for rule in layers doors headers; do
		tests/$rule.sh || { echo "tests/$rule.sh says no"; bad=$((bad + 1)); }
	done
	echo "$((3 - bad)) passed, $bad failed"
}

replay() { # FUZZER
	name=${1##*/fuzz_}
	"$1" tests/fuzz/corpus/"$name"/*
}

for s; do
	case $s in
	rules) suite rules rules ;;
	cli) suite cli tests/cli/run.sh "$build/dfc-audit" ;;
	store) suite store tests/store.sh "$build/dfc-audit" ;;
	sources) suite sources tests/sources.sh "$build/dfc-audit" ;;
	runs) suite runs tests/runs.sh "$build/dfc-audit" ;;
	golden) suite golden tests/golden.sh "$build/dfc-audit" ;;
	replay) for f in tests/fuzz/fuzz_*.c; do
			[ -e "$f" ] || continue
			f=$(basename "$f" .c)
			suite "$f" replay "$build/$f"
		done ;;
	*) suite "${s#"$build"/tests/}" "$s" ;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
