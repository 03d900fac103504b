#!/bin/sh
# Side processes: a TPM that the guest sees and that keeps its state, a folder of the host in the guest; their ends.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

processes() { # NAME: of this home, by the folder that they are noted in
	while read -r label pid start; do
		[ "$label" = "$2" ] && [ -n "$start" ] && [ -d "/proc/$pid" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" && echo "$pid"
	done <"$HVMUX_HOME/run/$1/companions" 2>/dev/null
}
lives() { [ -n "$(processes "$1" "$2")" ]; }
dead() { ! [ -d "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }
login() {
	type_line "$1" root >/dev/null
	wait_screen "$1" "root@$1:/root#" 30
}
guest_says() { # NAME COMMAND TEXT
	type_line "$1" "$2" >/dev/null
	wait_screen "$1" "$3" 30
}
kill_both() {
	kill -KILL "$(json_number "$1" supervisor_pid)" "$(json_number "$1" qemu_pid)"
}
settled() { hv list >/dev/null; state_is "$1" crashed; }

# --- TPM ----------------------------------------------------------------------------------------------------
if command -v swtpm >/dev/null; then
	define_linux t1 "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>" >/dev/null
	if [ "$(id -u)" -eq 0 ]; then
		mkdir -p "$HVMUX_HOME/etc"
		echo 'qemu_user = nobody' >"$HVMUX_HOME/etc/hvmux.conf"
		chmod 700 "$TEST_TMP"
	fi
	check "a guest with a TPM starts" hv start t1
	check "swtpm runs" lives t1 tpm
	swtpm=$(processes t1 tpm)
	check "the guest boots" wait_screen t1 "t1 login:" 120
	check "log in" login t1
	check "it has a TPM of version 2" guest_says t1 'cat /sys/class/tpm/tpm0/tpm_version_major | sed s/^/version-/' 'version-2'
	# shellcheck disable=SC2144
	state_there() { [ -f "$HVMUX_HOME"/data/tpm/*/tpm2/tpm2-00.permall ]; }
	check "its state lies with the data" state_there
	if [ "$(id -u)" -eq 0 ]; then
		check "swtpm is the user that QEMU is" [ "$(stat -c %U "/proc/$swtpm")" = nobody ]
	fi
	kill -KILL "$(json_number t1 supervisor_pid)"
	adopted() { hv list >/dev/null; hv suspend t1 && hv resume t1; }
	check "the next supervisor takes the VM over" wait_for 20 adopted
	check "swtpm lives on" lives t1 tpm
	check "destroy" hv destroy t1
	check "swtpm is gone" wait_for 10 dead "$swtpm"
	check "it starts with the state that is there" hv start t1
	swtpm=$(processes t1 tpm)
	kill_both t1
	check "supervisor and QEMU killed" wait_for 20 settled t1
	check "swtpm is gone" wait_for 10 dead "$swtpm"
	check "and starts again" hv start t1
	kill -KILL "$(processes t1 tpm)"
	told() { grep -q 'event=side-process.*swtpm (the TPM) was killed by signal 9' "$HVMUX_HOME/log/t1/audit.log"; }
	check "a TPM that dies is told in words" wait_for 10 told
	check "its guest lives" state_is t1 running
	check "destroy" hv destroy t1
	mkdir "$TEST_TMP/bin"
	printf '#!/bin/sh\necho "no TPM today" >&2\nexit 1\n' >"$TEST_TMP/bin/swtpm"
	chmod 755 "$TEST_TMP/bin" "$TEST_TMP/bin/swtpm"
	chmod 711 "$TEST_TMP"
	check_fails "one that does not start says why" 1 "ended with exit status 1: no TPM today" env PATH="$TEST_TMP/bin:$PATH" "$HVMUX" start t1
	# Keys take their time on a busy host: the supervisor answers meanwhile, and can be told to end it. Killed, it leaves no TPM.
	printf '#!/bin/sh\n: >tpm2-00.permall\nexec sleep 600\n' >"$TEST_TMP/bin/swtpm_setup"
	chmod 755 "$TEST_TMP/bin/swtpm_setup"
	rm -r "$HVMUX_HOME"/data/tpm/*
	slow_start() {
		env PATH="$TEST_TMP/bin:$PATH" "$HVMUX" start t1 >"$TEST_TMP/start" 2>&1 &
		start=$!
		wait_for 20 setup_runs
	}
	setup_runs() { setup=$(processes t1 .) && [ -n "$setup" ] && ls "$HVMUX_HOME"/data/tpm/*/tpm2.new/tpm2-00.permall >/dev/null 2>&1; }
	ends_slowly() {
		slow_start && state_is t1 starting && timeout 8 "$HVMUX" destroy t1 && state_is t1 "shut off" && wait_for 5 dead "$setup"
	}
	check "destroy ends a start that makes keys" ends_slowly
	start_failed() { ! wait "$start" && cat "$TEST_TMP/start" && grep -q "ended while it was being started" "$TEST_TMP/start"; }
	check "that start says so" start_failed
	killed_midway() {
		slow_start && kill -KILL "$(json_number t1 supervisor_pid)" && wait_for 20 stopped_by_kill
	}
	stopped_by_kill() { hv list >/dev/null; ! state_is t1 starting; }
	check "a supervisor is killed while it makes keys" killed_midway
	wait "$start"
	# shellcheck disable=SC2144
	no_state() { [ ! -e "$HVMUX_HOME"/data/tpm/*/tpm2/tpm2-00.permall ]; }
	check "that left no half of a TPM" no_state
	check "the next start makes a whole one" hv start t1
	check "it is there" state_there
	check "the program that was left is gone" dead "$setup"
	check "destroy" hv destroy t1
	rm -f "$HVMUX_HOME/etc/hvmux.conf"
else
	tap_skip "a TPM" "no swtpm here"
fi

# --- virtiofs -----------------------------------------------------------------------------------------------
find_virtiofsd() {
	for p in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd /usr/lib/virtiofsd; do
		[ -x $p ] && echo $p && return
	done
	command -v virtiofsd
}
if [ -z "$(find_virtiofsd)" ]; then
	tap_skip "virtiofs" "no virtiofsd here"
elif [ "$(id -u)" -ne 0 ]; then
	tap_skip "virtiofs" "virtiofsd asks for root"
else
	mkdir "$TEST_TMP/shared folder"
	echo "from the host" >"$TEST_TMP/shared folder/file"
	define_linux f1 "<filesystem type='mount'><driver type='virtiofs'/><binary><sandbox mode='chroot'/></binary>
		<source dir='$TEST_TMP/shared folder'/><target dir='share'/></filesystem>" >/dev/null 2>&1
	sed 's|<vcpu>|<memoryBacking><source type="memfd"/><access mode="shared"/></memoryBacking><vcpu>|' \
		"$TEST_TMP/f1.xml" >"$TEST_TMP/f1m.xml"
	check "a guest with a shared folder" hv define "$TEST_TMP/f1m.xml"
	check "starts" hv start f1
	virtiofsd=$(processes f1 fs0)
	check "the guest boots" wait_screen f1 "f1 login:" 120
	check "log in" login f1
	check "it mounts the folder" guest_says f1 'mkdir /m && mount -t virtiofs share /m && cat /m/file' 'from the host'
	type_line f1 'echo from the guest >/m/answer; sync' >/dev/null
	check "and writes into it" wait_for 20 grep -q 'from the guest' "$TEST_TMP/shared folder/answer"
	check "destroy" hv destroy f1
	check "virtiofsd is gone" wait_for 10 dead "$virtiofsd"
fi
tap_done
