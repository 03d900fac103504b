#!/bin/sh
# A VM's start until its QMP is ready, and its end, beside a bare QEMU with the same devices, and virsh where it is installed.
. "$(dirname "$0")/lib.sh"

cat >"$TEST_TMP/b.xml" <<-END
<domain type='qemu'>
  <name>b</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <serial type='pty'><target port='0'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
END
hv define "$TEST_TMP/b.xml" >/dev/null || exit 1
set -- qemu-system-x86_64 -S -nodefaults -no-user-config -machine q35,accel=tcg -m 16 -display none -serial null
virsh_commands=
if command -v virsh >/dev/null && virsh -q -c qemu:///system define "$TEST_TMP/b.xml" >/dev/null 2>&1; then
	virsh_commands="::: virsh -q -c qemu:///system start b --paused ::: virsh -q -c qemu:///system destroy b"
fi
hv start b --paused >/dev/null && hv destroy b >/dev/null || exit 1 # QEMU's capabilities are asked for once
# shellcheck disable=SC2086
"$tools/pairs" "$rounds" "$HVMUX" start b --paused ::: "$HVMUX" destroy b ::: \
	"@$tools/qemu_ready" ready "$@" ::: "@$tools/qemu_ready" quit "$@" $virsh_commands >"$TEST_TMP/ms" || exit 1
{ read -r start; read -r destroy; read -r floor; read -r quit; read -r virsh_start; read -r virsh_destroy; } <"$TEST_TMP/ms"

peers="bare QEMU $floor ms" ends="QEMU quit $quit ms"
start_met=$(verdict "$(ratio "$start" "$floor")" le 1.25)
end_met=$(verdict "$destroy" le 40)
than_virsh= # only what was compared is claimed
if [ -n "$virsh_start" ]; then
	virsh -q -c qemu:///system undefine b
	peers="$peers, virsh $virsh_start ms" ends="$ends, virsh $virsh_destroy ms"
	than_virsh=", >= 5 x virsh"
	start_met=$(both "$start_met" "$(verdict "$(ratio "$virsh_start" "$start")" ge 5)")
	end_met=$(both "$end_met" "$(verdict "$(ratio "$virsh_destroy" "$destroy")" ge 5)")
fi
row "start to QMP ready, q35, paused" "$start ms" "$peers" "$(ratio "$start" "$floor")" "<= 1.25 x bare QEMU$than_virsh" "$start_met"
row "destroy" "$destroy ms" "$ends" "$(ratio "$destroy" "$quit")" "<= 40 ms$than_virsh" "$end_met"

# Twenty disks: what the document costs, its addresses, its images looked at, 60 words of command line.
disks=
set -- qemu-system-x86_64 -S -nodefaults -no-user-config -machine q35,accel=tcg -m 16 -display none -serial null
for i in a b c d e f g h i j k l m n o p q r s t; do
	truncate -s 1M "$TEST_TMP/$i.img"
	disks="$disks<disk type='file'><driver name='qemu' type='raw' cache='none'/><source file='$TEST_TMP/$i.img'/>"
	disks="$disks<target dev='vd$i' bus='virtio'/></disk>"
	set -- "$@" -blockdev "driver=file,node-name=$i-file,filename=$TEST_TMP/$i.img,cache.direct=on" \
		-blockdev "driver=raw,node-name=$i,file=$i-file,cache.direct=on" -device "pcie-root-port,id=p$i,chassis=$(printf %d "'$i")" \
		-device "virtio-blk-pci,drive=$i,bus=p$i"
done
sed -e 's|<name>b<|<name>b20<|' -e "s|<serial|$disks<serial|" "$TEST_TMP/b.xml" >"$TEST_TMP/b20.xml"
hv define "$TEST_TMP/b20.xml" >/dev/null && hv start b20 --paused >/dev/null && hv destroy b20 >/dev/null || exit 1
"$tools/pairs" "$rounds" "$HVMUX" start b20 --paused ::: "$HVMUX" destroy b20 ::: \
	"@$tools/qemu_ready" ready "$@" ::: "@$tools/qemu_ready" quit "$@" >"$TEST_TMP/ms" || exit 1
{ read -r start; read -r destroy; read -r floor; read -r quit; } <"$TEST_TMP/ms"
row "start of a VM with 20 disks, paused" "$start ms" "bare QEMU $floor ms" "$(ratio "$start" "$floor")" "<= 1.25 x bare QEMU" \
	"$(verdict "$(ratio "$start" "$floor")" le 1.25)"
