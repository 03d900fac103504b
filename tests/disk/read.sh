#!/bin/sh
# What our library reads of images that qemu-img and qemu-io made is what qemu-img reads, byte by byte, whatever the pieces.
. "$(dirname "$0")/lib.sh"
need_program qemu-io
CAT=$HVMUX_BUILD/tests/disk/imgcat

qio() { qemu-io -f qcow2 "$@" >/dev/null; }

# equal FILE: in pieces that fit clusters and in such that do not.
equal() {
	real convert -O raw "$1" want.raw && for equal_piece in 65536 10007; do
		"$CAT" -f qcow2 -s $equal_piece "$1" >got.raw && cmp want.raw got.raw || return
	done
}

{
	head -c 3000000 "$HVMUX"
	head -c 1000000 /dev/urandom
	head -c 1000000 /dev/zero
} >source.raw
truncate -s 6000128 source.raw

# written OPTIONS: data, zeroes, holes, the last sector; then what was there before a snapshot is written over.
written() {
	rm -f a.qcow2 ext.raw
	real create -q -f qcow2 ${1:+-o "$1"} a.qcow2 41231360
	qio -c 'write -P 1 0 300k' -c 'write -P 2 1000k 70k' -c 'write -z 200k 50k' -c 'write -P 3 5M 3M' \
		-c 'discard 6M 1M' -c 'write -P 9 33000k 17k' -c 'write -P 4 41230848 512' a.qcow2
	check "${1:-as qcow2 is}: written" equal a.qcow2
	case $1 in data_file* | refcount_bits=1) return ;; esac
	real snapshot -c one a.qcow2
	qio -c 'write -P 7 100k 3000k' a.qcow2
	check "${1:-as qcow2 is}: written over a snapshot" equal a.qcow2
}
# packed OPTIONS: compressed clusters, partly written over, and a chain on top of them.
packed() {
	rm -f c.qcow2 t.qcow2 u.qcow2
	real convert -c -O qcow2 ${1:+-o "$1"} source.raw c.qcow2
	check "${1:-as qcow2 is}: compressed" equal c.qcow2
	qio -c 'write -P 7 100k 300k' c.qcow2
	check "${1:-as qcow2 is}: compressed, partly written over" equal c.qcow2
	real create -q -f qcow2 -b c.qcow2 -F qcow2 t.qcow2 9M
	qio -c 'write -P 8 1111k 100k' -c 'write -z 2M 100k' -c 'write -P 3 8M 5k' t.qcow2
	real create -q -f qcow2 ${1:+-o "$1"} -b t.qcow2 -F qcow2 u.qcow2
	qio -c 'write -P 11 1511k 33k' -c 'write -z 3M 3k' u.qcow2
	check "${1:-as qcow2 is}: a chain" equal u.qcow2
}
for options in "" compat=0.10 cluster_size=512 cluster_size=4k cluster_size=2M extended_l2=on \
	extended_l2=on,cluster_size=16k refcount_bits=1 refcount_bits=2 refcount_bits=4 refcount_bits=8 refcount_bits=32 \
	refcount_bits=64; do
	written "$options"
	packed "$options"
done
for options in lazy_refcounts=on preallocation=metadata preallocation=metadata,extended_l2=on data_file=ext.raw \
	data_file=ext.raw,data_file_raw=on data_file=ext.raw,extended_l2=on; do
	written "$options"
done
if grep -q HAVE_LIBZSTD "$HVMUX_BUILD/config.h"; then
	for options in compression_type=zstd compression_type=zstd,extended_l2=on compression_type=zstd,cluster_size=2M; do
		packed "$options"
	done
else
	tap_skip "zstd" "built without libzstd"
fi
tap_done
