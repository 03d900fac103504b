#!/bin/sh
# Hot-plug and work on images beside QEMU's own time for the same QMP, on a bare QEMU with the same devices. The machine has no guest that
# would have to let go of a device: its disks are SCSI ones, which go at once.
. "$(dirname "$0")/lib.sh"
cd "$TEST_TMP" || exit 1
qemu-img create -q -f raw plug.img 16M && cp plug.img bare.img
for i in ours bare; do
	qemu-img create -q -f raw "$i-base.img" 64M && qemu-img create -q -f qcow2 -b "$TEST_TMP/$i-base.img" -F raw "$i-top.qcow2"
done
cat >b.xml <<-END
<domain type='qemu'>
  <name>b</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
  <devices>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$TEST_TMP/ours-base.img'/><target dev='sda' bus='scsi'/></disk>
    <serial type='pty'><target port='0'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
END
hv define b.xml >/dev/null && hv start b >/dev/null || exit 1
HVMUX_HOME=$HVMUX_HOME qemu-system-x86_64 -nodefaults -no-user-config -machine q35,accel=tcg -m 16 -display none -serial null \
	-qmp "unix:$TEST_TMP/bare.sock,server=on,wait=off" -device virtio-scsi-pci,id=scsi0 \
	-blockdev "driver=file,node-name=a-file,filename=$TEST_TMP/bare-base.img" -blockdev driver=raw,node-name=a,file=a-file \
	-device scsi-hd,bus=scsi0.0,drive=a,id=disk0 >/dev/null 2>&1 &
bare=$!
trap 'kill $bare; cleanup' EXIT
wait_for 20 test -S bare.sock || exit 1
qmp() { echo "@$tools/qmp_time"; }

# --- a disk plugged in and out ---
"$tools/pairs" "$rounds" "$HVMUX" attach-disk b "$TEST_TMP/plug.img" sdb --targetbus scsi --live ::: "$HVMUX" detach-disk b sdb --live ::: \
	"$(qmp)" "$TEST_TMP/bare.sock" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"b-file\",\"filename\":\"$TEST_TMP/bare.img\"}}" \
	'{"execute":"blockdev-add","arguments":{"driver":"raw","node-name":"b","file":"b-file"}}' \
	'{"execute":"device_add","arguments":{"driver":"scsi-hd","bus":"scsi0.0","drive":"b","id":"disk1"}}' ::: \
	"$(qmp)" "$TEST_TMP/bare.sock" '{"execute":"device_del","arguments":{"id":"disk1"}}' +DEVICE_DELETED \
	'{"execute":"blockdev-del","arguments":{"node-name":"b"}}' '{"execute":"blockdev-del","arguments":{"node-name":"b-file"}}' >ms || exit 1
{ read -r in; read -r out; read -r qmp_in; read -r qmp_out; } <ms
more() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a - b }'; }
row "plug a SCSI disk" "$in ms" "the same QMP $qmp_in ms" "$(ratio "$in" "$qmp_in")" "<= QMP + 10 ms" "$(verdict "$(more "$in" "$qmp_in")" le 10)"
row "unplug it" "$out ms" "the same QMP $qmp_out ms" "$(ratio "$out" "$qmp_out")" "<= QMP + 10 ms" "$(verdict "$(more "$out" "$qmp_out")" le 10)"

# --- an overlay on the disk, and back into it ---
job='"job-id":"j","auto-dismiss":false'
"$tools/pairs" "$rounds" "$HVMUX" snapshot-create-as b s --disk-only --no-metadata --diskspec "sda,file=$TEST_TMP/over.qcow2" ::: \
	"$HVMUX" blockcommit b sda --pivot --delete ::: \
	"$(qmp)" "$TEST_TMP/bare.sock" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"o-file\",\"filename\":\"$TEST_TMP/bare-top.qcow2\"}}" \
	'{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"o","file":"o-file","backing":null}}' \
	'{"execute":"blockdev-snapshot","arguments":{"node":"a","overlay":"o"}}' ::: \
	"$(qmp)" "$TEST_TMP/bare.sock" "{\"execute\":\"block-commit\",\"arguments\":{$job,\"device\":\"o\",\"base-node\":\"a\"}}" +BLOCK_JOB_READY \
	'{"execute":"job-complete","arguments":{"id":"j"}}' +BLOCK_JOB_COMPLETED '{"execute":"job-dismiss","arguments":{"id":"j"}}' \
	'{"execute":"blockdev-del","arguments":{"node-name":"o"}}' '{"execute":"blockdev-del","arguments":{"node-name":"o-file"}}' >ms || exit 1
{ read -r make; read -r merge; read -r qmp_make; read -r qmp_merge; } <ms
row "snapshot of a running VM, disk only" "$make ms" "the same QMP $qmp_make ms" "$(ratio "$make" "$qmp_make")" "<= QMP + 10 ms" \
	"$(verdict "$(more "$make" "$qmp_make")" le 10)"
row "commit it back, and move the guest" "$merge ms" "the same QMP $qmp_merge ms" "$(ratio "$merge" "$qmp_merge")" "<= QMP + 10 ms" \
	"$(verdict "$(more "$merge" "$qmp_merge")" le 10)"
