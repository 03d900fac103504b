#!/bin/sh
# `console --raw` on pipes: bytes as they are, through a killed supervisor, to the VM's end, which its exit status tells.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

out=$TEST_TMP/out
follow() { # starts a reader of the console; its pid in $reader
	"$HVMUX" "$@" console raw --raw </dev/null >"$out" 2>"$out.err" &
	reader=$!
	wait_for 20 attached
}
attached() { grep -q " pid=$reader .*what=attach" "$HVMUX_HOME/log/raw/audit.log"; }
has() { grep -aqF -- "$1" "$out"; }
ends() { # STATUS
	wait $reader
	ends_rc=$?
	[ $ends_rc -eq "$1" ] || { echo "exit status $ends_rc"; cat "$out.err"; return 1; }
}

check "define" define_linux raw
check "start" hv start raw
check "log in" hv expect raw 'login: $' --send 'root\n' '# $' --since-boot --timeout 90
check "a reader" follow
check "the guest's own bytes come, escape sequences and all" hv expect raw --send 'printf "\\033]0;t\\007\\033[31mred\\n"\n' red
check "untouched" wait_for 10 has "$(printf '\033]0;t\007\033[31mred')"

# Consecutive numbers, while the supervisor dies: none comes twice, and only what QEMU said to nobody is missing, in one place.
hv expect raw --send 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "n $i."; usleep 10000; done; echo all-"done"\n' 'n 50\.' >/dev/null
kill -9 "$(json_number raw supervisor_pid)"
check "its supervisor is killed meanwhile" hv expect raw 'all-done' --since-boot --timeout 60
check "the reader has gone on" wait_for 20 has 'all-done'
tr -d '\r' <"$out" | sed -n 's/^n \([0-9]*\)\.$/\1/p' >"$out.numbers"
in_order() {
	awk '$1 <= last { print "again: " $1; bad = 1 } $1 > last + 1 { holes++; print "missing before " $1 } { last = $1 }
		END { exit bad || last != 400 || holes > 1 || NR < 300 }' "$out.numbers"
}
check "with no byte twice, and one hole at most" in_order
check "it said so" grep -qF 'its supervisor was replaced: output may be missing here' "$out.err"

# Typing.
echo 'echo typed-$((5 * 5))' | timeout 20 "$HVMUX" console raw --raw >/dev/null 2>&1 &
typist=$!
check "what stands on standard input is typed" hv expect raw 'typed-25' --since-boot --timeout 20
kill $typist 2>/dev/null
wait $typist 2>/dev/null
mkfifo "$TEST_TMP/hold"
"$HVMUX" console raw --raw <"$TEST_TMP/hold" >/dev/null 2>&1 &
holder=$!
exec 9>"$TEST_TMP/hold"
held() { grep -q " pid=$holder .*what=take" "$HVMUX_HOME/log/raw/audit.log"; }
check "somebody holds the keyboard" wait_for 20 held
refused() { echo 'echo never' | hv console raw --raw; }
check_fails "then nothing is typed in silence" 1 "holds the keyboard; --force takes it over" refused
echo 'echo forced-$((6 * 6))' | timeout 20 "$HVMUX" console raw --raw --force >/dev/null 2>&1 &
typist=$!
check "--force" hv expect raw 'forced-36' --since-boot --timeout 20
kill $typist 2>/dev/null
exec 9>&-
kill $holder 2>/dev/null
wait $holder $typist 2>/dev/null
watch_only() { echo 'echo never' | timeout 2 "$HVMUX" --readonly console raw --raw; [ $? -eq 124 ]; }
check "--readonly" watch_only
check_fails "types nothing" 124 "nothing matched 'never'" hv expect raw 'never' --timeout 1
check_fails "an escape key that every line has" 2 "is Backspace, Tab, Enter or Escape to a terminal" hv -e ^M console raw --raw

# The end.
check "a reader, once more" follow
check "the guest powers off" hv expect raw --send 'poweroff -f\n' 'Power down'
check "the reader ends well" ends 0
check "start again" hv start raw
check "a reader of the new run" follow
kill -9 "$(json_number raw qemu_pid)"
check "QEMU is killed: the reader fails" ends 1
check "and says why" grep -qF "'raw' is off (crashed)" "$out.err"
check_fails "of a domain that is off" 1 "The domain is not running" hv console raw --raw

tap_done
