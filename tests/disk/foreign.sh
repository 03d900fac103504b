#!/bin/sh
# Images of other programs, made by qemu-img: `img convert` reads back what they were made of, and `img info` and `img map`
# say what qemu-img says of them.
. "$(dirname "$0")/lib.sh"

# Holes, and data on both sides of grains, blocks and grain tables. 40 MiB.
truncate -s 40M src.raw
for at in 0 5 17 47 127 128 250 511 512 600; do
	dd if="$HVMUX" of=src.raw bs=65536 seek=$at count=1 skip=$((at % 13)) conv=notrunc status=none
done
dd if=/dev/urandom of=src.raw bs=4096 seek=5003 count=200 conv=notrunc status=none

reads_back() {
	rm -f back.raw back.qcow2
	img convert -f "$1" -O raw "ours/disk.$1" back.raw && cmp src.raw back.raw &&
		img convert -c -f "$1" -O qcow2 "ours/disk.$1" back.qcow2 && real check -q back.qcow2 && real compare -q src.raw back.qcow2
}
# of FORMAT OPTIONS
of() {
	of_name="$1 $2"
	rm -rf ours theirs && mkdir ours
	if ! (cd ours && real convert -f raw -O "$1" ${2:+-o "$2"} ../src.raw "disk.$1") 2>/dev/null; then
		tap_skip "$of_name" "this qemu-img does not make it"
		return
	fi
	cp -al ours theirs
	check "$of_name: reads back equal" reads_back "$1"
	same "$of_name: info" info -f "$1" "disk.$1"
	same "$of_name: info, json" info -f "$1" --output=json "disk.$1"
	case $1 in
	# qemu-img knows no holes of this one.
	vhdx) ;;
	*) same "$of_name: map" map -f "$1" --output=json "disk.$1" ;;
	esac
}
of vmdk ""
of vmdk subformat=streamOptimized
of vmdk subformat=monolithicFlat
of vmdk subformat=twoGbMaxExtentSparse
of vmdk subformat=twoGbMaxExtentFlat
of vdi ""
of vdi static=on
of vpc force_size=on
of vpc subformat=fixed,force_size=on
of vhdx ""
of vhdx subformat=fixed
of qed ""

# --- what a descriptor must not do ---------------------------------------------------------------------
mkdir hostile
echo "a secret of the host" >secret
truncate -s 512 secret
printf 'version=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 1 FLAT "../secret" 0\n' >hostile/disk.vmdk
check_fails "a descriptor does not reach out of its folder" 1 "lies outside of its folder" img convert -O raw hostile/disk.vmdk out.raw
check "nothing was made of it" test ! -e out.raw
printf 'RW 1 SESPARSE "x"\n' >>hostile/disk.vmdk
check_fails "and is not handed over, either" 1 "lies outside of its folder" img info hostile/disk.vmdk

# --- what is handed over -------------------------------------------------------------------------------
real create -q -f parallels p.hds 4M
img -v info p.hds >out 2>&1
real info p.hds >want 2>&1
check "p.hds is told as qemu-img tells it" sh -c 'sed 1d out | cmp - want'
check "-v says who does it" grep -q "^hvmux img: .*handed over to $REAL\$" out
real convert -O qcow src.raw one.qcow
img -v info one.qcow >out 2>&1
real info one.qcow >want
check "the first qcow: its header is read here" cmp out want
check "its data are read by qemu-img" img convert -O raw one.qcow one.raw
check "and are the same" cmp one.raw src.raw
check "what is written is qemu-img's: vmdk" img convert -O vmdk src.raw out.vmdk
check "and equal" real compare -q src.raw out.vmdk
check "bench is QEMU's own" img bench -c 1 -f raw src.raw
HVMUX_IMG_HANDED_OVER=1
export HVMUX_IMG_HANDED_OVER
check_fails "without a qemu-img it says so" 1 "is not installed" img info p.hds
real create -q -f raw base.raw 4M
real create -q -f qed -b base.raw -F raw top.qed
qemu-io -f qed -c 'write -P 7 0 64k' top.qed >/dev/null
cp base.raw before.raw
check_fails "an overlay that only qemu-img empties" 1 "is not installed" img commit -f qed top.qed
check "nothing of it went down before that was known" cmp base.raw before.raw
unset HVMUX_IMG_HANDED_OVER
check "qemu-img commits it" img commit -q -f qed top.qed
check "into its base" qemu-io -r -f raw -c 'read -P 7 0 64k' base.raw
tap_done
