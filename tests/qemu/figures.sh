#!/bin/sh
# The verbs that tell a domain's figures, on the real QEMU, in virsh's form.
. "$(dirname "$0")/../qemu/lib.sh"

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
prints() { # TEXT COMMAND...: its output is exactly the text
	text=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && [ "$(cat "$TEST_TMP/says")" = "$text" ] || { cat "$TEST_TMP/says"; return 1; }
}
matches() { # REGULAR-EXPRESSION COMMAND...: a line of its output does
	pattern=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -Eq -- "$pattern" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}

truncate -s 3M "$TEST_TMP/data.img"
disks="<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$TEST_TMP/data.img'/>
<target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>
<interface type='user'><mac address='52:54:00:11:22:33'/></interface>"
if command -v qemu-img >/dev/null; then
	qemu-img create -q -f qcow2 "$TEST_TMP/big.qcow2" 5G
	disks="$disks<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$TEST_TMP/big.qcow2'/>
	<target dev='vdc' bus='virtio'/></disk>"
fi
# Under TCG: what the BIOS does with an empty drive takes under some KVMs longer than a test waits.
check "define" define_bootsect f "$disks" qemu
sed -i "s|<vcpu>1</vcpu>|<vcpu current='2'>3</vcpu><iothreads>2</iothreads>|" "$TEST_TMP/f.xml"
check "define" hv define "$TEST_TMP/f.xml"

check "off: domblkinfo reads the image" prints 'Capacity:       3145728
Allocation:     0
Physical:       3145728' hv domblkinfo f vdb
[ ! -e "$TEST_TMP/big.qcow2" ] || check "off: qcow2" says "Capacity:       5368709120" hv domblkinfo f vdc
check "off: domblkinfo --all: an empty drive has no size" matches '^ hdc +- +- +-$' hv domblkinfo f --all
check "off: vcpucount" prints 'maximum      config         3
current      config         2' hv vcpucount f
check "off: vcpuinfo" says "CPU:            N/A" hv vcpuinfo f
check_fails "off: domblkstat" 1 "domain is not running" hv domblkstat f
check "start" hv start f

check "domblkinfo" says "Capacity:       3145728" hv domblkinfo f vdb
check "domblkinfo --human" says "Capacity:       3.000 MiB" hv domblkinfo f vdb --human
check "domblkinfo by file" says "Capacity:       3145728" hv domblkinfo f "$TEST_TMP/data.img"
check_fails "domblkinfo of what is not there" 1 "invalid path vdz not assigned to domain" hv domblkinfo f vdz
check_fails "domblkinfo of nothing" 1 "command 'domblkinfo' requires <device> option" hv domblkinfo f
check "domblkinfo --all" matches '^ vdb +3145728 +[0-9]+ +3145728$' hv domblkinfo f --all
# The BIOS has read the boot sector.
check "domblkstat" wait_for 20 matches '^vda rd_req [1-9]' hv domblkstat f vda
check "domblkstat --human" matches '^ number of read operations: +[1-9]' hv domblkstat f vda --human
check "domblkstat of an empty drive" says "hdc rd_req 0" hv domblkstat f hdc
check "domblkstat of all: the sum" matches '^ rd_req [1-9]' hv domblkstat f
check "domblkerror" prints "No errors found" hv domblkerror f
check_fails "user networking counts nothing" 1 "user networking, which counts nothing" hv domifstat f 52:54:00:11:22:33
check_fails "no such interface" 1 "'eth9' is not a known interface" hv domifstat f eth9
check "dommemstat without a balloon" matches '^actual 8192$' hv dommemstat f
check "dommemstat: rss" wait_for 20 matches '^rss [1-9]' hv dommemstat f
check "vcpuinfo" matches '^CPU Affinity: +[y-]+$' hv vcpuinfo f
check "vcpuinfo: both" test "$(hv vcpuinfo f | grep -c '^VCPU:')" -eq 2
check "vcpuinfo --pretty" matches '^CPU Affinity: +[0-9,-]+ \(out of [0-9]+\)$' hv vcpuinfo f --pretty
check "vcpucount" prints 'maximum      config         3
maximum      live           3
current      config         2
current      live           2' hv vcpucount f
check "vcpucount --active --live" prints 2 hv vcpucount f --active --live
check_fails "vcpucount --active alone" 1 "go with one of" hv vcpucount f --active
check "iothreadinfo" matches '^ 2 +[0-9,-]+$' hv iothreadinfo f
all=$(hv emulatorpin f | sed -n 's/^ *\*: //p')
allowed() { awk '/^Cpus_allowed_list/ {print $2}' "/proc/$(json_number f qemu_pid)/task/$1/status"; }
# "thread-id" of the props is another thing.
vcpu_thread() {
	hv qemu-monitor-command f --return-value query-cpus-fast | tr '{' '\n' | sed -n 's/^"thread-id":\([0-9]*\),"props".*/\1/p' |
		sed -n "$(($1 + 1))p"
}
check "vcpupin shows both" matches "^ 1 +$all\$" hv vcpupin f
check "vcpupin --live moves a thread" hv vcpupin f 1 0 --live
check "the kernel says so" prints 0 allowed "$(vcpu_thread 1)"
check "and vcpupin" matches '^ 1 +0$' hv vcpupin f 1
check "the other stays" matches "^ 0 +$all\$" hv vcpupin f 0
check "the definition stays" matches "^ 1 +$all\$" hv vcpupin f --config
check "emulatorpin, both" hv emulatorpin f 0
check "the kernel says so" prints 0 allowed "$(json_number f qemu_pid)"
check "not of a vCPU" matches "^ 0 +$all\$" hv vcpupin f 0
check "the definition, too" says "       *: 0" hv emulatorpin f --config
check "it is in the document" says "<emulatorpin cpuset=\"0\"/>" hv dumpxml f --inactive
check "r: all CPUs again" hv emulatorpin f r
check "nothing of it is left in the document" sh -c "! '$HVMUX' dumpxml f --inactive | grep emulatorpin"
check "iothreadpin" hv iothreadpin f 2 0
check "iothreadinfo shows it" matches '^ 2 +0$' hv iothreadinfo f
check_fails "no such vCPU" 1 "vcpu 7 is not present in the domain" hv vcpupin f 7 0
check_fails "no such CPU of the host" 1 "this host has none of these CPUs" hv vcpupin f 0 4000
check_fails "no list" 1 "--cpulist" hv vcpupin f 0 x
check "schedinfo" matches '^cpu_shares     : 1024$' hv schedinfo f
check "schedinfo --set" hv schedinfo f --config cpu_shares=2048 vcpu_quota=50000
check "it is in the definition" matches '^vcpu_quota     : 50000$' hv schedinfo f --config
check "the document holds it" says "<shares>2048</shares>" hv dumpxml f --inactive
check "not of the running domain" matches '^cpu_shares     : 1024$' hv schedinfo f
check_fails "out of range" 1 "is out of range" hv schedinfo f --config vcpu_quota=1
check_fails "no such parameter" 1 "invalid scheduler option: tea=1" hv schedinfo f --set tea=1
check_fails "not live" 1 "are not changed" hv schedinfo f --live cpu_shares=2
check "domjobinfo" matches '^Job type:         None *$' hv domjobinfo f
check "cpu-stats --total" wait_for 20 matches '^	cpu_time +[0-9]+\.[0-9]{9} seconds$' hv cpu-stats f --total
check "--json" says '"capacity_bytes": 3145728' hv domblkinfo f vdb --json
check "destroy" hv destroy f
tap_done
