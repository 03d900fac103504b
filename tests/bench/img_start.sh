#!/bin/sh
# What is done in an instant: one image, one command, most of it the start of a program. hvmux-img is what a link named
# qemu-img leads to; `hvmux img` also loads what the dashboard needs.
. "$(dirname "$0")/lib.sh"
command -v qemu-img >/dev/null || { no_row "single img commands" "no qemu-img here"; exit 0; }
small=$(dirname "$HVMUX")/hvmux-img
[ -x "$small" ] || { no_row "single img commands" "no hvmux-img here"; exit 0; }
cd "$TEST_TMP" || exit 2
for f in ours whole theirs; do
	qemu-img create -q -f qcow2 $f 10G && qemu-io -f qcow2 -c "write 0 20M" $f >/dev/null && qemu-img snapshot -c old $f || exit 1
done

# single WHAT WORDS…: FILE in the words is an image of each one's own.
single() {
	what=$1
	shift
	words=$*
	# shellcheck disable=SC2046,SC2086
	set -- $("$tools/pairs" $((rounds * 3)) "$small" $(echo "$words" | sed 's/FILE/ours/') ::: \
		"$HVMUX" img $(echo "$words" | sed 's/FILE/whole/') ::: qemu-img $(echo "$words" | sed 's/FILE/theirs/')) || exit 1
	r=$(ratio "$1" "$3")
	row "img $what, alone" "$1 ms (hvmux img: $2 ms, $(ratio "$2" "$3"))" "qemu-img $3 ms" "$r" "<= 0.6 x" "$(verdict "$r" le 0.6)"
}
single info info FILE
single check check FILE
single create create -q -f qcow2 new.FILE 1G
single "snapshot -c" snapshot -c new FILE
single "snapshot -a" snapshot -a old FILE
single "snapshot -d" snapshot -d new FILE
single resize resize -q FILE +64k
