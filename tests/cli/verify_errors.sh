"$DFC" verify nowhere; echo "$?" >&2
mkdir run && "$DFC" verify run; echo "$?" >&2
printf 'hello\n' > run/a.txt
sha256sum run/a.txt | sed 's| run/| |' > run/MANIFEST
"$DFC" verify run; echo "$?" >&2
(cd run && sha256sum --quiet -c MANIFEST) || exit 9
printf 'hallo\n' > run/a.txt
"$DFC" verify run; echo "$?" >&2
rm run/a.txt
"$DFC" verify run
