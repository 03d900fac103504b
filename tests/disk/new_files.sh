#!/bin/sh
# A new image has its name when it is whole, and not before: whatever kills the command that makes it, and however its disk
# fails, there is nothing, or what was there before.
. "$(dirname "$0")/lib.sh"
need_program qemu-io
shim=$HVMUX_BUILD/tests/disk/shim/record.so replay=$HVMUX_BUILD/tests/disk/replay
[ -r "$shim" ] && [ -x "$replay" ] || tap_skip_all "the recorder is not built: make tests"
# Of many changes of one kind not each is tried.
TRIES_MAX=24
mkdir run

real create -q -f raw src.raw 12M
qemu-io -f raw -c "write -P 1 0 3M" -c "write -P 2 7M 1M" src.raw >/dev/null
real convert -O qcow2 -o cluster_size=4k src.raw src.qcow2
real convert -c -O qcow2 src.raw packed.qcow2
real create -q -f qcow2 old 3M
cksum src.raw src.qcow2 packed.qcow2 old >sums

shimmed() {
	shimmed_env=$1
	shift
	# shellcheck disable=SC2086
	(cd run && env LD_PRELOAD="$shim" RECORD_UNDER="$PWD/" $shimmed_env "$HVMUX" img "$@" </dev/null)
}
# Nothing but what was there; sources as they were.
nothing() {
	nothing_left=$(find run -mindepth 1 ! -name new -o -name new -size 0 ! -type f)
	[ -z "$nothing_left" ] || { echo "left behind: $nothing_left"; return 1; }
	if [ "$1" = old ]; then cmp run/new old || return 1; else [ ! -e run/new ] || { echo "half an image"; return 1; }; fi
	cksum src.raw src.qcow2 packed.qcow2 old | cmp - sums
}
prepare() {
	rm -rf run && mkdir run
	[ "$1" != old ] || cp old run/new
}
# sweep BEFORE VARIABLE ERRNO: at each change of the files, or at TRIES_MAX of them.
sweep() {
	sweep_by=$(((changes + TRIES_MAX - 1) / TRIES_MAX)) i=1
	while [ $i -le "$changes" ]; do
		prepare "$1"
		shimmed "RECORD_$2=$i RECORD_ERRNO=$3" $words >said 2>&1
		sweep_rc=$?
		case $2,$sweep_rc in
		KILL,137 | FAIL,1) ;;
		*)
			echo "change $i of $changes: exit status $sweep_rc"
			cat said
			return 1
			;;
		esac
		nothing "$1" || {
			echo "change $i of $changes"
			return 1
		}
		i=$((i + sweep_by))
	done
}
# made NAME COMMAND…: it makes run/new.
made() {
	name=$1
	shift
	words=$*
	for before in none old; do
		prepare $before
		rm -f log
		check "$name, over $before" shimmed RECORD_LOG="$PWD/log" $words || continue
		# shellcheck disable=SC2046
		set -- $("$replay" log count)
		changes=$1
		check "$name: it writes" test "$changes" -gt 0
		check "$name: kill -9 in $changes places" sweep $before KILL 0
		check "$name: EIO" sweep $before FAIL 5
		check "$name: a full disk" sweep $before FAIL 28
		prepare $before
		check "$name: short reads and writes" shimmed RECORD_SHORT=1 $words
	done
}

made "create" create -q -f qcow2 new 64M
made "create, preallocated" create -q -f qcow2 -o preallocation=full,cluster_size=4k new 3M
made "create, raw" create -q -f raw -o preallocation=falloc new 3M
made "convert to qcow2" convert -O qcow2 ../src.raw new
check "… holds what it was made of" real compare run/new src.raw
made "convert to raw" convert -O raw ../src.qcow2 new
check "… holds what it was made of" cmp run/new src.raw
made "convert, compressed" convert -c -O qcow2 ../src.qcow2 new
check "… holds what it was made of" real compare run/new src.raw
made "convert from compressed" convert -O qcow2 ../packed.qcow2 new
check "… holds what it was made of" real compare run/new src.raw
tap_done
