#!/bin/sh
# Many definitions, none running: BENCH_DEFINE (1000) defined by one command, BENCH_LIST (5000) listed; one more beside
# them. In memory where that can be had, so that the disk of the day is not what is measured; the waits for it are two a
# hundred and twenty-eight definitions.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
define=${BENCH_DEFINE:-1000}
list=${BENCH_LIST:-5000}

mkdir "$TEST_TMP/xml" || exit 1
i=0
while [ $i -lt "$list" ]; do
	i=$((i + 1))
	name=$(printf 'vm%05d' $i)
	cat >"$TEST_TMP/xml/$name.xml" <<-END
	<domain type='qemu'>
	  <name>$name</name>
	  <title>Machine $i</title>
	  <memory unit='MiB'>1024</memory><vcpu>2</vcpu>
	  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
	  <features><acpi/><apic/></features>
	  <devices>
	    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/srv/$name.qcow2'/>
	      <target dev='vda' bus='virtio'/></disk>
	    <interface type='user'><model type='virtio'/></interface>
	    <serial type='pty'/>
	    <memballoon model='virtio'/>
	  </devices>
	</domain>
	END
done

now_ms() { date +%s%3N; }
# Names without blanks: as words of a command.
first=$(cd "$TEST_TMP/xml" && ls | head -n "$define")
before=$(now_ms)
(cd "$TEST_TMP/xml" && hv -q define $first) >/dev/null 2>&1 || exit 1
took=$(($(now_ms) - before))
row "define of $define domains in one command" "$took ms" "-" "-" "<= 2000 ms" "$(verdict "$took" le 2000)"

(cd "$TEST_TMP/xml" && hv -q define ./*.xml) >/dev/null 2>&1 || exit 1
"$tools/pairs" 15 "$HVMUX" list --all ::: /bin/true >"$TEST_TMP/ms" || exit 1
{ read -r all; read -r exec; } <"$TEST_TMP/ms"
row "list --all, $list defined" "$all ms" "exec of a small program $exec ms" "$(ratio "$all" "$exec")" "<= 50 ms" "$(verdict "$all" le 50)"

# The cache is believed once the definitions are older than a second.
sleep 1.1
hv -q define "$TEST_TMP/xml/vm00001.xml" >/dev/null 2>&1
"$tools/pairs" 9 "$HVMUX" -q define "$TEST_TMP/xml/vm00001.xml" >"$TEST_TMP/ms" 2>/dev/null || exit 1
read -r one <"$TEST_TMP/ms"
row "define of one beside $list" "$one ms" "-" "-" "<= 100 ms" "$(verdict "$one" le 100)"
