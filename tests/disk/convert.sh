#!/bin/sh
# `img convert`: what it makes is sound and holds what the source does, in the eyes of the real qemu-img; and its words.
. "$(dirname "$0")/lib.sh"
need_program qemu-io

# A disk with programs, text, random bytes, zeroes of every length and holes, at odd places. 21 MiB and a sector.
piece() { dd if="$1" of=src.raw bs="$2" count="$3" seek="$4" conv=notrunc status=none; }
truncate -s $((21 * 1048576 + 512)) src.raw
piece "$HVMUX" 4096 700 3
piece /dev/urandom 4096 300 1000
piece "$HVMUX" 512 300 20481
piece /dev/zero 65536 20 200
piece "$HVMUX" 512 1 43008
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	piece "$HVMUX" 512 $((i % 7 + 1)) $((30000 + i * (i % 13 + 3)))
done
# A chain: clusters of other sizes, zeroes over data, a base that is shorter.
real convert -f raw -O qcow2 -o cluster_size=4k src.raw base.qcow2
real create -q -f qcow2 -b base.qcow2 -F qcow2 -o cluster_size=2k mid.qcow2 30M
real create -q -f qcow2 -b mid.qcow2 -F qcow2 top.qcow2
qemu-io -c "write -P 7 5k 300k" -c "write -z 1M 3M" -c "write -P 9 22M 70k" mid.qcow2 >/dev/null
qemu-io -c "write -P 3 100k 10k" -c "write -z 64k 128k" -c "write -P 1 29M 1M" top.qcow2 >/dev/null
real convert -c -f raw -O qcow2 src.raw packed.qcow2

# holds OUT FORMAT SOURCE SOURCE-FORMAT
holds() {
	[ "$2" != qcow2 ] || real check -q "$1" || return 1
	real compare -f "$4" -F "$2" "$3" "$1"
}
# made NAME FORMAT SOURCE SOURCE-FORMAT OPTIONS...
made() {
	made_name=$1 made_format=$2 made_src=$3 made_src_format=$4
	shift 4
	rm -f out
	check "$made_name" img convert -f "$made_src_format" -O "$made_format" "$@" "$made_src" out &&
		check "$made_name: equal" holds out "$made_format" "$made_src" "$made_src_format"
}
for o in compat=1.1 compat=0.10 cluster_size=512 cluster_size=4k cluster_size=2M refcount_bits=1 refcount_bits=2 \
	refcount_bits=64,cluster_size=512 extended_l2=on lazy_refcounts=on preallocation=metadata preallocation=falloc \
	preallocation=full; do
	made "qcow2 $o" qcow2 src.raw raw -o $o
	case $o in
	preallocation*) ;;
	*) made "qcow2 $o, compressed" qcow2 src.raw raw -c -o $o ;;
	esac
done
for S in 0 512 4k 64k 1M; do
	made "-S $S to raw" raw src.raw raw -S $S
	made "-S $S to qcow2" qcow2 src.raw raw -S $S
	made "-S $S compressed" qcow2 src.raw raw -c -S $S
done
check "-S 0 allocates everything" sh -c 'test "$(qemu-img map -f raw src.raw | wc -l)" -gt 3 &&
	"$HVMUX" img convert -f raw -S 0 src.raw out && test "$(stat -c "%b" out)" -ge 43000'
made "raw to raw" raw src.raw raw
check "holes stay holes" sh -c 'test "$(stat -c %b out)" -le "$(($(stat -c %b src.raw) + 64))"'
for f in base.qcow2 top.qcow2 packed.qcow2; do
	made "$f to raw" raw $f qcow2
	made "$f to qcow2" qcow2 $f qcow2
	made "$f, compressed" qcow2 $f qcow2 -c
	made "$f, by one processor" qcow2 $f qcow2 -m 1
	made "$f, other clusters" qcow2 $f qcow2 -o cluster_size=1k
done
made "-W -m 16 and caches" qcow2 top.qcow2 qcow2 -W -m 16 -t none -T none
made "-t writeback" qcow2 top.qcow2 qcow2 -t writeback -C

# One behind the other.
cp src.raw cat.raw
truncate -s 30M cat.raw
real convert -O raw top.qcow2 top.raw
{ cat src.raw && cat top.raw; } >cat.raw
check "several sources" img convert -O qcow2 src.raw top.qcow2 out
check "… one behind the other" holds out qcow2 cat.raw raw

# Only what differs.
check "-B" img convert -O qcow2 -B base.qcow2 -F qcow2 mid.qcow2 out
check "… equal" holds out qcow2 mid.qcow2 qcow2
check "… and small" sh -c 'test "$(stat -c %s out)" -lt 3000000'
real convert -O qcow2 -o compat=0.10 mid.qcow2 v2.qcow2
check "-B, version 2" img convert -O qcow2 -B base.qcow2 -F qcow2 -o compat=0.10,cluster_size=1M mid.qcow2 out
check "… equal" holds out qcow2 mid.qcow2 qcow2

# Into what is there.
there() { rm -f out && real create -q -f "$1" out "$2" && qemu-io -f "$1" -c "write -P 0x55 0 $2" out >/dev/null; }
for f in raw qcow2; do
	there $f 22020608
	check "-n into $f" img convert -n -f raw -O $f src.raw out
	check "… equal" holds out $f src.raw raw
done
there raw 40M
check "-n into more" img convert -n -f raw src.raw out
check "… the rest as it was" sh -c 'test "$(tail -c 10M out | tr -d U | wc -c)" = 0 && head -c 22020608 out | cmp - src.raw'
there raw 1M
check "-n into too little is refused" sh -c '! "$HVMUX" img convert -n -f raw src.raw out'
check "… untouched" sh -c 'test "$(tr -d U <out | wc -c)" = 0'
rm -f out
real create -q -f qcow2 out 30M
check "--target-is-zero" img convert -n --target-is-zero -O qcow2 top.qcow2 out
check "… equal" holds out qcow2 top.qcow2 qcow2

# Internal snapshots.
cp mid.qcow2 snap.qcow2
real snapshot -c one snap.qcow2
qemu-io -c "write -P 8 0 2M" -c "write -P 2 28M 1M" snap.qcow2 >/dev/null
real snapshot -c 'two words' snap.qcow2
real resize -q snap.qcow2 31M
qemu-io -c "write -P 9 1M 2M" snap.qcow2 >/dev/null
for l in one 1 2 'two words' snapshot.id=2 'snapshot.name=two words' 'snapshot.id=1,snapshot.name=one'; do
	real convert -l "$l" -O raw snap.qcow2 want.raw
	check "-l $l" img convert -l "$l" -O raw snap.qcow2 out
	# Ours is as long as the disk was then; qemu-img's as it is now.
	check "… equal" real compare -f raw -F raw out want.raw
	check "… as long as it was" test "$(stat -c %s out)" = 31457280
done
same "no such snapshot" convert -l three -O raw ../snap.qcow2 b
same "snapshots of two" convert -l one -O raw ../snap.qcow2 ../snap.qcow2 b

# Words.
p=$(img convert -p -O qcow2 src.raw out | tr '\r' '\n')
check "-p is qemu-img's" sh -c 'echo "$1" | head -n 1 | grep -qx "    (0.00/100%)" && echo "$1" | grep -qx "    (100.00/100%)"' - "$p"
both cp ../src.raw ../top.qcow2 ../mid.qcow2 ../base.qcow2 .
same "nothing said" convert
same "one word" convert a
check "no such source" sh -c '! "$HVMUX" img convert -O raw nobody ours/b'
same "no such option" convert -O raw -o nosuch=1 src.raw b
same "no compressed raw" convert -c -O raw src.raw b
same "-S of no sectors" convert -S 3 src.raw b
same "-m too many" convert -m 17 src.raw b
same "no such cache" convert -t foo src.raw b
same "--target-is-zero alone" convert --target-is-zero src.raw b
check "options' help" sh -c '"$HVMUX" img convert -O qcow2 -o help | grep -q cluster_size='
check "nothing was made" test ! -e ours/b

# Nothing half.
check "the source is not overwritten" sh -c '! "$HVMUX" img convert -f raw -O qcow2 src.raw src.raw && cmp src.raw ours/src.raw'
check "nor what backs it" sh -c '! "$HVMUX" img convert -O qcow2 top.qcow2 base.qcow2 && cmp base.qcow2 ours/base.qcow2'
echo old >out
real create -q -f qcow2 -u -b nobody -F raw broken.qcow2 1M
check "a source that fails leaves what was there" sh -c '! "$HVMUX" img convert -O raw broken.qcow2 out && test "$(cat out)" = old'
tap_done
