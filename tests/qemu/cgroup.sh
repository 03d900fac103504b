#!/bin/sh
# A VM's control groups and the places of its threads, on what this host has: version 1 or 2.
. "$(dirname "$0")/../qemu/lib.sh"

[ "$(id -u)" -eq 0 ] || tap_skip_all "only root can make control groups"
case $(cat /proc/1/comm) in systemd) tap_skip_all "systemd manages the control groups of this host" ;; esac

# Where a controller is mounted, and whether as version 2: "2 /sys/fs/cgroup"
mount_of() { # CONTROLLER-V1 CONTROLLER-V2
	while read -r _ _ _ _ point rest; do
		case $rest in
		*" - cgroup "*) echo "${rest##* }" | tr ',' '\n' | grep -qx "$1" && echo "1 $point" && return ;;
		*" - cgroup2 "*) grep -qw "$2" "$point/cgroup.controllers" && echo "2 $point" && return ;;
		esac
	done </proc/self/mountinfo
}
qemu_pid() { json_number g1 qemu_pid; }
# The folder of QEMU's group for a controller.
group_of() { # CONTROLLER-V1 CONTROLLER-V2
	mount=$(mount_of "$1" "$2")
	[ -n "$mount" ] || return 1
	case $mount in
	1*) path=$(sed -n "s/^[0-9]*:\\([^:]*,\\)*$1\\(,[^:]*\\)*:\\(.*\\)/\\3/p" "/proc/$(qemu_pid)/cgroup") ;;
	2*) path=$(sed -n 's/^0:://p' "/proc/$(qemu_pid)/cgroup") ;;
	esac
	echo "${mount#* }$path"
}
value_is() { # FILE VALUE
	[ "$(cat "$1")" = "$2" ] || { echo "$1 is '$(cat "$1")'"; return 1; }
}
tids() { # NAME: of threads of this name
	for t in /proc/"$(qemu_pid)"/task/*; do
		grep -q "^$1" "$t/comm" && echo "$t"
	done
}
cpus_of() { # NAME CPUS
	t=
	for t in $(tids "$1"); do
		got=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$t/status")
		[ "$got" = "$2" ] || { echo "$t: $got"; return 1; }
	done
	[ -n "$t" ]
}

mount=$(mount_of memory memory)
[ -n "$mount" ] || tap_skip_all "no controller 'memory' here"
mkdir "${mount#* }/hvmux-probe.$$" 2>/dev/null || tap_skip_all "the control groups of this host are read only"
rmdir "${mount#* }/hvmux-probe.$$"
[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || tap_skip_all "one CPU only"

define_bootsect g1 >/dev/null
sed 's|<vcpu>1</vcpu>|<vcpu cpuset="0-1">2</vcpu><iothreads>1</iothreads>\
<cputune><shares>2048</shares><period>50000</period><quota>40000</quota><global_period>100000</global_period>\
<global_quota>90000</global_quota><vcpupin vcpu="1" cpuset="1"/><emulatorpin cpuset="0"/>\
<vcpusched vcpus="0" scheduler="batch"/></cputune>\
<memtune><hard_limit unit="MiB">512</hard_limit></memtune>|' "$TEST_TMP/g1.xml" >"$TEST_TMP/g1t.xml"
check "define" hv define "$TEST_TMP/g1t.xml"
check "it starts" hv start g1
memory=$(group_of memory memory) cpu=$(group_of cpu cpu)
case $memory in
*/hvmux/g1-*.vm) tap_ok "QEMU is in a control group of its own" ;;
*) tap_not_ok "QEMU is in a control group of its own, not in '$memory'" ;;
esac
case $mount in
1*)
	check "memory" value_is "$memory/memory.limit_in_bytes" $((512 * 1024 * 1024))
	check "shares" value_is "$cpu/cpu.shares" 2048
	check "the VM's quota" value_is "$cpu/cpu.cfs_quota_us" 90000
	check "a vCPU's quota" value_is "$cpu/vcpu0/cpu.cfs_quota_us" 40000
	;;
2*)
	check "memory" value_is "$memory/memory.max" $((512 * 1024 * 1024))
	check "weight" value_is "$cpu/cpu.weight" 200
	check "the VM's quota" value_is "$cpu/cpu.max" "90000 100000"
	check "a vCPU's quota" value_is "$cpu/vcpu0/cpu.max" "40000 50000"
	;;
esac
tasks=tasks
[ "${mount%% *}" = 1 ] || tasks=cgroup.threads
in_its_group() { # THREAD GROUP
	t=$(tids "$1")
	grep -qx "${t##*/}" "$cpu/$2/$tasks" || { cat "$cpu/$2/$tasks"; return 1; }
}
check "vCPU 0 is under its own" in_its_group "CPU 0/" vcpu0
check "vCPU 1 is under its own" in_its_group "CPU 1/" vcpu1
check "a vCPU is pinned" cpus_of "CPU 1/" 1
check "one without a pin runs where the domain may" cpus_of "CPU 0/" 0-1
check "the emulator is pinned" cpus_of qemu-system 0
check "a scheduler" sh -c "[ \$(sed 's/.*) //' $(tids 'CPU 0/')/stat | cut -d' ' -f39) -eq 3 ]"
if [ -n "$(tids 'IO iothread1')" ]; then
	check "an IOThread runs where the domain may" cpus_of "IO iothread1" 0-1
else
	tap_skip "an IOThread runs where the domain may" "QEMU has made none"
fi
no_notes() { ! cat "$HVMUX_HOME/run/g1/notes" 2>/dev/null; }
check "all is in force" no_notes

kill -KILL "$(json_number g1 supervisor_pid)"
adopted() { hv list >/dev/null; hv suspend g1 && hv resume g1; }
check "the next supervisor takes it over" wait_for 20 adopted
check "destroy" hv destroy g1
gone() {
	for d in "$memory" "$cpu"; do
		[ ! -e "$d" ] || { ls -R "$d"; return 1; }
	done
}
check "the groups are gone" wait_for 5 gone

# --- what cannot be -----------------------------------------------------------------------------------------
sed 's|<memtune>|<blkiotune><device><path>/dev/no-such-disk</path><read_bytes_sec>1000</read_bytes_sec></device></blkiotune><memtune>|
s|vcpu="1" cpuset="1"|vcpu="1" cpuset="4000"|' "$TEST_TMP/g1t.xml" >"$TEST_TMP/g1n.xml"
hv define "$TEST_TMP/g1n.xml" >/dev/null
check "what cannot be keeps nothing from starting" hv start g1
check "it is noted" grep -q "'/dev/no-such-disk' is no block device" "$HVMUX_HOME/run/g1/notes"
check "and dominfo says it" sh -c "'$HVMUX' dominfo g1 | grep -q '^Note: .*no-such-disk'"
check "for each" grep -q "vcpu1 is not pinned to CPUs 4000: this host has none" "$HVMUX_HOME/run/g1/notes"
hv destroy g1 >/dev/null
mkdir -p "$HVMUX_HOME/etc"
echo 'cgroup = required' >"$HVMUX_HOME/etc/hvmux.conf"
check_fails "unless it is required" 1 "cgroup is 'required' in hvmux.conf: <blkiotune>" hv start g1
echo 'cgroup = off' >"$HVMUX_HOME/etc/hvmux.conf"
hv define "$TEST_TMP/g1t.xml" >/dev/null
check "without control groups" hv start g1
check "that is noted, too" grep -q "cgroup is off" "$HVMUX_HOME/run/g1/notes"
check "pins do not need them" cpus_of "CPU 1/" 1
hv destroy g1 >/dev/null
rm "$HVMUX_HOME/etc/hvmux.conf"
sed 's|<memtune>|<resource><partition>/no-such-partition</partition></resource><memtune>|' "$TEST_TMP/g1t.xml" >"$TEST_TMP/g1p.xml"
hv define "$TEST_TMP/g1p.xml" >/dev/null
check_fails "a partition that is not there is refused" 1 "no-such-partition" hv start g1
tap_done
