"$DFC" help spec > /dev/full
