# what no commit says is not run, and nothing is left behind
cp -R "$ROOT/specs/models" "$ROOT/specs/corpus" .
{ cat "$ROOT/specs/demo.yaml"; echo '# changed'; } > changed.yaml
"$DFC" run changed.yaml --out run; echo $?
ls
