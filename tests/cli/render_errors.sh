"$DFC" render nowhere; echo "$?" >&2
mkdir run && "$DFC" render run
