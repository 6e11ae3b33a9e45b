"$DFC" bench train --da 16 --db 24 --width 256 -k 4 --batch 64 --steps 3 --threads 2 2>/dev/null
"$DFC" bench train --da 16 --db 24 --width 256 -k 4 --batch 64 --steps 3 --threads 2 --json 2>/dev/null
"$DFC" bench toy --concepts 80 --sizes 100 --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 2>/dev/null
"$DFC" bench toy --concepts 80 --sizes 40 --modes paper --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 --json 2>/dev/null
# A run that did one size of two goes on with the other, and the file then holds both.
"$DFC" bench toy --concepts 80 --sizes 40 --modes paper --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 --out toy.json >one 2>/dev/null
"$DFC" bench toy --concepts 80 --sizes 40,60 --modes paper --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 --out toy.json >both 2>said
grep -c '32 of 32, paper' said
grep '^| paper | 40' one >a; grep '^| paper | 40' both | diff a - && "$DFC" bench toy --concepts 80 --sizes 40,60 --modes paper --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 --out toy.json --table | diff both - && echo same
"$DFC" bench toy --concepts 80 --sizes 40 --modes paper --seeds 2 --pairs 5000 --batch 128 --rows 2000 --active 3 --out toy.json --table
"$DFC" bench toy --table
"$DFC" bench tain
"$DFC" bench toy --modes standard,fancy
"$DFC" bench toy --sizes 12x
