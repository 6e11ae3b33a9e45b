# config.json alone says enough for a forecast
cp "$ROOT"/tests/vectors/arch/qwen3/config.json .
"$DFC" show model .
