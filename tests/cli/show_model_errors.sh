"$DFC" show model nowhere; echo "$?" >&2
mkdir empty && "$DFC" show model empty
