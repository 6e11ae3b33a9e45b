# a run comes out again in a fresh clone of its commit; with one byte of the corpus changed, the corpus and the file are named;
# a run that is pinned to nothing, or was changed, is refused
git() { command git -c user.name=a -c user.email=a@example.org -c core.autocrlf=false "$@"; }
git init -q repo && mkdir repo/corpus
cp -R "$ROOT/specs/models" repo
for f in documents.jsonl chats.jsonl prompts.txt; do head -40 "$ROOT/specs/corpus/$f" >repo/corpus/$f; done
sed "s|\.\./\.\./specs/||; s/steps: 200/steps: 60/; s/k_anneal: 50/k_anneal: 20/; s/threshold_from: 50/threshold_from: 20/;
s/limit: [0-9]*/limit: 20/; s/seeds: \[[^]]*\]/seeds: [1]/; s/null_diff: true/null_diff: false/" "$ROOT/golden/small/spec.yaml" >repo/small.yaml
git -C repo add . && git -C repo commit -qm spec
GITHUB_STEP_SUMMARY=$PWD/summary.md SOURCE_DATE_EPOCH=1700000000 \
	"$DFC" run repo/small.yaml --cache cache --out run --progress never >/dev/null 2>&1 || exit
grep '"date"' run/provenance.json && head -1 summary.md && [ "$(wc -m <summary.md)" -lt 4000 ]
git clone -q repo clone
again() {
	"$DFC" reproduce "$1" --repo clone --work work 2>err
	echo "exit $?"
	grep '^dfc-audit' err
}
again run
sed -i '3s/e/o/4' clone/corpus/chats.jsonl
again run
git -C clone checkout -q . && echo '{}' >clone/models/smallworld-llama-copyright/generation_config.json
again run
git -C clone checkout -q . && again run | tail -1
ls work
cp -R run changed && echo >>changed/report.md && again changed
{ cat repo/small.yaml && echo '# in no commit'; } >repo/loose.yaml
"$DFC" run repo/loose.yaml --cache cache --out loose --progress never --allow-dirty >/dev/null 2>&1
again loose
