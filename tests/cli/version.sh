"$DFC" version > a && "$DFC" --version > b && cmp a b && cat a
