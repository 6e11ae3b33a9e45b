"$DFC"
