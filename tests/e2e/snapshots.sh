#!/bin/sh
# The Snapshots pane and screen: of a domain that is off and of one that runs: made, gone back to, deleted, cancelled.
. "$(dirname "$0")/lib.sh"
need_program qemu-img

images=$HVMUX_HOME/data/images
mkdir -p "$images"
qemu-img create -q -f qcow2 "$images/web1.qcow2" 64M
cat >"$TEST_TMP/web1.xml" <<EOF
<domain type='qemu'><name>web1</name><memory>65536</memory><os><type machine='q35'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$images/web1.qcow2'/>
<target dev='vda' bus='virtio'/></disk><serial type='pty'/>
</devices></domain>
EOF
hv define "$TEST_TMP/web1.xml" >/dev/null 2>&1
count() { [ "$(hv snapshot-list web1 --name | grep -c .)" = "$1" ] || { hv snapshot-list web1; return 1; }; }
# A question takes no y that was typed before it could be read: typed until the text is there.
answers_y() { shows "$1" || { keys y; return 1; }; }
yes_until() { wait_for 60 answers_y "$1"; }
thrown_away() { shows_not "new snapshot" || { keys y; return 1; }; }

dash 80x24
see "1 VM"
keys 5
check "the pane says that there are none" see "no snapshots yet"
check "and where they are made" see "b: make, revert, delete them"

# --- off ---
keys b
check "b opens the screen" see "0 snapshots"
keys n
check "n opens a form" see "new snapshot"
check "a domain that is off has nothing to quiesce" shows_not "Quiesce"
text q
keys Escape
check "Esc asks before it throws away what was typed" see "Throw away what was filled in?"
keys Escape
check "and goes back to it" wait_for 20 line_shows "Name" " q "
keys Escape
see "Throw away"
check "y throws it away" wait_for 20 thrown_away
check "and nothing was made" count 0

keys n
see "new snapshot"
text base
keys Down
text "fresh install"
keys Enter
check "Enter shows the plan, and the command" see "Runs: hvmux snapshot-create-as web1 --name base"
check "in words" see "1. "
check "nothing is done yet" count 0
keys Escape
check "Esc goes back to the form, with what was typed" wait_for 20 line_shows "Description" "fresh install"
keys Enter
see "Runs: hvmux snapshot-create-as"
check "y makes it" yes_until "created"
check "it is there" count 1
keys Escape
check "with its description" wait_for 20 line_shows "● base" "fresh install"
check "and its state" line_shows "● base" "shutoff"

# --- the same name again ---
keys n
see "new snapshot"
text base
keys Enter
check "a name that is taken is refused" see "already exists"
check "in the form, which stays" see "What is kept"
keys Escape
see "Throw away"
wait_for 20 thrown_away

# --- running ---
hv start web1 >/dev/null
wait_state web1 running
check "the screen sees it run" see "web1  running"
keys n
see "memory and disks"
text live
keys Enter
see "Runs: hvmux snapshot-create-as web1 --name live"
check "y makes it, of memory and disks" yes_until "Domain snapshot live created"
check "its steps are marked" see "✓ 1. "
keys Escape
check "it is listed as one of a running guest" wait_for 20 line_shows "● live" "running"
sized() { screen | grep -q "live .*[0-9][KM]$" || { screen; return 1; }; }
check "with the size of the memory" wait_for 30 sized

keys G R
check "R says what is lost" see "all that web1 wrote to its disks since"
check "and offers a safety snapshot" wait_for 20 line_shows "Safety snapshot first" "[x]"
keys Space Enter
check "without it the plan says so, too" see "Lost: all that web1 wrote"
check "y goes back" yes_until "reverted"
check "and the domain runs" wait_state web1 running
keys Escape

# --- deletion ---
keys G D
check "D says what goes" see "delete a snapshot"
keys Enter
check "the name has to be typed" see "Type live and Enter"
text base
keys Enter
check "another one deletes nothing" count 2
keys C-u
text live
keys Enter
check "its name does" wait_for 60 count 1
check "and it says so" see "deleted"
keys Escape
check "the row is gone" see "1 snapshot "

# --- from outside; broken; sizes ---
hv snapshot-create-as web1 outside >/dev/null
check "one that was made elsewhere is seen" see "2 snapshots"
echo "<" >"$HVMUX_HOME/data/snapshots/web1/bad.xml"
check "a document that cannot be read is said to be" see "bad.xml"
rm "$HVMUX_HOME/data/snapshots/web1/bad.xml"
for size in 20x5 10x2 1x1 160x48 40x12 80x24; do resize $size; done
check "80x24 after every size" wait_for 20 line_shows "base" "shutoff"
keys '?'
check "? shows this screen's keys" see "the Snapshots screen"
keys q
keys q
see "1 VM"
keys q
check "q quits" see "ENDED 0"

# --- who may only look ---
dash 80x24 -- --readonly
see "1 VM"
keys b
see "2 snapshots"
keys n
check "a dashboard that is read only makes none" see "read only"
check "there are two still" count 2
hv destroy web1 >/dev/null
tap_done
