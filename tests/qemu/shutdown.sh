#!/bin/sh
# How a guest is asked to power off, and how long it is waited for. Boot sectors that answer their power button, and one
# that does not; Linux with the real qemu-ga.
. "$(dirname "$0")/../qemu/lib.sh"

button() {
	define_bootsect "$1" >/dev/null && sed -i "s#bootsect.img#bootsect-button.img#" "$TEST_TMP/$1.xml" &&
		hv define "$TEST_TMP/$1.xml"
}
off_by() { [ "$(hv domstate --reason "$1")" = "shut off ($2)" ] || { hv domstate --reason "$1"; return 1; }; }
waits() {
	button b1 && button b2 && hv start b1 b2 && wait_screen b1 COM1 90 && wait_screen b2 COM1 90 &&
		hv shutdown b1 b2 --timeout 30 >"$TEST_TMP/out" && grep -qF "Domain 'b1' is being shutdown" "$TEST_TMP/out" &&
		grep -qF "Domain 'b2' is shut off" "$TEST_TMP/out" && off_by b1 shutdown && off_by b2 shutdown
}
waits_in_vain() {
	define_bootsect deaf >/dev/null && hv start deaf b1 && wait_screen deaf COM1 90 && wait_screen b1 COM1 90 || return 1
	hv shutdown --timeout 2 deaf b1 2>"$TEST_TMP/words" && return 1
	cat "$TEST_TMP/words"
	grep -qF "Domain 'deaf' has not shut down within 2 s" "$TEST_TMP/words" && off_by b1 shutdown && state_is deaf "in shutdown"
}
forces() { hv shutdown --timeout 1 --force deaf | grep -xF "Domain 'deaf' destroyed" && off_by deaf destroyed; }
paused_is_forced() { hv start --paused deaf && hv shutdown --timeout 1 --force deaf; off_by deaf destroyed; }

check "--timeout waits for all together" waits
check "a deaf guest: told, and left alone" waits_in_vain
check "--force destroys it" forces
check "--force ends one that could not be asked" paused_is_forced
check_fails "--force alone" 2 "--force needs --timeout" hv shutdown --force deaf
check_fails "a mode that QEMU's guests do not have" 2 "expected one of: acpi agent" hv shutdown --mode initctl b1
hv start b1 >/dev/null
check_fails "an agent that is not configured" 1 "QEMU guest agent is not configured" hv shutdown --mode agent b1
check_fails "reboot, the same" 1 "QEMU guest agent is not configured" hv reboot --mode agent b1
wait_screen b1 COM1 90 >/dev/null
check "agent,acpi: the button when there is no agent" hv shutdown --mode agent,acpi --timeout 20 b1

if ! [ -r "$guest/initramfs-agent" ]; then
	tap_skip "by the guest's agent" "no qemu-ga here"
	tap_done
fi
need_agent
ready() { hv dominfo ga | grep -q "Guest agent: *ready"; }
agent_up() { hv start ga && wait_screen ga "ga login:" 120 && wait_for 90 ready; }
audited() { grep -q "what=$1 result=ok" "$HVMUX_HOME/log/ga/audit.log"; }
by_agent() {
	define_linux ga "$agent_channel" && agent_up && hv shutdown --mode agent --timeout 90 ga && off_by ga shutdown &&
		audited shutdown-agent
}
logins() { cat "$HVMUX_HOME/log/ga/console0.log" 2>/dev/null | grep -c "ga login:" || true; }
more_logins() { [ "$(logins)" -gt "$1" ]; }
reboot_by_agent() {
	n=$(logins) && agent_up && wait_for 30 more_logins "$n" && n=$(logins) && qemu=$(json_number ga qemu_pid) &&
		hv reboot --mode agent ga && wait_for 120 more_logins "$n" && wait_state ga running &&
		[ "$(json_number ga qemu_pid)" = "$qemu" ]
}
agent_first() {
	wait_for 90 ready && before=$(grep -c shutdown-agent "$HVMUX_HOME/log/ga/audit.log") && hv shutdown --timeout 90 ga &&
		off_by ga shutdown && [ "$(grep -c shutdown-agent "$HVMUX_HOME/log/ga/audit.log")" -eq $((before + 1)) ]
}
check "shutdown --mode agent" by_agent
check "reboot --mode agent: the guest's own" reboot_by_agent
check "shutdown without a mode asks an agent that answers first" agent_first
tap_done
