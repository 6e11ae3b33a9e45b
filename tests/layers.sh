#!/bin/sh
# The floor plan of layers.txt, held: who includes whom, and no header cycles.
cd "$(dirname "$0")/.." || exit 2
files=$(ls audit/*.[ch] audit/*/*.[ch] report/*.[ch] 2>/dev/null)
bad=$(grep -nH '^#include "' $files | awk -F'[:"]' '
	function floor(path) {
		if (path ~ /^audit\/[^\/]*$/ || path !~ /\//) return "cmd"
		sub(/^audit\//, "", path)
		sub(/\/.*/, "", path)
		return path
	}
	BEGIN {
		while ((getline line < "tests/layers.txt") > 0) {
			split(line, side, ": *")
			n = split(side[2], list, " ")
			may[side[1], side[1]] = 1
			for (i = 1; i <= n; i++) may[side[1], list[i]] = 1
		}
	}
	!((floor($1), floor($4)) in may) { print $1 ":" $2 ": may not include " $4 }')
loop=$(echo "$files" | grep '\.h$' | xargs grep -H '^#include "' |
	sed -E 's/^(audit\/)?([^:]*):#include "([^"]*)".*/\2 \3/' | tsort 2>&1 >/dev/null)
[ -z "$bad$loop" ] || { printf '%s\n' "$bad" "$loop" >&2; exit 1; }
