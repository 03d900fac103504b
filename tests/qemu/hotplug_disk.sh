#!/bin/sh
# Disks and other devices plugged in and out while a Linux guest runs: the guest sees them come and go, QEMU keeps nothing, the
# documents say the truth, and what fails half-way leaves no trace.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

hv img create -q -f qcow2 "$TEST_TMP/a.qcow2" 64M >/dev/null
printf 'from the base' >"$TEST_TMP/base.img"
truncate -s 32M "$TEST_TMP/base.img"
hv img create -q -f qcow2 -F raw -b "$TEST_TMP/base.img" "$TEST_TMP/over.qcow2" >/dev/null
truncate -s 32M "$TEST_TMP/b.img"

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
lacks() { ! says "$@" >/dev/null || { cat "$TEST_TMP/says"; return 1; }; }
nodes() { hv qemu-monitor-command "$1" '{"execute": "query-named-block-nodes"}'; }
blocks() { hv domblklist "$1"; }
agrees() { hv check-live "$1" >"$TEST_TMP/agrees" 2>&1 || { cat "$TEST_TMP/agrees"; return 1; }; }
no_plan_left() { [ ! -e "$HVMUX_HOME/run/$1/plan.json" ]; }
guest_has() { guest_says d1 "$1" "cat /proc/partitions"; }
guest_has_no() { guest_lacks d1 "$1" "cat /proc/partitions"; }

check "define" define_linux d1 "<controller type='scsi' model='virtio-scsi'/><controller type='usb' model='qemu-xhci'/>"

# --- off: the definition alone ---
check "off: attach-disk" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/b.img" vdx
check "off: it is defined" says vdx hv domblklist d1
check_fails "off: the same target again" 1 "target vdx already exists" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdx
check_fails "off: --live" 1 "domain is not running" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdb --live
check "off: detach-disk" says "Disk detached successfully" hv detach-disk d1 vdx
check "off: it is gone" lacks vdx hv domblklist d1
check_fails "off: no such disk" 1 "No disk found whose source path or target is vdx" hv detach-disk d1 vdx

# --- a disk comes and goes ---
check "start" hv start d1
check "log in" guest_login d1
check "the dry run prints the steps" says "device_add" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdb --live --dry-run
check "… and changes nothing" lacks vdb blocks d1
check "QEMU and the documents agree" agrees d1
check "attach-disk vdb --live" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdb --live
check "the guest sees it" wait_for 30 guest_has vda
check "it is what its name and contents say" wait_for 10 guest_has "65536 vda"
check "the live document has it" says vdb blocks d1
check "QEMU and the documents agree" agrees d1
check "… with its alias" says "virtio-disk1" hv dumpxml d1
check "the definition has not" lacks vdb hv domblklist d1 --inactive
check "its counters are shown" wait_for 20 says "rd_req" hv domblkstat d1 vdb
check "the guest writes" guest_run d1 'echo hello-disk | dd of=/dev/vda bs=512 seek=100 conv=sync,fsync 2>/dev/null'
check_fails "the same target again" 1 "target vdb already exists" hv attach-disk d1 "$TEST_TMP/b.img" vdb --live
check_fails "the same image again" 1 "is in use by d1" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdc --live
check "detach-disk vdb --live" says "Disk detached successfully" hv detach-disk d1 vdb --live
check "the guest has it no more" wait_for 30 guest_has_no vda
check "nor has the live document" lacks vdb blocks d1
check "QEMU keeps no node of it" lacks vdb nodes d1
check "no plan is left" no_plan_left d1
check "QEMU and the documents agree" agrees d1
check "again" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/a.qcow2" vdb --live
check "the guest reads what it wrote" wait_for 30 guest_says d1 hello-disk 'dd if=/dev/vda bs=512 skip=100 count=1 2>/dev/null'
read_something() { hv domblkstat d1 vdb | grep -q 'rd_req [1-9]' || { hv domblkstat d1 vdb; return 1; }; }
check "what it read is counted" wait_for 20 read_something
check "out again" says "Disk detached successfully" hv detach-disk d1 vdb --live

# --- a chain, in both documents ---
check "attach-disk --persistent" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/over.qcow2" vdb --persistent --cache none --serial chain1
check "the guest reads the base" wait_for 30 guest_says d1 "from the base" 'dd if=/dev/vda bs=512 count=1 2>/dev/null'
check "its serial" guest_says d1 chain1 'cat /sys/block/vda/serial'
check "QEMU and the documents agree" agrees d1
check "QEMU opens no backing file by itself" lacks '#block' nodes d1
address() { hv dumpxml d1 ${1:-} | sed -n "/vdb/,/<\/disk>/s/.*<address \(.*\)\/>.*/\1/p"; }
same_address() { [ -n "$(address)" ] && [ "$(address)" = "$(address --inactive)" ] || { address; address --inactive; return 1; }; }
check "the definition has it at the same place" same_address
check "detach-disk --persistent" says "Disk detached successfully" hv detach-disk d1 vdb --persistent
check "the definition has it no more" lacks vdb hv domblklist d1 --inactive
check "nor QEMU" lacks vdb nodes d1
check_fails "detach: it is not there" 1 "No disk found whose source path or target is vdb" hv detach-disk d1 vdb --live

# --- SCSI, USB, and devices of other kinds ---
check "a SCSI disk" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/b.img" sdb --live
check "the guest sees it" wait_for 30 guest_says d1 32768 "cat /sys/block/sda/size /proc/partitions"
check "out" says "Disk detached successfully" hv detach-disk d1 sdb --live
check "an empty SCSI drive" says "Disk attached successfully" hv attach-disk d1 "" sdc --type cdrom --targetbus scsi --live
check "QEMU and the documents agree" agrees d1
check "out" says "Disk detached successfully" hv detach-disk d1 sdc --live
check_fails "a SATA disk" 1 "take nothing new" hv attach-disk d1 "$TEST_TMP/b.img" sdb --targetbus sata --live
cat >"$TEST_TMP/rng.xml" <<-END
	<?xml version='1.0'?>
	<rng model='virtio'>
	  <backend model='random'>/dev/urandom</backend>
	</rng>
END
check "attach-device: a second rng" says "Device attached successfully" hv attach-device d1 "$TEST_TMP/rng.xml" --live
check "… rng1" says "rng1" hv dumpxml d1
check_fails "detach-device: there are two like it" 1 "more than one" hv detach-device d1 "$TEST_TMP/rng.xml" --live
check "detach-device-alias: the first" says "Device detach request sent successfully" hv detach-device-alias d1 rng0 --live
check "the other keeps its alias" says "alias name=\"rng1\"" hv dumpxml d1
check "detach-device: the other one" says "Device detached successfully" hv detach-device d1 "$TEST_TMP/rng.xml" --live
check_fails "no such alias" 1 "no device found with alias 'rng1'" hv detach-device-alias d1 rng1
printf "<rng model='virtio'>\n <backend model='random'/>\n <rate bits='3'/>\n</rng>" >"$TEST_TMP/bad.xml"
check_fails "what is wrong is told with its line" 1 "bad.xml:3" hv attach-device d1 "$TEST_TMP/bad.xml" --live
printf "<filesystem type='mount'><source dir='/srv'/><target dir='s'/></filesystem>" >"$TEST_TMP/fs.xml"
in_and_out() { # NAME XML
	printf '%s\n' "$2" >"$TEST_TMP/device.xml"
	check "$1: in" says "Device attached successfully" hv attach-device d1 "$TEST_TMP/device.xml" --live
	check "$1: out" says "Device detached successfully" hv detach-device d1 "$TEST_TMP/device.xml" --live
}
before=$(hv dumpxml d1 | grep -c "<alias")
in_and_out "an interface" "<interface type='user'><mac address='52:54:00:12:34:99'/><model type='virtio'/></interface>"
in_and_out "a USB disk" "<disk type='file'><driver type='raw'/><source file='$TEST_TMP/b.img'/><target dev='sdx' bus='usb'/></disk>"
in_and_out "a tablet" "<input type='tablet' bus='usb'/>"
in_and_out "a virtio keyboard" "<input type='keyboard' bus='virtio'/>"
in_and_out "a redirected USB device" "<redirdev bus='usb' type='unix'><source mode='bind' path='$TEST_TMP/usb.sock'/></redirdev>"
in_and_out "a SCSI controller" "<controller type='scsi' index='3' model='virtio-scsi'/>"
in_and_out "shared memory" "<shmem name='hvmux-test-$$'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>"
rm -f "/dev/shm/hvmux-test-$$"
check "QEMU and the documents agree" agrees d1
check "nothing of them is left" test "$(hv dumpxml d1 | grep -c "<alias")" = "$before"
check "the host's devices" says '"refused"' hv host-devices --json
board=$(hv host-devices --pci | awk '/part of the host/ { print $2; exit }')
if [ -n "$board" ]; then
	check_fails "one that stays with the host" 1 "stays with the host" hv attach-host-device d1 "$board" --live
	echo "$board" | sed "s,\(.*\):\(.*\):\(.*\)\.\(.*\),<hostdev mode='subsystem' type='pci' managed='yes'><source>\
<address domain='0x\1' bus='0x\2' slot='0x\3' function='0x\4'/></source></hostdev>," >"$TEST_TMP/pci.xml"
	check_fails "… by its XML" 1 "stays with the host" hv attach-device d1 "$TEST_TMP/pci.xml" --live
fi
printf "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>" >"$TEST_TMP/usb.xml"
check_fails "one that the host has not" 1 "the host has no device 1234:beef" hv attach-device d1 "$TEST_TMP/usb.xml" --live
check_fails "a folder of the host" 1 "QEMU takes a folder of the host from its command line alone" hv attach-device d1 "$TEST_TMP/fs.xml" --live

# --- a guest that does not let go in time, and does so later ---
check "attach" hv attach-disk d1 "$TEST_TMP/b.img" vdb --persistent
check "the guest sees it" wait_for 30 guest_has vda
check "the guest stands still" hv suspend d1
check_fails "detach: it is told, with what to do" 1 "the guest has not released disk vdb" hv detach-disk d1 vdb --persistent
check "the live document still has it" says vdb blocks d1
check "so has the definition, again" says vdb hv domblklist d1 --inactive
check "the guest goes on" hv resume d1
check "it lets go, and the document says so" wait_for 60 lacks vdb blocks d1
check "QEMU keeps no node of it" wait_for 10 lacks vdb nodes d1
check "it is noted" says "what=device-gone" cat "$HVMUX_HOME/log/d1/audit.log"
check "QEMU and the documents agree" agrees d1
check "nothing is waited for" test ! -e "$HVMUX_HOME/run/d1/leaving"
check "detach --config" hv detach-disk d1 vdb --config

# --- the supervisor is killed while the guest is waited for ---
check "attach" hv attach-disk d1 "$TEST_TMP/b.img" vdb --live
check "the guest sees it" wait_for 30 guest_has vda
check "the guest stands still" hv suspend d1
hv detach-disk d1 vdb --live >"$TEST_TMP/detach" 2>&1 &
detach=$!
check "the guest is asked" wait_for 20 test -e "$HVMUX_HOME/run/d1/leaving"
check "kill -9" kill -9 "$(json_number d1 supervisor_pid)"
wait $detach
check "the command says that it does not know the end" test $? -ne 0
check "the next one goes on" hv resume d1
check "the guest lets go, and the document says so" wait_for 60 lacks vdb blocks d1
check "QEMU keeps no node of it" wait_for 10 lacks vdb nodes d1
check "no plan is left" wait_for 30 no_plan_left d1
check "QEMU and the documents agree" agrees d1
check "destroy" hv destroy d1

# --- a secret ---
check "define" define_bootsect d3
id=0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
if command -v qemu-img >/dev/null && qemu-img create -q -f luks --object secret,id=s,data=s3cretWord \
	-o key-secret=s,iter-time=10 "$TEST_TMP/luks.img" 4M; then
	printf "<disk type='file'><driver type='raw'/><source file='%s'><encryption format='luks'><secret type='passphrase' uuid='%s'/></encryption></source><target dev='vdl'/></disk>" \
		"$TEST_TMP/luks.img" "$id" >"$TEST_TMP/luks.xml"
	check "start" hv start d3
	check_fails "an encrypted disk without its secret" 1 "$id" hv attach-device d3 "$TEST_TMP/luks.xml" --live
	mkdir -p "$HVMUX_HOME/etc/secrets"
	chmod 700 "$HVMUX_HOME/etc/secrets"
	(umask 077 && printf 's3cretWord' | base64 >"$HVMUX_HOME/etc/secrets/$id.base64")
	check "its dry run does not tell it" lacks "czNjcmV0V29yZA" hv attach-device d3 "$TEST_TMP/luks.xml" --live --dry-run --json
	check "with it" says "Device attached successfully" hv attach-device d3 "$TEST_TMP/luks.xml" --live
	check "QEMU and the documents agree" agrees d3
	check "no log has it" sh -c "! grep -rq 'czNjcmV0V29yZA\|s3cretWord' '$HVMUX_HOME/log' '$HVMUX_HOME/run/d3/live.xml'"
	check "destroy" hv destroy d3
fi

# --- QEMU dies while the guest is waited for ---
check "start" hv start d1
check "log in" guest_login d1
check "attach" hv attach-disk d1 "$TEST_TMP/b.img" vdb --persistent
check "the guest stands still" hv suspend d1
hv detach-disk d1 vdb --persistent >"$TEST_TMP/detach" 2>&1 &
detach=$!
check "the guest is asked" wait_for 20 test -e "$HVMUX_HOME/run/d1/leaving"
check "QEMU is killed" kill -9 "$(json_number d1 qemu_pid)"
wait $detach
check "the command says so" test $? -eq 1
check "in words" grep -q "Failed to detach disk" "$TEST_TMP/detach"
check "it has ended" wait_state d1 crashed
check "the definition has the disk as before" says vdb hv domblklist d1
check "it starts with it" hv start d1
check "no plan is left" wait_for 10 no_plan_left d1
check "… and the live document has it" says vdb blocks d1
check "destroy" hv destroy d1
check "detach" hv detach-disk d1 vdb --config

# --- no place, and an image that is another machine's ---
check "start" hv start d3
check "attach" hv attach-disk d3 "$TEST_TMP/a.qcow2" vdb --live
check "define one with a single port" define_linux d4 "<controller type='pci' index='0' model='pcie-root'/>
	<controller type='pci' index='1' model='pcie-root-port'/><controller type='pci' index='2' model='pcie-root-port'/>
	<controller type='pci' index='3' model='pcie-root-port'/><controller type='pci' index='4' model='pcie-root-port'/>
	<controller type='pci' index='5' model='pcie-root-port' hotplug='off'/>"
check "start, paused" hv start --paused d4
check_fails "an image that another machine writes" 1 "is in use by d3 (vdb, running" hv attach-disk d4 "$TEST_TMP/a.qcow2" vdb --live
check "it is not in the document" lacks vdb blocks d4
printf "<disk type='file'><driver type='qcow2'/><source file='%s'/><target dev='vdb'/></disk>" "$TEST_TMP/a.qcow2" >"$TEST_TMP/busy.xml"
check_fails "the same by XML" 1 "is in use by d3 (vdb, running" hv attach-device d4 "$TEST_TMP/busy.xml" --live
printf "<disk type='file'><driver type='raw'/><source file='%s'/><target dev='vdb'/><shareable/></disk>" "$TEST_TMP/a.qcow2" >"$TEST_TMP/busy.xml"
check_fails "said to be shared: QEMU refuses it, and all is taken back" 1 "lock" hv attach-device d4 "$TEST_TMP/busy.xml" --live
check "it is not in the document" lacks vdb blocks d4
check "QEMU keeps no node of it" lacks vdb nodes d4
check "QEMU and the documents agree" agrees d4
check "no plan is left" no_plan_left d4
fill() { n=0; while hv attach-device d4 "$TEST_TMP/rng.xml" --live >"$TEST_TMP/fill" 2>&1; do n=$((n + 1)); [ $n -lt 9 ] || return 1; done; cat "$TEST_TMP/fill"; }
check "no place is left: it says what to do" says "pcie-root-port" fill
check "destroy" hv destroy d3
check "destroy" hv destroy d4

# --- QEMU as another user ---
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	mkdir -p "$HVMUX_HOME/etc" "$TEST_TMP/images"
	echo 'qemu_user = "nobody"' >"$HVMUX_HOME/etc/hvmux.conf"
	chmod 700 "$TEST_TMP" "$TEST_TMP/images"
	cp "$TEST_TMP/base.img" "$TEST_TMP/images/base.img"
	hv img create -q -f qcow2 -F raw -b "$TEST_TMP/images/base.img" "$TEST_TMP/images/top.qcow2" >/dev/null
	chmod 600 "$TEST_TMP"/images/*
	sets() { hv qemu-monitor-command d1 '{"execute": "query-fdsets"}'; }
	check "start" hv start d1
	check "log in" guest_login d1
	check "attach" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/images/top.qcow2" vdb --live
	check "QEMU has it as a descriptor" says "/images/base.img" sets
	check "the guest reads the base" wait_for 30 guest_says d1 "from the base" 'dd if=/dev/vda bs=512 count=1 2>/dev/null'
	check "the guest writes" guest_run d1 'echo other-user | dd of=/dev/vda bs=512 seek=9 conv=sync,fsync 2>/dev/null'
	check "detach" says "Disk detached successfully" hv detach-disk d1 vdb --live
	check "no descriptor stays" lacks "/images/" sets
	check "no node stays" lacks vdb nodes d1
	check "QEMU and the documents agree" agrees d1
	check "nobody else owns the image" test "$(stat -c %u:%a "$TEST_TMP/images/top.qcow2")" = 0:600
	check "attach again" says "Disk attached successfully" hv attach-disk d1 "$TEST_TMP/images/top.qcow2" vdb --live
	check "what was written is there" wait_for 30 guest_says d1 other-user 'dd if=/dev/vda bs=512 skip=9 count=1 2>/dev/null'
	check "another device" says "Device attached successfully" hv attach-device d1 "$TEST_TMP/rng.xml" --live
	check "destroy" hv destroy d1
fi
tap_done
