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
keys 'C-\' r
check "no size is typed into an editor unasked" see "into a full-screen program?"
keys Escape
see "nothing was typed"
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

# --- read back while the guest leaves its alternate screen ---
text "clear; seq 1 100; printf '\\033[?1049h\\033[Haltern%s' ate; usleep 1500000; printf '\\033[?1049l'; echo left-\$((4+4))"
keys Enter
see "alternate" 20 # which the typed line does not hold
keys 'C-\' '['
see "scrollback"
check "what was read is gone: the newest lines are shown" see "left-8" 20
keys q

# --- what the guest asks of the terminal ---
asks() {
	text "clear; stty -icanon -echo; printf '\\033[5n'; timeout $1 dd bs=1 count=4 2>/dev/null | od -c; stty sane"
	keys Enter
}
asks 20
check "the guest is answered in a fixed form" see "033   [   0   n" 30
text "clear; printf '\\033[?1000h\\033[?1006h'; cat -v"
keys Enter
wait_for 20 sh -c "[ \"\$(tmux -S '$TMUX_SOCKET' display-message -p -t a '#{mouse_any_flag}')\" = 1 ]"
text "$(printf '\033[<0;7;5M\033[<0;7;5m')"
keys Enter
check "the mouse is told to a guest that asked" see "^[[<0;7;5M^[[<0;7;5m" 30
keys C-c
text "printf '\\033[?1000l'; clear"
keys Enter
check "and not longer than that" \
	wait_for 20 sh -c "[ \"\$(tmux -S '$TMUX_SOCKET' display-message -p -t a '#{mouse_any_flag}')\" = 0 ]"
terminal b 80x24 HVMUX_CONSOLE_ANSWERS=no "$HVMUX" console lin --force
see "root@lin"
asks 1
check "or not at all" see "0000000" 30
check "when we say so" see_not "033"
keys 'C-\' d
see "ENDED 0"
pane=a
keys 'C-\' w
keys 'C-\' q
see "SysRq"
keys h
check "SysRq goes out while we hold the keyboard" see "thaw-filesystems" 30
text 'clear; echo back-$((3+3))'
keys Enter
check "which is ours again behind it" see "back-6" 30

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
