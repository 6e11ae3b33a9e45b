# a signal ends it at once, with 128 and its number; an answer before that tells that it is running
mkfifo in out
for signal in TERM HUP; do
	"$DFC" align "$ROOT/tests/cli/align_bytes.json" "$ROOT/tests/cli/align_merges.json" < in > out &
	exec 3>in 4<out
	echo '{"text": "a"}' >&3
	read -r answer <&4
	echo "$answer"
	kill -$signal $!
	wait $!
	echo $?
	exec 3>&- 4<&-
done
