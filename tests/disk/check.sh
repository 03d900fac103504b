#!/bin/sh
# `img check` finds what the real qemu-img finds, in sound images and in damaged ones, and what it repairs is sound for
# qemu-img, too, with nothing lost that was there before.
. "$(dirname "$0")/lib.sh"
need_program qemu-io

# poke FILE OFFSET BYTES: as "\200\0…" of printf.
poke() { printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; }
io() { qemu-io -f qcow2 "$@" >/dev/null; }

# agree NAME FILE: the same exit status, and the same members of JSON.
agree() {
	real check -U --output=json "$2" >want 2>/dev/null
	echo "exit $?" >>want
	img check -U --output=json "$2" >got 2>said
	echo "exit $?" >>got
	check "$1" diff -u want got || tap_note <said
}
# like agree, but of the exit status alone: damage that we count in another way.
agree_status() {
	real check -U "$2" >/dev/null 2>&1
	agree_want=$?
	img check -U "$2" >said 2>&1
	agree_got=$?
	check "$1" test $agree_got = $agree_want || tap_note <said
}

# --- sound ones -----------------------------------------------------------------------------------------
for o in cluster_size=512 cluster_size=4k cluster_size=2M compat=0.10 extended_l2=on refcount_bits=1 refcount_bits=4 \
	refcount_bits=64 preallocation=metadata lazy_refcounts=on compression_type=zstd data_file=d.raw; do
	rm -f a d.raw
	real create -q -f qcow2 -o $o a 20M
	[ $o = compat=0.10 ] || bits=$(real info --output=json a | sed -n 's/.*refcount-bits": \([0-9]*\).*/\1/p')
	io -c "write -P 1 0 1M" -c "write -P 2 3M 200k" -c "write -z 5M 1M" -c "discard 3M 64k" a
	[ $o = data_file=d.raw ] || io -c "write -c -P 7 8M 64k" -c "write -c -P 8 9M 64k" a
	if [ $o != refcount_bits=1 ] && [ $o != data_file=d.raw ]; then
		real snapshot -c one a
		io -c "write -P 3 1M 2M" a
		real snapshot -c two a
	fi
	agree "sound: $o" a
done
real create -q -f qcow2 a 20M
real bitmap --add a b0 && real bitmap --add --disable -g 4k a b1
io -c "write 0 5M" a
agree "sound: bitmaps" a
real create -q -f qcow2 a 0
agree "sound: nothing in it" a

# --- damaged ones ---------------------------------------------------------------------------------------
# 64 KiB clusters: 0 header, 1 refcount table, 2 its block, 3 L1, 4 L2, 5 to 20 data of the first MiB, then more.
fresh() {
	rm -f good bad
	real create -q -f qcow2 good 20M
	io -c "write -P 1 0 1M" -c "write -P 2 8M 1M" good
	cp good bad
}
refcount() { echo $((0x20000 + $1 * 2)); }
l2() { echo $((0x40000 + $1 * 8)); }
L1=0x30000 TABLE=0x10000

# damage NAME OFFSET BYTES [OFFSET BYTES]…: and qemu-img's opinion is ours.
damage() {
	damage_name=$1
	shift
	fresh
	while [ $# -gt 0 ]; do
		poke bad "$1" "$2"
		shift 2
	done
	${how:-agree} "$damage_name" bad
}
# repaired [LEAKS]: -r all leaves nothing to find for anybody, and what was readable is as it was.
repaired() {
	img check -r all bad >said 2>&1
	echo $? >rc
	check "… repaired" test "$(cat rc)" = 0 || tap_note <said
	check "… which qemu-img finds sound" real check bad
	check "… with what it held" real compare good bad
}

damage "a leak" "$(refcount 30)" '\0\1'; poke bad "$((40 * 65536))" 'x'
agree "a leak" bad
img check -r leaks bad >said 2>&1
check "… repaired as a leak" real check bad
damage "a count that is too high" "$(refcount 6)" '\0\3'
repaired
damage "a count of nothing, of data" "$(refcount 6)" '\0\0'
repaired
damage "a count of nothing, of an L2 table" "$(refcount 4)" '\0\0'
repaired
damage "a count of nothing, of the header" "$(refcount 0)" '\0\0'
repaired
damage "a flag that is missing, of data" "$(l2 3)" '\0'
repaired
damage "a flag that is missing, of an L2 table" $L1 '\0'
repaired
damage "no refcount block" $TABLE '\0\0\0\0\0\0\0\0'
repaired
damage "a refcount block outside of the file" $((TABLE + 4)) '\7'
repaired
how=agree_status
damage "a refcount block at no cluster" $((TABLE + 7)) '\1'
repaired
damage "a refcount block that is the L2 table" $((TABLE + 5)) '\4'
repaired
damage "a refcount block that is data" $((TABLE + 5)) '\7'
img check -r all bad >said 2>&1
check "… repaired for qemu-img" real check bad
damage "a refcount table outside of the file" 51 '\7'
repaired
how=agree
damage "a cluster used twice" "$(l2 3)" '\200\0\0\0\0\6\0\0'
img check -r all bad >said 2>&1
check "… with a count of two qemu-img has nothing to say" real check bad
how=agree_status
damage "data outside of the file" "$(($(l2 3) + 3))" '\1'
img check -r all bad >said 2>&1
check "… cannot be repaired" test $? = 2
damage "data at no cluster" "$(($(l2 3) + 6))" '\2'
damage "data that are the L2 table" "$(($(l2 3) + 5))" '\4'
damage "data that are the header" "$(l2 3)" '\200\0\0\0\0\0\0\0'
damage "an L2 table outside of the file" $((L1 + 3)) '\1'
damage "an L2 table at no cluster" $((L1 + 6)) '\2'
damage "an L2 table that is the L1 table" $((L1 + 5)) '\3'
damage "an L2 table that is the header" $((L1 + 5)) '\0'
damage "an L2 table that is the refcount table" $((L1 + 5)) '\1'
img check -r all bad >said 2>&1
check "… and its repair ends" test $? -lt 4
how=agree

# With snapshots, counts are larger than one.
fresh
real snapshot -c s1 bad && io -c "write -P 5 0 64k" bad && real snapshot -c s2 bad && cp bad good
agree "snapshots" bad
poke bad "$(refcount 6)" '\0\1'
agree "a count that snapshots need is too low" bad
repaired
real snapshot -a s1 bad && real snapshot -d s2 bad
check "… and the snapshots live" real check bad

# Marked dirty, as after a crash with lazy refcounts; marked corrupt.
fresh
poke bad 72 '\0\0\0\0\0\0\0\1'
img check -r all bad >said 2>&1
check "dirty: cleared when all is well" test "$(od -An -tu1 -j79 -N1 bad | tr -d ' ')" = 0
poke bad 72 '\0\0\0\0\0\0\0\2'
img check -r leaks bad >said 2>&1
check "corrupt: cleared when all is well" test "$(od -An -tu1 -j79 -N1 bad | tr -d ' ')" = 0

# --- words ----------------------------------------------------------------------------------------------
fresh
both cp ../good good
both cp ../bad bad
same "human words" check good
same "quietly" check -q good
real create -q -f raw raw.img 1M
both cp ../raw.img raw.img
same "raw" check raw.img
check_fails "raw that is to be qcow2" 1 "qcow2" img check -f qcow2 raw.img
same "no file's name" check
same "two files' names" check good bad
same "an unknown repair" check -r foo good
same "an unknown form" check --output=foo good
poke ours/bad "$(refcount 40)" '\0\1'
poke ours/bad $((41 * 65536)) x
check_fails "leaks are an exit status of 3" 3 "1 leaked" img check ours/bad
poke ours/bad "$(refcount 6)" '\0\0'
check_fails "corruptions are one of 2" 2 "errors were found" img check ours/bad
check_fails "what is repaired is told" 0 "The following inconsistencies were found and repaired" img check -r all ours/bad
tap_done
