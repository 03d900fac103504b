#!/bin/sh
# The plug menu, its forms and the Hardware screen, with a Linux guest that sees what comes and goes, and one without a system, which
# lets go of nothing.
. "$(dirname "$0")/lib.sh"
need_linux

images=$HVMUX_HOME/data/images
mkdir -p "$images"
hv img create -q -f qcow2 "$images/data.qcow2" 64M >/dev/null
truncate -s 16M "$images/cd.iso"
# A question takes no y that was typed before it could be read: typed until the text is there.
answers_y() { shows "$1" || { keys y; return 1; }; }
yes_until() { wait_for 90 answers_y "$1"; }
guest_has() { guest_says d1 "$1" "cat /proc/partitions"; }
guest_has_no() { guest_lacks d1 "$1" "cat /proc/partitions"; }
# down_to TEXT: the cursor of the Hardware screen, from the first row.
cursor_on() { screen | sed -n '/^─────/,$p' | grep -q "^ $1" || { keys j; screen; return 1; }; }
down_to() { keys g; wait_for 20 cursor_on "$1"; }

guest_vcpu="<vcpu current='1'>2</vcpu>"
define_linux d1 "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>" >"$TEST_TMP/define" 2>&1
hv start d1 >>"$TEST_TMP/define" 2>&1
check "a guest boots" guest_login d1 || {
	tap_note <"$TEST_TMP/define"
	tap_done
	exit 1
}

dash 80x24
see "1 VM"

# --- a disk ---
keys +
check "+ opens the menu" see "plug, or change what it has"
keys d
check "d is the form of a disk" see "plug a disk"
keys Enter
check "what is missing is said" see "Image or device: something has to be here"
text "$images/da"
keys Tab
check "Tab completes" see "data.qcow2"
keys Up Left
check "the fields turn around" wait_for 20 line_shows "When" "< from the next start on >"
keys Left
check "and a choice turns" wait_for 20 line_shows "When" "< now, until it ends >"
keys Enter
check "Enter shows the plan" see "Runs: hvmux attach-disk d1" 30
keys Tab
check "Tab shows what is sent" see "device_add"
keys Tab
check "y plugs it in" yes_until "Disk attached successfully"
check "each step is marked" see "✓ 1. "
check "the guest sees it" wait_for 30 guest_has vda
keys Escape

keys + d
see "plug a disk"
text "$images/data.qcow2"
keys Enter
check "an image that is in use is refused in the form" see "in use" 30
check "and the form stays" see "Image or device"
keys Escape
see "Throw away"
thrown_away() { shows_not "plug a disk" || { keys y; return 1; }; }
wait_for 20 thrown_away

keys + p
check "what the host has is listed" see "a PCI device of the host"
keys Escape

# --- the Hardware screen ---
keys h
check "h opens the screen" see "hardware"
check "what is in no definition is marked" wait_for 20 line_shows "- disk " "vda"
down_to "disk vda"
check "what can be done to it is said" see "U unplug"
keys Enter
check "Enter lists that" see "the guest is asked to let go"
keys U
check "U asks when" see "unplug"
keys Enter
check "and shows the plan, and what is lost" see "Lost: the disk, for the guest" 30
check "y unplugs it" yes_until "Disk detached successfully"
check "the guest has it no more" wait_for 30 guest_has_no vda
keys Escape
check "nor has the screen" see_not "disk        vda"

# --- the cable, a CD ---
if hv help domif-setlink >/dev/null 2>&1; then
	down_to interface
	keys l
	check "l pulls the cable out" wait_for 20 line_shows "interface" "link=down"
	keys l
	check "and puts it back" wait_for 20 shows_not "link=down"
	check "which is no difference to the definition" wait_for 20 line_shows "  interface" "52:54"
fi
if hv help change-media >/dev/null 2>&1; then
	down_to "disk sda"
	keys m
	check "m is the form of a drive" see "CD or floppy"
	keys Down Down
	text "$images/cd.iso"
	keys Enter
	check "y inserts" yes_until "uccessfully"
	keys Escape
	check "and it is in" wait_for 20 see "cd.iso"
fi
# --- vCPUs ---
if hv help setvcpus >/dev/null 2>&1; then
	down_to cpu
	keys v
	check "v says how many there are" see "It has 1 of at most 2."
	keys C-u
	text 9
	keys Enter
	check "more than fit are refused" see "more than the machine was started with room for"
	keys C-u
	text 2
	keys Enter
	see "Runs: hvmux setvcpus d1 2" 30
	plugged() { line_shows "cpu " "2 of 2 plugged" || { keys y; return 1; }; }
	check "y plugs one in" wait_for 60 plugged
	keys Escape
fi

# --- sizes, the end ---
for size in 20x5 10x2 1x1 160x48 40x12 80x24; do resize $size; done
check "80x24 after every size" see "hardware"
keys q
see "1 VM"
hv destroy d1 >/dev/null

# --- a guest that lets go of nothing: waiting is shown, and cancelled ---
cat >"$TEST_TMP/web1.xml" <<EOF
<domain type='qemu'><name>a1</name><memory>65536</memory><os><type machine='q35'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$images/data.qcow2'/>
<target dev='vda' bus='virtio'/></disk><serial type='pty'/></devices></domain>
EOF
hv define "$TEST_TMP/web1.xml" >/dev/null 2>&1
hv start a1 --paused >/dev/null
see "2 VMs"
keys g h
see "a1  paused"
down_to "disk vda"
keys U
see "unplug"
keys Enter
see "Runs: hvmux detach-disk a1" 30
check "a detach that waits is shown" yes_until "  step "
keys C-c
check "Ctrl+C cancels it" see "cancelled" 30
keys Escape
check "the disk is there still" wait_for 20 line_shows "disk " "vda"
keys q q
check "q quits" see "ENDED 0"
hv destroy a1 >/dev/null
tap_done
