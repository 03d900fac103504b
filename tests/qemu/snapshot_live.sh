#!/bin/sh
# Snapshots of a Linux guest that runs: what is gone back to is what it was, on its disk and in its memory.
. "$(dirname "$0")/lib.sh"
need_linux
need_program qemu-img

disk=$TEST_TMP/web1.qcow2
qemu-img create -q -f qcow2 "$disk" 64M
vda="<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$disk'/><target dev='vda' bus='virtio'/></disk>"
uptime_of() { guest_run "$1" 'cut -d. -f1 /proc/uptime'; }
word_is() { [ "$(guest_run "$1" 'echo $word')" = "$2" ]; }
# The first bytes of its disk, as the guest reads them past its caches.
disk_is() { [ "$(guest_run "$1" 'dd if=/dev/vda bs=512 count=1 iflag=direct 2>/dev/null | head -c 5')" = "$2" ]; }
disk_put() { guest_run "$1" "printf %-512s $2 | dd of=/dev/vda bs=512 count=1 conv=fsync 2>/dev/null"; }
current_is() { [ "$(hv snapshot-current "$1" --name)" = "$2" ]; }
reason_is() { hv domstate --reason "$1" | grep -qF "$2"; }
names_are() { [ "$(hv snapshot-list "$1" --name | xargs)" = "$2" ]; }

define_linux web1 "$vda" >/dev/null
check "start" hv start web1
check "the guest is up" guest_login web1
guest_run web1 'word=first' >/dev/null
disk_put web1 first

# --- inside of the images ---
check "a snapshot" hv snapshot-create-as web1 snap1 "Before upgrade"
before=$(uptime_of web1)
check "… is listed" names_are web1 snap1
check "… and current" current_is web1 snap1
check "… of a guest that ran" sh -c "'$HVMUX' snapshot-info web1 snap1 | grep -q 'State: *running'"
check "it is inside of the image" sh -c "qemu-img snapshot -U -l '$disk' | grep -q snap1"
check "the guest runs on" state_is web1 running
check_fails "the same name once more" 1 "domain snapshot snap1 already exists" hv snapshot-create-as web1 snap1
guest_run web1 'word=second' >/dev/null
disk_put web1 second
check "more is written" disk_is web1 secon
check "a second snapshot" hv snapshot-create-as web1 snap2
check "… with a parent" sh -c "[ \"\$('$HVMUX' snapshot-parent web1 snap2)\" = snap1 ]"
check "revert to the first" hv snapshot-revert web1 snap1
check "it runs" state_is web1 running
check "its memory is the old one" word_is web1 first
check "its disk is the old one" disk_is web1 first
after=$(uptime_of web1)
check "its clock is, too" test "$after" -le "$((before + 5))"
check "… which is current now" current_is web1 snap1
check "revert to the second, paused" hv snapshot-revert web1 snap2 --paused
check "it is paused" state_is web1 paused
hv resume web1 >/dev/null
check "its memory is that one's" word_is web1 second
check "its disk, too" disk_is web1 secon
check "a dry run tells the steps" sh -c "'$HVMUX' snapshot-delete web1 snap1 --dry-run | grep -q snapshot-delete"
check "delete the first" hv snapshot-delete web1 snap1
check "the second is a root" sh -c "! '$HVMUX' snapshot-parent web1 snap2"
check "… and gone from the image" sh -c "! qemu-img snapshot -U -l '$disk' | grep -q snap1"
check "a third" hv snapshot-create-as web1 snap3
check "delete with children" hv snapshot-delete web1 snap2 --children
check "none is left" names_are web1 ""

# --- the domain is off meanwhile ---
disk_put web1 first
guest_run web1 'word=first' >/dev/null
check "one more" hv snapshot-create-as web1 snap1
disk_put web1 second
check "destroy" hv destroy web1
check "a domain that is off goes back to it and runs" hv snapshot-revert web1 snap1
check "it does" state_is web1 running
check "… from a snapshot" reason_is web1 "from snapshot"
check "its memory" word_is web1 first
check "its disk" disk_is web1 first

# --- what cannot be ---
raw=$TEST_TMP/raw.img
truncate -s 8M "$raw"
hv destroy web1 >/dev/null
hv snapshot-delete web1 snap1 >/dev/null
define_linux web2 "$vda<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$raw'/><target dev='vdb' bus='virtio'/></disk>" >/dev/null
hv start web2 >/dev/null
check_fails "a raw disk is named, with what to do" 1 "disk 'vdb' is raw" hv snapshot-create-as web2 snap1
check "nothing is left of it" names_are web2 ""
hv destroy web2 >/dev/null

# --- overlays: the disks alone ---
hv undefine web2 >/dev/null
check "the guest boots again" hv start web1
check "… up" guest_login web1
disk_put web1 first
check "a snapshot of the disks alone" hv snapshot-create-as web1 disks1 --disk-only
check "… says so" sh -c "'$HVMUX' snapshot-info web1 disks1 | grep -q 'State: *disk-snapshot'"
over=$TEST_TMP/web1.disks1
check "the overlay is there" test -f "$over"
check "the guest writes to it" sh -c "'$HVMUX' domblklist web1 | grep -qF '$over'"
check "… at its next start, too" sh -c "'$HVMUX' domblklist web1 --inactive | grep -qF '$over'"
disk_put web1 secon
check "what is written is read" disk_is web1 secon
check "QEMU has what is written of it" hv check-live web1
check "the image below is as it was" sh -c "[ \"\$(qemu-img dd -U -O raw if='$disk' of=/dev/stdout bs=512 count=1 2>/dev/null | head -c 5)\" = first ] || qemu-io -U -r -c 'read -v 0 16' '$disk' | grep -q first"
check_fails "the same file once more" 1 "already exists" hv snapshot-create-as web1 disks2 --disk-only --diskspec "vda,file=$over"
check "a second one on top" hv snapshot-create-as web1 disks2 --disk-only --atomic
check "… through a restart" hv destroy web1
check "start" hv start web1
check "… up" guest_login web1
check "the disk is what it was" disk_is web1 secon
check "revert to the first ends it" hv snapshot-revert web1 disks1 --running
check "… and it boots" guest_login web1
check "from the disk as it was" disk_is web1 first

# --- a revert that cannot be leaves the guest alone ---
check "a snapshot inside of the overlay" hv snapshot-create-as web1 in1
check "an overlay on top" hv snapshot-create-as web1 in2 --disk-only
check_fails "what others are made of stays as it is" 1 "needs" hv snapshot-revert web1 in1
check "the guest runs on" state_is web1 running
check "merged" hv snapshot-delete web1 in2
check "and deleted" hv snapshot-delete web1 in1

# --- overlays, and the memory in a file ---
mem=$TEST_TMP/web1.mem
guest_run web1 'word=kept' >/dev/null
check "with the memory in a file" hv snapshot-create-as web1 mem1 --memspec "file=$mem,snapshot=external"
check "the guest runs on" state_is web1 running
check "… as it was" word_is web1 kept
disk_put web1 third
guest_run web1 'word=lost' >/dev/null
check "revert" hv snapshot-revert web1 mem1
check "it runs" state_is web1 running
check "its memory" word_is web1 kept
check "its disk" disk_is web1 first
disk_put web1 fourt
check "a snapshot on top" hv snapshot-create-as web1 disks3 --disk-only
disk_put web1 fifth
check "the one with the memory is merged" hv snapshot-delete web1 mem1
check "… its file is gone" sh -c "! test -e '$mem'"
check "the guest reads what it wrote" disk_is web1 fifth
check "the newest is merged, too" hv snapshot-delete web1 disks3
check "the guest reads what it wrote" disk_is web1 fifth
check "… and writes" disk_put web1 sixth
check "QEMU has what is written of it" hv check-live web1
hv destroy web1 >/dev/null
check "it starts from what is left" hv start web1
check "… up" guest_login web1
check "the disk is what it was" disk_is web1 sixth
check "snapshot disks1 is there still" names_are web1 "disks1 disks2"
check "while the guest runs on" hv snapshot-create-as web1 live1 --live --memspec "file=$mem,snapshot=external"
check "the guest runs" disk_put web1 seven
check "and ended afterwards" hv snapshot-create-as web1 halt1 --memspec "file=$mem.2,snapshot=external" --halt
check "it is off" wait_state web1 "shut off" 20
check "for the snapshot" reason_is web1 "from snapshot"
check "revert goes on there" hv snapshot-revert web1 halt1
check "the guest runs" disk_is web1 seven
hv destroy web1 >/dev/null

# --- UEFI: its variables are part of it ---
if [ -r /usr/share/qemu/firmware ] && ls /usr/share/OVMF/OVMF_CODE*.fd >/dev/null 2>&1; then
	efi=$TEST_TMP/u1.qcow2
	qemu-img create -q -f qcow2 "$efi" 64M
	cat >"$TEST_TMP/u1.xml" <<-END
	<domain type='qemu'><name>u1</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
	<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
	<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$efi'/><target dev='vda' bus='virtio'/></disk>
	<serial type='pty'><target port='0'/></serial></devices></domain>
	END
	hv define "$TEST_TMP/u1.xml" >/dev/null
	vars=$HVMUX_HOME/data/nvram/u1_VARS.fd
	check "a guest with UEFI" hv start u1
	check "its firmware is up" wait_screen u1 BdsDxe 90
	check "a snapshot" hv snapshot-create-as u1 s1
	check "… with a copy of the variables" cmp "$vars" "$HVMUX_HOME/data/snapshots/u1/s1.nvram"
	printf garbage | dd of="$vars" conv=notrunc 2>/dev/null
	check "revert sets them back" hv snapshot-revert u1 s1
	check "… in the file, too" wait_for 10 cmp "$vars" "$HVMUX_HOME/data/snapshots/u1/s1.nvram"
	check "saved" hv save u1 "$TEST_TMP/u1.save"
	check "and restored" hv restore "$TEST_TMP/u1.save"
	hv destroy u1 >/dev/null
	printf garbage | dd of="$vars" conv=notrunc 2>/dev/null
	check "off, it goes back and runs" hv snapshot-revert u1 s1
	check "it does" state_is u1 running
	check "the variables, too" wait_for 10 cmp "$vars" "$HVMUX_HOME/data/snapshots/u1/s1.nvram"
	check "deleted, the copy goes" hv snapshot-delete u1 s1
	check "it does" sh -c "! ls '$HVMUX_HOME/data/snapshots/u1' 2>/dev/null | grep ."
	hv destroy u1 >/dev/null
else
	tap_skip "UEFI" "no OVMF here"
fi
tap_done
