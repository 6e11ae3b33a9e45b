"$DFC" show spec nowhere.yaml
