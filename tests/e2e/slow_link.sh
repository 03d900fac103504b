#!/bin/sh
# Over a line of 9600 baud and over a modem: what an operator does is seen soon, however much a guest prints, and a screen on
# which nothing happens costs next to nothing. slow_pty is the line; the deadlines leave room for a machine that is busy, not
# for a backlog.
. "$(dirname "$0")/lib.sh"
line=$HVMUX_BUILD/tests/e2e/slow_pty
fakes 4 consoles 4 chatter 50000

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# within MS NAME COMMAND…: it succeeds, and within so many milliseconds.
within() {
	within_ms=$1 within_name=$2 within_from=$(now_ms)
	shift 2
	check "$within_name" "$@" || return 1
	within_took=$(($(now_ms) - within_from))
	echo "# $within_took ms"
	if [ "$within_took" -le "$within_ms" ]; then
		tap_ok "... within $within_ms ms"
	else
		tap_not_ok "... within $within_ms ms"
	fi
}
slow_dash() { # RATE COLSxROWS COMMAND…
	journal=$TEST_TMP/journal.$1.$((slow_n = ${slow_n:-0} + 1))
	slow_rate=$1 slow_size=$2
	shift 2
	terminal "s$slow_n" "$slow_size" "$line -r $slow_rate -c '$journal' $*"
}

for rate in 960 5600; do
	slow_dash $rate 80x24 "$HVMUX"
	check "$rate B/s: the dashboard comes up" see "4 VMs" 30
	keys j
	within 2500 "$rate B/s: a key moves the cursor" see "▸ vm2" 10
	keys k
	see "▸ vm1"
	keys Enter
	check "$rate B/s: the console of a guest that floods" see "detach" 30
	for _ in 1 2 3 4 5 6 7 8; do # a while of it: a backlog would have grown
		see "unit" 20
	done
	keys 'C-]'
	within 1500 "$rate B/s: Ctrl+] is obeyed" see "4 VMs" 60
	see "Enter attach"
	keys q
	within 3000 "$rate B/s: q ends it" see "ENDED 0" 60
done
tap_done
