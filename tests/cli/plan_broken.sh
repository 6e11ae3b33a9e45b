cd "$ROOT" && "$DFC" plan tests/spec/bounds.yaml
