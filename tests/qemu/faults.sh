#!/bin/sh
# What keeps a VM from starting is said in words: disks, emulators. No guest runs here for long.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$TEST_TMP" || exit 2

# define_disk NAME SOURCE: a qcow2 disk; define_emulator NAME PATH: another QEMU.
define_devices() {
	echo "<domain type='qemu'><name>$1</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>
	<features><acpi/></features><devices>$2</devices></domain>" >"$1.xml"
	hv define "$1.xml" >/dev/null
}
define_disk() {
	define_devices "$1" "<disk type='file'><driver name='qemu' type='qcow2'/><source file='$2'/><target dev='vda'/></disk>"
}
define_emulator() { define_devices "$1" "<emulator>$2</emulator>"; }
# A script that stands for an emulator.
script() {
	cat >"$1"
	chmod +x "$1"
}

define_disk missing "$TEST_TMP/none.qcow2"
check_fails "a disk that is not there" 1 "disk 'vda': cannot use '$TEST_TMP/none.qcow2': No such file" hv start missing
define_disk folder "$TEST_TMP"
check_fails "a folder for a disk" 1 "disk 'vda': '$TEST_TMP' is a directory" hv start folder
mkfifo pipe
define_disk pipe "$TEST_TMP/pipe"
check_fails "a pipe for a disk, which QEMU would wait for" 1 "is neither a file nor a block device" hv start pipe
echo raw >raw.img
define_disk raw "$TEST_TMP/raw.img"
check_fails "QEMU's words come with the disk that they are about" 1 \
	"QEMU did not start: disk 'vda' ($TEST_TMP/raw.img):" hv start raw
check_fails "... and stay" 0 "raw.img" hv dominfo raw
check "... with the state" state_is raw "shut off"

if command -v qemu-img >/dev/null; then
	qemu-img create -q -f qcow2 common.qcow2 1M
	define_disk first "$TEST_TMP/common.qcow2"
	define_disk second "$TEST_TMP/common.qcow2"
	check "a disk of two domains: the first starts" hv start first --paused
	check_fails "... the second is told who has it" 1 "is in use by domain 'first'" hv start second
	hv undefine second
	sed -e 's/second/third/' -e "s/'qcow2'/'raw'/" second.xml >third.xml
	hv define third.xml
	check_fails "... also where QEMU says so of the drive" 1 "is in use by domain 'first'" hv start third
	check "... until it ends" hv destroy first
	check "... and can have it then" hv start third --paused
	check "... that is all" hv destroy third
else
	tap_skip "a disk of two domains" "no qemu-img here"
fi

define_emulator moved /nowhere/bin/qemu-kvm
check "a QEMU that other hosts have elsewhere is the host's own" "$HVMUX" start --paused moved
check "and the log says so" grep -q "there is no '/nowhere/bin/qemu-kvm' on this host" "$HVMUX_HOME/log/moved/supervisor.log"
"$HVMUX" destroy moved >/dev/null
define_emulator cat /bin/cat
check_fails "an emulator that is none" 1 "ended before it had answered: is it a QEMU? It said:" hv start cat
define_emulator gone "$TEST_TMP/none"
check_fails "an emulator that is not there" 1 "leave <emulator> out" hv start gone
script words <<'END'
#!/bin/sh
echo "no, not today" >&2
exit 3
END
define_emulator words "$TEST_TMP/words"
check_fails "an emulator that dies: its own words" 1 "It said: no, not today" hv start words
script old <<'END'
#!/bin/sh
say() { printf '%s\r\n' "$1" >&3; }
version='{"qemu":{"major":4,"minor":0,"micro":0},"package":""}'
say '{"QMP":{"version":'"$version"',"capabilities":[]}}'
while read -r line <&3; do
	case $line in
	*query-version*) answer=$version ;;
	*qmp_capabilities*) answer='{}' ;;
	*) answer='[]' ;;
	esac
	say '{"return":'"$answer"',"id":'"$(printf '%s' "$line" | sed 's/.*"id": *\([^,}]*\).*/\1/')"'}'
done
END
define_emulator old "$TEST_TMP/old"
check_fails "an emulator that is too old" 1 "is QEMU 4.0.0: hvmux needs 6.2 or newer" hv start old
define_devices silent "<memballoon model='none'/>"
check "a VM without a console starts" hv start silent --paused
check_fails "... and console says what is missing" 1 "'silent' has no console: add <serial type='pty'/>" hv console silent
check_fails "... and so does screen" 1 "'silent' runs without a console 0" hv screen silent
check "... and ends" hv destroy silent
tap_done
