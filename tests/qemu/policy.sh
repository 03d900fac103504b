#!/bin/sh
# What becomes of a guest that powers off, reboots, panics, is bitten by its watchdog, or whose disk is full: the boot
# sector does each at a word.
. "$(dirname "$0")/../qemu/lib.sh"

dumps=$HVMUX_HOME/data/dump
# policy NAME EVENTS [DEVICES [SED-SCRIPT]]: a boot sector with these on_* elements, pvpanic and more.
policy() {
	define_bootsect "$1" >/dev/null &&
		sed -i -e "s#<devices>#$2<devices><panic model='isa'/>${3:-}#" -e "${4:-}" "$TEST_TMP/$1.xml" &&
		hv define "$TEST_TMP/$1.xml"
}
# The console's log is behind its screen by a moment: counted before it has caught up, a banner would count as the next one.
up() {
	n=$(banners "$1")
	hv start "$1" && wait_screen "$1" COM1 90 && wait_for 30 more_banners "$1" "$n" && n=$(banners "$1") &&
		qemu=$(json_number "$1" qemu_pid)
}
reason_is() {
	hv domstate --reason "$1" >"$TEST_TMP/reason"
	grep -qF "$2" "$TEST_TMP/reason" || { cat "$TEST_TMP/reason"; return 1; }
}
detail_has() {
	hv dominfo "$1" >"$TEST_TMP/info"
	sed -n 's/^Detail: *//p' "$TEST_TMP/info" | grep -F -- "$2" || { cat "$TEST_TMP/info"; return 1; }
}
banners() { cat "$HVMUX_HOME/log/$1/console0.log" 2>/dev/null | grep -c COM1 || true; }
more_banners() { [ "$(banners "$1")" -gt "$2" ]; }
ended() { wait_state "$1" "$2" && reason_is "$1" "$3" && [ -z "$(json_number "$1" qemu_pid)" ]; }
same_qemu() { [ "$(json_number "$1" qemu_pid)" = "$qemu" ]; }
new_qemu() { state_is "$1" running && ! same_qemu "$1"; }

# --- powers off, reboots ---
off_restart() {
	policy p1 "<on_poweroff>restart</on_poweroff>" && up p1 && type_line p1 off &&
		wait_for 30 more_banners p1 "$n" && same_qemu p1 && state_is p1 running && hv destroy p1
}
# QEMU alone says that it has to be reset.
resume_after_reset() {
	n=$(banners "$1")
	hv resume "$1" 2>"$TEST_TMP/words" && return 1
	cat "$TEST_TMP/words"
	grep -qF "'hvmux reset $1' first" "$TEST_TMP/words" && hv reset "$1" && hv resume "$1" && wait_for 30 more_banners "$1" "$n"
}
off_preserve() {
	policy p1 "<on_poweroff>preserve</on_poweroff>" && up p1 && type_line p1 off && wait_state p1 paused &&
		reason_is p1 shutdown && same_qemu p1 && resume_after_reset p1 && hv destroy p1
}
reboot_preserve() {
	policy p1 "<on_reboot>preserve</on_reboot>" && up p1 && type_line p1 reset && wait_state p1 paused &&
		reason_is p1 shutdown && same_qemu p1 && resume_after_reset p1 && hv destroy p1
}
rename_restart() {
	policy p1 "<on_reboot>rename-restart</on_reboot><on_poweroff>rename-restart</on_poweroff>" && up p1 &&
		type_line p1 reset && wait_for 30 more_banners p1 "$n" && n=$(banners p1) &&
		type_line p1 off && wait_for 30 more_banners p1 "$n" && state_is p1 running && hv destroy p1
}

# --- panics ---
panic() { up "$1" && type_line "$1" panic; }
one_dump() {
	set -- "$dumps"/*-"$1"-*
	[ $# -eq 1 ] && [ -s "$1" ] && head -c 4 "$1" | grep -q ELF && file=$1
}
no_dump() { ! ls "$dumps"/* 2>/dev/null; }
panic_destroy() { policy c1 "<on_crash>destroy</on_crash>" && panic c1 && ended c1 crashed panicked; }
panic_dump() {
	policy c1 "<on_crash>coredump-destroy</on_crash>" && panic c1 && ended c1 crashed panicked && one_dump c1 &&
		detail_has c1 "memory written to $file" && [ "$(stat -c %a "$file")" = 600 ] &&
		[ "$(stat -c %s "$file")" -ge 8388608 ] && rm "$file" && [ ! -L "$HVMUX_HOME/run/c1/dump" ]
}
panic_dump_restart() {
	policy c1 "<on_crash>coredump-restart</on_crash>" && panic c1 && wait_for 30 new_qemu c1 && one_dump c1 && rm "$file" &&
		hv destroy c1
}
# A dump that cannot be written does not keep the server down, and leaves no half of itself.
panic_dump_refused() {
	rm -rf "$dumps" && touch "$dumps" && panic c1 && wait_for 30 new_qemu c1 && rm "$dumps" &&
		grep -F "what=event event=dump detail=its memory could not be written" "$HVMUX_HOME/log/c1/audit.log" &&
		hv destroy c1
}
panic_dump_full() {
	mkdir -p "$dumps" && mount -t tmpfs -o size=1m none "$dumps" && panic c1 && wait_for 30 new_qemu c1
	full=$?
	no_dump || full=1
	umount "$dumps"
	grep "event=dump.*No space left" "$HVMUX_HOME/log/c1/audit.log" && hv destroy c1 && return $full
}
# Supervisors killed at any point of the dump of a larger guest: the next one sees it through.
kill_in_dump() {
	policy c2 "<on_crash>coredump-destroy</on_crash>" && sed -i "s#>8</memory>#>192</memory>#" "$TEST_TMP/c2.xml" &&
		hv define "$TEST_TMP/c2.xml" || return 1
	for ms in 000 010 030 060 100 150 200 300; do
		panic c2 || return 1
		sleep 0.$ms # when to strike
		kill -KILL "$(json_number c2 supervisor_pid)" 2>/dev/null
		wait_for 30 crashed_and_settled || { echo "after $ms ms"; return 1; }
		rm -f "$dumps"/*
	done
}
crashed_and_settled() {
	hv list >/dev/null # whoever looks starts the next supervisor
	[ "$(hv domstate --reason c2)" = "crashed (panicked)" ] && [ -z "$(json_number c2 supervisor_pid)" ] &&
		one_dump c2 && [ ! -L "$HVMUX_HOME/run/c2/dump" ] && detail_has c2 "memory written to $file"
}

# --- starts again ---
crash() { kill -KILL "$(json_number "$1" qemu_pid)"; }
waits() { hv dominfo "$1" >"$TEST_TMP/info" && grep -q "^Next attempt: *in [0-9]* s$" "$TEST_TMP/info" || { cat "$TEST_TMP/info"; return 1; }; }
runs_again() { state_is "$1" running && hv dominfo "$1" | grep -q "^Restarts: *$2$"; }
backs_off() {
	policy r1 "<on_crash>restart</on_crash>" && up r1 || return 1
	for i in 1 2 3; do
		crash r1 && wait_for 5 waits r1 && detail_has r1 "QEMU was killed by signal 9" &&
			detail_has r1 "starts again at" && wait_for 20 runs_again r1 $i && new_qemu r1 || return 1
		qemu=$(json_number r1 qemu_pid)
	done
}
# Supervisors killed while they wait: the next one waits in their place, and starts it once.
kill_in_wait() {
	for ms in 000 100 300 600; do
		hv destroy r1 && hv start r1 && crash r1 && wait_for 5 waits r1 && sleep 0.$ms && kill -KILL "$(json_number r1 supervisor_pid)" || return 1
		wait_for 60 looked_after || { echo "after $ms ms"; return 1; }
	done
	[ "$(home_processes | wc -l)" -eq 2 ]
}
looked_after() { hv list >/dev/null && runs_again r1 1; }
history() {
	hv destroy r1 && hv events --history r1 >"$TEST_TMP/history" || return 1
	cat "$TEST_TMP/history"
	[ "$(grep -c "'lifecycle' for domain 'r1': Stopped Crashed (QEMU was killed by signal 9" "$TEST_TMP/history")" -eq 7 ] &&
		[ "$(grep -c "Started Booted" "$TEST_TMP/history")" -eq 12 ] && grep . "$TEST_TMP/history" | tail -n 1 | grep -q "Stopped Destroyed" &&
		grep -q "'crash-record' for domain 'r1'" "$TEST_TMP/history" &&
		grep -v "'crash-record'" "$TEST_TMP/history" >"$TEST_TMP/lifecycle" &&
		hv undefine r1 && hv events --history r1 --event lifecycle | cmp - "$TEST_TMP/lifecycle" &&
		hv events --history --json | grep -q '"domain":"r1"' && [ -z "$(hv events --history r1 --event watchdog)" ]
}

# --- the watchdog ---
# The action is the domain's, whichever watchdog it is; the ib700 is one that 512 bytes can arm.
bite() {
	policy w1 "" "<watchdog model='itco' action='$1'/>" "s#machine='pc'#machine='q35'#;
		s#<domain #&xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' #;
		s#</devices>#&<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='ib700'/></qemu:commandline>#" &&
		up w1 && type_line w1 bite
}
bitten_pause() {
	bite pause && wait_state w1 paused && reason_is w1 watchdog && detail_has w1 "its watchdog" && hv resume w1 &&
		state_is w1 running && ! detail_has w1 watchdog && hv destroy w1
}
bitten_off() { bite poweroff && ended w1 "shut off" shutdown && detail_has w1 "powered off by its watchdog"; }
bitten_reset() { bite reset && wait_for 30 more_banners w1 "$n" && same_qemu w1 && hv destroy w1; }
bitten_none() { bite none && wait_for 30 grep -q "event=watchdog detail=none" "$HVMUX_HOME/log/w1/audit.log" && hv destroy w1; }
bitten_dump() {
	bite dump && wait_for 30 one_dump w1 && wait_for 30 resumed_after_dump && same_qemu w1 && type_line w1 ping &&
		wait_screen w1 pong && hv destroy w1
}
resumed_after_dump() { state_is w1 running && grep "event=dump detail=memory written" "$HVMUX_HOME/log/w1/audit.log"; }

# --- a full disk ---
# The firmware knows only disks of which it may boot.
full_disk() {
	small=$TEST_TMP/small
	mkdir "$small" && mount -t tmpfs -o size=2m none "$small" && truncate -s 64M "$small/d.img" || return 1
	policy d1 "" "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$small/d.img'/>\
		<target dev='vdb' bus='virtio'/><boot order='2'/></disk>" \
		"s#<boot dev='hd'/>##;s#<readonly/>#&<boot order='1'/>#" && up d1 && type_line d1 fill && wait_state d1 paused &&
		reason_is d1 "I/O error" && detail_has d1 "disk 'vdb' ($small/d.img): write error: No space left on device" &&
		hv list | grep 'd1 *paused (I/O error)'
}
full_disk_event() { grep -F "event=io-error detail=$small/d.img (vdb) pause due to No space left" "$HVMUX_HOME/log/d1/audit.log"; }
full_disk_again() { hv resume d1 && wait_state d1 paused && reason_is d1 "I/O error" && detail_has d1 "disk 'vdb'"; }
# Nobody heard the error: the next supervisor asks.
full_disk_adopted() {
	kill -KILL "$(json_number d1 supervisor_pid)"
	wait_for 20 adopted && reason_is d1 "I/O error" && detail_has d1 "disk 'vdb'" || return 1
	kill -KILL "$(json_number d1 supervisor_pid)"
	printf '{"execute":"qmp_capabilities"}{"execute":"cont"}' |
		"$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/d1/qmp.sock"
	wait_for 20 adopted && wait_state d1 paused && wait_for 20 detail_has d1 "disk 'vdb'"
}
adopted() {
	kill -KILL "$(json_number d1 supervisor_pid)"
	wait_for 20 adopted && reason_is d1 "I/O error" && detail_has d1 "disk 'vdb'" || return 1
	kill -STOP "$(json_number d1 supervisor_pid)" || return 1 # deaf to what comes
	hv qemu-monitor-command d1 cont >/dev/null 2>&1
	kill -KILL "$(json_number d1 supervisor_pid)"
	wait_for 20 adopted && wait_state d1 paused && detail_has d1 "disk 'vdb'"
}
adopted() { hv list >/dev/null && [ -n "$(json_number d1 supervisor_pid)" ]; }
full_disk_goes_on() {
	mount -o remount,size=80m "$small" && hv resume d1 && wait_screen d1 "!" && state_is d1 running &&
		! detail_has d1 "disk" && hv destroy d1
}

check "on_poweroff restart: the same QEMU boots again" off_restart
check "on_poweroff preserve: kept stopped" off_preserve
check "on_reboot preserve: kept stopped" reboot_preserve
check "rename-restart is a restart" rename_restart
check "a panic" panic_destroy
check "coredump-destroy: a dump, then the end" panic_dump
check "coredump-restart: a dump, then a new QEMU" panic_dump_restart
check "coredump-restart without a place for the dump" panic_dump_refused
if (mkdir -p "$dumps" && mount -t tmpfs -o size=1m none "$dumps" && umount "$dumps") 2>/dev/null; then
	check "coredump-restart on a full disk" panic_dump_full
	check "a full disk: paused, with the disk's name and the reason" full_disk
	check "… told as an event" full_disk_event
	check "… resume tries again" full_disk_again
	check "… the next supervisor knows why" full_disk_adopted
	check "… and goes on when there is room" full_disk_goes_on
	hv destroy d1 >/dev/null 2>&1
	umount "$small"
else
	tap_skip "full disks" "may not mount"
fi
check "kill -9 at any point of a dump" kill_in_dump
check "on_crash restart: backs off, and says when it comes again" backs_off
check "kill -9 while it waits" kill_in_wait
check "what happened can be read afterwards" history
check "watchdog: pause" bitten_pause
check "watchdog: poweroff" bitten_off
check "watchdog: reset" bitten_reset
check "watchdog: none" bitten_none
check "watchdog: dump" bitten_dump
tap_done
