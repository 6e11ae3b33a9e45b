#!/bin/sh
# install.sh PROGRAM ROOT: the program and what belongs to it, under ROOT (DESTDIR and PREFIX together).
set -e
cd "$(dirname "$0")/.."
program=$1
root=$2
put() { # MODE FILE FOLDER NAME
	mkdir -p "$root/$3"
	cp "$2" "$root/$3/$4.tmp.$$"
	chmod "$1" "$root/$3/$4.tmp.$$"
	mv "$root/$3/$4.tmp.$$" "$root/$3/$4"
	echo "  PUT  $root/$3/$4"
}
made() { # FOLDER NAME ARGUMENT...: what the program prints
	f=$(dirname "$program")/$2
	folder=$1 name=$2
	shift 2
	"$program" "$@" > "$f.made"
	put 644 "$f.made" "$folder" "$name"
	rm "$f.made"
}

put 755 "$program" bin dfc-audit
made share/man/man1 dfc-audit.1 help man
made share/bash-completion/completions dfc-audit help bash
made share/zsh/site-functions _dfc-audit help zsh
made share/fish/vendor_completions.d dfc-audit.fish help fish
find templates -type f | LC_ALL=C sort | while read -r f; do
	put 644 "$f" "share/dfc-audit/$(dirname "$f")" "$(basename "$f")"
done
