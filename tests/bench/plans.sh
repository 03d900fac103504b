#!/bin/sh
# Hot-plug, snapshots and work on images: ours beside QEMU's own time for the same QMP, on a bare QEMU with the same devices, and beside virsh where a
# libvirtd of our own can be started. There is no guest that would have to let go of a device: disks that go are SCSI ones, which go at once; an
# interface and a processor are plugged anew in every round.
. "$(dirname "$0")/lib.sh"
cd "$TEST_TMP" || exit 1
# As it is installed: what does not outlive the host's boot is in memory.
if mem=$(mktemp -d /dev/shm/hvmux-bench.XXXXXX 2>/dev/null); then
	mkdir -p "$HVMUX_HOME" && ln -s "$mem" "$HVMUX_HOME/run"
fi
for i in b virsh bare; do
	qemu-img create -q -f qcow2 "$i.qcow2" 64M && qemu-img create -q -f raw "$i-plug.img" 16M
done
qemu-img create -q -f qcow2 -b "$TEST_TMP/bare.qcow2" -F qcow2 bare-top.qcow2
cpus=$((rounds + 2)) ports="<controller type='pci' index='0' model='pcie-root'/>"
for i in $(seq $((rounds + 4))); do ports="$ports<controller type='pci' index='$i' model='pcie-root-port'/>"; done
# definition NAME
definition() {
	cat <<-END
		<domain type='qemu'>
		  <name>$1</name>
		  <memory unit='MiB'>64</memory>
		  <vcpu current='1'>$cpus</vcpu>
		  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/><apic/></features>
		  <cpu><topology sockets='$cpus' cores='1' threads='1'/></cpu>
		  <devices>
		    <emulator>$(command -v qemu-system-x86_64)</emulator>
		    <controller type='scsi' index='0' model='virtio-scsi'/>$ports
		    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$TEST_TMP/$1.qcow2'/><target dev='sda' bus='scsi'/></disk>
		    <serial type='pty'><target port='0'/></serial>
		    <memballoon model='virtio'/>
		  </devices>
		</domain>
	END
}
echo "<interface type='user'><model type='virtio'/></interface>" >nic.xml
definition b >b.xml
hv define b.xml >/dev/null && hv start b >/dev/null || exit 1
set -- -nodefaults -no-user-config -machine q35,accel=tcg -m 64 -smp "1,maxcpus=$cpus,sockets=$cpus,cores=1,threads=1" -display none \
	-serial null -qmp "unix:$TEST_TMP/bare.sock,server=on,wait=off" -device pcie-root-port,id=p0,chassis=100 -device virtio-scsi-pci,id=scsi0,bus=p0 \
	-device virtio-balloon-pci -blockdev "driver=file,node-name=a-file,filename=$TEST_TMP/bare.qcow2" \
	-blockdev driver=qcow2,node-name=a,file=a-file -device scsi-hd,bus=scsi0.0,drive=a,id=disk0
for i in $(seq "$rounds"); do set -- "$@" -device "pcie-root-port,id=n$i,chassis=$i"; done
qemu-system-x86_64 "$@" >/dev/null 2>&1 &
bare=$!
trap 'kill $bare; private_libvirtd_end; cleanup; rm -rf "$mem"' EXIT
wait_for 20 test -S bare.sock || exit 1
private_libvirtd
definition virsh >virsh.xml
if [ -n "$virsh" ]; then
	$virsh define virsh.xml >&2 && $virsh start virsh >&2 || virsh=
fi

more() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a - b }'; }
# result WHAT OURS QMP [VIRSH]
result() {
	met=$(verdict "$(more "$2" "$3")" le 10) peers="the same QMP $3 ms" target="<= QMP + 10 ms"
	if [ -n "${4-}" ]; then
		met=$(both "$met" "$(verdict "$2" le "$4")") peers="$peers, virsh $4 ms" target="$target, <= virsh"
	fi
	row "$1" "$2 ms" "$peers" "$(ratio "$2" "$3")" "$target" "$met"
}
# compare N WHAT… COMMANDS…: N commands of ours and N of QEMU's, then virsh's, a row each.
compare() {
	n=$1 whats=
	shift
	for i in $(seq "$n"); do
		eval "what$i=\$1"
		shift
	done
	"$tools/pairs" "$rounds" "$@" >ms || {
		for i in $(seq "$n"); do eval "row \"\$what$i\" - - - - FAILED"; done
		return 0
	}
	for i in $(seq "$n"); do
		eval "what=\$what$i"
		result "$what" "$(nth "$i" <ms)" "$(nth $((i + n)) <ms)" "$(nth $((i + 2 * n)) <ms)"
	done
}
qmp=@$tools/qmp_time sock=$TEST_TMP/bare.sock

# --- snapshots inside of the image, with the guest's memory ---
snapshot() { echo "{\"execute\":\"snapshot-$1\",\"arguments\":{\"job-id\":\"s\",\"tag\":\"s\",${2-}\"devices\":[\"a\"]}}"; }
gone='{"execute":"job-dismiss","arguments":{"id":"s"}}'
compare 3 "snapshot of a running VM, with its memory" "revert to it" "delete it" "$HVMUX" snapshot-create-as b s ::: "$HVMUX" snapshot-revert b s ::: "$HVMUX" snapshot-delete b s ::: \
	"$qmp" "$sock" "$(snapshot save '"vmstate":"a",')" +concluded "$gone" ::: "$qmp" "$sock" "$(snapshot load '"vmstate":"a",')" +concluded "$gone" ::: \
	"$qmp" "$sock" "$(snapshot delete)" +concluded "$gone" \
	${virsh:+::: $virsh snapshot-create-as virsh s ::: $virsh snapshot-revert virsh s ::: $virsh snapshot-delete virsh s}

# --- an overlay on the disk, and back into it ---
job='"job-id":"j","auto-dismiss":false'
compare 2 "snapshot of a running VM, disk only" "commit it back, and move the guest" \
	"$HVMUX" snapshot-create-as b s --disk-only --no-metadata --diskspec "sda,file=$TEST_TMP/over.qcow2" ::: "$HVMUX" blockcommit b sda --pivot --delete ::: \
	"$qmp" "$sock" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"o-file\",\"filename\":\"$TEST_TMP/bare-top.qcow2\"}}" \
	'{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"o","file":"o-file","backing":null}}' \
	'{"execute":"blockdev-snapshot","arguments":{"node":"a","overlay":"o"}}' ::: \
	"$qmp" "$sock" "{\"execute\":\"block-commit\",\"arguments\":{$job,\"device\":\"o\",\"base-node\":\"a\"}}" +BLOCK_JOB_READY \
	'{"execute":"job-complete","arguments":{"id":"j"}}' +BLOCK_JOB_COMPLETED '{"execute":"job-dismiss","arguments":{"id":"j"}}' \
	'{"execute":"blockdev-del","arguments":{"node-name":"o"}}' '{"execute":"blockdev-del","arguments":{"node-name":"o-file"}}' \
	${virsh:+::: $virsh snapshot-create-as virsh s --disk-only --no-metadata --diskspec "sda,file=$TEST_TMP/virsh-over.qcow2" ::: \
		$virsh blockcommit virsh sda --active --pivot --wait ::: rm "$TEST_TMP/virsh-over.qcow2"}

# --- devices; last: virsh goes back to no snapshot once a processor was plugged ---
compare 2 "plug a SCSI disk" "unplug it" "$HVMUX" attach-disk b "$TEST_TMP/b-plug.img" sdb --targetbus scsi --live ::: "$HVMUX" detach-disk b sdb --live ::: \
	"$qmp" "$sock" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"b-file\",\"filename\":\"$TEST_TMP/bare-plug.img\"}}" \
	'{"execute":"blockdev-add","arguments":{"driver":"raw","node-name":"b","file":"b-file"}}' \
	'{"execute":"device_add","arguments":{"driver":"scsi-hd","bus":"scsi0.0","drive":"b","id":"disk1"}}' ::: \
	"$qmp" "$sock" '{"execute":"device_del","arguments":{"id":"disk1"}}' +DEVICE_DELETED \
	'{"execute":"blockdev-del","arguments":{"node-name":"b"}}' '{"execute":"blockdev-del","arguments":{"node-name":"b-file"}}' \
	${virsh:+::: $virsh attach-disk virsh "$TEST_TMP/virsh-plug.img" sdb --targetbus scsi --live ::: $virsh detach-disk virsh sdb --live}
compare 1 "plug a network interface" "$HVMUX" attach-device b nic.xml --live ::: \
	"$qmp" "$sock" '{"execute":"netdev_add","arguments":{"type":"user","id":"net{n}"}}' \
	'{"execute":"device_add","arguments":{"driver":"virtio-net-pci","bus":"n{n}","netdev":"net{n}"}}' ${virsh:+::: $virsh attach-device virsh nic.xml --live}
compare 1 "plug a processor" "$HVMUX" setvcpus b '{n+1}' --live ::: \
	"$qmp" "$sock" '{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","socket-id":{n},"core-id":0,"thread-id":0}}' \
	${virsh:+::: $virsh setvcpus virsh '{n+1}' --live}
compare 1 "set memory (balloon)" "$HVMUX" setmem b '6{n}00' --live ::: \
	"$qmp" "$sock" '{"execute":"balloon","arguments":{"value":6{n}00000}}' ${virsh:+::: $virsh setmem virsh '6{n}00' --live}
[ -n "$virsh" ] || no_row "the same by virsh" "no libvirtd of our own could be started"

# --- a VM that is off ---
qemu-img create -q -f qcow2 off.qcow2 64M && cp off.qcow2 qemu-img.qcow2
definition off >off.xml && hv define off.xml >/dev/null || exit 1
if "$tools/pairs" "$rounds" "$HVMUX" snapshot-create-as off s ::: "$HVMUX" snapshot-revert off s ::: "$HVMUX" snapshot-delete off s ::: \
	qemu-img snapshot -c s qemu-img.qcow2 ::: qemu-img snapshot -a s qemu-img.qcow2 ::: qemu-img snapshot -d s qemu-img.qcow2 >ms; then
	for i in 1 2 3; do
		what=$(echo "snapshot-create-as snapshot-revert snapshot-delete" | cut -d' ' -f$i)
		ours=$(nth $i <ms) theirs=$(nth $((i + 3)) <ms)
		r=$(ratio "$ours" "$theirs")
		row "$what of a VM that is off" "$ours ms" "qemu-img $theirs ms" "$r" "<= 0.6 x qemu-img" "$(verdict "$r" le 0.6)"
	done
else
	row "snapshots of a VM that is off" - - - - FAILED
fi
