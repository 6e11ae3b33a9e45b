"$DFC" shwo; echo "$?" >&2
"$DFC" whatever
