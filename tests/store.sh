#!/bin/sh
# store.sh PROGRAM: what may happen to a store of activations. The same dictionary without a store, and from the store
# written out and taken in again; a shard cut short or with a bit flipped, in a store that is complete and in one under
# way; a disk that is full; a limit of disk, of time; two processes on one cache.
. "$(dirname "$0")/support/suite.sh"

spec() { # NAME EXTRA: the spec with further lines
	cat >"$work/$1.yaml" <<END
audit: 1
name: store
models:
  base: {path: $PWD/specs/models/smallworld-base-llama}
  candidate: {path: $PWD/specs/models/smallworld-llama-copyright}
corpus:
  held_out: 0.5
  sources: [{kind: documents, path: $PWD/specs/corpus/documents.jsonl, limit: 60}]
dictionary: {latents: 64}
train: {steps: 40, batch: 64, k: 8, k_start: 8, k_anneal: 0, warmup: 5, threshold_from: 5}
study: {permutations: 99, contexts: 2, cards: 2}
steer: {enabled: false}
$2
END
}

audit() { # CACHE SPEC
	"$program" run "$work/$2.yaml" --allow-dirty --cache "$work/$1" --out "$work/run-$1" --progress=never \
		>/dev/null 2>"$work/$1.log"
}

of() { # CACHE FILE...: the digests of all files of that name in complete artifacts, whatever their keys
	(cd "$work/$1" && shift && for f; do sha256sum ./??/????????????????????????????????????????????????????????????????/"$f" | cut -c 1-64 | sort; done)
}

same() { # CACHE WHAT
	[ "$(of whole shard-00000 shard-00001 dfc.bin)" = "$(of "$1" shard-00000 shard-00001 dfc.bin)" ]
	verdict $? "$2"
}

says() { # CACHE STATUS WORDS WHAT
	[ "$2" -eq "$3" ] && grep -q "$4" "$work/$1.log"
	verdict $? "$5: exit $2, $(tail -1 "$work/$1.log")"
}

forecast() { # FIELD STEP...: of plan.json, added up
	field=$1
	shift
	for step; do
		sed -n '/"needs": \[/,$p' "$work/plan.json" |
			sed -n "/\"label\": \"$step\"/,/}/s/^ *\"$field\": \([0-9]*\).*/\1/p"
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

most() { # the most memory and mapped files of any step of plan.json
	sed -n '/"needs": \[/,$p' "$work/plan.json" |
		awk '/"memory":/ { m = $2 + 0 } /"mapped":/ { m += $2; if (m > most) most = m } END { print most }'
}

# one byte of a file, in the middle, becomes another
flip() {
	at=$(($(wc -c <"$1") / 2))
	byte=$(od -An -tu1 -j$at -N1 "$1")
	printf "\\$(printf %o $(((byte + 1) % 256)))" | dd of="$1" bs=1 seek=$at conv=notrunc 2>/dev/null
}

spec plain 'harvest: {rows_per_shard: 1000}'
audit whole plain
verdict $? "the audit runs"

# without a store: the same dictionary, whether the buffer holds all rows or some
for buffer in 1 0.001; do
	spec none "harvest: {rows_per_shard: 1000, store: none, buffer: $buffer}"
	audit none$buffer none
	[ "$(of whole dfc.bin latents.json)" = "$(of none$buffer dfc.bin latents.json)" ]
	verdict $? "store: none with a buffer of $buffer GiB"
done

# written out and taken in
"$program" export "$work/plain.yaml" "$work/out" --cache "$work/whole" >/dev/null 2>&1
verdict $? "export"
spec taken "activations: {base: out/base.safetensors, candidate: out/candidate.safetensors}
harvest: {rows_per_shard: 1000}"
sed -i '/sources:/d; s/path: [^}]*smallworld-\([a-z]*\)[^}]*/name: \1/' "$work/taken.yaml"
audit taken taken
same taken "taken in again"

# a complete store that is damaged: named, and the damaged shard alone made anew
for how in flip cut; do
	cp -R "$work/whole" "$work/$how"
	shard=$(ls -d "$work/$how"/??/*/shard-00001 | head -1)
	rm -rf "${shard%/*}/../../"??/*/dfc.bin
	for dir in "$work/$how"/??/*/; do [ -e "$dir/training.json" ] && rm -rf "$dir"; done
	if [ $how = flip ]; then flip "$shard"; else truncate -s 1000 "$shard"; fi
	audit $how plain
	grep -q 'shard-00001.*is set aside and made anew' "$work/$how.log"
	verdict $? "a shard ($how) is named"
	same $how "a shard ($how) is made anew"
done

# one under way that is damaged: the harvest does not go on from it
cp -R "$work/whole" "$work/part"
dir=$(dirname "$(ls -d "$work"/part/??/*/shard-00001 | head -1)")
rm "$dir/MANIFEST" "$dir/shard-00001" && mv "$dir" "$dir.part" && flip "$dir.part/shard-00000"
audit part plain
grep -q 'shard-00000: its bytes are not.*it is made anew' "$work/part.log"
verdict $? "a shard of a store under way is named"
same part "a shard of a store under way is made anew"

# no room: a file of 64 KiB at most, as a disk that is full; then the same command with room
(trap '' XFSZ && ulimit -f 128 && audit full plain)
says full $? 4 'cannot write .*shard' "a full disk"
audit full plain
same full "after a full disk"

# limits: what would not fit is refused before anything runs; what does not fit after all stops at a whole unit
spec disk 'harvest: {rows_per_shard: 1000}
limits: {disk: 0.0001}'
audit disk disk
says disk $? 5 'limits.disk allows' "limits.disk"
spec time 'harvest: {rows_per_shard: 1000}
limits: {time: 1e-9}'
audit time time
says time $? 5 'limits.time allows' "limits.time"
spec memory 'harvest: {rows_per_shard: 1000}
limits: {memory: 0.05}'
audit memory memory
says memory $? 5 'limits.memory allows' "limits.memory"

# what the process may not have is said before anything runs
if unsanitized; then
	(ulimit -v 100000 && audit small plain)
	says small $? 5 'this process can have 0.10' "a limit of the process"
	[ ! -e "$work/run-small" ]
	verdict $? "nothing was begun"
fi

# forecasts: a plan before anything ran, against what the run then took; answers are tried, and end early
spec answers 'harvest: {rows_per_shard: 1000}'
sed -i "s#sources: .*#sources: [{kind: rollouts, path: $PWD/specs/corpus/prompts.txt, limit: 260, max_tokens: 30}]#" \
	"$work/answers.yaml"
for case in plain answers; do
	"$program" plan "$work/$case.yaml" --json --cache "$work/none" >"$work/plan.json" 2>"$work/plan.log"
	audit $case $case
	wanted=$(forecast disk 'acts base' 'acts candidate')
	found=$(cat "$work/$case"/??/*/shard-* | wc -c)
	[ $((found * 100)) -ge $((wanted * 98)) ] && [ $((found * 100)) -le $((wanted * 102)) ]
	verdict $? "$case: a store of $found bytes where $wanted were forecast"
	unsanitized || continue
	wanted=$(most)
	found=$(sed -n 's/^ *"peak_rss": \([0-9]*\).*/\1/p' "$work/run-$case/timings.json")
	[ "$found" -gt 0 ] && [ "$found" -le "$wanted" ]
	verdict $? "$case: $found bytes resident where $wanted were forecast"
done

# two processes on one cache
audit two plain &
audit two plain
wait $!
same two "two processes on one cache"

total
