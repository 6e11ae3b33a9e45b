# a golden broken on purpose, in each way, is caught by a message that names it; nothing is updated where CI is set
mkdir golden golden/small && cp "$ROOT"/golden/small/* golden/small/
sed -i "s|\.\./\.\./specs|$ROOT/specs|g; s/steps: 200/steps: 60/; s/k_anneal: 50/k_anneal: 20/; s/threshold_from: 50/threshold_from: 20/;
s/limit: 60/limit: 20/; s/seeds: \[[^]]*\]/seeds: [1]/" golden/small/spec.yaml
check() { "$DFC" golden check --work work >out 2>err; echo "exit $?" >>out; grep -E "^golden/|^exit|^What" out | head -${1:-4}; }
CI=1 "$DFC" golden update --work work 2>/dev/null; echo "update in CI: exit $?"
CI=1 "$DFC" golden review 2>&1
unset CI
"$DFC" golden update --work work >/dev/null 2>&1
sed -i '0,/"held_out_rows": /s//"held_out_rows": 1/; 0,/"title": "[a-z]/s//"title": "x/' golden/small/results.json
check 5 | sed 's/: [0-9"].*, was.*/: .../'
ls golden/small
"$DFC" golden review </dev/null
"$DFC" golden update --work work >/dev/null 2>&1
rm golden/small/report.md
touch golden/small/notes.txt golden/loose
check
