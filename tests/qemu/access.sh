#!/bin/sh
# Who besides root may do what: members of the operators' and of the readers' group, and nobody else.
. "$(dirname "$0")/../qemu/lib.sh"

[ "$(id -u)" -eq 0 ] || tap_skip_all "only root can be others"
need_program setpriv
operators=games readers=mail
operators_gid=$(sed -n "s/^$operators:[^:]*:\([0-9]*\):.*/\1/p" /etc/group)
readers_gid=$(sed -n "s/^$readers:[^:]*:\([0-9]*\):.*/\1/p" /etc/group)
[ -n "$operators_gid" ] && [ -n "$readers_gid" ] || tap_skip_all "no groups '$operators' and '$readers'"
chmod 711 "$TEST_TMP"
user=4242
as() { # GROUP COMMAND...: as a user who is no other's
	group=$1
	shift
	setpriv --reuid $user --regid $user --groups "$group" "$@"
}
as $user test -x "$HVMUX" || tap_skip_all "others may not run $HVMUX"

define_bootsect a1 >/dev/null
chmod 711 "$HVMUX_HOME"
check "it starts, and nobody has been named" hv start a1
check_fails "others do not see it" 1 "failed" as "$operators_gid" "$HVMUX" suspend a1
hv destroy a1 >/dev/null
printf 'operator_group = %s\nreader_group = %s\n' $operators $readers >"$HVMUX_HOME/etc/hvmux.conf"
check "it starts with both groups" hv start a1
wait_screen a1 hvmux 60 >/dev/null

sees() { as "$1" "$HVMUX" list | grep -q 'a1 *running' || as "$1" "$HVMUX" list; }
check "an operator sees it" sees "$operators_gid"
check "and suspends it" as "$operators_gid" "$HVMUX" suspend a1
check "it is so" state_is a1 paused
check "and resumes it" as "$operators_gid" "$HVMUX" resume a1
check "a reader sees it" sees "$readers_gid"
check "and its state" as "$readers_gid" "$HVMUX" domstate a1
check "and its figures" as "$readers_gid" "$HVMUX" domstats a1
check "and its screen" sh -c "setpriv --reuid $user --regid $user --groups $readers_gid '$HVMUX' screen a1 | grep -q hvmux"
check_fails "but may not suspend it" 1 "you may look at this domain and change nothing" as "$readers_gid" "$HVMUX" suspend a1
check_fails "nor destroy it" 1 "you may look at this domain and change nothing" as "$readers_gid" "$HVMUX" destroy a1
rpc() { # GROUP REQUEST
	printf '%s\n' "$2" | as "$1" "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/a1/control.sock"
}
rpc_has() { rpc "$1" "$2" | grep -F -- "$3" || { rpc "$1" "$2"; return 1; }; }
check "a reader may ask QEMU" rpc_has "$readers_gid" '{"jsonrpc":"2.0","id":1,"method":"qmp","params":{"execute":"query-status"}}' '"status":"running"'
check "and not tell it" rpc_has "$readers_gid" '{"jsonrpc":"2.0","id":1,"method":"qmp","params":{"execute":"quit"}}' '-32009'
typed() { printf 'ping\r' | as "$1" "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/a1/console0.raw" >/dev/null; }
typed "$readers_gid"
type_line a1 off2 >/dev/null
wait_screen a1 off2 20 >/dev/null
no_pong() { ! screen_has a1 pong >/dev/null; }
check "what a reader types does not arrive" no_pong
typed "$operators_gid"
check "what an operator types does" wait_screen a1 pong 20
# Readers cannot take all places from operators: of 64 they get 48, and the last of these makes room.
crowd_n=0
mkfifo -m 644 "$TEST_TMP/hold" && exec 7<>"$TEST_TMP/hold"
crowd() { # COUNT [control] [COMMAND...]: so many were taken in; they stay until 7 is closed
	crowd_n=$((crowd_n + 1))
	crowd_out=$TEST_TMP/crowd.$crowd_n crowd_count=$1 crowd_kind=$2
	shift 2
	(
		exec 7>&-
		# shellcheck disable=SC2086
		"$@" "$HVMUX_BUILD/tests/qemu/console_watch" a1 "$crowd_count" $crowd_kind
	) <"$TEST_TMP/hold" >"$crowd_out" 2>&1 &
	wait_for 30 grep -q there "$crowd_out"
}
crowd_is() { grep -qx "there $1" "$crowd_out" || { cat "$crowd_out"; return 1; }; }
for kind in "" control; do
	of=${kind:-console}
	crowd 60 "$kind" as "$readers_gid"
	check "60 readers come to the $of socket: 48 get in" crowd_is 48
	crowd 16 "$kind" as "$operators_gid"
	check "16 operators get in beside them" crowd_is 16
	crowd 1 "$kind" env
	check "and one more, in a reader's place" crowd_is 1
	crowd 1 "$kind" as "$readers_gid"
	check "but no reader" crowd_is 0
done
exec 7>&-
again=0
while [ $again -lt 80 ]; do
	again=$((again + 1))
	as "$readers_gid" "$HVMUX_BUILD/tests/qemu/console_watch" a1 1 </dev/null >/dev/null
done
not_washed_out() {
	lines=$(grep -c 'attached to console 0, to read' "$HVMUX_HOME/log/a1/audit.log")
	echo "$lines lines"
	[ "$lines" -gt 0 ] && [ "$lines" -le 120 ]
}
check "readers that come and go do not wash out the audit log" not_washed_out

check_fails "others see nothing" 1 "" as $user "$HVMUX" suspend a1
nothing() { ! as $user ls "$HVMUX_HOME/run/a1" 2>/dev/null; }
check "not even the folder" nothing
check "the refusals are in the audit log" grep -q "$user.*what=suspend result=denied" "$HVMUX_HOME/log/a1/audit.log"
check "it runs" state_is a1 running
hv destroy a1 >/dev/null

: >"$HVMUX_HOME/etc/hvmux.conf"
check "it starts, and nobody is named any more" hv start a1
check "the folder is closed again" nothing
nothing_for_readers() { ! as "$readers_gid" ls "$HVMUX_HOME/run/a1" 2>/dev/null; }
check "to readers, too" nothing_for_readers
tap_done
