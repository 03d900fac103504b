#!/bin/sh
# The console hub: a guest that floods its serial socket, with clients and without; the echo of a key.
. "$(dirname "$0")/lib.sh"

"$tools/bench_console" "$rounds" 256 5000 >"$TEST_TMP/console" || exit 1
get() { awk -v n="$1" '$1 == n { print $2 }' "$TEST_TMP/console"; }

floor=$(get floor_mb_s) record=$(get record_mb_s) one=$(get clients1_mb_s) eight=$(get clients8_mb_s)
stopped=$(get stopped_mb_s) p50=$(get echo_p50_us) p99=$(get echo_p99_us) socket=$(get socket_p50_us)
row "console: recording only, log on" "$record MB/s" "socket alone $floor MB/s" "$(ratio "$record" "$floor")" \
	">= 200 MB/s" "$(verdict "$record" ge 200)"
row "console: 8 clients, together" "$eight MB/s" "1 client $one MB/s" "$(ratio "$eight" "$one")" ">= 1 client's" \
	"$(verdict "$eight" ge "$one")"
row "console: 1 client beside a stopped one" "$stopped MB/s" "without it $one MB/s" "$(ratio "$stopped" "$one")" \
	">= 0.95" "$(verdict "$(ratio "$stopped" "$one")" ge 0.95)"
row "console: echo of a key through the hub" "$p50 us" "socket $socket us" "$(ratio "$p50" "$socket")" \
	"p99 ($p99 us) <= 1500 us" "$(verdict "$p99" le 1500)"
