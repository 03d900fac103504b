#!/bin/sh
# What an image is worth after a crash, a power cut or a failing disk in the middle of each command that writes. Every change of the
# files is recorded, done again one by one, and the real qemu-img looks at each state on the way: leaks are allowed, and
# nothing else.
. "$(dirname "$0")/lib.sh"
need_program qemu-io
shim=$HVMUX_BUILD/tests/disk/shim/record.so replay=$HVMUX_BUILD/tests/disk/replay
[ -r "$shim" ] && [ -x "$replay" ] || tap_skip_all "the recorder is not built: make tests"
LOST_SEEDS="1 2 3"
mkdir orig run now

io() { qemu-io -f qcow2 "$@" >/dev/null; }
# A command of ours on the files in run, with the shim and the variables in front: shimmed RECORD_FAIL=3 -- resize …
shimmed() {
	shimmed_env=
	while [ "$1" != -- ]; do
		shimmed_env="$shimmed_env $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	(cd run && env LD_PRELOAD="$shim" RECORD_UNDER="$PWD/" $shimmed_env "$HVMUX" img "$@" </dev/null)
}
restore() { rm -rf "$1" && cp -a --sparse=always orig "$1"; }
# Sound, or leaking, or as bad as it was ($worst): each file that is written to. With "keeps", top.qcow2 reads as it did.
sound() {
	for sound_f in $written; do
		sound_f=$1/$sound_f.qcow2
		real check -q "$sound_f" >check.out 2>&1
		sound_rc=$?
		if [ $sound_rc -ne 0 ] && [ $sound_rc -ne 3 ] && [ $sound_rc -ne "$worst" ]; then
			echo "$sound_f: exit status $sound_rc"
			real check "$sound_f" 2>&1 | head -n 5
			return 1
		fi
	done
	[ -z "$keeps" ] || real compare -f qcow2 -F raw "$1/top.qcow2" orig.raw
}

# Each state on the way, and that with half of the next write.
prefixes() {
	restore now
	i=0
	while [ $i -lt "$records" ]; do
		for how in half step; do
			"$replay" log $how now $i || return 1
			sound now >why 2>&1 || {
				echo "after record $i of $records ($how):"
				cat why
				return 1
			}
		done
		i=$((i + 1))
	done
}
# What a disk's cache keeps of what no sync has brought home is up to chance.
power_cuts() {
	e=0
	while [ $e -lt "$epochs" ]; do
		for seed in $LOST_SEEDS; do
			restore now
			"$replay" log lose now $e "$seed" || return 1
			sound now >why 2>&1 || {
				echo "power cut in epoch $e of $epochs, seed $seed:"
				cat why
				return 1
			}
		done
		e=$((e + 1))
	done
}
# faults VARIABLE=: from the first change to the last one; the command says no, or had no need of it. Signals are no answer.
faults() {
	i=1
	while [ $i -le "$records" ]; do
		restore run
		shimmed $1$i RECORD_ERRNO="${2:-5}" -- $words >said 2>&1
		faults_rc=$?
		if [ $faults_rc -gt 127 ] && [ "$1" != RECORD_KILL= ]; then
			echo "change $i of $records: exit status $faults_rc"
			return 1
		fi
		sound run >why 2>&1 || {
			echo "change $i of $records:"
			cat why said
			return 1
		}
		i=$((i + 1))
	done
}
short() {
	restore run
	shimmed RECORD_SHORT=1 -- $words && sound run && real compare run/top.qcow2 now/top.qcow2
}

# crash NAME COMMAND…: the files of orig, changed by a command of ours. An empty word is not possible in it.
crash() {
	name=$1
	shift
	words=$*
	if ! img help | grep -q "^  $1 "; then
		tap_skip "$name" "img $1 is not built in"
		return
	fi
	rm -f log orig.raw
	real convert -O raw orig/top.qcow2 orig.raw
	restore run
	# shellcheck disable=SC2086
	check "$name" shimmed RECORD_LOG="$PWD/log" -- $words || return
	# shellcheck disable=SC2046
	set -- $("$replay" log count)
	records=$1 epochs=$2
	check "$name: it writes" test "$records" -gt 0
	check "$name: ends sound" sound run
	check "$name: each of $records states on the way" prefixes
	check "$name: power cuts in $epochs epochs" power_cuts
	check "$name: EIO at each change" faults RECORD_FAIL=
	# The same places for every kind of image: of one is enough.
	if [ -z "$o" ]; then
		check "$name: a full disk at each change" faults RECORD_FAIL= 28
		check "$name: kill -9 at each change" faults RECORD_KILL=
	fi
	[ -z "$keeps" ] || check "$name: short reads and writes" short
}
# An image of 4 KiB clusters, with holes, zeroes and compressed clusters, over a base.
image() {
	rm -rf orig && mkdir orig
	(
		cd orig || exit
		real create -q -f qcow2 -o "cluster_size=4k${1:+,$1}" base.qcow2 4M
		io -c "write -P 1 0 1M" -c "write -P 2 2M 64k" base.qcow2
		real create -q -f qcow2 -o "cluster_size=4k${1:+,$1}" -b base.qcow2 -F qcow2 top.qcow2 4M
		io -c "write -P 3 512k 64k" -c "write -P 4 3M 20k" top.qcow2
	)
}
poke() { printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; }

worst=0 keeps=yes written=top o=
image
# A leak; then a count that is too high, too, and a block of counts that is not found.
blocks=$(real check --output=json orig/top.qcow2 | sed -n 's/.*image-end-offset": \([0-9]*\).*/\1/p')
truncate -s $((blocks + 65536)) orig/top.qcow2
poke orig/top.qcow2 $((0x2000 + (blocks / 4096 + 3) * 2)) '\0\1'
crash "check -r leaks" check -r leaks top.qcow2
poke orig/top.qcow2 $((0x2000 + 2 * (blocks / 4096 - 1))) '\0\5'
worst=2
crash "check -r all" check -r all top.qcow2
poke orig/top.qcow2 $((0x1000)) '\0\0\0\0\0\0\0\0'
crash "check -r all, with new counts" check -r all top.qcow2
check "… which leaves nothing" sh -c 'cp orig/top.qcow2 orig/base.qcow2 run && cd run && "$HVMUX" img check -r all top.qcow2 && qemu-img check top.qcow2'
worst=0

for o in "" refcount_bits=1 extended_l2=on,cluster_size=16k; do
	keeps=yes
	image $o
	crash "resize, larger${o:+ ($o)}" resize -q top.qcow2 8M
	crash "resize, much larger${o:+ ($o)}" resize -q top.qcow2 8G
	keeps=
	crash "resize, smaller${o:+ ($o)}" resize -q --shrink top.qcow2 1M
	written="base top"
	crash "commit${o:+ ($o)}" commit -q top.qcow2
	written=top
	[ "$o" != refcount_bits=1 ] || continue
	keeps=yes
	crash "snapshot -c${o:+ ($o)}" snapshot -c one top.qcow2
	real snapshot -c one orig/top.qcow2
	io -c "write -P 9 0 300k" -c "write -P 9 3M 8k" orig/top.qcow2
	crash "snapshot -d${o:+ ($o)}" snapshot -d one top.qcow2
	keeps=
	crash "snapshot -a${o:+ ($o)}" snapshot -a one top.qcow2
done
keeps=yes o=
image
(cd orig && real create -q -f qcow2 -o cluster_size=4k other.qcow2 4M && io -c "write -P 1 0 900k" other.qcow2)
crash "rebase" rebase -q -b other.qcow2 -F qcow2 top.qcow2
image
crash "amend, lazy refcounts" amend -q -o lazy_refcounts=on top.qcow2
crash "amend, older" amend -q -o compat=0.10 top.qcow2
crash "bitmap --add" bitmap --add top.qcow2 b0
tap_done
