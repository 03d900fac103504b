#!/bin/sh
# What is known of images: of one by a command, of a hundred (each an overlay with a snapshot, on one base) in one process.
. "$(dirname "$0")/lib.sh"
command -v qemu-img >/dev/null || {
	no_row "img info" "no qemu-img"
	exit 0
}
cd "$TEST_TMP" || exit 1
qemu-img create -q -f qcow2 base.qcow2 100G
images=
i=0
while [ $i -lt 100 ]; do
	i=$((i + 1))
	images="$images vm$i.qcow2"
	if [ $i = 1 ]; then
		qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 vm1.qcow2 && qemu-img snapshot -c before vm1.qcow2
	else
		cp vm1.qcow2 vm$i.qcow2
	fi
done

"$tools/pairs" "$rounds" "$HVMUX" img info vm1.qcow2 ::: qemu-img info vm1.qcow2 >pair 2>&1 || exit 1
ours=$(nth 1 <pair) peer=$(nth 2 <pair) r=$(ratio "$(nth 1 <pair)" "$(nth 2 <pair)")
row "info of one image" "$ours ms" "qemu-img $peer ms" "$r" "<= 0.6" "$(verdict "$r" le 0.6)"

# shellcheck disable=SC2086
"$tools/pairs" "$rounds" @"$tools/bench_facts" $images ::: sh -c 'for i; do qemu-img info "$i" >/dev/null; done' sh $images \
	>pair 2>&1 || exit 1
ours=$(nth 1 <pair) peer=$(nth 2 <pair) r=$(ratio "$(nth 2 <pair)" "$(nth 1 <pair)")
row "info of 100 images in one process" "$ours ms" "100 x qemu-img $peer ms" "$r" "<= 5 ms, >= 100 x faster" \
	"$(both "$(verdict "$ours" le 5)" "$(verdict "$r" ge 100)")"
# shellcheck disable=SC2086
again=$("$tools/bench_facts" $images | awk '{ print $2 }')
row "… looked at again, nothing changed" "$again ms" "-" "-" "<= 1 ms" "$(verdict "$again" le 1)"
