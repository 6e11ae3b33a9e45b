printf '%s\n' '{"text": "hello world"}' '' '{"text": "a  b\n", "more": 1}' '{"text": ""}' > in.jsonl
"$DFC" align "$ROOT/tests/cli/align_bytes.json" "$ROOT/tests/cli/align_merges.json" < in.jsonl
"$DFC" align "$ROOT/tests/cli/align_merges.json" "$ROOT/tests/cli/align_bytes.json" --greedy < in.jsonl
