# shellcheck shell=sh disable=SC3045
# tests/e2e/lib.sh: sourced by the tests of the dashboard in a real terminal (tmux). POSIX sh, on top of
# tests/qemu/lib.sh (TAP, a HVMUX_HOME of the test's own, waiting with deadlines, guests).
#
#	. "$(dirname "$0")/lib.sh"
#	fakes 200
#	dash 80x24
#	check "the list is drawn" see "200 VMs"
#	keys j Enter
#
# see and friends return as soon as the text is there, and show the screen when it never comes.
. "$(dirname "$0")/../qemu/lib.sh"
need_program tmux

TMUX_SOCKET=$TEST_TMP/tmux
tm() { tmux -S "$TMUX_SOCKET" -f /dev/null "$@"; }
# The pane that keys, see and screen mean.
pane=a

e2e_cleanup() {
	tm kill-server 2>/dev/null
	exec 8>&- # the fakes end when their standard input does
	cleanup
}
trap e2e_cleanup EXIT

# fakes N [WORD...]: VMs without a QEMU (fakevms.c); the first has a console.
fakes() {
	ulimit -n "$(ulimit -H -n)" 2>/dev/null
	mkfifo "$TEST_TMP/fakes.in"
	"$HVMUX_BUILD/tests/e2e/fakevms" "$@" <"$TEST_TMP/fakes.in" >"$TEST_TMP/fakes.out" 2>&1 &
	fakes_pid=$!
	exec 8>"$TEST_TMP/fakes.in"
	wait_for 30 grep -q ready "$TEST_TMP/fakes.out" || cat "$TEST_TMP/fakes.out"
}

# terminal NAME COLSxROWS COMMAND...: a terminal that runs it through a shell, then says how it ended.
terminal() {
	pane=$1 term_cols=${2%x*} term_rows=${2#*x}
	shift 2
	tm new-session -d -s "$pane" -x "$term_cols" -y "$term_rows" \
		"stty -a >'$TEST_TMP/$pane.before'; env HVMUX_HOME='$HVMUX_HOME' LC_ALL='$LC_ALL' $*; echo ENDED \$?; stty -a >'$TEST_TMP/$pane.after'; exec sh"
	tm set-option -g set-clipboard on >/dev/null
	tm set-option -g history-limit 5000 >/dev/null
}
# dash COLSxROWS [VAR=VALUE...] [-- OPTIONS]: the dashboard.
dash() {
	dash_size=$1 dash_env=
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		dash_env="$dash_env $1"
		shift
	done
	[ $# -eq 0 ] || shift
	dash_n=$((${dash_n:-0} + 1))
	terminal "t$dash_n" "$dash_size" "$dash_env $HVMUX $*"
}
# Its process.
dash_pid() {
	dash_shell=$(tm display-message -p -t "$pane" '#{pane_pid}')
	for p in $(cat "/proc/$dash_shell/task/$dash_shell/children"); do
		case $(readlink "/proc/$p/exe") in */hvmux) echo "$p" ;; esac
	done
}
dash_runs() { [ -n "$(dash_pid)" ]; }

# keys KEY...: as tmux names them (Enter, Escape, C-], F12). text TEXT: typed as it is.
keys() { tm send-keys -t "$pane" "$@"; }
text() { tm send-keys -t "$pane" -l -- "$1"; }
screen() { tm capture-pane -p -t "$pane"; }
resize() { tm resize-window -t "$pane" -x "${1%x*}" -y "${1#*x}"; }

shows() {
	screen >"$TEST_TMP/shown"
	if ! grep -qF -- "$1" "$TEST_TMP/shown"; then
		echo "not on the screen: $1"
		cat "$TEST_TMP/shown"
		return 1
	fi
}
shows_not() {
	screen >"$TEST_TMP/shown"
	if grep -qF -- "$1" "$TEST_TMP/shown"; then
		echo "still on the screen: $1"
		cat "$TEST_TMP/shown"
		return 1
	fi
}
# see TEXT [SECONDS]; see_not TEXT [SECONDS]
see() { wait_for "${2:-20}" shows "$1"; }
see_not() { wait_for "${2:-20}" shows_not "$1"; }
# The row under the cursor is that of VM $1.
on_row() { shows "▸ $1 " || shows "▸*$1 "; }
# The line of a screen that has text $1 has text $2, too.
line_shows() {
	screen >"$TEST_TMP/shown"
	grep -F -- "$1" "$TEST_TMP/shown" | grep -qF -- "$2" || { cat "$TEST_TMP/shown"; return 1; }
}
# The terminal is as it was before: modes of the line, no alternate screen, cursor visible, no bracketed paste.
restored() {
	diff "$TEST_TMP/$pane.before" "$TEST_TMP/$pane.after" || return 1
	[ "$(tm display-message -p -t "$pane" '#{alternate_on} #{cursor_flag}')" = "0 1" ]
}
