cd "$ROOT/tests/cli"
printf '{"text": "a"}\n{"text": 5}\n' | "$DFC" align align_bytes.json align_merges.json; echo "$?" >&2
printf '{"text": "a"}\n{"text": "b\n' | "$DFC" align align_bytes.json align_merges.json; echo "$?" >&2
"$DFC" align align_bytes.json nowhere </dev/null
