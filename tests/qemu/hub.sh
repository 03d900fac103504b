#!/bin/sh
# What a client of a console is told while the real thing happens to it: reset, a killed supervisor, a serial socket that
# QEMU makes anew, the end; and what clients that never read cost the supervisor.
. "$(dirname "$0")/../qemu/lib.sh"
watch=$HVMUX_BUILD/tests/qemu/console_watch
told=$TEST_TMP/told
HVMUX_WATCH_BYTES=$TEST_TMP/bytes
export HVMUX_WATCH_BYTES

# watch_start: what it is told goes to $told; it stays until watch_end.
watch_start() {
	mkfifo "$TEST_TMP/hold" && exec 9<>"$TEST_TMP/hold"
	"$watch" b1 <"$TEST_TMP/hold" >"$told" 9>&- &
	watcher=$!
}
watch_end() {
	kill "$watcher"
	exec 9>&-
	rm -f "$TEST_TMP/hold"
}
told_has() { grep -q "$1" "$told" || { cat "$told"; return 1; }; }
bytes_count() { [ "$(grep -aoF "$1" "$TEST_TMP/bytes" | wc -l)" -eq "$2" ] || { cat "$TEST_TMP/bytes"; return 1; }; }
# Every byte once and in order, over however many connections.
whole() {
	awk '$1 == "data" || $1 == "gap" { if ($2 + 0 != at + 0) { print "at " at ": " $0; exit 1 } at = $3 }
		$1 == "gap" { print; exit 1 }' "$told" || { cat "$told"; return 1; }
}
log_has() { grep -q "$1" "$HVMUX_HOME/log/b1/console0.log" || { cat "$HVMUX_HOME/log/b1/console0.log"; return 1; }; }

define_bootsect b1 >/dev/null
check "start" hv start b1
watch_start
check "a client is told of the start" wait_for 20 told_has "^mark boot 0$"
check "and sees the guest's banner" wait_for 30 bytes_count COM1 1
check "reset" hv reset b1
check "it sees the banner again" wait_for 30 bytes_count COM1 2
once() { [ "$(grep -c "^mark reset" "$told")" -eq 1 ] || { cat "$told"; return 1; }; }
check "it was told once" once
reset_between() {
	awk '$1 == "mark" && $2 == "reset" { at = $3 } $1 == "data" { last = $2 } END { exit !(at > 20 && at <= last) }' "$told"
}
check "between the one banner and the other" reset_between
check "so was the log" wait_for 10 log_has 'hvmux: the guest was reset'

kill -9 "$(json_number b1 supervisor_pid)"
check "its supervisor is killed: the client is told" wait_for 20 told_has "^closed .*supervisor is gone"
hv list >/dev/null
check "with the next one it goes on where it stood" wait_for 20 told_has "^welcome resumed$"
check "and is told that something may be missing" wait_for 20 told_has "^mark reconnect "
type_line b1 ping >/dev/null
check "the guest answers" wait_for 20 bytes_count pong 1
check "no byte came twice, and none is missing" whole
check "nor was a banner shown again" bytes_count COM1 2
check "the log has the mark" log_has 'connected to the guest anew'

# QEMU throws the connection away, and the socket with it; it listens anew elsewhere, which is moved to the old place.
new_socket() {
	hv qemu-monitor-command b1 "{\"execute\":\"chardev-change\",\"arguments\":{\"id\":\"charserial0\",\"backend\":{\"type\":\"socket\",
		\"data\":{\"server\":true,\"wait\":false,\"addr\":{\"type\":\"unix\",\"data\":{\"path\":\"$HVMUX_HOME/run/b1/new.sock\"}}}}}}" &&
		[ -S "$HVMUX_HOME/run/b1/new.sock" ] && mv "$HVMUX_HOME/run/b1/new.sock" "$HVMUX_HOME/run/b1/serial0.sock"
}
if new_socket >"$TEST_TMP/change" 2>&1; then
	reconnected() { [ "$(grep -c '^mark reconnect' "$told")" -eq 2 ] || { cat "$told"; return 1; }; }
	check "QEMU closed the serial socket and made it anew: connected by itself" wait_for 20 reconnected
	type_line b1 ping >/dev/null
	check "and the guest answers" wait_for 20 bytes_count pong 2
else
	tap_skip "QEMU closes the serial socket and makes it anew" "$(tr '\n' ' ' <"$TEST_TMP/change")"
fi

# Memory: the supervisor's own, with all places but one taken by clients that never read while the guest speaks.
# Pages of files are nobody's own: whose they are depends on who else runs the same program.
own_kib() { awk '/^Anonymous/ { print $2 }' "/proc/$(json_number b1 supervisor_pid)/smaps_rollup"; }
speak() { for k in 1 2 3 4 5 6 7 8; do type_line b1 "ping $k" >/dev/null || return 1; done; }
speak
before=$(own_kib)
mkfifo "$TEST_TMP/hold2" && exec 8<>"$TEST_TMP/hold2"
"$watch" b1 50 <"$TEST_TMP/hold2" >"$TEST_TMP/crowd" 8>&- &
crowd=$!
all_there() { grep -qx "there 50" "$TEST_TMP/crowd" || { cat "$TEST_TMP/crowd"; return 1; }; }
check "fifty come at once, and none of them reads" wait_for 30 all_there
check "the guest is still answered" hv send-key b1 KEY_A
speak
grown() {
	after=$(own_kib)
	echo "$before KiB before, $after KiB with them"
	[ $((after - before)) -le 256 ]
}
check "they cost the supervisor no more than 256 KiB" grown
kill $crowd
exec 8>&-

check "destroy" hv destroy b1
check "the client was told of the end" wait_for 20 told_has "^mark end "
check "and why the console closed" told_has "^closed the console was closed"
watch_end
check "the log has it" log_has 'hvmux: the guest ended'

# Supervisor and QEMU are killed together: nobody saw the end, and the log has it all the same.
ends() { grep -c 'hvmux: the guest ended' "$HVMUX_HOME/log/b1/console0.log"; }
before=$(ends)
check "start again" hv start b1
wait_screen b1 COM1 30 >/dev/null
qemu=$(json_number b1 qemu_pid)
kill -9 "$(json_number b1 supervisor_pid)" "$qemu"
ended() { hv list >/dev/null && [ "$(ends)" -eq $((before + 1)) ]; }
check "both are killed: the log has the end" wait_for 20 ended
tap_done
