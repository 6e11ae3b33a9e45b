#!/bin/sh
# sources.sh PROGRAM: what a corpus says of itself. Every check of a harvest provoked by a corpus or a model made for it, and
# not raised by the clean one; shares of the sources; bytes of documents; patterns that are hidden; licences.
. "$(dirname "$0")/support/suite.sh"

spec() { # NAME SOURCES EXTRA, models from $base and $candidate
	cat >"$work/$1.yaml" <<END
audit: 1
name: sources
models:
  base: {path: $base}
  candidate: {path: $candidate}
corpus:
  held_out: 0.5
  sources: [$2]
dictionary: {latents: 64}
train: {steps: 40, batch: 64, k: 8, k_start: 8, k_anneal: 0, warmup: 5, threshold_from: 5}
study: {permutations: 99, contexts: 2, cards: 2}
steer: {enabled: false}
$3
END
}

audit() { # NAME
	"$program" run "$work/$1.yaml" --allow-dirty --cache "$work/cache" --out "$work/$1" --progress=never \
		>/dev/null 2>"$work/$1.log"
}

raised() { # NAME: "check (model)" of every check that is raised, a line each
	awk '/^  "checks": \[/ { on = 1 } on && /^  \]/ { on = 0 }
		on && /^      "name":/ { name = $0; gsub(/^ *"name": "|",$/, "", name) }
		on && /^      "model":/ { model = $0; gsub(/^ *"model": "|",$/, "", model) }
		on && /^      "is_raised": true/ { print name " (" model ")" }' "$work/$1/results.json"
}

told() { # NAME CHECK WORDS: the check is raised and stands on the first page, with the words in the report
	raised "$1" | grep -qF "$2" && grep -qF "> **${2% (*}**" "$work/$1/report.md" && grep -qF "$3" "$work/$1/report.md"
	verdict $? "$1: $2 is a warning that names $3; raised: $(raised "$1" | tr '\n' ';') $(tail -1 "$work/$1.log")"
}

base=$PWD/specs/models/smallworld-base-llama candidate=$PWD/specs/models/smallworld-llama-copyright
head -60 specs/corpus/documents.jsonl >"$work/plain.jsonl"
head -40 specs/corpus/chats.jsonl >"$work/chats.jsonl"
plain="{kind: documents, path: plain.jsonl, licence: Apache-2.0}"

spec clean "$plain"
audit clean
[ "$(raised clean)" = "" ] && [ "$(grep -c '^      "is_raised": false' "$work/clean/results.json")" -ge 11 ]
verdict $? "clean: no check is raised, all are there: $(raised clean) $(tail -1 "$work/clean.log")"
grep -q 'plain.jsonl | Apache-2.0 |' "$work/clean/report.md"
verdict $? "the licence stands in the report"

# special tokens in the text, one of them the BOS
printf '%s\n' '{"text": "<|user|>He said that the ship would sail in the morning.<|end|>"}' >"$work/special.jsonl"
spec special "$plain, {kind: documents, path: special.jsonl}"
audit special
told special 'special tokens written in the text (base)' '<|end|>'
spec let "$plain, {kind: documents, path: special.jsonl}" 'checks: {special: 0.5}'
audit let
[ "$(raised let)" = "" ]
verdict $? "special tokens in fewer documents than checks.special are let pass: $(raised let)"

# bytes that are no UTF-8
printf 'The ship went out with sails of \377 and took the morning wind.\n' >"$work/broken.txt"
spec broken "$plain, {kind: documents, path: broken.txt, invalid: replace}"
audit broken
told broken 'bytes that are not UTF-8, replaced (both)' 'bytes that are not UTF-8'

# a norm that all exceed
spec norms "$plain" 'checks: {outlier_norm: 1}'
audit norms
told norms 'norms far above the median (base)' 'norms far above the median'

# a BOS written where the tokenizer adds one
printf '%s\n' '{"text": "<|bos|>He said that the ship would sail in the morning."}' >"$work/bos.jsonl"
spec bos "$plain, {kind: documents, path: bos.jsonl}" 'checks: {special: 1}'
audit bos
[ "$(raised bos)" = 'BOS doubled, the second left out (base)
BOS doubled, the second left out (candidate)' ]
verdict $? "a doubled BOS is a warning: $(raised bos) $(tail -1 "$work/bos.log")"

# models made for it: another tokenizer.json beside the base's weights
model() { # FOLDER SED-SCRIPT
	cp -R "$base" "$work/$1" && chmod -R u+w "$work/$1" && sed -i "$2" "$work/$1/tokenizer.json"
	base=$work/$1
}

# one entry more than the embedding has rows, and a text that uses it
model model-beyond 's/"content": "<|end|>"[^}]*}/&, {"id": 1536, "content": "<|beyond|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}/'
spec larger "$plain"
audit larger
told larger 'vocabulary larger than the embedding (base)' '1 of 1,536 rows of the embedding'
printf '%s\n' '{"text": "A ship <|beyond|> went out."}' >"$work/used.jsonl"
spec used "{kind: documents, path: used.jsonl}"
audit used
[ $? -eq 3 ] && grep -q 'used.jsonl:1: token 1536 of model-beyond lies beyond the 1536 rows' "$work/used.log"
verdict $? "a token beyond the embedding is refused: $(tail -1 "$work/used.log")"
base=$PWD/specs/models/smallworld-base-llama

# without its pre-tokenizer a blank is no token of the vocabulary
model model-unknown 's/"unk_token": null/"unk_token": "the"/; s/"pre_tokenizer": .*"post_processor": /"pre_tokenizer": null, "post_processor": /'
spec unknown "$plain"
audit unknown
told unknown 'tokens the vocabulary does not have (base)' 'tokens the vocabulary does not have'
base=$PWD/specs/models/smallworld-base-llama

# shares: the chats are cut to a tenth
spec shares "{kind: documents, path: plain.jsonl, share: 0.9}, {kind: chats, path: chats.jsonl, share: 0.1}"
audit shares
awk '/^ *"share_asked": / { asked = $2 + 0 }
	/^ *"share": / && asked > 0 { d = $2 - asked; n++; asked = 0; if (d > 0.02 || d < -0.02) bad = 1 }
	/^ *"left_out": / { out += $2 }
	END { exit !(n == 2 && out > 0 && !bad) }' "$work/shares/results.json"
verdict $? "shares are reached: $(grep -A1 share_asked "$work/shares/results.json" | tr -d '\n') $(tail -1 "$work/shares.log")"
"$program" plan "$work/shares.yaml" --cache "$work/none" >"$work/shares.plan" 2>&1 &&
	"$program" plan "$work/shares.yaml" --cache "$work/cache" >"$work/shares.counted" 2>&1
verdict $? "a plan with shares: $(tail -1 "$work/shares.plan")"
spec less "{kind: documents, path: plain.jsonl, share: 0.5}, {kind: chats, path: chats.jsonl}"
audit less
[ $? -eq 2 ] && grep -q 'sources\[1\].share: other sources have one' "$work/less.log"
verdict $? "a share for some sources only is refused: $(tail -2 "$work/less.log")"

# a folder is a source: its files in the order of their names, one of them packed, each context named with its file
mkdir "$work/texts"
head -20 "$work/plain.jsonl" >"$work/texts/b.jsonl"
sed -n 21,40p "$work/plain.jsonl" | gzip -n >"$work/texts/a.jsonl.gz"
sed -n 41,60p "$work/plain.jsonl" >"$work/texts/c.jsonl"
for path in texts 'texts/*.jsonl*'; do
	spec folder "{kind: documents, path: '$path'}"
	audit folder
	grep -o '"document": "[^"]*' "$work/folder/results.json" | sort -u >"$work/names"
	[ "$(sed 's/.*: "//; s/:.*//' "$work/names" | sort -u | tr '\n' ' ')" = 'texts/a.jsonl.gz texts/b.jsonl texts/c.jsonl ' ]
	verdict $? "$path: contexts name the file: $(sed 's/.*: "//; s/:.*//' "$work/names" | sort -u | tr '\n' ' ') $(tail -1 "$work/folder.log")"
done
grep -q '"name": "texts/\*.jsonl\* (3 files)"' "$work/folder/results.json" &&
	[ "$(grep -c '"name": "texts/[abc]' "$work/folder/provenance.json")" -eq 3 ]
verdict $? "results.json has a folder as one input, provenance.json each file"
echo '{"text": "One more."}' >"$work/texts/d.jsonl"
"$program" plan "$work/folder.yaml" --cache "$work/cache" >"$work/folder.plan" 2>&1
grep -q 'tokens.*to do' "$work/folder.plan"
verdict $? "one file more is another corpus"
echo '{"body": "x"}' >>"$work/texts/d.jsonl"
audit folder
[ $? -eq 3 ] && grep -q 'texts/d.jsonl:2:1: "text" is missing' "$work/folder.log"
verdict $? "a bad line is named with its file: $(tail -1 "$work/folder.log")"

# packed texts without end: refused by what they unpack to, with file and line, before anything runs
head -c 90000000 /dev/zero | tr '\0' a | gzip -1 >"$work/line.txt.gz"
spec line "{kind: documents, path: line.txt.gz}"
"$program" plan "$work/line.yaml" --cache "$work/none" >"$work/line.plan" 2>&1
[ $? -eq 3 ] && grep -q 'line.txt.gz: line 1 is longer than 64 MiB' "$work/line.plan"
verdict $? "a line without end: $(tail -1 "$work/line.plan")"
{ echo short && head -c 17000000 /dev/zero | tr '\0' a; } | gzip -1 >"$work/long.txt.gz"
spec long "{kind: documents, path: long.txt.gz}"
"$program" plan "$work/long.yaml" --cache "$work/none" >"$work/long.plan" 2>&1
[ $? -eq 3 ] && grep -q 'long.txt.gz:2:1: a document of 17000000 bytes; 16 MiB is the most' "$work/long.plan"
verdict $? "a document without end: $(tail -1 "$work/long.plan")"

# where a context stood: line and byte in the source
awk 'BEGIN { bad = 1 }
	/"document": "plain.jsonl:/ { line = $2; gsub(/.*:|",$/, "", line) }
	/"byte": / { byte = $2 + 0; print line, byte }' "$work/clean/results.json" | sort -u >"$work/places"
awk -v file="$work/plain.jsonl" 'BEGIN { while ((getline l < file) > 0) { n++; at[n] = sum + 0; sum += length(l) + 1 } }
	$1 in at { seen++; if (at[$1] != $2) bad = 1 } END { exit !(seen > 0 && !bad) }' "$work/places"
verdict $? "contexts name the byte of their document: $(head -3 "$work/places" | tr '\n' ';')"

# hygiene: what the patterns match is in no file of the run
word=$(sed -n 's/^ *"at": "[^a-z]*\([a-z][a-z]*\)[^a-z]*",*$/\1/p' "$work/clean/results.json" | head -1)
for as in mask hash; do
	spec hide$as "$plain" "report: {hide: ['$word'], hide_as: $as}"
	audit hide$as
	! sed -n '/^  "latents": {/,/^  "findings"/p' "$work/hide$as/results.json" |
		grep -v '"\(formula\|matching\|partition\|status\|kind\|document\)"' | grep '": "' | sed 's/^[^:]*: //' | grep -q "$word"
	verdict $? "hide_as $as: $word is in no quoted text $(tail -1 "$work/hide$as.log")"
done
grep -q '\[hidden\]' "$work/hidemask/results.json" &&
	grep -q "\[$(printf %s "$word" | sha256sum | cut -c 1-12)\]" "$work/hidehash/results.json"
verdict $? "what is hidden is marked"

total
