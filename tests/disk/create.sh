#!/bin/sh
# `img create` makes what qemu-img makes, says what it says, and refuses what it refuses.
. "$(dirname "$0")/lib.sh"

both real create -q -f raw base.raw 10M
both real create -q -f qcow2 base.qcow2 20M

# made NAME ARGS...: the same words and status; the real qemu-img finds nothing wrong with ours, and the same facts.
made() {
	made_name=$1
	shift
	rm -f ours/new* theirs/new*
	same "$made_name" create "$@" || return
	[ "$(cat ours.rc)" = 0 ] || return
	check "$made_name: sound" sound
}
sound() {
	facts theirs/new >want && facts ours/new >got && diff -u want got || return
	rm -f a b
	case $(cat got) in
	*'"format": "raw"'*) cmp ours/new theirs/new ;;
	*nobody*) real check -q --image-opts driver=qcow2,file.filename=ours/new,backing= ;;
	*data-file*) (cd ours && real check new && real convert -O raw new ../a) &&
		(cd theirs && real convert -O raw new ../b) && real compare -f raw -F raw a b ;;
	*) real check ours/new && real compare ours/new theirs/new ;;
	esac
}

made "raw" new 5M
made "raw, told" -f raw new 5000
made "raw, reserved" -f raw -o preallocation=falloc new 1M
made "raw, written" -f raw -o preallocation=full new 1M
made "qcow2" -f qcow2 new 5M
made "qcow2, no size of sectors" -f qcow2 new 1000
made "qcow2, nothing in it" -f qcow2 new 0
made "qcow2, large" -f qcow2 new 1T
made "qcow2, quiet" -q -f qcow2 new 1G
made "a size of option -o" -f qcow2 -o size=5M new
for compat in 0.10 1.1 v2 v3; do
	made "compat $compat" -f qcow2 -o compat=$compat new 40M
done
for cluster in 512 1k 4096 64k 2M; do
	made "clusters of $cluster" -f qcow2 -o cluster_size=$cluster new 300M
done
for bits in 1 2 4 8 16 32 64; do
	made "refcounts of $bits bits" -f qcow2 -o refcount_bits=$bits,cluster_size=512,preallocation=metadata new 3M
done
for mode in off metadata falloc full; do
	made "preallocation $mode" -f qcow2 -o preallocation=$mode new 7M
	made "preallocation $mode, extended L2" -f qcow2 -o preallocation=$mode,extended_l2=on new 7M
	made "preallocation $mode, data file" -f qcow2 -o preallocation=$mode,data_file=new.data new 7M
done
made "lazy refcounts" -f qcow2 -o lazy_refcounts=on new 1G
made "lazy refcounts, the short way" -f qcow2 -o lazy_refcounts new 1G
made "no lazy refcounts, the short way" -f qcow2 -o nolazy_refcounts new 1G
made "zstd" -f qcow2 -o compression_type=zstd new 1G
made "extended L2" -f qcow2 -o extended_l2=on,cluster_size=16k new 1G
made "a raw data file" -f qcow2 -o data_file=new.data,data_file_raw=on new 3M
made "commas in names" -f qcow2 -o data_file=new,,x new 3M
made "later options override" -f qcow2 -o cluster_size=4k,refcount_bits=8 -o refcount_bits=32 new 3M
made "over raw" -f qcow2 -b base.raw -F raw new
made "over qcow2, with a size" -f qcow2 -F qcow2 -b base.qcow2 new 1G
made "by options" -f qcow2 -o backing_file=base.raw,backing_fmt=raw new
made "-b overrides the option" -f qcow2 -o backing_file=none -b base.raw -F raw new
made "over it, preallocated" -f qcow2 -b base.raw -F raw -o extended_l2=on,preallocation=metadata new
made "over nothing that is there" -f qcow2 -u -b nobody -F qcow2 new 1M
made "options behind the words" new 1G -f qcow2

refused() {
	same "refused: $1" create "$@"
	check "… and nothing made" test ! -e ours/new
}
rm -f ours/new* theirs/new*
refused -f qcow2 new 9E
refused -f qcow2 new 1X
refused -f qcow2 new -- -1
refused -f qcow2 new 1M 2M
refused -f qcow2
refused -f qcow2 new
refused -f qcow2 -o nosuch=1 new 1M
refused -f raw -o cluster_size=4k new 1M
refused -f qcow2 -o size=5M new 1M
refused -f qcow2 -o "" new 1M
refused -f qcow2 -o cluster_size=4k, new 1M
refused -f qcow2 -o cluster_size=64q new 1M
refused -f raw -b base.raw -F raw new 1M
refused -f qcow2 -u -b base.raw -F raw new
refused -f qcow2 -u -b base.raw new 1M
refused --nosuch new 1M

# QEMU prints what it will make before it finds that it cannot: the status and the sentence are the same.
told() {
	rm -f ours/new* theirs/new*
	try create "$@"
	grep '^qemu-img' theirs.out >want
	grep '^qemu-img' ours.out >got
	check "refused: $*" sh -c 'cmp ours.rc theirs.rc && diff -u want got'
	check "… and nothing made" test ! -e ours/new
}
for o in cluster_size=1000 cluster_size=4M cluster_size=0 cluster_size=8k,extended_l2=on refcount_bits=3 refcount_bits=128 \
	refcount_bits=0 refcount_bits=x refcount_bits=8,compat=0.10 lazy_refcounts=on,compat=v2 extended_l2=on,compat=0.10 \
	compression_type=zstd,compat=0.10 compression_type=lzma data_file=d,compat=v2 data_file_raw=on compat=1.2 \
	preallocation=foo lazy_refcounts=maybe; do
	told -f qcow2 -o $o new 1M
done
told -f qcow2 -o cluster_size=512 new 1T
told -f raw -o preallocation=metadata new 1M
told -f qcow2 -b base.raw -F raw -o preallocation=full new
told -f qcow2 -b base.raw -F raw -o data_file=d,data_file_raw=on new
told -f qcow2 -b new -F raw new 1M

check_fails "a backing file's format is not guessed" 1 "Detected format of raw" img create -f qcow2 -b "$PWD/ours/base.raw" x.qcow2
check_fails "a backing file that is not there" 1 "No such file" img create -f qcow2 -b none -F raw x.qcow2
check_fails "a backing file of another format" 1 "qcow2" img create -f qcow2 -b "$PWD/ours/base.raw" -F qcow2 x.qcow2
check_fails "a folder that is not there" 1 "No such file" img create none/x.qcow2 1M
check "nothing is left of these" sh -c '! ls | grep -E "x.qcow2|tmp"'

# What is there already keeps its place, owner and mode, and is whole in every moment.
both sh -c 'cp base.qcow2 old.qcow2 && chmod 600 old.qcow2 && ln -sf old.qcow2 link.qcow2'
check "through a link" img create -q -f qcow2 ours/link.qcow2 3M
check "… which is one still" test -L ours/link.qcow2
check "… with the mode that the file had" test "$(stat -c %a ours/old.qcow2)" = 600
check "a refused one leaves what was there" sh -c '! '"'$HVMUX'"' img create -f qcow2 ours/old.qcow2 9E 2>/dev/null; cmp ours/old.qcow2 ours/old.qcow2'
ln -s later.qcow2 ours/ahead.qcow2
check "a link that leads to nothing yet" img create -q -f qcow2 ours/ahead.qcow2 3M
check "… makes what it leads to" test -f ours/later.qcow2 -a -L ours/ahead.qcow2

check_fails "what is no file's name" 1 "nbd" env PATH=/nonexistent "$HVMUX" img create -f raw nbd://x/y 1M
check_fails "encryption without QEMU's help" 1 "encrypted" env PATH=/nonexistent "$HVMUX" img create -f qcow2 \
	-o encrypt.format=luks,encrypt.key-secret=s x.qcow2 1M
check_fails "a folder" 1 "ours" img create -f qcow2 ours 1M
check "options are listed" sh -c "'$HVMUX' img create -f qcow2 -o help | grep -q 'cluster_size=<size>    - qcow2 cluster size'"
tap_done
