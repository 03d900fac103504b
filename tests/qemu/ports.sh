#!/bin/sh
# A domain with every kind of port at once: each has its name, its own recording and its own sockets, and what is typed at one
# comes out of no other.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

port() { printf "<serial type='pty'><target port='%s'/>%s</serial>" "$1" "${2:-}"; }
hvc="<console type='pty'><target type='virtio'/></console>"
screen_of() { hv screen two --port "$1"; }
port_has() { screen_of "$1" >"$TEST_TMP/port" 2>&1 && grep -qF -- "$2" "$TEST_TMP/port" || { cat "$TEST_TMP/port"; return 1; }; }
# type_at PORT TEXT: as a script would, through the port's plain socket.
type_at() { printf '%s\r' "$2" | "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/two/$1.raw" >/dev/null; }

check "define with four COM ports, two virtio consoles, a PCI and a USB port" define_linux two \
	"$(port 1 "<alias name='ua-kdb'/>")$(port 2)$(port 3)<serial type='pty'><target type='pci-serial'/></serial>
	<serial type='pty'><target type='usb-serial'/></serial>$hvc$hvc" 8250.nr_uarts=8
check "an unborn domain's ports can be completed" sh -c "[ \"\$('$HVMUX' complete -- console two --port s | cut -f1 | tr '\n' ' ')\" = \
	'serial0 serial1 serial2 serial3 ' ]"
check "start" hv start two
for p in serial0 serial1 serial2 serial3 hvc0 hvc1; do
	check "a login on $p" wait_for 90 port_has $p 'two login:'
done
check_fails "a port that is not there" 1 "'two' has serial0, serial1, serial2, serial3, usb0, pci0, hvc0, hvc1" hv screen two --port serial4
for p in serial0 serial1 serial2 serial3 hvc0 hvc1; do
	type_at $p root
	check "log in at $p" wait_for 60 port_has $p 'root@two'
	# shellcheck disable=SC2016 # the guest's shell is to expand it
	type_at $p 'echo "this is $(tty), $((6 * 7))"'
done
for p in serial0=/dev/ttyS0 serial1=/dev/ttyS1 serial2=/dev/ttyS2 serial3=/dev/ttyS3 hvc0=/dev/hvc0 hvc1=/dev/hvc1; do
	check "${p%=*} is ${p#*=} to the guest" wait_for 30 port_has "${p%=*}" "this is ${p#*=}, 42"
done
others() { for p in serial1 serial2 serial3 usb0 pci0 hvc0 hvc1; do ! port_has $p '/dev/ttyS0, 42' || return 1; done; }
check "what was typed at one port came out of no other" others
check "an alias of the definition names the same port" sh -c "'$HVMUX' screen two --port ua-kdb | grep -qF '/dev/ttyS1, 42'"
check "so does virsh's --devname" sh -c "'$HVMUX' screen two --devname serial1 | grep -qF '/dev/ttyS1, 42'"
check "each is recorded in a log of its own" sh -c "cd '$HVMUX_HOME/log/two' && grep -q 'this is /dev/hvc1, 42' console7.log &&
	! grep -q 'this is /dev/hvc1, 42' console0.log"
type_at serial0 'echo to-pci >/dev/ttyS4'
check "the PCI port, written to by the guest" wait_for 30 port_has pci0 to-pci

kill -9 "$(json_number two supervisor_pid)"
check "a new supervisor finds all of them" wait_for 30 port_has hvc1 'this is /dev/hvc1'
hv dominfo two >/dev/null
type_again() { [ -S "$HVMUX_HOME/run/two/hvc1.raw" ] && type_at hvc1 'echo "again $((7 * 7))"' && port_has hvc1 'again 49'; }
check "and the ports' sockets go on" wait_for 30 type_again
check "destroy" hv destroy two
no_links() { [ -z "$(find "$HVMUX_HOME/run/two" -name '*.raw')" ]; }
check "no socket is left" wait_for 10 no_links

tap_done
