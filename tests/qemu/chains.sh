#!/bin/sh
# A guest that broke out of QEMU writes the header of its image: what that names is not opened.
. "$(dirname "$0")/../qemu/lib.sh"
need_program qemu-img

disk=$TEST_TMP/data.qcow2
secret=$TEST_TMP/secret.raw
memory=$HVMUX_HOME/data/chains
head -c 1048576 /dev/zero >"$secret"
# holder NAME [FORMAT]: a guest with that disk.
holder() {
	define_bootsect "$1" >/dev/null && sed -i -e "s#</devices>#<disk type='file' device='disk'><driver name='qemu' \
		type='${2:-qcow2}'/><source file='$disk'/><target dev='vdb' bus='virtio'/></disk></devices>#" \
		"$TEST_TMP/$1.xml" && hv define "$TEST_TMP/$1.xml"
}
fresh() { qemu-img create -q -f qcow2 "$disk" 1M; }
# The header of another image with the same tables, as a QEMU in a guest's hands would write it.
evil() {
	qemu-img create -q -f qcow2 -b "$secret" -F raw "$TEST_TMP/evil.qcow2" 1M &&
		dd if="$TEST_TMP/evil.qcow2" of="$disk" bs=64K count=1 conv=notrunc status=none
}
remembered() { [ "$(ls "$memory" 2>/dev/null | wc -l)" -eq "$1" ]; }
words() { cat "$TEST_TMP/words" && grep -qF -- "$1" "$TEST_TMP/words"; }
refused() { ! hv start c1 2>"$TEST_TMP/words" && words "$1"; }

unchanged() { fresh && holder c1 && hv start c1 && remembered 1 && hv destroy c1 && remembered 0 && hv start c1 && hv destroy c1; }
changed() {
	hv start c1 && evil && hv destroy c1 && refused "names '$secret' (raw)" && words "named no other file" &&
		words "hvmux start c1 --accept-chains" && grep -q "what=chain-changed" "$HVMUX_HOME/log/c1/audit.log"
}
# Another domain with the same image does not open it either.
elsewhere() { holder c2 && ! hv start c2 2>"$TEST_TMP/words" && words "when domain 'c1' was last started"; }
put_back() { qemu-img rebase -u -b "" "$disk" && hv start c1 && hv destroy c1 && remembered 0; }
accepted() {
	hv start c1 && evil && hv destroy c1 && refused "names '$secret'" && hv start c1 --accept-chains && hv destroy c1 &&
		hv start c1 && hv destroy c1
}
# The operator's own changes while it is off are nobody else's business.
operators() { qemu-img rebase -u -b "" "$disk" && hv start c1 && hv destroy c1; }
# Everything is killed: what the guest changed is seen at the next start.
killed() {
	fresh && hv start c1 && evil && qemu=$(json_number c1 qemu_pid) &&
		kill -KILL "$(json_number c1 supervisor_pid)" "$qemu" && wait_for 20 settled && refused "names '$secret'"
}
settled() { hv list >/dev/null && state_is c1 crashed; }
no_format() {
	fresh && hv start c1 --accept-chains && hv destroy c1 && qemu-img rebase -u -b "$secret" -F raw "$disk" &&
		forget_format && refused "does not say of which format"
}
# Version 2 headers made by old programs lack the extension: its type becomes one that nobody knows.
forget_format() {
	at=$(LC_ALL=C grep -aboF "$(printf '\342\171\052\312')" "$disk" | head -1 | cut -d: -f1) && [ -n "$at" ] &&
		printf '\001\001\001\001' | dd of="$disk" bs=1 seek="$at" conv=notrunc status=none
}
# An overlay that nothing is remembered of, or what it holds, does not make an honest image of it.
covered() {
	fresh && hv start c1 --accept-chains && evil && hv destroy c1 && refused "names '$secret'" &&
		! hv snapshot-create-as c1 over --disk-only 2>"$TEST_TMP/words" && words "names '$secret'" &&
		[ ! -e "$TEST_TMP/data.over" ] && refused "names '$secret'"
}
# A raw disk's beginning is the guest's: nothing in it is believed, nor remembered.
raw() { fresh && evil && holder c3 raw && hv start c3 && remembered 0 && hv destroy c3; }

check "an image that stays as it was" unchanged
check "a header that was changed is refused" changed
check "to other domains, too" elsewhere
check "put back, it starts" put_back
check "accepted, it starts" accepted
check "what an operator changes is not suspected" operators
check "a change is seen after everything was killed" killed
check "a snapshot while it is off does not cover it" covered
rm -rf "$memory"
check "a backing file of no told format is refused" no_format
check "a raw disk has no header" raw
tap_done
