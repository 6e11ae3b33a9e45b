cd "$ROOT" && "$DFC" show spec tests/spec/good-full.yaml
