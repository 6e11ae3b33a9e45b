# a signal ends it at once, with 128 and its number
mkfifo in
for signal in TERM HUP; do
	"$DFC" align "$ROOT/tests/cli/align_bytes.json" "$ROOT/tests/cli/align_merges.json" < in &
	exec 3>in
	kill -$signal $!
	wait $!
	echo $?
	exec 3>&-
done
