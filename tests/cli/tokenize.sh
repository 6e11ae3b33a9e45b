mkdir model
cp "$ROOT/tests/cli/align_bytes.json" model/tokenizer.json
cat > model/tokenizer_config.json <<'END'
{"bos_token": "A", "add_bos_token": true, "chat_template": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if no %}{{ raise_exception('not so') }}{% endif %}{{ date }}"}
END
printf 'he\n' | "$DFC" tokenize model
printf 'he' | "$DFC" tokenize model --special
printf '%s\n' '{"text": "h\u00e9 "}' '' '{"text": ""}' | "$DFC" tokenize --jsonl model
printf '%s\n' '{"text": "h"}' | "$DFC" tokenize --jsonl model/tokenizer.json
printf '%s\n' '{"messages": [{"role": "user", "content": "hi \""}], "extra": {"date": "today"}}' \
	'{"messages": [], "extra": {"no": 1}}' | "$DFC" tokenize --chat model
