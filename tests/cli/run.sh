#!/bin/sh
# run.sh PROGRAM [NAME...]: runs each NAME.sh here in a folder of its own and compares what it said with NAME.out,
# NAME.err (absent: nothing) and NAME.exit (absent: 0). In those, a line "..." stands for any lines, and "..."
# inside a line for any text. The scripts see $DFC, the program, and $ROOT, the repository. UPDATE=1 rewrites what
# differs; read the diff before you commit it. Signals are at their defaults, whoever started us (nohup ignores some).
here=$(cd "$(dirname "$0")" && pwd) || exit 2
ROOT=$(cd "$here/../.." && pwd)
DFC=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
scratch=$(cd "$(dirname "$1")" && pwd)/cli
export ROOT DFC
shift
passed=0 failed=0

same() { # EXPECTED ACTUAL
	awk -v expected="$1" '
		function glob(pattern, text,    n, part, i, at) {
			n = split(pattern, part, /\.\.\./)
			if (n <= 1) return pattern == text
			if (substr(text, 1, length(part[1])) != part[1]) return 0
			text = substr(text, length(part[1]) + 1)
			for (i = 2; i < n; i++) {
				if (part[i] == "") continue
				at = index(text, part[i])
				if (!at) return 0
				text = substr(text, at + length(part[i]))
			}
			return length(text) >= length(part[n]) && \
				substr(text, length(text) - length(part[n]) + 1) == part[n]
		}
		BEGIN { while ((getline line < expected) > 0) want[++m] = line }
		{ got[++n] = $0 }
		END {
			# the usual backtracking glob, over lines: star is the last "..." seen
			i = j = 1
			while (j <= n) {
				if (i <= m && want[i] == "...") { star = i++; mark = j }
				else if (i <= m && glob(want[i], got[j])) { i++; j++ }
				else if (star) { i = star + 1; j = ++mark }
				else exit 1
			}
			while (i <= m && want[i] == "...") i++
			exit i <= m
		}' "$2"
}

check() { # NAME KIND ACTUAL DEFAULT
	want=$here/$1.$2
	if [ ! -e "$want" ]; then
		want=$scratch/$1.default
		printf '%s' "$4" > "$want"
	fi
	same "$want" "$3" && return 0
	if [ "${UPDATE:-}" = 1 ]; then
		cp "$3" "$here/$1.$2"
		echo "$1.$2 rewritten"
		return 0
	fi
	echo "$1.$2 differs (- expected, + found):"
	diff -u "$want" "$3" | tail -n +3
	return 1
}

rm -rf "$scratch"
mkdir -p "$scratch"
for script in "$here"/*.sh; do
	name=$(basename "$script" .sh)
	[ "$name" = run ] && continue
	case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
	mkdir "$scratch/$name"
	(cd "$scratch/$name" && exec env --default-signal sh "$script") >"$scratch/$name.out" 2>"$scratch/$name.err" </dev/null
	echo $? >"$scratch/$name.exit"
	ok=1
	check "$name" out "$scratch/$name.out" '' || ok=0
	check "$name" err "$scratch/$name.err" '' || ok=0
	check "$name" exit "$scratch/$name.exit" 0 || ok=0
	passed=$((passed + ok)) failed=$((failed + 1 - ok))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
