#!/bin/sh
# Real guests from the dashboard: define, start, boot, log in, shut down, kill; the guest outlives the dashboard.
. "$(dirname "$0")/lib.sh"
need_linux
define_linux web1 >/dev/null
define_bootsect boot1 >/dev/null
dash 100x30
check "defined domains are listed" see "web1 "
check "as shut off" line_shows "web1 " "shut off"
keys G s
check "s starts" see "Domain 'web1' started" 30
check "the list says so" wait_for 20 line_shows "▸ web1 " "running"
keys Enter
check "Enter attaches to the booting guest" see "detach"
check "it boots to a login" see "web1 login:" 90
text root
keys Enter
check "and logs us in" see "root@web1" 30
kill -KILL "$(json_number web1 supervisor_pid)"
check "a killed supervisor: the console says so" see "its supervisor is gone, the guest runs on"
check "and comes back by itself" see "connected again"
text "echo it goes on | tr a-z A-Z"
keys Enter
check "with the same guest" see "IT GOES ON"
keys 'C-]'
see "q quit"
keys p
check "p pauses" wait_for 20 line_shows "▸ web1 " "paused"
keys p
check "and lets go on" wait_for 20 line_shows "▸ web1 " "running"
qemu=$(json_number web1 qemu_pid)
kill -KILL "$(dash_pid)"
check "kill -9 of the dashboard" see "ENDED 137"
check "leaves the guest running" kill -0 "$qemu"
dash 100x30
check "the next dashboard shows it" see "web1 "
keys G
check "running" wait_for 20 line_shows "▸ web1 " "running"
keys S
check "S asks" see "shutdown web1?"
keys y
check "the guest shuts down" wait_for 60 line_shows "▸ web1 " "shut off"
keys 7
check "the events tell" see "web1: shut off"
keys s
wait_for 30 line_shows "▸ web1 " "running"
qemu=$(json_number web1 qemu_pid)
kill -KILL "$qemu"
check "a killed QEMU is a crash on the list" wait_for 20 line_shows "▸ web1 " "crashed"
keys Enter
check "Enter shows its last screen and the reason" see "crashed (crashed): QEMU was killed by signal 9"
keys q
keys g s
check "a second VM starts" wait_for 30 line_shows "▸ boot1 " "running"
keys D
see "destroy boot1?"
keys y
check "D and y power it off" wait_for 30 line_shows "▸ boot1 " "shut off"
keys q
check "quit" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored
tap_done
