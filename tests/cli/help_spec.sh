"$DFC" help spec > a && head -n 5 a && grep -c required a >/dev/null && awk 'length > 100' a
