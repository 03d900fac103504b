#!/bin/sh
# `hvmux console` as a whole program on a terminal, beside socat, conserver and tmux where they are installed: bytes per second
# through --raw, the echo of a key, the first screen with a full ring. The guest is a socket; pairs take turns.
. "$(dirname "$0")/lib.sh"
b=$tools/bench_attach
dir=$TEST_TMP
[ "$rounds" -le 5 ] || rounds=5 # of seconds each

start() {
	"$@" >/dev/null 2>&1 &
	started="${started:-} $!"
}
stop_all() {
	for p in $started; do
		kill "$p" 2>/dev/null
	done
	[ -z "${tmux_used:-}" ] || tmux -S "$dir/tmux" kill-server 2>/dev/null
	cleanup
}
trap stop_all EXIT
listens() { [ -S "$1" ]; }
answers() { hv domstate "$1" | grep -q running; }
free_port() { # two neighbours that nobody listens on
	port=$((20000 + $$ % 20000))
	while grep -qi ":$(printf '%04x' $port) \|:$(printf '%04x' $((port + 1))) " /proc/net/tcp; do port=$((port + 2)); done
}
have_conserver() { command -v conserver >/dev/null && command -v console >/dev/null; }
start_conserver() {
	have_conserver || return
	free_port
	cat >"$dir/conserver.cf" <<-END
	config * { }
	default full { rw *; }
	console flood { master localhost; type uds; uds $dir/flood.sock; include full; }
	console echo { master localhost; type uds; uds $dir/echo.sock; include full; }
	access * { trusted 127.0.0.1; }
	END
	start conserver -p $port -b $((port + 1)) -C "$dir/conserver.cf" -P /dev/null -M 127.0.0.1
	wait_for 20 conserver_answers >/dev/null || port=
}
conserver_answers() { console -p "$port" -M 127.0.0.1 -u >/dev/null 2>&1; }
# note NAME COMMAND...: what bench_attach prints, a line more in a file
note() {
	note_to=$dir/$1
	shift
	timeout 60 "$b" "$@" >>"$note_to" 2>/dev/null
}
# med NAME COLUMN: its median; - where it could not be measured
med() {
	[ -s "$dir/$1" ] || { echo -; return; }
	awk -v c="$2" '{ print $c }' "$dir/$1" | sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "-" }'
}

start "$b" guest flood "$dir/flood.sock"
start "$b" guest echo "$dir/echo.sock"
wait_for 10 listens "$dir/flood.sock" >/dev/null && wait_for 10 listens "$dir/echo.sock" >/dev/null || exit 1
start "$b" hub flood "$dir/flood.sock"
flood_pid=$!
start "$b" hub echo "$dir/echo.sock"
start "$b" hub full "$dir/echo.sock" 1500000
for vm in flood echo full; do wait_for 20 answers $vm >/dev/null || exit 1; done
port=
start_conserver

i=0
while [ $i -lt "$rounds" ]; do
	note ours drain 1500 "$HVMUX" console flood --raw
	! command -v socat >/dev/null || note socat drain 1500 socat -u "UNIX-CONNECT:$dir/flood.sock" STDOUT
	[ -z "$port" ] || note conserver drain 1500 console -p "$port" -M 127.0.0.1 -f flood
	i=$((i + 1))
done
kill "$flood_pid"
i=0
while [ $i -lt "$rounds" ]; do
	note raw keys 2000 "$HVMUX" console echo --raw
	[ -z "$port" ] || note conserver_echo keys 2000 console -p "$port" -M 127.0.0.1 -f echo
	note drawn keys 2000 "$HVMUX" console echo
	if command -v tmux >/dev/null; then
		tmux_used=yes
		note tmux_echo keys 2000 tmux -S "$dir/tmux" -f /dev/null new-session "$b mirror"
		tmux -S "$dir/tmux" kill-server 2>/dev/null
	fi
	note first first "$HVMUX" console full
	i=$((i + 1))
done

ours=$(med ours 1) cpu=$(med ours 2) socat=$(med socat 1) socat_cpu=$(med socat 2) conserver=$(med conserver 1)
what="console --raw to a terminal"
if [ "$conserver" = - ]; then
	row "$what" "$ours MB/s" "socat $socat MB/s" "$(ratio "$ours" "$socat")" ">= conserver" "not measured: no conserver"
else
	row "$what" "$ours MB/s" "conserver $conserver, socat $socat MB/s" "$(ratio "$ours" "$conserver")" ">= conserver" \
		"$(verdict "$ours" ge "$conserver")"
fi
if [ "$socat" = - ]; then
	no_row "... its CPU per MB" "no socat"
else
	row "... its CPU per MB" "$cpu ms" "socat $socat_cpu ms" "$(ratio "$cpu" "$socat_cpu")" "<= socat" "$(verdict "$cpu" le "$socat_cpu")"
fi
raw=$(med raw 1) conserver=$(med conserver_echo 1)
if [ "$conserver" = - ]; then
	row "... echo of a key, p50" "$raw us" "-" "-" "<= conserver" "not measured: no conserver"
else
	row "... echo of a key, p50" "$raw us" "conserver $conserver us" "$(ratio "$raw" "$conserver")" "<= conserver" "$(verdict "$raw" le "$conserver")"
fi
drawn=$(med drawn 1) p99=$(med drawn 2) tmux=$(med tmux_echo 1) tmux99=$(med tmux_echo 2)
if [ "$tmux" = - ]; then
	no_row "console: echo of a key, drawn by us, p50 (p99)" "no tmux"
else
	row "console: echo of a key, drawn by us, p50 (p99)" "$drawn ($p99) us" "tmux $tmux ($tmux99) us" "$(ratio "$drawn" "$tmux")" \
		"<= tmux (1500)" "$(both "$(verdict "$drawn" le "$tmux")" "$(verdict "$p99" le 1500)")"
fi
row "console: program start to the first screen, ring full" "$(med first 1) ms" "-" "-" "<= 20 ms" "$(verdict "$(med first 1)" le 20)"
