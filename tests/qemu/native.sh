#!/bin/sh
# domxml-from-native: the machine that its document starts is the one that the command line started, card by card in the same slots,
# as QEMU itself tells it. Then from a running process.
. "$(dirname "$0")/lib.sh"
need_program qemu-system-x86_64
cd "$TEST_TMP" || exit 2
# Nobody's disk: any file will do, no guest ever runs.
truncate -s 1M disk.img data.img cd.iso floppy.img

# What a machine that is paused before its first instruction has: PCI functions with their ids, disks, USB.
machine_of() {
	printf 'info pci\ninfo block\ninfo usb\nquit\n' | timeout 60 "$@" -S -monitor stdio >raw.out 2>raw.err ||
		{ cat raw.err; return 1; }
	# Backends' names and files' ids are ours; BARs are not assigned yet.
	tr -d '\r' <raw.out | sed -n 's/^ *Bus *\([0-9]*\), device *\([0-9]*\), function *\([0-9]*\).*/pci \1 \2 \3/p
		s/^ *\(.*PCI device .*\)/\1/p; s/^ *\(PCI subsystem .*\)/\1/p
		s/^ *Attached to: *\([^ ]*\).*/disk/p; s/^ *Device [0-9.]*, Port .*, Product \([^,]*\).*/usb \1/p'
}
# Our command line for the document in $1, without what only a supervisor gives it. QEMU's own lists of words, one a line.
ours() {
	hv domxml-to-native qemu-argv --xml "$1" >ours.args || return 1
	mkdir -p "$HVMUX_HOME/run/native" "$HVMUX_HOME/run/full"
	sed -i '/^$/d; /^-S \\$/d; /^-sandbox/d' ours.args
}
same_machine() {
	same_name=$1
	shift
	machine_of "$@" >"$same_name.theirs" || return 1
	printf "'%s' " "$@" >"$same_name.args"
	hv domxml-from-native qemu-argv "$same_name.args" >"$same_name.xml" || return 1
	ours "$same_name.xml" || return 1
	printf '%s -S -monitor stdio >raw.out 2>raw.err\n' "$(sed 's/ \\$//' ours.args | tr '\n' ' ')" >run.sh
	printf 'info pci\ninfo block\ninfo usb\nquit\n' >questions
	timeout 60 sh run.sh <questions || { cat raw.err; return 1; }
	tr -d '\r' <raw.out | sed -n 's/^ *Bus *\([0-9]*\), device *\([0-9]*\), function *\([0-9]*\).*/pci \1 \2 \3/p
		s/^ *\(.*PCI device .*\)/\1/p; s/^ *\(PCI subsystem .*\)/\1/p
		s/^ *Attached to: *\([^ ]*\).*/disk/p; s/^ *Device [0-9.]*, Port .*, Product \([^,]*\).*/usb \1/p' >"$same_name.ours"
	[ -s "$same_name.ours" ] && diff "$same_name.theirs" "$same_name.ours"
}
q=qemu-system-x86_64

check "a bare command line" same_machine bare $q -display none disk.img
check "a desktop's" same_machine desktop $q -name native -m 64 -smp 2 -hda disk.img -cdrom cd.iso -usb -usbdevice tablet -vga std \
	-net nic,model=e1000 -net user -display none
check "cards and disks of q35" same_machine q35 $q -M q35 -m 64 -display none -nodefaults -device VGA \
	-drive file=disk.img,format=raw,if=virtio -drive file=data.img,format=raw,if=none,id=d -device virtio-scsi-pci \
	-device scsi-hd,drive=d -nic user,model=virtio -device virtio-rng-pci -device virtio-balloon -device qemu-xhci -device usb-tablet \
	-device ich9-intel-hda -device i6300esb -device pcie-root-port,id=rp,chassis=7 -device e1000e,bus=rp
check "an old pc" same_machine pc $q -M pc -m 64 -display none -nodefaults -vga cirrus -device lsi53c895a -device ich9-ahci,id=ahci \
	-drive file=disk.img,format=raw,if=none,id=a -device ide-hd,drive=a,bus=ahci.1 -drive file=floppy.img,format=raw,if=floppy \
	-drive file=data.img,format=raw,if=none,id=b -device usb-storage,drive=b -usb -netdev user,id=n -device rtl8139,netdev=n \
	-device pci-bridge,id=br,chassis_nr=3 -device AC97,bus=br -device pvpanic -device virtio-serial
check "what no element says" same_machine rest $q -M pc -m 64 -display none -nodefaults -device edu,addr=9 -device pci-testdev -netdev user,id=hostnet0 \
	-device e1000,netdev=hostnet0,extra_mac_registers=off -device virtio-net-pci

# --- a process ---
if kvm_opens; then accel=kvm; else accel=tcg; fi
$q -accel $accel -name guest=proc -m 16 -display none -nodefaults -drive file=disk.img,format=raw,if=virtio -pidfile proc.pid -daemonize
from_process() { hv domxml-from-native qemu-argv --pid "$(cat proc.pid)" >proc.xml; }
check "from a process" from_process
check "its name" grep -q '<name>proc</name>' proc.xml
check "its relative paths are absolute" grep -qF "\"$TEST_TMP/disk.img\"" proc.xml
check "it can be defined" hv define proc.xml
kill "$(cat proc.pid)"
check_fails "no such process" 1 "there is no process 999999999" hv domxml-from-native qemu-argv --pid 999999999
check_fails "no QEMU" 1 "is no QEMU" hv domxml-from-native qemu-argv --pid $$
check_fails "no command line" 1 "no QEMU command in it" hv domxml-from-native qemu-argv "$HVMUX_SRC/tests/qemu/lib.sh"
check_fails "nothing to read" 2 "either a file or --pid" hv domxml-from-native qemu-argv
tap_done
