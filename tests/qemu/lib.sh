# shellcheck shell=sh
# tests/qemu/lib.sh: sourced by the tests that run real VMs (tests/qemu, tests/e2e). POSIX sh.
#
#	. "$(dirname "$0")/../qemu/lib.sh"
#	need_linux
#	define_linux web1
#	check "start returns 0" hv start web1
#	check "it boots to a login" wait_screen web1 "web1 login:" 60
#	tap_done
#
# Everything lives under a HVMUX_HOME of the test's own, $HVMUX_HOME; whatever still runs under it is killed at the end.
# Nothing here waits longer than needed: wait_* return as soon as the awaited thing is true, and fail at a deadline.
set -u
LC_ALL=${TEST_LOCALE:-C.UTF-8}
export LC_ALL
# Made by `make check`; by hand the program and guests of the source tree.
: "${HVMUX_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}" "${HVMUX_BUILD:=$HVMUX_SRC/build}" "${HVMUX:=$HVMUX_SRC/hvmux}"
guest=$HVMUX_BUILD/guest
TEST_TMP=$(mktemp -d "${TMPDIR:-/tmp}/hvmux-test.XXXXXX") || exit 2
HVMUX_HOME=$TEST_TMP/home
export HVMUX_HOME HVMUX HVMUX_SRC HVMUX_BUILD

# --- results: TAP ---------------------------------------------------------------------------------------
tap_n=0 tap_failed=0
tap_ok() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}
tap_not_ok() {
	tap_n=$((tap_n + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $*"
}
# tap_skip NAME WHY
tap_skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}
# The whole program, before any test.
tap_skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
tap_done() {
	echo "1..$tap_n"
	exit $((tap_failed > 0))
}
# Lines of standard input as TAP comments.
tap_note() { sed 's/^/# /'; }

# check NAME COMMAND...: ok when the command succeeds; else what it printed follows as comments.
check() {
	check_name=$1
	shift
	if "$@" >"$TEST_TMP/check.out" 2>&1; then
		tap_ok "$check_name"
	else
		check_rc=$?
		tap_not_ok "$check_name"
		echo "# exit status $check_rc of: $*"
		tap_note <"$TEST_TMP/check.out"
		return 1
	fi
}
# check_fails NAME STATUS TEXT COMMAND...: ok when it exits with STATUS and its words contain TEXT.
check_fails() {
	check_name=$1 check_want=$2 check_text=$3
	shift 3
	"$@" >"$TEST_TMP/check.out" 2>&1
	check_rc=$?
	if [ $check_rc -eq "$check_want" ] && grep -qF -- "$check_text" "$TEST_TMP/check.out"; then
		tap_ok "$check_name"
	else
		tap_not_ok "$check_name"
		echo "# wanted exit status $check_want and '$check_text', got $check_rc of: $*"
		tap_note <"$TEST_TMP/check.out"
		return 1
	fi
}

# --- waiting --------------------------------------------------------------------------------------------
# wait_for SECONDS COMMAND...: tries until it succeeds; shows what it said last when it never did.
wait_for() {
	wait_end=$(($(date +%s) + $1))
	shift
	until "$@" >"$TEST_TMP/wait.out" 2>&1; do
		if [ "$(date +%s)" -ge $wait_end ]; then
			echo "waited in vain for: $*"
			cat "$TEST_TMP/wait.out"
			return 1
		fi
		sleep 0.05
	done
}
hv() { "$HVMUX" "$@"; }
state_is() { [ "$(hv domstate "$1" 2>&1)" = "$2" ] || { hv domstate --reason "$1"; return 1; }; }
screen_has() {
	if ! hv screen "$1" >"$TEST_TMP/screen" 2>&1 || ! grep -qF -- "$2" "$TEST_TMP/screen"; then
		cat "$TEST_TMP/screen"
		return 1
	fi
}
# wait_state NAME "shut off" [SECONDS]; wait_screen NAME TEXT [SECONDS]: on the screen of the first console.
wait_state() { wait_for "${3:-30}" state_is "$1" "$2"; }
wait_screen() { wait_for "${3:-30}" screen_has "$1" "$2"; }

# --- guests ---------------------------------------------------------------------------------------------
need_linux() { [ -r "$guest/initramfs" ] || tap_skip_all "no Linux test guest: no kernel or no busybox here"; }
kvm_opens() { (: <>/dev/kvm) 2>/dev/null; }
# The Linux guest with qemu-ga in it; define_linux uses it, too, from here on.
need_agent() {
	need_linux
	[ -r "$guest/initramfs-agent" ] || tap_skip_all "no test guest with an agent: no qemu-ga here"
	guest_initrd=initramfs-agent
}
agent_channel="<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
need_kvm() { kvm_opens || tap_skip_all "/dev/kvm does not open"; }
need_program() { command -v "$1" >/dev/null || tap_skip_all "no $1 here"; }

# define_linux NAME [DEVICES [WORDS [TYPE]]]: our Linux under TCG with one serial port; DEVICES is more XML inside
# <devices>, WORDS go to the kernel's command line; guest_machine is its machine, else q35. It has pvpanic, virtio-net, virtio-rng and a balloon.
# guest_memory is its <memory> (with <maxMemory> where there is one), guest_vcpu its <vcpu>, guest_cpu more XML such as <cpu>.
define_linux() {
	cat >"$TEST_TMP/$1.xml" <<-END
	<domain type='${4:-qemu}'>
	  <name>$1</name>
	  ${guest_memory:-<memory unit='MiB'>192</memory>}
	  ${guest_vcpu:-<vcpu>1</vcpu>}
	  ${guest_cpu:-}
	  <os>
	    <type arch='x86_64' machine='${guest_machine:-q35}'>hvm</type>
	    <kernel>$guest/vmlinuz</kernel>
	    <initrd>$guest/${guest_initrd:-initramfs}</initrd>
	    <cmdline>console=ttyS0 quiet hostname=$1 ${3:-}</cmdline>
	  </os>
	  <features><acpi/></features>
	  <devices>
	    <interface type='user'><model type='virtio'/></interface>
	    <serial type='pty'><target port='0'/></serial>
	    <console type='pty'><target type='serial' port='0'/></console>
	    <memballoon model='virtio'/>
	    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
	    <panic model='pvpanic'/>
	    ${2:-}
	  </devices>
	</domain>
	END
	hv define "$TEST_TMP/$1.xml"
}

# define_bootsect NAME [DEVICES [TYPE]]: the boot sector, under KVM where it opens. 8 MiB.
define_bootsect() {
	if kvm_opens; then bootsect_type=kvm; else bootsect_type=qemu; fi
	cat >"$TEST_TMP/$1.xml" <<-END
	<domain type='${3:-$bootsect_type}'>
	  <name>$1</name>
	  <memory unit='MiB'>8</memory>
	  <vcpu>1</vcpu>
	  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
	  <features><acpi/></features>
	  <devices>
	    <disk type='file' device='disk'>
	      <driver name='qemu' type='raw'/>
	      <source file='$guest/bootsect.img'/>
	      <target dev='vda' bus='virtio'/>
	      <readonly/>
	    </disk>
	    <serial type='pty'><target port='0'/></serial>
	    <memballoon model='none'/>
	    ${2:-}
	  </devices>
	</domain>
	END
	hv define "$TEST_TMP/$1.xml"
}

# type_line NAME TEXT: types it and Enter on the first console, as a script would.
type_line() { printf '%s\r' "$2" | "$HVMUX_BUILD/tests/qemu/console_send" "$HVMUX_HOME/run/$1/console0.raw"; }

# guest_login NAME [SECONDS]: waits for the first console's login since the boot or reset, and logs in as root.
guest_login() { hv expect "$1" 'login: $' --since-boot --timeout "${2:-120}" --send 'root\n' '# $'; }
# guest_run NAME COMMAND [SECONDS]: in the shell that guest_login has left on the first console: prints what it prints, its
# status is the command's; 124 when it has not ended in time, or is no sentence of a shell's. The shell stays the same: cd, variables and jobs stay, too.
# It may be typed after a snapshot was reverted to, or a state restored, as long as the login was part of it.
guest_run() { "$HVMUX_BUILD/tests/qemu/guest_run" "$HVMUX_HOME/run/$1/console0.raw" "${3:-60}" "$2"; }
# guest_says NAME TEXT COMMAND: it prints TEXT somewhere, whatever its status; wait_for 30 guest_says web1 vdb 'ls /dev'.
guest_says() {
	guest_run "$1" "$3" >"$TEST_TMP/guest" 2>&1
	grep -qF -- "$2" "$TEST_TMP/guest" || { cat "$TEST_TMP/guest"; return 1; }
}
guest_lacks() { ! guest_says "$@" >/dev/null || { cat "$TEST_TMP/guest"; return 1; }; }

# --- processes ------------------------------------------------------------------------------------------
# One number of the VM by its key in dominfo --json: json_number web1 qemu_pid
json_number() {
	hv dominfo --json "$1" | sed 's/[,{}]/\
/g' | sed -n "s/^ *\"$2\": *\\([0-9]*\\).*/\\1/p" | head -n 1
}
# Pids of the processes that run under our HVMUX_HOME, this shell and its children not among them.
home_processes() {
	for p in /proc/[0-9]*; do
		pid=${p#/proc/}
		[ "$pid" -ne $$ ] || continue
		case $(readlink "$p/exe" 2>/dev/null) in
		*/hvmux | */hvmux\ * | *qemu-system-*) ;;
		*) continue ;;
		esac
		if tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -qxF "HVMUX_HOME=$HVMUX_HOME" ||
			tr '\0' '\n' <"$p/cmdline" 2>/dev/null | grep -qF "$HVMUX_HOME/"; then
			echo "$pid"
		fi
	done
}
# Twice: a supervisor killed between two looks may have started something.
kill_all() {
	for round in 1 2 3; do
		pids=$(home_processes)
		[ -n "$pids" ] || break
		# shellcheck disable=SC2086
		kill -KILL $pids 2>/dev/null
		[ $round -eq 3 ] || sleep 0.05
	done
}
# Control groups of VMs that were killed with everybody who would have removed them.
remove_groups() {
	for list in "$HVMUX_HOME"/run/*/cgroups; do
		[ -r "$list" ] || continue
		while read -r kind group; do
			[ "$kind" = ours ] && rmdir "$group"/*/ "$group"
		done <"$list" 2>/dev/null
	done
	return 0
}
cleanup() {
	kill_all
	remove_groups
	rm -rf "$TEST_TMP"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
