# roff that says each command, option and exit status, and no line that is a request by accident
"$DFC" help man > page
for word in 'SH NAME' 'SH EXIT STATUS' 'SS show' 'B \\-\\-json' 'B 70' DFC_AUDIT_CACHE; do
	grep -q "$word" page || echo "no $word"
done
grep '^\.' page | grep -vE '^\.(TH|SH|SS|TP|B|I|PP)( |$)'
grep -q '[^\\]--' page && echo "a bare --"
exit 0
