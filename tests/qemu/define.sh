#!/bin/sh
# Definitions: what define, undefine, dumpxml and domxml-to-native take, refuse and print, as virsh's users know it.
. "$(dirname "$0")/lib.sh"
cd "$TEST_TMP" || exit 2

# document NAME [MORE]: a definition in NAME.xml, MORE among its devices.
document() {
	cat >"$1.xml" <<-END
		<domain type='qemu'>
		  <name>$1</name>
		  <memory unit='MiB'>8</memory>
		  <os><type arch='x86_64' machine='pc'>hvm</type></os>
		  <features><acpi/></features>
		  <devices>${2:-}</devices>
		</domain>
	END
}
prints() { [ "$("$HVMUX" $2 2>/dev/null | sed '/^$/d')" = "$1" ]; }
uuid_of() { "$HVMUX" dumpxml "$1" | sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p'; }
same_uuid() { [ -n "$1" ] && [ "$1" = "$2" ]; }

document web1
check "define says so in virsh's words" prints "Domain 'web1' defined from web1.xml" "define web1.xml"
first=$(uuid_of web1)
check "define again is a change" "$HVMUX" define web1.xml
check "a name keeps its uuid" same_uuid "$first" "$(uuid_of web1)"
check "dumpxml can be defined again" sh -c '"$HVMUX" dumpxml web1 >again.xml && "$HVMUX" define again.xml'
sed "s|<name>web1|<name>other|" again.xml >taken.xml
check_fails "a uuid is taken once" 1 "domain 'web1' is already defined with uuid $first" "$HVMUX" define taken.xml
sed "s|<uuid>.|<uuid>f|; s|<uuid>.......|<uuid>fffffff|" again.xml >changed.xml
check_fails "a name's uuid does not change" 1 "domain 'web1' already exists with uuid $first" "$HVMUX" define changed.xml

document net1 "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
document net2 "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
check "a domain with a card" "$HVMUX" define net1.xml
check_fails "a MAC address is taken once" 1 "is the one of domain 'net1'" "$HVMUX" define net2.xml

document gizmo1 "<gizmo model='x'/>"
check_fails "hardware that is not supported: file, line, element" 1 "gizmo1.xml:6: <gizmo>:" "$HVMUX" define gizmo1.xml
check_fails "... is a warning if wished" 0 "gizmo1.xml:6: <gizmo>: this kind of device is not supported; ignored" \
	"$HVMUX" define --ignore-unsupported gizmo1.xml
check_fails "... and stays in the document" 0 "<gizmo" "$HVMUX" dumpxml gizmo1
check "... nor is it asked for again when it starts" "$HVMUX" start --paused gizmo1
check "... its end" "$HVMUX" destroy gizmo1
# Copied into place by hand, never defined: hardware is not left out in silence.
sed 's/gizmo1/byhand/' gizmo1.xml >"$HVMUX_HOME/etc/domains/byhand.xml"
check_fails "a document copied into place is refused at its start" 1 "byhand.xml:6: <gizmo>:" "$HVMUX" start byhand
sed 's/gizmo1/other/; s/<gizmo[^>]*>//' gizmo1.xml >"$HVMUX_HOME/etc/domains/byhand.xml"
check_fails "... or whose name is another" 1 "named 'other'" "$HVMUX" start byhand
document byhand "<interface type='user'/>"
cp byhand.xml "$HVMUX_HOME/etc/domains/"
identity() { "$HVMUX" dumpxml --inactive byhand | grep -E "<uuid>|<mac " | sort; }
check "a good one starts" "$HVMUX" start --paused byhand
given=$(identity)
check "... and is given uuid and MAC address" test "$(echo "$given" | wc -l)" -eq 2
check "... its end" "$HVMUX" destroy byhand
check "... starts again" "$HVMUX" start --paused byhand
check "... as the same machine" test "$given" = "$(identity)"
check "... its end" "$HVMUX" destroy byhand
check "... undefine" "$HVMUX" undefine byhand
check_fails "a file that is not there" 1 "none.xml" "$HVMUX" define none.xml
check_fails "several: the good ones are defined" 1 "Domain 'net1' defined" "$HVMUX" define none.xml net1.xml
check "from standard input" sh -c '"$HVMUX" define - <net1.xml'
check "from /dev/stdin, as others spell it" sh -c 'cat net1.xml | "$HVMUX" define /dev/stdin'
check "from a pipe by its name" sh -c 'mkfifo pipe1 && { cat net1.xml >pipe1 & } && "$HVMUX" define pipe1'
check_fails "a folder is no document" 1 "cannot read '.': not a regular file" "$HVMUX" define .
check_fails "define without a file is wrong usage" 2 "" "$HVMUX" define

check_fails "domxml-to-native of a file" 0 "-name guest=net1,debug-threads=on" \
	"$HVMUX" domxml-to-native qemu-argv --xml net1.xml
check_fails "domxml-to-native of a domain" 0 "mac=52:54:00:00:00:01" "$HVMUX" domxml-to-native qemu-argv net1
check_fails "only one format" 2 "qemu-argv" "$HVMUX" domxml-to-native xen-xl net1
check_fails "neither file nor domain is wrong usage" 2 "" "$HVMUX" domxml-to-native qemu-argv

for d in a b; do
	document $d "<disk type='file'><source file='$TEST_TMP/shared.img'/><target dev='vda'/></disk>
		<disk type='file'><source file='$TEST_TMP/$d.img'/><target dev='vdb'/></disk>
		<disk type='file'><source file='$TEST_TMP/ro.img'/><target dev='vdc'/><readonly/></disk>"
	: >$d.img
done
: >shared.img
: >ro.img
check "two domains with a common disk" "$HVMUX" define a.xml b.xml
check_fails "undefine --remove-all-storage tells what stays" 0 "ro.img) is read only and stays." \
	"$HVMUX" undefine a --remove-all-storage
check "removes the domain's own disk" test ! -e a.img
check "keeps another's, and what is read only" test -e shared.img -a -e ro.img -a -e b.img
check "the last one takes the common disk along" "$HVMUX" undefine b --remove-all-storage
check "which is gone" test ! -e shared.img -a -e ro.img
if command -v qemu-img >/dev/null; then
	qemu-img create -q -f qcow2 base.qcow2 1M
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 over.qcow2
	document base "<disk type='file'><driver name='qemu' type='qcow2'/><source file='$TEST_TMP/base.qcow2'/><target dev='vda'/></disk>"
	document over "<disk type='file'><driver name='qemu' type='qcow2'/><source file='$TEST_TMP/over.qcow2'/><target dev='vda'/></disk>"
	check "an overlay of another's disk" "$HVMUX" define base.xml over.xml
	check_fails "the disk under it stays" 0 "used by other domains" "$HVMUX" undefine base --remove-all-storage
	check "as a file" test -e base.qcow2
	check "the overlay goes" "$HVMUX" undefine over --remove-all-storage
else
	tap_skip "the disk under an overlay stays" "no qemu-img here"
fi
check "undefine says so in virsh's words" prints "Domain 'net1' has been undefined" "undefine net1"
check "undefine with virsh's options" "$HVMUX" undefine web1 --snapshots-metadata --nvram --managed-save
check_fails "an unknown domain" 1 "failed to get domain 'web1'" "$HVMUX" undefine web1
check_fails "dumpxml of an unknown domain" 1 "failed to get domain 'web1'" "$HVMUX" dumpxml web1

document live1 "<serial type='pty'/>"
check "a domain that will run" "$HVMUX" define live1.xml
check "starts" "$HVMUX" start live1 --paused
running=$(uuid_of live1)
check_fails "its storage stays while it runs" 1 "stopped domains" "$HVMUX" undefine live1 --remove-all-storage
check "undefine leaves it running" "$HVMUX" undefine live1
check_fails "... without a definition" 0 "Persistent:     no" "$HVMUX" dominfo live1
check_fails "... its document is still there" 0 "<name>live1</name>" "$HVMUX" dumpxml live1
check_fails "... undefining once more" 1 "runs without a definition" "$HVMUX" undefine live1
check "defining it again" "$HVMUX" define live1.xml
check "keeps the uuid that it runs with" same_uuid "$running" "$("$HVMUX" dumpxml live1 --inactive | sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p')"
check "end" "$HVMUX" destroy live1
tap_done
