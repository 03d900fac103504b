#!/bin/sh
# vCPUs that come and go while a Linux guest runs, as the guest sees it; what it has not brought online; the document, the page and QEMU
# agree after each change.
. "$(dirname "$0")/../qemu/lib.sh"
need_agent

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
prints() { # TEXT COMMAND...: it succeeds, and prints that
	prints_want=$1
	shift
	"$@" >"$TEST_TMP/prints" 2>&1 || { cat "$TEST_TMP/prints"; return 1; }
	[ "$(cat "$TEST_TMP/prints")" = "$prints_want" ] || { cat "$TEST_TMP/prints"; return 1; }
}
count() { prints "$1" hv vcpucount cpu --active --live; }
present() { wait_for 60 guest_says cpu "$1" 'echo present $(cat /sys/devices/system/cpu/present) online $(cat /sys/devices/system/cpu/online)'; }
listed() { [ "$(hv dumpxml cpu | grep -c "<vcpu id=.*enabled=.yes.")" = "$1" ] || { hv dumpxml cpu | grep vcpu; return 1; }; }
agrees() { hv qemu-monitor-command cpu query-cpus-fast | grep -o '"cpu-index"' | wc -l | grep -qx "$1"; }

guest_vcpu="<vcpu current='1'>4</vcpu>"
check "define" define_linux cpu "$agent_channel"
check "start" hv start cpu
check "log in" guest_login cpu
check "the agent answers" wait_for 60 hv qemu-agent-command cpu guest-ping

check "--dry-run shows the steps" says "plug vCPU 3" hv setvcpus cpu 4 --live --dry-run
check "and changes nothing" agrees 1
check_fails "more than there can be" 1 "greater than max allowable vcpus for the live domain: 5 > 4" hv setvcpus cpu 5 --live
check "setvcpus --live" prints "" hv setvcpus cpu 4 --live
check "QEMU has them" agrees 4
check "vcpucount tells them" count 4
check "the document lists them" listed 4
check "the definition is as it was" says "<vcpu current=\"1\">4</vcpu>" hv dumpxml cpu --inactive
check "the guest finds them, and has not brought them online" present "present 0-3 online 0"
plugged_unused() { says '"vcpus_online": 1' hv dominfo cpu --json; }
check "dominfo says so" wait_for 40 says "Not online:     3 vCPUs (plugged in; hvmux guest-online cpu)" hv dominfo cpu
check "and as JSON" says '"vcpus_online": 1' hv dominfo cpu --json
check "setvcpus --guest brings some online" hv setvcpus cpu 2 --guest
check "the guest uses two" present "online 0-1"
check_fails "more than are plugged" 1 "greater than the count of enabled vcpus in the domain: 5 > 4" hv setvcpus cpu 5 --guest
check "guest-online brings the others online" says "Brought online: 2 vCPUs" hv guest-online cpu
check "the guest uses all" present "online 0-3"
check "dominfo is content" wait_for 40 says '"vcpus_online": 4' hv dominfo cpu --json
check "nothing more to bring online" says "Everything that is plugged is online" hv guest-online cpu
check "setvcpus --guest takes the last ones offline" hv setvcpus cpu 1 --guest
check "the guest uses one" present "online 0"

check "vcpupin of a plugged one" hv vcpupin cpu 3 0 --live
check "it is where it belongs" says "3      0" hv vcpupin cpu

# An emulated vCPU that is unplugged takes QEMU with it, sooner or later: seen with 7.2.
check_fails "fewer: emulated ones are not unplugged" 1 "does not outlive the unplugging of an emulated vCPU" hv setvcpus cpu 2 --live
check_fails "nor by number" 1 "guestvcpus cpu --cpulist 3 --disable" hv setvcpu cpu 3 --disable --live
check_fails "not the first" 1 "vcpu '0' can't be disabled" hv setvcpu cpu 0 --disable --live
check "QEMU has all" agrees 4

supervisor=$(json_number cpu supervisor_pid)
kill -9 "$supervisor"
check "its supervisor killed with -9: the next one knows them" wait_for 60 says '"vcpus": 4' hv dominfo cpu --json

check "--config alone" hv setvcpus cpu 3 --config
check "changes the definition" says '<vcpu current="3">4</vcpu>' hv dumpxml cpu --inactive
check "and nothing that runs" count 4
check "--maximum --config" hv setvcpus cpu 8 --maximum --config
check "the definition has it" says '<vcpu current="3">8</vcpu>' hv dumpxml cpu --inactive
check_fails "--maximum of what runs" 1 "cannot adjust maximum" hv setvcpus cpu 8 --maximum --live
check "--live and --config" hv setvcpus cpu 4 --live --config
check "changes the definition" says '<vcpu current="4">8</vcpu>' hv dumpxml cpu --inactive
check "the audit log tells who did it" grep -q "what=plan-end plan=setvcpus .*result=ok" "$HVMUX_HOME/log/cpu/audit.log"
check "destroy" hv destroy cpu
check "off: the definition is changed" hv setvcpus cpu 2
check "as asked" says '<vcpu current="2">8</vcpu>' hv dumpxml cpu

# In one line, and by number.
guest_vcpu="<vcpu current='1'>4</vcpu>"
check "define once more" define_linux cpu2 "$agent_channel"
check "start" hv start cpu2
check "log in" guest_login cpu2
check "the agent answers" wait_for 60 hv qemu-agent-command cpu2 guest-ping
check "setvcpu plugs one by its number" hv setvcpu cpu2 3 --enable --live
check "the guest sees it, and numbers it as its second" wait_for 60 guest_says cpu2 0-1 'cat /sys/devices/system/cpu/present'
check "it is the one that was meant" says /machine/peripheral/vcpu3 hv qemu-monitor-command cpu2 query-cpus-fast
check "--guest with --live plugs what is missing, and the guest uses it" hv setvcpus cpu2 3 --live --guest
check "it does" wait_for 60 guest_says cpu2 "0-2" 'cat /sys/devices/system/cpu/online'
check "destroy" hv destroy cpu2
tap_done
