#!/bin/sh
# What the other tests stand on: commands run in the Linux guest, by its serial console.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

prints() { # TEXT COMMAND...: it succeeds, and prints that
	prints_want=$1
	shift
	"$@" >"$TEST_TMP/prints" 2>&1 || { cat "$TEST_TMP/prints"; return 1; }
	[ "$(cat "$TEST_TMP/prints")" = "$prints_want" ] || { cat "$TEST_TMP/prints"; return 1; }
}

check "define" define_linux g1
check "start" hv start g1
check "guest_login" guest_login g1
check "output" prints "$(printf 'one\ntwo')" guest_run g1 'echo one; echo two'
check "quotes, and a line that the terminal wraps" prints "a'b \"c\" a line that is longer than eighty columns of a terminal, so that it is wrapped" \
	guest_run g1 'echo "a'\''b \"c\" a line that is longer than eighty columns of a terminal, so that it is wrapped"'
check_fails "a status, and what goes to standard error" 7 "bad luck" guest_run g1 'sh -c "echo bad luck >&2; exit 7"'
check "what a command leaves, the next one finds" guest_run g1 'cd /proc; x=5'
check "there it is" prints "$(printf '/proc\n5')" guest_run g1 'pwd; echo $x'
check "a lot of output" prints 3000 sh -c "'$HVMUX_BUILD/tests/qemu/guest_run' '$HVMUX_HOME/run/g1/console0.raw' 60 'seq 3000' | wc -l"
check "no input: it does not eat the next command" prints "" guest_run g1 cat
check_fails "what does not end" 124 "the command did not end" guest_run g1 'sleep 1000' 2
printf '\003' | "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/g1/console0.raw" >/dev/null
check "and what comes after" prints ok guest_run g1 'echo ok'
for driver in virtio_blk virtio_net virtio_mem virtio_balloon; do
	check "the guest has $driver" guest_run g1 "test -d /sys/bus/virtio/drivers/$driver"
done
check "… PCI Express hot-plug" guest_run g1 'test -d /sys/bus/pci_express/drivers/pciehp'
check "… ACPI memory hot-plug" guest_run g1 'test -e /sys/devices/system/memory/auto_online_blocks'
check "destroy" hv destroy g1
tap_done
