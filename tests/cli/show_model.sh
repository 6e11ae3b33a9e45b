cd "$ROOT/tests/vectors/arch/gpt_oss_mxfp4" && "$DFC" show model . && "$DFC" show model . --json
cd ../phi3_longrope && "$DFC" show model .
