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
check "documents and QEMU agree" hv check-live net1
check "QEMU has none" says '"iops": 0' hv qemu-monitor-command net1 --pretty query-block

# --- cards come and go ---
new=52:54:00:aa:00:02
guest_has() { guest_says net1 "has=$1" "c=0; for d in /sys/class/net/*; do [ \"\$(cat \$d/address)\" = $new ] && c=1; done; echo has=\$c"; }
check "attach-interface: the dry run" says "device_add" hv attach-interface net1 user --mac $new --model virtio --dry-run
check "attach-interface" says "Interface attached successfully" hv attach-interface net1 user --mac $new --model virtio
check "the guest sees it" wait_for 30 guest_has 1
check "domiflist shows it" says "$new" hv domiflist net1
check "the definition has it not" sh -c "! '$HVMUX' domiflist net1 --inactive | grep -q $new"
check "pending tells it" says "goes" hv pending net1
check_fails "the same MAC address twice" 1 "$new" hv attach-interface net1 user --mac $new --model virtio
check "documents and QEMU agree" hv check-live net1
check "detach-interface" says "Interface detached successfully" hv detach-interface net1 user --mac $new
check "the guest sees that it has gone" wait_for 30 guest_has 0
check_fails "detach: which one?" 1 "Please specify which one to detach using --mac" hv detach-interface net1 user
check_fails "detach: no such type" 1 "No interface found whose type is bridge" hv detach-interface net1 bridge
check_fails "detach: no such address" 1 "No interface with MAC address $new was found" hv detach-interface net1 user --mac $new
check "attach --persistent" hv attach-interface net1 user --mac $new --model e1000e --persistent
check "both documents have it" sh -c "'$HVMUX' domiflist net1 --inactive | grep -q $new && '$HVMUX' domiflist net1 | grep -q $new"
check "nothing is pending" says "nothing is pending" hv pending net1
check "detach --persistent" hv detach-interface net1 user --mac $new --persistent
check "neither has it" sh -c "! { '$HVMUX' domiflist net1 --inactive; '$HVMUX' domiflist net1; } | grep -q $new"
check "documents and QEMU agree" hv check-live net1
check_fails "a bridge that is not there" 1 "there is no bridge 'nobridge'" hv attach-interface net1 bridge nobridge --model virtio

# --- ports of the host ---
port=$((20000 + $$ % 20000))
check "attach with a port of the host" hv attach-interface net1 user --mac $new --model virtio --forward tcp:127.0.0.1:$port:22
check "QEMU listens on it" says "$port" hv qemu-monitor-command net1 --hmp "info usernet"
check "detach" hv detach-interface net1 user --mac $new

# --- taps on a bridge: root alone ---
br=hvt$$
if [ "$(id -u)" -eq 0 ] && [ -e /dev/net/tun ] && ip link add "$br" type bridge 2>/dev/null; then
	trap 'ip link del "$br" 2>/dev/null; ip link del "${br}b" 2>/dev/null; cleanup' EXIT
	ip link add "${br}b" type bridge
	port_of() { ip -o link show master "$1" | grep -q "$2"; }
	tap() { hv domiflist net1 | sed -n "s/^ *\\([^ ]*\\) .*$new.*/\\1/p"; }
	check_fails "a script that fails" 1 "false" hv attach-interface net1 bridge "$br" --mac $new --model virtio --script /bin/false
	check "no tap is left" sh -c "! ip -o link show master $br | grep -q ."
	check "documents and QEMU agree" hv check-live net1
	check "attach to a bridge" hv attach-interface net1 bridge "$br" --mac $new --model virtio
	check "the guest sees it" wait_for 30 guest_has 1
	t=$(tap)
	check "its tap is a port of the bridge" port_of "$br" "$t"
	check "domifstat counts on it" says "$t rx_bytes" hv domifstat net1 "$t"
	check "domif-setlink by the tap's name" hv domif-setlink net1 "$t" down
	sed "s,@BR@,${br}b," >"$TEST_TMP/card.xml" <<-END
	<interface type='bridge'><mac address='$new'/><source bridge='@BR@'/><model type='virtio'/></interface>
	END
	check "update-device moves it to another bridge" hv update-device net1 "$TEST_TMP/card.xml"
	check "its tap is a port of the other one" port_of "${br}b" "$t"
	check "and its cable is plugged in again" says "$t up" hv domif-getlink net1 "$t"
	sed -i "s,virtio,e1000e," "$TEST_TMP/card.xml"
	check_fails "update-device: another model is refused by name" 1 "'model type' (virtio, wanted e1000e) cannot be changed" \
		hv update-device net1 "$TEST_TMP/card.xml"
	check "domiftune" hv domiftune net1 "$t" --inbound 1000,2000,500 -q
	check "tc has it" sh -c "tc class show dev $t | grep -q 'rate 8Mbit ceil 16Mbit'"
	check "it shows" says "inbound.peak   : 2000" hv domiftune net1 "$t"
	check "no limit" hv domiftune net1 "$t" --inbound 0 -q
	check "tc has none" sh -c "! tc class show dev $t | grep -q htb"
	check "detach" hv detach-interface net1 bridge --mac $new
	check "its tap is gone" sh -c "! ip link show $t 2>/dev/null"
else
	tap_skip "taps on a bridge" "not root, or no bridges and taps here"
fi
check_fails "domiftune: no device on the host" 1 "has no device on this host" hv domiftune net1 $mac --inbound 100

# --- media ---
medium() { guest_says net1 "$1" "dd if=/dev/sr0 bs=16 count=1 2>/dev/null; echo"; }
check "the guest reads the first medium" wait_for 30 medium "first medium"
check_fails "--insert into a drive that has one" 1 "already has media" hv change-media net1 sda "$TEST_TMP/two.iso" --insert
check_fails "a medium that is not there" 1 "nosuch.iso" hv change-media net1 sda /nosuch.iso
check "the first one is still in" medium "first medium"
check "change-media" says "Successfully updated media." hv change-media net1 sda "$TEST_TMP/two.iso"
check "the guest reads the second one" wait_for 30 medium "second medium"
check "domblklist shows it" says "two.iso" hv domblklist net1
check "eject" says "Successfully ejected media." hv change-media net1 sda --eject
check "QEMU has no medium in it" sh -c "! '$HVMUX' qemu-monitor-command net1 query-block | grep -q two.iso"
check "and no node of it is left" sh -c "! '$HVMUX' qemu-monitor-command net1 query-named-block-nodes | grep -q two.iso"
check_fails "eject: there is none" 1 "doesn't have media" hv change-media net1 sda --eject
check "insert" says "Successfully inserted media." hv change-media net1 sda "$TEST_TMP/one.iso" --insert
check "the guest reads it" wait_for 30 medium "first medium"
check "documents and QEMU agree" hv check-live net1
check "print-xml" says "<target dev=" hv change-media net1 sda --eject --print-xml
check_fails "a disk is no drive" 1 "No disk found whose source path or target is vda" hv change-media net1 vda --eject

check "nothing is left of plans" no_plan_left net1
check "destroy" hv destroy net1
tap_done
