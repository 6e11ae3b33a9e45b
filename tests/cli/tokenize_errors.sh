cp "$ROOT/tests/cli/align_bytes.json" t.json
printf '\377' | "$DFC" tokenize t.json; echo "$?" >&2
printf '{"text": "a"}\n\n{"text": 1}\n' | "$DFC" tokenize --jsonl t.json; echo "$?" >&2
printf '{"text": "a"}\n{"more": 1}\n' | "$DFC" tokenize --jsonl t.json; echo "$?" >&2
printf '{"messages": 1}\n' | "$DFC" tokenize --chat t.json; echo "$?" >&2
"$DFC" tokenize --chat --jsonl t.json </dev/null; echo "$?" >&2
printf '{"model": {"type": "WordPiece"}}' > w.json
"$DFC" tokenize w.json </dev/null; echo "$?" >&2
"$DFC" tokenize nowhere </dev/null
