#!/bin/sh
# `img measure` gives qemu-img's figures, and what they promise is what `img convert` and `img create` make.
. "$(dirname "$0")/lib.sh"
need_program qemu-io

real create -q -f raw base.raw 30M
qemu-io -f raw -c "write -P 1 5k 3M" -c "write -P 2 20M 100k" base.raw >/dev/null
real create -q -f qcow2 -u -o cluster_size=4k -b base.raw -F raw top.qcow2 30M
qemu-io -f qcow2 -c "write -P 3 1M 10k" -c "write -z 20M 64k" -c "write -c -P 4 25M 4k" top.qcow2 >/dev/null
both cp ../base.raw ../top.qcow2 .
for n in 1 65535 1000000; do both truncate -s $n odd$n.raw; done

for size in 0 1 512 65536 1M 1000001 20G 64T 1P; do
	same "qcow2 of $size" measure -O qcow2 --size $size
	same "raw of $size" measure --size $size
done
for o in cluster_size=512 cluster_size=2M refcount_bits=1 refcount_bits=64 extended_l2=on compat=0.10 preallocation=full \
	lazy_refcounts=on,cluster_size=4k; do
	same "qcow2 with $o" measure -O qcow2 -o $o --size 10G
	same "a raw file to qcow2 with $o" measure -O qcow2 -o $o base.raw
	same "a chain to qcow2 with $o" measure -O qcow2 -o $o --output=json top.qcow2
done
same "over another image" measure -O qcow2 -o backing_file=x,backing_fmt=raw base.raw
same "to raw" measure -f raw base.raw
for n in 1 65535 1000000; do same "a raw file of $n bytes" measure -O qcow2 -f raw odd$n.raw; done
both real create -q -f qcow2 -o preallocation=metadata,cluster_size=2M room.qcow2 64M
same "room that was never written" measure -O qcow2 --output=json room.qcow2
both real bitmap --add top.qcow2 b0
both real bitmap --add -g 512 top.qcow2 "a longer name"
same "with bitmaps" measure -O qcow2 top.qcow2
same "with bitmaps that an old image cannot have" measure -O qcow2 -o compat=0.10 top.qcow2
same "nothing to measure" measure
same "too much to measure" measure --size 1G base.raw
same "two files" measure base.raw base.raw
check_fails "too large" 1 "try using a larger cluster size" img measure -O qcow2 -o cluster_size=512 --size 1P
same "no size" measure --size x

img create -q -f qcow2 -o preallocation=metadata made 1G
check "what create makes is as large" test "$(stat -c %s made)" = "$(img measure -O qcow2 --size 1G | sed -n 's/fully.*: //p')"
tap_done
