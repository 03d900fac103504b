#!/bin/sh
# Terminals that have less: a VT100, a C locale, no colours; and ways out: signals, a crash, suspension.
. "$(dirname "$0")/lib.sh"
fakes 8
esc=$(printf '\033')
colour() { tm capture-pane -p -e -t "$pane" | grep -qE "$esc\[([0-9;]*;)?[34][0-8][;m]"; }
no_colour() { ! colour; }
ascii_only() { ! screen | LC_ALL=C grep -q '[^ -~]'; }

dash 80x24
see "8 VMs"
check "colours where there are colours" colour
keys q
see "ENDED 0"

dash 80x24 NO_COLOR=1
check "NO_COLOR is obeyed" see "q quit"
check "no colour is sent" no_colour
check "states are told by words" see "paused"
keys q
see "ENDED 0"

dash 80x24 TERM=vt100
check "TERM=vt100 draws" see "q quit"
check "without colours" no_colour
keys Enter
see "detach"
text vt
keys Enter
check "and its console works" see "got 2 bytes"
keys 'C-]'
see "q quit"
keys q
see "ENDED 0"
check "the terminal is restored" wait_for 10 restored

dash 80x24 LC_ALL=C
check "LC_ALL=C draws" see "q quit"
check "in ASCII" ascii_only
keys 2
see "CPU  (top"
check "graphs, too" ascii_only
keys Enter
see "detach"
text style
keys Enter
see "end-of-style"
check "and guests" ascii_only
keys 'C-]' q
see "ENDED 0"

# Margins of another height: what ncurses scrolls within them stays behind as remnants.
margins() { [ "$(tm display-message -p -t "$pane" '#{scroll_region_upper} #{scroll_region_lower}')" = "$1" ]; }
dash 160x48
see "q quit"
check "the margins are the terminal's, however high it is" wait_for 10 margins "0 47"
resize 120x36
see "q quit"
check "at another size, too" wait_for 10 margins "0 35"
keys q
see "ENDED 0"
check "and after it" margins "0 35"

dash 80x24 TERM=nonesuch
check "an unknown terminal is an error in words" see "the terminal type 'nonesuch' is not known here"
check "exit status 1" see "ENDED 1"

for sig in TERM SEGV INT HUP ABRT; do
	dash 80x24
	see "q quit"
	kill -$sig "$(dash_pid)"
	check "SIG$sig ends it" see "ENDED"
	check "and the terminal is restored" wait_for 10 restored
done

dash 80x24
see "q quit"
kill -KILL "$(dash_pid)"
check "kill -9 of the dashboard" see "ENDED 137"
check "leaves the VMs alone" kill -0 $fakes_pid
check "they still answer" [ "$(hv list --name | grep -c vm)" -ge 4 ]

ended() { ! dash_runs; }
tm new-session -d -s jobs -x 80 -y 24 "env PS1='prompt> ' HVMUX_HOME='$HVMUX_HOME' LC_ALL='$LC_ALL' sh -i"
# shellcheck disable=SC2209
pane=jobs
see "prompt>"
text "$HVMUX"
keys Enter
see "q quit"
keys C-z
check "Ctrl+Z suspends" see "Stopped"
check "with the shell's screen back" [ "$(tm display-message -p -t jobs '#{alternate_on}')" = 0 ]
text fg
keys Enter
check "fg brings it back" see "q quit"
keys C-l
check "Ctrl+L redraws" see "q quit"
keys q
check "and it quits" see "prompt>"
text "clear; $HVMUX"
keys Enter
see "q quit"
keys C-z
see "Stopped"
text "clear; kill %1; kill -CONT %1"
keys Enter
check "kill ends a suspended dashboard" wait_for 10 ended
tap_done
