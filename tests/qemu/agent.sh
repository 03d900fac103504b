#!/bin/sh
# The guest agent, the real qemu-ga in a Linux guest under TCG: what it tells, what it is told, and that neither its death nor
# its flood harms anybody.
. "$(dirname "$0")/../qemu/lib.sh"
need_agent

truncate -s 16M "$TEST_TMP/disk.img"
disk="<disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>
<source file='$TEST_TMP/disk.img'/><target dev='vda' bus='virtio'/></disk>"
says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
ready() { says "$1" hv dominfo ga; }
say_line() { type_line ga "$1" >/dev/null; }
guest_time() { hv domtime ga | sed -n 's/^Time: //p'; }
# The guest's clock stands between the time given and ten minutes later.
time_is() { now=$(guest_time) && [ "$((now - $1))" -ge 0 ] && [ "$((now - $1))" -le 600 ] || { echo "$now"; return 1; }; }
quick() { # COMMAND...: done within two seconds
	quick_began=$(date +%s)
	"$@" && [ $(($(date +%s) - quick_began)) -le 2 ]
}

check "define" define_linux ga "$agent_channel $disk"
check_fails "not running: nobody to ask" 1 "domain is not running" hv domtime ga
check "start" hv start ga
check_fails "before the guest's agent is there" 1 "Guest agent is not responding: QEMU guest agent is not connected" \
	hv domhostname ga
check "the agent is found" wait_for 90 ready "Guest agent:    ready"
check "boots to a login" wait_screen ga "ga login:" 90
check "dominfo: the guest's name" wait_for 30 ready "Guest name:     ga"
check "dominfo: the guest's system" ready "Guest OS:       hvmux test guest 1"
say_line root
check "log in" wait_screen ga "root@ga" 30
say_line 'mke2fs /dev/vda >/dev/null; mount -t ext4 /dev/vda /tmp && clear && echo moun''ted'
check "a file system in the guest" wait_screen ga mounted 60

check "domhostname" says ga hv domhostname ga
check "domifaddr tells the guest's address" wait_for 30 says "10.0.2.15/24" hv domifaddr ga --source agent
check "dominfo: the address, when the agent was asked again" wait_for 90 ready "Address:        10.0.2.15"
check "dominfo: how full its disk is" wait_for 90 ready "Guest disks:    /tmp "
check "guestinfo" says "os.pretty-name      : hvmux test guest 1" hv guestinfo ga
check "guestinfo --hostname: no other group" sh -c "'$HVMUX' guestinfo ga --hostname | grep -c : | grep -qx 1"
check "domfsinfo" says "/tmp" hv domfsinfo ga
check "domfsinfo names the domain's disk" says "vda    ext4   vda" hv domfsinfo ga
check "guestvcpus" says "online         : 0" hv guestvcpus ga
check "domtime" time_is "$(($(date +%s) - 120))"
check "domtime --time" hv domtime ga --time 1700000000
check "the guest's clock is set" time_is 1700000000
check "domtime --now" hv domtime ga --now
check "the guest's clock is right" time_is "$(($(date +%s) - 120))"
check "domtime --pretty" says "Time: 20" hv domtime ga --pretty

check "domfsfreeze" says "Froze 1 filesystem(s)" hv domfsfreeze ga
check "dominfo shows it" ready "Guest agent:    file systems frozen"
check_fails "a frozen guest answers nothing else" 1 "unable to execute QEMU agent command" hv domhostname ga
check "domfsthaw" says "Thawed 1 filesystem(s)" hv domfsthaw ga
check "dominfo shows it" ready "Guest agent:    ready"
check "domfstrim" hv domfstrim ga

check "qemu-agent-command" says '{"return":{}}' hv qemu-agent-command ga '{"execute":"guest-ping"}'
check "qemu-agent-command by name alone" says '{"return":{}}' hv qemu-agent-command ga guest-ping
check_fails "a command that there is not" 1 "The command guest-fly has not been found" hv qemu-agent-command ga '{"execute":"guest-fly"}'
check_fails "no JSON" 1 "cannot parse json" hv qemu-agent-command ga '{"execute"'

# busybox has no chpasswd: this one writes down what the agent gives it.
say_line 'printf "#!/bin/sh\\ncat >/got; echo args=\$* >>/got\\n" >/sbin/chpasswd; chmod 755 /sbin/chpasswd; clear; echo chpa''sswd'
check "a chpasswd in the guest" wait_screen ga chpasswd 30
check "set-user-password" says "Password set successfully for root in ga" hv set-user-password ga root Geheim-1
say_line 'clear; cat /got'
check "the guest has got it" wait_screen ga "root:Geheim-1" 30
check "from standard input" sh -c "echo Geheim-2 | '$HVMUX' set-user-password ga root --encrypted"
say_line 'clear; cat /got'
check "the guest has got that one, as a hash" wait_screen ga "args=-e" 30
check "no log of ours holds a password" sh -c "! grep -rq Geheim '$HVMUX_HOME/log/ga/audit.log' '$HVMUX_HOME/log/ga/qemu.log'"

check "dommemstat --period" hv dommemstat ga --period 1 --live
check "the guest tells its memory" wait_for 30 sh -c "'$HVMUX' dommemstat ga | grep -q '^available [1-9]'"

hv suspend ga >/dev/null
check_fails "paused: said at once" 1 "is paused: its guest agent cannot answer" quick hv domtime ga
hv resume ga >/dev/null

say_line 'killall -9 qemu-ga'
check "the agent killed with -9 comes back" wait_for 60 hv qemu-agent-command ga guest-ping
check "and tells again" wait_for 60 ready "Guest name:     ga"

supervisor=$(json_number ga supervisor_pid)
kill -9 "$supervisor"
check "its supervisor killed with -9: the next one finds the agent" wait_for 60 says ga hv domhostname ga
check "and it is another" test "$(json_number ga supervisor_pid)" != "$supervisor"

# The guest's root writes what he likes into the channel.
say_line 'mv /sbin/qemu-ga /sbin/ga; killall -9 qemu-ga; clear'
check "the agent is gone" wait_for 60 ready "Guest agent:    not answering"
say_line 'cd /sys/class/virtio-ports; p=/dev/$(dirname $(grep -l guest_agent */name)); cd /; yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | tr -d "\n" >$p & sleep 1; echo flo''oding'
check "the guest floods" wait_screen ga flooding 30
check "domstate answers at once" quick state_is ga running
check_fails "its commands end in time" 1 "Guest agent is not responding" hv domtime ga
check "and the supervisor still answers" quick hv suspend ga
check "resume" quick hv resume ga
say_line 'kill %1; mv /sbin/ga /sbin/qemu-ga; clear; killall sleep'
check "after the flood it is found again" wait_for 90 hv qemu-agent-command ga guest-ping

check "dompmsuspend mem" hv dompmsuspend ga mem
check "it sleeps" wait_state ga pmsuspended 60
check "dompmwakeup" hv dompmwakeup ga
check "it wakes up" wait_state ga running 60

check "destroy" hv destroy ga
tap_done
