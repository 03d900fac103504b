#!/bin/sh
# adopt: a QEMU that somebody else started becomes a domain, and stays what it was. Its supervisor killed, its monitor taken, its
# end: nothing of it is special afterwards, and no other process is ever touched.
. "$(dirname "$0")/lib.sh"
need_program qemu-system-x86_64
cd "$TEST_TMP" || exit 2
if kvm_opens; then accel=kvm; else accel=tcg; fi

# foreign NAME [OPTIONS]: a QEMU by hand, its sockets relative to $TEST_TMP; its pid into NAME.pid. Its name is in its options.
foreign() {
	foreign_name=$1
	shift
	qemu-system-x86_64 -accel $accel -m 8 -display none -drive "file=$guest/bootsect.img,format=raw,if=virtio,readonly=on" \
		-pidfile "$foreign_name.pid" -daemonize "$@" </dev/null >"$foreign_name.log" 2>&1 ||
		{ cat "$foreign_name.log"; return 1; }
	[ -s "$foreign_name.pid" ]
}
pid_of() { cat "$1.pid"; }
alive() { kill -0 "$(pid_of "$1")" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null || grep -q 'State:.*Z' "/proc/$1/status"; }
supervisor_of() { json_number "$1" supervisor_pid; }
# Says no more than its greeting to whoever comes second: a client of its monitor that stays.
hold_monitor() {
	socat -u "UNIX-CONNECT:$1" - >held 2>/dev/null &
	echo $! >holder.pid && wait_for 10 grep -q QMP held
}

check "a QEMU by hand" foreign one -name guest=one -uuid 11111111-2222-3333-4444-000000000001 \
	-serial unix:one.ser,server=on,wait=off -qmp unix:one.qmp,server=on,wait=off
check "is adopted" hv adopt "$(pid_of one)"
check "is on the list" sh -c '"$HVMUX" list | grep -q "one *running"'
check "is transient" sh -c '"$HVMUX" dominfo one | grep -q "Persistent: *no"'
check "its uuid is known" sh -c '[ "$("$HVMUX" domuuid one | head -n 1)" = 11111111-2222-3333-4444-000000000001 ]'
# What it printed before it was adopted is nobody's: whether it waits for a line is found by typing one.
answers_ping() { type_line one ping && screen_has one pong; }
check "its console takes what is typed and is recorded" wait_for 30 answers_ping
check "suspend" sh -c '"$HVMUX" suspend one && [ "$("$HVMUX" domstate one | head -n 1)" = paused ]'
check "resume" sh -c '"$HVMUX" resume one && [ "$("$HVMUX" domstate one | head -n 1)" = running ]'
check_fails "it is ours now" 1 "is domain 'one' already" hv adopt "$(pid_of one)"
check_fails "and not to be started twice" 1 "" hv start one

kill -KILL "$(supervisor_of one)"
check "its supervisor killed: the next one finds it" wait_for 20 sh -c '"$HVMUX" list | grep -q "one *running"'
check "its console goes on" sh -c '"$HVMUX" screen one | grep -q pong'
pid=$(pid_of one)
check "the guest powers off" type_line one off
check "an ordinary end" wait_for 20 sh -c '! "$HVMUX" list --all | grep -q one'
check "its QEMU is gone" wait_for 10 gone "$pid"

# --- kept ---
check "a QEMU with its monitor as a chardev" foreign two -name two \
	-chardev socket,id=m,path="$TEST_TMP/two.qmp",server=on,wait=off -mon chardev=m,mode=control -serial pty
check "is adopted and defined, under another name" hv adopt "$(pid_of two)" --name second --define
check "is persistent" sh -c '"$HVMUX" dominfo second | grep -q "Persistent: *yes"'
pid=$(pid_of two)
check "destroy" hv destroy second
check "its QEMU is gone" wait_for 10 gone "$pid"
check "it starts again, as ours" hv start second
check "its console is one of ours" wait_screen second COM1 90
check "what was a link is a socket of our own" test -S "$HVMUX_HOME/run/second/qmp.sock" -a ! -h "$HVMUX_HOME/run/second/qmp.sock"
hv destroy second >/dev/null

# --- refused ---
check "a QEMU without a monitor" foreign three -name three -monitor none
check_fails "cannot be adopted" 1 "has no QMP monitor on a Unix socket" hv adopt "$(pid_of three)"
check "nothing was made of it" sh -c '! "$HVMUX" list --all | grep -q three && [ ! -e "$HVMUX_HOME/run/three" ]'
check "and it lives on" alive three
check_fails "no process" 1 "there is no process 999999999" hv adopt 999999999
check_fails "no number" 2 "is no process number" hv adopt one
check_fails "no QEMU" 1 "is no QEMU" hv adopt $$
if command -v socat >/dev/null; then
	check "a QEMU whose monitor is taken" foreign four -name four -qmp unix:four.qmp,server=on,wait=off
	check "somebody is connected" hold_monitor four.qmp
	check_fails "cannot be adopted" 1 "somebody else is connected" hv adopt "$(pid_of four)"
	kill "$(cat holder.pid)" 2>/dev/null
	check "until they leave" wait_for 10 hv adopt "$(pid_of four)"
	hv destroy four >/dev/null
else
	tap_skip "a monitor that is taken" "no socat here"
fi
check "a QEMU without a name" foreign nine -qmp unix:nine.qmp,server=on,wait=off -serial file:nine.out
check "is adopted by its number" sh -c '"$HVMUX" adopt '"$(pid_of nine)"' 2>&1 | grep -q "its serial (file) is not on a Unix socket"'
check "and is on the list" hv domstate "qemu-$(pid_of nine)"
hv destroy "qemu-$(pid_of nine)" >/dev/null
check "a QEMU whose socket was removed" foreign five -name five -qmp unix:five.qmp,server=on,wait=off
mv five.qmp five.moved
homeless=$(pid_of five)
check_fails "cannot be adopted" 1 "five.qmp" hv adopt "$homeless"
kill "$homeless"
if unshare -m true 2>/dev/null; then
	unshare -m sh -c 'exec qemu-system-x86_64 -m 8 -display none -S -qmp unix:six.qmp,server=on,wait=off' >six.log 2>&1 &
	contained=$!
	check "a QEMU in a container" wait_for 20 test -S six.qmp
	check_fails "cannot be adopted" 1 "runs in a container" hv adopt $contained
	kill $contained
else
	tap_skip "a QEMU in a container" "no unshare here"
fi

# --- a definition that waits for it ---
cat >seven.xml <<-END
	<domain type='qemu'><name>seven</name><uuid>11111111-2222-3333-4444-000000000007</uuid><memory unit='MiB'>8</memory>
	<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features></domain>
END
hv define seven.xml >/dev/null
check "a QEMU of a defined domain's uuid" foreign seven -name seven -uuid 11111111-2222-3333-4444-000000000007 \
	-qmp unix:seven.qmp,server=on,wait=off
check "is adopted as that domain" hv adopt "$(pid_of seven)"
check "and is persistent" sh -c '"$HVMUX" dominfo seven | grep -q "Persistent: *yes"'
check "a QEMU of a defined domain's name alone" foreign eight -name seven -qmp unix:eight.qmp,server=on,wait=off
check_fails "is not that domain" 1 "domain 'seven' is running" hv adopt "$(pid_of eight)"
hv destroy seven >/dev/null
check_fails "nor when it is off" 1 "is another machine by its uuid" hv adopt "$(pid_of eight)"
for q in three eight; do kill "$(pid_of $q)" 2>/dev/null; done
tap_done
