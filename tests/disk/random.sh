#!/bin/sh
# Random sequences: what our library writes the real qemu-img reads, and what qemu-io writes our library reads, byte for
# byte. RANDOM_ROUNDS and RANDOM_SEED make more of it.
. "$(dirname "$0")/lib.sh"
need_program qemu-io
random=$HVMUX_BUILD/tests/disk/random
[ -x "$random" ] || tap_skip_all "the test's program is not built: make tests"
rounds=${RANDOM_ROUNDS:-2} seed=${RANDOM_SEED:-1}

# fresh OPTIONS: an image of 8 MiB over a base, and what it reads as.
fresh() {
	rm -f a.qcow2 base.qcow2 model* d.raw
	real create -q -f qcow2 base.qcow2 6M
	qemu-io -f qcow2 -c "write -P 17 0 1M" -c "write -P 34 3M 700k" -c "write -c -P 51 5M 64k" base.qcow2 >/dev/null
	case $1 in
	*data_file*) real create -q -f qcow2 -o "$1" a.qcow2 8M ;;
	*) real create -q -f qcow2 -o "$1" -b base.qcow2 -F qcow2 a.qcow2 8M ;;
	esac
	qemu-io -f qcow2 -c "write -P 1 2M 300k" -c "write -z 512k 100k" a.qcow2 >/dev/null
	case $1 in
	*data_file*) ;;
	*) qemu-io -f qcow2 -c "write -c -P 5 4M 64k" a.qcow2 >/dev/null ;;
	esac
	real convert -O raw a.qcow2 model
}
ours_by_theirs() {
	fresh "$1"
	"$random" "$seed" "$2" a.qcow2 model >names || return 1
	real check a.qcow2 || return 1
	real compare -f qcow2 -F raw a.qcow2 model || return 1
	while read -r name; do
		real convert -l "$name" -O raw a.qcow2 old && real compare -f raw -F raw old "model.$name" || return 1
	done <names
}
# A script of qemu-io's, from a sequence of its own.
commands() {
	awk -v seed="$seed" 'BEGIN {
		srand(seed)
		for (i = 0; i < 60; i++) {
			at = int(rand() * 16000) * 512
			n = (1 + int(rand() * 200)) * 512
			if (at + n > 8388608) n = 8388608 - at
			k = rand()
			if (k < .6) printf "write -P %d %d %d\n", 1 + int(rand() * 250), at, n
			else if (k < .75) printf "write -z %d %d\n", at, n
			else if (k < .85) printf "write -c -P %d %d 65536\n", 1 + int(rand() * 250), int(at / 65536) * 65536 % 8323072
			else printf "discard %d %d\n", at, n
		}
	}'
}
theirs_by_ours() {
	fresh "$1"
	commands | if expr "$1" : '.*data_file' >/dev/null; then grep -v -- -c; else cat; fi | qemu-io -f qcow2 a.qcow2 >/dev/null
	real convert -O raw a.qcow2 model
	# The same opinion: QEMU itself has written what its check calls corrupt (compressed over discarded, compat=0.10).
	real check -q a.qcow2
	theirs_rc=$?
	img check -q a.qcow2
	[ $? = $theirs_rc ] && img convert -O raw a.qcow2 got && cmp got model
}

for o in cluster_size=64k cluster_size=512 cluster_size=4k,refcount_bits=8 cluster_size=64k,extended_l2=on \
	cluster_size=16k,extended_l2=on,refcount_bits=64 compat=0.10 cluster_size=4k,lazy_refcounts=on \
	cluster_size=64k,data_file=d.raw; do
	round=0
	while [ $round -lt "$rounds" ]; do
		check "ours, read by qemu-img: $o, seed $seed" ours_by_theirs $o 150
		check "qemu-io's, read by ours: $o, seed $seed" theirs_by_ours $o
		round=$((round + 1)) seed=$((seed + 1))
	done
done
tap_done
