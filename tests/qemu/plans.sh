#!/bin/sh
# Plans in a real supervisor and a real QEMU: one at a time, the others wait; cancelled, refused, killed, lost; afterwards QEMU has what is
# written of it, always. The guest is a boot sector without an operating system: it never lets go of a device.
. "$(dirname "$0")/../qemu/lib.sh"

rounds=${PLANS_ROUNDS:-12} # kills; their delays sweep over the operation's duration

define_bootsect b1 >/dev/null
images=$HVMUX_HOME/images
mkdir -p "$images"
image() {
	truncate -s 1M "$images/$1.raw"
	echo "$images/$1.raw"
}
live=$HVMUX_HOME/run/b1/live.xml journal=$HVMUX_HOME/run/b1/plan.json audit=$HVMUX_HOME/log/b1/audit.log
has_disk() { hv domblklist b1 | grep -q "^ $1 "; }
lacks_disk() { ! has_disk "$1"; }
audited() { grep -q -- "$1" "$audit" || { tail -20 "$audit"; return 1; }; }
supervisor() {
	for f in $(grep -lzxF "HVMUX_HOME=$HVMUX_HOME" /proc/[0-9]*/environ 2>/dev/null); do
		pid=${f#/proc/} pid=${pid%/environ} comm=
		{ read -r comm <"/proc/$pid/comm"; } 2>/dev/null
		[ "$comm" = 'hvmux: b1' ] && echo "$pid"
	done
}
# The command that loses its supervisor starts the next one.
kill_supervisor() {
	killed=$(supervisor)
	for p in $killed; do
		kill -KILL "$p"
	done
	wait_for 10 is_killed
}
is_killed() {
	for p in $(supervisor); do
		case " $killed " in *" $p "*) return 1 ;; esac
	done
}
strike_after() { sleep "$(printf '0.%03d' "$1")"; } # when to strike, not what to wait for
plan_shows() { hv plan-show b1 | grep -q -- "$1" || { hv plan-show b1; return 1; }; }
plan_over() { plan_shows 'no plan goes on'; }
settled() { plan_over && hv check-live b1; }

check "it starts" hv start b1
check "QEMU has what is written of it from the start" hv check-live b1

# --- one that goes well ---
check "a disk is attached" hv attach-disk b1 "$(image one)" vdb
check "the list has it" has_disk vdb
check "the status page has it" hv domblkstat b1 vdb
check "QEMU has it, and nothing beside" hv check-live b1
check "no journal stays" test ! -e "$journal"
check "the audit log has its beginning" audited "what=plan-begin plan=attach-disk"
check "… its steps" audited "what=plan-step plan=attach-disk step=1/"
check "… its end" audited "what=plan-end plan=attach-disk ms=.* result=ok"
hv domjobinfo b1 --completed >"$TEST_TMP/info"
check "domjobinfo --completed tells of it" grep -q "^Job type: *Completed" "$TEST_TMP/info"

# --- a dry run ---
cp "$live" "$TEST_TMP/before"
hv attach-disk b1 "$(image dry)" vdc --dry-run >"$TEST_TMP/dry"
check "a dry run prints the steps" grep -q "^ *1\\. " "$TEST_TMP/dry"
check "… and what undoes them" grep -q "undo: " "$TEST_TMP/dry"
check "… as JSON, too" sh -c '"$HVMUX" attach-disk b1 "$0" vdc --dry-run --json | grep -q "\"steps\":"' "$(image dry)"
check "… and changes nothing" cmp "$live" "$TEST_TMP/before"

# --- one that fails ---
check_fails "a target in use is refused" 1 "vdb" hv attach-disk b1 "$(image two)" vdb
check_fails "an image that is not there is refused" 1 "none.raw" hv attach-disk b1 "$images/none.raw" vdd
check "nothing of either stays" hv check-live b1
check "the document is as it was" cmp "$live" "$TEST_TMP/before"

# --- one that waits, and is cancelled ---
hv detach-disk b1 vdb >"$TEST_TMP/detach" 2>&1 &
detach=$!
check "a detach waits for the guest, and that is shown" wait_for 10 plan_shows '^> '
check "domjobinfo says what it is" sh -c '"$HVMUX" domjobinfo b1 | grep -q "^Operation: *detach-disk"'
check "… and which step" sh -c '"$HVMUX" domjobinfo b1 | grep -q "^Step: "'
hv attach-disk b1 "$(image three)" vdc >"$TEST_TMP/second" 2>&1 &
second=$!
check "another operator's request waits visibly" wait_for 10 plan_shows "^waits: .*attach-disk"
check "… and is told for whom" wait_for 10 grep -q "is busy: root.*detach-disk" "$TEST_TMP/second"
check_fails "who does not want to wait is refused at once, with who is busy" 1 "is busy: root" \
	timeout 5 "$HVMUX" attach-disk b1 "$(image three)" vdd --wait-busy 0
supervisor=$(json_number b1 supervisor_pid)
check_fails "… and who waited a second, after a second" 1 "is busy: root" \
	timeout 10 "$HVMUX" attach-disk b1 "$(image three)" vdd --wait-busy 1
check "… by the same supervisor" test "$(json_number b1 supervisor_pid)" = "$supervisor"
"$HVMUX" attach-disk b1 "$(image three)" vdd >"$TEST_TMP/third" 2>&1 &
third=$!
wait_for 10 grep -q "is busy" "$TEST_TMP/third"
kill -TERM $third
wait $third
check "a request that waits can be withdrawn" grep -q "interrupted before it began" "$TEST_TMP/third"
check "… and nothing else with it" plan_shows '^> '
check "suspend is served meanwhile" hv suspend b1
check "… and resume" hv resume b1
check "domjobabort cancels the detach" hv domjobabort b1
wait $detach
check "its command fails" test $? -eq 1
check "… and says who cancelled it" grep -q "cancelled by" "$TEST_TMP/detach"
wait $second
check "the one that waited is carried out" test $? -eq 0
check "the disk is still there" has_disk vdb
check "QEMU has what is written" hv check-live b1
check_fails "there is nothing to cancel any more" 1 "no job is active" hv domjobabort b1

# --- Ctrl+C ---
"$HVMUX" detach-disk b1 vdb >"$TEST_TMP/ctrlc" 2>&1 &
detach=$!
wait_for 10 plan_shows '^> ' >/dev/null
kill -TERM $detach
wait $detach
check "an interrupted command has its plan taken back" grep -q "cancelled by" "$TEST_TMP/ctrlc"
check "… before it ends" plan_over

# --- a supervisor that is killed while a detach waits ---
hv detach-disk b1 vdb >"$TEST_TMP/detach" 2>&1 &
detach=$!
wait_for 10 plan_shows '^> ' >/dev/null
kill_supervisor
wait $detach
check "the command of a killed supervisor fails" test $? -ne 0
check "… and says who goes on" grep -q "the next one finishes what was begun" "$TEST_TMP/detach"
check "the next supervisor goes on waiting" wait_for 20 plan_shows '^> '
check "… and says so" audited "what=plan-resume plan=detach-disk"
check "… and can be told to stop" hv domjobabort b1
check "QEMU has what is written" wait_for 10 settled
check "the audit log says how it ended" audited "what=plan-end plan=detach-disk .*cancelled by"
check "the disk is still there" has_disk vdb

# --- … at every moment of an attach ---
i=0 good=0 resumed=0
while [ $i -lt "$rounds" ]; do
	target=vd$(printf 'efghijklmnopqrstuvwx' | cut -c$((i + 1)))
	hv attach-disk b1 "$(image "k$i")" "$target" >"$TEST_TMP/attach" 2>&1 &
	attach=$!
	strike_after $((i * 4 + 4))
	kill_supervisor >/dev/null
	wait $attach
	rc=$?
	if wait_for 20 settled >"$TEST_TMP/settled" 2>&1; then
		if [ $rc -eq 0 ]; then has_disk "$target" && good=$((good + 1)); else good=$((good + 1)); fi
	else
		echo "# killed after $((i * 4 + 4)) ms:"
		tap_note <"$TEST_TMP/settled"
	fi
	i=$((i + 1))
done
check "after each of $rounds kills QEMU has what is written of it" test $good -eq "$rounds"
resumed=$(grep -c "what=plan-resume plan=attach-disk" "$audit")
echo "# $resumed of $rounds kills met the plan half-way"

# --- QEMU that is killed ---
hv detach-disk b1 vdb >"$TEST_TMP/detach" 2>&1 &
detach=$!
wait_for 10 plan_shows '^> ' >/dev/null
kill -KILL "$(hv dominfo b1 --json | sed -n 's/.*"qemu_pid": *\([0-9]*\).*/\1/p')"
wait $detach
check "a detach whose QEMU dies fails" test $? -eq 1
check "… with the reason" grep -q "QEMU ended before it was done" "$TEST_TMP/detach"
check "the domain is crashed" wait_state b1 crashed
check "no journal stays" test ! -e "$journal"

# --- a domain that is ended while a plan goes on ---
check "it starts again" hv start b1
hv attach-disk b1 "$images/one.raw" vdb >/dev/null
hv detach-disk b1 vdb >"$TEST_TMP/detach" 2>&1 &
detach=$!
wait_for 10 plan_shows '^> ' >/dev/null
check "destroy waits for no plan" hv destroy b1
wait $detach
check "… which fails, with the reason" grep -q "QEMU ended before it was done" "$TEST_TMP/detach"
check "no journal stays" test ! -e "$journal"

# --- a domain that is off ---
check "a disk is attached to the definition" hv attach-disk b1 "$(image off)" vdb --config
check "… and stands in it" sh -c '"$HVMUX" dumpxml b1 --inactive | grep -q off.raw'
check_fails "--live is refused" 1 "domain is not running" hv attach-disk b1 "$(image off2)" vdc --live
# A command that was killed half-way: the definition is changed, the journal says that it was on its way.
cp "$HVMUX_HOME/etc/domains/b1.xml" "$TEST_TMP/whole.xml"
hv detach-disk b1 vdb --config --dry-run --json >"$TEST_TMP/plan.json"
printf '{"at":0,"phase":"doing","fates":"%s","failed_at":0,"who":"uid(0) pid=1","began_ns":1,"plan":%s}' \
	"$(grep -c '"kind"' "$TEST_TMP/plan.json" | awk '{printf "-"}')" "$(cat "$TEST_TMP/plan.json")" >"$journal"
check "the next start takes back what a killed command has left" hv start b1
check "… the journal is gone" test ! -e "$journal"
check "… the definition is whole" cmp "$HVMUX_HOME/etc/domains/b1.xml" "$TEST_TMP/whole.xml"
check "… and QEMU has what is written" hv check-live b1
check "it ends" hv destroy b1
tap_done
