#!/bin/sh
# A Linux guest with much in it: what it sees of its devices, and what of it reaches the host. Drivers that the kernel here does
# not have (the cloud's has no USB, no 9p) are skipped: tests/guest/kernel --fetch-full build/guest gets one that has them.
. "$(dirname "$0")/lib.sh"
need_linux
need_program socat

mkdir -p "$TEST_TMP/share" && echo 'a file of the host' >"$TEST_TMP/share/hello"
define_linux dev "
	<interface type='user'>
	  <model type='virtio'/>
	  <ip family='ipv4' address='10.77.0.0' prefix='24'/>
	  <portForward proto='tcp' address='127.0.0.1'><range start='28077' to='8080'/></portForward>
	</interface>
	<interface type='user'><model type='virtio'/><link state='down'/></interface>
	<filesystem type='mount' accessmode='mapped'><source dir='$TEST_TMP/share'/><target dir='share'/></filesystem>
	<serial type='file'><source path='$TEST_TMP/serial1'/><target port='1'/></serial>
	<serial type='unix'><source mode='bind' path='$TEST_TMP/serial2.sock'/><target port='2'/></serial>
	<serial type='file'><source path='$TEST_TMP/serial3'/><target type='usb-serial'/></serial>
	<console type='pty'><target type='virtio' port='1'/></console>
	<channel type='unix'><source mode='bind' path='$TEST_TMP/chan.sock'/><target type='virtio' name='org.example.chan'/></channel>
	<input type='tablet' bus='usb'/>
	<input type='keyboard' bus='virtio'/>
	<watchdog model='i6300esb' action='none'/>
	<sound model='ac97'/>
	<shmem name='hvmux-$$'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>
	<graphics type='vnc' autoport='yes'/>
	<video><model type='virtio'/></video>" >"$TEST_TMP/define.out" 2>&1 || { cat "$TEST_TMP/define.out"; exit 1; }
trap 'rm -f "/dev/shm/hvmux-$$"; cleanup' EXIT

# ask COMMAND TEXT [SECONDS]: typed at the guest's shell; TEXT comes on its screen.
ask() {
	type_line dev "clear; $1" >/dev/null
	wait_screen dev "$2" "${3:-20}"
}
# has_driver MODULE: or it is built in.
has_driver() {
	grep -qx "$1.ko" "$TEST_TMP/order" ||
		grep -q "/$1\.ko" "$TEST_TMP/builtin"
}
# shellcheck disable=SC2154 # guest is lib.sh's
(cd "$TEST_TMP" && cpio -i --quiet --to-stdout lib/modules/order <"$guest/initramfs" >order 2>/dev/null)
: >"$TEST_TMP/builtin"
modules=$(sh "$HVMUX_SRC/tests/guest/kernel" "$guest" | sed -n 2p)
cat "$modules/modules.builtin" >>"$TEST_TMP/builtin" 2>/dev/null
# check_driver MODULE NAME COMMAND...
check_driver() {
	driver=$1
	shift
	if has_driver "$driver"; then check "$@"; else tap_skip "$1" "this kernel has no $driver"; fi
}

check "start" hv start dev
check "boots to a login" wait_screen dev 'dev login:' 120
type_line dev root >/dev/null
check "log in" wait_screen dev 'root@dev' 30

# shellcheck disable=SC2016 # the guest's shell is to expand it
check "three network cards" ask 'echo cards: $(ls -d /sys/class/net/eth* | wc -l)' 'cards: 3'
# shellcheck disable=SC2016
check "the cable of the third is out" ask 'ifconfig eth2 up; echo carriers: $(cat /sys/class/net/eth[02]/carrier)' 'carriers: 1 0'
check "the second has an address of its network" \
	ask 'udhcpc -q -n -i eth1 -s /etc/udhcpc >/dev/null 2>&1; ifconfig eth1 | grep inet' '10.77.0.15' 30
ask 'mkdir -p /www; echo from-inside >/www/x; httpd -p 8080 -h /www; echo served' served >/dev/null
fetch() { printf 'GET /x HTTP/1.0\r\n\r\n' | timeout 5 socat -t 3 - TCP:127.0.0.1:28077 | grep -q from-inside; }
check "its forwarded port answers on the host" wait_for 30 fetch

check_driver 9pnet_virtio "a folder of the host" \
	ask 'mkdir -p /mnt; mount -t 9p -o trans=virtio,version=9p2000.L share /mnt; cat /mnt/hello' 'a file of the host'
ask 'echo out-of-ttyS1 >/dev/ttyS1; echo written' written >/dev/null
check "the second serial port ends in a file" wait_for 10 grep -q out-of-ttyS1 "$TEST_TMP/serial1"
socat -u "UNIX-CONNECT:$TEST_TMP/serial2.sock" "CREATE:$TEST_TMP/serial2" &
reader=$!
at_socket() { type_line dev 'echo out-of-ttyS2 >/dev/ttyS2' >/dev/null; grep -q out-of-ttyS2 "$TEST_TMP/serial2"; }
check "the third at a socket" wait_for 20 at_socket
kill $reader
check "the channel by its name" ask 'cat /sys/class/virtio-ports/*/name' org.example.chan
check "a virtio console, recorded beside the first" wait_for 30 sh -c "'$HVMUX' screen dev --devname console1 | grep -q 'dev login:'"
check "random numbers come from the host" ask 'cat /sys/class/misc/hw_random/rng_current' virtio_rng
check_driver usbhid "a USB tablet" ask 'grep Name /proc/bus/input/devices' 'QEMU USB Tablet'
check_driver virtio_input "a virtio keyboard" ask 'grep Name /proc/bus/input/devices' 'QEMU Virtio Keyboard'
# shellcheck disable=SC2016
check_driver ftdi_sio "a serial port on USB" ask 'echo usb: $(ls /dev/ttyUSB*)' 'usb: /dev/ttyUSB0'
check_driver i6300esb "a watchdog" ask 'cat /sys/class/watchdog/watchdog*/identity' 'i6300ESB timer'
# PCI: a sound card, shared memory, a panic device, a video card.
for id in 8086:2415 1af4:1110 1b36:0011 1af4:1050; do
	check "PCI device $id" ask "grep -hi PCI_ID /sys/bus/pci/devices/*/uevent | grep -i $id" "PCI_ID=$(echo $id | tr a-f A-F)"
done

port=$(hv dumpxml dev | sed -n "s/.*<graphics.* port=[\"']\([0-9]*\).*/\1/p")
vnc_answers() { timeout 5 socat -u "TCP:127.0.0.1:$port" - 2>/dev/null | head -c 12 | grep -q RFB; }
check "VNC answers at the port that the live document tells" wait_for 10 vnc_answers
check "destroy" hv destroy dev
check "nothing listens there any more" sh -c "! timeout 5 socat -u TCP:127.0.0.1:$port - 2>/dev/null"
tap_done
