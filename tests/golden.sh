#!/bin/sh
# golden.sh PROGRAM: every golden, run anew. What differs is put beside as .new; read it, then
# dfc-audit golden review, or make golden-update and say why in the commit.
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

for spec in golden/*/spec.yaml; do
	name=$(basename "$(dirname "$spec")")
	if "$1" golden check "$name" --work "$work" >"$work/out" 2>"$work/err"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$work/out"
		grep '^dfc-audit' "$work/err"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
