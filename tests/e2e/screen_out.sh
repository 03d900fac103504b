#!/bin/sh
# Whatever a guest says, what is written to the operator's terminal is on a closed list (doc/HACKING.md, "What reaches the
# operator's terminal"), and texts of commands are texts. The dashboard and its views run on real terminals of several kinds,
# behind a pty that keeps every byte (slow_pty), which out_check reads.
. "$(dirname "$0")/lib.sh"
guard=$HVMUX_BUILD/tests/e2e/slow_pty
out_check=$HVMUX_BUILD/tests/e2e/out_check
storms=${SCREEN_OUT_STORMS:-3} # seeds per terminal
fakes 4 hostile

# guarded TERM COLSxROWS [VAR=VALUE…] -- COMMAND…: what it writes is kept in $TEST_TMP/out.TERM
guarded() {
	out=$TEST_TMP/out.$1 guarded_env="TERM=$1" guarded_size=$2
	shift 2
	while [ "$1" != -- ]; do
		guarded_env="$guarded_env $1"
		shift
	done
	shift
	guarded_n=$((${guarded_n:-0} + 1))
	terminal "g$guarded_n" "$guarded_size" "$guard -o '$out' env $guarded_env $*"
}
storm() { echo "storm $1 $2" >&8; }

seed=0
for t in xterm-256color xterm vt100 screen tmux linux; do
	infocmp "$t" >/dev/null 2>&1 || { tap_skip "$t" "no terminfo entry"; continue; }
	guarded "$t" 100x30 -- "$HVMUX"
	see "vm1"
	for view in 2 3 4 5 6 7 8 1; do
		keys "$view"
	done
	keys Enter
	check "$t: the console is attached" see "detach"
	for _ in $(seq "$storms"); do
		seed=$((seed + 1))
		storm "$seed" 60000
		check "$t: storm $seed is drawn" see "storm $seed is over"
	done
	resize 80x24
	storm $((seed + 500)) 20000
	check "$t: and one at another size" see "storm $((seed + 500)) is over"
	keys F11
	see "scrollback"
	keys S-PPage PPage
	keys Escape
	see_not "scrollback"
	keys C-]
	check "$t: back in the list, whose preview has it, too" see "storm $((seed + 500)) is over"
	keys q
	check "$t: the end" see "ENDED 0"
	check "$t: everything that was written is on the list" "$out_check" "$out"
done

guarded vt220 80x24 LC_ALL=C -- "$HVMUX"
see "vm1"
keys Enter
see "detach"
storm 77 60000
check "a locale without UTF-8: a storm is drawn" see "storm 77 is over"
keys C-] q
see "ENDED 0"
check "in ASCII from the list" "$out_check" -a "$out"

guarded xterm 80x24 -- "$HVMUX" console vm1
see "storm 77 is over"
storm 78 60000
check "a console of its own" see "storm 78 is over"
keys C-]
see "ENDED 0"
check "from the list, too" "$out_check" "$out"

# --- texts ---------------------------------------------------------------------------------------------------
# says NAME COMMAND…: its output is kept; every command has to print something.
says() {
	says_file=$TEST_TMP/text.$1
	shift
	"$@" >"$says_file" 2>&1 </dev/null
	[ -s "$says_file" ] || { echo "nothing was printed: $*"; return 1; }
	"$out_check" -t "$says_file"
}
hv define /dev/stdin >/dev/null <<-END
	<domain type='qemu'><name>odd</name><description>two&#10;lines &#x202e;d&#x9b;31m&#x85;</description>
	<memory>1024</memory><os><type arch='x86_64'>hvm</type></os></domain>
END
check "list" says list hv list --all --title
check "list --json" says listjson hv list --all --json
check "dominfo" says dominfo hv dominfo vm1
check "dominfo --json" says dominfojson hv dominfo vm1 --json
check "domstate --reason" says domstate hv domstate vm1 --reason
check "domstats" says domstats hv domstats vm1
check "domblklist" says domblklist hv domblklist vm1
check "domifaddr" says domifaddr hv domifaddr vm1
check "guestinfo" says guestinfo hv guestinfo vm1
check "desc" says desc hv desc odd
check "screen" says screen hv screen vm1
check "events" says events hv events --history
check "crashes" says crashes hv crashes
check "an error names a hostile name" says error hv start "$(printf 'a\033]0;x\007\302\233b\342\200\256')"
tap_done
