#!/bin/sh
# A QEMU of another user: media in its drive, a guest that holds the tray, cards on a bridge, limits from the start, a display's
# password. What QEMU may not open itself comes as descriptors.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux
user=root
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	user=nobody
	mkdir -p "$HVMUX_HOME/etc"
	echo "qemu_user = nobody" >"$HVMUX_HOME/etc/hvmux.conf"
fi
echo "# QEMU runs as $user"

images=$TEST_TMP/images
mkdir -m 700 "$images"
for k in one two; do
	printf '%s medium' "$k" >"$images/$k.iso"
	truncate -s 1M "$images/$k.iso"
	chmod 600 "$images/$k.iso"
done
says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
medium() { guest_says cd "$1" "dd if=/dev/sr0 bs=16 count=1 2>/dev/null; echo"; }
has_iso() { hv qemu-monitor-command cd query-named-block-nodes | grep -q "$1"; }
sets() { hv qemu-monitor-command cd query-fdsets | grep -o '"fdset-id"' | wc -l; }

check "define" define_linux cd "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='$images/one.iso'/>
<target dev='sda' bus='scsi'/><readonly/></disk><controller type='scsi' model='virtio-scsi'/>
<graphics type='vnc' port='-1' autoport='yes' passwd='first'><listen type='address' address='127.0.0.1'/></graphics>"
check "start" hv start cd
check "log in" guest_login cd
check "the guest reads the medium" wait_for 30 medium "one medium"
before=$(sets)

# --- the guest holds the tray ---
check "the guest opens the drive" guest_run cd "exec 5</dev/sr0"
interrupted() { timeout -s INT 3 "$HVMUX" change-media cd sda "$images/two.iso" >"$TEST_TMP/says" 2>&1; [ $? -ne 0 ] && grep -q "cancelled" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }; }
check "it keeps the medium: Ctrl+C ends the wait" interrupted
check "the medium is still in" guest_says cd "one medium" "dd bs=16 count=1 <&5 2>/dev/null; echo"
check "no node of the other one is left" sh -c "! '$HVMUX' qemu-monitor-command cd query-named-block-nodes | grep -q two.iso"
check "the live document has the first one" says "one.iso" hv domblklist cd
check "no more sets of descriptors than before" [ "$(sets)" -eq "$before" ]
check "nothing is left of the plan" [ ! -e "$HVMUX_HOME/run/cd/plan.json" ]
check "documents and QEMU agree" hv check-live cd

# Its supervisor is killed while it waits: the next one takes the plan back.
waits() { hv plan-show cd 2>&1 | grep -q "opens the tray"; }
"$HVMUX" change-media cd sda "$images/two.iso" >"$TEST_TMP/killed.out" 2>&1 &
waiter=$!
check "the plan waits for the tray" wait_for 15 waits
kill -9 "$(json_number cd supervisor_pid)"
wait $waiter
check "the command says so" grep -q error "$TEST_TMP/killed.out"
over() { hv dominfo cd >/dev/null 2>&1; [ ! -e "$HVMUX_HOME/run/cd/plan.json" ]; }
check "the next supervisor has taken it back" wait_for 30 over
check "the medium is still in" guest_says cd "one medium" "dd bs=16 count=1 skip=0 </dev/sr0 2>/dev/null; echo"
check "documents and QEMU agree" hv check-live cd
check "--force" says "Successfully updated media." hv change-media cd sda "$images/two.iso" --force
check "the guest lets go" guest_run cd "exec 5<&-"
check "it reads the second medium" wait_for 30 medium "two medium"
check "change-media, by the file that is in" says "updated" hv change-media cd "$images/two.iso" "$images/one.iso"
check "it reads the first one" wait_for 30 medium "one medium"
check "documents and QEMU agree" hv check-live cd
check "no more sets of descriptors than before" [ "$(sets)" -eq "$before" ]
check "--config alone" says "ejected" hv change-media cd sda --eject --config
check "the domain that runs keeps it" says "one.iso" hv domblklist cd
check "pending tells it" says "source file" hv pending cd
check "--live --config" says "updated" hv change-media cd sda "$images/two.iso" --live --config
check "nothing is pending" says "nothing is pending" hv pending cd

# --- a display's password ---
display() { echo "<graphics type='vnc' port='-1' autoport='yes' passwd='$1' ${2:-}><listen type='address' address='127.0.0.1'/></graphics>" >"$TEST_TMP/vnc.xml"; }
display second
check "update-device: another password" says "Device updated successfully" hv update-device cd "$TEST_TMP/vnc.xml"
check "the plan's words hide it" sh -c "! '$HVMUX' update-device cd '$TEST_TMP/vnc.xml' --dry-run | grep -q second"
display third "keymap='de'"
check_fails "update-device: a keymap is refused by name" 1 "'keymap' (none, wanted de) cannot be changed" hv update-device cd "$TEST_TMP/vnc.xml"
check "the document has the second password" grep -q 'passwd="second"' "$HVMUX_HOME/run/cd/live.xml"

# --- a card on a bridge ---
br=hvm$$
new=52:54:00:aa:00:03
if [ "$(id -u)" -eq 0 ] && [ -e /dev/net/tun ] && ip link add "$br" type bridge 2>/dev/null; then
	trap 'ip link del "$br" 2>/dev/null; cleanup' EXIT
	guest_has() { guest_says cd "has=$1" "c=0; for d in /sys/class/net/*; do [ \"\$(cat \$d/address)\" = $new ] && c=1; done; echo has=\$c"; }
	check "attach" hv attach-interface cd bridge "$br" --mac $new --model virtio --inbound 1000 --persistent
	check "the guest sees it" wait_for 30 guest_has 1
	t=$(hv domiflist cd | sed -n "s/^ *\([^ ]*\) .*$new.*/\1/p")
	check "documents and QEMU agree" hv check-live cd
	check "its limits are there" sh -c "tc class show dev $t | grep -q 'rate 8Mbit'"
	check "the definition knows no name of a tap" sh -c "! '$HVMUX' domiflist cd --inactive | grep -q vnet"
	check "destroy" hv destroy cd
	check "its tap is gone" wait_for 10 sh -c "! ip link show $t 2>/dev/null"
	check "start" hv start cd
	t=$(hv domiflist cd | sed -n "s/^ *\([^ ]*\) .*$new.*/\1/p")
	check "its limits are there from the start" sh -c "tc class show dev $t | grep -q 'rate 8Mbit'"
	check "nothing is pending" says "nothing is pending" hv pending cd
else
	tap_skip "a card on a bridge" "not root, or no bridges and taps here"
fi
check "destroy" hv destroy cd
tap_done
