#!/bin/sh
# Hundreds of define, start, destroy, undefine leave nothing behind: no process, socket, file, descriptor, lock, mount or KiB
# but the logs, which are bounded. CYCLES=500 for the whole of it.
. "$(dirname "$0")/../qemu/lib.sh"

cycles=${CYCLES:-12}
cyc=cyc$$ # control groups are the whole host's
# Everything of ours that there is, logs apart: files with their sizes, sockets, what the kernel keeps.
inventory() {
	# The next Id is a counter.
	(cd "$HVMUX_HOME" && find . \( -path ./log -o -path ./run/.next-id \) -prune -o -printf '%p %y %s\n' | sort)
	echo "blocks $(du -sk --exclude=log "$HVMUX_HOME" | cut -f 1)"
	echo "sockets $(grep -cF "$HVMUX_HOME" /proc/net/unix)"
	echo "mounts $(grep -cF "$HVMUX_HOME" /proc/self/mounts)"
	echo "cgroups $(find /sys/fs/cgroup -type d -name "*$cyc*" 2>/dev/null | wc -l)"
	echo "shared memory $(find /dev/shm -name "*$cyc*" 2>/dev/null | wc -l)"
	# The kernel frees a process a moment after it has answered its parent.
	wait_for 10 no_process >/dev/null
	echo "processes $(home_processes | wc -l)"
}
no_process() { [ -z "$(home_processes)" ]; }
cycle() { # what start is told
	hv define "$TEST_TMP/$cyc.xml" >/dev/null && hv start "$cyc" "$@" >/dev/null && hv destroy "$cyc" >/dev/null && hv undefine "$cyc" >/dev/null
}
nothing_left() { # N [OPTION...]
	n=$1
	shift
	cycle "$@" && cycle "$@" && inventory >"$TEST_TMP/before" || return 1
	i=0
	while [ $i -lt "$n" ]; do
		cycle "$@" || { echo "cycle $i"; return 1; }
		i=$((i + 1))
	done
	inventory >"$TEST_TMP/after"
	diff "$TEST_TMP/before" "$TEST_TMP/after" && [ "$(du -sk "$HVMUX_HOME/log" | cut -f 1)" -le 8192 ]
}
# One supervisor that lives through it all: requests, clients, restarts of the guest.
requests() {
	i=0
	while [ $i -lt "$1" ]; do
		hv suspend "$cyc" && hv resume "$cyc" && hv reset "$cyc" && hv domstate "$cyc" && hv dominfo "$cyc" && type_line "$cyc" ping || return 1
		i=$((i + 1))
	done >/dev/null
}
descriptors() { find "/proc/$supervisor/fd" -mindepth 1 | wc -l; }
memory() { sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$supervisor/status"; }
few_descriptors() { [ "$(descriptors)" -le "$1" ]; }
one_supervisor() {
	hv define "$TEST_TMP/$cyc.xml" && hv start "$cyc" && wait_screen "$cyc" COM1 90 && supervisor=$(json_number "$cyc" supervisor_pid) &&
		requests "$cycles" && wait_for 10 few_descriptors 64 || return 1
	fds=$(descriptors) kib=$(memory)
	requests "$cycles" && wait_for 10 few_descriptors "$fds" || { echo "$fds descriptors, now $(descriptors)"; return 1; }
	now=$(memory)
	echo "$kib KiB, now $now"
	[ "$now" -le $((kib + 64)) ] && hv destroy "$cyc" && hv undefine "$cyc"
}

# A second disk, that is written to.
truncate -s 1M "$TEST_TMP/data.img"
define_bootsect "$cyc" "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$TEST_TMP/data.img'/>
<target dev='vdb' bus='virtio'/></disk>" >/dev/null && hv undefine "$cyc" >/dev/null
check "$cycles cycles" nothing_left "$cycles"
mkdir -p "$HVMUX_HOME/etc/hooks.d" && printf '#!/bin/sh\nexit 0\n' >"$HVMUX_HOME/etc/hooks.d/a" &&
	chmod 755 "$HVMUX_HOME/etc/hooks.d" "$HVMUX_HOME/etc/hooks.d/a"
check "with hooks, thrown away" nothing_left $((cycles / 4)) --throwaway --paused
check "one supervisor, many requests" one_supervisor
tap_done
