#!/bin/sh
# The list of 200 VMs: moving, sorting, filtering, marking, sizes from 20x5 to 300x100.
. "$(dirname "$0")/lib.sh"
fakes 200
dash 120x40
check "the list is drawn with its counts" see "200 VMs"
check "the first row is selected" see "▸ vm1 "
check "a row has its figures" wait_for 20 line_shows "vm3 " "192.168.122.4"
check "a crash says why and what to press" wait_for 20 line_shows "vm6 " "Kernel panic - not syncing: Attempted to kill init!  (Enter: last screen, s: start again)"
keys G
check "G goes to the last" see "▸ vm200 "
keys g j j k
check "g, j and k move" see "▸ vm2 "
keys End Home
check "so do Home and End" see "▸ vm1 "

keys I
check "I inverts the order" see "▸ vm1 "
check "and the arrow says so" see "NAME▼"
keys Home
check "the last name comes first" see "▸ vm200 "
keys I g j j
check "the selection stays with the name" see "▸ vm3 "
keys '>'
check "> sorts by the state, trouble first" see "STATE▲"
check "the selected VM is still the same" see "▸ vm3 "
keys '>' '>'
check "and by the CPU" see "CPU%▼"
keys '<' '<' '<' g

text /
check "/ asks for a filter" see "filter:"
text vm19
check "it narrows while typing" see "vm199 "
check "to what matches" see_not "vm2 "
text q
check "a text field takes q" see "filter: vm19q"
check "and says when nothing matches" see "no domain matches 'vm19q'"
keys BSpace Enter
check "the footer tells how many are shown" see "filter 'vm19': 11 shown"
keys Escape
check "Esc clears the filter and does not quit" see "vm2 "
keys g n
check "n finds the next match" see "▸ vm19 "
keys n
check "and the one after it" see "▸ vm190 "
keys N
check "N goes back" see "▸ vm19 "

keys g Space Space
check "Space marks" see "2 marked"
check "and shows it on the row" see " *vm1 "
keys D
check "the marked are acted upon together" see "Runs: hvmux destroy vm1 vm2"
keys Escape
check "Esc cancels" see "cancelled: nothing was done"
keys Escape
check "Esc clears the marks" see_not "marked"

keys g 2
check "2 shows graphs" see "CPU  (top 100%, 10 minutes)"
keys t
check "t shows the day" see "24 hours"
keys 3
check "3 shows disks" see "vm1.qcow2"
keys 4
check "4 shows interfaces" see "52:54:00:00:00:"
keys 7
check "7 shows events" see_not "52:54:00:00:00:"
keys '?'
check "? shows help" see "The marked domains, or the one under the cursor"
keys q
check "q closes it" see "Hardware  7 Events"
keys 1

for size in 20x5 10x2 1x1 300x100 40x12 80x24; do resize $size; done
check "80x24 after every size" see "▸ vm1 "
check "and the footer fits" see "q quit"
resize 20x5
check "20x5 shows trouble and the selected VM" see "▸ vm1 "
check "and keeps help in sight" see "? help"
keys j j j j j j j j
check "it scrolls" see "▸ vm9 "
resize 120x40
check "and back" see "DISK r/w"
check "the selection stayed" see "▸ vm9 "
keys q
check "q quits" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored
tap_done
