# What tests/NAME.sh PROGRAM begins with, read by it: the repository's folder, the program, a folder to work in, and the count.
cd "$(dirname "$0")/.." || exit 2
program=$PWD/$1
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

verdict() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $2"
	fi
}

total() { # the last line, and the status
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
