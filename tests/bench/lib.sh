# shellcheck shell=sh disable=SC2034
# tests/bench/lib.sh: sourced by the benchmarks. Each prints rows: what, ours, peers, ratio, target, met; tests/bench/run
# makes a table of them. A figure that could not be had is a row that says why.
. "${HVMUX_SRC:?}/tests/qemu/lib.sh"
tools=$HVMUX_BUILD/tests/bench
rounds=${BENCH_ROUNDS:-9}

# row WHAT OURS PEERS RATIO TARGET MET
row() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@"; }
no_row() { row "$1" "-" "-" "-" "-" "not measured: $2"; }
# ratio A B: "1.23"
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }
# verdict A OP B: OP is le or ge. What is no number has not met anything.
verdict() {
	awk -v a="$1" -v op="$2" -v b="$3" 'BEGIN {
		met = op == "le" ? a + 0 <= b + 0 : a + 0 >= b + 0
		print (a ~ /^[0-9.]+$/ && met) ? "met" : "MISSED"
	}'
}
# met when all are.
both() {
	case $* in
	*MISSED*) echo MISSED ;;
	*) echo met ;;
	esac
}
# nth N: that line of standard input
nth() { sed -n "$1p"; }

# private_libvirtd: a libvirtd of our own, whose state is in memory and seen by nobody else; $virsh is how to speak to it, empty where there is none.
virsh='' libvirtd=''
private_libvirtd() {
	command -v virsh >/dev/null && command -v libvirtd >/dev/null && [ "$(id -u)" = 0 ] || return 0
	mkdir "$TEST_TMP/libvirt" || return 0
	cat >"$TEST_TMP/libvirt/start" <<-'END'
		for i in /run/libvirt /var/lib/libvirt /etc/libvirt /var/log/libvirt /var/cache/libvirt; do
			mkdir -p $i && mount -t tmpfs none $i || exit 1
		done
		mkdir -p /var/lib/libvirt/qemu
		cat >/etc/libvirt/qemu.conf <<-CONF
			user = "root"
			group = "root"
			dynamic_ownership = 0
			remember_owner = 0
			security_driver = "none"
			stdio_handler = "file"
			cgroup_controllers = []
			namespaces = []
		CONF
		printf 'unix_sock_dir = "%s"\nauth_unix_rw = "none"\n' "$1" >"$1/conf"
		exec libvirtd -f "$1/conf" -p "$1/pid"
	END
	unshare -m --propagation private sh "$TEST_TMP/libvirt/start" "$TEST_TMP/libvirt" >"$TEST_TMP/libvirt/log" 2>&1 &
	libvirtd=$!
	virsh="virsh -q -c qemu+unix:///system?socket=$TEST_TMP/libvirt/libvirt-sock"
	wait_for 20 $virsh list >/dev/null 2>&1 || virsh=
}
# Its machines are ended by it before.
private_libvirtd_end() {
	[ -n "$libvirtd" ] || return 0
	for i in $($virsh list --name 2>/dev/null); do $virsh destroy "$i" >/dev/null 2>&1; done
	kill -9 "$libvirtd" 2>/dev/null # it has nothing left to put away
	wait "$libvirtd" 2>/dev/null || :
}
