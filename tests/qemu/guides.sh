#!/bin/sh
# The command lines of the field's guides that change a running machine, word for word, by the name hvmux and by a link of the
# name virsh; their exit status, and what they came to.
. "$(dirname "$0")/../qemu/lib.sh"
need_agent

guest_memory="<maxMemory slots='4' unit='GiB'>6</maxMemory><memory unit='MiB'>5120</memory><currentMemory unit='MiB'>2048</currentMemory>"
guest_vcpu="<vcpu current='1'>4</vcpu>"
guest_cpu="<cpu><numa><cell id='0' cpus='0-3' memory='5120' unit='MiB'/></numa></cpu>"
img=$TEST_TMP/img
mkdir "$img"
ln -s "$HVMUX" "$TEST_TMP/virsh"
virsh() { "$TEST_TMP/virsh" "$@"; }
disk() { hv img create -q -f qcow2 "$img/$1" "$2"; }
make_disks() { disk vm1.qcow2 64M && disk disk.qcow2 64M && disk web.qcow2 64M; }
disk_of() { echo "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$img/$1'/><target dev='vda' bus='virtio'/></disk>"; }
balloon_is() { hv dommemstat vm1 >"$TEST_TMP/stat" && grep -qx "actual $1" "$TEST_TMP/stat" || { cat "$TEST_TMP/stat"; return 1; }; }
current_is() { hv vcpucount vm1 --live --active | grep -qx "$1"; }
has_disk() { hv domblklist "$1" | grep -q "^ *$2 "; }
lacks_disk() { ! has_disk "$@"; }
lists() { hv snapshot-list "$1" --name | grep -qx "$2"; }
lacks() { ! lists "$@"; }

check "images" make_disks
check "define vm1" define_linux vm1 "$(disk_of vm1.qcow2)$agent_channel"
check "define webserver" define_linux webserver "$(disk_of web.qcow2)"

# --- a domain that is off -------------------------------------------------------------------------------------
check "snapshot-create-as --domain … --name … --description …, off" virsh snapshot-create-as \
	--domain webserver --name webserver_snap --description "snap before patch on 4Feb2018"
check "snapshot-list --domain webserver" virsh snapshot-list --domain webserver
check "… lists it" lists webserver webserver_snap
check "snapshot-info --domain … --snapshotname …" virsh snapshot-info --domain webserver --snapshotname webserver_snap
check "snapshot-delete --domain … --snapshotname …" virsh snapshot-delete --domain webserver --snapshotname webserver_snap
check "… it is gone" lacks webserver webserver_snap

# --- one that runs --------------------------------------------------------------------------------------------
check "start vm1" virsh start vm1
check "it boots" guest_login vm1
check "with the memory that it is to begin with" wait_for 30 balloon_is 2097152
check "snapshot-create-as vm1 snap1 \"Before upgrade\"" virsh snapshot-create-as vm1 snap1 "Before upgrade"
check "snapshot-list vm1" virsh snapshot-list vm1
check "snapshot-info vm1 snap1" virsh snapshot-info vm1 snap1
check "setmem vm1 4G --live" virsh setmem vm1 4G --live
check "… the balloon has that size" wait_for 30 balloon_is 4194304
check "setvcpus vm1 4 --live" virsh setvcpus vm1 4 --live
check "… four are plugged" wait_for 30 current_is 4
check "attach-disk vm1 /path/to/disk.qcow2 vdb --live" virsh attach-disk vm1 "$img/disk.qcow2" vdb --live
check "… it is there" has_disk vm1 vdb
check "… the guest sees it" wait_for 30 guest_says vm1 vdb 'ls /dev'
check "detach-disk vm1 vdb --live" virsh detach-disk vm1 vdb --live
check "… it is gone" lacks_disk vm1 vdb
check "what QEMU has is what is written" hv check-live vm1
check "snapshot-revert vm1 snap1" virsh snapshot-revert vm1 snap1
check "… the guest is where it was: one processor" wait_for 30 guest_says vm1 "=1=" 'echo =$(grep -c ^processor /proc/cpuinfo)='
check "what QEMU has is what is written, after it" hv check-live vm1
check "snapshot-delete vm1 snap1" virsh snapshot-delete vm1 snap1
check "… it is gone" lacks vm1 snap1
check "destroy vm1" virsh destroy vm1
check "snapshots left: none keeps undefine from its work" virsh undefine vm1
check "one more snapshot" virsh snapshot-create-as webserver last
check "undefine vm1 --snapshots-metadata" virsh undefine webserver --snapshots-metadata
tap_done
