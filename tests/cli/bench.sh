"$DFC" bench train --da 16 --db 24 --width 256 -k 4 --batch 64 --steps 3 --threads 2 2>/dev/null
"$DFC" bench train --da 16 --db 24 --width 256 -k 4 --batch 64 --steps 3 --threads 2 --json 2>/dev/null
"$DFC" bench toy --concepts 80 --sizes 100 --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 2>/dev/null
"$DFC" bench toy --concepts 80 --sizes 40 --modes paper --seeds 2 --pairs 4000 --batch 128 --rows 2000 --active 3 --json 2>/dev/null
"$DFC" bench tain
"$DFC" bench toy --modes standard,fancy
"$DFC" bench toy --sizes 12x
