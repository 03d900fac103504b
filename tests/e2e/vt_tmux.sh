#!/bin/sh
# The terminal emulator beside tmux's: the same bytes through `hvmux screen --stdin` and through a pane, cells compared, their
# text and their looks. The bytes are what programs print here and now, and sequences that are made up. Where the two are
# known to differ it is told by name at the end, and ours is held against what xterm shows.
. "$(dirname "$0")/lib.sh"
rows=24 cols=80
tm -u new-session -d -s keep 'exec cat'
tm set-option -g remain-on-exit on >/dev/null
tm set-option -g default-terminal screen-256color >/dev/null

titled() { [ "$(tm display-message -p -t "$1" '#{pane_title}')" = "$2" ]; }
# replay FILE: a pane that has shown all of it; its name in $pane. The title comes after the last byte, so no byte is missing.
replay() {
	replay_n=$((${replay_n:-0} + 1))
	pane=r$replay_n
	tm new-session -d -s $pane -x $cols -y $rows \
		"stty raw -echo; cat '$1'; printf '\\033]2;end$replay_n\\033\\\\'; exec cat >/dev/null"
	wait_for 30 titled $pane end$replay_n
}
plain() { "$HVMUX" screen --stdin --rows $rows --cols $cols "$@"; }
# What tmux shows of a pane, as bytes for a terminal: line drawing is in G1.
shown_by_tmux() { printf '\033)0'; tm capture-pane -p -e -N -t $pane | as_typed; }
# Lines end with CR LF, but the last.
as_typed() { sed '$!s/$/\r/' | head -c -1; }
# A screen's text with its looks, once more through the emulator: what is equal then was equal. capture-pane says nothing of
# the blanks at a line's end, whatever their background.
looks() {
	as_typed | plain --ansi | sed 's/\x1b/^[/g; s/\(\^\[\[[0-9;]*m\| \)*$//' |
		sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
text_of() { sed 's/\^\[\[[0-9;]*m//g; s/ *$//' "$1"; }

# same FILE: text and looks. When they differ, the text is shown if it is the text.
same() {
	replay "$1" || return 1
	plain --ansi <"$1" | looks >"$TEST_TMP/ours"
	shown_by_tmux | plain --ansi | looks >"$TEST_TMP/theirs"
	tm kill-session -t $pane
	cmp -s "$TEST_TMP/theirs" "$TEST_TMP/ours" && return
	text_of "$TEST_TMP/theirs" >"$TEST_TMP/theirs.text"
	text_of "$TEST_TMP/ours" >"$TEST_TMP/ours.text"
	echo "< tmux, > ours"
	diff "$TEST_TMP/theirs.text" "$TEST_TMP/ours.text" && diff "$TEST_TMP/theirs" "$TEST_TMP/ours"
	return 1
}

# --- what programs print ---------------------------------------------------------------------------------
seq 1 500 | sed 's/$/\r/' >"$TEST_TMP/seq"
check "seq" same "$TEST_TMP/seq"
ls --color=always -l /usr/bin /dev 2>/dev/null | sed 's/$/\r/' >"$TEST_TMP/ls"
check "ls in colours" same "$TEST_TMP/ls"
ls --color=always -C -w $cols /usr/bin | sed 's/$/\r/' >"$TEST_TMP/lsc"
check "ls in columns" same "$TEST_TMP/lsc"
head -c 20000 "$HVMUX" >"$TEST_TMP/binary"
LC_ALL=C tr -d '\000-\037\177-\377' <"$TEST_TMP/binary" >"$TEST_TMP/text"
check "text that wraps" same "$TEST_TMP/text"

# record NAME PROGRAM...: runs it in a pane, its output to $TEST_TMP/NAME; keys go to it.
record() {
	pane=$1
	mkfifo "$TEST_TMP/$1.go"
	: >"$TEST_TMP/$1"
	record_name=$1
	shift
	tm new-session -d -s "$pane" -x $cols -y $rows \
		"cat '$TEST_TMP/$record_name.go'; export TERM=xterm-256color LC_ALL=C.UTF-8 HOME='$TEST_TMP'; exec $*"
	tm pipe-pane -t "$pane" "cat >'$TEST_TMP/$record_name'"
	: >"$TEST_TMP/$record_name.go"
}
# Nothing came since the last look: the recording does not end within a character.
steady() {
	steady_was=${steady_now:-none} steady_now=$(wc -c <"$1")
	[ "$steady_was" = "$steady_now" ]
}
# recorded NAME: compared as it is by now.
recorded() {
	wait_for 20 steady "$TEST_TMP/$1" >/dev/null
	cp "$TEST_TMP/$1" "$TEST_TMP/$1.cut"
	tm kill-session -t "$1"
	check "$1" same "$TEST_TMP/$1.cut"
}
needs() { command -v "$1" >/dev/null || { tap_skip "$1" "no $1 here"; return 1; }; }

seq 1 300 | sed 's/.*/line & of a file, with words that are long enough to be worth reading/' >"$TEST_TMP/file"
if needs vim; then
	record vim vim -u NONE -N -n --cmd "'set hlsearch incsearch number'" "$TEST_TMP/file"
	see "line 20" >/dev/null
	keys 5 d d 4 0 j p Escape ':' split Enter C-f C-f ':' vsplit Enter 3 0 G O
	text "inserted 你好 é text"
	keys Escape '/' l i n e ' ' 9 Enter n N ':' s / o / 0 / g Enter u C-r g J '>' '>' . i
	text "the last"
	check "vim is at work" see "the last"
	recorded vim
fi
if needs less; then
	record less less -R "$TEST_TMP/file"
	see "line 20" >/dev/null
	keys Space Space b / w o r t h Enter n n N k k k 1 2 0 g
	check "less is at work" see "line 125"
	recorded less
fi
if needs top; then
	record top top -d 0.3
	see "load average" >/dev/null
	keys z x b V 1 m t
	see "PID" >/dev/null
	recorded top
fi
if needs nano; then
	record nano nano -I "$TEST_TMP/file"
	see "line 10" >/dev/null
	keys C-v C-v C-k C-k C-u Up Up C-w 9 9 Enter End Enter x y z
	check "nano is at work" see "xyz"
	recorded nano
fi
if needs htop; then
	record htop htop -d 3
	see "Load average" >/dev/null
	keys Down Down F5
	recorded htop
fi
if needs mc; then
	record mc mc -c -u -d
	see "Quit" >/dev/null
	keys F9 Right Down Down Down
	see "Hot" >/dev/null
	recorded mc
fi

# --- what is made up -------------------------------------------------------------------------------------
# sequences SEED: what text programs use, in an order that nobody would choose.
sequences() {
	awk -v seed="$1" -v rows=$rows -v cols=$cols 'BEGIN {
		srand(seed)
		n = split("%s|%s|%s%s|\033[{r};{c}H%s|\033[{r};{c}H%s|\033[{n}A|\033[{n}B|\033[{n}C|\033[{n}D|\033[{n}G|\033[{n}d|" \
			"\033[{r};{c}H\033[K|\033[{r};{c}H\033[1K|\033[{r};{c}H\033[2K|\033[{r};{c}H\033[J|\033[{r};{c}H\033[1J|" \
			"\033[{r};{c}H\033[{n}@|\033[{r};{c}H\033[{n}P|\033[{r};{c}H\033[{n}X|" \
			"\033[{t};{u}r\033[{i};{c}H\033[{n}L\033[{r};{c}H|\033[{t};{u}r\033[{i};{c}H\033[{n}M\033[{r};{c}H|" \
			"\033[{t};{u}r\033[{r};{c}H|\033[r\033[{r};{c}H|\033[{n}S|\r\n|\r\n|\r\n|\n|\033D|\033M|\033E|\t|\033[{n}Z|" \
			"\033[{r};{t}Hxx\b|\r|\0337|\0338|\033[{r};{c}H%s%s%s%s%s|\033[1m|\033[3m|\033[4m|\033[7m|\033[22m|" \
			"\033[24m|\033[27m|\033[{f}m|\033[{b}m|\033[38;5;{k}m|\033[48;5;{k}m|\033[38;2;{k};{k};{k}m|\033[m|\033[m|" \
			"\033[39;49m|\033[{r};{t}H\033[K\033[4h%s\033[4l|\033(0lqk\033(B|\033[{r};{c}H\033H|" \
			"\033[?7l%s%s%s\033[?7h\033[{r};{c}H|\033[{r};{t}Hx\033[{n}b|\033[{r};{c}H\033[49m你好 é e\314\201 %s", op, "|")
		for (i = 0; i < 300; i++) {
			s = op[1 + int(rand() * n)]
			while (sub("%s", word(), s)) ;
			t = 1 + int(rand() * (rows - 4))
			s = put(s, "r", 1, rows)
			s = put(s, "c", 1, cols)
			s = put(s, "n", 1, 6)
			s = put(s, "t", t, t)
			u = t + 2 + int(rand() * (rows - t - 1))
			s = put(s, "u", u, u)
			s = put(s, "i", t, u)
			s = put(s, "f", 30, 37)
			s = put(s, "b", 40, 47)
			s = put(s, "k", 0, 255)
			printf "%s", s
		}
	}
	# {name} becomes a number from low to high, each time another
	function put(s, name, low, high) {
		while (sub("[{]" name "[}]", low + int(rand() * (high - low + 1)), s)) ;
		return s
	}
	function word() { return substr("words-of-many-lengths", 1, 1 + int(rand() * 20)) }'
}
for seed in $(seq 1 40); do
	sequences "$seed" >"$TEST_TMP/made"
	check "sequences made from $seed" same "$TEST_TMP/made"
done

# --- where they differ -------------------------------------------------------------------------------------
# differs NAME TEXT BYTES: the sequences above avoid it. TEXT is what we show, as xterm does.
differs() {
	printf '%b' "$3" >"$TEST_TMP/made"
	printf '%b\n' "$2" >"$TEST_TMP/want"
	plain <"$TEST_TMP/made" >"$TEST_TMP/ours.now"
	check "$1: as in xterm" diff "$TEST_TMP/want" "$TEST_TMP/ours.now"
	same "$TEST_TMP/made" >"$TEST_TMP/told" && echo "# $1: tmux does so too by now"
}
# tmux 3.3a deletes and inserts lines wherever the cursor is,
differs "lines outside the margins are not deleted" 'word' '\033[4;12r\033[Hword\033[M'
differs "nor inserted" 'word' '\033[4;12r\033[Hword\033[L'
# stands beyond the line while a wrap is pending,
differs "DCH with a wrap pending deletes the last column" \
	"$(printf '%79s' a)" '\033[1;79Hab\033[P'
# which erasing does not end,
differs "erasing ends a pending wrap" "$(printf '%80s' x)" '\033[1;79Hab\033[2Kx'
# goes back over the left margin by a backspace where the line was wrapped,
differs "a backspace stops at the margin" "$(printf '%80s' a)\nx" '\033[1;80Hab\r\bx'
# and ends a repetition with the line.
differs "REP wraps" "$(printf '%80s' xx)\nxx" '\033[1;79Hx\033[3b'
tap_done
