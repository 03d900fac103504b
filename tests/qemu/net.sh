#!/bin/sh
# Bridges, taps, macvtaps: made for a VM and gone with it. In a network of its own, so the host's is left alone.
if [ -z "${IN_NETNS:-}" ]; then
	# /sys shows the devices of the network that it was mounted in.
	if [ "$(id -u)" -eq 0 ] && command -v ip >/dev/null && unshare -nm mount -t sysfs sys /sys 2>/dev/null; then
		IN_NETNS=1 exec unshare -nm sh -c 'mount -t sysfs sys /sys && exec sh "$1"' sh "$0"
	fi
	echo "1..0 # SKIP needs root, unshare and ip"
	exit 0
fi
. "$(dirname "$0")/lib.sh"
[ -n "$(command -v qemu-system-x86_64)" ] || tap_skip_all "no qemu-system-x86_64"
ip link set lo up
ip link add br0 type bridge && ip link set br0 mtu 1450 up || tap_skip_all "this kernel has no bridges"

printf '#!/bin/sh\necho up "$1" >>%s/script\n' "$TEST_TMP" >"$TEST_TMP/ifup"
printf '#!/bin/sh\necho down "$1" >>%s/script\n' "$TEST_TMP" >"$TEST_TMP/ifdown"
chmod +x "$TEST_TMP/ifup" "$TEST_TMP/ifdown"
ip tuntap add dev theirs mode tap vnet_hdr

links() { ls /sys/class/net; }
before=$(links)
same_links() { [ "$(links)" = "$before" ] || { links; return 1; }; }
on_bridge() { [ -e "/sys/class/net/br0/brif/$1" ]; }
mtu_is() { [ "$(cat "/sys/class/net/$1/mtu")" = "$2" ]; }
# named VM N: the name of the tap of its N-th interface, as the live document tells it.
named() { hv dumpxml "$1" | sed -n "s/.*<target dev=[\"']\([^\"']*\).*/\1/p" | sed -n "$2p"; }

vm() {
	cat >"$TEST_TMP/$1.xml" <<-END
	<domain type='qemu'><name>$1</name><memory unit='MiB'>16</memory>
	<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
	<devices><memballoon model='none'/>$2</devices></domain>
	END
	hv define "$TEST_TMP/$1.xml"
}

check "define" vm net "
	<interface type='bridge'><mac address='52:54:00:01:02:03'/><source bridge='br0'/><model type='virtio'/><driver queues='2'/></interface>
	<interface type='bridge'><source bridge='br0'/><target dev='web0'/><mtu size='1400'/></interface>
	<interface type='ethernet'><script path='$TEST_TMP/ifup'/><downscript path='$TEST_TMP/ifdown'/><target dev='mine0'/></interface>
	<interface type='ethernet'><target dev='theirs' managed='no'/></interface>
	<interface type='direct'><mac address='52:54:00:01:02:04'/><source dev='br0' mode='bridge'/><model type='virtio'/></interface>
	<graphics type='vnc' autoport='yes' websocket='-1'/>"
check "start" hv start --paused net
first=$(named net 1)
check "a tap with a name of the kernel's" test -e "/sys/class/net/$first"
check "it is on the bridge" on_bridge "$first"
check "with the bridge's MTU" mtu_is "$first" 1450
check "and the guest's MAC address, made great" grep -q fe:54:00:01:02:03 "/sys/class/net/$first/address"
check "two queues" grep -q 'tap,id=hostnet0,fds=[0-9]*:[0-9]*' "$HVMUX_HOME/log/net/qemu.log"
check "the second has its own name" on_bridge web0
check "and MTU" mtu_is web0 1400
check "the script was run" grep -qx 'up mine0' "$TEST_TMP/script"
macvtap=$(named net 5)
check "a macvtap with the guest's MAC address" grep -q 52:54:00:01:02:04 "/sys/class/net/$macvtap/address"
check "the live document names a port for VNC" sh -c "'$HVMUX' dumpxml net | grep -q 'port=\"59[0-9][0-9]\"'"

check "a second VM on the bridge" vm two "<interface type='bridge'><source bridge='br0'/></interface><graphics type='vnc' autoport='yes'/>"
check "starts beside it" hv start --paused two
other=$(named two 1)
check "its tap is another" test "$other" != "$first"
check "destroy both" sh -c "'$HVMUX' destroy net && '$HVMUX' destroy two"
check "nothing of theirs is left; what was there stays" wait_for 10 same_links
check "the other script was run" grep -qx 'down mine0' "$TEST_TMP/script"

check "start again" hv start --paused net
kill -KILL "$(json_number net qemu_pid)"
check "QEMU killed" wait_state net crashed
check "nothing is left then, either" wait_for 10 same_links

vm none "<interface type='bridge'><source bridge='br7'/></interface>" >/dev/null
check_fails "no such bridge" 1 "there is no bridge 'br7' on this host" hv start none
vm some "<interface type='direct'><source dev='eth7' mode='vepa'/></interface>" >/dev/null
check_fails "no such device" 1 "there is no network device 'eth7' on this host" hv start some
vm tap "<interface type='ethernet'><target dev='nobodys' managed='no'/></interface>" >/dev/null
check_fails "somebody else's tap is not there" 1 "managed='no' says that somebody else makes it" hv start tap
vm fails "<interface type='direct'><source dev='br0' mode='bridge'/></interface><interface type='ethernet'><target dev='lo'/></interface>" >/dev/null
check_fails "a name that is taken" 1 "cannot make the tap device 'lo'" hv start fails
check "what was made before the failure is gone" wait_for 10 same_links

vm virt "<interface type='network'><source network='lan'/></interface>" >/dev/null
check_fails "a network that is none" 1 "there is no network 'lan': hvmux has no virtual networks yet" hv start virt
mkdir -p "$HVMUX_HOME/etc/networks"
echo "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>" >"$HVMUX_HOME/etc/networks/lan.xml"
check "a network that is a bridge of the host's" hv start --paused virt
check "its tap is on the bridge" on_bridge "$(named virt 1)"
check "destroy it" hv destroy virt
tap_done
