#!/bin/sh
# The Storage screen: pools, volumes, who uses them, jobs; keys that run command lines; what goes away.
. "$(dirname "$0")/lib.sh"
need_program qemu-img

images=$HVMUX_HOME/data/images
hv() { "$HVMUX" "$@"; }
hv pool-list --all >/dev/null # the default pool
mkdir -p "$images" "$TEST_TMP/other"
qemu-img create -q -f qcow2 "$images/base.qcow2" 2G
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "$images/web1.qcow2"
qemu-img snapshot -c before-upgrade "$images/web1.qcow2"
qemu-img create -q -f raw "$images/spare.img" 64M
hv pool-define-as other dir --target "$TEST_TMP/other" >/dev/null
cat >"$TEST_TMP/web1.xml" <<EOF
<domain type='qemu'><name>web1</name><memory>65536</memory><os><type>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='$images/web1.qcow2'/>
<target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$images/gone.qcow2'/>
<target dev='vdb' bus='virtio'/></disk>
</devices></domain>
EOF
hv define "$TEST_TMP/web1.xml" >/dev/null 2>&1

dash 120x40
see "1 VM"
# --- the screen ---
keys i
check "i opens the Storage screen" see "Storage"
check "the pools are there" wait_for 20 line_shows "default " "active"
check "one is inactive" wait_for 20 line_shows "other " "inactive"
check "the volumes are there" wait_for 20 line_shows "web1.qcow2" "qcow2"
check "with who uses them" wait_for 20 line_shows "base.qcow2" "web1"
check "and with those that nobody uses" wait_for 20 line_shows "spare.img" "nobody"
keys Enter G
check "Enter goes to the volumes; what is known of one stands below" see "used by web1 (vda, off)"
check "with its chain" see "chain of 2"
keys g
check "what others stand on is said to be" see "it cannot be deleted"

keys '?'
check "? shows this screen's keys" see "the Storage screen"
check "… at once" line_shows " D " "delete the volume"
keys q
check "q goes back" see "it cannot be deleted"

# --- a new one ---
keys n
check "n begins the command" see ":vol-create-as --pool default"
text new.qcow2
keys Enter
check "the volume is made" wait_for 20 line_shows "new.qcow2" "10G"
made() { [ "$(qemu-img info --output=json "$images/new.qcow2" | sed -n 's/.*"format": "\(.*\)".*/\1/p')" = qcow2 ]; }
check "for qemu-img, too" wait_for 20 made

# --- deletion ---
text /spare
keys Enter
check "/ filters" see_not "base.qcow2  "
keys D
check "D says who uses it" see "No domain uses it."
check "and where it goes" see "It goes to the trash of its pool"
text spare
keys Enter
check "another name deletes nothing" test -e "$images/spare.img"
text .img
keys Enter
check "its name does" wait_for 20 test ! -e "$images/spare.img"
check "it is in the trash" wait_for 20 line_shows "spare.img" "in the trash"
keys u
check "u brings it back" wait_for 20 test -e "$images/spare.img"
check "and it is a volume again" wait_for 20 line_shows "spare.img" "nobody"
keys Escape
check "Esc shows all" see "base.qcow2"
keys g D
text base.qcow2
keys Enter
check "what others stand on is not deleted" wait_for 20 shows "vol-delete"
check "it is there still" test -e "$images/base.qcow2"
keys Escape Escape

# --- a job that outlives the dashboard ---
# Esc went back to the domains.
see "1 VM"
keys i
wait_for 20 line_shows "spare.img" "nobody"
keys Enter
text /spare
wait_for 20 shows_not "base.qcow2"
keys Enter z
check "z begins a compressing job" see "job-start WORD"
keys Enter
check "the job is listed" wait_for 20 line_shows "img convert" "spare"
check "and ends well" wait_for 30 line_shows "img convert" "done"
check "its result is there" wait_for 20 test -e "$images/spare-small.qcow2"
keys Escape
check "Esc shows all again" see "base.qcow2"

# --- pools ---
keys Escape
see "1 VM"
keys i
wait_for 20 line_shows "other " "inactive"
keys G
check "an inactive pool says how it is started" see "s starts it"
keys s
check "s starts it" wait_for 20 line_shows "other " "active"
check "an empty one says how a volume is made" see "no volumes (n makes one)"
rmdir "$TEST_TMP/other"
check "a folder that vanishes is trouble" wait_for 30 shows "1 in trouble"
mkdir "$TEST_TMP/other"
check "and none when it is back" wait_for 30 shows_not "in trouble"
keys S
check "S asks" see "pool-destroy other?"
keys Escape
check "Esc does nothing" see "cancelled: nothing was done"

# --- sizes and terminals ---
for size in 20x5 10x2 1x1 160x48 40x12 80x24; do resize $size; done
check "80x24 after every size" wait_for 20 line_shows "default " "active"
keys g
resize 20x5
check "20x5 shows the pool under the cursor" see "▸ default"
resize 80x24
keys '?'
check "? tells the screen's keys" see "the Storage screen"
keys q q
check "q goes back to the domains" see "1 VM"
resize 120x40
see "DISK r/w"
keys q
check "and quits" see "ENDED 0"
check "the terminal is restored" wait_for 10 restored

dash 80x24 TERM=vt100 LC_ALL=C NO_COLOR=1
see "1 VM"
keys i
check "a vt100 in the C locale shows it in ASCII" wait_for 20 shows "> default"
check "with bars of ASCII" wait_for 20 line_shows "> default" "...."
keys q q
see "ENDED 0"

dash 80x24 -- --readonly
see "1 VM"
keys i
wait_for 20 line_shows "web1.qcow2" "qcow2"
keys Enter D
check "a dashboard for looking deletes nothing" see "read only"
keys n
check "and begins nothing" see "read only"
keys q q
see "ENDED 0"

# --- many ---
i=0
while [ $i -lt 2000 ]; do
	: >"$images/v$i.img"
	i=$((i + 1))
done
dash 80x24
see "1 VM"
keys i
check "2,000 volumes are listed" wait_for 30 line_shows "v0.img" "raw"
keys Enter G
check "to the last" wait_for 20 shows "▸ web1.qcow2"
text /v1999
check "and filtered" wait_for 20 line_shows "v1999.img" "raw"
keys Enter Escape q
check "and left" see "1 VM"
keys q
see "ENDED 0"
tap_done
