#!/bin/sh
# Pools of devices, on loop devices: a file system, partitions, a volume group.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "loop devices are root's"

pools_end() {
	umount "$TEST_TMP/mnt" 2>/dev/null
	[ -z "${group:-}" ] || vgremove -ff -y "$group" >/dev/null 2>&1
	for device in ${devices:-}; do losetup -d "$device" 2>/dev/null; done
	cleanup
}
trap pools_end EXIT
# loop SIZE [OPTION]: a new one in $device.
loop() {
	loops=$((${loops:-0} + 1))
	truncate -s "$1" "$TEST_TMP/disk$loops" && device=$(losetup ${2:-} -f --show "$TEST_TMP/disk$loops" 2>/dev/null) && devices="${devices:-} $device"
}
quiet() { hv "$@" >/dev/null; }
loop 64M || tap_skip_all "no loop device here"

# --- fs --------------------------------------------------------------------------------------------------
fs_built() { quiet pool-define-as f1 fs --source-dev "$device" --source-format ext4 --target "$TEST_TMP/mnt" && quiet pool-build f1 --no-overwrite; }
fs_mounted() { quiet pool-start f1 && mountpoint -q "$TEST_TMP/mnt" && quiet vol-create-as f1 a.qcow2 1G --format qcow2 && hv vol-list f1 | grep a.qcow2; }
full() {
	hv vol-create-as f1 large.raw 100M 2>words && return 1
	cat words
	grep -i "no space" words && [ ! -e "$TEST_TMP/mnt/large.raw" ] && [ -z "$(ls "$TEST_TMP/mnt/.hvmux-trash")" ]
}
full_copy() {
	truncate -s 40M source && quiet pool-define-as d1 dir --target "$TEST_TMP/d1" && quiet pool-start d1 --build &&
		quiet vol-create-as d1 source.raw 90M --allocation 0 && head -c 90000000 /dev/urandom >random && quiet vol-upload source.raw random d1 || return 1
	echo "<volume><name>copy.raw</name><capacity>0</capacity><target><format type='raw'/></target></volume>" >v.xml
	hv vol-create-from f1 v.xml source.raw --inputpool d1 2>words && return 1
	cat words
	grep -i "no space" words && [ ! -e "$TEST_TMP/mnt/copy.raw" ] && [ -z "$(ls "$TEST_TMP/mnt/.hvmux-trash")" ]
}
fs_lost() { umount "$TEST_TMP/mnt" && hv vol-list f1 2>&1 | grep "nothing is mounted" && hv pool-list --details 2>/dev/null | grep "f1 *inaccessible"; }
fs_back() { quiet pool-destroy f1 && quiet pool-start f1 && hv vol-list f1 | grep a.qcow2 && quiet pool-destroy f1 && ! mountpoint -q "$TEST_TMP/mnt"; }
if command -v mkfs.ext4 >/dev/null && command -v blkid >/dev/null; then
	check "fs: a file system is made" fs_built
	check_fails "fs: and not made over" 1 "holds ext4 already" hv pool-build f1 --no-overwrite
	if mkdir "$TEST_TMP/probe" && mount "$device" "$TEST_TMP/probe" 2>/dev/null && umount "$TEST_TMP/probe"; then
		check "fs: mounted" fs_mounted
		check "fs: a full disk leaves nothing" full
		check "fs: nor does a copy that does not fit" full_copy
		check "fs: unmounted by somebody else" fs_lost
		check "fs: mounted again" fs_back
	else
		tap_skip "fs: mounted" "nothing can be mounted here"
	fi
else
	tap_skip "fs" "no mkfs.ext4 or no blkid here"
fi

# --- disk ------------------------------------------------------------------------------------------------
disk_made() { loop 64M -P && quiet pool-define-as k1 disk --source-dev "$device" --source-format gpt && quiet pool-build k1 && quiet pool-start k1; }
partition() {
	name=${device##*/}p1
	hv vol-create-as k1 wrong 10M 2>&1 | grep "is called '$name'" && quiet vol-create-as k1 "$name" 10M && hv vol-info "$name" k1 2>/dev/null | grep "10.00 MiB" &&
		hv vol-info "$name" k1 2>/dev/null | grep "Type: *block"
}
# A kernel without partitions on loop devices has no node for it.
partition_gone() { quiet vol-delete "$name" k1 && ! hv vol-list k1 | grep "$name"; }
if command -v sfdisk >/dev/null && command -v blkid >/dev/null; then
	check "disk: a partition table is made" disk_made
	check_fails "disk: and not made over" 1 "holds gpt already" sh -c "'$HVMUX' pool-destroy k1 >/dev/null; '$HVMUX' pool-build k1"
	quiet pool-start k1
	check "disk: a partition" partition
	check "disk: deleted" partition_gone
else
	tap_skip "disk" "no sfdisk or no blkid here"
fi

# --- logical ---------------------------------------------------------------------------------------------
group_made() {
	loop 128M && group=hvtest$$ && quiet pool-define-as "$group" logical --source-dev "$device" && hv pool-dumpxml "$group" | grep "<path>/dev/$group</path>" &&
		quiet pool-build "$group" && vgs "$group"
}
group_seen() { quiet pool-start "$group" && hv pool-info "$group" --bytes | grep "Capacity: *1[0-9]*$" && hv pool-info "$group" | grep "Allocation: *0.00 B"; }
group_gone() { quiet pool-destroy "$group" && quiet pool-delete "$group" && ! vgs "$group" 2>/dev/null && group=; }
lv_made() { quiet vol-create-as "$group" lv1 32M && hv vol-list "$group" --details | grep "lv1 .*/dev/$group/lv1 *block *32.00 MiB"; }
lv_filled() {
	head -c 20000000 /dev/urandom >random && quiet pool-define-as d2 dir --target "$TEST_TMP/d2" && quiet pool-start d2 --build && quiet vol-create-as d2 i.qcow2 32M --format qcow2 &&
		qemu-img convert -n -f raw -O qcow2 random "$TEST_TMP/d2/i.qcow2" && echo "<volume><name>lv2</name><capacity unit='M'>32</capacity></volume>" >v.xml &&
		quiet vol-create-from "$group" v.xml i.qcow2 --inputpool d2 && qemu-img compare -F raw "$TEST_TMP/d2/i.qcow2" "/dev/$group/lv2"
}
lv_back() {
	echo "<volume><name>back.qcow2</name><capacity>0</capacity><target><format type='qcow2'/></target></volume>" >v.xml &&
		quiet vol-create-from d2 v.xml lv2 --inputpool "$group" && qemu-img compare -F raw "$TEST_TMP/d2/back.qcow2" "/dev/$group/lv2"
}
lv_changed() {
	quiet vol-resize lv1 40M "$group" && hv vol-info lv1 "$group" | grep "40.00 MiB" && quiet vol-create-as "$group" snap 8M --backing-vol lv1 &&
		! hv vol-delete lv1 "$group" && quiet vol-delete snap "$group" && quiet vol-delete lv1 "$group" && ! hv vol-list "$group" | grep lv1 && quiet vol-delete lv2 "$group"
}
if command -v vgcreate >/dev/null; then
	check "logical: a volume group is made" group_made
	if dmsetup version >/dev/null 2>&1; then
		check "logical: it is seen" group_seen
		check "logical: a volume" lv_made
		check "logical: an image goes there" lv_filled
		check "logical: and comes back" lv_back
		check "logical: resized, snapshot, deleted" lv_changed
		check "logical: the group goes" group_gone
	else
		tap_skip "logical: volumes" "this kernel has no device mapper"
		check "logical: an empty group goes" sh -c "'$HVMUX' pool-delete '$group' >/dev/null && ! vgs '$group' 2>/dev/null"
	fi
else
	tap_skip "logical" "no LVM here"
fi
tap_done
