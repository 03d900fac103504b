#!/bin/sh
# `hvmux console` on a Linux guest: login, programs that take the whole screen, a supervisor that is killed, a reset, an
# end and a start, all of it in one attachment.
. "$(dirname "$0")/lib.sh"
need_linux
define_linux lin >/dev/null
check "start" hv start lin
terminal a 80x24 "$HVMUX console lin"
check "the console of its own attaches" see "Ctrl+] or F12 detach  Ctrl+\\ menu"
check "the guest boots" see "lin login:" 120 || tap_done
text root
keys Enter
check "login" see "root@lin:/root#" 60
keys 'C-\' r
check "the size is told" see "typed: stty rows 23 cols 80"
text 'stty size'
keys Enter
check "and the guest has it" see "23 80" 30

# --- programs that draw ---
text 'seq 1 500 | less'
keys Enter
check "less shows a page" see "22" 30
keys G
check "and the end" see "500" 30
keys q
wait_for 30 sh -c "tmux -S '$TMUX_SOCKET' capture-pane -p -t a | tail -n 2 | grep -q 'root#'"
text 'clear; vi /tmp/file'
keys Enter
see "- /tmp/file" 30
text 'ihello from vi'
see "I /tmp/file" 30
keys Escape
see "- /tmp/file" 30
text ':wq'
keys Enter
check "vi writes what was typed" see "root@lin" 30
text 'clear; top -d 1'
keys Enter
check "top draws" see "Load average" 30
keys q
text 'clear'
keys Enter
see_not "Load average" 30
text 'grep -c "hello from vi" /tmp/file'
keys Enter
check "the file is there" wait_for 30 sh -c "tmux -S '$TMUX_SOCKET' capture-pane -p -t a | grep -qx 1"

# --- the supervisor is killed while the guest talks ---
text 'clear; for i in $(seq 1 300); do echo "n-$i-"; usleep 20000; done; echo all-$((1+1))-said'
keys Enter
see "n-20-" 30
kill -9 "$(json_number lin supervisor_pid)"
check "it comes back by itself, and goes on" see "all-2-said" 90
check "with the same program" dash_runs
keys 'C-\' '['
see "scrollback"
text '>'
see "write to file:"
text "$TEST_TMP/history"
keys Enter
check "the scrollback is written down" see "written to"
keys q
tr -d '\r' <"$TEST_TMP/history" | sed -n 's/^n-\([0-9]*\)-$/\1/p' >"$TEST_TMP/seen"
check "no line is there twice" sh -c "[ -z \"\$(sort '$TEST_TMP/seen' | uniq -d)\" ]"
check "and all are in order" sort -nc "$TEST_TMP/seen"
# Where lines are missing stands a mark of ours, and nowhere else.
holes() {
	awk '/^n-[0-9]*-$/ { split($0, a, "-"); if (last && a[2] != last + 1 && !mark) { print "unmarked hole before", $0; bad = 1 }
		last = a[2]; mark = 0 } / (missing|connected again)/ { mark = 1 } END { exit bad }' "$TEST_TMP/history"
}
check "a hole is marked" holes
check "the loss of the supervisor is" grep -q "connected again" "$TEST_TMP/history"
text 'echo typed-$((2+3))'
keys Enter
check "and it can be typed at" see "typed-5" 30

# --- a reset ---
text "printf '\\033[?2004hbracketed\n'"
keys Enter
wait_for 30 sh -c "tmux -S '$TMUX_SOCKET' capture-pane -p -t a | grep -qx bracketed"
check "reset" hv reset lin
check "boots again in the same console" wait_for 120 sh -c "tmux -S '$TMUX_SOCKET' capture-pane -p -t a | grep -q '^lin login:'"
keys 'C-\' '['
text '?reset 20'
keys Enter
check "a mark tells of the reset" see "reset 20" 30
keys q
printf 'a b\n' | tm load-buffer -
tm paste-buffer -p -t a
check "no bracketed paste from the boot before" see "lin login: a b"
check "in the guest neither" see_not "200~"

# --- off, and on again ---
check "destroy" hv destroy lin
check "a console that is off says so" see "lin is off — last screen; Ctrl+] back, s start" 30
check "and why" see "shut off (destroyed)"
ready() { keys s; shows_not "is off"; }
check "s starts it" wait_for 30 ready
check "and it is attached again" see "lin login:" 120
keys 'C-\' '['
text '?typed-5'
keys Enter
check "what was before is in the scrollback" see "typed-5" 30
keys q
keys 'C-]'
check "Ctrl+] leaves" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored
tap_done
