#!/bin/sh
# Snapshots and saves whose supervisor is killed at every moment, whose QEMU dies, that are cancelled: what QEMU has, what is written
# of it, the documents and the files agree afterwards. The guest is a boot sector with a writable disk.
. "$(dirname "$0")/lib.sh"
need_program qemu-img

rounds=${FAULT_ROUNDS:-6} # kills of each operation; their delays sweep over its duration
images=$TEST_TMP/images
mkdir -p "$images"
disk=$images/b1.qcow2
qemu-img create -q -f qcow2 "$disk" 8M
define_bootsect b1 "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$disk'/><target dev='vdb' bus='virtio'/></disk>" >/dev/null
audit=$HVMUX_HOME/log/b1/audit.log

supervisor() {
	for f in $(grep -lzxF "HVMUX_HOME=$HVMUX_HOME" /proc/[0-9]*/environ 2>/dev/null); do
		pid=${f#/proc/} pid=${pid%/environ} comm=
		{ read -r comm <"/proc/$pid/comm"; } 2>/dev/null
		[ "$comm" = 'hvmux: b1' ] && echo "$pid"
	done
}
no_supervisor() { [ -z "$(supervisor)" ]; }
kill_supervisor() {
	for p in $(supervisor); do
		kill -KILL "$p" 2>/dev/null
	done
	wait_for 10 no_supervisor
}
strike_after() { sleep "$(printf '0.%03d' "$1")"; } # when to strike, not what to wait for
plan_over() { hv plan-show b1 | grep -q 'no plan goes on'; }
on() { hv domblklist b1 | sed -n 's/^ vdb  *//p'; }
inactive() { hv domblklist b1 --inactive | sed -n 's/^ vdb  *//p'; }
chain_of() { qemu-img info -U --backing-chain "$(on)" | sed -n 's/^image: //p'; }
# Names inside of the images that the guest's disk is made of, against the documents'.
inside_agrees() {
	for f in $(chain_of); do
		qemu-img snapshot -U -l "$f" | sed -n 's/^[0-9]* *\([a-z0-9]*\) .*/\1/p'
	done >"$TEST_TMP/inside"
	for s in $(hv snapshot-list b1 --name --internal); do
		grep -qx "$s" "$TEST_TMP/inside" || { echo "no $s in the images"; return 1; }
	done
	while read -r s; do
		hv snapshot-info b1 "$s" >/dev/null || return 1
	done <"$TEST_TMP/inside"
}
# No overlay that nobody knows of.
files_agree() {
	[ "$(on)" = "$(inactive)" ] || { echo "runs on $(on), defined on $(inactive)"; return 1; }
	chain=$(chain_of)
	for f in "$images"/*; do
		echo "$chain" | grep -qxF "$f" || { echo "$f is left over"; return 1; }
	done
}
settled() { plan_over && hv check-live b1 && inside_agrees && files_agree; }

# sweep WHAT STEP_MS COMMAND...: %i in it is the round's number
sweep() {
	what=$1 step=$2 i=0 good=0
	shift 2
	while [ $i -lt "$rounds" ]; do
		command=$(echo "$*" | sed "s/%i/$i/g")
		sh -c "exec '$HVMUX' $command" >"$TEST_TMP/command" 2>&1 &
		child=$!
		strike_after $((i * step * 2 + 2))
		kill_supervisor >/dev/null
		wait $child
		if wait_for 20 settled >"$TEST_TMP/settled" 2>&1; then
			good=$((good + 1))
		else
			echo "# $what, killed after $((i * step * 2 + 2)) ms:"
			tap_note <"$TEST_TMP/command"
			tap_note <"$TEST_TMP/settled"
			tail -12 "$audit" | tap_note
		fi
		i=$((i + 1))
	done
	check "$what: after each of $rounds kills all agrees" test $good -eq "$rounds"
	echo "# $(grep -c what=plan-resume "$audit") plans were met half-way so far"
}

check "start" hv start b1
sweep "inside of the image" 5 snapshot-create-as b1 k%i
sweep "deleted again" 3 snapshot-delete b1 k%i
hv snapshot-create-as b1 base >/dev/null
sweep "gone back to" 6 snapshot-revert b1 base
hv snapshot-delete b1 base >/dev/null
sweep "an overlay" 6 snapshot-create-as b1 o%i --disk-only

# --- saves ---
i=0 good=0
while [ $i -lt "$rounds" ]; do
	file=$TEST_TMP/s$i
	hv save b1 "$file" >"$TEST_TMP/command" 2>&1 &
	child=$!
	strike_after $((i * 6 + 2))
	kill_supervisor >/dev/null
	wait $child
	whole() {
		if state_is b1 "shut off" >/dev/null; then
			[ -f "$file" ] && [ ! -e "$file.part" ]
		else
			plan_over && state_is b1 running && [ ! -e "$file" ] && [ ! -e "$file.part" ] && hv check-live b1
		fi
	}
	if wait_for 20 whole >"$TEST_TMP/settled" 2>&1; then
		good=$((good + 1))
		if [ -f "$file" ] && ! hv restore "$file" >"$TEST_TMP/command" 2>&1; then
			good=$((good - 1))
			tap_note <"$TEST_TMP/command"
			hv start b1 >/dev/null 2>&1
		fi
	else
		echo "# a save killed after $((i * 6 + 2)) ms:"
		ls -l "$TEST_TMP"/s* | tap_note
		hv domstate --reason b1 | tap_note
		tap_note <"$TEST_TMP/settled"
		tail -12 "$audit" | tap_note
	fi
	i=$((i + 1))
done
check "a save: after each of $rounds kills the guest runs, or its state is whole and restored" test $good -eq "$rounds"

# --- a disk that is full, a QEMU that dies ---
check_fails "a file that cannot be made" 1 "No such file or directory" hv save b1 "$TEST_TMP/nowhere/b1.save"
check "the guest runs on" state_is b1 running
hv save b1 "$TEST_TMP/dies" >"$TEST_TMP/command" 2>&1 &
child=$!
kill -KILL "$(json_number b1 qemu_pid)"
wait $child
check "a save whose QEMU dies leaves no half" sh -c "! test -e '$TEST_TMP/dies.part'"
wait_for 20 no_supervisor >/dev/null
hv start b1 >/dev/null 2>&1

# --- an agent that is not there ---
before=$(ls "$images")
check_fails "quiesced without an agent" 1 "agent" hv snapshot-create-as b1 q1 --disk-only --quiesce
check "nothing is left of it" test "$(ls "$images")" = "$before"
check "all agrees" settled
hv destroy b1 >/dev/null

# --- an agent that is ---
if [ -r "$guest/initramfs-agent" ] && [ -r "$guest/vmlinuz" ]; then
	guest_initrd=initramfs-agent
	qemu-img create -q -f qcow2 "$TEST_TMP/ga.qcow2" 8M
	define_linux ga "$agent_channel<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$TEST_TMP/ga.qcow2'/><target dev='vda' bus='virtio'/></disk>" >/dev/null
	check "a guest with an agent" hv start ga
	wait_for 120 hv domfsinfo ga >/dev/null
	check "quiesced" hv snapshot-create-as ga q1 --disk-only --quiesce
	check "… and thawed" sh -c "'$HVMUX' qemu-agent-command ga guest-fsfreeze-status | grep -q thawed"
	check "… also when it fails" sh -c "touch '$TEST_TMP/ga.q2'; ! '$HVMUX' snapshot-create-as ga q2 --disk-only --quiesce && '$HVMUX' qemu-agent-command ga guest-fsfreeze-status | grep -q thawed"
	hv destroy ga >/dev/null
else
	tap_skip "quiesced" "no test guest with an agent"
fi
tap_done
