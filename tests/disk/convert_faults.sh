#!/bin/sh
# `img convert` that cannot end: a full disk, a limit, signals, kill -9. The source is as it was, and the target is what it
# was before: absent or the old one, never half of a new one, and nothing else lies beside it.
. "$(dirname "$0")/lib.sh"

head -c 4000000 "$HVMUX" >src.raw
dd if=/dev/urandom of=src.raw bs=1M seek=4 count=8 conv=notrunc status=none
truncate -s 40M src.raw
real convert -f raw -O qcow2 src.raw src.qcow2
real convert -c -f raw -O qcow2 src.raw packed.qcow2
cksum src.raw src.qcow2 packed.qcow2 >before
mkdir dir

# as_before WHAT-IS-THERE
as_before() {
	cksum src.raw src.qcow2 packed.qcow2 | cmp - before || return
	if [ "$1" = old ]; then
		[ "$(ls -A dir)" = out ] && [ "$(cat dir/out)" = old ]
	else
		[ -z "$(ls -A dir)" ]
	fi
}
begin() {
	rm -f dir/out
	[ "$1" = none ] || echo old >dir/out
}
done_bytes() { [ -s seen ] && read -r n _ <seen && [ "${n:-0}" -ge "$1" ]; }
# ended SIGNAL NUMBER PERCENT OLD ARGS...: converts, slowly; the signal comes when so much is done.
ended() {
	signal=$1 number=$2 percent=$3 old=$4
	shift 4
	begin "$old"
	rm -f seen
	# A shell's background commands ignore SIGINT, and so would what is told to.
	HVMUX_PROGRESS=$PWD/seen env --default-signal=INT "$HVMUX" img convert -r 6M "$@" dir/out >/dev/null 2>&1 &
	pid=$!
	wait_for 20 done_bytes $((40 * 10486 * percent))
	kill "-$signal" $pid
	wait $pid 2>/dev/null
	status=$?
	check "$signal at $percent %, $old: $*" as_before "$old"
	check "… and it says so" test $status = $((128 + number))
}
for old in none old; do
	ended KILL 9 1 $old -f raw -O qcow2 src.raw
	ended KILL 9 20 $old -f raw -c -O qcow2 src.raw
	ended INT 2 1 $old -f raw -O qcow2 src.raw
	ended INT 2 10 $old -f qcow2 -O raw src.qcow2
	ended TERM 15 20 $old -f qcow2 -O qcow2 packed.qcow2
	ended HUP 1 5 $old -f raw -c -O qcow2 src.raw
done

# Nobody reads how far it is.
begin none
check "a closed pipe does not end it" sh -c '{ "$HVMUX" img convert -p -r 30M -f raw -O qcow2 src.raw dir/out; echo $? >status; } | true
	test "$(cat status)" = 0'
check "… and all is there" real compare -f raw -F qcow2 src.raw dir/out

# SIGUSR1 tells, and does not end it.
rm -f seen dir/out
HVMUX_PROGRESS=$PWD/seen "$HVMUX" img convert -r 20M -f raw -O qcow2 src.raw dir/out 2>told &
pid=$!
wait_for 20 done_bytes 1000000
kill -USR1 $pid
check "SIGUSR1 does not end it" wait $pid
check "… and is answered" grep -qE '^    \([0-9.]+/100%\)$' told

# A limit of files' sizes, as a full disk to who writes.
limited() {
	(
		trap '' XFSZ
		ulimit -f 4000
		! "$HVMUX" img convert "$@" dir/out 2>words && grep -q "File too large" words
	)
}
for old in none old; do
	begin $old
	check "too large for the limit, $old" limited -f raw -O qcow2 src.raw
	check "… nothing half" as_before $old
	check "compressed, too large" limited -f raw -c -O qcow2 src.raw
	check "… nothing half" as_before $old
	check "to raw, too large" limited -O raw packed.qcow2
	check "… nothing half" as_before $old
done

# A full disk.
mkdir full
if mount -t tmpfs -o size=6m none full 2>/dev/null; then
	refused() { ! "$HVMUX" img convert "$@" full/out 2>words && grep -q "No space left" words; }
	echo old >full/out
	for words in "-f raw -O qcow2 src.raw" "-f raw -O raw src.raw" "-c -f raw -O qcow2 src.raw" "-O raw packed.qcow2" \
		"-f raw -O qcow2 -o preallocation=falloc src.raw" "-S 0 -f raw -O qcow2 src.raw"; do
		# shellcheck disable=SC2086
		check "no space: $words" refused $words
		check "… the old one stays" test "$(cat full/out)" = old
		check "… and the space is free again" sh -c 'test "$(ls -A full)" = out && test "$(du -sk full | cut -f 1)" -lt 100'
	done
	umount full
else
	tap_skip "a full disk" "no mounts here"
fi
# A disk that fails at its Nth change, from the first to the last one; one that reads and writes by pieces.
shim=$HVMUX_BUILD/tests/disk/shim/record.so
shimmed() { env LD_PRELOAD="$shim" RECORD_UNDER="$PWD/dir/" "$@"; }
failing() {
	i=0
	while i=$((i + 1)) && [ $i -lt 500 ]; do
		begin "$1"
		if shimmed RECORD_FAIL=$i RECORD_ERRNO="$2" "$HVMUX" img convert $words dir/out >said 2>&1; then
			[ $i -gt 2 ] && real compare $reads dir/out small.raw
			return
		fi
		as_before "$1" || {
			echo "at change $i"
			return 1
		}
	done
	echo "it never ended well"
	return 1
}
if [ -r "$shim" ]; then
	head -c 1500000 src.raw >small.raw
	dd if=src.raw of=small.raw bs=1k skip=4096 seek=5000 count=900 conv=notrunc status=none
	real convert -f raw -O qcow2 small.raw small.qcow2
	for words in "-f raw -O qcow2 small.raw" "-f raw -O raw small.raw" "-c -f raw -O qcow2 -o cluster_size=4k small.raw" \
		"-f qcow2 -O raw -t writeback small.qcow2" "-f raw -O qcow2 -o preallocation=full small.raw"; do
		case $words in
		*"-O raw"*) reads="-f raw -F raw" ;;
		*) reads="-f qcow2 -F raw" ;;
		esac
		for old in none old; do
			check "EIO at each change, $old: $words" failing $old 5
			check "a full disk at each change, $old: $words" failing $old 28
		done
		rm -f dir/out
		# shellcheck disable=SC2086
		check "by pieces: $words" shimmed RECORD_SHORT=1 "$HVMUX" img convert $words dir/out
		# shellcheck disable=SC2086
		check "… equal" real compare $reads dir/out small.raw
	done
else
	tap_skip "a disk that fails" "the recorder is not built: make tests"
fi
tap_done
