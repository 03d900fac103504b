#!/bin/sh
# The wall: many consoles tiled; zoom, typing into one, broadcast to some, an echo that differs, faults of single tiles.
. "$(dirname "$0")/lib.sh"
fakes 4 consoles 3 # vm1 vm2 vm3 run with a console, vm4 is paused
# Others, whose process can be stopped alone.
mkfifo "$TEST_TMP/db.in"
"$HVMUX_BUILD/tests/e2e/fakevms" 1 called db <"$TEST_TMP/db.in" >"$TEST_TMP/db.out" 2>&1 &
db_pid=$!
exec 7>"$TEST_TMP/db.in"
wait_for 30 grep -q ready "$TEST_TMP/db.out"

# text $1 is on the screen's last line
footer() { screen | tail -n 1 | grep -qF -- "$1" || { screen; return 1; }; }
header() { screen | head -n 1 | grep -qF -- "$1" || { screen; return 1; }; }
# count of lines with text $2 on the screen is $1
counts() { [ "$(screen | grep -oF -- "$2" | wc -l)" -eq "$1" ] || { screen; return 1; }; }

# Answers a question; a key that was on its way when it came up would be no answer.
asked_long_ago() { [ "$(date +%s%N)" -gt $((asked + 400000000)) ]; }
yes() {
	see "y  yes" || return 1
	asked=$(date +%s%N)
	wait_for 5 asked_long_ago
	keys y
}
# The wall is left, the list is there.
on_list() { shows "7 Events"; }

dash 100x30
see "5 VMs"
keys /
text vm
keys Enter w
check "w opens the wall of those that run and are shown" see "wall: 4 consoles, only looked at"
check "each with its screen" wait_for 10 counts 3 "Fake GNU/Linux 1.0 vm"
check "and nothing of those that are filtered out" shows_not db1
text x
check "a key is no typing" see "the tiles are only looked at: i types into vm1"
keys Enter
check "Enter zooms" see "Ctrl+] or F12 detach"
text zoomed
keys Enter
see "got 6 bytes"
keys 'C-]'
check "Ctrl+] comes back to the wall" see "wall: 4 consoles"
check "which shows what was typed" see "vm1$ zoomed"

keys Enter
see "Ctrl+] or F12 detach"
keys 'C-\' b
check "b in a console's menu opens the wall, too" see "consoles, only looked at"
keys b
check "and the console's own keyboard is free for it" see "BROADCAST typing to 5 of 5"
keys Escape Escape
see "F11 takes the keyboard"
keys 'C-]'
see "wall: 4 consoles"

keys Tab i
check "i types into the tile with the focus" see "typing into vm2 alone"
text "only here"
keys Tab Enter
check "every key goes there, Tab, too" see "vm2$ only here<09>"
check "and nowhere else" counts 1 "only here"
keys 'C-\' Tab
check "the prefix key and Tab move the typing" see "typing into vm3 alone"
keys Escape
text "third"
check "to the next tile" see "vm3$ third"
keys 'C-\' 'C-\' 'C-]'
check "the prefix key twice is typed" see "third<1c>"
check "Ctrl+] ends typing" see "only looked at"
keys q
check "q leaves it" wait_for 10 on_list

# Three by their marks, one of them held by somebody else.
first=$pane
terminal other 80x24 "$HVMUX console vm2"
see "Ctrl+] or F12"
pane=$first
keys g Space Space Space w
check "marks choose" see "wall: 3 consoles"
check "a keyboard that is held is told" see "keyboard: "
keys b
check "broadcast asks, and names who gets the keys" see "BROADCAST typing to 2 of 3"
check "and who does not" see "Left out: vm2 ("
keys Escape
check "Esc is no" see_not "BROADCAST typing"
text nobody
keys b
yes
check "the banner" wait_for 10 header "BROADCAST to 2 of 3: vm1 vm3"
text both
keys Enter
check "keys go to both" wait_for 10 counts 2 "both"
check "and to nobody else" see_not "vm2$ both"
keys 'C-]'
check "Ctrl+] ends it at once" see "only looked at"
keys Tab
text iquiet
check "a held keyboard is not typed at" see "the keyboard is held by"
check "and what was typed at it is no command" see "the keyboard is held by"
keys F
check "F asks" see "Take the keyboard of vm2?"
yes
check "and takes it" see "typing into vm2 alone"
text forced
keys Enter
check "and types" see "got 6 bytes"
pane=other
check "who had it is told" see "took the keyboard"
keys 'C-]'
see ENDED
pane=$first
keys 'C-]'
see "only looked at"

# One that echoes nothing is pointed out.
keys i
text quiet
keys Enter
see "vm2$ quiet"
keys 'C-]'
see "only looked at"
keys b
see "BROADCAST typing to 3 of 3"
yes
wait_for 10 header "BROADCAST to 3 of 3"
text abc
check "an echo that differs is pointed out" see "DIFFERS from the others"
check "in the banner, too" header "1 DIFFER"
check "at the right one" line_shows "vm2" "DIFFERS"
keys Enter
wait_for 10 counts 3 "got 3 bytes"
asked=$(date +%s%N)
wait_for 5 asked_long_ago # all are quiet: what comes next is an echo
text def
check "until it echoes like the others" see_not "DIFFERS"
keys 'C-\' Space
check "a tile can be taken out" wait_for 10 header "BROADCAST to 2 of 3: vm1 vm3"
check "and says so" see "taken out"
keys Escape
text ghi
check "it gets no keys" wait_for 10 counts 2 "defghi"
keys 'C-\' Space Escape
check "and back in" wait_for 10 header "BROADCAST to 3 of 3"

tm set-buffer "one line"
tm paste-buffer -p -t "$pane"
check "a paste asks" see "Paste into 3 consoles at once?"
check "with its beginning" see "beginning with: one line"
yes
check "and arrives" wait_for 10 counts 3 "one line"

resize 20x5
check "20 columns, 5 lines: the focused one, and the banner" see "BROADCAST to 3"
resize 160x48
check "and large" wait_for 10 counts 3 "one line"
keys Enter C-a
text "off"
keys 'C-\' b
check "the prefix key and b end it" see "only looked at"

# Faults of single tiles.
keys q
wait_for 10 on_list
terminal alone 120x40 "$HVMUX wall vm1 vm2 db1"
check "hvmux wall NAME shows those" see "wall: 3 consoles"
check "with their screens" see "Fake GNU/Linux 1.0 db1 ttyS0"
keys Tab Tab
kill -STOP "$db_pid"
check "a supervisor that hangs: its tile says so" wait_for 30 line_shows db1 "not answering"
check "and only that" counts 1 "not answering"
keys i
check "typing at it is no trap" see "typing into db1"
text lost
keys 'C-]'
check "Ctrl+] leaves it at once" see "only looked at" 5
kill -CONT "$db_pid"
check "... and it is forgiven" see_not "not answering" 30
keys i
see "typing into db1"
text off
see "db1$ off"
keys Enter
check "one that powers off ends the typing" see "db1 is off: keys are not sent any more"
check "its last screen stays" see "db1$ off"
check "with its state, and how to start it" line_shows "db1" "shut off (shutdown): s starts"
keys 'C-]'
check "Ctrl+] leaves the wall" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored

terminal ascii 80x24 "env TERM=vt100 LC_ALL=C LANG=C $HVMUX wall"
check "a terminal without colours in an ASCII locale" see "wall: 4 consoles"
check "all in ASCII" sh -c "tmux -S '$TMUX_SOCKET' capture-pane -p -t ascii | LC_ALL=C grep -q '[^ -~]' && exit 1 || exit 0"
keys q
see "ENDED 0"
"$HVMUX" wall --group nowhere >"$TEST_TMP/out" 2>&1
check "a group that nobody is in" [ $? -eq 1 ]
check "is said" grep -q "no domain runs that has this group" "$TEST_TMP/out"
# Real ones: a supervisor that is killed comes back, and the broadcast with it.
define_bootsect b1 >/dev/null && define_bootsect b2 >/dev/null
hv start b1 >/dev/null && hv start b2 >/dev/null
terminal real 120x40 "$HVMUX wall b1 b2"
check "two guests boot" wait_for 60 counts 2 "COM1"
keys b
yes
check "broadcast to both" wait_for 10 header "BROADCAST to 2 of 2: b1 b2"
text ping
keys Enter
check "both answer" wait_for 20 counts 2 "pong"
kill -KILL "$(json_number b1 supervisor_pid)"
check "a supervisor that is killed is noticed" wait_for 20 header "BROADCAST to 1 of 2: b2"
check "and comes back, with the keyboard" wait_for 30 header "BROADCAST to 2 of 2: b1 b2"
text ping
keys Enter
check "and both answer again" wait_for 20 counts 4 "pong"
keys 'C-]' q
check "the way out" see "ENDED 0"
tap_done
