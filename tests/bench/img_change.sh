#!/bin/sh
# What changes an image, beside qemu-img: snapshots and another size of a disk with 200 MiB in it, and an overlay of 200 MiB
# committed and rebased. Each run has a fresh copy, on the disk before the clock starts.
. "$(dirname "$0")/lib.sh"
need_program qemu-img
need_program qemu-io
cd "$TEST_TMP" || exit 1
io() { qemu-io -f qcow2 "$@" >/dev/null || exit 1; }

qemu-img create -q -f qcow2 plain.qcow2 1G
io -c "write -P 1 0 200M" -c "write -P 3 700M 1M" plain.qcow2
cp plain.qcow2 snapshot.qcow2
qemu-img snapshot -c one snapshot.qcow2
io -c "write -P 4 10M 1M" snapshot.qcow2
qemu-img create -q -f qcow2 empty.qcow2 1G
qemu-img create -q -f raw base.raw 1G
qemu-img create -q -f qcow2 -b base.raw -F raw overlay.qcow2
i=0
while [ $i -lt 1000 ]; do
	echo "write -P $((i % 250 + 1)) ${i}M 1400k"
	i=$((i + 7))
done | qemu-io -f qcow2 overlay.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b overlay.qcow2 -F qcow2 top.qcow2

# change WHAT TARGET FROM ARGS...: the median of ours beside qemu-img's on copies of FROM, called image.qcow2.
change() {
	what=$1 target=$2 from=$3
	shift 3
	: >ours.ms
	: >peer.ms
	n=0
	while [ $n -lt "$rounds" ]; do
		for who in ours peer; do
			rm -f base.raw image.qcow2
			truncate -s 1G base.raw
			cp --sparse=always "$from" image.qcow2
			sync image.qcow2
			if [ $who = ours ]; then
				"$tools/pairs" 1 "$HVMUX" img "$@" >>ours.ms || exit 1
			else
				"$tools/pairs" 1 qemu-img "$@" >>peer.ms || exit 1
			fi
		done
		n=$((n + 1))
	done
	ours=$(sort -n ours.ms | nth $((rounds / 2 + 1)))
	peer=$(sort -n peer.ms | nth $((rounds / 2 + 1)))
	r=$(ratio "$ours" "$peer")
	row "img $what" "$ours ms" "qemu-img $peer ms" "$r" "<= $target x" "$(verdict "$r" le "$target")"
}
change "snapshot -c" 0.6 plain.qcow2 snapshot -c two image.qcow2
change "snapshot -a" 0.6 snapshot.qcow2 snapshot -a one image.qcow2
change "snapshot -d" 0.6 snapshot.qcow2 snapshot -d one image.qcow2
change "resize" 0.6 plain.qcow2 resize -q image.qcow2 +10G
change "commit, 200 MiB" 1.0 overlay.qcow2 commit -q image.qcow2
change "commit -d, 200 MiB" 1.0 overlay.qcow2 commit -q -d image.qcow2
change "rebase, safe, 200 MiB" 1.0 top.qcow2 rebase -b empty.qcow2 -F qcow2 image.qcow2
