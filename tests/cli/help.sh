"$DFC" help >a && "$DFC" --help >b && "$DFC" -h >c && cmp a b && cmp a c && cat a
