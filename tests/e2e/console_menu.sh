#!/bin/sh
# The attached console's own keys: menu, scrollback, search, copy, pastes, who types; on 80x24 and on less.
. "$(dirname "$0")/lib.sh"
fakes 8
dash 80x24
see "8 VMs"
keys Enter
check "a hint says how to detach, both ways" see "Ctrl+] or F12 detach  Ctrl+\\ menu   Ctrl+\\ d detaches, too"
tm pipe-pane -t "$pane" "cat >'$TEST_TMP/raw'"

# --- the menu ---
keys 'C-\'
check "the prefix key opens a menu" see "┌─ vm1: console"
check "with its keys" see "[   scrollback"
check "a snapshot among them" see "s   snapshot"
keys 'C-\'
check "twice it goes to the guest" see "<1c>"
keys 'C-\' z
check "a key that is not in it does nothing, and says so" see "no such key in the menu: nothing was sent"
keys Enter 'C-\' '?'
check "? shows the keys of a console" see "The menu: Ctrl+\\, then"
keys q
keys 'C-\' r
check "r types the size" see "stty rows 23 cols 80"
check "and says so" see "typed: stty rows 23 cols 80"
keys Enter 'C-\' p
check "p shows the power menu, made of the list's keys" see "reset button: the guest is not asked"
keys X
check "what disrupts asks, naming the VM" see "reset vm1?"
check "and the command that runs" see "Runs: hvmux reset vm1"
keys Escape
check "Esc does nothing" see "cancelled: nothing was done"
keys 'C-\' o
check "one port is all there is" see "vm1 has no other console"

# --- the scrollback ---
text flood
keys Enter
see "flood line 20000 of 20000" 60
keys 'C-\' '['
check "[ reads back" see "scrollback  / search"
text '?1555[0-9] of'
keys Enter
check "a search finds, and tells how many there are" see "match 10 of 10" 60
text n
check "n goes on" see "match 9 of 10" 60
text N
check "N goes back" see "match 10 of 10" 60
check "the match is in sight" see "flood line 15559 of 20000"
text '/['
keys Enter
check "what is no expression is told" see "invalid regular expression '['"
text '/nowhere at all'
keys Enter
check "no match is told" see "no match: nowhere at all" 60
text t
check "t shows when lines came" wait_for 20 shows "$(date +%H:)"
text t
keys Home V j y
check "y copies to the clipboard, by ourselves" wait_for 20 \
	sh -c "tmux -S '$TMUX_SOCKET' show-buffer | grep -qx 'flood line 15560 of 20000'"
check "and tells so" see "sent to your terminal's clipboard (OSC 52)"
check "nothing was sent there before" [ "$(grep -ac ']52;' "$TEST_TMP/raw")" = 1 ]
text '>'
see "write to file:"
text "$TEST_TMP/lines"
keys Enter
check "> writes a file" see "written to"
check "all of it" grep -q "flood line 20000 of 20000" "$TEST_TMP/lines"
echo precious >"$TEST_TMP/kept"
text '>'
text "$TEST_TMP/kept"
keys Enter
check "a file that is there is asked about" see "Overwrite"
keys Escape
check "and stays" grep -qx precious "$TEST_TMP/kept"
keys g
see "line 1 of"
resize 100x30
check "a resize keeps the place" see "line 1 of"
resize 80x24
keys q
check "q goes back to the guest" see_not "scrollback"

# --- the mouse: ours in the scrollback alone ---
mouse_on() { [ "$(tm display-message -p -t "$pane" '#{mouse_any_flag}')" = "$1" ]; }
check "outside of it the terminal's own selection works" wait_for 10 mouse_on 0
keys 'C-\' '['
check "the mouse is ours in the scrollback" wait_for 10 mouse_on 1
text "$(printf '\033[<64;5;5M')"
check "its wheel scrolls" see_not "flood line 20000 of"
keys q
check "and no longer behind it" wait_for 10 mouse_on 0

# --- pastes ---
printf 'one\ntwo\nthree\n' | tm load-buffer -
tm paste-buffer -p -t "$pane"
check "a paste of three lines is typed" see "got 5 bytes"
printf 'y\ny\ny\ny\ny\nysix\n' | tm load-buffer -
tm paste-buffer -p -t "$pane"
check "one of more than four asks, and shows them" see "Paste 6 lines to vm1?"
tm paste-buffer -p -t "$pane"
keys Escape
check "it is no answer to itself" see "not pasted"
tm paste-buffer -p -t "$pane"
see "Paste 6 lines to vm1?"
see_not "not pasted"
yes_pastes() { shows "Paste 6 lines" && keys y; shows "ysix" && shows_not "Paste 6"; }
check "y pastes" wait_for 20 yes_pastes
check "and nothing says any more that it was not" shows_not "not pasted"

# --- two operators ---
first=$pane
dash 80x24
second=$pane
see "8 VMs"
keys Enter
check "the second sees who types" see "keyboard: "
keys 'C-\' w
check "w asks for the keyboard" see "was asked for the keyboard"
pane=$first
check "which the holder is told" see "asks for the keyboard: Ctrl+\\ w gives it"
keys 'C-\' w
check "w gives it" see "the keyboard was given"
pane=$second
check "to the one who asked" see "the keyboard is yours"
check "who sees the other watch" see "1 watches"
keys 'C-\' u
check "u lists all" see "2 attached"
keys q
pane=$first
keys 'C-\' W
check "W takes it" see "the keyboard is yours"
pane=$second
check "and the other is told" see "took the keyboard"
keys x
check "and types nothing" see "not sent: keyboard held by"
keys 'C-\' d
check "d detaches" see "Enter attach"
keys Enter
see "keyboard: "
keys Escape 'C-]'
check "Esc and Ctrl+] in one packet do, too" see "Enter attach"

dash 80x24 -- --readonly
see "8 VMs"
keys Enter
check "one who may only look sees that" see "read only"
text x
check "and types nothing" see "read only: keys are not sent"
keys 'C-\' w
check "nor takes the keyboard" see "keyboard: take or give: read only"

# --- small, plain, and other keys ---
dash 20x5
see "8 VMs"
keys Enter
check "20x5: the name and a way out" see "vm1"
keys 'C-\' 'C-]'
check "Ctrl+] leaves the menu and the console" see "q quit"
dash 80x24 TERM=vt100 NO_COLOR=1 LC_ALL=C HVMUX_PREFIX=^A
see "8 VMs"
keys Enter
check "another prefix, a plain terminal" see "Ctrl+A w asks, F11 takes it over"
keys C-a
check "its menu is drawn in ASCII" see "+- vm1: console"
keys '['
keys V y
check "a terminal without a clipboard is told" see "has no clipboard"
keys F12
tap_done
