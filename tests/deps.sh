#!/bin/sh
# Finds the Debian packages that are missing, by what they bring, and installs those.
#   deps.sh         what building and testing need
#   deps.sh TOOL... the packages of these tools
cd "$(dirname "$0")/.." || exit 2
missing=

need() { # PACKAGE COMMAND...: missing unless the command succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}
lib() { need "$2" pkg-config --exists "$1"; }
tool() { need "$2" command -v "$1"; }
header() {
	need "$2" sh -c "printf '#include <$1>\n' | cc -E -x c - || printf '#include <$1>\n' | gcc -E -x c -"
}

if [ $# -gt 0 ]; then
	for t in "$@"; do tool "$t" "$t"; done
else
	tool gcc gcc
	tool cc gcc
	tool ar binutils
	tool awk mawk
	tool pkg-config pkg-config
	header stdio.h libc6-dev
	header hpdf.h libhpdf-dev
	lib yaml-0.1 libyaml-dev
	lib libgit2 libgit2-dev
	lib openblas libopenblas-dev
	lib jansson libjansson-dev
	lib libcrypto libssl-dev
	lib libpcre2-8 libpcre2-dev
	lib libutf8proc libutf8proc-dev
	lib md4c libmd4c-dev
	lib zlib zlib1g-dev
	lib libzstd libzstd-dev
	lib cmocka libcmocka-dev
fi
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
missing=${missing% }

if [ -z "$missing" ]; then
	[ $# -gt 0 ] || echo "deps: nothing is missing"
	exit 0
fi
echo "deps: missing: $missing"
if ! command -v apt-get >/dev/null; then
	echo "deps: there is no apt-get here; install what these Debian packages hold, then try again" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo="sudo"
	if ! command -v sudo >/dev/null; then
		echo "deps: not root, and no sudo; as root: apt-get install $missing" >&2
		exit 1
	fi
fi
mkdir -p build
apt() { # what apt-get prints is of interest only when it fails
	echo "deps: ${sudo:+sudo }apt-get $*"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >build/deps.log 2>&1
}
apt update || echo "deps: the package lists could not be renewed; trying those that are there" >&2
# shellcheck disable=SC2086
if ! apt install -y --no-install-recommends $missing; then
	cat build/deps.log >&2
	echo "deps: apt-get could not install: $missing" >&2
	exit 1
fi
