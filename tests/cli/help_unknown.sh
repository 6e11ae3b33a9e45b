"$DFC" help versoin; echo "$?" >&2
"$DFC" help everything
