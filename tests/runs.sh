#!/bin/sh
# runs.sh PROGRAM: whole audits of golden/small - the same bytes for other threads, after kill -9 in every kind of step, for
# two runs on one cache at once.
. "$(dirname "$0")/support/suite.sh"

audit() { # CACHE OUT OPTIONS...
	cache=$1 out=$2
	shift 2
	"$program" run golden/small/spec.yaml --allow-dirty --cache "$work/cache-$cache" --out "$work/$out" "$@"
}

digests() { # RUN: of what must not differ
	(cd "$work/$1" && sha256sum results.json report.md report.pdf MANIFEST)
}

same() { # RUN WHAT
	[ "$(digests first)" = "$(digests "$1")" ]
	verdict $? "$2"
}

begin() { # NAME
	"$program" run golden/small/spec.yaml --allow-dirty --cache "$work/cache-$1" --out "$work/$1" --progress=lines \
		>/dev/null 2>"$work/$1.log" &
	pid=$!
}

end() { # WHAT: a run that was over before its time came was not killed
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ $? -eq 137 ]
	verdict $? "still running when killed at $1"
}

# kills the run when its log first says WORD, then lets the same command end it
killed() { # NAME WORD
	begin "$1"
	while kill -0 "$pid" 2>/dev/null && ! grep -q "$2" "$work/$1.log"; do :; done
	end "\"$2\""
	audit "$1" "$1" --progress=never >/dev/null && same "$1" "killed at \"$2\" and started again"
}

newest() { # CACHE: the last step that a checkpoint of any training is of; 0: none
	find "$1" -name 'checkpoint-????????' 2>/dev/null | sed 's/.*-0*//' | sort -n | tail -1 | grep . || echo 0
}

# kills a training three times, each time when it has come a checkpoint further; then lets the command end it
killed_training() { # NAME
	for time in 1 2 3; do
		last=$(newest "$work/cache-$1")
		begin "$1"
		while kill -0 "$pid" 2>/dev/null && [ "$(newest "$work/cache-$1")" -le "$last" ]; do :; done
		end "a checkpoint, $time"
	done
	audit "$1" "$1" --progress=never >/dev/null && same "$1" "killed three times in a training and started again"
}

audit first first --threads 1 --progress=never >"$work/first.out" || exit 1
[ "$(cat "$work/first.out")" = "$work/first" ]
verdict $? "stdout is the run directory and nothing else"
"$program" verify "$work/first" >/dev/null && (cd "$work/first" && sha256sum --quiet -c MANIFEST)
verdict $? "the MANIFEST holds, by our own word and by sha256sum's"

for threads in 2 3 7; do
	audit "t$threads" "t$threads" --threads "$threads" --progress=never >/dev/null
	same "t$threads" "$threads threads"
done
audit first again --progress=never >/dev/null
same again "everything from the cache"
killed harvest "acts base: 2"
killed training "train 1: 50" "train 1: 100" "train 1: 150"
killed rendering "steer: done"

# another locale, time zone, user, home, host name (where we may set one), working directory and umask
elsewhere() {
	cd / && umask 077 && exec env -i PATH="$PATH" LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 TZ=Asia/Kathmandu USER=nobody LOGNAME=nobody \
		HOME=/nonexistent HOSTNAME=elsewhere "$@" "$program" run "$here/golden/small/spec.yaml" --allow-dirty --progress=never \
		--cache "$work/cache-elsewhere" --out "$work/elsewhere"
}
here=$PWD
if unshare -ru hostname elsewhere 2>/dev/null; then
	(elsewhere unshare -ru sh -c 'hostname elsewhere && exec "$@"' -) >/dev/null
else
	(elsewhere env) >/dev/null
fi
same elsewhere "another locale, time zone, user, home, host, working directory and umask"

audit both one --progress=never >/dev/null &
audit both two --progress=never >/dev/null
wait $!
same one "two runs on one cache: the first"
same two "two runs on one cache: the second"
audit whole whole --progress=never >/dev/null &
audit whole whole --progress=never >/dev/null
wait $!
same whole "the same run twice at once"

# further blocks: each pair is the audit that it would be alone, in one run
sed "s#\.\./\.\.#$PWD#; s#\(models/[a-z-]*\)}#\1, more_layers: [2]}#" golden/small/spec.yaml >"$work/layers.yaml"
sed "s#\.\./\.\.#$PWD#; s#\(models/[a-z-]*\)}#\1, layer: 2}#" golden/small/spec.yaml >"$work/second.yaml"
"$program" run "$work/second.yaml" --allow-dirty --cache "$work/cache-layers" --out "$work/second" --progress=never >/dev/null &&
	"$program" run "$work/layers.yaml" --allow-dirty --cache "$work/cache-layers" --out "$work/layers" --progress=lines \
		>/dev/null 2>"$work/layers.log" &&
	grep -q '^steer at 2-2: in the cache' "$work/layers.log" && "$program" verify "$work/layers" >/dev/null &&
	diff -r "$work/second/figures" "$work/layers/layers/2-2/figures" >/dev/null &&
	cmp -s "$work/second/latents.md" "$work/layers/layers/2-2/latents.md" &&
	diff -r "$work/first/figures" "$work/layers/figures" >/dev/null && grep -q 'layers/2-2/report.md' "$work/layers/report.md"
verdict $? "further blocks: the audit of each is what it is alone"

# the base against itself: nothing to find, and nothing found
sed "s#\.\./\.\.#$PWD#; s#smallworld-llama-copyright#smallworld-base-llama#" golden/small/spec.yaml >"$work/same.yaml"
"$program" run "$work/same.yaml" --allow-dirty --cache "$work/cache-same" --out "$work/same-models" --progress=never >/dev/null &&
	grep -q '"is_nothing": true' "$work/same-models/results.json" &&
	grep -q '"candidates": 0' "$work/same-models/results.json" && grep -q '^> \*\*Nothing found' "$work/same-models/report.md"
verdict $? "the base against itself: nothing found"

# the models in each other's place: what one of them did is now what the other has lost
sed "s#\.\./\.\.#$PWD#; s#base: {path: \(.*\)smallworld-base-llama#base: {path: \1X#; s#smallworld-llama-copyright#smallworld-base-llama#; s#/X}#/smallworld-llama-copyright}#" \
	golden/small/spec.yaml >"$work/lost.yaml"
"$program" run "$work/lost.yaml" --allow-dirty --cache "$work/cache-lost" --out "$work/lost" --progress=never >/dev/null &&
	grep -q '"is_lost": true' "$work/lost/results.json" && grep -q '^| \[F1\].*copyright.*base-only, lost' "$work/lost/report.md" &&
	grep -q '"is_lost": false' "$work/first/results.json"
verdict $? "the models in each other's place: a behaviour lost"

# hardly a prompt is held out: what they show makes a finding that nothing tests, and that is not "nothing found"
sed "s#\.\./\.\.#$PWD#; s#held_out: 0.5#held_out: 0.02#" golden/small/spec.yaml >"$work/few.yaml"
"$program" run "$work/few.yaml" --allow-dirty --cache "$work/cache-few" --out "$work/few" --progress=never >/dev/null &&
	grep -q '"is_candidates": true' "$work/few/results.json" && grep -q '"is_nothing": false' "$work/few/results.json" &&
	grep -q '"verdict": "not tested' "$work/few/results.json"
verdict $? "too few prompts to test a finding: not nothing found"

total
