#!/bin/sh
# import libvirt: a host's folders become definitions, each with a true word on what will happen when it is started. Where libvirtd
# is installed the folders are its own work.
. "$(dirname "$0")/lib.sh"
need_program qemu-system-x86_64
cd "$TEST_TMP" || exit 2
host=$TEST_TMP/host qemu=$TEST_TMP/host/etc/libvirt/qemu state=$TEST_TMP/host/var/lib/libvirt/qemu
mkdir -p "$qemu/autostart" "$qemu/networks/autostart" "$host/etc/libvirt/storage" "$state/nvram" "$state/save" "$state/snapshot/good"

# libvirt NAME UUID-END [DEVICES [OS]]: as libvirt writes a domain.
libvirt() {
	cat >"$qemu/$1.xml" <<-END
		<!--
		WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
		OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
		  virsh edit $1
		or other application using the libvirt API.
		-->

		<domain type='qemu'>
		  <name>$1</name>
		  <uuid>11111111-2222-3333-4444-00000000000$2</uuid>
		  <memory unit='KiB'>8192</memory>
		  <currentMemory unit='KiB'>8192</currentMemory>
		  <vcpu placement='static'>1</vcpu>
		  <os><type arch='x86_64' machine='pc'>hvm</type>${4:-<boot dev='hd'/>}</os>
		  <features><acpi/></features>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
		    <console type='pty'><target type='serial' port='0'/></console>
		    ${3:-}
		  </devices>
		</domain>
	END
}
disk() { echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'/><target dev='vda' bus='virtio'/>${2:-}</disk>"; }
says() { "$HVMUX" import libvirt --from "$host/etc/libvirt" --dry-run --domain "$1" >said 2>&1; grep -qF -- "$2" said || { cat said; return 1; }; }
untouched() { [ ! -e "$HVMUX_HOME/etc" ] && [ ! -e "$HVMUX_HOME/data" ] && [ ! -e "$HVMUX_HOME/run" ] && [ ! -e "$HVMUX_HOME/log" ]; }

libvirt good 1 "$(disk "$guest/bootsect.img" '<readonly/>')"
libvirt gone 2 "$(disk /images/gone.img)"
libvirt net 3 "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/><model type='virtio'/></interface>"
libvirt old 4 "" "<boot dev='hd'/>"
sed -i "s/machine='pc'/machine='pc-i440fx-rhel6.6.0'/" "$qemu/old.xml"
libvirt strange 5 "<teleporter range='9'/>"
libvirt alive 6
libvirt slept 7
echo state >"$state/save/slept.save"
echo '<domain type="qemu"><name>cut</na' >"$qemu/cut.xml"
ln -s "$qemu/good.xml" "$qemu/autostart/good.xml"
echo "<network><name>default</name><forward mode='nat'/><bridge name='no-such-bridge'/></network>" >"$qemu/networks/default.xml"
echo "<pool type='dir'><name>images</name><target><path>/images</path></target></pool>" >"$host/etc/libvirt/storage/images.xml"
echo "<domainsnapshot><name>first</name></domainsnapshot>" >"$state/snapshot/good/first.xml"

check "what works" says good "ok"
check "a disk that is missing" says gone "disk 'vda': '/images/gone.img': No such file or directory"
check "a virtual network" says net "network 'default': hvmux runs no virtual networks yet"
check "a machine that this QEMU has not" says old "machine 'pc-i440fx-rhel6.6.0' is not known to"
check "hardware that cannot be provided" says strange "strange.xml:19: <teleporter>: this kind of device is not supported"
check "memory that was saved" says slept "of that file goes on there"
check "a file that was cut" says cut "cut.xml:2: not well-formed XML"
qemu-system-x86_64 -name guest=alive -uuid 11111111-2222-3333-4444-000000000006 -display none -S -m 8 -pidfile alive.pid -daemonize
check "a domain that runs" says alive "it runs under libvirt now (process $(cat alive.pid))"
kill "$(cat alive.pid)"
check "all this wrote nothing" untouched

check_fails "the whole host" 1 "6 of 8 domains imported, 0 here already, 2 failed; kept for later use: 1 network, 1 storage pool" \
	hv import libvirt --from "$host/etc/libvirt"
check "autostart came along" test -h "$HVMUX_HOME/etc/autostart/good.xml"
check "and the snapshot" test -s "$HVMUX_HOME/data/snapshots/good/first.xml"
check "a guest of the other host starts" hv start good
check "and runs" wait_screen good COM1 90
check_fails "what was said to be refused is" 1 "gone.img" hv start gone
check_fails "again: nothing changes" 1 "0 of 8 domains imported, 6 here already, 2 failed" hv import libvirt --from "$qemu"
check "without the hardware, if wished" hv import libvirt --from "$qemu" --domain strange --ignore-unsupported
check "the running one runs on" state_is good running
hv destroy good >/dev/null

# Killed at any point: what is there is whole, and the next run completes it.
kill_import() {
	for ms in 0 2 4 6 8 10 15 20 30 50; do
		rm -rf "$HVMUX_HOME"
		"$HVMUX" import libvirt --from "$qemu" >/dev/null 2>&1 &
		victim=$!
		sleep "0.0$(printf %02d $ms)"
		kill -KILL $victim 2>/dev/null
		wait $victim 2>/dev/null
		for f in "$HVMUX_HOME"/etc/domains/*.xml; do
			[ ! -e "$f" ] || hv dumpxml "$(basename "$f" .xml)" >/dev/null || return 1
		done
		hv import libvirt --from "$qemu" >/dev/null 2>&1
		[ "$(hv list --all --name | grep -c .)" -eq 6 ] && [ -h "$HVMUX_HOME/etc/autostart/good.xml" ] || return 1
	done
}
check "killed at any point, repeated, complete" kill_import
tap_done
