#!/bin/sh
# Memory that comes and goes while a Linux guest runs, as the guest sees it: balloon, DIMM, virtio-mem; what it has not brought online.
. "$(dirname "$0")/../qemu/lib.sh"
need_agent

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
lacks() { # WORDS COMMAND...: it succeeds, and its output does not hold them
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && ! grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
# KiB that the guest's kernel counts.
total() { guest_run mem 'sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo'; }
grown() { [ "$(total)" -gt $(($1 + $2)) ] || { total; return 1; }; }
shrunk() { [ "$(total)" -lt $(($1 - $2)) ] || { total; return 1; }; }
agrees() { hv check-live mem; }

guest_memory="<maxMemory slots='4' unit='MiB'>2048</maxMemory><memory unit='MiB'>256</memory>"
guest_cpu="<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>"
echo "<memory model='dimm'><target><size unit='MiB'>256</size><node>0</node></target></memory>" >"$TEST_TMP/dimm.xml"
echo "<memory model='virtio-mem'><target><size unit='MiB'>512</size><node>0</node><block unit='MiB'>2</block>
<requested unit='MiB'>0</requested></target></memory>" >"$TEST_TMP/virtio.xml"
check "define" define_linux mem "$agent_channel"
check "start" hv start mem
check "log in" guest_login mem
check "the agent answers" wait_for 60 hv qemu-agent-command mem guest-ping

# The balloon.
at_start=$(total)
check_fails "more than it has" 1 "cannot set memory higher than max memory" hv setmem mem 4G --live
check_fails "no size" 1 "malformed" hv setmem mem much --live
check "--dry-run says what it would do" says "ask the guest's balloon for 192 MiB" hv setmem mem 192M --live --dry-run
check "setmem --live" hv setmem mem 192M --live
check "the guest has less" wait_for 60 shrunk "$at_start" 50000
check "the document says so" says '<currentMemory unit="KiB">196608</currentMemory>' hv dumpxml mem
check "and so does dominfo" wait_for 20 says "Used memory:    196608 KiB" hv dominfo mem
check "the definition is as it was" lacks "<currentMemory" hv dumpxml mem --inactive
check "back, by virsh's default unit" hv setmem mem 262144
check "the guest has what it had" wait_for 60 grown "$at_start" -10000

# A DIMM.
check "attach-device: a DIMM" hv attach-device mem "$TEST_TMP/dimm.xml" --live
check "QEMU has it" says '"id":"dimm0"' hv qemu-monitor-command mem query-memory-devices
check "the guest finds it, and does not use it" wait_for 60 guest_says mem offline 'cat /sys/devices/system/memory/memory3*/state'
check "dominfo says so" wait_for 40 says "Not online:     256 MiB of memory (plugged in; hvmux guest-online mem)" hv dominfo mem
check "and what there is" says '"memory_plugged_kib": 262144' hv dominfo mem --json
check "it gives back what it does not use" hv detach-device mem "$TEST_TMP/dimm.xml" --live
check "QEMU has none" lacks dimm0 hv qemu-monitor-command mem query-memory-devices
check "the document has none" lacks "<memory model=" hv dumpxml mem
check "again" hv attach-device mem "$TEST_TMP/dimm.xml" --live
check "guest-online" wait_for 60 says "2 memory blocks" hv guest-online mem
check "the guest has more" wait_for 60 grown "$at_start" 200000
check "dominfo is content" wait_for 40 lacks "Not online" hv dominfo mem
check "dominfo counts it" says "Max memory:     524288 KiB" hv dominfo mem
check "setmem with it" hv setmem mem 400M --live
check "as asked" wait_for 60 says "Used memory:    409600 KiB" hv dominfo mem
check "the whole is told" says '<memory unit="KiB">524288</memory>' hv dumpxml mem
check "QEMU, document and page agree" agrees

# virtio-mem.
check "attach-device: virtio-mem" hv attach-device mem "$TEST_TMP/virtio.xml" --live
check_fails "more than the device" 1 "at most 524288 KiB" hv update-memory-device mem --requested-size 1G --live
hv dumpxml mem >"$TEST_TMP/before.xml"
check "--print-xml shows the device as it would be" \
	says '<requested unit="KiB">131072</requested>' hv update-memory-device mem --requested-size 128M --live --print-xml
check_fails "… and only what can be" 1 "at most 524288 KiB" hv update-memory-device mem --requested-size 1G --live --print-xml
hv dumpxml mem >"$TEST_TMP/after.xml"
check "… and changes nothing" cmp "$TEST_TMP/before.xml" "$TEST_TMP/after.xml"
check "update-memory-device" hv update-memory-device mem --requested-size 128M --live
check "the guest takes it" wait_for 60 says '"size":134217728' hv qemu-monitor-command mem query-memory-devices
check "the document says what was asked" says '<requested unit="KiB">131072</requested>' hv dumpxml mem
check "by its alias, none of it" hv update-memory-device mem --alias virtiomem0 --requested-size 0 --live
check "the guest gives it back" wait_for 60 says '"size":0,' hv qemu-monitor-command mem query-memory-devices
check "QEMU, document and page agree" agrees

check_fails "setmaxmem of what runs" 1 "cannot resize the maximum memory on an active domain" hv setmaxmem mem 1G
check_fails "setmaxmem with NUMA cells" 1 "NUMA nodes cannot be modified" hv setmaxmem mem 1G --config
check "setmem --config" hv setmem mem 128M --config
check "changes the definition" says '<currentMemory unit="KiB">131072</currentMemory>' hv dumpxml mem --inactive
check "destroy" hv destroy mem

guest_memory="" guest_cpu=""
check "define a plain one" define_linux plain
check "setmaxmem of what is off" hv setmaxmem plain 1G
check "as asked" says '<memory unit="KiB">1048576</memory>' hv dumpxml plain
tap_done
