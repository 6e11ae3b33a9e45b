cp -R "$ROOT/specs/models" "$ROOT/specs/corpus" .
{ cat "$ROOT/specs/demo.yaml"; echo 'limits: {memory: 0.001}'; } > small.yaml
"$DFC" plan small.yaml --cache cache > plan; echo $?
grep 'the spec allows' plan
