#!/bin/sh
# The lines under qemu-img and kvm-img that the guides teach, typed as they stand there: the names lead to hvmux.
. "$(dirname "$0")/lib.sh"

mkdir bin work
for name in qemu-img kvm-img; do ln -s "$HVMUX" "bin/$name"; done
PATH=$TEST_TMP/bin:$PATH
cd work || exit 2
dd if="$HVMUX" of=disk.src bs=1M count=3 status=none
truncate -s 64M disk.src

# did NAME LINE...: with status 0 and by hvmux itself: the real one is out of reach.
did() {
	did_name=$1
	shift
	check "$did_name" env HVMUX_IMG_HANDED_OVER=1 "$@"
}
equal() { "$REAL" compare -q "$1" "$2"; }
size_is() { "$REAL" info --output=json "$1" | grep -q "\"virtual-size\": $2,"; }

did "create qcow2" qemu-img create -f qcow2 disk.qcow2 20G
check "it has 20 GiB" size_is disk.qcow2 21474836480
did "create raw" qemu-img create -f raw disk.raw 20G
check "it has them, too" size_is disk.raw 21474836480
cp disk.src disk.raw
did "convert raw to qcow2" qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2
check "equal" equal disk.src disk.qcow2
rm disk.qcow2
did "convert, options among the names" qemu-img convert -f raw disk.raw -O qcow2 disk.qcow2
check "equal" equal disk.src disk.qcow2
"$REAL" convert -O vmdk disk.raw myvm.vmdk
did "convert vmdk" qemu-img convert -O qcow2 myvm.vmdk myvm.qcow2
check "equal" equal disk.src myvm.qcow2
cp disk.qcow2 image.qcow2
did "compress" kvm-img convert -c -f qcow2 image.qcow2 -O qcow2 image-compressed.qcow2
check "equal" equal disk.src image-compressed.qcow2
check "and smaller" test "$(stat -c %s image-compressed.qcow2)" -lt "$(stat -c %s image.qcow2)"
mv myvm.vmdk image.vmdk
did "convert vmdk, told" kvm-img convert -f vmdk image.vmdk -O qcow2 image.qcow2
check "equal" equal disk.src image.qcow2
did "info" qemu-img info disk.qcow2
check "it says what qemu-img says" sh -c 'qemu-img info disk.qcow2 >a; "$0" info disk.qcow2 >b; cmp a b' "$REAL"
did "resize" qemu-img resize disk.qcow2 +10G
check "it has 10 GiB more" size_is disk.qcow2 $((10737418240 + 67108864))
"$REAL" convert -O vdi disk.raw disk.vdi
rm disk.raw
did "VBoxManage clonehd" "$HVMUX" img convert -f vdi -O raw disk.vdi disk.raw
check "equal" equal disk.src disk.raw
tap_done
