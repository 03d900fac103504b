#!/bin/sh
# One supervisor and its QEMU: lifecycle, races, faults. Every part also where /dev/kvm does not open.
. "$(dirname "$0")/../qemu/lib.sh"

pid_gone() { ! kill -0 "$1" 2>/dev/null; }
is_silent() { hv list | grep -q "b1 *not answering"; }
define_broken() { # NAME SED-SCRIPT: the boot sector's definition, changed
	sed -e "s/<name>b1</<name>$1</" -e "$2" "$TEST_TMP/b1.xml" >"$TEST_TMP/$1.xml"
	hv define "$TEST_TMP/$1.xml"
}
quick() { # MS COMMAND...: succeeds within MS; the deadline is generous for a busy machine
	quick_ms=$1
	shift
	t0=$(date +%s%N)
	"$@" >/dev/null || return 1
	t=$((($(date +%s%N) - t0) / 1000000))
	[ $t -le "$quick_ms" ] || { echo "$t ms"; return 1; }
}

lifecycle() {
	hv start b1 && state_is b1 running && hv suspend b1 && state_is b1 paused && hv suspend b1 &&
		hv resume b1 && state_is b1 running && hv reset b1 && state_is b1 running &&
		hv destroy b1 && state_is b1 "shut off" && [ "$(hv domstate --reason b1)" = "shut off (destroyed)" ]
}
boot_output() { hv start b1 && wait_screen b1 "COM1" && type_line b1 ping && wait_screen b1 pong; }
guest_power_off() { type_line b1 off; wait_state b1 "shut off" && [ "$(hv domstate --reason b1)" = "shut off (shutdown)" ]; }
start_paused() {
	hv start --paused b1 && state_is b1 paused && hv resume b1 && wait_screen b1 "COM1" && hv destroy b1
}
race() {
	round=0
	while [ $round -lt 20 ]; do
		rm -f "$TEST_TMP"/won.*
		for k in 1 2 3 4; do
			{ "$HVMUX" supervise b1 3>"$TEST_TMP/won.$k" --ready-fd 3 & } 2>/dev/null
		done
		wait_for 20 all_told || return 1
		[ "$(cat "$TEST_TMP"/won.* | grep -cx ok)" -eq 1 ] || { cat "$TEST_TMP"/won.*; return 1; }
		[ "$(cat "$TEST_TMP"/won.* | grep -c '^error 5 ')" -eq 3 ] || { cat "$TEST_TMP"/won.*; return 1; }
		[ "$(home_processes | wc -l)" -eq 2 ] || { home_processes; return 1; }
		hv destroy b1 >/dev/null || return 1
		round=$((round + 1))
	done
}
all_told() { [ "$(cat "$TEST_TMP"/won.* | wc -l)" -eq 4 ]; }
again_at_once() { hv start b1 && hv destroy b1 && hv start b1 && hv destroy b1 && hv start b1; }
qemu_killed() {
	kill -KILL "$(json_number b1 qemu_pid)" && wait_state b1 crashed && hv dominfo b1 | grep "killed by signal 9"
}
qemu_ended_from_outside() {
	hv start b1 && kill -TERM "$(json_number b1 qemu_pid)" && wait_state b1 "shut off" &&
		hv dominfo b1 | grep "ended from outside: terminating on signal 15"
}
stopped() {
	hv start b1 && qemu=$(json_number b1 qemu_pid) && kill -STOP "$qemu" && wait_for 15 is_silent
}
stopped_answers() { quick 2000 hv list && quick 2000 hv domstats b1; }
stopped_destroyed() { quick 2000 hv destroy b1 && pid_gone "$qemu" && state_is b1 "shut off"; }
continued() {
	hv start b1 && qemu=$(json_number b1 qemu_pid) && kill -STOP "$qemu" && wait_for 15 is_silent &&
		kill -CONT "$qemu" && wait_state b1 running && hv suspend b1 && state_is b1 paused && hv destroy b1
}
restarts() {
	define_broken r1 "s#<devices>#<on_crash>restart</on_crash><devices>#" && hv start r1 && qemu=$(json_number r1 qemu_pid) &&
		kill -KILL "$qemu" && wait_for 20 restarted && hv destroy r1
}
restarted() { state_is r1 running && [ "$(json_number r1 qemu_pid)" -ne "$qemu" ]; }
no_fd_leaks() {
	hv start b1 || return 1
	# 0-2, the sockets' numbers, qemu.lock, and what QEMU opens itself: nothing else of ours by name
	# shellcheck disable=SC2010
	ls -l "/proc/$(json_number b1 qemu_pid)/fd" | grep -E 'status|[0-9]/lock|/b1/lock|audit|supervisor.log|\.ring|\.raw' && return 1
	hv destroy b1
}
private_memory() { # KiB of private dirty memory of the supervisor
	hv start b1 && wait_screen b1 COM1 || return 1
	kib=$(awk '/^Private_Dirty/ { n += $2 } END { print n }' "/proc/$(json_number b1 supervisor_pid)/smaps_rollup")
	echo "$kib KiB"
	hv destroy b1 && [ "$kib" -le 1024 ]
}
sigterm_of_the_supervisor() {
	hv start b1 && hv suspend b1 && kill -TERM "$(json_number b1 supervisor_pid)" && wait_state b1 "shut off"
}
undefined() { "$HVMUX" supervise nosuch --ready-fd 1 2>&1; }

define_bootsect b1 >/dev/null || tap_not_ok "define"
define_broken q1 "s#</domain>#<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-nonsense'/></qemu:commandline></domain>#" >/dev/null
define_broken d1 "s#bootsect.img#missing.img#" >/dev/null
check "start, suspend, resume, reset, destroy" lifecycle
check "the first boot output is there, and the guest hears" boot_output
check "the guest powers off" guest_power_off
check "start --paused" start_paused
check "of four supervisors one wins, 20 times" race
check "a destroyed domain starts again at once" again_at_once
check "kill -9 of QEMU: crashed, with the reason" qemu_killed
check "SIGTERM to QEMU from outside is named" qemu_ended_from_outside
check "a QEMU stopped by SIGSTOP shows as not answering" stopped
check_fails "suspend says at once that it is stopped" 1 "was stopped by a signal" hv suspend b1
check "list and domstats stay quick" stopped_answers
check "destroy ends it all the same" stopped_destroyed
check "SIGCONT brings it back" continued
check "on_crash=restart starts it again" restarts
check_fails "QEMU's own words when it does not start" 1 "-nonsense: invalid option" hv start q1
check "a failed start leaves no process" test -z "$(home_processes)"
check_fails "a missing disk is named" 1 "missing.img" hv start d1
check_fails "a domain that is not defined" 1 "failed to get domain 'nosuch'" undefined
check "no descriptor of ours leaks into QEMU" no_fd_leaks
if grep -q __asan_init "$HVMUX"; then
	tap_skip "a supervisor keeps at most 1 MiB of its own" "AddressSanitizer keeps more by itself"
else
	check "a supervisor keeps at most 1 MiB of its own" private_memory
fi
check "SIGTERM to a supervisor ends a paused guest in good order" sigterm_of_the_supervisor
tap_done
