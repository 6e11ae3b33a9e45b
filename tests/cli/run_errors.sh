"$DFC" run; echo "$?" >&2
"$DFC" run nowhere.yaml; echo "$?" >&2
"$DFC" run nowhere.yaml --progress=sometimes
"$DFC" run nowhere.yaml --threads=-1
"$DFC" run nowhere.yaml --alow-dirty
