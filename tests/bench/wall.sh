#!/bin/sh
# The wall of 16 consoles that print all the time (BENCH_CHATTER bytes a second each; a serial line of 115200 baud carries
# 11,520), at 120x40: what it costs. The guests are fakes (tests/e2e/fakevms).
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
chatter=${BENCH_CHATTER:-100000}

mkfifo "$TEST_TMP/in" || exit 1
"$HVMUX_BUILD/tests/e2e/fakevms" 25 consoles 16 chatter "$chatter" <"$TEST_TMP/in" >"$TEST_TMP/fakes" &
fakes=$!
exec 8>"$TEST_TMP/in" # the fakes live until this is closed
fakes_ready() { grep -q ready "$TEST_TMP/fakes"; }
wait_for 30 fakes_ready || exit 1
set -- # those with a console
for ring in "$HVMUX_HOME"/run/*/console0.sock; do
	name=${ring%/console0.sock}
	set -- "$@" "${name##*/}"
done
BENCH_UNTIL=leave "$tools/bench_dashboard" 15 0 "$HVMUX" wall "$@" >"$TEST_TMP/wall"
rc=$?
exec 8>&-
wait $fakes
[ $rc -eq 0 ] || exit 1
cpu=$(awk '$1 == "idle_cpu_percent" { print $2 }' "$TEST_TMP/wall")
row "wall: $# consoles that print $((chatter / 1000)) kB/s each, 120x40: CPU of a core" "$cpu %" "-" "-" "<= 15 %" \
	"$(verdict "$cpu" le 15)"
