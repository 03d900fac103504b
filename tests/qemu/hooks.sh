#!/bin/sh
# Hooks around a VM's life: heard in their order, able to refuse, never skipped by a kill, and never in the way.
. "$(dirname "$0")/../qemu/lib.sh"

hooks=$HVMUX_HOME/etc/hooks.d
heard=$TEST_TMP/heard
mkdir -p "$hooks" && chmod 755 "$hooks"
# hook NAME TEXT: a shell script; what it was called with is its record.
hook() {
	printf '#!/bin/sh\necho "%s $1 $2 $3 $4" >>"%s"\n%s\n' "$1" "$heard" "$2" >"$hooks/.new"
	chmod 755 "$hooks/.new" && mv "$hooks/.new" "$hooks/$1"
}
hears() { # what was heard since the last question, in one line
	got=$(tr '\n' ';' <"$heard")
	: >"$heard"
	[ "$got" = "$1" ] || { echo "heard: $got"; return 1; }
}
heard_last() { [ "$(tail -n 1 "$heard")" = "$1" ]; }
: >"$heard"

whole_life() {
	hook 10-a 'case $2 in prepare) grep -q "<name>b1</name>" || exit 9 ;; esac; echo "10 says $2"' && hook 20-b '' &&
		hv start b1 && wait_for 10 heard_last "20-b b1 started begin -" &&
		hears "10-a b1 prepare begin -;20-b b1 prepare begin -;10-a b1 started begin -;20-b b1 started begin -;" &&
		hv destroy b1 && hears "10-a b1 stopped end -;20-b b1 stopped end -;10-a b1 released end -;20-b b1 released end -;" &&
		state_is b1 "shut off" && grep -q "hook 10-a prepare: 10 says prepare" "$HVMUX_HOME/log/b1/supervisor.log"
}
refuses() {
	rm "$hooks"/* && hook a 'case $2 in prepare) echo first; echo "no room on the SAN" >&2; exit 1 ;; esac' && hook b '' &&
		check_refusal && hears "a b1 prepare begin -;a b1 released end -;b b1 released end -;"
}
check_refusal() {
	hv start b1 2>"$TEST_TMP/words" && return 1
	cat "$TEST_TMP/words"
	grep -qF "the hook '$hooks/a' says: no room on the SAN" "$TEST_TMP/words" && state_is b1 "shut off" &&
		[ -z "$(home_processes)" ] && [ ! -e "$HVMUX_HOME/run/b1/live.xml" ]
}
# The prepare of a crash's restart waits for the release of the run before.
restart() {
	rm "$hooks"/* && hook a '[ $2 != released ] || sleep 1.5' && : >"$heard" || return 1
	sed "s#<devices>#<on_crash>restart</on_crash><devices>#;s#<name>b1#<name>r1#" "$TEST_TMP/b1.xml" >"$TEST_TMP/r1.xml"
	hv define "$TEST_TMP/r1.xml" && hv start r1 && wait_for 10 heard_last "a r1 started begin -" && : >"$heard" &&
		kill -KILL "$(json_number r1 qemu_pid)" && wait_for 20 heard_last "a r1 started begin -" && hv destroy r1 &&
		hears "a r1 stopped end -;a r1 released end -;a r1 prepare begin -;a r1 started begin -;a r1 stopped end -;a r1 released end -;"
}
# While a prepare takes its time the VM is there, answers, and can be ended.
destroy_in_prepare() {
	rm "$hooks"/* && hook a '[ $2 != prepare ] || exec sleep 25' && : >"$heard" || return 1
	hv start b1 >"$TEST_TMP/start" 2>&1 &
	start=$!
	wait_for 10 heard_last "a b1 prepare begin -" && state_is b1 starting &&
		[ "$(json_number b1 memory_kib)" = 8192 ] && [ "$(json_number b1 vcpus)" = 1 ] || return 1
	hv destroy b1 && state_is b1 "shut off" && hears "a b1 prepare begin -;a b1 released end -;"
	rc=$?
	wait $start && return 1
	[ $rc -eq 0 ] && [ -z "$(home_processes)" ]
}
timeout() {
	mkdir -p "$HVMUX_HOME/etc" && echo "hook_timeout = 1" >"$HVMUX_HOME/etc/hvmux.conf"
	hook a '[ $2 != prepare ] || sleep 25'
	hv start b1 2>"$TEST_TMP/words" && return 1
	rm "$HVMUX_HOME/etc/hvmux.conf"
	grep -F "was not done after 1 s and was killed" "$TEST_TMP/words"
}
# The guest runs on, whatever a hook does after the fact.
async() {
	hook a '[ $2 != started ] || sleep 25' && hv start b1 && wait_for 10 heard_last "a b1 started begin -" &&
		wait_screen b1 COM1 90 && type_line b1 ping && wait_screen b1 pong && hv suspend b1 && hv resume b1 || return 1
	hook a ''
	kill -KILL "$(json_number b1 supervisor_pid)" # which takes the hook with it
	wait_for 20 adopted && : >"$heard" && hv destroy b1 && hears "a b1 stopped end -;a b1 released end -;"
}
adopted() { hv list >/dev/null && [ -n "$(json_number b1 supervisor_pid)" ]; }
# Killed at any point: for each prepare there is a released after it, and it is the last word.
settled() {
	hv list >/dev/null
	state_is b1 "shut off" && [ -z "$(home_processes)" ]
}
kill_sweep() { # COMMAND: in which it is killed
	for ms in 000 020 040 060 080 100 130 160 200 250 300; do
		: >"$heard"
		"$@" || return 1
		sleep 0.$ms # when to strike
		for p in $(home_processes); do
			case $(tr '\0' ' ' <"/proc/$p/cmdline") in *b1*) grep -q hvmux "/proc/$p/comm" && kill -KILL "$p" ;; esac
		done
		wait_for 30 left_alone || return 1
		[ "$(grep -c prepare "$heard")" -eq 0 ] || heard_last "a b1 released end -" || { cat "$heard"; return 1; }
	done
}
# What the killed one left is settled by whoever looks; a QEMU that came to be is ended as an operator would.
left_alone() {
	hv list >/dev/null
	hv destroy b1 >/dev/null 2>&1
	settled
}
start_behind() { "$HVMUX" start b1 >/dev/null 2>&1 & }
destroy_behind() {
	hv start b1 >/dev/null 2>&1 || return 1
	"$HVMUX" destroy b1 >/dev/null 2>&1 &
}
kill_in_prepare() { hook a 'sleep 0.1' && kill_sweep start_behind; }
kill_in_release() { hook a 'sleep 0.05' && kill_sweep destroy_behind; }
unsafe() {
	rm "$hooks"/* && hook a 'exit 1' && chmod 775 "$hooks/a" && : >"$heard" && hv start b1 && hv destroy b1 && hears "" &&
		grep -F "'$hooks/a' is not run" "$HVMUX_HOME/log/b1/supervisor.log"
}

define_bootsect b1 >/dev/null
check "prepare, started, stopped, released, each to all in order" whole_life
check "a failing prepare refuses the start in its own words" refuses
check "a restart by policy: released before it is prepared anew" restart
check "destroy ends a prepare that takes too long" destroy_in_prepare
check "a hook that takes too long is killed" timeout
check "a hook that hangs later is in nobody's way" async
check "kill -9 at any point of a prepare" kill_in_prepare
check "kill -9 at any point of an end" kill_in_release
check "a hook that others may write is not run" unsafe
tap_done
