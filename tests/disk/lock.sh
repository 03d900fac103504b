#!/bin/sh
# QEMU's locks: what a running VM uses is not read by mistake and never written; what we hold, QEMU leaves alone.
. "$(dirname "$0")/lib.sh"
need_program qemu-system-x86_64
need_program qemu-io

qemu_pid="" holder_pid=""
stop() {
	for stop_pid in $qemu_pid $holder_pid; do
		kill "$stop_pid" 2>/dev/null && wait "$stop_pid" 2>/dev/null
	done
	qemu_pid="" holder_pid=""
}
trap 'stop; cleanup' EXIT

real create -q -f qcow2 base.qcow2 10M
real create -q -f qcow2 -b base.qcow2 -F qcow2 vm.qcow2
real create -q -f qcow2 -b base.qcow2 -F qcow2 other.qcow2
real create -q -f qcow2 -b vm.qcow2 -F qcow2 above.qcow2
real create -q -f qcow2 free.qcow2 10M
real create -q -f raw disk.raw 1M

locked() { grep -q ":$(stat -c %i vm.qcow2) 10[01] 101" /proc/locks; }
qemu-system-x86_64 -nodefaults -display none -S -machine pc,accel=tcg -drive file=vm.qcow2,format=qcow2,if=virtio \
	-drive file=disk.raw,format=raw,if=virtio &
qemu_pid=$!
wait_for 30 locked || tap_skip_all "QEMU takes no locks on this file system"

# A running VM's own image, and what lies above it.
check_fails "info of a running VM's image" 1 'Failed to get shared "write" lock' img info vm.qcow2
check_fails "-U is named where there is one" 2 "(-U reads it all the same)" img compare vm.qcow2 free.qcow2
check "info -U" img info -U vm.qcow2
check_fails "map of it" 1 'Failed to get shared "write" lock' img map vm.qcow2
check "map -U" img map -U vm.qcow2
no_dash_u() { ! img resize vm.qcow2 20M 2>words && grep lock words && ! grep -e -U words; }
check "… and not where there is none" no_dash_u
check_fails "resize" 1 'lock' img resize vm.qcow2 20M
check_fails "snapshot" 1 'lock' img snapshot -c x vm.qcow2
check_fails "an image on top of it is not read" 1 'lock' img map above.qcow2
check_fails "nor resized, as it is read below" 1 'lock' img resize above.qcow2 20M
check_fails "nor rebased" 1 'lock' img rebase -b free.qcow2 -F qcow2 above.qcow2
check_fails "nor committed" 1 'lock' img commit above.qcow2
check "info of that" img info above.qcow2
# -U is for those who read.
check_fails "snapshot -U -c" 1 'lock' img snapshot -U -c x vm.qcow2
check_fails "check -U -r all" 1 'lock' img check -U -r all vm.qcow2
check_fails "rebase -U" 1 'lock' img rebase -U -u -b free.qcow2 -F qcow2 vm.qcow2
check "check -U" img check -U vm.qcow2
check_fails "create over it" 1 'lock' img create -f qcow2 vm.qcow2 1M
check_fails "create over its raw disk" 1 'lock' img create -f raw disk.raw 1M
check_fails "resize of its raw disk" 1 'lock' img resize -f raw disk.raw 2M
check "nothing was written" sh -c 'qemu-img info -U vm.qcow2 | grep -q "virtual size: 10 MiB" && [ $(stat -c %s disk.raw) = 1048576 ]'
# Its base is read by many, written by none.
check "info of its base" img info base.qcow2
check "an image on the same base" img map other.qcow2
check_fails "its base is not resized" 1 'lock' img resize base.qcow2 20M
check_fails "nor committed to" 1 'lock' img commit other.qcow2
check "what it does not use" img resize free.qcow2 20M
stop
check "when it has ended" img resize vm.qcow2 20M
check "its base, too" img resize base.qcow2 20M

# Ours are QEMU's, too.
"$HVMUX_BUILD/tests/disk/imghold" free.qcow2 write &
holder_pid=$!
wait_for 10 sh -c "grep -q ':$(stat -c %i free.qcow2) 10[01] 101' /proc/locks"
check_fails "QEMU does not read what we write" 1 'Failed to get shared "write" lock' real info free.qcow2
check_fails "nor write" 1 'Failed to get "write" lock' qemu-io -c 'write 0 512' free.qcow2
check "but with -U" real info -U free.qcow2
stop
"$HVMUX_BUILD/tests/disk/imghold" free.qcow2 read &
holder_pid=$!
wait_for 10 sh -c "grep -q ':$(stat -c %i free.qcow2) 201 201' /proc/locks"
check_fails "QEMU does not write what we read" 1 'Failed to get "write" lock' qemu-io -c 'write 0 512' free.qcow2
check "it reads it" real check -q free.qcow2
check "so do we" img info free.qcow2
stop
check "all are gone with the process" qemu-io -c 'write 0 512' free.qcow2
tap_done
