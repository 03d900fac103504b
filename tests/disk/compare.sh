#!/bin/sh
# `img compare` and `img dd`: qemu-img's answers, byte for byte.
. "$(dirname "$0")/lib.sh"
need_program qemu-io

head -c 3000000 "$HVMUX" >a.raw
truncate -s 8M a.raw
real convert -f raw -O qcow2 a.raw a.qcow2
real convert -c -f raw -O qcow2 -o cluster_size=4k a.raw packed.qcow2
cp a.raw longer.raw && truncate -s 9M longer.raw
cp longer.raw other.raw && printf x | dd of=other.raw bs=1 seek=8500000 conv=notrunc status=none
cp a.raw last.raw && printf x | dd of=last.raw bs=1 seek=$((8 * 1048576 - 1)) conv=notrunc status=none
cp a.raw two.raw && printf xyz | dd of=two.raw bs=1 seek=1000000 conv=notrunc status=none
printf xyz | dd of=two.raw bs=1 seek=7000000 conv=notrunc status=none
cp a.raw odd.raw && truncate -s 8388000 odd.raw
real create -q -f qcow2 -b a.qcow2 -F qcow2 over.qcow2
qemu-io -c "write -z 64k 64k" over.qcow2 >/dev/null
real create -q -f qcow2 empty.qcow2 8M
both cp ../a.raw ../a.qcow2 ../packed.qcow2 ../longer.raw ../other.raw ../last.raw ../two.raw ../odd.raw ../over.qcow2 ../empty.qcow2 .
for pair in "a.raw a.raw" "a.raw a.qcow2" "a.qcow2 packed.qcow2" "packed.qcow2 a.raw" "a.raw longer.raw" "longer.raw a.qcow2" \
	"a.raw other.raw" "other.raw longer.raw" "a.qcow2 last.raw" "two.raw packed.qcow2" "odd.raw a.raw" "over.qcow2 a.qcow2" \
	"empty.qcow2 a.raw" "empty.qcow2 empty.qcow2" "last.raw two.raw" "last.raw empty.qcow2"; do
	# shellcheck disable=SC2086
	same "$pair" compare $pair
	# shellcheck disable=SC2086
	same "$pair, quietly" compare -q $pair
done
same "formats told" compare -f qcow2 -F raw a.qcow2 a.raw
same "a wrong format" compare -f raw -F raw a.qcow2 a.raw
same "strictly the same" compare -s a.raw a.raw
same "strictly another size" compare -s a.raw longer.raw
same "one word" compare a.raw
check "nobody: exit status 2" sh -c '"$HVMUX" img compare nobody ours/a.raw; test $? = 2'
cp a.qcow2 broken.qcow2 && printf '\377\377\377\377\377\377\377\377' | dd of=broken.qcow2 bs=1 seek=262144 conv=notrunc status=none
both cp ../broken.qcow2 .
check "what cannot be read: exit status over 1" sh -c '"$HVMUX" img compare broken.qcow2 a.raw; test $? -gt 1'

# dd: the same image.
block() {
	block_name=$1
	shift
	rm -f ours/out theirs/out
	same "dd $block_name" dd "$@" if=a.raw of=out && check "… the same" cmp ours/out theirs/out
}
block "all" -f raw
block "in large blocks" -f raw bs=1M
block "some" -f raw bs=1000 count=3000
block "no whole sectors" -f raw bs=1 count=1001
block "behind its beginning" -f raw bs=64k skip=3
block "behind, odd" -f raw bs=777 skip=1001
block "more than there is" -f raw bs=1M count=100
block "behind its end" -f raw bs=1M skip=100
block "nothing" -f raw count=0
for words in "if=a.raw" "bs=0 if=a.raw of=out" "bs=x if=a.raw of=out" "count=x if=a.raw of=out" "xx=1 if=a.raw of=out" \
	"seek=1 if=a.raw of=out"; do
	# shellcheck disable=SC2086
	same "refused: $words" dd $words
done
check "to qcow2" img dd -O qcow2 bs=1M count=2 skip=1 if=packed.qcow2 of=out
head -c 3145728 a.raw | tail -c 2097152 >want.raw
check "… equal" real compare -f qcow2 -F raw out want.raw
tap_done
