#!/bin/sh
# `img map` says what qemu-img says of every kind of cluster, and of chains.
. "$(dirname "$0")/lib.sh"

make() { (cd ours && real "$@"); }
# copied: theirs are the same files, with the same holes.
copied() { rm -rf theirs && cp -al ours theirs; }
qio() { (cd ours && qemu-io "$@" >/dev/null); }

truncate -s 3M ours/base.raw
qio -f raw -c 'write -P 3 0 1M' -c 'write 2M 8k' base.raw
head -c 10000 /dev/urandom >ours/odd.raw
: >ours/empty.raw
truncate -s 1000 ours/hole.raw
head -c 600000 "$HVMUX" >ours/data.raw

# of OPTIONS: every kind of cluster, in images of these options.
of() {
	of_name=${1:-as qcow2 is}
	rm -f ours/*.qcow2 ours/ext.raw
	make create -q -f qcow2 ${1:+-o "$1"} a.qcow2 40M
	cp -a ours/a.qcow2 ours/fresh.qcow2
	qio -c 'write 64k 64k' -c 'write -z 256k 64k' -c 'write 1M 300k' -c 'write -z 1100k 100k' -c 'discard 1024k 64k' \
		-c 'write 20M 4k' -c 'write -zu 20M 1k' a.qcow2
	make create -q -f qcow2 -b base.raw -F raw ${2:+-o "$2"} t.qcow2 8M
	qio -c 'write 1M 1M' -c 'write -z 2M 100k' -c 'write 3100k 5k' t.qcow2
	make create -q -f qcow2 -b t.qcow2 -F qcow2 ${2:+-o "$2"} u.qcow2 16M
	qio -c 'write 100k 100k' -c 'write -z 4M 100k' -c 'write 8100k 511k' -c 'discard 100k 30k' u.qcow2
	make convert -c -O qcow2 ${2:+-o "$2"} data.raw c.qcow2
	copied
	for of_file in fresh a t u; do
		same "$of_name: $of_file" map --output=json $of_file.qcow2
		same "$of_name: $of_file, lines" map $of_file.qcow2
	done
	same "$of_name: compressed" map --output=json c.qcow2
	check_fails "$of_name: compressed, lines" 1 "File contains external, encrypted or compressed clusters" img map ours/c.qcow2
	same "$of_name: a part" map --output=json -s 12345 -l 2000000 a.qcow2
	same "$of_name: a part, lines" map -s 70k -l 1M a.qcow2
}
of "" ""
of compat=0.10 compat=0.10
of cluster_size=512 cluster_size=512
of cluster_size=2M cluster_size=2M
of extended_l2=on extended_l2=on
of extended_l2=on,cluster_size=16k extended_l2=on,cluster_size=16k
of preallocation=metadata refcount_bits=1
of preallocation=falloc refcount_bits=64
of preallocation=metadata,extended_l2=on compression_type=zstd
of data_file=ext.raw ""
of data_file=ext.raw,data_file_raw=on ""

copied
for file in base odd empty hole data; do
	same "raw: $file" map --output=json $file.raw
	same "raw: $file, lines" map $file.raw
	same "raw: $file, nothing asked" map -s 1 -l 0 --output=json $file.raw
	same "raw: $file, behind the end" map -s 100M --output=json $file.raw
done
same "no offset" map -s -1 base.raw
same "no length" map -l x base.raw
same "no file" map
tap_done
