#!/bin/sh
# One-line automation on a real guest: expect, send-break, sysrq, on a serial port and on a virtio console.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

hvc="<console type='pty'><target type='virtio'/></console>"
# prints TEXT COMMAND...: it succeeds, and prints that.
prints() {
	prints_want=$1
	shift
	"$@" >"$TEST_TMP/prints" 2>&1 || { cat "$TEST_TMP/prints"; return 1; }
	[ "$(cat "$TEST_TMP/prints")" = "$prints_want" ] || { cat "$TEST_TMP/prints"; return 1; }
}
audit_has() { grep -qF -- "$1" "$HVMUX_HOME/log/ex/audit.log"; }

check_fails "of a domain that is not there" 1 "nosuch" hv expect nosuch x
check "define" define_linux ex "$hvc" "console=hvc0"
check_fails "of a domain that is off" 1 "domain is not running" hv expect ex 'login:'
check "start" hv start ex
check "wait for the login from the boot on" prints "ex login: " hv expect ex 'login: $' --since-boot --timeout 90
check "the prompt that is there matches" prints "ex login: " hv expect ex 'ex login: $' --timeout 10
check_fails "but not as something new" 124 "nothing matched 'login:' within 1 s; the console said nothing" \
	hv expect ex 'login:' --new --timeout 1
check "log in and run a command, in one line" prints "$(printf 'ex login: \nroot@ex:/root# \nsix times seven is 42')" hv expect ex 'login:' --send 'root\n' '# ' --send 'echo six times seven is $((6 * 7))\r' 'seven is [0-9]+'
check "the echo of a command is not its answer" prints "done-it" hv expect ex --send 'sleep 1; echo done-"it"\n' 'done-.*'
check "an answer without a question" hv expect ex --send 'exit\n' 'login:'
"$HVMUX" expect ex 'never' --timeout 300 >"$TEST_TMP/never" 2>&1 &
never=$!
check "a watcher beside it types all the same" hv expect ex --send 'root\n' '# '

# The keyboard belongs to somebody.
mkfifo "$TEST_TMP/hold"
"$HVMUX" console ex --raw <"$TEST_TMP/hold" >/dev/null 2>&1 &
holder=$!
exec 9>"$TEST_TMP/hold"
printf ' ' >&9
held() { grep -q " pid=$holder .*what=take" "$HVMUX_HOME/log/ex/audit.log"; }
check "somebody types" wait_for 20 held
check_fails "then nothing is typed, and it says who holds the keyboard" 1 "the keyboard of 'ex' is held by root@" \
	hv expect ex --send 'echo no\n' no
check "--force types" hv expect ex --force --send 'echo forced-$((1 + 1))\n' 'forced-2'
exec 9>&-
kill "$holder" 2>/dev/null
wait "$holder" 2>/dev/null

# BREAK and SysRq.
sysrq_prints() { # PORT COMMAND...: SysRq's help comes on that port
	sysrq_port=$1
	shift
	"$HVMUX" expect ex --port "$sysrq_port" 'sysrq: HELP' --new --timeout 30 >"$TEST_TMP/help" 2>&1 &
	sysrq_wait=$!
	wait_for 20 attached || return 1
	"$@" || return 1
	wait $sysrq_wait || { cat "$TEST_TMP/help"; return 1; }
}
attached() { grep -q " pid=$sysrq_wait .*what=attach" "$HVMUX_HOME/log/ex/audit.log"; }
check "sysrq h on the serial port" sysrq_prints serial0 hv sysrq ex h
check "sysrq h on the virtio console" sysrq_prints hvc0 hv sysrq ex h --port hvc0
check "sysrq h by the keyboard" sysrq_prints serial0 hv sysrq ex h --keyboard
break_then_h() { hv send-break ex --port serial0 && hv expect ex --send 'h' 'sysrq: HELP' --timeout 20; }
check "BREAK, then a letter" sysrq_prints serial0 break_then_h
check_fails "a virtio console has no BREAK" 1 "hvc0 of 'ex' has no BREAK: it is a virtio console" hv send-break ex --port hvc0
check_fails "no command of SysRq's" 2 "'hh' is no SysRq command" hv sysrq ex hh
check "all of it is in the audit log" audit_has 'chardev-send-break'

# A supervisor that is killed meanwhile is not the guest's end.
hv expect ex --port hvc0 --send 'root\n' '# ' >/dev/null 2>&1
"$HVMUX" expect ex --port hvc0 --send 'sleep 4; echo late-$((3 * 3))\n' 'late-9' --timeout 60 >"$TEST_TMP/late" 2>&1 &
late=$!
check "a command runs" wait_for 20 sh -c "'$HVMUX' screen ex --port hvc0 | grep -q 'sleep 4'"
kill -9 "$(json_number ex supervisor_pid)"
check "its supervisor is killed, and the answer comes all the same" wait $late
check "destroy" hv destroy ex
wait $never
never_rc=$?
check "who still waited is told that the domain is off" test $never_rc -eq 1
check "why, and for what" grep -qF "'ex' is off (destroyed): nothing matched 'never'" "$TEST_TMP/never"

tap_done
