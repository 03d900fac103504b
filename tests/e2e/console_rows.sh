#!/bin/sh
# The attached console draws the rows that changed, and no row of before is ever left behind: after random output, keys, the
# menu, the scrollback, other sizes, the screen is what a redraw of all of it (the menu opened and closed) shows.
. "$(dirname "$0")/lib.sh"
fakes 2
dash 100x30
see "2 VMs"
keys Enter
see "detach"
text hello # the hint in the status line goes with the first key
keys Enter
see "got 5 bytes"

# pour SEED ROWS: edits all over a screen; the last thing that changes is the last row, and rows are drawn in order.
pour() {
	awk -v seed="$1" -v rows="$2" 'BEGIN {
		srand(seed)
		split("L M P @ X S T J K A B", final, " ")
		for (i = 0; i < 400; i++) {
			k = int(rand() * 8)
			if (k < 3) printf "\033[%d;%dH\033[%d;%dmword%d\033[m", 1 + rand() * 30, 1 + rand() * 100, rand() * 2, 31 + rand() * 7, i
			else if (k == 3) printf "\033[%d%s", 1 + rand() * 3, final[1 + int(rand() * 11)]
			else if (k == 4) printf "\033[%d;%dr", 1 + rand() * 8, 12 + rand() * 10
			else if (k == 5) printf "\r\n\r\n漢字 line %d", i
			else if (k == 6) printf "\033[44m\033[K\033[m\033[%dM", 1 + rand() * 2
			else printf "\033[%s", substr("?5h?5l4h4l", 1 + 3 * int(rand() * 2), 3)
		}
		printf "\033[?5l\033[4l\033[r\033[%d;1H\033[Kpour %d is over", rows, seed
	}' >"$TEST_TMP/pour.$1"
	echo "pour $TEST_TMP/pour.$1" >&8
}
# Each cell's character and looks; of a blank those that are seen.
colours() {
	tm capture-pane -p -e -t "$pane" | LC_ALL=C awk '
	function sgr(p, n, i, v) {
		n = split(p, v, ";")
		if (n == 0) looks = fg = bg = ""
		for (i = 1; i <= n; i++)
			if (v[i] == "" || v[i] == 0) looks = fg = bg = ""
			else if (v[i] == 39) fg = ""
			else if (v[i] == 49) bg = ""
			else if (v[i] >= 30 && v[i] < 38 || v[i] >= 90 && v[i] < 98) fg = v[i]
			else if (v[i] >= 40 && v[i] < 48 || v[i] >= 100) bg = v[i]
			else looks = looks "," v[i]
	}
	{
		row = ""; last = 0
		while ($0 != "") {
			if (match($0, /^\033\[[0-9;]*m/)) {
				sgr(substr($0, 3, RLENGTH - 3))
				$0 = substr($0, RLENGTH + 1)
				continue
			}
			c = substr($0, 1, 1)
			$0 = substr($0, 2)
			seen = c == " " && looks !~ /7/ ? " <" bg ">" : c "<" looks " " fg " " bg ">"
			row = row seen
			if (seen != " <>") last = length(row)
		}
		print substr(row, 1, last)
	}'
}
as_before() {
	colours >"$TEST_TMP/redrawn"
	diff "$TEST_TMP/by_rows" "$TEST_TMP/redrawn"
}
# whole WHAT
whole() {
	colours >"$TEST_TMP/by_rows"
	keys 'C-\'
	see "vm1: console" || tap_not_ok "$1: the menu"
	keys Escape
	check "$1: a redraw changes nothing" wait_for 20 as_before
}

seed=0
poured() {
	seed=$((seed + 1))
	pour $seed "$1"
	see "pour $seed is over" || tap_not_ok "pour $seed"
}
for _ in 1 2 3 4 5; do
	poured 29
	whole "output $seed"
done
text typed
see "is overtyped"
whole "an echo"

keys 'C-\' '['
see "scrollback"
pour 50 29
keys S-PPage
keys q
check "out of the scrollback" see "pour 50 is over"
whole "output while reading back"
keys 'C-\'
see "vm1: console"
pour 51 29
keys Escape
see_not "vm1: console"
check "out of the menu" see "pour 51 is over"
whole "output under the menu"

resize 80x24
see "detach"
poured 23
whole "a smaller terminal"
resize 110x35
see "detach"
poured 34
whole "a larger one"

first=$pane
dash 70x20
see "2 VMs"
keys Enter
see "w asks"
keys F11
check "another operator has the keyboard, and the screen his size" see_not "w asks"
pane=$first
check "the first is told, and then no more" see "took the keyboard"
see "w asks, F11 takes it over"
poured 19
whole "a screen smaller than the terminal"
tap_done
