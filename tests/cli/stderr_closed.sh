# what is said where nobody listens must not land in a file that was opened since
"$DFC" whatever 2>&-; echo $?
"$DFC" align "$ROOT/tests/cli/align_bytes.json" "$ROOT/tests/cli/align_merges.json" <&- 2>&-
