#!/bin/sh
# A run whose writes are discarded, and a disk that is transient.
. "$(dirname "$0")/../qemu/lib.sh"

disk=$TEST_TMP/data.img
overlays=$HVMUX_HOME/data/throwaway
# writer NAME [MORE]: a guest with a disk of its own, on which "fill" writes.
writer() {
	define_bootsect "$1" >/dev/null && sed -i -e "s#<boot dev='hd'/>##;s#<readonly/>#&<boot order='1'/>#" -e "s#</devices>#<disk \
		type='file' device='disk'><driver name='qemu' type='raw'/><source file='$disk'/><target dev='vdb' bus='virtio'/>\
		<boot order='2'/>${2:-}</disk></devices>#" "$TEST_TMP/$1.xml" && hv define "$TEST_TMP/$1.xml"
}
fill() { wait_screen "$1" COM1 90 && type_line "$1" fill && wait_screen "$1" "!" 60; }
unwritten() { cmp "$disk" "$TEST_TMP/before" && [ -z "$(ls "$overlays" 2>/dev/null)" ]; }
written() { ! cmp -s "$disk" "$TEST_TMP/before"; }
# The guest writes zeroes.
fresh() { head -c 4194304 /dev/zero | tr '\0' x >"$disk" && cp "$disk" "$TEST_TMP/before"; }

discarded() {
	fresh && writer t1 && hv start --throwaway t1 && fill t1 && [ "$(stat -c %s "$overlays/t1/vdb.qcow2")" -gt 1000000 ] &&
		hv dominfo t1 | grep "^Throwaway: *yes" && hv dumpxml t1 | grep -F "$disk" && hv destroy t1 && unwritten
}
next_run_writes() { hv start t1 && fill t1 && ! hv dominfo t1 | grep Throwaway && hv destroy t1 && written; }
# Its supervisor, and then everything, is killed: what is left is removed by whoever settles it.
killed() {
	fresh && hv start --throwaway t1 && fill t1 && kill -KILL "$(json_number t1 supervisor_pid)" && wait_for 20 adopted &&
		hv dominfo t1 | grep "^Throwaway: *yes" && qemu=$(json_number t1 qemu_pid) &&
		kill -KILL "$(json_number t1 supervisor_pid)" "$qemu" && wait_for 20 settled && unwritten
}
adopted() { hv list >/dev/null && [ -n "$(json_number t1 supervisor_pid)" ]; }
settled() { hv list >/dev/null && state_is t1 crashed; }
transient() { fresh && writer t2 "<transient/>" && hv start t2 && fill t2 && hv destroy t2 && unwritten; }
refused() {
	writer t3 "<shareable/>" && check_refused
}
check_refused() {
	hv start --throwaway t3 2>"$TEST_TMP/words" && return 1
	cat "$TEST_TMP/words"
	grep -qF "what is written to disk 'vdb' cannot be discarded: other domains share it" "$TEST_TMP/words" && hv start t3 && hv destroy t3
}
check "what is written is discarded" discarded
check "the next run writes" next_run_writes
check "killed: nothing is left behind" killed
check "a <transient/> disk" transient
check "a shared disk is refused" refused
tap_done
