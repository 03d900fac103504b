#!/bin/sh
# Disks on every bus, seen by a Linux guest under TCG: each is known by its size, which no other has. What this kernel has
# no driver for is not asked for (a cloud's kernel has neither AHCI nor USB disks).
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

# disk SECTORS TARGET BUS [MORE [DEVICE]]: the XML of a disk of that size. MORE is put inside.
disk() {
	truncate -s $(($1 * 512)) "$TEST_TMP/$1.img"
	echo "<disk type='file' device='${5:-disk}'><driver name='qemu' type='raw'/>"
	echo "<source file='$TEST_TMP/$1.img'/><target dev='$2' bus='$3'/>${4:-}</disk>"
}
q35_disks() {
	disk 2010 vda virtio "<serial>first</serial>"
	disk 2020 sda scsi "<wwn>5000c50015ea71ac</wwn>"
	disk 2030 sdb scsi "<address type='drive' controller='1' target='3' unit='0'/>"
	disk 2040 nvme0n1 nvme
	disk 2050 nvme0n2 nvme
	disk 2060 sdc sata
	disk 2070 sdd usb
	echo "<controller type='scsi' index='0' model='virtio-scsi'/>"
	echo "<controller type='scsi' index='1' model='vmpvscsi'/>"
}
pc_disks() {
	disk 3010 hda ide
	disk 3020 hdc ide "" cdrom
	disk 3030 vda virtio
	disk 3040 sdb usb
	disk 2880 fda fdc "" floppy
	disk 3050 sdc scsi
	echo "<controller type='scsi' index='0' model='lsilogic'/>"
}
login() {
	wait_screen "$1" "$1 login:" 180 || return 1
	type_line "$1" root >/dev/null
	wait_screen "$1" "root@$1" 30
}
has_driver() { # DRIVER...: are they in the guest's kernel?
	for driver; do
		grep -qx "$driver.ko" "$TEST_TMP/modules" || return 1
	done
}
# sees NAME SECTORS WHAT [DRIVER...]: the guest has a disk of that size, unless its kernel lacks a driver.
sees() {
	sees_name=$1 sees_sectors=$2 sees_what=$3
	shift 3
	if [ $# -gt 0 ] && ! has_driver "$@"; then
		tap_skip "$sees_name sees its $sees_what" "the guest's kernel has no $*"
		return
	fi
	type_line "$sees_name" "clear; until grep -qx $sees_sectors /sys/block/*/size; do sleep .1; done; echo seen-$sees_sectors" >/dev/null
	check "$sees_name sees its $sees_what" wait_for 40 seen_line "$sees_name" "seen-$sees_sectors"
}
# The answer, and not its own echo.
seen_line() { hv screen "$1" >"$TEST_TMP/screen" && grep -qx "$2 *" "$TEST_TMP/screen" || { cat "$TEST_TMP/screen"; return 1; }; }

cpio -it --quiet <"$guest/initramfs" 2>/dev/null | sed -n 's|^lib/modules/||p' >"$TEST_TMP/modules"

check "define a q35 with seven disks" define_linux q35 "$(q35_disks)"
guest_machine=pc
check "define a pc with six" define_linux pc "$(pc_disks)"
check "start both" sh -c "'$HVMUX' start q35 && '$HVMUX' start pc"
check "the q35 boots" login q35 || tap_done
check "the pc boots" login pc || tap_done

sees q35 2010 "virtio disk"
sees q35 2020 "disk on virtio-scsi" virtio_scsi
sees q35 2030 "disk on pvscsi" vmw_pvscsi
sees q35 2040 "first NVMe namespace"
sees q35 2050 "second NVMe namespace"
sees q35 2060 "SATA disk" ahci
sees q35 2070 "USB disk on xhci" xhci_pci usb_storage
sees pc 3010 "IDE disk" ata_piix
sees pc 3020 "CD in its IDE drive" ata_piix sr_mod
sees pc 3030 "virtio disk"
sees pc 3040 "USB disk on UHCI" uhci_hcd usb_storage
sees pc 3050 "disk on lsilogic" sym53c8xx
if has_driver floppy; then
	type_line pc "clear; dd if=/dev/fd0 of=/dev/null count=1 2>/dev/null && echo fd''0-read" >/dev/null
	check "pc reads its floppy disk" wait_for 40 seen_line pc fd0-read
else
	tap_skip "pc reads its floppy disk" "the guest's kernel has no floppy"
fi

type_line q35 "cat /sys/block/vda/serial; echo" >/dev/null
check "a serial number arrives" wait_for 20 seen_line q35 first

# The guest writes, the image has it.
type_line q35 "printf written | dd of=/dev/vda conv=fsync 2>/dev/null; echo writ''ten-out" >/dev/null
check "what the guest writes" wait_for 30 seen_line q35 written-out
check "… is in the image" sh -c "head -c 7 '$TEST_TMP/2010.img' | grep -q written"
tap_done
