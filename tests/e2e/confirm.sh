#!/bin/sh
# What disrupts asks first; the key that asked does not confirm; deletion wants the name typed; the palette asks, too.
. "$(dirname "$0")/lib.sh"
fakes 8
dash 100x30
see "8 VMs"
keys j D
check "D asks, naming the VM" see "destroy vm2?"
check "and says what will be lost" see "Lost: unsaved data in the guest"
check "and what will run" see "Runs: hvmux destroy vm2"
keys D D D Enter
check "the same key does not confirm, nor does Enter" see "destroy vm2?"
keys n
check "n cancels" see "cancelled: nothing was done"
keys D
see "destroy vm2?"
keys Escape
check "Esc cancels" see_not "destroy vm2?"
keys 7
check "the events pane opens" see_not "Fake GNU"
check "nothing has run" shows_not "hvmux destroy"
keys S
see "shutdown vm2?"
keys y
check "y confirms: the command is in the events pane" see "hvmux shutdown vm2"
check "and its outcome, in words" see "FAILED"
check "also in the footer" see "hvmux shutdown vm2: Failed"
keys U
check "U asks for the name" see "Type vm2 and Enter"
text y
keys Enter
check "anything else is not enough" see "Type vm2 and Enter"
check "the definition is still there" [ -e "$HVMUX_HOME/etc/domains/vm2.xml" ]
keys Escape
see "cancelled"

text ':destroy'
keys Enter
check "the palette fills in the selected VM and asks" see "destroy vm2?"
keys Escape
text ':und'
keys Tab
check "Tab completes a verb" see ":undefine"
text vm
keys Tab
check "and offers domains" see "vm1  vm2  vm3"
text 3
keys Enter
see "Type vm3 and Enter"
text vm3
keys Enter
check "the name typed: it is done" wait_for 20 [ ! -e "$HVMUX_HOME/etc/domains/vm3.xml" ]
text ':dominfo'
keys Enter
check "what a reading verb prints is shown" see "OS Type:"
keys q
text ':frobnicate'
keys Enter
check "an unknown command is said" see "there is no command 'frobnicate'"
keys : C-u
text "managedsave vm2"
keys Enter
check "what is lost is said to its end, at 80 columns" see "it is restored" # on its second row
keys Escape
see_not "managedsave vm2?"
tm set-buffer "D
y
"
tm paste-buffer -p -t "$pane"
check "a paste is not a command" see "a paste is not a command"
keys q
see "ENDED 0"

dash 100x30 -- --readonly
see "8 VMs"
keys D
check "a read only dashboard changes nothing" see "this dashboard is read only"
keys d
check "but it reads" see "OS Type:"
keys q q
check "quit" see "ENDED 0"
tap_done
