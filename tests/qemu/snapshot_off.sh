#!/bin/sh
# Snapshots of a domain that is off: inside of images and in overlays, gone back to and merged, by schedule; contents read by qemu-io.
. "$(dirname "$0")/lib.sh"
need_program qemu-img
need_program qemu-io

img=$TEST_TMP/img
mkdir -p "$img"
# define NAME DISK...: a domain with these images in $img as vda, vdb …
define() {
	name=$1 letter=a
	shift
	{
		echo "<domain type='qemu'><name>$name</name><memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os><features><acpi/></features><devices>"
		for image; do
			case $image in *.raw) format=raw ;; *) format=qcow2 ;; esac
			[ -e "$img/$image" ] || qemu-img create -q -f "$format" "$img/$image" 16M
			echo "<disk type='file' device='disk'><driver name='qemu' type='$format'/><source file='$img/$image'/><target dev='vd$letter' bus='virtio'/></disk>"
			letter=b
		done
		echo "</devices></domain>"
	} >"$TEST_TMP/$name.xml"
	hv define "$TEST_TMP/$name.xml"
}
put() { qemu-io -c "write -q -P $2 0 64k" "$1" >/dev/null; }
# holds PATH BYTE: its first 64 KiB are all that byte
holds() { ! qemu-io -r -c "read -P $2 0 64k" "$1" | grep -q "Pattern verification failed"; }
disk() { hv domblklist "$1" | awk -v t="$2" '$1 == t { print $2 }'; }
disk_is() { [ "$(disk "$1" "$2")" = "$3" ]; }
# Words of several lines on one.
line() { tr '\n' ' ' | sed 's/ *$//'; }
names_are() { [ "$(hv snapshot-list "$1" --name | line)" = "$2" ]; }
files_are() { have=$(cd "$img" && ls | line); [ "$have" = "$1" ] || { echo "$have"; return 1; }; }
inside() { qemu-img snapshot -l "$1" | awk 'NR > 2 { print $2 }' | line; }
inside_is() { [ "$(inside "$1")" = "$2" ]; }
whole() { for f in "$img"/*; do qemu-img check -q "$f" || [ $? = 63 ] || return 1; done; }
has() { printf %s "$1" | grep -qF -- "$2"; }

# --- inside of images ---
check "define" define vm1 a.qcow2 b.qcow2
put "$img/a.qcow2" 1 && put "$img/b.qcow2" 1
check "the guides' first line" hv snapshot-create-as vm1 snap1 "Before upgrade"
check "the guides' second line" hv snapshot-create-as --domain vm1 --name webserver_snap --description "snap before patch on 4Feb2018"
check "both images hold both" inside_is "$img/a.qcow2" "snap1 webserver_snap"
check "… the other, too" inside_is "$img/b.qcow2" "snap1 webserver_snap"
check "the description is kept" has "$(hv snapshot-dumpxml vm1 snap1)" "<description>Before upgrade</description>"
check_fails "the same name once more" 1 "already exists" hv snapshot-create-as vm1 snap1
put "$img/a.qcow2" 2 && put "$img/b.qcow2" 2
check "revert" hv snapshot-revert vm1 snap1
check "the disk is set back" holds "$img/a.qcow2" 1
check "… the other, too" holds "$img/b.qcow2" 1
check "nothing is left aside" inside_is "$img/a.qcow2" "snap1 webserver_snap"
check "delete" hv snapshot-delete vm1 snap1
check "delete by its options" hv snapshot-delete --domain vm1 --snapshotname webserver_snap
check "none is left inside" inside_is "$img/b.qcow2" ""
check "images are whole" whole
put "$img/a.qcow2" 3
check "a safety snapshot goes first" hv snapshot-create-as vm1 one
put "$img/a.qcow2" 4
check "… revert with one" hv snapshot-revert vm1 one --safety-snapshot
check "… the disk is set back" holds "$img/a.qcow2" 3
safe=$(hv snapshot-list vm1 --name | grep before-revert)
check "… and it can be taken back" hv snapshot-revert vm1 "$safe"
check "… to what it was" holds "$img/a.qcow2" 4
hv snapshot-create-as vm1 above --disk-only >/dev/null 2>&1
before=$(hv snapshot-list vm1 --name | line)
check_fails "what others stand on is not gone back to" 1 "snapshots that were made after 'one' first" hv snapshot-revert vm1 one --safety-snapshot
check "… and no safety snapshot is left of that" names_are vm1 "$before"
hv snapshot-delete vm1 above >/dev/null
check "delete with all below" hv snapshot-delete vm1 one --children
check "none is left" names_are vm1 ""

# --- documents ---
cat >"$TEST_TMP/editor" <<'E'
#!/bin/sh
sed -i "s,$FROM,$TO," "$1"
E
chmod +x "$TEST_TMP/editor"
edit() { FROM=$1 TO=$2 EDITOR=$TEST_TMP/editor VISUAL='' "$HVMUX" snapshot-edit vm1 "$3" ${4:-} </dev/null; }
hv snapshot-create-as vm1 d1 first >/dev/null
hv snapshot-create-as vm1 d2 >/dev/null
put "$img/a.qcow2" 6
check "a description is edited" edit first second d1
check_fails "a name is not changed by the way" 1 "must use --rename or --clone" edit "<name>d1<" "<name>r1<" d1
check "it is with --rename" edit "<name>d1<" "<name>r1<" d1 --rename
check "its child goes with it" has "$(hv snapshot-parent vm1 d2)" r1
check "what images hold is still found" hv snapshot-revert vm1 r1
check "… really" holds "$img/a.qcow2" 4
check "the description is the new one" has "$(hv snapshot-dumpxml vm1 r1)" second
hv snapshot-dumpxml vm1 d2 >"$TEST_TMP/d2.xml"
check "a document is forgotten" hv snapshot-delete vm1 d2 --metadata
check "… the image keeps what it holds" inside_is "$img/a.qcow2" "d1 d2"
check "… and known again" hv snapshot-create vm1 "$TEST_TMP/d2.xml" --redefine --current
check "… as the current one" has "$(hv snapshot-current vm1 --name)" d2
check "… that can be gone back to" hv snapshot-revert vm1 d2
hv snapshot-delete vm1 d2 >/dev/null
hv snapshot-delete vm1 r1 >/dev/null

# --- all or none ---
check "define with a raw disk" define vm2 c.qcow2 d.raw
check_fails "a raw disk is named, with what to do" 1 "disk 'vdb' is raw" hv snapshot-create-as vm2 s
check "nothing was made" inside_is "$img/c.qcow2" ""
check "without that disk" hv snapshot-create-as vm2 s --diskspec vdb,snapshot=no
check "with overlays instead" hv snapshot-create-as vm2 e --disk-only
check "delete" hv snapshot-delete vm2 e
check "a raw disk is merged into, too" disk_is vm2 vdb "$img/d.raw"
hv snapshot-delete vm2 s >/dev/null
# Somebody has the second image: the first is taken back.
qemu-io -c "sleep 30000" "$img/b.qcow2" >/dev/null 2>&1 &
holder=$!
held() { ! qemu-img info "$img/b.qcow2" >/dev/null 2>&1; }
wait_for 10 held || tap_not_ok "the image is held"
check_fails "an image that is in use" 1 "b.qcow2" hv snapshot-create-as vm1 busy
check "the other one is as it was" inside_is "$img/a.qcow2" ""
check "no document is left" names_are vm1 ""
kill "$holder"
wait "$holder" 2>/dev/null
rm -rf "$img"/c.qcow2 "$img"/d.raw

# --- overlays ---
put "$img/a.qcow2" 1 && put "$img/b.qcow2" 1
check "overlays" hv snapshot-create-as vm1 e1 --disk-only
check "the definition has them" disk_is vm1 vda "$img/a.e1"
put "$img/a.e1" 2 && put "$img/b.e1" 2
check "one more of one disk" hv snapshot-create-as vm1 e2 --disk-only --diskspec vdb,snapshot=no
put "$img/a.e2" 3
check_fails "the name of a file that is there" 1 "already exists" hv snapshot-create-as vm1 x --disk-only --diskspec "vda,file=$img/a.e1"
check "a dry run says all, and does nothing" has "$(hv snapshot-delete vm1 e1 --dry-run)" "bring what '$img/a.e1' holds down into '$img/a.qcow2'"
check "… really nothing" files_are "a.e1 a.e2 a.qcow2 b.e1 b.qcow2"
check "revert to the second" hv snapshot-revert vm1 e2
check "what was written since is gone" sh -c "! test -e '$img/a.e2'"
check "its disk is what it was" holds "$(disk vm1 vda)" 2
check "revert to the first" hv snapshot-revert vm1 e1
check "its disks are what they were" holds "$(disk vm1 vda)" 1
check "… both" holds "$(disk vm1 vdb)" 1
check_fails "a line that branches is told" 1 "lie on top of" hv snapshot-delete vm1 e1
put "$(disk vm1 vda)" 5
check "the other branch goes" hv snapshot-delete vm1 e2
check "now the first is merged" hv snapshot-delete vm1 e1
check "the definition has the first image" disk_is vm1 vda "$img/a.qcow2"
check "… with what was written last" holds "$img/a.qcow2" 5
check "no overlay is left" files_are "a.qcow2 b.qcow2"
check "images are whole" whole

hv snapshot-create-as vm1 o1 --disk-only >/dev/null
hv snapshot-create-as vm1 i1 >/dev/null
check_fails "what the overlay holds inside is told" 1 "holds snapshot 'i1' inside" hv snapshot-delete vm1 o1
check "… and goes first with --children" hv snapshot-delete vm1 o1 --children
check "no overlay is left" files_are "a.qcow2 b.qcow2"

# --- a command that is killed ---
hv snapshot-create-as vm1 k1 --disk-only >/dev/null
qemu-io -c "write -q -P 9 0 12M" "$img/a.k1" >/dev/null
for ms in 4 8 12 20 30; do
	"$HVMUX" snapshot-delete vm1 k1 >/dev/null 2>&1 &
	pid=$!
	perl -e "select(undef, undef, undef, $ms / 1000)"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	holds "$(disk vm1 vda)" 9 || tap_not_ok "killed after $ms ms: the disk reads as before"
	names_are vm1 "" && break
done
if ! names_are vm1 ""; then hv snapshot-delete vm1 k1 >/dev/null 2>&1; fi
check "after kills it can be finished" names_are vm1 ""
check "… the disk reads as before" holds "$(disk vm1 vda)" 9
# A kill may leave clusters that nobody uses (status 3), and nothing worse.
sound() { for f in "$img"/*; do qemu-img check -q "$f" || [ $? = 3 ] || return 1; done; }
check "… and images are sound" sound

# --- schedules ---
check "a schedule" hv snapshot-schedule vm1 --every 6h --keep 7d
hv snapshot-create-as vm1 mine >/dev/null
check "it is carried out" hv snapshot-schedule --run
check "it made one" sh -c "'$HVMUX' snapshot-list vm1 --name | grep -q '^auto-'"
auto=$(hv snapshot-list vm1 --name | grep '^auto-')
check "once" hv snapshot-schedule --run
check "… and not twice" names_are vm1 "$auto mine"
sed -i 's,<creationTime>[0-9]*,<creationTime>1000000000,' "$HVMUX_HOME/data/snapshots/vm1/"*.xml
touch -d '+1 hour' "$img/a.qcow2"
check "years later" hv snapshot-schedule vm1 --run
check "the old one has gone, the user's stays" sh -c "'$HVMUX' snapshot-list vm1 --name | grep -qx mine && ! '$HVMUX' snapshot-list vm1 --name | grep -qx '$auto'"
mv "$img/a.qcow2" "$img/away"
sed -i 's,<creationTime>[0-9]*,<creationTime>1000000000,' "$HVMUX_HOME/data/snapshots/vm1/"*.xml
touch -d '+1 hour' "$img/b.qcow2"
check_fails "a failure is told" 1 "a.qcow2" hv snapshot-schedule --run
check "… and shown" sh -c "'$HVMUX' snapshot-schedule vm1 2>&1 | grep -q 'warning: auto of .vm1. failed'"
mv "$img/away" "$img/a.qcow2"

# --- the domain's other verbs ---
check_fails "undefine names them" 1 "--snapshots-metadata" hv undefine vm1
check "domrename takes them along" hv domrename vm1 vm3
check "… all" sh -c "'$HVMUX' snapshot-list vm3 --name | grep -qx mine"
check "… and they work" hv snapshot-revert vm3 mine
check "the name stays the new one" sh -c "'$HVMUX' dumpxml vm3 | grep -q '<name>vm3</name>'"
check "list knows" sh -c "'$HVMUX' list --all --with-snapshot --name | grep -qx vm3"
check "undefine with them" hv undefine vm3 --snapshots-metadata
check "nothing is left of them" sh -c "! test -e '$HVMUX_HOME/data/snapshots/vm3' && ! test -e '$HVMUX_HOME/etc/schedules/vm3.json'"
tap_done
