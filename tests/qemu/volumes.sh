#!/bin/sh
# Disks that name a pool and a volume.
. "$(dirname "$0")/../qemu/lib.sh"

mkdir "$TEST_TMP/pool"
disk=$TEST_TMP/pool/v.qcow2
hv pool-define-as p1 dir --target "$TEST_TMP/pool" >/dev/null
define_bootsect v1 >/dev/null && sed -i "s#</devices>#<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source \
	pool='p1' volume='v.qcow2'/><target dev='vdb' bus='virtio'/></disk></devices>#" "$TEST_TMP/v1.xml" && hv define "$TEST_TMP/v1.xml" >/dev/null
words() { cat "$TEST_TMP/words" && grep -qF -- "$1" "$TEST_TMP/words"; }
refused() { ! hv start v1 2>"$TEST_TMP/words" && words "$1"; }
starts() {
	hv img create -f qcow2 "$disk" 8M && hv start v1 && tr '\0' '\n' <"/proc/$(json_number v1 qemu_pid)/cmdline" | grep -F "$disk" &&
		hv dumpxml v1 | grep -F 'volume="v.qcow2"'
}
in_use() { ! hv vol-delete v.qcow2 p1 2>"$TEST_TMP/words" && words v1; }
throwaway() { hv destroy v1 && hv start v1 --throwaway && hv destroy v1; }
linked() {
	hv vol-create-as p1 top.qcow2 8M --format qcow2 --backing-vol v.qcow2 --backing-vol-format qcow2 && refused "is the base of '$TEST_TMP/pool/top.qcow2'" &&
		hv vol-delete top.qcow2 p1 --now && hv start v1 && hv destroy v1
}
cloned() { hv clone v1 --name v2 && [ -e "$TEST_TMP/pool/v-v2.qcow2" ] && hv start v2 && hv destroy v2; }

check "a pool that is not active" refused "storage pool 'p1' with its volume 'v.qcow2' is not active"
check "the pool starts" hv pool-start p1
check "a volume that is not there" refused "disk 'vdb', volume 'v.qcow2' of pool 'p1'"
check "a volume" starts
check "its user is known" in_use
check "a throwaway run of it" throwaway
check "while a volume stands on it, it is not written" linked
check "a clone of it" cloned
tap_done
