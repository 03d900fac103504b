#!/bin/sh
# Supervisors killed with -9 at every point of a VM's life: afterwards the list tells the truth, no QEMU is lost, none runs
# twice, and the next supervisor goes on where the killed one stood.
. "$(dirname "$0")/../qemu/lib.sh"

rounds=${ADOPT_ROUNDS:-10} # kills per part; their delays sweep over the operation's duration

# Processes of this test by the name that the kernel shows; the environment is what marks them as ours.
pids_of() {
	for f in $(grep -lzxF "HVMUX_HOME=$HVMUX_HOME" /proc/[0-9]*/environ 2>/dev/null); do
		pid=${f#/proc/} pid=${pid%/environ} comm=
		{ read -r comm <"/proc/$pid/comm"; } 2>/dev/null
		case $1:$comm in
		sup:'hvmux: b1' | qemu:qemu-system*) echo "$pid" ;;
		sup:hvmux) grep -qzxF supervise "/proc/$pid/cmdline" 2>/dev/null && echo "$pid" ;;
		esac
	done
}
supervisors() { pids_of sup; }
qemus() { pids_of qemu; }
kill_supervisors() {
	for p in $(supervisors); do
		kill -KILL "$p" 2>/dev/null
	done
	return 0
}
count() { wc -w | tr -d ' '; }
no_supervisor() { [ -z "$(supervisors)" ]; }

# What any front end does that finds a VM without a supervisor.
adopt() { "$HVMUX" supervise b1 --adopt & }

# The truth: a live state means exactly one QEMU, any other none; asked of a VM that was given time to settle.
settled() {
	no_supervisor && adopt
	truth_state=$(hv domstate b1) truth_qemus=$(qemus | count)
	case $truth_state in
	running | paused | 'in shutdown') [ "$truth_qemus" -eq 1 ] && [ "$(supervisors | count)" -eq 1 ] ;;
	'shut off' | crashed) [ "$truth_qemus" -eq 0 ] && no_supervisor ;;
	*) false ;;
	esac || { echo "state '$truth_state', $truth_qemus QEMU, supervisors: $(supervisors)"; return 1; }
}
answers() { hv suspend b1 && [ "$(hv domstate b1)" = paused ] && hv resume b1 && [ "$(hv domstate b1)" = running ]; }
end_it() {
	hv destroy b1 >/dev/null 2>&1
	wait_for 10 no_supervisor && [ -z "$(qemus)" ]
}
# Milliseconds as what sleep takes: when to strike, not what to wait for.
strike_after() { sleep "$(printf '0.%03d' "$1")"; }

# How long an operation takes now, in ms, at least 10: the kills sweep over a little more than that.
duration_of() {
	t0=$(date +%s%N)
	"$@" >/dev/null 2>&1
	t=$((($(date +%s%N) - t0) / 1000000))
	echo $((t < 10 ? 10 : t > 800 ? 800 : t))
}
kill_in_start() {
	i=0 live=0
	span=$(duration_of hv start b1)
	end_it || return 1
	while [ $i -lt "$rounds" ]; do
		hv start b1 >/dev/null 2>&1 &
		start=$!
		strike_after $((i * span * 5 / rounds / 4))
		kill_supervisors
		wait $start
		wait_for 20 settled || { echo "round $i"; return 1; }
		if [ -n "$(qemus)" ]; then
			live=$((live + 1))
			wait_for 10 answers || { echo "round $i: adopted but does not answer"; return 1; }
		fi
		end_it || { echo "round $i: not ended"; return 1; }
		i=$((i + 1))
	done
	echo "$live of $rounds were adopted, the others had not begun"
	[ $live -gt 0 ]
}
kill_in_run() {
	hv start b1 || return 1
	qemu=$(qemus) i=0
	while [ $i -lt "$rounds" ]; do
		kill_supervisors
		wait_for 20 settled || { echo "round $i"; return 1; }
		[ "$(qemus)" = "$qemu" ] || { echo "round $i: QEMU was $qemu, is $(qemus)"; return 1; }
		i=$((i + 1))
	done
	wait_for 10 answers
}
# Who comes first finds no monitor yet, and need not come again.
first_is_served() {
	i=0
	while [ $i -lt "$rounds" ]; do
		kill_supervisors
		wait_for 10 no_supervisor
		hv suspend b1 && kill_supervisors && wait_for 10 no_supervisor && hv resume b1 ||
			{ echo "round $i"; return 1; }
		i=$((i + 1))
	done
}
kill_in_operation() {
	i=0
	while [ $i -lt "$rounds" ]; do
		for op in suspend resume reset; do
			hv $op b1 >/dev/null 2>&1 &
			verb=$!
			strike_after $((i * 10 / rounds))
			kill_supervisors
			wait $verb
			wait_for 20 settled || { echo "round $i: $op"; return 1; }
		done
		i=$((i + 1))
	done
	hv resume b1 >/dev/null 2>&1
	wait_for 10 answers
}
kill_in_stop() {
	i=0
	while [ $i -lt "$rounds" ]; do
		[ -n "$(qemus)" ] || hv start b1 >/dev/null || return 1
		hv destroy b1 >/dev/null 2>&1 &
		verb=$!
		strike_after $((i * 20 / rounds))
		kill_supervisors
		wait $verb
		wait_for 20 settled || { echo "round $i"; return 1; }
		i=$((i + 1))
	done
	end_it
}
nothing_lost_on_the_console() {
	hv start b1 && wait_screen b1 COM1 90 && type_line b1 ping && wait_screen b1 pong || return 1
	kill_supervisors
	wait_for 20 settled && screen_has b1 pong && type_line b1 nonsense && wait_screen b1 "?" && screen_has b1 pong
}
looking_adopts() {
	rm -f "$HVMUX_HOME/run/b1/adopt" # a front end tries every 5 s, not more often
	kill_supervisors
	wait_for 10 look_has_supervisor
}
# Looks again and again, as a dashboard does: the first look may come before the killed one's lock is gone.
look_has_supervisor() { hv list >/dev/null && has_supervisor; }
has_supervisor() { [ "$(supervisors | count)" -eq 1 ]; }
many_adopters() {
	kill_supervisors
	i=0
	while [ $i -lt 8 ]; do
		adopt
		i=$((i + 1))
	done
	wait_for 20 settled && [ "$(supervisors | count)" -eq 1 ]
}
plain_start_of_an_orphan() {
	orphan=$(qemus)
	kill_supervisors
	"$HVMUX" supervise b1 3>"$TEST_TMP/verdict" --ready-fd 3 &
	wait_for 20 grep -q "already running" "$TEST_TMP/verdict" && wait_for 20 settled && [ "$(qemus)" = "$orphan" ]
}
both_killed() {
	kill_supervisors
	for p in $(qemus); do kill -KILL "$p"; done
	wait_for 20 settled && wait_state b1 crashed && [ -z "$(qemus)" ] && hv start b1
}
supervisor_stopped_qemu_dies() {
	kill_supervisors
	for p in $(qemus); do kill -TERM "$p"; done
	wait_for 20 no_qemu && wait_for 20 settled
}
no_qemu() { [ -z "$(qemus)" ]; }
# foreign COMMAND...: a VM whose supervisor is gone, its status page left as COMMAND makes it: as by another version of the
# program, or lost. It is listed, found and managed all the same, and its page is whole again.
foreign() {
	state_is b1 running || hv start b1 || return 1
	wait_screen b1 COM1 90
	foreign_qemu=$(qemus)
	rm -f "$HVMUX_HOME/run/b1/adopt"
	kill_supervisors
	wait_for 10 no_supervisor && (cd "$HVMUX_HOME/run/b1" && "$@") || return 1
	hv -r list | tap_grep 'b1 *running' && wait_for 20 look_has_supervisor && wait_for 20 has_id || return 1
	[ "$(qemus)" = "$foreign_qemu" ] && wait_for 10 answers && type_line b1 ping && wait_screen b1 pong &&
		hv dominfo b1 >"$TEST_TMP/info" && grep -q 'Max memory: *8192 KiB' "$TEST_TMP/info" &&
		grep -q 'Id: *[1-9]' "$TEST_TMP/info" && [ "$(json_number b1 qemu_pid)" = "$foreign_qemu" ] && age_is_right
}
has_id() { hv dominfo b1 | grep -q 'Id: *[1-9]'; }
tap_grep() { tee "$TEST_TMP/grepped" | grep -q "$1" || { cat "$TEST_TMP/grepped"; return 1; }; }
# When it began is known of the process itself.
age_is_right() {
	began=$(json_number b1 started_time_ns) age=$(ps -o etimes= -p "$foreign_qemu")
	difference=$(($(date +%s) - age - began / 1000000000))
	[ $difference -ge -3 ] && [ $difference -le 3 ] || { echo "began $began, age $age s"; return 1; }
}
page_version() { printf "\\$1" | dd of=status bs=1 seek=8 conv=notrunc status=none; }
page_larger() { page_version 7 && truncate -s +8192 status; }
page_of_the_first_version() { page_version 1 && truncate -s -16 status && rm process; }
# Without page and note nobody knows the QEMU: a start must not make a second one on the same disks.
all_lost() {
	state_is b1 running || hv start b1 || return 1
	kill_supervisors
	wait_for 10 no_supervisor
	rm "$HVMUX_HOME/run/b1/status" "$HVMUX_HOME/run/b1/process"
	hv start b1 2>"$TEST_TMP/words" && return 1
	cat "$TEST_TMP/words"
	grep -qF "a QEMU of domain 'b1' still runs" "$TEST_TMP/words" && [ "$(qemus | count)" -eq 1 ] || return 1
	for p in $(qemus); do kill -KILL "$p"; done
	wait_for 10 hv start b1 && hv destroy b1
}

define_bootsect b1 >/dev/null
check "kill -9 at any point of a start" kill_in_start
check "kill -9 while it runs, many times over" kill_in_run
check "the first request to a new supervisor is served" first_is_served
check "kill -9 during suspend, resume, reset" kill_in_operation
check "kill -9 at any point of a stop" kill_in_stop
check "the console's history goes on" nothing_lost_on_the_console
check "whoever looks at the list starts an adoption" looking_adopts
check "of many adopters one wins" many_adopters
check "a start never makes a second QEMU" plain_start_of_an_orphan
check "supervisor and QEMU killed: crashed, and starts again" both_killed
check "QEMU ends while nobody watches" supervisor_stopped_qemu_dies
check "a QEMU whose status page is of a later version is adopted" foreign page_version 3
check "… of a later version and another size" foreign page_larger
check "… of the first version, which had no other note" foreign page_of_the_first_version
check "… or is lost" foreign rm status
check "a QEMU of which nothing is known is not joined by a second one" all_lost
tap_done
