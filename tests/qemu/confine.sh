#!/bin/sh
# QEMU as another user: what it may, what it is handed, and that nothing on the disk changes its owner, whoever is killed.
. "$(dirname "$0")/../qemu/lib.sh"

[ "$(id -u)" -eq 0 ] || tap_skip_all "only root can make QEMU another user"
need_program qemu-img
user=nobody
uid=$(id -u $user 2>/dev/null) || tap_skip_all "no user '$user' here"
mkdir -p "$HVMUX_HOME/etc"
chmod 700 "$TEST_TMP"
echo "qemu_user = \"$user\" # of this test" >"$HVMUX_HOME/etc/hvmux.conf"

qemu_pid() { json_number "$1" qemu_pid; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(qemu_pid "$1")/status"; }
status_is() {
	got=$(status_of "$1" "$2" | tr '\t' ' ')
	[ "$got" = "$3" ] || { echo "$2 is '$got'"; return 1; }
}
limit_is() {
	got=$(sed -n "s/^$2  *\([^ ]*\) .*/\1/p" "/proc/$(qemu_pid "$1")/limits")
	[ "$got" = "$3" ] || { echo "$2 is '$got'"; return 1; }
}

# Images of root's in a folder of root's: top on mid on base, and a raw one that only is read.
images=$TEST_TMP/images
mkdir -m 700 "$images"
(
	cd "$images" || exit 1
	qemu-img create -q -f qcow2 base.qcow2 8M
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 mid.qcow2
	qemu-img create -q -f qcow2 -b "$images/mid.qcow2" -F qcow2 top.qcow2
	qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=on split.qcow2 4M
	qemu-img create -q -f raw plain.img 4M
	chmod 600 -- *
) || tap_skip_all "qemu-img does not make the images"
disk() { # FILE TYPE TARGET [MORE]
	echo "<disk type='file' device='disk'><driver name='qemu' type='$2'/><source file='$1'/><target dev='$3' bus='virtio'/>${4:-}</disk>"
}
owners() { stat -c '%n %u %g %a' "$images"/* "$guest"/bootsect.img; }
owners >"$TEST_TMP/owners"

define_bootsect c1 "$(disk "$images/top.qcow2" qcow2 vdb) $(disk "$images/plain.img" raw vdc '<readonly/>')
	$(disk "$images/split.qcow2" qcow2 vdd) <graphics type='vnc'><listen type='socket'/></graphics>" >/dev/null

check "it starts" hv start c1
check "its guest runs" wait_screen c1 "hvmux" 90
check "all its user ids are the user's" status_is c1 Uid "$uid $uid $uid $uid"
check "it has no group of root's" sh -c "! sed -n 's/^Groups://p; s/^Gid://p' /proc/$(qemu_pid c1)/status | grep -qw 0"
check "dominfo tells the user" sh -c "'$HVMUX' dominfo c1 | grep -q '^QEMU user: *$user\$'"
check "it has no capabilities" status_is c1 CapEff 0000000000000000
check "it cannot get new rights" status_is c1 NoNewPrivs 1
check "it has a seccomp filter" status_is c1 Seccomp 2
check "it leaves no core" limit_is c1 "Max core file size" 0

fd_paths() {
	for f in /proc/"$(qemu_pid c1)"/fd/*; do readlink "$f"; done | sort -u
}
handed_over() { fd_paths | grep -qxF "$1" || { fd_paths; return 1; }; }
for f in top mid base split; do
	check "$f.qcow2 is handed over" handed_over "$images/$f.qcow2"
done
check "the data file is, too" handed_over "$images/data.raw"

# What is only read must not be writable through any descriptor: that is what a guest that has taken QEMU over would have.
writable() {
	for f in /proc/"$(qemu_pid c1)"/fd/*; do
		[ "$(readlink "$f")" = "$1" ] || continue
		flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$(qemu_pid c1)/fdinfo/${f##*/}")
		case $flags in *[12]) return 0 ;; esac
	done
	return 1
}
read_only() { ! writable "$1"; }
check "the top can be written" writable "$images/top.qcow2"
check "the middle cannot" read_only "$images/mid.qcow2"
check "the base cannot" read_only "$images/base.qcow2"
check "a <readonly/> disk cannot" read_only "$images/plain.img"


closed_to_it() {
	! setpriv --reuid "$uid" --clear-groups --regid "$(id -g $user)" ls "$HVMUX_HOME/run/c1" 2>/dev/null
}
if command -v setpriv >/dev/null; then
	check "the run directory is closed to that user" closed_to_it
fi
owner_of() { stat -c %u "$1"; }
own_folder() { [ "$(owner_of "$HVMUX_HOME/run/c1/qemu")" = "$uid" ] && [ "$(owner_of "$HVMUX_HOME/run/c1")" = 0 ]; }
check "it has a folder of its own there" own_folder
check "VNC's socket is where it always is" test -S "$HVMUX_HOME/run/c1/vnc.sock"

same_owners() { owners | diff "$TEST_TMP/owners" -; }
check "no image has changed its owner while it runs" same_owners

# Supervisor killed: adopted, and answers.
kill_supervisor() {
	sup=$(json_number c1 supervisor_pid)
	[ -n "$sup" ] && kill -KILL "$sup"
}
adopted() { hv list >/dev/null; hv suspend c1 && hv resume c1; }
check "the supervisor is killed" kill_supervisor
check "the next one goes on with it" wait_for 20 adopted
check "it is the same user still" status_is c1 Uid "$uid $uid $uid $uid"
kill -KILL "$(qemu_pid c1)"
kill_supervisor
check "both killed: no image has changed its owner" same_owners
check "it is found to have crashed" wait_state c1 crashed
check "and starts again" hv start c1
check "destroy ends it" hv destroy c1
gone() { [ ! -e "$HVMUX_HOME/run/c1/qemu" ] && [ ! -L "$HVMUX_HOME/run/c1/vnc.sock" ]; }
check "its folder and VNC's name are gone" gone

# Firmware with its variables, memory that is a file, many disks.
if [ -r /usr/share/OVMF/OVMF_VARS.fd ]; then
	many=
	for letter in b c d e f g h i j k l m n o p q r s t u; do
		qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "$images/many-$letter.qcow2"
		many="$many $(disk "$images/many-$letter.qcow2" qcow2 vd$letter)"
	done
	define_bootsect c4 "$many" qemu >/dev/null
	sed "s|<os>.*</os>|<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>|
s|<vcpu>|<memoryBacking><source type='file'/></memoryBacking><vcpu>|
s|<memory unit='MiB'>8|<memory unit='MiB'>128|" "$TEST_TMP/c4.xml" >"$TEST_TMP/c4e.xml"
	check "firmware, memory in a file, 21 disks" hv define "$TEST_TMP/c4e.xml"
	check "start" hv start c4
	vars=$(for f in /proc/"$(qemu_pid c4)"/fd/*; do readlink "$f"; done | grep -i vars)
	check "the firmware's variables are handed over" [ -n "$vars" ]
	check "and stay root's" [ "$(stat -c %u "${vars%%
*}")" = 0 ]
	c4_is() { grep -q "^Uid:[[:space:]]*$uid" "/proc/$(qemu_pid c4)/status"; }
	check "it is the user" c4_is
	hv destroy c4 >/dev/null
else
	tap_skip "firmware" "no OVMF here"
fi

# A kernel that only root may read.
if [ -r "$guest/initramfs" ]; then
	cp "$guest/vmlinuz" "$guest/initramfs" "$images" && chmod 600 "$images"/vmlinuz "$images"/initramfs
	define_linux c3 >/dev/null
	sed "s|$guest/|$images/|" "$TEST_TMP/c3.xml" >"$TEST_TMP/c3b.xml"
	check "a kernel of root's" hv define "$TEST_TMP/c3b.xml"
	check "is loaded" hv start c3
	check "and boots" wait_screen c3 "c3 login:" 120
	hv destroy c3 >/dev/null
else
	tap_skip "a kernel of root's is loaded" "no Linux test guest"
fi

# A port's log: written where it is a file, refused where it leads elsewhere; as another user and as root.
logs=$TEST_TMP/logs
mkdir -m 700 "$logs" && echo precious >"$logs/precious"
define_bootsect c5 "<serial type='file'><source path='$logs/second.log'/><target port='1'/></serial>" >/dev/null
log_written() { [ -f "$logs/second.log" ] && fdset_of "$logs/second.log"; }
fdset_of() { tr '\0' '\n' <"/proc/$(qemu_pid c5)/cmdline" | grep -q "opaque=$1\$"; }
for who in nobody root; do
	echo "qemu_user = $who" >"$HVMUX_HOME/etc/hvmux.conf"
	rm -f "$logs/second.log"
	check "a log of $who's QEMU" hv start c5
	check "is opened for it" log_written
	hv destroy c5 >/dev/null
	ln -sf "$logs/precious" "$logs/second.log"
	check_fails "a link is not followed for $who's" 1 "it is a symbolic link" hv start c5
	rm "$logs/second.log"
done
check "what it led to is as it was" grep -q precious "$logs/precious"
echo "qemu_user = $user" >"$HVMUX_HOME/etc/hvmux.conf"

# --- what cannot be -----------------------------------------------------------------------------------------
echo 'qemu_user = "no-such-user-here"' >"$HVMUX_HOME/etc/hvmux.conf"
check_fails "a user that does not exist is no reason to be root" 1 "there is no such user" hv start c1
echo 'qemu_usr = "nobody"' >"$HVMUX_HOME/etc/hvmux.conf"
check_fails "a mistyped key is no reason to be root" 1 "the key 'qemu_usr' is not known" hv start c1
printf 'qemu_user = nobody\nsandbox = off\n' >"$HVMUX_HOME/etc/hvmux.conf"
check "the seccomp filter can be switched off" hv start c1
check "then there is none" status_is c1 Seccomp 0
check "the rights stay taken" status_is c1 NoNewPrivs 1
check "destroy ends it" hv destroy c1
tap_done
