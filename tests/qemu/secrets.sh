#!/bin/sh
# A display's password: it opens the display until it expires, and stands nowhere where others could read it.
. "$(dirname "$0")/../qemu/lib.sh"
need_kvm

auth() { "$HVMUX_BUILD/tests/qemu/vnc_auth" "$HVMUX_HOME/run/$1/vnc.sock" ${2:+"$2"}; }
auth_is() { # NAME PASSWORD ANSWER
	got=$(auth "$1" "$2")
	[ "$got" = "$3" ] || { echo "'$got'"; return 1; }
}
display() { echo "<graphics type='vnc' $1><listen type='socket'/></graphics>"; }

define_bootsect s1 "$(display "passwd='Xq7%,=z9'")" >/dev/null
check "a display with a password" hv start s1
check "the password opens it" auth_is s1 'Xq7%,=z9' yes
check "another does not" auth_is s1 'Xq7%,=z8' no
check "none does not" auth_is s1 '' 'password wanted'
pid=$(json_number s1 qemu_pid) sup=$(json_number s1 supervisor_pid)
nowhere() { # FILE...
	! grep -laF 'Xq7%,=z9' "$@" 2>/dev/null
}
check "it is not on the command line" nowhere "/proc/$pid/cmdline" "/proc/$pid/environ" "/proc/$sup/cmdline"
check "nor in a log" nowhere "$HVMUX_HOME"/log/s1/*
check "nor in dumpxml" sh -c "! '$HVMUX' dumpxml s1 | grep -F 'Xq7%,=z9'"
check "nor in the command line as it is shown" sh -c "! '$HVMUX' domxml-to-native qemu-argv s1 | grep -F 'Xq7%,=z9'"
check "it is for who asks for it" sh -c "'$HVMUX' dumpxml --security-info s1 | grep -qF 'Xq7%,=z9'"
closed() {
	for f in "$HVMUX_HOME/run/s1/live.xml" "$HVMUX_HOME/etc/domains/s1.xml"; do
		[ "$(stat -c %a "$f")" = 600 ] || { stat "$f"; return 1; }
	done
}
check "the documents that have it are closed to others" closed
kill -KILL "$sup"
adopted() { hv list >/dev/null; hv suspend s1 && hv resume s1; }
check "the next supervisor takes it over" wait_for 20 adopted
check "the password is the same" auth_is s1 'Xq7%,=z9' yes
hv destroy s1 >/dev/null

define_bootsect s2 "$(display "passwd='Xq7%,=z9' passwdValidTo='2020-01-01T00:00:00'")" >/dev/null
check "a password that has expired" hv start s2
check "opens nothing" auth_is s2 'Xq7%,=z9' no
hv destroy s2 >/dev/null
later=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%S 2>/dev/null || echo 2037-01-01T00:00:00)
define_bootsect s3 "$(display "passwd='Xq7%,=z9' passwdValidTo='${later}Z'")" >/dev/null
check "a password that expires later" hv start s3
check "opens it" auth_is s3 'Xq7%,=z9' yes
hv destroy s3 >/dev/null
if [ "$(id -u)" -eq 0 ]; then
	mkdir -p "$HVMUX_HOME/etc"
	echo 'qemu_user = nobody' >"$HVMUX_HOME/etc/hvmux.conf"
	check "QEMU as another user" hv start s3
	check "has the password, too" auth_is s3 'Xq7%,=z9' yes
	hv destroy s3 >/dev/null
fi
# --- a disk's passphrase ------------------------------------------------------------------------------------
id=0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
if command -v qemu-img >/dev/null && qemu-img create -q -f luks --object secret,id=s,data=s3cretWord \
	-o key-secret=s,iter-time=10 "$TEST_TMP/luks.img" 4M; then
	chmod 600 "$TEST_TMP/luks.img"
	define_bootsect s5 "<disk type='file' device='disk'><driver name='qemu' type='raw'/>
		<source file='$TEST_TMP/luks.img'><encryption format='luks'><secret type='passphrase' uuid='$id'/></encryption></source>
		<target dev='vdb' bus='virtio'/></disk>" >/dev/null
	check_fails "an encrypted disk without its secret" 1 "needs the secret of type 'passphrase'" hv start s5
	mkdir "$HVMUX_HOME/etc/secrets"
	chmod 700 "$HVMUX_HOME/etc/secrets"
	(umask 077 && printf 'd3Jvbmc=' >"$HVMUX_HOME/etc/secrets/$id.base64")
	check_fails "with a wrong one" 1 "Invalid password" hv start s5
	printf 's3cretWord' | base64 >"$HVMUX_HOME/etc/secrets/$id.base64"
	check "with it" hv start s5
	pid=$(json_number s5 qemu_pid)
	check "it is not on the command line" sh -c "! tr '\\0' ' ' <'/proc/$pid/cmdline' | grep -e s3cretWord -e czNjcmV0V29yZA"
	check "nor in a log" sh -c "! grep -re s3cretWord -e czNjcmV0V29yZA '$HVMUX_HOME/log/s5'"
	hv destroy s5 >/dev/null
	chmod 644 "$HVMUX_HOME/etc/secrets/$id.base64"
	check_fails "one that others can read is refused" 1 "chmod 600 closes it" hv start s5
else
	tap_skip "an encrypted disk" "qemu-img makes none"
fi

# --- what is refused ----------------------------------------------------------------------------------------
check_fails "a password that is too long is refused" 1 "passwd has 9 characters, VNC takes 8 at most" \
	define_bootsect s4 "$(display "passwd='123456789'")"
check_fails "no time is refused" 1 "passwdValidTo='tomorrow' is no time" \
	define_bootsect s4 "$(display "passwd='1' passwdValidTo='tomorrow'")"
tap_done
