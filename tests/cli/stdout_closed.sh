"$DFC" version >&-
