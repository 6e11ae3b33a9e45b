mkdir run
"$DFC" show findings nowhere; echo "$?" >&2
"$DFC" show findings run
printf '{"latents": {"columns": 3}}' > run/results.json
"$DFC" show findings run
printf '{"latents": ' > run/results.json
"$DFC" show findings run
