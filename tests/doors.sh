#!/bin/sh
# One door each: what doors.txt names appears in that file and in no other. Comments may name it.
cd "$(dirname "$0")/.." || exit 2
status=0
folders=audit
[ -d report ] && folders="audit report"
while IFS='	' read -r what door; do
	case $what in '' | '#'*) continue ;; esac
	grep -rnE --include='*.[ch]' "$what" $folders | sort | what=$what door=$door awk '
		BEGIN { what = ENVIRON["what"]; door = ENVIRON["door"]; gsub(/\\</, "", what) }
		{
			path = line = $0
			sub(/:.*/, "", path)
			sub(/^[^:]*:[0-9]+:/, "", line)
			if (path ~ "^(" door ")$" || line ~ /^[ \t]*(\/\*|\*)/) next
			gsub(/\/\*[^*]*\*\//, "", line)          # comments and strings do nothing
			gsub(/\/\*.*/, "", line)
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
			if ((" " line) ~ ("[^A-Za-z0-9_>.](" what ")")) { print; bad = 1 }
		}
		END { exit bad }' || { echo "  only in $door" >&2; status=1; }
done < tests/doors.txt
exit $status
