#!/bin/sh
# A search over 1 GiB of compressed console logs, beside zgrep(1) over the same files.
. "$(dirname "$0")/lib.sh"

vms=16 files=17 # of 4 MiB, the live one among them
log=$HVMUX_HOME/log
mkdir -p "$log/vm1"
"$tools/bench_log" "$log/vm1/console0.log" $files 4194304 64 || exit 1
i=1
while [ $i -lt $vms ]; do
	i=$((i + 1))
	cp -r "$log/vm1" "$log/vm$i"
done
rounds=$(((rounds + 2) / 3)) # each of several seconds

# compare WHAT WHERE PATTERN [FLAG]: WHERE is --all or a VM.
compare() {
	find "$log/${2#--all}" -name 'console*.log*' ! -name '*.idx' >"$TEST_TMP/files"
	"$tools/pairs" "$rounds" sh -c "'$HVMUX' log $2 --grep '$3' ${4:-} >'$TEST_TMP/ours'; test \$? -le 1" ::: \
		sh -c "xargs zgrep -E ${4:-} '$3' <'$TEST_TMP/files' >'$TEST_TMP/peers'; true" >"$TEST_TMP/ms" || exit 1
	{ read -r ours; read -r peer; } <"$TEST_TMP/ms"
	r=$(ratio "$peer" "$ours")
	row "log: $1" "$ours ms" "zgrep $peer ms" "$r" ">= 0.7 x zgrep" "$(verdict "$r" ge 0.7)"
}
compare "a word in 1 GiB of compressed logs" --all "oom-kil"
compare "words without regard to case in 64 MiB" vm1 "oom-KIL|panic|I/O error" -i
compare "an expression without a word in 64 MiB" vm1 "[0-9a-f]{8}[g-z]"
compare "one that every twentieth line matches in 64 MiB" vm1 "[0-9a-f]{7}7"
