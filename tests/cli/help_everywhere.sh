# every command in the list answers --help, help COMMAND the same, and the first line says how it is called
"$DFC" help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | sed '/^dfc$/d' > commands
n=0
while read -r c; do
	"$DFC" "$c" --help > a && "$DFC" help "$c" > b && cmp a b || exit 1
	head -n 1 a | grep -q "^dfc-audit $c" || { echo "$c: odd help"; exit 1; }
	n=$((n + 1))
done < commands
[ "$n" -ge 3 ] || echo "only $n commands"
