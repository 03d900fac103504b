# shellcheck shell=sh
# tests/lint/lib.sh: sourced by the lints.
set -u
LC_ALL=C
export LC_ALL
cd "${HVMUX_SRC:-$(dirname "$0")/../..}" || exit 2
lint_n=0 lint_failed=0

# lint NAME COMMAND...: passes when the command prints nothing; what it prints is what is wrong, a line each.
lint() {
	lint_n=$((lint_n + 1)) name=$1
	shift
	found=$("$@" 2>&1 | head -n 40)
	if [ -z "$found" ]; then
		echo "ok $lint_n - $name"
	else
		lint_failed=1
		echo "not ok $lint_n - $name"
		printf '%s\n' "$found" | sed 's/^/# /'
	fi
}
lint_skip() {
	lint_n=$((lint_n + 1))
	echo "ok $lint_n - $1 # SKIP $2"
}
lint_done() {
	echo "1..$lint_n"
	exit $lint_failed
}
# Every file of the project, one a line, ./ in front.
project_files() { find . \( -name .git -o -path ./build \) -prune -o -type f ! -path ./Makefile ! -path ./hvmux ! -path ./hvmux-img -print | sort; }
c_files() { find src tests -name '*.[ch]' | sort; }
# By name or by first line.
shell_files() {
	project_files | while read -r f; do
		case $f in
		*.sh) echo "$f" ;;
		*.[chS] | */tests/data/* | */corpus/*) ;;
		*) head -n 1 "$f" 2>/dev/null | grep -aqE '^#!.*[/ ](ba|da)?sh( |$)' && echo "$f" ;;
		esac
	done
}
