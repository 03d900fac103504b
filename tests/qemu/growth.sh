#!/bin/sh
# What is recorded of a running domain's images and of the folder that they lie in.
. "$(dirname "$0")/../qemu/lib.sh"

disk=$TEST_TMP/data.img
truncate -s 8M "$disk" && head -c 1048576 /dev/urandom | dd of="$disk" conv=notrunc status=none
define_bootsect g1 >/dev/null && sed -i "s#</devices>#<disk type='file' device='disk'><driver name='qemu' type='raw'/><source \
	file='$disk'/><target dev='vdb' bus='virtio'/></disk></devices>#" "$TEST_TMP/g1.xml" && hv define "$TEST_TMP/g1.xml" >/dev/null
told() { hv growth >"$TEST_TMP/words" 2>&1 && cat "$TEST_TMP/words" && grep -qF "$disk" "$TEST_TMP/words"; }
recorded() { hv start g1 && hv growth-record g1 && told && grep -E "^ $TEST_TMP +" "$TEST_TMP/words"; }
figures() { hv growth "$disk" --json | tr -d ' \n' | grep -F '"used":1048576,"capacity":8388608'; }
unknown() { ! hv growth /nowhere 2>"$TEST_TMP/words" && grep -F "nothing is recorded of '/nowhere'" "$TEST_TMP/words"; }
off() { hv destroy g1 && ! hv growth-record g1; }
check "nothing yet" hv growth
check "recorded" recorded
check "figures" figures
check "what is not known" unknown
check "of a domain that is off" off
tap_done
