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

unsanitized() { # is this no sanitizer's build, whose shadow memory would count as the program's?
	case $program in
	*/build/asan/* | */build/tsan/* | */build/tiny/*) return 1 ;;
	esac
}

total() { # the last line, and the status
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
