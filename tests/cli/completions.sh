"$DFC" help bash > c.bash
bash -n c.bash || exit 1
bash -c '. ./c.bash
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dfc_audit; echo "${COMPREPLY[*]}"; }
try dfc-audit vers
try dfc-audit show fin
try dfc-audit show --j
try dfc-audit help sp'
"$DFC" help zsh | head -n 1
"$DFC" help fish | head -n 1
