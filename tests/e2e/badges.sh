#!/bin/sh
# What a trigger has caught on the dashboard's list, acknowledging it, and what was kept of a crash.
. "$(dirname "$0")/lib.sh"

define_bootsect b1 >/dev/null
sed -i "s#<memory #<metadata><h:domain xmlns:h='urn:hvmux:domain:1'><h:trigger name='no pong' pattern='^pong' badge='bad' every='1'/></h:domain></metadata><memory #" "$TEST_TMP/b1.xml"
check "define" hv define "$TEST_TMP/b1.xml"
check "start" hv start b1
check "it runs" wait_screen b1 COM1 90
dash 120x30
check "the dashboard" see "1 VM "
check "no badge" see_not "no pong"
ponged() { type_line b1 ping >/dev/null; shows "no pong"; }
check "a line that is watched for: a badge in the row, with its age" wait_for 30 ponged
badge_row() { screen | grep "b1 .*! [0-9]*s no pong"; }
check "... before the console's own words" wait_for 20 badge_row
text /
text pong
keys Enter
check "the filter finds it" see "filter 'pong': 1 shown"
keys Escape
keys a
check "a takes it away" wait_for 20 see_not "s no pong"
keys f
check "f: no crash yet" see "nothing was kept: it has not crashed"
keys q
kill -KILL "$(json_number b1 qemu_pid)"
check "QEMU is killed" see "crashed"
keys f
check "f shows what was kept" wait_for 20 see "b1: crashes"
check "... what happened" see "killed by signal 9"
check "... the end of its console" see "the end of serial0:"
check "... what it said" see "pong"
check "... where the files are" see "log/b1/crashes/"
keys q q
check "start again" hv start b1
check "it runs once more" wait_screen b1 COM1 90
dash 80x24
check "at 80 columns, too" wait_for 30 ponged
keys q
tap_done
