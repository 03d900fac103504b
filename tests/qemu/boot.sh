#!/bin/sh
# The host's boot and halt: many guests in their order, and none that holds the others up. Their boot sector answers the
# power button.
. "$(dirname "$0")/../qemu/lib.sh"

# button NAME [SED-SCRIPT]: a guest that powers off when it is asked.
button() {
	define_bootsect "$1" >/dev/null && sed -i -e "s#bootsect.img#bootsect-button.img#" -e "${2:-}" "$TEST_TMP/$1.xml" &&
		hv define "$TEST_TMP/$1.xml"
}
started() { json_number "$1" started_time_ns; }
off_by() { [ "$(hv domstate --reason "$1")" = "shut off ($2)" ] || { hv domstate --reason "$1"; hv dominfo "$1"; return 1; }; }
all_are() { # STATE COUNT
	hv list --all >"$TEST_TMP/list" && [ "$(grep -c " $1\$" "$TEST_TMP/list")" -eq "$2" ] || { cat "$TEST_TMP/list"; return 1; }
}

boots_in_order() {
	button late && button web && button db && button dns && button off1 && button broken "s#bootsect-button#missing#" &&
		hv autostart web --order 20 --after db && hv autostart db --order 10 --delay 2 && hv autostart dns --order 10 &&
		hv autostart broken --order 5 && hv autostart late && hv start dns || return 1
	hv guests-start >"$TEST_TMP/out" 2>"$TEST_TMP/errors" && return 1
	cat "$TEST_TMP/out" "$TEST_TMP/errors"
	grep -qF "Domain 'broken' was not started" "$TEST_TMP/errors" && grep -qF "missing.img" "$TEST_TMP/errors" &&
		grep -qF "Domain 'dns' is running already" "$TEST_TMP/out" &&
		grep -qxF "3 started, 1 failed, 1 were running" "$TEST_TMP/out" && all_are running 4 &&
		[ $((($(started web) - $(started db)) / 1000000)) -ge 1900 ] && [ "$(started late)" -gt "$(started web)" ] &&
		state_is off1 "shut off"
}
again_does_nothing() {
	hv undefine broken && hv guests-start | grep -xF "0 started, 0 failed, 4 were running"
}
halts_in_order() {
	for vm in late web db dns; do wait_screen $vm COM1 90 || return 1; done
	hv guests-stop >"$TEST_TMP/out" 2>&1 || { cat "$TEST_TMP/out"; return 1; }
	cat "$TEST_TMP/out"
	grep -o "'[a-z0-9]*' is shut" "$TEST_TMP/out" | tr -d '\n' >"$TEST_TMP/order"
	grep -qxF "4 shut down, 0 destroyed, 0 failed" "$TEST_TMP/out" && all_are "shut off" 5 &&
		grep -E "^'late' is shut'web' is shut('db' is shut'dns'|'dns' is shut'db') is shut$" "$TEST_TMP/order" &&
		off_by web shutdown && off_by late shutdown
}

# Whatever a guest's state or policy: it is off afterwards, and does not come again.
one_of_each() {
	button again "s#<devices>#<on_poweroff>restart</on_poweroff><on_crash>restart</on_crash><devices>#" && button paused &&
		button orphan && define_bootsect deaf && define_bootsect deaf2 && hv autostart deaf2 --shutdown-timeout 1 &&
		hv start again paused orphan deaf deaf2 && button crasher "s#<devices>#<on_crash>restart</on_crash><devices>#" &&
		hv start crasher && for vm in again paused orphan deaf deaf2; do wait_screen $vm COM1 90 || return 1; done
	hv suspend paused && kill -KILL "$(json_number orphan supervisor_pid)" &&
		kill -KILL "$(json_number crasher qemu_pid)" && wait_for 5 in_state crasher starting || return 1
	t0=$(date +%s)
	hv guests-stop --timeout 4 >"$TEST_TMP/out" 2>&1 || { cat "$TEST_TMP/out"; return 1; }
	t=$(($(date +%s) - t0))
	cat "$TEST_TMP/out"
	grep -qxF "4 shut down, 2 destroyed, 0 failed" "$TEST_TMP/out" && [ $t -ge 3 ] && [ $t -le 20 ] &&
		grep -qF "'deaf' did not shut down within 4 s and was destroyed" "$TEST_TMP/out" &&
		grep -qF "'deaf2' did not shut down within 1 s" "$TEST_TMP/out" &&
		[ $((($(json_number deaf ended_time_ns) - $(json_number deaf2 ended_time_ns)) / 1000000)) -ge 1500 ] &&
		off_by again shutdown && off_by orphan shutdown && off_by paused destroyed && off_by deaf destroyed &&
		off_by crasher destroyed && [ -z "$(home_processes)" ]
}
in_state() { hv domstate "$1" | grep -q "$2"; }

# A supervisor that hangs is nobody's hold-up but its own.
hung_supervisor() {
	button h1 && button h2 && hv start h1 h2 && wait_screen h1 COM1 90 && wait_screen h2 COM1 90 &&
		kill -STOP "$(json_number h1 supervisor_pid)" || return 1
	hv guests-stop --timeout 3 >"$TEST_TMP/out" 2>&1 || { cat "$TEST_TMP/out"; return 1; }
	cat "$TEST_TMP/out"
	off_by h2 shutdown && off_by h1 destroyed && [ -z "$(home_processes)" ]
}

guests=${BOOT_GUESTS:-6} # their firmware needs seconds of processor each where KVM is itself emulated
many() {
	i=1 vms=
	while [ $i -le "$guests" ]; do
		button "m$i" >/dev/null && hv autostart "m$i" >/dev/null || return 1
		vms="$vms m$i" i=$((i + 1))
	done
	t0=$(date +%s%N)
	hv -q guests-start || return 1
	t1=$(date +%s%N)
	for vm in $vms; do wait_screen "$vm" COM1 240 || return 1; done
	t2=$(date +%s%N)
	hv guests-stop >"$TEST_TMP/out" || { cat "$TEST_TMP/out"; return 1; }
	t3=$(date +%s%N)
	for vm in $vms; do off_by "$vm" shutdown || return 1; done
	echo "# $guests guests: started in $(((t1 - t0) / 1000000)) ms, shut down in $(((t3 - t2) / 1000000)) ms" >&3
	grep -xF "$guests shut down, 0 destroyed, 0 failed" "$TEST_TMP/out" && [ -z "$(home_processes)" ]
}
exec 3>&1
check "boot: by order, delay and dependency; one that fails holds nobody up" boots_in_order
check "boot again: those that run are left alone" again_does_nothing
check "halt: in the opposite order, by their power buttons" halts_in_order
check "halt: paused, deaf, orphaned, waiting to restart: all are off" one_of_each
check "halt: with a supervisor that hangs" hung_supervisor
for vm in $(hv list --all --name); do hv undefine "$vm" >/dev/null; done
check "$guests guests at once" many
tap_done
