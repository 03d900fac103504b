#!/bin/sh
# A Linux guest's whole life under TCG, as its operator sees it: boot, login, pause, reboot by the button and from within,
# reset, power-off. What a guest does by itself (panics, reboots) is guest_events.sh's.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

reason_is() { [ "$(hv domstate --reason "$1")" = "$2" ] || { hv domstate --reason "$1"; return 1; }; }
wait_reason() { wait_for 30 reason_is "$1" "$2"; }
# What the guest says meanwhile is not ours to print.
say_line() { type_line "$@" >/dev/null; }
# The boot counts itself: /proc/uptime says how long this kernel has run.
fresh_boot() { screen_has "$1" 'login:' && ! screen_has "$1" "$2" >/dev/null; }
login() {
	say_line "$1" root
	wait_screen "$1" "root@$1" 30
}
# What the console's ring has seen, as its file shows.
console_end() { cksum <"$HVMUX_HOME/run/lin/console0.ring"; }
same_qemu() { [ "$(json_number lin qemu_pid)" = "$qemu" ]; }

check "define" define_linux lin "<console type='pty'><target type='virtio' port='1'/></console>"
check "start" hv start lin
qemu=$(json_number lin qemu_pid)
check "boots to a login, nothing of the boot's output is lost" wait_screen lin 'lin login:' 90
check "log in by the console" login lin
# shellcheck disable=SC2016 # the guest's shell is to expand it
say_line lin 'echo $((40 + 2)) $(cat /sys/class/tty/hvc0/dev)'
check "the shell answers; the virtio console is there" wait_screen lin '42 229:0'
check "the virtio console has a login of its own" wait_for 30 sh -c "'$HVMUX' screen lin --devname console1 | grep -q 'lin login:'"

# Paused: the guest's clock stands still. The loop writes ever more dots.
say_line lin 'while :; do echo tick; sleep 1; done'
check "a loop ticks" wait_screen lin tick
check "suspend" hv suspend lin
before=$(console_end)
check "paused, by the user" reason_is lin 'paused (user)'
check "paused: the guest writes nothing" test "$(console_end)" = "$before"
check "resume" hv resume lin
check "running again" state_is lin running
writes() { [ "$(console_end)" != "$before" ]; }
check "and the loop ticks on" wait_for 20 writes
printf '\003' | "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/lin/console0.raw" >/dev/null

say_line lin 'clear; echo before-reboot'
check "a mark on the screen" wait_screen lin before-reboot
check "reboot by the power button" hv reboot lin
check "it boots anew" wait_for 90 fresh_boot lin root@lin
check "in the same QEMU" same_qemu
check "and is running" state_is lin running

check "log in once more" login lin
say_line lin 'clear; reboot -f'
check "the guest's own reboot" wait_for 90 fresh_boot lin root@lin
check "in the same QEMU again" same_qemu

check "log in for the reset" login lin
say_line lin 'clear; echo before-reset'
no_login() { screen_has lin before-reset && ! screen_has lin login: >/dev/null; }
check "a cleared screen" wait_for 30 no_login
check "reset" hv reset lin
check "boots after the reset" wait_screen lin 'lin login:' 90

check "shutdown by ACPI" hv shutdown lin
check "off, because it was shut down" wait_reason lin 'shut off (shutdown)'
check "its last screen stays" screen_has lin 'reboot: Power down'
check_fails "a second shutdown says that it is off" 1 'domain is not running' hv shutdown lin

tap_done
