# what a fine-tune brought is new, what it lost is gone, and the new run's gate says how much of that is too much
sed "s|\.\./\.\./specs|$ROOT/specs|g; s/seeds: \[[^]]*\]/seeds: [1]/; s/null_diff: true/null_diff: false/" "$ROOT/golden/small/spec.yaml" >same.yaml
sed "s/smallworld-llama-copyright/smallworld-base-llama/" same.yaml >plain.yaml
echo 'gate: {new_candidates: 3, gone_confirmed: 0}' >>same.yaml
mv same.yaml tuned.yaml
for s in tuned plain; do
	"$DFC" run $s.yaml --allow-dirty --cache cache --out $s --progress never >/dev/null 2>&1 || echo "$s: exit $?"
done
compare() {
	echo "== $*"
	"$DFC" diff "$@" >out 2>err
	echo "exit $?" >>out
	grep -E "^(\| |the candidate is|Both runs|Latents were not|[0-9]+ (new|unchanged)|(new|gone|unchanged) .* F1)|Matched by|exceeded|not counted|^exit" out
	grep '^dfc-audit' err
}
compare tuned tuned --cache cache
compare plain tuned --cache cache --out comparison
ls comparison && "$DFC" diff plain tuned --json --cache cache 2>err | cmp - comparison/diff.json && head -3 comparison/diff.md
compare tuned plain --cache cache
compare plain tuned --cache elsewhere # nothing there: a limit on what cannot be counted is not passed
mkdir mine && touch mine/notes.txt && compare tuned tuned --out mine
compare tuned nowhere
rm tuned/results.json && compare plain tuned
