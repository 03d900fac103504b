#!/bin/sh
# Network cards and devices that stay, changed while a Linux guest runs: what the guest sees, what QEMU has, what the documents
# say, and that a refusal leaves no trace.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

truncate -s 16M "$TEST_TMP/disk.img"
printf 'first medium' >"$TEST_TMP/one.iso"
truncate -s 1M "$TEST_TMP/one.iso"
printf 'second medium' >"$TEST_TMP/two.iso"
truncate -s 2M "$TEST_TMP/two.iso"
disks="<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$TEST_TMP/disk.img'/>
<target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='$TEST_TMP/one.iso'/>
<target dev='sda' bus='scsi'/><readonly/></disk>
<controller type='scsi' model='virtio-scsi'/>"

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
silent() { "$@" >"$TEST_TMP/says" 2>&1 && [ ! -s "$TEST_TMP/says" ] || { cat "$TEST_TMP/says"; return 1; }; }
no_plan_left() { [ ! -e "$HVMUX_HOME/run/$1/plan.json" ]; }
mac=52:54:00:aa:00:01

check "define" define_linux net1 "$disks <interface type='user'><mac address='$mac'/><model type='virtio'/></interface>"

# --- off: the definition alone ---
check "off: setlink changes the definition" says "Device updated successfully" hv domif-setlink net1 $mac down
check "off: getlink" says "$mac down" hv domif-getlink net1 $mac
check "off: back" hv domif-setlink net1 $mac up
check "off: blkdeviotune" silent hv blkdeviotune net1 vda --read-bytes-sec 5M -q
check "off: it shows" says "read_bytes_sec : 5242880" hv blkdeviotune net1 vda
check_fails "off: --live" 1 "domain is not running" hv blkdeviotune net1 vda --live --read-bytes-sec 1
check "off: no limit" hv blkdeviotune net1 vda --read-bytes-sec 0 -q
check_fails "setlink: no such interface" 1 "interface 'vnet9' not found" hv domif-setlink net1 vnet9 up
check_fails "setlink: no such state" 1 "invalid link state 'sideways'" hv domif-setlink net1 $mac sideways

# --- cables ---
check "start" hv start net1
check "log in" guest_login net1
carrier() { guest_says net1 "carrier=$1" "for d in /sys/class/net/*; do [ \"\$(cat \$d/address)\" = $mac ] && ip link set \${d##*/} up && echo carrier=\$(cat \$d/carrier); done"; }
check "the guest's card has a carrier" wait_for 30 carrier 1
check "setlink: the dry run" says "set_link" hv domif-setlink net1 $mac down --dry-run
check "the dry run has changed nothing" carrier 1
check "setlink down" says "Device updated successfully" hv domif-setlink net1 $mac down
check "the guest's card has none" wait_for 30 carrier 0
check "getlink" says "$mac down" hv domif-getlink net1 $mac
check "getlink --config" says "$mac up" hv domif-getlink net1 $mac --config
check "pending tells it" says "link state   down   up" hv pending net1
check "setlink up, by alias" hv domif-setlink net1 net1 up
check "the guest's card has a carrier again" wait_for 30 carrier 1

# --- limits of a disk ---
check "blkdeviotune" silent hv blkdeviotune net1 vda --total-iops-sec 100 --total-iops-sec-max 200 -q
check "it shows" says "total_iops_sec : 100" hv blkdeviotune net1 vda
check "QEMU has it" says '"iops_max": 200' hv qemu-monitor-command net1 --pretty query-block
check "the definition has not" says "total_iops_sec : 0" hv blkdeviotune net1 vda --config
check_fails "total and read exclude each other" 1 "exclude each other" hv blkdeviotune net1 vda --total-iops-sec 1 --read-iops-sec 1
check "QEMU has what it had" says '"iops_max": 200' hv qemu-monitor-command net1 --pretty query-block
check "no limit" silent hv blkdeviotune net1 vda --total-iops-sec 0 -q
check "QEMU has none" says '"iops": 0' hv qemu-monitor-command net1 --pretty query-block
check "nothing is left of plans" no_plan_left net1
check "destroy" hv destroy net1
tap_done
