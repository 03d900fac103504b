#!/bin/sh
# The console inside the dashboard: attach, type, detach, hostile output, pastes, two operators, scrolling back.
. "$(dirname "$0")/lib.sh"
fakes 8
dash 100x30
check "the preview pane shows the screen without attaching" see "Fake GNU/Linux 1.0 vm1 ttyS0"
keys Enter
check "Enter attaches" see "Ctrl+] or F12 detach"
check "with what was written before" see "Fake GNU/Linux 1.0 vm1 ttyS0"
text hello
keys Enter
check "what is typed arrives" see "got 5 bytes, sum 0f923099"
keys C-c C-z C-a C-Space
check "control keys reach the guest" see "<03><1a><01><00>"
keys Escape
check "so does Esc" see "<00><1b>"
keys M-x
check "and Alt+x" see "<1b>x"
keys Up F1 C-\\ C-\\
check "and keys that are sequences" see "x<1b>[A<1b>OP<1c>"
keys Enter
text "grüße"
keys Enter
check "UTF-8 goes through" see "got 7 bytes"

text style
keys Enter
check "wide characters and colours are drawn" see "漢字 end-of-style"
title=$(tm display-message -p -t "$pane" '#{pane_title}')
check "the guest cannot set our title" [ "$title" != pwned ]
check "nor the clipboard" [ -z "$(tm show-buffer 2>/dev/null)" ]

# 1,000,000 bytes without line ends: complete and in order, and the interface answers meanwhile.
awk 'BEGIN { for (i = 0; i < 125000; i++) printf "%07d,", i }' >"$TEST_TMP/big"
tm load-buffer "$TEST_TMP/big"
tm paste-buffer -p -t "$pane"
keys Enter
want=$(awk 'BEGIN { h = 5381; for (i = 0; i < 128; i++) ord[sprintf("%c", i)] = i }
	{ for (i = 1; i <= length($0); i++) h = (h * 33 + ord[substr($0, i, 1)]) % 4294967296 } END { printf "%08x", h }' "$TEST_TMP/big")
check "a paste of a megabyte arrives whole" see "got 1000000 bytes, sum $want" 60

text flood
keys Enter
check "a flood ends with its last line" see "flood line 20000 of 20000" 60
keys S-PPage
check "Shift+PgUp scrolls back" see "scrollback"
keys g
check "to the top" see "line 1 of"
keys q
check "q ends it" see "flood line 20000 of 20000"
keys F11
check "F11 does the same for keyboards without" see "scrollback"
keys Escape
check "and Esc ends that" see_not "scrollback"

first=$pane
dash 100x30
see "8 VMs"
keys Enter
check "a second operator sees the same" see "flood line 20000 of 20000"
check "and who has the keyboard" see "F11 takes it over"
text x
check "his keys are not sent" see "keyboard held by"
keys F11
check "F11 takes the keyboard over" see_not "F11 takes it over"
text second
keys Enter
check "then he types" see "got 6 bytes"
second=$pane pane=$first
check "the first sees it" see "got 6 bytes"
check "and that the keyboard is gone" see "took the keyboard"
keys F12
check "F12 detaches" see "Enter attach"
check "at once, with the list as it was" see "▸ vm1 "
pane=$second
keys 'C-]'
check "Ctrl+] detaches" see "Enter attach"
keys j j j j j Enter
check "a crashed VM opens read only, with the reason" see "crashed (panicked): Kernel panic"
keys q
check "q leaves it" see "Enter attach"

keys g Enter
see "Ctrl+] or F12 detach"
kill -STOP "$fakes_pid"
check "a supervisor that hangs does not look like a quiet guest" see "not answering: supervisor is stopped: kill -CONT" 30
kill -CONT "$fakes_pid"
check "... and is forgiven" see_not "not answering" 30
text bye
keys Enter
check "a console whose supervisor is gone says so" see "not connected, trying again" 30
keys 'C-]'
check "and can be left" see "Enter attach"
keys q
check "quit" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored

terminal alone 80x24 "$HVMUX console vm1"
check "a console of its own: not running is said without touching the screen" see "not running"
check "with an exit status" see "ENDED 1"
tap_done
