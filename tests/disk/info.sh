#!/bin/sh
# `img info` says what qemu-img says, word by word: lines and JSON, alone and with what lies below.
. "$(dirname "$0")/lib.sh"

TZ=UTC
export TZ

# told NAME FILE: both forms, with and without the chain.
told() {
	for told_how in "" --output=json --backing-chain "--backing-chain --output=json"; do
		# shellcheck disable=SC2086
		same "$1${told_how:+, $told_how}" info $told_how "$2"
	done
}
# copied: theirs are the same files, so that the blocks in use are the same.
copied() { rm -rf theirs && cp -al ours theirs; }
make() { (cd ours && real "$@"); }
qio() { (cd ours && qemu-io "$@" >/dev/null); }

make create -q -f raw base.raw 3M
printf 'no sector' >ours/odd.raw
make create -q -f qcow2 plain.qcow2 20M
make create -q -f qcow2 -o compat=0.10 old.qcow2 20M
make create -q -f qcow2 -o extended_l2=on,cluster_size=128k,refcount_bits=1 extended.qcow2 1T
make create -q -f qcow2 -o lazy_refcounts=on,compression_type=zstd lazy.qcow2 5M
make create -q -f qcow2 -o data_file=data.raw data.qcow2 5M
make create -q -f qcow2 -o data_file=data2.raw,data_file_raw=on dataraw.qcow2 5M
qio -c 'write 0 1M' data.qcow2
make create -q --object secret,id=s,data=x -f qcow2 -o encrypt.format=aes,encrypt.key-secret=s aes.qcow2 1M 2>/dev/null
# It measures how fast it can hash, and gives up where the host's clock of CPU time has not moved meanwhile.
for _ in 1 2 3 4 5; do
	make create -q --object secret,id=s,data=x -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=100 luks.qcow2 1M && break
done
mkdir ours/sub
make create -q -f qcow2 -b ../base.raw -F raw sub/mid.qcow2
make create -q -f qcow2 -b sub/mid.qcow2 -F qcow2 top.qcow2 10M
make create -q -f qcow2 -u -b nbd://localhost:1/x -F raw remote.qcow2 1M
make create -q -f qcow2 -u -b file:plain.qcow2 -F qcow2 protocol.qcow2 1M
make create -q -f qcow2 -u -b plain.qcow2 noformat.qcow2 1M 2>/dev/null || cp ours/protocol.qcow2 ours/noformat.qcow2
make snapshot -c 'with a very long name that does not fit' plain.qcow2
make snapshot -c two plain.qcow2
make bitmap --add plain.qcow2 on
make bitmap --add --disable -g 1M plain.qcow2 off
# Features and flags as they are in the file: dirty, corrupt; times and sizes that a snapshot of a running VM has.
cp ours/lazy.qcow2 ours/dirty.qcow2
printf '\013' | dd of=ours/dirty.qcow2 bs=1 seek=79 conv=notrunc 2>/dev/null
qio -c 'write 0 64k' top.qcow2
copied

for image in plain old extended lazy dirty data dataraw aes luks top protocol noformat; do
	told "$image.qcow2" $image.qcow2
done
told "raw" base.raw
told "raw, no whole sector" odd.raw
same "one below nobody reaches" info remote.qcow2
same "an absolute name" info "$TEST_TMP/ours/top.qcow2"
same "format told" info -f raw plain.qcow2

(cd ours && ln -s top.qcow2 'a"b\é.qcow2')
copied
same "a name that JSON must escape" info --output=json 'a"b\é.qcow2'

refuses() {
	refuses_name=$1
	shift
	try "$@"
	check "$refuses_name" [ "$(cat ours.rc)" = "$(cat theirs.rc)" ]
}
refuses "no such file" info none
refuses "no qcow2" info -f qcow2 base.raw
same "no name" info
same "two names" info a b
same "a form that nobody knows" info --output=xml base.raw
(cd ours && real create -q -f qcow2 -u -b ring2.qcow2 -F qcow2 ring1.qcow2 1M && real create -q -f qcow2 -u -b ring1.qcow2 -F qcow2 ring2.qcow2 1M)
copied
same "a ring" info --backing-chain ring1.qcow2
tap_done
