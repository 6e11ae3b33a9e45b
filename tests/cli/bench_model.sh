# The folder that bench makes is a model; its bytes and what it computes depend on no number of threads.
"$DFC" bench make-model m --shape tiny --threads 2
"$DFC" bench make-model again --shape tiny --threads 1 >/dev/null && cmp m/model.safetensors again/model.safetensors && echo same
"$DFC" show model m | grep -E '^(family|vocabulary|parameters|files) '
printf 'aé' | "$DFC" tokenize m
for threads in 1 2 3 7; do
	"$DFC" bench forward m --tokens 600 --steps 2 --layer 1 --threads $threads --json 2>/dev/null | grep '"digest"'
done
"$DFC" bench forward m --tokens 30 --steps 3 --threads 2 --layer 1 2>/dev/null | sed 's/: [0-9a-f]\{16\}$/: DIGEST/; s/(\(avx[0-9]*\|plain\))/(KERNELS)/; s/OpenBLAS.*/OpenBLAS/; s/[0-9][0-9.]*/N/g'
"$DFC" bench decode m --sequences 9 --context 20 --steps 3 --threads 2 2>/dev/null | sed 's/: [0-9a-f]\{16\}$/: DIGEST/; s/(\(avx[0-9]*\|plain\))/(KERNELS)/; s/OpenBLAS.*/OpenBLAS/; s/[0-9][0-9.]*/N/g'
"$DFC" bench forward m --tokens 30 --steps 2 --layer 2 --json 2>/dev/null | grep '^  "' | sed 's/:.*//'
"$DFC" bench decode m --sequences 2 --context 20 --steps 2 --json 2>/dev/null | grep '^  "' | sed 's/:.*//'
"$DFC" bench make-model m --shape tiny
"$DFC" bench make-model other --shape qwen3-9b
"$DFC" bench forward m --layer 3
"$DFC" bench forward
"$DFC" bench decode nowhere
