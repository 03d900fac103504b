#!/bin/sh
# Many VMs at once: BENCH_VMS (300) real QEMU processes, paused, 8 MiB each: list, domstats, one of them stopped, the
# dashboard, what all the supervisors cost together. In memory where that can be had, as /run is on a host.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
vms=${BENCH_VMS:-300}

i=0
while [ $i -lt "$vms" ]; do
	i=$((i + 1))
	name=$(printf 'vm%04d' $i)
	cat >"$TEST_TMP/vm.xml" <<-END
	<domain type='qemu'>
	  <name>$name</name>
	  <memory unit='MiB'>8</memory>
	  <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	  <devices>
	    <serial type='pty'><target port='0'/></serial>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	END
	hv define "$TEST_TMP/vm.xml" >/dev/null && hv start --paused "$name" >/dev/null || exit 1
done

"$tools/pairs" 15 "$HVMUX" list --all ::: "$HVMUX" domstats ::: /bin/true >"$TEST_TMP/ms" || exit 1
{ read -r list; read -r stats; read -r exec; } <"$TEST_TMP/ms"
row "list --all, $vms running" "$list ms" "exec of a small program $exec ms" "$(ratio "$list" "$exec")" "<= 8 ms" "$(verdict "$list" le 8)"
row "domstats, $vms running" "$stats ms" "exec of a small program $exec ms" "$(ratio "$stats" "$exec")" "<= 12 ms" "$(verdict "$stats" le 12)"

# Nobody watches: what do all supervisors together take?
seconds=${BENCH_SECONDS:-20}
"$tools/fleet_usage" "$HVMUX_HOME" >"$TEST_TMP/before"
sleep "$seconds"
"$tools/fleet_usage" "$HVMUX_HOME" >"$TEST_TMP/after"
read -r _ before _ <"$TEST_TMP/before"
read -r n after private largest <"$TEST_TMP/after"
percent=$(awk -v a="$after" -v b="$before" -v s="$seconds" 'BEGIN { printf "%.2f", (a - b) / (s * 10) }')
row "sampling, $n supervisors, nobody watching" "$percent % of a core" "-" "-" "<= 2 %" "$(verdict "$percent" le 2)"
row "private memory of a supervisor" "$private KiB, largest $largest" "-" "-" "<= 1024 KiB" "$(verdict "$private" le 1024)"

# A look at them all in a terminal of 120x40: these guests idle.
dashboard() { "$tools/bench_dashboard" "${1:-20}" "${2:-200}" "$HVMUX" >"$TEST_TMP/dashboard"; }
seen() { awk -v n="$1" '$1 == n { print $2 }' "$TEST_TMP/dashboard"; }
if dashboard; then
	row "dashboard, $vms VMs: CPU" "$(seen idle_cpu_percent) % of a core" "-" "-" "<= 0.5 %" "$(verdict "$(seen idle_cpu_percent)" le 0.5)"
	row "dashboard: resident memory" "$(seen rss_mib) MiB" "-" "-" "<= 12 MiB" "$(verdict "$(seen rss_mib)" le 12)"
	row "dashboard: first frame" "$(seen first_frame_ms) ms" "-" "-" "<= 30 ms" "$(verdict "$(seen first_frame_ms)" le 30)"
	row "dashboard: key to first byte, p99" "$(seen key_p99_ms) ms" "p50 $(seen key_p50_ms) ms" "-" "<= 5 ms" "$(verdict "$(seen key_p99_ms)" le 5)"
	row "dashboard: sent while guests idle" "$(seen idle_bytes_per_s) B/s" "-" "-" "<= 300 B/s" "$(verdict "$(seen idle_bytes_per_s)" le 300)"
else
	no_row "dashboard, $vms VMs" "bench_dashboard failed"
fi

# One QEMU that does not answer must not hold up anything, once it is known not to answer too.
measure() { "$tools/pairs" 15 "$HVMUX" list --all ::: "$HVMUX" domstats; }
is_silent() { hv list --all | grep -q 'not answering'; }
stopped=$(json_number vm0001 qemu_pid)
if [ -n "$stopped" ] && kill -STOP "$stopped"; then
	wait_for 10 is_silent >/dev/null
	measure >"$TEST_TMP/stopped" || exit 1
	is_silent && known="shown as not answering" || known="not yet known not to answer"
	dashboard 3 50 && frame=$(seen first_frame_ms) || frame=-
	kill -CONT "$stopped"
	{ read -r list2; read -r stats2; } <"$TEST_TMP/stopped"
	row "list, domstats, one QEMU stopped ($known)" "$list2, $stats2 ms" "none stopped $list, $stats ms" \
		"$(ratio "$list2" "$list"), $(ratio "$stats2" "$stats")" "<= 8, <= 12 ms" \
		"$(both "$(verdict "$list2" le 8)" "$(verdict "$stats2" le 12)")"
	row "dashboard: first frame, one QEMU stopped" "$frame ms" "-" "-" "<= 30 ms" "$(verdict "$frame" le 30)"
else
	no_row "list, domstats, one QEMU stopped" "dominfo --json gave no qemu_pid"
fi
