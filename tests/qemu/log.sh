#!/bin/sh
# hvmux log on real guests: boots, times, --follow across a supervisor that is killed, after the end, searched over all.
. "$(dirname "$0")/../qemu/lib.sh"

# has TEXT COMMAND...: the output holds it. lacks: it does not, and the command succeeds.
has() {
	has_text=$1
	shift
	"$@" >"$TEST_TMP/out" 2>&1 || { cat "$TEST_TMP/out"; return 1; }
	grep -qF -- "$has_text" "$TEST_TMP/out" || { cat "$TEST_TMP/out"; return 1; }
}
lacks() {
	has_text=$1
	shift
	"$@" >"$TEST_TMP/out" 2>&1 || { cat "$TEST_TMP/out"; return 1; }
	! grep -F -- "$has_text" "$TEST_TMP/out"
}
# count_is N TEXT FILE: so often, once each line
count_is() { [ "$(grep -cF -- "$2" "$3")" = "$1" ] || { cat "$3"; return 1; }; }
no_escape() { hv log "$@" >"$TEST_TMP/out" && ! LC_ALL=C grep -q '[[:cntrl:]]' "$TEST_TMP/out"; }
say_line() { type_line "$@" >/dev/null; }

# --- the boot sector ---
check "define" define_bootsect boot
check_fails "nothing is logged of what never ran" 1 "failed to get domain 'nobody'" hv log nobody
check "what was never started has no log, and that is said" has "nothing is recorded yet" hv log boot
check "start" hv start boot
check "its prompt" wait_screen boot '>'
say_line boot first-boot
check "what it answered is there" wait_for 30 has first-boot hv log boot
check "with the mark of its boot" has '-- boot 1, ' hv log boot
check "no control character is in it" no_escape boot
check "in JSON the mark is an object of its own" has '"mark":"boot","reset":false,"boot":1' hv log boot --json
check "raw is what the guest wrote" has first-boot sh -c "'$HVMUX' log boot --raw | cat"

# Followed, while the supervisor is killed and another one adopts the machine.
"$HVMUX" log boot -f >"$TEST_TMP/follow" 2>&1 &
follow=$!
check "follow shows what was there" wait_for 20 grep -q first-boot "$TEST_TMP/follow"
say_line boot before-kill
check "follow shows what comes" wait_for 20 grep -q before-kill "$TEST_TMP/follow"
kill -9 "$(json_number boot supervisor_pid)"
adopted() { hv list >/dev/null && hv domstate boot | grep -q running && json_number boot supervisor_pid | grep -q . &&
	kill -0 "$(json_number boot supervisor_pid)"; }
check "another supervisor takes over" wait_for 30 adopted
said_after() { say_line boot after-kill; grep -q after-kill "$TEST_TMP/follow"; }
check "follow goes on" wait_for 30 said_after
check "no line is shown twice" count_is 1 first-boot "$TEST_TMP/follow"
check "none before the kill either" count_is 1 before-kill "$TEST_TMP/follow"

# A reset is a boot; the one before it is -1.
check "reset" hv reset boot
booted() { hv log boot --boot 0 | grep -q 'boot sector' && hv log boot --boot 0 | grep -q '(reset)'; }
check "it boots" wait_for 30 booted
second() { say_line boot second-boot; has second-boot hv log boot --boot 0; }
check "the boot after the reset" wait_for 30 second
check "is not mixed with the one before" lacks first-boot hv log boot --boot 0
check "the one before is -1" has first-boot hv log boot --boot -1
check "and holds nothing of the next" lacks second-boot hv log boot --boot -1
check "and is the first" has before-kill hv log boot --boot 1
check_fails "there are no more" 1 "there is no boot 7 of 'boot' in its log" hv log boot --boot 7
check "the list of boots has both" has ' 2 ' hv log boot --list-boots
check "follow has seen the reset" wait_for 20 grep -q -- '-- boot 2 (reset), ' "$TEST_TMP/follow"

check "the last line" has '' hv log boot -n 1
check "is one" count_is 1 '' "$TEST_TMP/out"
check "a minute holds all of it" has first-boot hv log boot --since 10m
check "before an hour there was nothing" lacks first-boot hv log boot --until 1h
check "a search names the console and the time" sh -c "'$HVMUX' log --all --grep 'second-(boot|x)' --since 1h |
	grep -qE '^boot:serial0: 20[0-9-]{8} [0-9:]{8}: .*second-boot'"
check_fails "a search without a result exits with 1" 1 'status 1' sh -c "'$HVMUX' log --all --grep never-said || { echo status \$?; exit 1; }"
check_fails "a pattern that is none says so" 2 'invalid regular expression' hv log boot --grep '('
check "a closed pipe ends it quietly" sh -c "'$HVMUX' log boot -f 2>'$TEST_TMP/err' | head -n 1 && ! [ -s '$TEST_TMP/err' ]"

# The log taken away: begun anew, and it says so; what only the archive had is gone, nothing else.
rm "$HVMUX_HOME/log/boot/console0.log"
third() { say_line boot third-time; grep -q third-time "$HVMUX_HOME/log/boot/console0.log"; }
check "a log that was removed is made anew" wait_for 30 third
check "and says so" has 'what was here before was removed by somebody' hv log boot

# Off: the same text.
check "destroy" hv destroy boot
check "it can be read when the domain is off" has third-time hv log boot
check "with its end" has '-- the guest ended, ' hv log boot
wait_for 20 grep -q 'the guest ended' "$TEST_TMP/follow" >/dev/null
check "start again" hv start boot
check "follow goes on with the next run" wait_for 30 grep -q -- '-- boot 3, ' "$TEST_TMP/follow"
kill "$follow"
wait "$follow" 2>/dev/null
hv destroy boot >/dev/null

# --- Linux ---
if [ -r "$guest/initramfs" ]; then
	check "define a Linux" define_linux lin '' 'loglevel=7'
	check "start it" hv start lin
	check "boots to a login" wait_screen lin 'lin login:' 120
	say_line lin root
	check "log in" wait_screen lin root@lin 30
	say_line lin 'printf "col\033[31mour\033[0med word\n"; ls --color=always /; reboot -f'
	again() { [ "$(hv log lin --list-boots --json | grep -c '"boot"')" -ge 2 ] &&
		hv log lin --boot 0 | grep -q 'lin login:'; }
	check "the guest's own reboot is a boot" wait_for 120 again
	check "a word with a colour in it is found" has 'coloured word' hv log lin --grep 'coloured wo'
	check "no escape sequence is in the text" no_escape lin
	check "the kernel's first words are in the boot before" has 'Linux version' hv log lin --boot -1
	check "and the shell" has 'printf "col' hv log lin --boot -1
	check "the shell is not in the present boot" lacks 'printf "col' hv log lin --boot 0
	check "each line has its time" sh -c "'$HVMUX' log lin --timestamps --boot 0 |
		grep -E '^20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} .*Linux version'"
	hv destroy lin >/dev/null
else
	tap_skip "Linux" "no kernel or no busybox here"
fi

tap_done
