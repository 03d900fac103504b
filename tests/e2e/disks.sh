#!/bin/sh
# The Disks pane: format, sizes, chain, snapshots, what is missing.
. "$(dirname "$0")/lib.sh"
need_program qemu-img

images=$HVMUX_HOME/data/images
hv() { "$HVMUX" "$@"; }
mkdir -p "$images"
qemu-img create -q -f qcow2 "$images/base.qcow2" 2G
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "$images/web1.qcow2"
qemu-img snapshot -c before-upgrade "$images/web1.qcow2"
cat >"$TEST_TMP/web1.xml" <<EOF
<domain type='qemu'><name>web1</name><memory>65536</memory><os><type>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='$images/web1.qcow2'/>
<target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$images/gone.qcow2'/>
<target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
</devices></domain>
EOF
hv define "$TEST_TMP/web1.xml" >/dev/null 2>&1

dash 120x40
see "1 VM"
keys 3
check "the pane has a row for each disk" wait_for 20 line_shows "vda" "virtio"
check "it knows the image's size" wait_for 20 line_shows "vda" "2.0G"
check "and its chain" see "chain: web1.qcow2"
check "and its snapshots" see "snapshots: before-upgrade"
check "and how it is cached" see "cache none"
check "an image that is missing is said to be" wait_for 20 line_shows "gone.qcow2: " "No such file"

rm "$images/base.qcow2"
check "a backing file that goes is seen" wait_for 20 line_shows "base.qcow2: " "No such file"
resize 80x14
check "a pane with more lines than rows scrolls" wait_for 20 line_shows "lines 1-" "[ ] scroll"
keys ']'
check "to its end" see "empty"
keys q
check "q quits" see "ENDED 0"
tap_done
