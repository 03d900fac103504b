#!/bin/sh
# An attached console while things break: its supervisor killed, another client stopped, the guest reset and ended, the
# terminal resized. With a real guest.
. "$(dirname "$0")/lib.sh"
define_bootsect b1 >/dev/null
check "start" hv start b1
check "the guest is up" wait_screen b1 '>'
count_is() { # N TEXT: lines of the screen
	screen >"$TEST_TMP/shown"
	[ "$(grep -cF -- "$2" "$TEST_TMP/shown")" -eq "$1" ] || { cat "$TEST_TMP/shown"; return 1; }
}
terminal one 90x28 "$HVMUX console b1"
check "attached" see "detach"
text ping
keys Enter
check "the guest answers" wait_for 20 count_is 1 pong

kill -KILL "$(json_number b1 supervisor_pid)"
back() { [ "$(json_number b1 supervisor_pid)" -gt 0 ] 2>/dev/null && kill -0 "$(json_number b1 supervisor_pid)"; }
check "another one is started by itself" wait_for 30 back
see "connected again" 30
text ping
keys Enter
check "the console goes on by itself" wait_for 30 count_is 2 pong
check "nothing is shown twice" count_is 1 "COM1"

# A client that is stopped holds up nobody.
first=$pane stopped=$(dash_pid)
kill -STOP "$stopped"
terminal two 80x24 "$HVMUX console b1 --force"
check "a second operator takes the keyboard of a client that is stopped" see "detach"
text ping
keys Enter
check "and is answered" wait_for 20 count_is 3 pong
keys 'C-]'
check "and leaves" see "ENDED 0"
pane=$first
kill -CONT "$stopped"
check "the stopped one goes on, with all that came" wait_for 20 count_is 3 pong

resize 40x10
check "a small terminal" see "b1" 10
resize 120x40
check "a large one" see "detach" 10
check "has it all again" wait_for 20 count_is 3 pong

check "reset" hv reset b1
check "the console says when, and shows the guest come again" see "reset 20" 30
check "from its first byte" see "COM1" 30
resize 90x28
check "destroy" hv destroy b1
check "the console says that it is off" see "off" 20
check "and shows the last screen" shows "COM1"
keys 'C-]'
check "it can be left" see "ENDED"
check "the terminal is restored" wait_for 10 restored
tap_done
