#!/bin/sh
# The dashboard while every figure on it changes each second: BENCH_VMS (300) status pages of VMs that do not exist (tests/e2e/fakevms).
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
vms=${BENCH_VMS:-300}

mkfifo "$TEST_TMP/in" || exit 1
"$HVMUX_BUILD/tests/e2e/fakevms" "$vms" busy <"$TEST_TMP/in" >"$TEST_TMP/fakes" &
fakes=$!
exec 8>"$TEST_TMP/in" # the fakes live until this is closed
fakes_ready() { grep -q ready "$TEST_TMP/fakes"; }
wait_for 30 fakes_ready || exit 1
"$tools/bench_dashboard" 15 10 "$HVMUX" >"$TEST_TMP/dashboard"
rc=$?
exec 8>&-
wait $fakes
[ $rc -eq 0 ] || exit 1
bytes=$(awk '$1 == "idle_bytes_per_s" { print $2 }' "$TEST_TMP/dashboard")
row "dashboard: sent while all rows change ($vms fake VMs)" "$bytes B/s" "-" "-" "<= 5000 B/s" "$(verdict "$bytes" le 5000)"
