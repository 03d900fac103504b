#!/bin/sh
# The file system of the logs is full while a guest talks: that is an event, and a figure of the page; when there is room again
# the log goes on by itself with all that the ring still had. Then somebody removes the log.
[ -n "${HUB_LOG_NS:-}" ] || [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null || HUB_LOG_NS=1 exec unshare -m sh "$0"
. "$(dirname "$0")/../qemu/lib.sh"
[ -n "${HUB_LOG_NS:-}" ] || tap_skip_all "only root can have a file system of its own here"
mkdir -p "$HVMUX_HOME/log" && mount -t tmpfs -o size=512k none "$HVMUX_HOME/log" || tap_skip_all "no tmpfs here"
trap 'kill_all; umount "$HVMUX_HOME/log"; cleanup' EXIT
log=$HVMUX_HOME/log/b1/console0.log

define_bootsect b1 >/dev/null
check "start" hv start b1
wait_screen b1 COM1 30 >/dev/null
log_has() { grep -q "$1" "$log" || { cat "$log"; return 1; }; }
check "the log has what the guest says" wait_for 10 log_has COM1
hv events b1 --event console-log --loop --timeout 100 >"$TEST_TMP/events" 2>&1 &
listener=$!
# It has sent its wish when its connection stands; the supervisor reads that before it looks at the log again.
listens() { awk -v path="$HVMUX_HOME/run/b1/control.sock" '$6 == "03" && $8 == path { n = 1 } END { exit !n }' /proc/net/unix; }
check "somebody listens" wait_for 20 listens

dd if=/dev/zero of="$HVMUX_HOME/log/fill" bs=4k 2>/dev/null
told() { grep -q "$1" "$TEST_TMP/events" || { cat "$TEST_TMP/events"; return 1; }; }
# The last page of the log's file has room; what goes beyond it is refused.
words=0
talk() {
	words=$((words + 1))
	type_line b1 "word$words.aaaaaaaaaaaaaaaaaaaa" >/dev/null
	"$@"
}
check "a full disk is an event" wait_for 60 talk told "event 'console-log' for domain 'b1': serial0 stands still: No space left on device"
check "the guest and its watchers do not notice" wait_screen b1 "word$words." 10
talk true
check "another line comes, too" wait_screen b1 "word$words." 10
in_vain() { ! grep -q "word$words\." "$log"; }
check "what was typed last is not in the log" in_vain
rm "$HVMUX_HOME/log/fill"
check "with room it goes on" wait_for 30 told "serial0 goes on; it stood still for .* s, 0 bytes are missing: No space left on device"
check "and has what it had missed" wait_for 10 log_has "word$words\."
kill $listener
journal() { hv events b1 --history | grep "serial0 goes on" || { hv events b1 --history; return 1; }; }
check "the journal tells it" journal

rm "$log"
talk true
check "somebody removes the log: it is made anew" wait_for 10 log_has "word$words\."
check "destroy" hv destroy b1
tap_done
