#!/bin/sh
# Work on the images of a running machine: commit, pull, copy, resize; for a QEMU that runs as we do, and as another user; with
# everybody killed in the middle.
. "$(dirname "$0")/../qemu/lib.sh"
need_program qemu-img
need_program qemu-io
images=$TEST_TMP/images
mkdir -p "$images" "$HVMUX_HOME/etc"

# --- disks ----------------------------------------------------------------------------------------------------
# Each image of the chain has a megabyte of its own: base 1, mid 2, top 3 (at 0M, 1M, 2M of 64M).
chain() {
	rm -f "$images"/*
	(
		cd "$images" || exit 1
		qemu-img create -q -f raw base.img 64M && qemu-io -f raw -c "write -P 1 0 1M" base.img
		qemu-img create -q -f qcow2 -b "$images/base.img" -F raw mid.qcow2 && qemu-io -c "write -P 2 1M 1M" mid.qcow2
		qemu-img create -q -f qcow2 -b mid.qcow2 -F qcow2 top.qcow2 && qemu-io -c "write -P 3 2M 1M" top.qcow2
	) >/dev/null
}
# What the guest would write, QEMU does: value 4 at 3M.
guest_writes() { hv qemu-monitor-command b1 --hmp "qemu-io -d virtio-disk1/virtio-backend \"write -P $1 $2 1M\""; }
# holds FORMAT FILE [VALUE...]: the first megabytes are these.
holds() {
	format=$1 file=$2 at=0
	shift 2
	set -- "$@"
	words=
	for v; do
		words="$words -c \"read -P $v ${at}M 1M\""
		at=$((at + 1))
	done
	eval qemu-io -r -f "$format" "$words" "$file" >"$TEST_TMP/io" 2>&1 && ! grep -i "verification failed\|error" "$TEST_TMP/io" || {
		cat "$TEST_TMP/io"
		return 1
	}
}
sound() { qemu-img check -q "$1"; }
below_is() { [ "$(qemu-img info -U "$1" | sed -n 's/^backing file: *\([^ ]*\).*/\1/p')" = "$2" ] || { qemu-img info -U "$1"; return 1; }; }

source_is() { # live and definition: FILE
	hv domblklist b1 | grep "vdb *$1\$" && hv domblklist --inactive b1 | grep "vdb *$1\$" || { hv domblklist b1; hv domblklist --inactive b1; return 1; }
}
no_job() { hv blockjob b1 vdb 2>&1 | grep -F "No current block job for vdb"; }
no_plan() { hv plan-show b1 | grep -F "no plan goes on"; }
no_journal() { [ ! -e "$HVMUX_HOME/run/b1/plan.json" ]; }
nodes_of() { hv qemu-monitor-command b1 query-named-block-nodes | tr ',' '\n' | grep -c '"node-name": *"vdb-'; }
agrees() { no_job && no_plan && no_journal && hv dumpxml b1 >"$TEST_TMP/x" && ! grep -q '<mirror' "$TEST_TMP/x"; }

# Right behind a job that is done QEMU is killed: what it wrote is on the disk, and not in its memory alone.
dies() { kill -KILL "$(json_number b1 qemu_pid)" && wait_for 20 wait_ended; }
wait_ended() { state_is b1 crashed || state_is b1 "shut off"; }
kept() {
	begin && hv blockpull b1 vdb --wait && dies && below_is "$images/top.qcow2" "" && holds qcow2 "$images/top.qcow2" 1 2 3 &&
		begin && hv snapshot-create-as b1 over --disk-only --no-metadata --diskspec "vdb,file=$images/over.qcow2" &&
		hv blockcommit b1 vdb --top "$images/top.qcow2" --base "$images/mid.qcow2" --wait --delete && dies &&
		below_is "$images/over.qcow2" "$images/mid.qcow2" && holds qcow2 "$images/over.qcow2" 1 2 3
	rc=$?
	define_bootsect b1 >/dev/null
	return $rc
}

begin() {
	chain
	define_bootsect b1 "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$images/top.qcow2'/><target dev='vdb' \
		bus='virtio'/></disk>" >/dev/null && hv start b1 >/dev/null
}
end() { hv destroy b1 >/dev/null; }
supervisor() { json_number b1 supervisor_pid; }
job_runs() { hv blockjob b1 vdb --raw | grep "$1"; }
# Another one is there.
adopted() { hv list >/dev/null && now=$(supervisor) && [ -n "$now" ] && [ "$now" != "$killed" ]; }
orphan() { killed=$(supervisor) && kill -KILL "$killed" && wait_for 20 adopted && wait_for 20 job_runs end=; }

# --- scenarios ------------------------------------------------------------------------------------------------
committed() {
	begin && guest_writes 4 3M && hv blockcommit b1 vdb --active --wait --verbose --pivot >"$TEST_TMP/said" &&
		grep -x "Successfully pivoted" "$TEST_TMP/said" && source_is "$images/base.img" && agrees && guest_writes 5 4M && end &&
		holds raw "$images/base.img" 1 2 3 4 5 && [ -e "$images/mid.qcow2" ] && hv start b1 && end
}
below() {
	begin && hv blockcommit b1 vdb --top "$images/mid.qcow2" --wait --delete && guest_writes 4 3M && agrees && [ ! -e "$images/mid.qcow2" ] &&
		below_is "$images/top.qcow2" "$images/base.img" && holds raw "$images/base.img" 1 2 && source_is "$images/top.qcow2" &&
		hv blockcommit b1 vdb --shallow --pivot && source_is "$images/base.img" && end && holds raw "$images/base.img" 1 2 3 4
}
relative() {
	begin && hv blockcommit b1 vdb --top vdb[1] --base vdb[2] --wait --keep-relative && below_is "$images/top.qcow2" base.img &&
		hv blockpull b1 vdb --wait && end && holds qcow2 "$images/top.qcow2" 1 2 3 && hv start b1 && end
}
kept() {
	begin && hv blockcommit b1 vdb --active --keep-overlay --base vdb[1] | grep "Commit complete, overlay image kept" && agrees &&
		source_is "$images/top.qcow2" && guest_writes 4 3M && end && holds qcow2 "$images/mid.qcow2" 1 2 3 0 && holds qcow2 "$images/top.qcow2" 1 2 3 4
}
stepwise() {
	begin && hv blockcommit b1 vdb --active --wait | grep "Now in synchronized phase" && hv dumpxml b1 | grep "job=\"active-commit\"" &&
		hv blockjob b1 vdb --raw | grep "Active Block Commit" && guest_writes 4 3M &&
		! hv blockpull b1 vdb --wait && ! hv blockresize b1 vdb 128M &&
		orphan &&
		hv blockjob b1 vdb --pivot && source_is "$images/base.img" && agrees && guest_writes 5 4M && end && holds raw "$images/base.img" 1 2 3 4 5
}
aborted() {
	begin && hv blockcommit b1 vdb --active --wait && guest_writes 4 3M && hv blockjob b1 vdb --abort && agrees && source_is "$images/top.qcow2" &&
		guest_writes 5 4M && end && holds qcow2 "$images/top.qcow2" 1 2 3 4 5
}
pulled() {
	begin && hv blockpull b1 vdb --base base.img --wait && below_is "$images/top.qcow2" "$images/base.img" && agrees && guest_writes 4 3M &&
		hv blockpull b1 vdb --wait | grep "Pull complete" && below_is "$images/top.qcow2" "" && agrees && end &&
		rm "$images/mid.qcow2" "$images/base.img" && sound "$images/top.qcow2" && holds qcow2 "$images/top.qcow2" 1 2 3 4 && hv start b1 && end
}
copied() {
	begin && hv blockcopy b1 vdb --dest "$images/copy.qcow2" --wait --pivot | grep "Successfully pivoted" && source_is "$images/copy.qcow2" && agrees &&
		guest_writes 4 3M && hv blockcopy b1 vdb "$images/copy.raw" --format raw --finish | grep "Successfully copied" && agrees && guest_writes 5 4M &&
		source_is "$images/copy.qcow2" && end && holds qcow2 "$images/copy.qcow2" 1 2 3 4 5 && holds raw "$images/copy.raw" 1 2 3 4 0 &&
		sound "$images/copy.qcow2" && hv start b1 && end
}
shallow() {
	begin && hv blockcopy b1 vdb "$images/copy.qcow2" --shallow --wait | grep "Now in mirroring phase" && hv dumpxml b1 | grep "job=\"copy\"" &&
		guest_writes 4 3M && hv blockjob b1 vdb --pivot && source_is "$images/copy.qcow2" && agrees && below_is "$images/copy.qcow2" "$images/mid.qcow2" &&
		guest_writes 5 4M && hv blockcommit b1 vdb --pivot && source_is "$images/base.img" && end && holds raw "$images/base.img" 1 2 3 4 5
}
volume() {
	begin && hv blockcopy b1 vdb default/moved.qcow2 --pivot && source_is "$HVMUX_HOME/data/images/moved.qcow2" && hv vol-list default | grep moved &&
		hv blockcopy b1 vdb default/moved.qcow2 --pivot 2>&1 | grep "is in pool 'default' already" && end &&
		holds qcow2 "$HVMUX_HOME/data/images/moved.qcow2" 1 2 3 && rm "$HVMUX_HOME/data/images/moved.qcow2"
}
resized() {
	begin && hv blockresize b1 vdb 96M | grep "Block device 'vdb' is resized" && hv domblkinfo b1 vdb | grep "Capacity: *100663296" &&
		hv blockresize b1 vdb 98305 && hv domblkinfo b1 vdb | grep "Capacity: *100664320" &&
		! hv blockresize b1 vdb 64M 2>"$TEST_TMP/said" && grep -F -- "--shrink does it" "$TEST_TMP/said" && end
}
watched() {
	begin && {
		hv events b1 --event block-threshold --timeout 30 >"$TEST_TMP/events" &
		watcher=$!
	} && wait_for 20 crossed && guest_writes 5 8M && grep -F "event 'block-threshold' for domain 'b1': dev: vdb($images/top.qcow2) 65536" "$TEST_TMP/events"
	rc=$?
	end
	wait $watcher
	return $rc
}
# Told once per threshold: until whoever listens does.
crossed() { hv domblkthreshold b1 vdb 64K && guest_writes 4 3M && grep block-threshold "$TEST_TMP/events"; }

# A job so slow that it is there while the test looks: QEMU counts what it reads; the first megabyte goes in one piece.
slowly() { # VERB WORDS...: in the background of the machine
	verb=$1
	shift
	hv "$verb" b1 vdb "$@" --bandwidth 65536 --bytes >"$TEST_TMP/said" 2>&1 && job_runs "bandwidth=0" && hv blockjob b1 vdb --raw --bytes | grep "bandwidth=65536"
}
full_speed() { hv blockjob b1 vdb --bandwidth 0; }
begin_wide() { begin && hv qemu-monitor-command b1 --hmp "qemu-io -d virtio-disk1/virtio-backend \"write -P 7 8M 24M\""; }

cancelled() {
	begin_wide && slowly blockcommit --active && grep "Active Block Commit started" "$TEST_TMP/said" && hv blockjob b1 vdb --abort && agrees && source_is "$images/top.qcow2" &&
		slowly blockpull && hv domjobabort b1 && wait_for 20 agrees && slowly blockcopy "$images/copy.qcow2" && hv blockjob b1 vdb --abort && agrees &&
		[ ! -e "$images/copy.qcow2" ] && ! hv blockcopy b1 vdb "$images/copy.qcow2" --bandwidth 65536 --bytes --timeout 1 && agrees &&
		[ ! -e "$images/copy.qcow2" ] && source_is "$images/top.qcow2" && guest_writes 4 3M && end && sound "$images/top.qcow2" &&
		holds qcow2 "$images/top.qcow2" 1 2 3 4
}
# Its supervisor dies while a job goes on: the next one finishes it.
orphaned() {
	begin_wide && { hv blockcommit b1 vdb --pivot --bandwidth 65536 --bytes >/dev/null 2>&1 & } && wait_for 20 job_runs "type=Active Block Commit" &&
		orphan && full_speed && wait_for 30 source_is "$images/base.img" && wait_for 10 agrees && guest_writes 4 3M &&
		end && holds raw "$images/base.img" 1 2 3 4
}
orphaned_copy() {
	begin_wide && slowly blockcopy "$images/copy.qcow2" --shallow && orphan && full_speed &&
		wait_for 30 job_runs "end=" && wait_for 30 mirrors && hv blockjob b1 vdb --pivot && source_is "$images/copy.qcow2" && agrees && end && holds qcow2 "$images/copy.qcow2" 1 2 3
}
mirrors() { hv dumpxml b1 | grep "ready=\"yes\""; }
# QEMU dies in the middle, then both: what the definition names is whole, and what was made for it is gone.
lost() {
	begin_wide && slowly blockcopy "$images/copy.qcow2" && kill -KILL "$(json_number b1 qemu_pid)" && wait_for 20 gone && [ ! -e "$images/copy.qcow2" ] &&
		no_journal && hv domblklist --inactive b1 | grep "$images/top.qcow2" && hv start b1 && slowly blockcopy "$images/copy.qcow2" && qemu=$(json_number b1 qemu_pid) &&
		kill -KILL "$(supervisor)" "$qemu" && wait_for 20 gone && wait_for 20 no_copy && hv start b1 && agrees && end && holds qcow2 "$images/top.qcow2" 1 2 3
}
no_copy() { hv list --all >/dev/null && [ ! -e "$images/copy.qcow2" ] && no_journal; }
gone() { hv list >/dev/null && [ "$(hv domstate b1)" = crashed ]; }

shared() { # another domain is made of our middle
	sed "s#<name>b1#<name>b2#; s#$images/top.qcow2#$images/other.qcow2#" "$TEST_TMP/b1.xml" >"$TEST_TMP/b2.xml"
	qemu-img create -q -f qcow2 -b "$images/mid.qcow2" -F qcow2 "$images/other.qcow2" && hv define "$TEST_TMP/b2.xml" >/dev/null &&
		fails "belongs to another domain, too, which would lose it: b2 (vdb" blockcommit b1 vdb --pivot &&
		fails "which would lose it" blockcommit b1 vdb --pivot --base mid.qcow2 && fails "which would lose it" blockcopy b1 vdb "$images/other.qcow2" --reuse-external
	rc=$?
	hv undefine b2 >/dev/null && rm "$images/other.qcow2"
	return $rc
}
words() {
	touch "$images/there" && fails "requires active flag" blockcommit b1 vdb && fails "is there already" blockcopy b1 vdb "$images/there" &&
		fails "no current block job" blockjob b1 vdb --abort && fails "could not find image" blockcommit b1 vdb --base /etc/passwd --pivot &&
		fails "invalid path vdz" blockcommit b1 vdz --pivot && fails "power of 2" blockcopy b1 vdb /x --granularity 1000 &&
		fails "mutually exclusive" blockcommit b1 vdb --pivot --keep-overlay && fails "Scaled numeric value" blockresize b1 vdb many &&
		fails "is read-only" blockresize b1 vda 2M
}
refusals() {
	begin && shared && words
	rc=$?
	end
	fails "domain is not running" blockpull b1 vdb || rc=1
	return $rc
}
fails() {
	text=$1
	shift
	hv "$@" >"$TEST_TMP/said" 2>&1 && return 1
	grep -F "$text" "$TEST_TMP/said" || { cat "$TEST_TMP/said"; return 1; }
}

# What only is read below a disk is open to write while a job needs it, and no longer.
writable() {
	for f in /proc/"$(json_number b1 qemu_pid)"/fd/*; do
		[ "$(readlink "$f")" = "$1" ] || continue
		case $(sed -n 's/^flags:[[:space:]]*//p' "/proc/$(json_number b1 qemu_pid)/fdinfo/${f##*/}") in *[12]) return 0 ;; esac
	done
	return 1
}
guarded() {
	begin && ! writable "$images/base.img" && hv blockcommit b1 vdb --keep-overlay && ! writable "$images/base.img" && hv blockcommit b1 vdb --active --wait &&
		writable "$images/base.img" && hv blockjob b1 vdb --abort && ! writable "$images/base.img" && hv blockcommit b1 vdb --top vdb[1] --wait &&
		! writable "$images/base.img" && hv blockcommit b1 vdb --pivot && writable "$images/base.img" && guest_writes 4 3M && end && holds raw "$images/base.img" 1 2 3 4
}
all() {
	check "$1: what the guest writes to is committed" committed
	check "$1: what lies below is committed, then the rest" below
	check "$1: relative names stay" relative
	check "$1: an overlay that is kept" kept
	check "$1: a commit that waits for its pivot, with another supervisor" stepwise
	check "$1: … that is aborted" aborted
	check "$1: pulled, a part and all of it" pulled
	check "$1: copied and moved" copied
	check "$1: a shallow copy" shallow
	check "$1: resized" resized
	check "$1: cancelled in the middle" cancelled
	check "$1: the supervisor killed in the middle of a commit" orphaned
	check "$1: … of a copy" orphaned_copy
	check "$1: QEMU killed in the middle" lost
	check "$1: QEMU killed right behind what is done" kept
}
all "as we are"
check "moved to a pool" volume
check "a word when it fills up" watched
check "refusals" refusals
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chmod 700 "$TEST_TMP"
	echo 'qemu_user = "nobody"' >"$HVMUX_HOME/etc/hvmux.conf"
	all "as another user"
	check "what is below is open to write while it must be" guarded
else
	tap_skip "as another user" "only root can make QEMU another user"
fi
# --- a Linux guest: what it reads and writes stays the same whatever its disk is made of ---------------------
linux_begin() {
	qemu-img create -q -f qcow2 "$images/l.qcow2" 64M && define_linux l1 "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source \
		file='$images/l.qcow2'/><target dev='vda' bus='virtio'/></disk>" >/dev/null && hv start l1 >/dev/null && guest_login l1 >/dev/null
}
# Where each of eight megabytes has its own number; sync: it is on the disk.
put() { guest_run l1 "for i in $1; do dd if=/dev/zero bs=1M count=1 2>/dev/null | tr '\\0' \$i | dd of=/dev/vda bs=1M seek=\$i conv=notrunc,fsync 2>/dev/null; done"; }
sum() { guest_run l1 "echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vda"; }
same() { now=$(sum | grep -o '[0-9a-f]\{32\}') && [ -n "$now" ] && [ "$now" = "$1" ] || { echo "'$now' is not '$1'"; return 1; }; }
linux() {
	linux_begin && put "1 2" && hv snapshot-create-as l1 s1 --disk-only --no-metadata && put "3 4" && hv snapshot-create-as l1 s2 --disk-only --no-metadata &&
		put "5 6" && was=$(sum | grep -o '[0-9a-f]\{32\}') && hv blockcommit l1 vda --top 'vda[1]' --wait && same "$was" &&
		hv blockpull l1 vda --wait && same "$was" && hv blockcopy l1 vda "$images/l-copy.qcow2" --pivot && same "$was" &&
		hv snapshot-create-as l1 s3 --disk-only --no-metadata --diskspec "vda,file=$images/l-over.qcow2" && put "7" && ! same "$was" &&
		was=$(sum | grep -o '[0-9a-f]\{32\}') && hv blockcommit l1 vda --pivot --delete && same "$was" && [ ! -e "$images/l-over.qcow2" ] &&
		hv domblklist l1 | grep "$images/l-copy.qcow2" && hv blockresize l1 vda 96M && wait_for 20 guest_says l1 196608 "cat /sys/block/vda/size"
	rc=$?
	hv destroy l1 >/dev/null
	[ $rc -eq 0 ] && sound "$images/l-copy.qcow2"
}
if [ -r "$guest/initramfs" ]; then
	check "a Linux guest reads what it wrote, through commit, pull, copy and resize" linux
else
	tap_skip "a Linux guest" "no kernel or no busybox here"
fi
tap_done
