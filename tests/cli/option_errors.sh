"$DFC" show --jsn; echo "$?" >&2
"$DFC" show findings . --json=maybe
"$DFC" show findings . --json --json
"$DFC" show
"$DFC" show findings a b
"$DFC" show finding a
