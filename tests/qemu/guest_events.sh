#!/bin/sh
# What a Linux guest does by itself, under TCG: powers off, reboots, panics; and what the domain's on_* make of it.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

boots() { wait_screen l1 "l1 login:" 90; }
reason_is() {
	hv domstate --reason l1 >"$TEST_TMP/reason"
	grep -qF "$1" "$TEST_TMP/reason" || { cat "$TEST_TMP/reason"; return 1; }
}
on() { # on_NAME ACTION
	sed -i -e "s|<$1>[a-z]*</$1>||" -e "s#<devices>#<$1>$2</$1><devices>#" "$TEST_TMP/l1.xml" && hv define "$TEST_TMP/l1.xml"
}
# Logins ever offered, by the console's log: the screen still shows the last one when a reset begins.
logins() { cat "$HVMUX_HOME/log/l1/console0.log" 2>/dev/null | grep -c "l1 login:" || true; }
more_logins() { [ "$(logins)" -gt "$1" ]; }
# The log is behind the screen by a moment: counted before it has caught up, the login of now would pass for the next.
start_logged() {
	before=$(logins) && hv start l1 && boots && wait_for 30 more_logins "$before" && before=$(logins)
}
log_in() { boots && type_line l1 root && wait_screen l1 "#" 30; }
shut_down() { hv shutdown l1 && wait_state l1 "shut off" 60 && reason_is "(shutdown)"; }
reboot_keeps_qemu() {
	qemu=$(json_number l1 qemu_pid)
	hv reboot l1 && wait_for 90 more_logins "$before" && state_is l1 running &&
		[ "$(json_number l1 qemu_pid)" = "$qemu" ]
}
panic() { log_in && type_line l1 'echo c >/proc/sysrq-trigger'; }
panics() { panic && wait_state l1 crashed 60 && reason_is panicked && hv dominfo l1 | grep 'panic: "Kernel panic'; }
preserved() {
	on on_crash preserve && hv start l1 && panic && wait_state l1 crashed 60 && [ -n "$(json_number l1 qemu_pid)" ] &&
		hv reset l1 && boots && state_is l1 running && hv destroy l1 && state_is l1 "shut off"
}
panic_restarts() {
	on on_crash restart && hv start l1 && qemu=$(json_number l1 qemu_pid) && panic && wait_for 60 restarted && boots &&
		hv destroy l1
}
restarted() { state_is l1 running && [ "$(json_number l1 qemu_pid)" -ne "$qemu" ]; }
on_reboot_destroy() {
	on on_reboot destroy && start_logged && hv reset l1 &&
		wait_for 90 more_logins "$before" && state_is l1 running && log_in && type_line l1 'sleep 4; reboot -f' && wait_state l1 "shut off" 60
}

define_linux l1 >/dev/null || tap_not_ok "define"
check "boots to a login" start_logged
check "reboot: the same QEMU boots again" reboot_keeps_qemu
check "shutdown powers it off" shut_down
hv start l1 >/dev/null
check "a kernel panic: crashed, with the kernel's own words" panics
check "on_crash=preserve keeps it; reset brings it back" preserved
check "on_crash=restart after a panic makes a new QEMU" panic_restarts
check "on_reboot=destroy: the operator's reset runs, the guest's reboot ends it" on_reboot_destroy
tap_done
