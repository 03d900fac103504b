#!/bin/sh
# A guest that prints as fast as it can while nobody looks, and a disk that has no room for what it prints: the guest never
# waits, the supervisor stays small, what is missing is said, and recording goes on when there is room.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

define_linux f1 "<console type='pty'><target type='virtio' port='1'/></console>" >/dev/null
logs=$HVMUX_HOME/log/f1
mounted=
if [ "$(id -u)" -eq 0 ] && mkdir -p "$logs" && mount -t tmpfs -o size=8m hvmux-test "$logs" 2>/dev/null; then
	mounted=1
	faults_cleanup() {
		kill_all
		umount "$logs"
		cleanup
	}
	trap faults_cleanup EXIT
fi
check "start" hv start f1
check "log in" hv expect f1 'login: $' --send 'root\n' '# $' --since-boot --timeout 120
sup=$(json_number f1 supervisor_pid)
# Without its rings, which are files.
own_kib() { awk '/^Anonymous/ { print $2 }' "/proc/$sup/smaps_rollup"; }
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$sup/stat"; }
# The guest prints so many bytes on its virtio console, as fast as it can, and says so on the other.
pour() { hv expect f1 --send "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c $1 >/dev/hvc0; echo poured-\$(($1 + 1))\\n" "poured-$(($1 + 1))" --timeout 120; }

# --- full speed, nobody attached ----------------------------------------------------------------------------
check "the console is there" pour 300000
memory=$(own_kib) cpu=$(cpu_ms) from=$(date +%s%N)
check "2 MB as fast as it can, nobody attached" pour 2000000
took=$((($(date +%s%N) - from) / 1000000)) cpu=$(($(cpu_ms) - cpu)) grown=$(($(own_kib) - memory))
echo "# $took ms, $cpu ms of the supervisor's CPU, $grown KiB more than before"
check "the supervisor is not larger for it (256 KiB)" [ "$grown" -le 256 ]
# A virtio console wakes it for every line or two.
check "and takes less than a fourth of a processor" [ "$cpu" -lt $((took / 4)) ]
check "the console answers" hv expect f1 --send 'echo here-$((2+3))\n' 'here-5' --timeout 20

# --- no room --------------------------------------------------------------------------------------------------
if [ -z "$mounted" ]; then
	tap_skip "a full disk" "no file system can be mounted here"
	hv destroy f1 >/dev/null
	tap_done
fi
room() { df -P -k "$logs" | awk 'NR == 2 { print $4 }'; }
hv events f1 --loop >"$TEST_TMP/events" &
dd if=/dev/zero of="$logs/ballast" bs=1k 2>/dev/null # all that there is
check "the disk is full" [ "$(room)" -eq 0 ]
check "the guest prints all the same, more than a ring holds" pour 1500000
trouble() { hv dominfo f1 | grep '^Log: .*hvc0 stands still: No space left'; }
check "that its log stands still is said" wait_for 20 trouble
event() { grep 'console-log.*stands still: No space left' "$TEST_TMP/events" || { cat "$TEST_TMP/events"; return 1; }; }
check "by an event, too" wait_for 10 event
check "the other console, too, answers" hv expect f1 --send 'echo full-$((2+4))\n' 'full-6' --timeout 20
check "the supervisor is the same" [ "$(json_number f1 supervisor_pid)" = "$sup" ]
check "and has not kept it all" [ $(($(own_kib) - memory)) -le 512 ]
rm "$logs/ballast"
no_trouble() { ! trouble; }
check "there is room again" pour 100000
check "recording goes on" wait_for 30 no_trouble
missing() { hv log f1 --port hvc0 | grep -a '^-- ' | grep -q 'missing' || { hv log f1 --port hvc0 | grep -a '^-- '; return 1; }; }
check "and what is missing is marked" wait_for 20 missing
hv destroy f1 >/dev/null
tap_done
