#!/bin/sh
# Recordings: made of a console, played on a terminal that nothing in them can reach, printed as text.
. "$(dirname "$0")/lib.sh"
fakes 2

cast=$TEST_TMP/a.cast
"$HVMUX" record vm1 "$cast" >"$TEST_TMP/rec.out" 2>&1 &
recorder=$!
"$HVMUX" record vm1 --raw-bytes --rows 30 --cols 90 >"$TEST_TMP/raw.cast" 2>"$TEST_TMP/raw.err" &
raw_recorder=$!
begun() { [ -s "$cast" ] && [ -s "$TEST_TMP/raw.cast" ]; }
check "two recordings begin" wait_for 20 begun
check "the guest says something" hv expect vm1 --send 'style\r' 'end-of-style' --timeout 20
check "and more" hv expect vm1 --send 'hello\r' 'got 5 bytes' --timeout 20
said() { grep -q 'got 5' "$cast" && grep -q 'got 5' "$TEST_TMP/raw.cast"; }
check "both have it" wait_for 20 said
kill -INT $recorder
wait $recorder
check "Ctrl+C ends a recording well" test $? -eq 0
kill $raw_recorder
wait $raw_recorder
check "so does SIGTERM" test $? -eq 0
check "its header has the size that was asked for" grep -q '"width": 90, "height": 30' "$TEST_TMP/raw.cast"
check "no control character stands in a file" sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$cast' '$TEST_TMP/raw.cast'"
guests_title() { grep -q 'u001b\]' "$1"; }
check "the guest's own sequences are in the raw one" guests_title "$TEST_TMP/raw.cast"
none_of_them() { ! guests_title "$cast"; }
check "and in the other one none" none_of_them
check_fails "a file that is there is kept" 1 "--force writes over it" hv record vm1 "$cast"
check_fails "nor is it text for a terminal" 1 "No such file" hv replay "$TEST_TMP/nosuch"

hv replay "$cast" </dev/null >"$TEST_TMP/text"
check "as text" grep -q 'got 5 bytes' "$TEST_TMP/text"
check "without control characters" sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$TEST_TMP/text'"
hv replay "$TEST_TMP/raw.cast" --text >"$TEST_TMP/text2"
last_lines() { grep -E 'end-of-style|got 5 bytes' "$1"; }
check "the same text from both" sh -c "grep -E 'end-of-style|got 5 bytes' '$TEST_TMP/text' >'$TEST_TMP/t1'; \
	grep -E 'end-of-style|got 5 bytes' '$TEST_TMP/text2' | cmp - '$TEST_TMP/t1'"

terminal p 100x30 "$HVMUX" replay "$cast" --speed 8
check "on a terminal" see 'got 5 bytes' 20
check "to its end" see ' end '
keys g
check "to its start, and not on" see '00:00 / '
keys Right
check "five seconds on" see 'got 5 bytes'
resize 60x12
check "a smaller terminal" see 'x8'
keys q
check "q ends" see 'ENDED 0'

# A recording that somebody made to be played.
cat >"$TEST_TMP/evil.cast" <<'END'
{"version": 2, "width": 80, "height": 24, "title": "\u001b]0;pwned\u0007"}
[0.1, "o", "\u001b]0;pwned\u0007\u001b]52;c;cHduZWQ=\u0007\u001b[?1000h\u001b[?2004h\u001bc\u001b[6n\u001b[c\u001b[20t"]
[0.2, "o", "\u001bP$qm\u001b\\ \u001b[3;3r\u001b(0\u001b[?1049h\u009b5n\u202eharmless"]
[0.3, "r", "1000x500"]
[0.4, "o", "\u001b[999;999Hfar \u001b(B\u001b[2;2Hnear"]
END
terminal e 80x24 "$HVMUX" replay "$TEST_TMP/evil.cast"
check "a hostile recording plays" see 'near'
title=$(tm display-message -p -t "$pane" '#{pane_title}')
check "it does not set the title" [ "$title" != pwned ]
check "nor the clipboard" [ -z "$(tm show-buffer 2>/dev/null)" ]
check "nor switch the mouse on" [ "$(tm display-message -p -t "$pane" '#{mouse_any_flag}')" = 0 ]
keys Space . . q
check "it ends" see 'ENDED 0'
text 'echo still-$((6*7))'
keys Enter
check "and the terminal is as it was" see 'still-42'
stty_same() { cmp "$TEST_TMP/e.before" "$TEST_TMP/e.after"; }
check "its modes, too" stty_same
printf '{"version": 2, "width": 80, "height": 24}\n[0, "o", "x"]\n[1, "o"\n' >"$TEST_TMP/broken.cast"
check_fails "a broken one names the line" 1 "broken.cast:3: no whole JSON value" hv replay "$TEST_TMP/broken.cast"
check_fails "a speed that is none" 2 "invalid value 'fast' for --speed" hv replay "$cast" --speed fast

tap_done
