# the paper's two pairs: forecast from config.json alone; what is missing is said, and no run goes without it
for s in llama-3.1-8b-vs-qwen3-8b deepseek-r1-0528-qwen3-8b-vs-gpt-oss-20b; do
	"$DFC" plan "$ROOT/specs/paper/$s.yaml" --cache cache 2>/dev/null
done | grep -v '^time\|^memory' | sed "s#$ROOT/##" | sed 's/ *[0-9.]* [a-z]*h$/ T h/; s/are free [^)]*/are free .../'
cd "$ROOT" && "$DFC" run specs/paper/llama-3.1-8b-vs-qwen3-8b.yaml --cache nowhere 2>&1 | grep -c 'there is no\|has no'
