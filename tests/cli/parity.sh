cd "$ROOT/tests/vectors/arch" || exit 9
"$DFC" parity qwen3 --tolerance 2e-5 && "$DFC" parity gpt_neox --json | grep -c '"tensor":'
"$DFC" parity qwen3 --reference llama31/reference.safetensors
"$DFC" parity qwen3 --reference qwen2/reference.safetensors --tolerance 1e-5 >/dev/null; echo "$?" >&2
"$DFC" parity qwen3 --reference nowhere
