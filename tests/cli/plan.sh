"$DFC" plan "$ROOT/specs/demo.yaml" --cache cache && "$DFC" plan "$ROOT/specs/demo.yaml" --cache cache --json > plan.json
grep -c '"state": "todo"' plan.json
[ -e runs ] && echo "plan made runs/"
exit 0
