#!/bin/sh
# ranks.sh PROGRAM: golden/small by one rank and by two, over MPI: the same bytes. PROGRAM is built with MPI=1.
cd "$(dirname "$0")/.." || exit 2
program=$PWD/$1
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

for n in 1 2; do
	mpirun --oversubscribe -n $n "$program" run golden/small/spec.yaml --allow-dirty --threads 1 --progress lines \
		--cache "$work/cache$n" --out "$work/run$n" >/dev/null 2>"$work/log$n" || { cat "$work/log$n"; exit 1; }
	(cd "$work/run$n" && sha256sum results.json report.md report.pdf MANIFEST) >"$work/digests$n"
done
# rank 0 says what it does itself: with two ranks fewer shards than alone
shards() { grep -c '^acts base: [0-9]' "$work/log$1"; }
if [ "$(shards 2)" -ge "$(shards 1)" ]; then
	echo "FAIL ranks: the second rank took no shard"
	exit 1
fi
cmp "$work/digests1" "$work/digests2" && echo "ranks: the same bytes from 1 and 2"
