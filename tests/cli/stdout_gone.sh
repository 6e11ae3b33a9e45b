# a reader that went away is fine: no word about it
"$DFC" help spec | head -n 1
