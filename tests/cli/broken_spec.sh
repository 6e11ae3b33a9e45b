cd "$ROOT" && "$DFC" show spec tests/spec/typo.yaml
