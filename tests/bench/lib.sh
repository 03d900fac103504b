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
