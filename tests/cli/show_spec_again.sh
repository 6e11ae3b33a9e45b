# the canonical form is a spec of the same meaning
cp -R "$ROOT/tests/spec/model" "$ROOT/tests/spec/text.jsonl" "$ROOT/tests/spec/prompts.txt" .
"$DFC" show spec "$ROOT/tests/spec/good-full.yaml" > a.yaml && "$DFC" show spec a.yaml > b.yaml && cmp a.yaml b.yaml
