#!/bin/sh
# Clones with real images and guests: full, linked, of a running domain; what they must not do to each other.
. "$(dirname "$0")/../qemu/lib.sh"
need_program qemu-img
need_program qemu-io

images=$TEST_TMP/images
mkdir "$images"
a=$images/o1.qcow2
# original NAME: a boot sector guest with a chain of two images, a raw disk, and a CD-ROM.
original() {
	qemu-img create -q -f qcow2 "$images/base.qcow2" 8M && qemu-io -f qcow2 -c 'write -q -P 0x41 0 1M' "$images/base.qcow2" &&
		qemu-img create -q -f qcow2 -b "$images/base.qcow2" -F qcow2 "$a" && qemu-io -f qcow2 -c 'write -q -P 0x42 1M 1M' "$a" &&
		head -c 3145728 /dev/urandom >"$images/data.img" && chmod 640 "$images/data.img" && echo iso >"$images/cd.iso" &&
		define_bootsect o1 >/dev/null && sed -i "s#</devices>#\
		<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$a'/><target dev='vdb' bus='virtio'/></disk>\
		<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$images/data.img'/><target dev='vdc' bus='virtio'/></disk>\
		<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='$images/cd.iso'/><target dev='hda' bus='ide'/><readonly/></disk>\
		<interface type='user'><mac address='52:54:00:aa:bb:cc'/><model type='virtio'/></interface></devices>#" "$TEST_TMP/o1.xml" &&
		hv define "$TEST_TMP/o1.xml"
}
has() { hv dumpxml "$1" >"$TEST_TMP/xml" && grep -qF -- "$2" "$TEST_TMP/xml" || { cat "$TEST_TMP/xml"; return 1; }; }
lacks() { hv dumpxml "$1" >"$TEST_TMP/xml" && ! grep -F -- "$2" "$TEST_TMP/xml"; }
same() { qemu-img compare -q "$1" "$2"; }
refused() { ! "$@" 2>"$TEST_TMP/words" && cat "$TEST_TMP/words"; }
words() { grep -qF -- "$1" "$TEST_TMP/words"; }
mac_differs() { lacks "$1" "52:54:00:aa:bb:cc" && has "$1" "<mac address="; }

full() {
	hv clone o1 --name c1 && same "$a" "$images/c1.qcow2" && cmp "$images/data.img" "$images/data-c1.img" &&
		! qemu-img info "$images/c1.qcow2" | grep backing && [ "$(stat -c %a "$images/data-c1.img")" = 640 ]
}
document() {
	has c1 "$images/c1.qcow2" && has c1 "$images/data-c1.img" && has c1 "$images/cd.iso" && mac_differs c1 &&
		[ "$(hv domuuid c1)" != "$(hv domuuid o1)" ]
}
runs() { hv start o1 && hv start c1 && hv destroy c1 && hv destroy o1; }
virt_clone() {
	ln -s "$HVMUX" "$TEST_TMP/virt-clone" && "$TEST_TMP/virt-clone" -o o1 -n c2 -f "$images/x.qcow2" -f "$images/y.img" \
		-m 52:54:00:01:02:03 >"$TEST_TMP/words" && words "Clone 'c2' created successfully." && has c2 52:54:00:01:02:03 &&
		same "$a" "$images/x.qcow2" && hv undefine c2 --remove-all-storage
}
auto() { hv clone o1 --auto && has o1-clone "$images/o1-clone.qcow2" && hv undefine o1-clone --remove-all-storage; }
nothing_left() { refused hv clone o1 --name c3 -f "$images/new.qcow2" -f /nowhere/new.img && [ ! -e "$images/new.qcow2" ] && ! hv dominfo c3; }
taken() { refused hv clone o1 --name c1 && words "is there already"; }
dry() { hv clone o1 --name c4 --dry-run >"$TEST_TMP/words" && words copied && words shared && [ ! -e "$images/c4.qcow2" ]; }

linked() {
	hv clone o1 --name l1 --linked && qemu-img info "$images/l1.qcow2" | grep -F "backing file: $a" &&
		same "$a" "$images/l1.qcow2" && [ "$(stat -c %s "$images/l1.qcow2")" -lt 1000000 ]
}
guarded() { refused hv start o1 && words "is the base of '$images/l1.qcow2'" && hv start l1 && hv destroy l1; }
throwaway() { hv start o1 --throwaway && hv destroy o1; }
stands_alone() { hv undefine l1 --remove-all-storage && hv start o1 && hv destroy o1; }

running() {
	hv start o1 && refused hv clone o1 --name r1 && words "--pause" && refused hv clone o1 --name r1 --linked && words "is running" &&
		hv clone o1 --name r1 --pause && state_is o1 running && same_shared && hv destroy o1 && hv start r1 && hv destroy r1
}
same_shared() { qemu-img compare -q -U "$a" "$images/r1.qcow2"; }
# Has the process made that many system calls that read, or ended?
busy() { [ "$(awk '/^syscr/ {print $2}' "/proc/$1/io" 2>/dev/null || echo 99999)" -ge $(($2 * 10)) ]; }
# A clone killed at any moment leaves no half domain, and no half image under its name.
killed() {
	for i in 0 1 2 3 4 5; do
		"$HVMUX" clone o1 --name "k$i" >/dev/null 2>&1 &
		pid=$!
		[ $i -eq 0 ] || wait_for 10 busy $pid $((i * 3))
		kill -KILL $pid 2>/dev/null
		wait $pid
		[ ! -e "$images/k$i.qcow2" ] || same "$a" "$images/k$i.qcow2" || return 1
		hv dominfo "k$i" >/dev/null 2>&1 && { same "$a" "$images/k$i.qcow2" || return 1; }
	done
	true
}
# Nobody who only reads is in another's way.
together() {
	hv clone o1 --name p1 >"$TEST_TMP/p1" 2>&1 &
	pid=$!
	hv clone o1 --name p2 && wait $pid && same "$a" "$images/p1.qcow2" && same "$a" "$images/p2.qcow2"
}
# Of two that are to have one name, the one that comes late takes nothing from the first.
twins() {
	hv clone o1 --name t1 >"$TEST_TMP/t1" 2>&1 &
	pid=$!
	made=0
	hv clone o1 --name t1 && made=1
	wait $pid && made=$((made + 1))
	[ $made -eq 1 ] && same "$a" "$images/t1.qcow2" && cmp "$images/data.img" "$images/data-t1.img"
}
job() {
	hv job-start clone o1 --name j1 && hv job-info 1 --wait && has j1 "$images/j1.qcow2" && hv jobs | grep "done" &&
		same "$a" "$images/j1.qcow2"
}

check "an original" original
check "a full clone" full
check "the clone's document" document
check "both run" runs
check "virt-clone's options" virt_clone
check "a name by itself" auto
check "a clone that fails leaves nothing" nothing_left
check "a name that is taken" taken
check "a dry run" dry
check "a linked clone" linked
check "its base is guarded" guarded
check "its base may run when nothing is written" throwaway
check "without clones the base is free" stands_alone
check "a running domain" running
check "kill -9" killed
check "two at a time" together
check "two of one name" twins
check "as a job" job
tap_done
