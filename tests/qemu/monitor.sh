#!/bin/sh
# The verbs that ask or tell a running domain's QEMU, on the real one.
. "$(dirname "$0")/../qemu/lib.sh"

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
starts_with() { [ "$(head -c "$3" "$1" | od -An -tx1 | tr -d ' \n')" = "$2" ]; }
nothing_left() { [ -z "$(ls -A "$TEST_TMP/out")" ] || { ls -lA "$TEST_TMP/out"; return 1; }; }
mkdir "$TEST_TMP/out"

tcp="<graphics type='vnc' port='-1' autoport='yes' passwd='geheim'/><video><model type='vga'/></video>"
check "define" define_bootsect q "$tcp"
check_fails "not running: nobody to ask" 1 "domain is not running" hv screenshot q
check "start" hv start q

check "qemu-monitor-command" says '{"return":{"status":"running"' hv qemu-monitor-command q '{"execute":"query-status"}'
check "its id comes back" says '"id":"mine"' hv qemu-monitor-command q '{"execute":"query-status","id":"mine"}'
check "--hmp" says "VM status: running" hv qemu-monitor-command q --hmp info status
check "--pretty" says '  "return": {' hv qemu-monitor-command q --pretty query-name
check "--return-value" says '{"name":"q"}' hv qemu-monitor-command q --return-value query-name
check "a refusal is an answer" says '{"error":{"class":"CommandNotFound"' hv qemu-monitor-command q '{"execute":"fly"}'
check_fails "no JSON" 1 "cannot parse json" hv qemu-monitor-command q '{"execute":'
check "what is done past hvmux is seen all the same" hv qemu-monitor-command q stop
check "paused" wait_state q paused 10
check "cont" hv qemu-monitor-command q --hmp cont
check "running" wait_state q running 10
check "qmp_capabilities once more harms nobody" hv qemu-monitor-command q qmp_capabilities
check "the supervisor goes on asking" hv suspend q
hv resume q >/dev/null

hv qemu-monitor-event q --event 'res.me' --regex --no-case --timeout 30 >"$TEST_TMP/resume" 2>&1 &
event=$!
# It may not listen yet at the first of them.
resumes() { hv suspend q && hv resume q && grep -q RESUME "$TEST_TMP/resume"; }
check "qemu-monitor-event" wait_for 20 resumes
wait $event
check "ends after the first: exit status 0" test $? -eq 0
check "in virsh's form" grep -Eq "^event RESUME at [0-9]+\.[0-9]{6} for domain 'q'" "$TEST_TMP/resume"
check_fails "no pattern" 1 "invalid regular expression" hv qemu-monitor-event q --event '(' --regex

check "send-key by name" hv send-key q KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE
check "send-key by scan code" hv send-key q --codeset xt --holdtime 10 0xe01c 30
check_fails "no such key" 1 "invalid keycode: 'KEY_FLY'" hv send-key q KEY_FLY
check "inject-nmi" hv inject-nmi q

check "screenshot" says "with type of image/png" hv screenshot q --file "$TEST_TMP/out/s.png"
check "it is a PNG file" starts_with "$TEST_TMP/out/s.png" 89504e470d0a1a0a 8
check_fails "no such screen" 1 "could not take a screenshot" hv screenshot q --screen 7 --file "$TEST_TMP/out/none.png"
check "nothing of QEMU's is left open" says '{"return":[]}' hv qemu-monitor-command q query-fdsets
rm "$TEST_TMP/out/s.png"

check "domdisplay" says "vnc://127.0.0.1:" hv domdisplay q
check "no password unless asked" sh -c "! '$HVMUX' domdisplay q | grep geheim"
check "--include-password" says "vnc://:geheim@127.0.0.1:" hv domdisplay q --include-password
check "vncdisplay" says "127.0.0.1:" hv vncdisplay q
check_fails "no spice" 1 "No graphical display with type 'spice' found" hv domdisplay q --type spice

check "dump" says "dumped to $TEST_TMP/out/d" hv dump q "$TEST_TMP/out/d" --memory-only
check "an ELF core of the whole memory" starts_with "$TEST_TMP/out/d" 7f454c46 4
check "of 8 MiB" test "$(stat -c %s "$TEST_TMP/out/d")" -gt 8388608
check "over the old file, kdump" hv dump q "$TEST_TMP/out/d" --memory-only --format kdump-zlib
check "makedumpfile's format" starts_with "$TEST_TMP/out/d" 6d616b6564756d7066696c65 12
check "the guest runs on" state_is q running
check "one file, no other" test "$(ls -A "$TEST_TMP/out")" = d
rm "$TEST_TMP/out/d"
# The limit on the size of a file stands for a full disk; ignored, its signal becomes an error.
full() { (trap '' XFSZ; ulimit -f 1000; hv dump q "$TEST_TMP/out/full" --memory-only); }
check_fails "a full disk" 1 "cannot write the dump: File too large" full
check "leaves nothing" nothing_left
check "and the guest runs on" wait_state q running 20
check "dump --crash" hv dump q "$TEST_TMP/out/d" --memory-only --crash
check "ends the domain" wait_state q "shut off" 10
rm "$TEST_TMP/out/d"

check "define, with much memory" define_bootsect big
sed -i "s|<memory unit='MiB'>8</memory>|<memory unit='MiB'>3072</memory>|" "$TEST_TMP/big.xml"
check "define" hv define "$TEST_TMP/big.xml"
check "start" hv start big
# Compressing takes its time. When the guest is seen to stop, the command is stopped, too: QEMU waits for it then, with the
# dump in the middle.
pauses() { grep -c "Suspended Paused" "$TEST_TMP/events"; }
# It listens when it has told of a pause of ours.
listens() { hv suspend big && hv resume big && [ "$(pauses)" -gt 0 ]; }
paused_again() { [ "$(pauses)" -gt "$1" ]; }
begin_dump() {
	wait_for 20 listens || return 1
	before=$(pauses)
	"$HVMUX" dump big "$TEST_TMP/out/b" --memory-only --format kdump-zlib >"$TEST_TMP/dump.out" 2>&1 &
	dump=$!
	wait_for 20 paused_again "$before" && kill -STOP $dump && wait_state big paused 5
}
"$HVMUX" events --domain big --event lifecycle --loop --timeout 200 >"$TEST_TMP/events" 2>&1 &
events=$!
check "a dump that lasts: the guest stands still" begin_dump
kill -INT $dump
kill -CONT $dump
wait $dump
check "Ctrl-C: exit status 1" test $? -eq 1
check "says so" grep -q interrupted "$TEST_TMP/dump.out"
check "leaves nothing" nothing_left
check "the guest runs on" state_is big running
check "another" begin_dump
kill -KILL $dump
wait $dump 2>/dev/null
check "killed with -9: the guest runs on" wait_state big running 30
check "leaves nothing" nothing_left
check "another" begin_dump
kill -9 "$(json_number big supervisor_pid)"
kill -CONT $dump
wait $dump
check "its supervisor killed meanwhile: the dump is whole" test $? -eq 0
check "it is there" starts_with "$TEST_TMP/out/b" 6d616b6564756d7066696c65 12
check "the guest runs on" wait_state big running 30
kill $events
tap_done
