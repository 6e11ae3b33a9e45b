mkdir run
cp "$ROOT/tests/cli/show_findings.json" run/results.json
"$DFC" show findings run && "$DFC" show findings run --json
