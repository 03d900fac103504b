#!/bin/sh
# Lines on consoles that are watched for: badges, events, programs that are told, prompts that are answered; and what a
# hostile guest prints is harmless wherever it comes out.
. "$(dirname "$0")/../qemu/lib.sh"

hooked=$TEST_TMP/hooked
mkdir -p "$TEST_TMP/bin" && chmod 755 "$TEST_TMP" "$TEST_TMP/bin"
cat >"$TEST_TMP/bin/hook" <<-END
	#!/bin/sh
	{ echo "\$# \$1 \$2 \$3 \$4, \$HVMUX_DOMAIN \$HVMUX_TRIGGER \$HVMUX_PORT"; cat; } >>"$hooked"
END
chmod 755 "$TEST_TMP/bin/hook"
# says NAME XML: the domain's own words in its metadata.
says() {
	sed "s#<memory #<metadata><h:domain xmlns:h='urn:hvmux:domain:1'>$2</h:domain></metadata><memory #" \
		"$TEST_TMP/$1.xml" >"$TEST_TMP/$1.own.xml" && hv define "$TEST_TMP/$1.own.xml"
}
badge() { hv dominfo --json "$1" | sed -n "s/^ *\"$2\": *\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" | head -n 1; }
badge_is() { [ "$(badge "$1" trigger)" = "$2" ] || { hv dominfo "$1"; return 1; }; }
no_badge() { hv dominfo --json "$1" | grep -q '"badge": *null'; }
audited() { grep -F -- "$2" "$HVMUX_HOME/log/$1/audit.log"; }
count() { grep -aco -- "$2" "$HVMUX_HOME/log/$1/console0.log" || true; }
counted() { [ "$(count "$1" "$2")" = "$3" ] || { echo "$(count "$1" "$2") times"; return 1; }; }
told() { grep -F -- "$1" "$hooked"; }

# --- documents ---
define_bootsect b1 >/dev/null
check_fails "a pattern that is none: document, line, reason" 1 "b1:3: <trigger>: invalid regular expression '(': Unmatched" \
	says b1 "<h:trigger name='x' pattern='('/>"
check_fails "back-references are refused" 1 "can take hours" says b1 "<h:trigger name='x' pattern='(a*)\\\\1'/>"
check_fails "a name without a pattern is a default's" 1 "needs a pattern" says b1 "<h:trigger name='x'/>"

# --- answers, on a boot sector ---
check "define one with a prompt that is answered" says b1 \
	"<h:respond pattern='^> \$' send='ping\\\\r'/><h:trigger name='pong' pattern='^pong' badge='warn' hook='$TEST_TMP/bin/hook' every='1'/>"
check "start" hv start b1
check "the prompt is answered" wait_screen b1 pong 90
check "the answer is in the audit log" audited b1 "what=respond port=serial0 bytes=5 result=ok"
check "its outcome is a badge" wait_for 10 badge_is b1 pong
check "... with its level" test "$(badge b1 level)" = warn
check "... in the table, too" sh -c "'$HVMUX' dominfo b1 | grep -q '^Badge: *pong: pong'"
check "... and in domstats" sh -c "'$HVMUX' domstats b1 --state | grep -q hvmux.badge=2"
check "the hook was told, by its words and its input" wait_for 10 told "4 b1 console-match pong serial0, b1 pong serial0"
check "... the line" told "pong"
supervisor=$(json_number b1 supervisor_pid)
kill -KILL "$supervisor"
adopted() { now=$(json_number b1 supervisor_pid) && [ "${now:-0}" -gt 0 ] && [ "$now" != "$supervisor" ]; }
check "its supervisor is killed; another one takes over" wait_for 20 adopted
check "the badge is still there" badge_is b1 pong
type_line b1 spam >/dev/null
check "a prompt of the same boot" wait_screen b1 '?' 20
answered=$(count b1 ping)
check "... is not answered again" test "$answered" = 1
check "reset" hv reset b1
check "the next boot's prompt is" wait_for 60 counted b1 ping 2
check "acknowledged, the badge is gone" hv acknowledge b1
check "... at once" no_badge b1
check "... and that is in the audit log" audited b1 "what=acknowledge"
again() { type_line b1 ping >/dev/null && badge_is b1 pong; } # it rests for a second after a match
check "another line sets it again" wait_for 10 again
check "of a domain that has ended it stays" hv destroy b1
check "... until it is acknowledged" hv acknowledge b1
check "... and then is gone" no_badge b1

# --- changed while it runs ---
check "a trigger is added to a running domain" hv start b1
check "... by a command" hv trigger b1 --add question --pattern '^[?]$' --badge bad --every 1
check "... which lists it" sh -c "'$HVMUX' trigger b1 | grep -q 'question *bad *all *- *^\\[?\\]'"
check_fails "... not with --readonly" 1 "forbidden for read only access" hv --readonly trigger b1 --remove question
check_fails "... nor is a badge taken away" 1 "forbidden for read only access" hv --readonly acknowledge b1
check "the prompt" wait_screen b1 pong 60
type_line b1 what >/dev/null
check "... it counts at once" wait_for 10 badge_is b1 question
check "... until it is removed" hv trigger b1 --remove question
check_fails "... and then is not there" 1 "says nothing of a trigger 'question'" hv trigger b1 --remove question
chmod 777 "$TEST_TMP/bin/hook"
hv acknowledge b1 >/dev/null
check "a hook that others may write" wait_for 10 again
check "... is not run, and the log says so" wait_for 10 grep -qF "the hook '$TEST_TMP/bin/hook' is not run" "$HVMUX_HOME/log/b1/supervisor.log"
chmod 755 "$TEST_TMP/bin/hook"
check "it ends" hv destroy b1

# --- Linux, and what is hostile ---
[ -r "$guest/initramfs" ] || { tap_skip "a Linux guest" "no kernel or no busybox here"; tap_done; }
define_linux web1 >/dev/null
check "define a Linux guest" says web1 "<h:trigger name='disk' pattern='disk [0-9]+ failed' badge='warn' every='1' hook='$TEST_TMP/bin/hook'/>"
check "start it" hv start web1
check "its login is information" wait_for 120 badge_is web1 login
check "... and not loud" test "$(badge web1 level)" = info
say() { type_line web1 "$1" >/dev/null; }
say root
check "log in" wait_screen web1 root@web1 30
# Not a byte of an escape sequence, of a bidirectional control, or of broken UTF-8: only what UTF-8 readers can show.
harmless() {
	[ -s "$1" ] || { echo "nothing is in it"; return 1; }
	if LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xc2[\x80-\x9f]|\xff' "$1"; then
		od -c "$1" | grep -a -m 3 '033\|342\|377'
		return 1
	fi
	iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}
hv events --all --loop --timeout 60 >"$TEST_TMP/events" 2>&1 &
events=$!
hv events --all --json --loop --timeout 60 >"$TEST_TMP/events.json" 2>&1 &
events_json=$!
: >"$hooked"
hv acknowledge web1 >/dev/null
say "printf 'disk %s \\033]52;c;ZXZpbA==\\007\\033[31mfailed\\342\\200\\256\\377\\302\\233x\\n' 9; sleep 1.2; printf 'disk %s failed\\302\\255\\n' 8"
check "a hostile line matches without its escape sequences" wait_for 20 badge_is web1 disk
check "the hook gets its text" wait_for 20 told "disk 9 failed"
say "head -c 1000000 /dev/zero | tr '\\0' x; printf ' disk %s failed' 3; head -c 3000 /dev/zero | tr '\\0' y; echo"
check "found in a line of a megabyte, too" wait_for 60 told "disk 3 failed"
check "the hook's input is harmless" harmless "$hooked"
short() { [ "$(wc -c <"$hooked")" -lt 4000 ]; }
check "... and short" short
hv list --json >"$TEST_TMP/list.json"
hv dominfo web1 >"$TEST_TMP/info"
kill $events $events_json
wait $events $events_json 2>/dev/null
check "so are the events" harmless "$TEST_TMP/events"
check "... which name trigger and port" grep -q "disk on serial0: disk 9 failed" "$TEST_TMP/events"
check "... their JSON" harmless "$TEST_TMP/events.json"
check "the list's JSON" harmless "$TEST_TMP/list.json"
check "what dominfo says" harmless "$TEST_TMP/info"
check "the audit log" harmless "$HVMUX_HOME/log/web1/audit.log"
say 'yes "$(printf "login:\nI/%s error, dev vda\nKernel panic - not syncin" O)" | head -n 60000'
check "a flood of what is looked for: the default is found" wait_for 20 badge_is web1 'I/O error'
check "... and the domain's supervisor answers all the same" hv dominfo web1
records() { [ "$(grep -c what=event "$HVMUX_HOME/log/web1/audit.log")" -lt 40 ]; }
check "... and its log is not filled" records
check "end it" hv destroy web1
tap_done
